#include "risk/history/backtest.hpp"

#include "base/check.hpp"
#include "risk/history/limits.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/kernel/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace crossclear::risk::history {
namespace {

using FaultKind = BacktestFault::Kind;

constexpr std::string_view cash_name = "USD";
constexpr double default_leg_usd = 10'000;

// The latest price of each column, as rows go by.
class Quotes {
public:
    explicit Quotes(const History& history) : history_(history) {}

    // Takes the rows up to `until`, that one included.
    void advance(base::Timestamp until) {
        for (; next_ < history_.rows.size() && history_.rows[next_].at <= until; ++next_) {
            const auto& row = history_.rows[next_];
            for (std::size_t i = 0; i < history_.columns.size(); ++i) {
                if (row.prices[i]) latest_[history_.columns[i]] = {row.at, *row.prices[i]};
            }
        }
    }

    [[nodiscard]] std::optional<Quote> of(std::string_view name) const {
        const auto found = latest_.find(name);
        if (found == latest_.end()) return std::nullopt;
        return found->second;
    }

private:
    const History& history_;
    std::size_t next_{};
    std::map<std::string, Quote, std::less<>> latest_;
};

// The columns whose prices move an instrument, as far as the file has them.
std::vector<std::string> columns_of(const History& history, const kernel::Universe& universe,
                                    const kernel::Instrument& instrument) {
    std::vector<std::string> names;
    const auto add = [&](kernel::WrapperId id) {
        const auto& wrapper = universe.wrapper(id);
        if (history.find(wrapper.name)) {
            names.push_back(wrapper.name);
        } else if (wrapper.underlying) {
            names.push_back(universe.underlying(*wrapper.underlying).name);
        }
    };
    if (!kernel::has_wrapper(instrument.kind)) return names;
    add(instrument.wrapper);
    if (kernel::is_lp(instrument.kind)) add(instrument.quote);
    // What an inverse contract is worth counts from its coin's own price as well.
    if (instrument.kind == kernel::Kind::inverse_perpetual) {
        const auto coin = universe.wrapper(instrument.wrapper).underlying;
        if (coin) names.push_back(universe.underlying(*coin).name);
    }
    return names;
}

class Run {
public:
    Run(const History& history, const std::vector<TestPortfolio>& portfolios,
        const BacktestTerms& terms, const kernel::Universe* fixed)
        : history_(history),
          portfolios_(portfolios),
          terms_(terms),
          fixed_(fixed),
          start_(history),
          end_(history) {}

    // What is wrong with the portfolios before any window, or nothing.
    std::optional<BacktestFault> prepare() {
        for (const auto& portfolio : portfolios_) {
            results_.push_back({.name = portfolio.name, .windows = {}, .left_out = 0});
            needed_.emplace_back();
            for (const auto& leg : portfolio.legs) {
                auto fault = fixed_ != nullptr ? look_up_fixed(leg) : look_up_column(leg);
                if (fault) return fault;
            }
        }
        std::set<std::string> wanted;
        for (const auto& names : needed_) wanted.insert(names.begin(), names.end());
        auto terms = terms_.estimate;
        terms.horizon_days = terms_.horizon_days;
        calibrator_.emplace(history_.columns,
                            std::vector<std::string>(wanted.begin(), wanted.end()), terms);
        return std::nullopt;
    }

    std::optional<BacktestFault> run(const Progress& progress) {
        if (history_.rows.empty()) return too_short();
        const auto horizon = span_of(terms_.horizon_days);
        const auto last = history_.rows.back().at;
        const auto first = history_.rows.front().at + span_of(terms_.warm_up_days);
        if (first + horizon > last) return too_short();
        const auto all = static_cast<std::size_t>((last - first).us / horizon.us);
        if (all > limits::windows_max) {
            return BacktestFault{FaultKind::history_long,
                                 fmt::format("{} windows, {} at most", all, limits::windows_max)};
        }
        std::size_t done = 0;
        for (auto from = first; from + horizon <= last; from = from + horizon) {
            if (auto fault = run_window(from, from + horizon)) return fault;
            if (progress) progress(++done, all);
        }
        const bool is_any = std::any_of(results_.begin(), results_.end(),
                                        [](const auto& x) { return !x.windows.empty(); });
        if (!is_any) return too_short();
        return std::nullopt;
    }

    std::vector<PortfolioResult> take() { return std::move(results_); }

private:
    std::optional<BacktestFault> look_up_column(const TestLeg& leg) {
        if (leg.instrument == cash_name) return std::nullopt;
        if (!history_.find(leg.instrument)) {
            return BacktestFault{FaultKind::instrument_unknown,
                                 fmt::format("'{}' is no column of the prices, and not USD; "
                                             "others need a universe",
                                             leg.instrument)};
        }
        needed_.back().insert(leg.instrument);
        return std::nullopt;
    }

