#pragma once

#include "risk/kernel/account.hpp"
#include "risk/kernel/sample.hpp"
#include "risk/kernel/surface.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

/// Universes and portfolios for the tests of the kernel.

namespace crossclear::risk::kernel::testing {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using SurfacePointer = std::shared_ptr<const Surface>;

/// The surface of a universe that has to be without fault.
inline SurfacePointer surface_of(const Universe& universe, std::uint64_t number = 1) {
    const auto surface = build_surface(number, universe);
    if (!surface) {
        ADD_FAILURE() << surface.error().front().path << ": " << surface.error().front().says;
        return nullptr;
    }
    return *surface;
}

/// Sixteen wrappers, sixteen protocols, a hundred instruments of every kind; few scenarios, so
/// that random tests can afford many portfolios.
inline SurfacePointer a_surface() {
    static const auto surface = surface_of(sample_universe({.instruments = 100, .simulated = 64}));
    return surface;
}

/// Up to eight positions of `a_surface`, long and short; within a property.
inline std::vector<Position> any_positions() {
    std::vector<Position> positions;
    const auto count = *rc::gen::inRange<std::size_t>(0, 8);
    positions.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        positions.push_back({InstrumentId{*rc::gen::inRange<std::uint16_t>(0, 100)},
                             *rc::gen::inRange(-1'000, 1'000) / 16.0});
    }
    return positions;
}

inline Account account_of(const SurfacePointer& surface, const std::vector<Position>& positions) {
    return *Account::of(surface, positions);
}

inline Margin margin_of(const SurfacePointer& surface, const std::vector<Position>& positions) {
    return *account_of(surface, positions).margin();
}

/// One coin at 100 USD with a range of 10 %: small enough to compute with by hand.
///
/// Instruments by name: USD, COIN, SYN (issuer ISSUER, loss 50 %), PERP (venue VENUE), CALL and PUT
/// at 100 for 30 days, YES and NO of one event.
inline Universe a_small_universe() {
    Universe universe;
    universe.underlyings = {{.name = "COIN", .spot = 100, .range = .1, .volatility_day = .01}};
    const auto wrapper = [](std::string_view name) {
        Wrapper x;
        x.name = name;
        x.underlying = UnderlyingId{0};
        x.price = 100;
        x.volatility_day = .04;
        x.volume_day_usd = 1e6;
        return x;
    };
    universe.wrappers = {wrapper("COIN"), wrapper("SYN"), wrapper("PERP")};
    universe.wrappers[0].haircut_initial = .02;
    universe.wrappers[0].haircut_maintenance = .01;
    universe.wrappers[1].basis = .01;
    universe.wrappers[1].peg_down = .05;
    universe.wrappers[2].half_spread = .001;
    universe.protocols = {
        {.name = "ISSUER",
         .default_year = .05,
         .loss_given_default = .5,
         .depegs = {{WrapperId{1}}}},
        {.name = "VENUE", .default_year = .04, .loss_given_default = 1, .depegs = {}}};
    const auto add = [&universe](std::string_view name, Kind kind, std::uint16_t id) {
        Instrument x;
        x.name = name;
        x.kind = kind;
        x.wrapper = WrapperId{id};
        universe.instruments.push_back(x);
        return &universe.instruments.back();
    };
    add("USD", Kind::cash, 0);
    add("COIN", Kind::spot, 0);
    add("SYN", Kind::synthetic, 1)->protocols = {ProtocolId{0}};
    add("PERP", Kind::perpetual, 2)->venue = ProtocolId{1};
    for (const auto type : {OptionType::call, OptionType::put}) {
        auto* option = add(type == OptionType::call ? "CALL" : "PUT", Kind::option, 2);
        option->type = type;
        option->strike = 100;
        option->forward = 100;
        option->volatility = .6;
        option->days = 30;
    }
    for (const auto outcome : {std::uint16_t{0}, std::uint16_t{1}}) {
        auto* share = add(outcome == 0 ? "YES" : "NO", Kind::binary, 0);
        share->event = "E";
        share->outcome = outcome;
        share->outcomes = 2;
        share->mark = outcome == 0 ? .4 : .6;
    }
    universe.simulation.count = 64;
    return universe;
}

/// A position by name. **Requires:** the instrument is there.
inline Position of(const Surface& surface, std::string_view name, double quantity) {
    return {*surface.universe().find_instrument(name), quantity};
}

}  // namespace crossclear::risk::kernel::testing
