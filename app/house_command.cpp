#include "app/house_command.hpp"

#include "app/book_file.hpp"
#include "app/house_report.hpp"
#include "app/order_text.hpp"
#include "app/price_paths.hpp"
#include "app/universe_file.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/surface.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

constexpr int house_past_limit = 1;
constexpr int house_unusable = 2;

struct HouseOptions {
    std::string universe_path;
    std::string book_path;
    std::string prices_path;
    std::string client;
    std::vector<std::string> order;
    bool is_json{};
};

template <class T>
using HouseResult = base::Result<T, std::string>;

HouseResult<std::vector<kernel::Account>> house_accounts(
    const std::shared_ptr<const kernel::Surface>& surface, const Book& book,
    const std::string& path) {
    std::vector<kernel::Account> accounts;
    for (const auto& client : book.clients) {
        auto account = kernel::Account::of(surface, client.positions);
        if (!account) {
            return base::Failure{fmt::format("{}: client {}: {}\n", path, client.name,
                                             kernel::name_of(account.error()))};
        }
        accounts.push_back(*std::move(account));
    }
    return accounts;
}

// A path that nobody looked at is in the report all the same.
FoundPath not_looked_at(const PathWindow& window) {
    FoundPath found;
    found.path.name = window.name;
    found.notes.push_back("not looked at: it takes --prices FILE");
    return found;
}

HouseResult<std::vector<FoundPath>> house_paths(const HouseOptions& options,
                                                const kernel::Universe& universe,
                                                const Book& book) {
    std::vector<FoundPath> paths;
    for (const auto& window : path_windows) {
        if (options.prices_path.empty()) {
            paths.push_back(not_looked_at(window));
            continue;
        }
        auto path = read_price_path(options.prices_path, window, universe, book.columns);
        if (!path) return base::Failure{path.error().says + '\n'};
        paths.push_back(*std::move(path));
    }
    return paths;
}

// What a house is looked at with, besides its clients.
struct HouseQuestion {
    const kernel::Surface& surface;
    const Book& book;
    kernel::StressTerms stress;
};

HouseResult<HouseState> house_state_of(const HouseQuestion& question,
                                       const std::vector<kernel::Account>& accounts) {
    const auto fail = [](kernel::Fault fault) {
        return base::Failure{fmt::format("no margin: {}\n", kernel::name_of(fault))};
    };
    HouseState state;
    std::vector<const kernel::Account*> pointers;
    for (const auto& account : accounts) {
        const auto margin = account.margin();
        if (!margin) return fail(margin.error());
        state.margins.push_back(*margin);
        pointers.push_back(&account);
    }
    const double waterfall = question.book.waterfall.total();
    auto report = kernel::look_at_house(pointers, {.waterfall_usd = waterfall});
    if (!report) return fail(report.error());
    auto stress = kernel::stress_book_of(question.surface, pointers, question.stress);
    if (!stress) return fail(stress.error());
    state.report = *std::move(report);
    state.stress = *std::move(stress);
    state.figures = kernel::figures_of(waterfall, state.report, state.stress);
    return state;
}

HouseResult<std::size_t> client_named(const Book& book, const std::string& name) {
    for (std::size_t i = 0; i < book.clients.size(); ++i) {
        if (book.clients[i].name == name) return i;
    }
    return base::Failure{fmt::format("--client: the book has no client '{}'\n", name)};
}

