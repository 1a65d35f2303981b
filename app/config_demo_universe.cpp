#include "app/universe_file.hpp"

#include <optional>
#include <string>
#include <string_view>

// What the demo's assets may do, and who may fail: the default parameters of the margin
// specification, as in deploy/risk/demo.yaml, for what the demo lists. Placeholders, not estimates.

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;
using kernel::Kind;

struct WrapperRow {
    const char* name;
    const char* underlying;
    double basis;
    double half_spread;
    double volatility_day;
    double volume_day_usd;
    double haircut_initial;
    double peg_down;
    double peg_up;
    double premium;
};
constexpr WrapperRow wrapper_rows[] = {
    {"USDC", "", .0025, .0001, .002, 500e6, .0025, .03, 0, 0},
    {"DAI", "", .005, .0002, .003, 100e6, .005, .05, .02, 0},
    {"ETH", "ETH", 0, .0003, .042, 150e6, .005, 0, 0, 0},
    {"sBTC", "BTC", .01, .002, .034, 20e6, .01, .05, .015, 0},
    {"sETH", "ETH", .01, .002, .044, 20e6, .01, .05, .015, 0},
    {"BTC-PERP", "BTC", .0075, .0002, .032, 400e6, 0, 0, 0, .015},
    {"ETH-PERP", "ETH", .0075, .0002, .042, 300e6, 0, 0, 0, .015},
};

struct ProtocolRow {
    const char* name;
    double default_year;
    double loss_given_default;
};
constexpr ProtocolRow protocol_rows[] = {{"synthetix", .05, .9}, {"maker", .02, .6},
                                         {"circle", .01, .4},    {"uniswap", .01, 1},
                                         {"aave", .015, .6},     {"perpetual-venue", .04, 1}};

struct InstrumentRow {
    Kind kind;
    const char* name;  // Of its wrapper as well.
    const char* protocol;
};
constexpr InstrumentRow instrument_rows[] = {
    {Kind::stable, "USDC", "circle"},
    {Kind::stable, "DAI", "maker"},
    {Kind::spot, "ETH", ""},
    {Kind::synthetic, "sBTC", "synthetix"},
    {Kind::synthetic, "sETH", "synthetix"},
    {Kind::perpetual, "BTC-PERP", "perpetual-venue"},
    {Kind::perpetual, "ETH-PERP", "perpetual-venue"},
};

void add_wrapper(kernel::Universe& universe, const WrapperRow& row) {
    const auto underlying = universe.find_underlying(row.underlying);
    kernel::Wrapper wrapper;
    wrapper.name = row.name;
    wrapper.underlying = underlying;
    wrapper.price = underlying ? universe.underlying(*underlying).spot : 1;
    wrapper.basis = row.basis;
    wrapper.half_spread = row.half_spread;
    wrapper.volatility_day = row.volatility_day;
    wrapper.volume_day_usd = row.volume_day_usd;
    wrapper.haircut_initial = row.haircut_initial;
    wrapper.haircut_maintenance = row.haircut_initial / 2;
    wrapper.peg_down = row.peg_down;
    wrapper.peg_up = row.peg_up;
    wrapper.premium = row.premium;
    wrapper.oracle_heartbeat_s = 60;
    universe.wrappers.push_back(std::move(wrapper));
}

void add_instrument(kernel::Universe& universe, const InstrumentRow& row) {
    kernel::Instrument instrument;
    instrument.name = row.name;
    instrument.kind = row.kind;
    instrument.wrapper = *universe.find_wrapper(row.name);
    if (const auto protocol = universe.find_protocol(row.protocol)) {
        if (row.kind == Kind::perpetual) {
            instrument.venue = protocol;
        } else {
            instrument.protocols = {*protocol};
        }
    }
    universe.instruments.push_back(std::move(instrument));
}

// A share is worth 100 USD: sqrt(k) = 100 / (2 * sqrt(3000)).
void add_pool(kernel::Universe& universe) {
    kernel::Instrument pool;
    pool.name = "UNI-ETHDAI";
    pool.kind = Kind::lp2;
    pool.wrapper = *universe.find_wrapper("ETH");
    pool.quote = *universe.find_wrapper("DAI");
    pool.liquidity = .9128709291752768;
    pool.protocols = {*universe.find_protocol("uniswap")};
    universe.instruments.push_back(std::move(pool));
}

void add_deposit(kernel::Universe& universe) {
    kernel::Instrument deposit;
    deposit.name = "aDAI";
    deposit.kind = Kind::deposit;
    deposit.wrapper = *universe.find_wrapper("DAI");
    deposit.index = 1.04;
    deposit.protocols = {*universe.find_protocol("aave")};
    universe.instruments.push_back(std::move(deposit));
}

}  // namespace

kernel::Universe demo_universe() {
    kernel::Universe universe;
    universe.underlyings = {{.name = "BTC", .spot = 60'000, .range = .16, .volatility_day = .032},
                            {.name = "ETH", .spot = 3'000, .range = .2, .volatility_day = .042}};
    for (const auto& row : wrapper_rows) add_wrapper(universe, row);
    for (const auto& row : protocol_rows) {
        universe.protocols.push_back({.name = row.name,
                                      .default_year = row.default_year,
                                      .loss_given_default = row.loss_given_default,
                                      .depegs = {}});
    }
    const auto falls = [&](const char* protocol, const char* wrapper, double share) {
        universe.protocols.at(universe.find_protocol(protocol)->v)
            .depegs.push_back({*universe.find_wrapper(wrapper), share});
    };
    falls("synthetix", "sBTC", 1);
    falls("synthetix", "sETH", 1);
    falls("maker", "DAI", 1);
    falls("circle", "USDC", 1);
    falls("circle", "DAI", .5);
    const auto alike = [&](const char* a, const char* b, double value) {
        universe.correlations.push_back(
            {*universe.find_protocol(a), *universe.find_protocol(b), value});
    };
    alike("maker", "circle", .6);
    alike("synthetix", "perpetual-venue", .5);
    kernel::Instrument cash;
    cash.name = "USD";
    universe.instruments.push_back(std::move(cash));
    for (const auto& row : instrument_rows) add_instrument(universe, row);
    add_pool(universe);
    add_deposit(universe);
    return universe;
}

}  // namespace crossclear::app
