#include "app/risk_command.hpp"

#include "app/house_command.hpp"
#include "app/order_text.hpp"
#include "app/picture.hpp"
#include "app/risk_bench.hpp"
#include "app/risk_history.hpp"
#include "app/risk_report.hpp"
#include "app/universe_file.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/fee.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/kernel/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

constexpr int status_refused = 1;
constexpr int status_unusable = 2;

// What the commands are given, all of them sharing most.
struct RiskOptions {
    std::string universe_path;
    std::string portfolio_path;
    std::string picture_path;
    std::vector<std::string> orders;
    std::vector<std::string> instruments;
    std::string scenario;
    std::string failed;
    bool is_json{};
    std::size_t rounds{20'000};
};

template <class T>
using Read = base::Result<T, std::string>;

Read<kernel::Account> read_account(const RiskOptions& options) {
    const auto surface = load_surface(options.universe_path);
    if (!surface) return base::Failure{surface.error()};
    const auto positions = load_portfolio(options.portfolio_path, (*surface)->universe());
    if (!positions) return base::Failure{to_string(positions.error())};
    auto account = kernel::Account::of(*surface, *positions);
    if (!account) {
        return base::Failure{
            fmt::format("{}: {}\n", options.portfolio_path, kernel::name_of(account.error()))};
    }
    return *std::move(account);
}

int unusable(const std::string& why) {
    std::cerr << why;
    return status_unusable;
}

int unusable(kernel::Fault fault) {
    return unusable(fmt::format("no margin: {}\n", kernel::name_of(fault)));
}

int run_margin(const RiskOptions& options) {
    const auto account = read_account(options);
    if (!account) return unusable(account.error());
    const auto margin = account->margin();
    if (!margin) return unusable(margin.error());
    if (!options.picture_path.empty()) {
        const auto is_written = write_text(options.picture_path, picture_of(*account, *margin));
        if (!is_written) return unusable(is_written.error());
    }
    std::cout << (options.is_json ? json_of(account->surface(), *margin) + '\n'
                                  : text_of(*account, *margin));
    return 0;
}

int run_what_if(const RiskOptions& options) {
    const auto account = read_account(options);
    if (!account) return unusable(account.error());
    const auto change = read_order(options.orders, account->surface());
    if (!change) return unusable(change.error());
    const auto before = account->margin();
    if (!before) return unusable(before.error());
    const auto fee = kernel::trade_fee(*account, *change, {});
    if (!fee) return unusable(fee.error());
    const auto after = account->what_if(*change, fee->total);
    if (!after) return unusable(after.error());
    const WhatIf what_if{.before = *before,
                         .after = *after,
                         .fee = *fee,
                         .verdict = kernel::verdict_of(
                             {*before, *after, fee->total, account->is_reduced_by(*change)})};
    std::cout << (options.is_json ? json_of(account->surface(), what_if) + '\n' : text_of(what_if));
    return what_if.verdict == kernel::Verdict::refused ? status_refused : 0;
}

// The state of the market that the options ask for.
Read<kernel::MarketState> market_asked_for(const RiskOptions& options,
                                           const kernel::Universe& universe) {
    if (!options.failed.empty()) {
        const auto protocol = universe.find_protocol(options.failed);
        if (!protocol) {
            return base::Failure{
                fmt::format("--failed: the universe has no protocol '{}'\n", options.failed)};
        }
        return kernel::market_failed(universe, *protocol);
    }
    if (options.scenario.empty()) return kernel::market_now(universe);
    for (const auto& scenario : universe.core) {
        if (scenario.name == options.scenario) return kernel::market_in(universe, scenario);
    }
    std::string names;
    for (const auto& scenario : universe.core) names += fmt::format("  {}\n", scenario.name);
    return base::Failure{
        fmt::format("--scenario: there is no '{}'; there are\n{}", options.scenario, names)};
}

int run_value(const RiskOptions& options) {
    const auto surface = load_surface(options.universe_path);
    if (!surface) return unusable(surface.error());
    const auto& universe = (*surface)->universe();
    const auto market = market_asked_for(options, universe);
    if (!market) return unusable(market.error());
    for (const auto& name : options.instruments) {
        if (universe.find_instrument(name)) continue;
        return unusable(fmt::format("--instrument: the universe has no '{}'\n", name));
    }
    std::string out;
    const auto now = kernel::market_now(universe);
    for (const auto& x : universe.instruments) {
        const auto& wanted = options.instruments;
        const bool is_wanted =
            wanted.empty() || std::find(wanted.begin(), wanted.end(), x.name) != wanted.end();
        if (!is_wanted) continue;
        const double value = kernel::value_of(universe, x, now);
        const double then = kernel::value_of(universe, x, *market);
        if (options.is_json) {
            out += fmt::format("{}{}: {{\"kind\": {}, \"value\": {}, \"then\": {}}}",
                               out.empty() ? "{" : ", ", json_text(x.name),
                               json_text(kernel::name_of(x.kind)), json_number(value),
                               json_number(then));
        } else {
            out += fmt::format("{:<16}{:<18}{:>18.6f}{:>18.6f}{:>18.6f}\n", x.name,
                               kernel::name_of(x.kind), value, then, then - value);
        }
    }
    if (options.is_json) {
        std::cout << (out.empty() ? "{" : out) << "}\n";
    } else {
        std::cout << fmt::format("{:<16}{:<18}{:>18}{:>18}{:>18}\n", "instrument", "kind", "value",
                                 "then", "change")
                  << out;
    }
    return 0;
}

using SharedOptions = std::shared_ptr<RiskOptions>;

void add_universe(CLI::App& command, const SharedOptions& options) {
    command
        .add_option("--universe", options->universe_path,
                    "What can be held and how it may move: YAML as in deploy/risk/demo.yaml, or "
                    "the compact JSON form")
        ->required();
    command.add_flag("--json", options->is_json, "One object of JSON, unrounded, instead of text");
}

void add_portfolio(CLI::App& command, const SharedOptions& options) {
    command
        .add_option("--portfolio", options->portfolio_path,
                    "What is held, in JSON or YAML: {instrument: quantity}, negative where owed")
        ->required();
}

}  // namespace

