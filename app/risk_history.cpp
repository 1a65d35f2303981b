#include "app/risk_history.hpp"

#include "app/history_file.hpp"
#include "app/risk_history_report.hpp"
#include "app/universe_file.hpp"
#include "base/result.hpp"
#include "risk/history/backtest.hpp"
#include "risk/history/calibrate.hpp"
#include "risk/kernel/surface.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace crossclear::app {
namespace {

namespace history = risk::history;

constexpr int status_failed = 1;
constexpr int status_unanswered = 2;

// What both commands are given.
struct PastOptions {
    HistoryOptions prices;
    std::string universe_path;
    std::string portfolio_path;
    std::string out_path;
    history::EstimateTerms terms;
    std::optional<double> warm_up_days;
    bool is_json{};
};

template <class T>
using Known = base::Result<T, std::string>;

int unanswered(const std::string& why) {
    std::cerr << why;
    return status_unanswered;
}

Known<std::optional<risk::kernel::Universe>> universe_asked_for(const PastOptions& options) {
    if (options.universe_path.empty()) return std::optional<risk::kernel::Universe>();
    auto universe = load_universe(options.universe_path);
    if (!universe) return base::Failure{to_string(universe.error())};
    return std::optional(*std::move(universe));
}

// Whole or not at all: a profile cut short by a full disk would be one that nobody asked for.
bool write_whole(const std::filesystem::path& path, const std::string& text) {
    auto fresh = path;
    fresh += ".new";
    std::ofstream out(fresh, std::ios::trunc | std::ios::binary);
    out << text;
    out.close();
    std::error_code failure;
    if (out) std::filesystem::rename(fresh, path, failure);
    if (out && !failure) return true;
    std::filesystem::remove(fresh, failure);
    return false;
}

// The names of a universe's coins and wrappers that the file has a column of.
Known<std::vector<std::string>> columns_in_common(const PastOptions& options,
                                                  const risk::kernel::Universe& universe) {
    const auto there = csv_columns(options.prices.path);
    if (!there) return base::Failure{there.error().says + '\n'};
    std::vector<std::string> names;
    for (const auto& name : *there) {
        if (universe.find_underlying(name) || universe.find_wrapper(name)) names.push_back(name);
    }
    if (!names.empty()) return names;
    return base::Failure{fmt::format("{}:1: no column is named like a coin or wrapper of {}\n",
                                     options.prices.path.string(), options.universe_path)};
}

Known<CalibrationReport> calibrated(const PastOptions& options) {
    const auto universe = universe_asked_for(options);
    if (!universe) return base::Failure{universe.error()};
    auto asked = options.prices;
    if (*universe && asked.columns.empty()) {
        auto names = columns_in_common(options, **universe);
        if (!names) return base::Failure{names.error()};
        asked.columns = *std::move(names);
    }
    const auto past = load_history(asked);
    if (!past) return base::Failure{past.error().says + '\n'};
    history::Calibrator calibrator(past->columns, past->columns, options.terms);
    for (const auto& row : past->rows) calibrator.add(row);
    CalibrationReport report{.prices = asked.path.filename().string(),
                             .calibration = calibrator.calibration(past->rows.back().at),
                             .profile = {}};
    if (report.calibration.assets.empty()) {
        std::string why = fmt::format("{}: nothing can be estimated:\n", asked.path.string());
        for (const auto& x : report.calibration.left_out) {
            why += fmt::format("  {} {}\n", x.name, history::name_of(x.fault));
        }
        return base::Failure{why};
    }
    report.profile = *universe ? history::recalibrated(**universe, report.calibration)
                               : history::universe_of(report.calibration);
    for (const auto& fault : risk::kernel::faults_of(report.profile)) {
        return base::Failure{fmt::format("{}: no universe comes of it: {}: {}\n",
                                         asked.path.string(), fault.path, fault.says)};
    }
    return report;
}

int run_calibrate(const PastOptions& options) {
    const auto report = calibrated(options);
    if (!report) return unanswered(report.error());
    const auto shown = options.is_json ? json_of(*report) + '\n' : text_of(*report);
    if (!options.out_path.empty()) {
        if (!write_whole(options.out_path, profile_of(*report))) {
            return unanswered(fmt::format("{}: cannot be written\n", options.out_path));
        }
        std::cout << shown;
    } else if (options.is_json) {
        std::cout << shown;
    } else {
        // The profile alone goes where a shell can send it on.
        std::cerr << shown;
        std::cout << profile_of(*report);
    }
    return 0;
}

// A line that is written over, for whoever waits at a terminal.
class ProgressLine {
public:
    void operator()(std::size_t done, std::size_t all) {
        constexpr auto quiet = std::chrono::seconds(2);
        constexpr auto pause = std::chrono::milliseconds(200);
        const auto now = std::chrono::steady_clock::now();
        if (now - begun_ < quiet || now - shown_ < pause || isatty(STDERR_FILENO) == 0) return;
        constexpr std::size_t width = 40;
        const auto full = all == 0 ? width : width * done / all;
        std::cerr << fmt::format("\r[{:#<{}}{:.<{}}] {} of {} windows", "", full, "", width - full,
                                 done, all)
                  << std::flush;
        shown_ = now;
        is_shown_ = true;
    }
    void finish() const {
        if (is_shown_) std::cerr << "\r\x1b[K" << std::flush;
    }

private:
    std::chrono::steady_clock::time_point begun_{std::chrono::steady_clock::now()};
    std::chrono::steady_clock::time_point shown_{};
    bool is_shown_{};
};

// A universe of names alone: what a portfolio may hold where only prices are given.
risk::kernel::Universe names_of(const std::vector<std::string>& columns) {
    risk::kernel::Universe universe;
    universe.instruments.emplace_back().name = "USD";
    for (const auto& name : columns) universe.instruments.emplace_back().name = name;
    return universe;
}

Known<std::vector<history::TestPortfolio>> portfolios_of(
    const PastOptions& options, const std::vector<std::string>& columns,
    const std::optional<risk::kernel::Universe>& fixed, std::vector<std::string>& notes) {
    const auto universe = fixed ? *fixed : names_of(columns);
    if (!options.portfolio_path.empty()) {
        const auto positions = load_portfolio(options.portfolio_path, universe);
        if (!positions) return base::Failure{to_string(positions.error())};
        if (positions->empty()) {
            return base::Failure{
                fmt::format("{}: expected at least one instrument\n", options.portfolio_path)};
        }
        history::TestPortfolio portfolio{
            .name = std::filesystem::path(options.portfolio_path).stem().string(), .legs = {}};
        for (const auto& [id, quantity] : *positions) {
            portfolio.legs.push_back({.instrument = universe.instrument(id).name,
                                      .quantity = quantity,
                                      .is_usd = false});
        }
        return std::vector{portfolio};
    }
    std::vector<std::string> coins;
    for (const std::string coin : {"BTC", "ETH"}) {
        const bool is_there = std::find(columns.begin(), columns.end(), coin) != columns.end();
        if (is_there && universe.find_instrument(coin)) {
            coins.push_back(coin);
        } else {
            notes.push_back(
                fmt::format("{} {}: no portfolio of it is tested", coin,
                            is_there ? "is not in the universe" : "has no column of prices"));
        }
    }
    if (coins.empty()) {
        return base::Failure{
            fmt::format("{}: neither BTC nor ETH can be tested: give --portfolio\n",
                        options.prices.path.string())};
    }
    return history::default_portfolios(coins);
}

void note_windows(const std::vector<history::PortfolioResult>& results,
                  std::vector<std::string>& notes) {
    for (const auto& result : results) {
        std::size_t cut_short = 0;
        for (const auto& window : result.windows) {
            if (window.is_cut_short) ++cut_short;
        }
        if (result.left_out > 0) {
            notes.push_back(
                fmt::format("{}: {} windows left out: a price was missing or too old at "
                            "the start, none came after it, or the past was too short",
                            result.name, result.left_out));
        }
        if (cut_short > 0) {
            notes.push_back(fmt::format(
                "{}: {} windows end at the last price of what stopped trading within them",
                result.name, cut_short));
        }
    }
}

// The columns that a test looks at: no others are read.
Known<std::vector<std::string>> columns_for(const PastOptions& options,
                                            const std::vector<history::TestPortfolio>& portfolios,
                                            const std::optional<risk::kernel::Universe>& fixed) {
    if (fixed) return columns_in_common(options, *fixed);
    std::set<std::string> names;
    for (const auto& portfolio : portfolios) {
        for (const auto& leg : portfolio.legs) names.insert(leg.instrument);
    }
    names.erase("USD");
    return std::vector<std::string>(names.begin(), names.end());
}

Known<BacktestReport> tested(const PastOptions& options) {
    const auto fixed = universe_asked_for(options);
    if (!fixed) return base::Failure{fixed.error()};
    const auto there = csv_columns(options.prices.path);
    if (!there) return base::Failure{there.error().says + '\n'};
    BacktestReport report{.prices = options.prices.path.filename().string(),
                          .universe = options.universe_path,
                          .terms = {},
                          .results = {},
                          .notes = {}};
    report.terms.horizon_days = options.terms.horizon_days;
    report.terms.estimate = options.terms;
    if (*fixed) report.terms.warm_up_days = 0;
    report.terms.warm_up_days = options.warm_up_days.value_or(report.terms.warm_up_days);
    const auto portfolios = portfolios_of(options, *there, *fixed, report.notes);
    if (!portfolios) return base::Failure{portfolios.error()};
    const auto columns = columns_for(options, *portfolios, *fixed);
    if (!columns) return base::Failure{columns.error()};
    auto asked = options.prices;
    asked.columns = *columns;
    const auto past = load_history(asked);
    if (!past) return base::Failure{past.error().says + '\n'};
    if (*fixed) {
        for (const auto& name : history::still_wrappers(*past, *portfolios, **fixed)) {
            report.notes.push_back(fmt::format("{} has no column of prices: taken as still", name));
        }
        if ((*fixed)->simulation.days != report.terms.horizon_days) {
            report.notes.push_back(
                fmt::format("the universe simulates {:g} days, a window has {:g}",
                            (*fixed)->simulation.days, report.terms.horizon_days));
        }
    }
    ProgressLine line;
    auto results =
        history::backtest(*past, *portfolios, report.terms, *fixed ? &**fixed : nullptr,
                          [&line](std::size_t done, std::size_t all) { line(done, all); });
    line.finish();
    if (!results) {
        return base::Failure{
            fmt::format("{}: {}\n", options.prices.path.string(), results.error().says)};
    }
    note_windows(*results, report.notes);
    report.results = *std::move(results);
    return report;
}

int run_backtest(const PastOptions& options) {
    const auto report = tested(options);
    if (!report) return unanswered(report.error());
    if (options.is_json) {
        std::cout << json_of(*report) << '\n';
    } else {
        for (const auto& note : report->notes) std::cerr << note << '\n';
        std::cout << text_of(*report);
    }
    return report->passes() ? 0 : status_failed;
}

// What CLI11's own check of a range lets pass: what is no number at all.
void within(CLI::Option* option, double min, double max) {
    option->check(
        [min, max](const std::string& text) -> std::string {
            double value{};
            const auto* end = text.data() + text.size();
            const auto [at, wrong] = std::from_chars(text.data(), end, value);
            if (wrong == std::errc{} && at == end && value >= min && value <= max) return {};
            return fmt::format("expected a number from {:g} to {:g}, found '{}'", min, max, text);
        },
        fmt::format("{:g} to {:g}", min, max));
}

using SharedPast = std::shared_ptr<PastOptions>;

void add_past(CLI::App& command, const SharedPast& options) {
    command
        .add_option("--prices", options->prices.path,
                    "Past prices: a header hour_utc,BTC,ETH,..., then a row an hour, an empty cell "
                    "where an asset has none")
        ->required();
    command.add_option("--from", options->prices.from, "First hour, like 2022-05-07T00:00Z");
    command.add_option("--until", options->prices.until, "First hour to leave out");
    within(command
               .add_option("--horizon-days", options->terms.horizon_days,
                           "Days of a move: how long it takes to close a position")
               ->capture_default_str(),
           .05, 60);
    within(command
               .add_option("--confidence", options->terms.confidence,
                           "Share of past moves that a range holds")
               ->capture_default_str(),
           .5, 1);
    command.add_flag("--json", options->is_json, "One object of JSON, unrounded, instead of text");
}

}  // namespace