    std::optional<BacktestFault> look_up_fixed(const TestLeg& leg) {
        const auto id = fixed_->find_instrument(leg.instrument);
        if (!id) {
            return BacktestFault{
                FaultKind::instrument_unknown,
                fmt::format("the universe has no instrument '{}'", leg.instrument)};
        }
        const auto& instrument = fixed_->instrument(*id);
        if (instrument.kind == kernel::Kind::option || instrument.kind == kernel::Kind::binary) {
            return BacktestFault{FaultKind::instrument_unpriced,
                                 fmt::format("'{}' is an instrument of kind {}, whose past prices "
                                             "are not in a file of coins",
                                             leg.instrument, kernel::name_of(instrument.kind))};
        }
        for (const auto& name : columns_of(history_, *fixed_, instrument)) {
            if (!history_.find(name)) {
                return BacktestFault{FaultKind::column_missing,
                                     fmt::format("'{}' moves with {}, and the prices have no "
                                                 "column of that name",
                                                 leg.instrument, name)};
            }
            needed_.back().insert(name);
        }
        return std::nullopt;
    }

    [[nodiscard]] BacktestFault too_short() const {
        return {FaultKind::history_short,
                fmt::format("no window of {:g} days fits behind {:g} days of past",
                            terms_.horizon_days, terms_.warm_up_days)};
    }

    // What the model knows at the start of a window.
    [[nodiscard]] kernel::Universe universe_at(base::Timestamp from) const {
        if (fixed_ == nullptr) return universe_of(calibrator_->calibration(from));
        return repriced(*fixed_, [&](std::string_view name) { return price_at(start_, name); });
    }

    static std::optional<double> price_at(const Quotes& quotes, std::string_view name) {
        const auto quote = quotes.of(name);
        if (!quote) return std::nullopt;
        return quote->price;
    }

    // Prices are there at the start, and at least once after it.
    [[nodiscard]] bool has_prices(const std::set<std::string>& names, base::Timestamp from) const {
        return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
            const auto before = start_.of(name);
            const auto after = end_.of(name);
            return before && after && before->price > 0 && after->at > from &&
                   days_of(from - before->at) <= terms_.estimate.age_days_max;
        });
    }

    std::optional<BacktestFault> run_window(base::Timestamp from, base::Timestamp to) {
        for (; next_ < history_.rows.size() && history_.rows[next_].at <= from; ++next_) {
            if (fixed_ == nullptr) calibrator_->add(history_.rows[next_]);
        }
        start_.advance(from);
        // The margin comes first: nothing beyond `from` has been looked at.
        auto universe = universe_at(from);
        auto surface = kernel::build_surface(1, std::move(universe));
        if (!surface) {
            const auto& fault = surface.error().front();
            return BacktestFault{FaultKind::margin_missing,
                                 fmt::format("no margin: {}: {}", fault.path, fault.says)};
        }
        end_.advance(to);
        for (std::size_t i = 0; i < portfolios_.size(); ++i) {
            const auto positions = positions_of(portfolios_[i], (*surface)->universe());
            if (!positions || !has_prices(needed_[i], from)) {
                ++results_[i].left_out;
                continue;
            }
            auto window = window_of(*surface, *positions);
            if (!window) return window.error();
            (*window).from = from;
            (*window).to = to;
            for (const auto& name : needed_[i]) {
                (*window).to = std::min((*window).to, end_.of(name)->at);
            }
            (*window).is_cut_short = days_of(to - (*window).to) > terms_.estimate.age_days_max;
            results_[i].windows.push_back(*window);
        }
        return std::nullopt;
    }

    // Nothing where the universe of this moment lacks one of the legs.
    static std::optional<std::vector<kernel::Position>> positions_of(
        const TestPortfolio& portfolio, const kernel::Universe& universe) {
        std::vector<kernel::Position> positions;
        const auto now = kernel::market_now(universe);
        for (const auto& leg : portfolio.legs) {
            const auto id = universe.find_instrument(leg.instrument);
            if (!id) return std::nullopt;
            double quantity = leg.quantity;
            if (leg.is_usd) {
                const double value = kernel::value_of(universe, universe.instrument(*id), now);
                if (!(value > 0)) return std::nullopt;
                quantity /= value;
            }
            positions.push_back({*id, quantity});
        }
        return positions;
    }

    [[nodiscard]] kernel::MarketState market_at_end(const kernel::Universe& universe) const {
        const auto then =
            repriced(universe, [&](std::string_view name) { return price_at(end_, name); });
        kernel::MarketState state;
        for (const auto& wrapper : then.wrappers) state.prices.push_back(wrapper.price);
        for (std::size_t i = 0; i < then.underlyings.size(); ++i) {
            const double before = universe.underlyings[i].spot;
            const double factor = before > 0 ? then.underlyings[i].spot / before : 1;
            state.factors.push_back(factor);
            state.log_factors.push_back(std::log(factor));
        }
        return state;
    }

    base::Result<Window, BacktestFault> window_of(
        const std::shared_ptr<const kernel::Surface>& surface,
        const std::vector<kernel::Position>& positions) const {
        const auto& universe = surface->universe();
        const auto account = kernel::Account::of(surface, positions);
        if (!account) return no_margin(account.error());
        const auto margin = account->margin();
        if (!margin) return no_margin(margin.error());
        Window window;
        window.initial = margin->initial;
        window.market = margin->market;
        const auto now = kernel::market_now(universe);
        const auto then = market_at_end(universe);
        for (const auto& [id, quantity] : positions) {
            const auto& instrument = universe.instrument(id);
            const double value = kernel::value_of(universe, instrument, now);
            window.loss -= quantity * (kernel::value_of(universe, instrument, then) - value);
            window.gross += std::abs(quantity) *
                            std::max(std::abs(value), kernel::notional_of(universe, instrument));
        }
        if (!std::isfinite(window.loss)) return no_margin(kernel::Fault::not_finite);
        return window;
    }

    static base::Failure<BacktestFault> no_margin(kernel::Fault fault) {
        return {{FaultKind::margin_missing, fmt::format("no margin: {}", kernel::name_of(fault))}};
    }

    const History& history_;
    const std::vector<TestPortfolio>& portfolios_;
    const BacktestTerms& terms_;
    const kernel::Universe* fixed_;
    std::optional<Calibrator> calibrator_;
    std::vector<std::set<std::string>> needed_;  // Columns, by portfolio.
    std::size_t next_{};                         // The first row not yet given to the calibrator.
    Quotes start_;
    Quotes end_;
    std::vector<PortfolioResult> results_;
};

}  // namespace