HouseResult<HouseOrder> ask_for_order(const HouseOptions& options, const HouseQuestion& question,
                                      std::vector<kernel::Account> accounts,
                                      const HouseState& before) {
    const auto client = client_named(question.book, options.client);
    if (!client) return base::Failure{client.error()};
    const auto change = read_order(options.order, question.surface);
    if (!change) return base::Failure{change.error()};
    auto& account = accounts[*client];
    const bool is_reducing = account.is_reduced_by(*change);
    if (const auto applied = account.apply(*change); !applied) {
        return base::Failure{fmt::format("--order: {}\n", kernel::name_of(applied.error()))};
    }
    auto after = house_state_of(question, accounts);
    if (!after) return base::Failure{after.error()};
    const auto& old_margin = before.margins[*client];
    const auto& new_margin = after->margins[*client];
    const bool is_unwind = is_reducing && new_margin.initial <= old_margin.initial &&
                           new_margin.maintenance <= old_margin.maintenance;
    const auto decision =
        kernel::verdict_of({before.figures, after->figures, is_unwind}, question.book.limits);
    return HouseOrder{*client, *std::move(after), decision};
}

int house_cannot(const std::string& why) {
    std::cerr << why;
    return house_unusable;
}

int run_house(const HouseOptions& options) {
    const auto surface = load_surface(options.universe_path);
    if (!surface) return house_cannot(surface.error());
    const auto& universe = (*surface)->universe();
    const auto book = load_book(options.book_path, universe);
    if (!book) return house_cannot(to_string(book.error()));
    const auto accounts = house_accounts(*surface, *book, options.book_path);
    if (!accounts) return house_cannot(accounts.error());
    auto paths = house_paths(options, universe, *book);
    if (!paths) return house_cannot(paths.error());
    HouseQuestion question{
        .surface = **surface,
        .book = *book,
        .stress = {.oracle_frozen_hours = book->oracle_frozen_hours, .paths = {}}};
    for (const auto& found : *paths) question.stress.paths.push_back(found.path);
    auto state = house_state_of(question, *accounts);
    if (!state) return house_cannot(state.error());
    HouseView view{.surface = **surface,
                   .book = *book,
                   .paths = *std::move(paths),
                   .state = *std::move(state),
                   .order = std::nullopt};
    if (!options.order.empty()) {
        auto order = ask_for_order(options, question, *accounts, view.state);
        if (!order) return house_cannot(order.error());
        view.order = *std::move(order);
    }
    std::cout << (options.is_json ? json_of(view) + '\n' : text_of(view));
    const bool is_fine = view.order ? view.order->decision.verdict != kernel::HouseVerdict::refused
                                    : kernel::breaches_of(view.state.figures, book->limits).empty();
    return is_fine ? 0 : house_past_limit;
}

}  // namespace

void add_house_command(CLI::App& risk, int& status) {
    const auto options = std::make_shared<HouseOptions>();
    auto* house = risk.add_subcommand(
        "house",
        "What a broker itself can lose: the chance that its waterfall pays for everything, cover-1 "
        "and cover-2, the stress book, and limits. Status 1 where one is past, or an order is "
        "refused.\n"
        "Start with: crossclear risk house --universe deploy/risk/demo.yaml --book "
        "deploy/risk/book.yaml");
    house
        ->add_option("--universe", options->universe_path,
                     "What can be held and how it may move: YAML as in deploy/risk/demo.yaml, or "
                     "the compact JSON form")
        ->required();
    house
        ->add_option("--book", options->book_path,
                     "Clients with what they hold, and the waterfall: YAML or JSON as in "
                     "deploy/risk/book.yaml")
        ->required();
    house->add_option("--prices", options->prices_path,
                      "Hourly prices, a header hour_utc,BTC,... and a row an hour: the weeks of "
                      "LUNA, FTT and USDC are taken from it. What it does not cover is said");
    auto* client = house->add_option("--client", options->client, "Whose --order it is");
    auto* order =
        house->add_option("--order", options->order,
                          "Also whether limits let this pass: a leg, like BTC-PERP=-0.5; may be "
                          "repeated. Past a limit new risk is refused and unwinds stay open");
    client->needs(order);
    order->needs(client);
    house->add_flag("--json", options->is_json, "One object of JSON, unrounded, instead of text");
    house->callback([options, &status] { status = run_house(*options); });
}

}  // namespace crossclear::app
