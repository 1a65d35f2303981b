#include "app/universe_file.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/credit.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/lanes.hpp"
#include "risk/kernel/margin.hpp"
#include "risk/kernel/value.hpp"
#include "tests/support/app/vector_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

// Portfolios, houses and stresses.

namespace crossclear::vectors {
namespace {

using namespace risk::kernel;  // NOLINT(google-build-using-namespace): what is asked here
using Object = boost::json::object;

const Surface& demo_surface() {
    static const auto surface = [] {
        const auto universe = app::load_universe(shared() / "vectors/demo_universe.json");
        if (!universe) throw std::runtime_error(app::to_string(universe.error()));
        auto built = build_surface(1, *universe);
        if (!built) throw std::runtime_error("the demo's universe gives no surface");
        return *built;
    }();
    return *surface;
}

Answer margin_of_positions(const Object& inputs) {
    // Owned by the function above for as long as the program runs.
    const std::shared_ptr<const Surface> surface(std::shared_ptr<const Surface>{}, &demo_surface());
    std::vector<Position> positions;
    for (const auto& [name, quantity] : inputs.at("positions").as_object()) {
        const auto id = surface->universe().find_instrument(std::string_view(name));
        if (!id) throw std::runtime_error(fmt::format("no instrument '{}'", std::string(name)));
        positions.push_back({*id, number_of(quantity)});
    }
    const auto account = Account::of(surface, positions);
    if (!account) throw std::runtime_error(std::string(name_of(account.error())));
    const auto found = account->margin();
    if (!found) throw std::runtime_error(std::string(name_of(found.error())));
    const auto& m = *found;
    return Figures{{"equity", m.equity}, {"MR", m.market},        {"BC", m.basis},
                   {"FC", m.funding},    {"LC", m.liquidity},     {"SOM", m.shorts},
                   {"H", m.haircut},     {"EV", m.events},        {"J", m.protocols},
                   {"OC", m.oracle},     {"CG", m.concentration}, {"IM", m.initial},
                   {"MM", m.maintenance}};
}

// The worst of a given array: rows are what one unit wins, scenario by scenario.
Answer worst_of_array(const Object& inputs) {
    const auto& matrix = inputs.at("matrix").as_object();
    const auto& positions = inputs.at("positions").as_object();
    std::vector<AlignedArray> rows;
    std::vector<ScaledRow> scaled;
    std::size_t scenarios = 0;
    for (const auto& [name, quantity] : positions) {
        const auto gains = numbers_of(matrix.at(name));
        if (scenarios != 0 && scenarios != gains.size()) throw std::runtime_error("ragged array");
        scenarios = gains.size();
        rows.emplace_back(padded(scenarios));
        std::copy(gains.begin(), gains.end(), rows.back().data());
        scaled.push_back({rows.back().data(), number_of(quantity)});
    }
    AlignedArray pnl(padded(scenarios));
    add_rows(pnl.data(), scaled, pnl.size());
    return largest_loss(pnl.data(), pnl.size());
}

// The margin fraction that grows with open interest: base, and CG for one dollar on top of it.
Answer scaled_fraction(const Object& inputs) {
    const double base = number_at(inputs, "base_imf");
    Universe universe;
    universe.underlyings.push_back({.name = "coin", .spot = 1, .range = base, .volatility_day = 0});
    Wrapper wrapper;
    wrapper.name = "coin";
    wrapper.underlying = UnderlyingId{0};
    wrapper.price = 1;
    wrapper.volume_day_usd = 1e9;
    wrapper.open_interest_low_usd = number_at(inputs, "oi_lower");
    wrapper.open_interest_high_usd = number_at(inputs, "oi_upper");
    wrapper.open_interest_usd = number_at(inputs, "open_interest");
    universe.wrappers.push_back(wrapper);
    Instrument perpetual;
    perpetual.name = "perpetual";
    perpetual.kind = Kind::perpetual;
    universe.instruments.push_back(perpetual);
    auto surface = build_surface(1, universe);
    if (!surface) throw std::runtime_error(surface.error().front().says);
    const std::vector<Position> one{{InstrumentId{0}, 1}};
    const auto account = Account::of(*surface, one);
    return base + account->margin()->concentration;
}

// Shares of the value of a pool of two tokens of one dollar, one of which falls.
Answer pool_without_peg(const Object& inputs) {
    if (inputs.at("lp") != boost::json::value("ETH/DAI constant product")) {
        throw std::runtime_error("another pool");
    }
    Universe universe;
    universe.wrappers.resize(2);
    for (auto& wrapper : universe.wrappers) wrapper.price = 1;
    universe.protocols.push_back({.name = "issuer",
                                  .default_year = .02,
                                  .loss_given_default = number_at(inputs, "dai_loss"),
                                  .depegs = {{WrapperId{1}, 1}}});
    Instrument pool;
    pool.kind = Kind::lp2;
    pool.quote = WrapperId{1};
    pool.liquidity = 1;
    const double value = value_of(universe, pool, market_now(universe));
    return 1 - value_of(universe, pool, market_failed(universe, ProtocolId{0})) / value;
}

// The stress-tested value is the lower of the two; borrowed money is no part of it.
Answer two_stresses(const Object& inputs) {
    const auto value_under = [&inputs](std::string_view stress) {
        const auto& moves = inputs.at(stress).as_object();
        const auto& prices = inputs.at("prices").as_object();
        double sum = number_at(inputs, "cash") + number_at(inputs, "futures_margin_value");
        for (const auto& [name, quantity] : inputs.at("spot").as_object()) {
            sum +=
                number_of(quantity) * number_of(prices.at(name)) * (1 + number_of(moves.at(name)));
        }
        for (const auto& [name, quantity] : inputs.at("futures").as_object()) {
            sum += number_of(quantity) * number_of(prices.at(name)) * number_of(moves.at(name));
        }
        return sum;
    };
    (void)number_at(inputs, "borrowed");
    return std::min(value_under("stress_up"), value_under("stress_down"));
}

Answer cover_two(const Object& inputs) {
    std::vector<std::vector<double>> scenarios;
    for (const auto& row : inputs.at("shortfalls_by_scenario").as_array()) {
        scenarios.push_back(numbers_of(row));
    }
    return cover(scenarios, 2);
}

Answer house_distribution(const Object& inputs) {
    if (inputs.at("factor") != boost::json::value("one-factor Gaussian")) {
        throw std::runtime_error("another factor");
    }
    const auto losses = numbers_of(inputs.at("losses"));
    const auto chances = numbers_of(inputs.at("pds"));
    if (losses.size() != chances.size()) throw std::runtime_error("a chance for each loss");
    std::vector<Exposure> exposures;
    double total = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        if (losses[i] != std::round(losses[i])) throw std::runtime_error("losses are whole");
        exposures.push_back({chances[i], losses[i]});
        total += losses[i];
    }
    const auto found = one_factor_losses(exposures, number_at(inputs, "rho"),
                                         {.cell = 1, .cells = static_cast<std::size_t>(total)});
    Figures figures{{"mean", found.mean()}};
    for (std::size_t i = 0; i < found.chances.size(); ++i) {
        figures[fmt::format("p{}", i)] = found.chances[i];
    }
    return figures;
}

}  // namespace

std::vector<Shape> portfolio_shapes() {
    return {
        {"spec golden", {"positions"}, margin_of_positions},
        {"scenario-matrix", {"matrix", "positions"}, worst_of_array},
        {"concentration (OI-scaled IMF)",
         {"base_imf", "oi_lower", "oi_upper", "open_interest"},
         scaled_fraction},
        {"protocol failure", {"lp", "dai_loss"}, pool_without_peg},
        {"stress vector up/down",
         {"prices", "stress_down", "stress_up", "borrowed", "spot", "cash", "futures_margin_value",
          "futures"},
         two_stresses},
        {"stress", {"shortfalls_by_scenario"}, cover_two},
        {"house loss distribution", {"losses", "pds", "rho", "factor"}, house_distribution},
    };
}

}  // namespace crossclear::vectors