std::vector<TestPortfolio> default_portfolios(const std::vector<std::string>& coins) {
    std::vector<TestPortfolio> list;
    const auto leg = [](const std::string& coin, double side) {
        return TestLeg{.instrument = coin, .quantity = side * default_leg_usd, .is_usd = true};
    };
    for (const auto& coin : coins) {
        list.push_back({.name = fmt::format("long {}", coin), .legs = {leg(coin, 1)}});
        list.push_back({.name = fmt::format("short {}", coin), .legs = {leg(coin, -1)}});
    }
    for (const auto& a : coins) {
        for (const auto& b : coins) {
            if (a == b) continue;
            list.push_back(
                {.name = fmt::format("{} against {}", a, b), .legs = {leg(a, 1), leg(b, -1)}});
        }
    }
    return list;
}

std::vector<std::string> still_wrappers(const History& history,
                                        const std::vector<TestPortfolio>& portfolios,
                                        const kernel::Universe& fixed) {
    std::set<std::string> names;
    const auto look = [&](kernel::WrapperId id) {
        const auto& wrapper = fixed.wrapper(id);
        if (!wrapper.underlying && !history.find(wrapper.name)) names.insert(wrapper.name);
    };
    for (const auto& portfolio : portfolios) {
        for (const auto& leg : portfolio.legs) {
            const auto id = fixed.find_instrument(leg.instrument);
            if (!id || !kernel::has_wrapper(fixed.instrument(*id).kind)) continue;
            look(fixed.instrument(*id).wrapper);
            if (kernel::is_lp(fixed.instrument(*id).kind)) look(fixed.instrument(*id).quote);
        }
    }
    return {names.begin(), names.end()};
}

base::Result<std::vector<PortfolioResult>, BacktestFault> backtest(
    const History& history, const std::vector<TestPortfolio>& portfolios,
    const BacktestTerms& terms, const kernel::Universe* fixed, const Progress& progress) {
    CHECK(terms.horizon_days > 0 && terms.warm_up_days >= 0, "windows lie in time");
    Run run(history, portfolios, terms, fixed);
    if (auto fault = run.prepare()) return base::Failure{std::move(*fault)};
    if (auto fault = run.run(progress)) return base::Failure{std::move(*fault)};
    return run.take();
}

Findings findings_of(const PortfolioResult& result, double coverage) {
    CHECK(!result.windows.empty(), "findings are of some windows");
    Findings x;
    x.exceptions = {.count = 0, .windows = result.windows.size(), .chance = 1 - coverage};
    x.of_market = x.exceptions;
    std::vector<bool> list;
    // Where nothing was margined a loss of nothing is no breach.
    const auto used = [](const Window& window) {
        if (window.initial > 0) return window.loss / window.initial;
        return window.loss > 0 ? std::numeric_limits<double>::max() : 0;
    };
    for (std::size_t i = 0; i < result.windows.size(); ++i) {
        const auto& window = result.windows[i];
        list.push_back(window.is_exception());
        if (window.is_exception()) ++x.exceptions.count;
        if (window.loss > window.market) ++x.of_market.count;
        if (used(window) > used(result.windows[x.worst])) x.worst = i;
        if (window.gross > 0) x.share_mean += window.initial / window.gross;
    }
    x.share_mean /= static_cast<double>(result.windows.size());
    x.frequency = kupiec(x.exceptions);
    x.transitions = transitions_of(list);
    x.independence = christoffersen(x.transitions);
    x.is_covered = coverage_of(x.exceptions) >= coverage;
    x.is_too_often = is_too_many(x.exceptions);
    return x;
}

}  // namespace crossclear::risk::history