void add_risk_history_commands(CLI::App& risk, int& status) {
    // Each lives as long as the callback that reads it.
    const auto estimated = std::make_shared<PastOptions>();
    auto* calibrate = risk.add_subcommand(
        "calibrate",
        "Range, volatility and correlation from past prices, as a universe ready for --universe: "
        "the\nprofile on stdout, what it is made from on stderr. A range is the larger of two: the "
        "moves of\nall the past, and those moves at today's volatility.\n"
        "Start with: crossclear risk calibrate --prices F.csv --asset BTC --asset ETH > "
        "coins.yaml");
    add_past(*calibrate, estimated);
    calibrate->add_option("--asset", estimated->prices.columns,
                          "Only this column; may be repeated. Without, all of them");
    calibrate->add_option("--universe", estimated->universe_path,
                          "A universe to put the estimates into; all else in it stays");
    calibrate->add_option("--out", estimated->out_path,
                          "Write the profile here, and the table to stdout");
    calibrate->callback([estimated, &status] { status = run_calibrate(*estimated); });

    const auto given = std::make_shared<PastOptions>();
    auto* backtest = risk.add_subcommand(
        "backtest",
        "IM against what was really lost, in windows that do not overlap: status 1 where less than "
        "99 %\nof the losses were covered, or Kupiec's test finds too many exceptions at 95 %.\n"
        "Without --universe the parameters are calibrated on the past of each window alone.\n"
        "Start with: crossclear risk backtest --prices F.csv");
    add_past(*backtest, given);
    backtest->add_option("--universe", given->universe_path,
                         "Parameters that never change, at the prices of the file");
    backtest->add_option("--portfolio", given->portfolio_path,
                         "What is held through every window: {instrument: quantity}. Without: long "
                         "and short BTC and ETH, and each against the other, 10,000 USD a leg");
    within(backtest->add_option("--warm-up-days", given->warm_up_days,
                                "Days before the first window [90; 0 with --universe]"),
           0, 36'500);
    backtest->callback([given, &status] { status = run_backtest(*given); });
}

}  // namespace crossclear::app