void add_risk_commands(CLI::App& cli, int& status) {
    // Lives as long as the callbacks that read it.
    const auto options = std::make_shared<RiskOptions>();
    auto* risk = cli.add_subcommand(
        "risk",
        "Margin of a portfolio by the full model, beside the service: nothing is stored or sent.\n"
        "Start with: crossclear risk margin --universe deploy/risk/demo.yaml --portfolio "
        "deploy/risk/carry.yaml");
    risk->require_subcommand(1);

    auto* margin = risk->add_subcommand(
        "margin", "Equity, IM, MM, and every component they are made of, in USD");
    add_universe(*margin, options);
    add_portfolio(*margin, options);
    margin->add_option("--picture", options->picture_path,
                       "Also draw its P&L in every core scenario, together and apart, into this "
                       "file of SVG");
    margin->callback([options, &status] { status = run_margin(*options); });

    auto* what_if = risk->add_subcommand(
        "what-if",
        "The same before and after an order, its fee, and whether it would be accepted: status 1 "
        "where not");
    add_universe(*what_if, options);
    add_portfolio(*what_if, options);
    what_if
        ->add_option("--order", options->orders,
                     "A leg, like BTC-PERP=-0.5; may be repeated. What is paid is a leg too, like "
                     "USD=30000")
        ->required();
    what_if->callback([options, &status] { status = run_what_if(*options); });

    auto* value = risk->add_subcommand(
        "value", "What one unit of each instrument is worth, now and in another market");
    add_universe(*value, options);
    value->add_option("--instrument", options->instruments, "Only this one; may be repeated");
    auto* scenario =
        value->add_option("--scenario", options->scenario,
                          "A core scenario by name, like 'tail-0.66'; another name lists them");
    value->add_option("--failed", options->failed, "A protocol that has failed, like MAKER")
        ->excludes(scenario);
    value->callback([options, &status] { status = run_value(*options); });

    add_house_command(*risk, status);

    auto* bench = risk->add_subcommand("bench", "How fast the kernel is on this machine");
    bench->add_option("--rounds", options->rounds, "Of each measurement")
        ->check(CLI::Range(100, 10'000'000))
        ->capture_default_str();
    bench->add_flag("--json", options->is_json, "One object of JSON instead of text");
    bench->callback([options, &status] {
        std::cout << measure_kernel(options->rounds, options->is_json);
        status = 0;
    });
    add_risk_history_commands(*risk, status);
}

}  // namespace crossclear::app
