#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "risk/history/calibrate.hpp"
#include "risk/history/coverage.hpp"
#include "risk/history/prices.hpp"
#include "risk/kernel/universe.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Margins of the past against what was lost then.
///
/// Windows follow each other without overlap. At the start of each the portfolio is margined from
/// the prices and the parameters of that moment, and the margin is held against what the portfolio
/// has lost at the window's end. Rows are handed to the calibrator as time passes, and no row
/// beyond the start of a window before its margin is known.

namespace crossclear::risk::history {

/// One instrument of a portfolio.
struct TestLeg {
    std::string instrument;
    double quantity{};  ///< Units; negative where owed.
    bool is_usd{};      ///< `quantity` is USD at the start of each window instead.

    friend bool operator==(const TestLeg&, const TestLeg&) = default;
};

/// What is held through every window, each time anew.
struct TestPortfolio {
    std::string name;
    std::vector<TestLeg> legs;

    friend bool operator==(const TestPortfolio&, const TestPortfolio&) = default;
};

/// Long and short of each coin, then each pair of them against each other, both ways round; so
/// many USD a leg, few enough that closing them moves no price.
[[nodiscard]] std::vector<TestPortfolio> default_portfolios(const std::vector<std::string>& coins);

/// How to test.
struct BacktestTerms {
    double horizon_days{2};
    double warm_up_days{90};  ///< Before the first window; only the calibrator looks at it.
    double coverage{.99};     ///< Of losses that the margin claims to cover.
    EstimateTerms estimate{};

    friend bool operator==(const BacktestTerms&, const BacktestTerms&) = default;
};

/// One window of one portfolio. **Units:** USD.
struct Window {
    base::Timestamp from;
    base::Timestamp to;   ///< Of the prices the loss was taken at.
    double initial{};     ///< IM at its start.
    double market{};      ///< MR, which is part of it.
    double gross{};       ///< Σ|quantity·value|, or notional where that is more.
    double loss{};        ///< Negative: a gain.
    bool is_cut_short{};  ///< Something stopped trading before the end: its last price counts.

    friend bool operator==(const Window&, const Window&) = default;

    /// Whether the margin did not cover the loss.
    [[nodiscard]] bool is_exception() const noexcept { return loss > initial; }
};

/// What became of one portfolio.
struct PortfolioResult {
    std::string name;
    std::vector<Window> windows;
    std::size_t left_out{};  ///< Windows without a margin, because a price or a past is missing.

    friend bool operator==(const PortfolioResult&, const PortfolioResult&) = default;
};

/// Why there is no test.
struct BacktestFault {
    /// What is wrong, for tests and for whoever counts.
    enum class Kind : std::uint8_t {
        instrument_unknown,   ///< Neither USD nor a column, or not of the universe.
        instrument_unpriced,  ///< Its value needs what a file of prices does not have.
        column_missing,       ///< A coin of the portfolio has no column.
        history_short,        ///< Not one window of any portfolio.
        history_long,         ///< More windows than `limits::windows_max`.
        margin_missing,       ///< The kernel refuses the universe or the portfolio.
    };
    Kind kind{};
    std::string says;  ///< For people.

    friend bool operator==(const BacktestFault&, const BacktestFault&) = default;
};

/// Called now and then with the windows that are done, and of how many.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

/// Tests every portfolio over every window that the rows have room for. `fixed` gives parameters
/// that never change, at the prices of the file; without it they are calibrated on the rows up to
/// each window's start, of the columns that the portfolios hold and no others: the tails of a
/// universe are those of its wildest coin.
/// **Errors:** as listed. **Cost:** rows, and for each window a surface and some sorting.
[[nodiscard]] base::Result<std::vector<PortfolioResult>, BacktestFault> backtest(
    const History& history, const std::vector<TestPortfolio>& portfolios,
    const BacktestTerms& terms, const kernel::Universe* fixed = nullptr,
    const Progress& progress = {});

/// Wrappers that the portfolios hold and whose prices the file does not have, nor those of a coin
/// that they follow: through every window they are worth what the universe says.
[[nodiscard]] std::vector<std::string> still_wrappers(const History& history,
                                                      const std::vector<TestPortfolio>& portfolios,
                                                      const kernel::Universe& fixed);

/// What the windows of a portfolio say together.
struct Findings {
    Exceptions exceptions;
    Exceptions of_market;          ///< Where MR alone were the margin.
    LikelihoodRatio frequency;     ///< Kupiec.
    LikelihoodRatio independence;  ///< Christoffersen.
    Transitions transitions;
    std::size_t worst{};  ///< The window whose loss is the largest share of its margin.
    double share_mean{};  ///< IM over what is held, on the average.
    bool is_covered{};    ///< Coverage is what was claimed, or more.
    bool is_too_often{};  ///< Kupiec refuses for too many exceptions.

    /// Whether the margin is what it claims to be.
    [[nodiscard]] bool passes() const noexcept { return is_covered && !is_too_often; }
};
/// Judges them. **Requires:** a window.
[[nodiscard]] Findings findings_of(const PortfolioResult& result, double coverage);

}  // namespace crossclear::risk::history
