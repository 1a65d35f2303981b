#include "risk/kernel/sample.hpp"

#include "base/check.hpp"
#include "risk/kernel/limits.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

constexpr std::array<double, 2> sample_spots{60'000, 3'000};

std::uint16_t as_id(std::size_t i) { return static_cast<std::uint16_t>(i); }

// Two coins, two stablecoins, then perpetuals and synthetics of either coin in turn.
Wrapper sample_wrapper(std::size_t i) {
    Wrapper x;
    const auto coin = i % 2;
    x.name = fmt::format("W{}", i);
    x.half_spread = .0003;
    x.volatility_day = coin == 0 ? .032 : .042;
    x.volume_day_usd = 1e8;
    const bool is_stable = i == 2 || i == 3;
    x.price = is_stable ? 1 : sample_spots[coin];
    if (!is_stable) x.underlying = UnderlyingId{as_id(coin)};
    if (is_stable) {
        x.volatility_day = .003;
        x.peg_down = .05;
        x.peg_up = i == 3 ? .02 : 0;
    } else if (i > 3 && i / 2 % 2 == 0) {
        x.premium = .015;
    } else if (i > 3) {
        x.peg_down = .05;
        x.peg_up = .015;
    }
    const bool is_margined = x.premium > 0;
    x.basis = i < 2 ? 0 : .0075;
    x.haircut_initial = is_margined ? 0 : .005;
    x.haircut_maintenance = is_margined ? 0 : .0025;
    return x;
}

Kind sample_kind(const Wrapper& wrapper, std::size_t i) {
    if (wrapper.premium > 0) return Kind::perpetual;
    if (!wrapper.underlying) return Kind::stable;
    return i < 2 ? Kind::spot : Kind::synthetic;
}

Instrument sample_option(const Universe& universe, std::size_t i) {
    Instrument x;
    x.kind = Kind::option;
    x.underlying = UnderlyingId{as_id(i % 2)};
    x.wrapper = WrapperId{as_id(4 + i % 2)};
    const double spot = universe.underlyings[i % 2].spot;
    x.type = i % 3 == 0 ? OptionType::put : OptionType::call;
    x.strike = spot * (.5 + static_cast<double>(i % 41) / 40);
    x.forward = spot;
    x.volatility = .4 + .01 * static_cast<double>(i % 37);
    x.days = 1 + static_cast<double>(i * 7 % 180);
    return x;
}

Instrument sample_other(const Universe& universe, std::size_t i) {
    Instrument x;
    x.protocols = {ProtocolId{as_id(i % universe.protocols.size())}};
    const WrapperId coin{as_id(i % 2)};
    const WrapperId stable{as_id(2 + i / 2 % 2)};
    const double ratio = sample_spots[i % 2];
    switch (i % 6) {
        case 0:
        case 1:
            x.kind = i % 6 == 0 ? Kind::lp2 : Kind::lp3;
            x.wrapper = coin;
            x.quote = stable;
            x.liquidity = .5 / std::sqrt(ratio);
            if (x.kind == Kind::lp2) return x;
            x.price_low = ratio * .8;
            x.price_high = ratio * 1.2;
            return x;
        case 2:
            x.kind = Kind::deposit;
            x.wrapper = WrapperId{as_id(i % universe.wrappers.size())};
            x.index = 1.05;
            return x;
        case 3:
            x.kind = Kind::debt;
            x.wrapper = stable;
            x.index = 1.02;
            return x;
        case 4:
            x.kind = Kind::binary;
            x.event = fmt::format("E{}", i / 12);
            x.outcomes = 3;
            x.outcome = as_id(i / 6 % 2);
            x.mark = .3;
            return x;
        default:
            x.kind = Kind::inverse_perpetual;
            x.protocols.clear();
            x.wrapper = WrapperId{as_id(4 + i % 2)};
            x.venue = ProtocolId{as_id(i % universe.protocols.size())};
            return x;
    }
}

// All but the instruments that follow the wrappers.
Universe sample_frame(const SampleSize& size) {
    CHECK(size.wrappers >= 6 && size.wrappers <= limits::wrappers_max, "a sample has its wrappers");
    CHECK(size.protocols >= 2 && size.protocols <= limits::protocols_max,
          "a sample has its protocols");
    CHECK(size.instruments > size.wrappers, "a sample holds each wrapper, and cash");
    Universe universe;
    universe.simulation.count = size.simulated;
    for (std::size_t i = 0; i < sample_spots.size(); ++i) {
        universe.underlyings.push_back({.name = fmt::format("C{}", i),
                                        .spot = sample_spots[i],
                                        .range = i == 0 ? .16 : .2,
                                        .volatility_day = i == 0 ? .032 : .042});
    }
    for (std::size_t i = 0; i < size.wrappers; ++i) {
        universe.wrappers.push_back(sample_wrapper(i));
    }
    for (std::size_t i = 0; i < size.protocols; ++i) {
        Protocol protocol{.name = fmt::format("P{}", i),
                          .default_year = .01 + .002 * static_cast<double>(i),
                          .loss_given_default = .6,
                          .depegs = {}};
        for (auto w = 2 + i; w < size.wrappers; w += size.protocols) {
            if (universe.wrappers[w].premium == 0) protocol.depegs.push_back({WrapperId{as_id(w)}});
        }
        universe.protocols.push_back(std::move(protocol));
    }
    Instrument cash;
    cash.name = "USD";
    universe.instruments.push_back(cash);
    for (std::size_t i = 0; i < size.wrappers; ++i) {
        Instrument x;
        x.name = fmt::format("I{}", i + 1);
        x.kind = sample_kind(universe.wrappers[i], i);
        x.wrapper = WrapperId{as_id(i)};
        const ProtocolId protocol{as_id(i % size.protocols)};
        if (x.kind == Kind::perpetual) x.venue = protocol;
        if (x.kind == Kind::synthetic) x.protocols = {protocol};
        universe.instruments.push_back(std::move(x));
    }
    return universe;
}

}  // namespace

Universe sample_universe(const SampleSize& size) {
    auto universe = sample_frame(size);
    for (std::size_t i = 0; universe.instruments.size() < size.instruments; ++i) {
        auto x = i % 2 == 0 ? sample_option(universe, i / 2) : sample_other(universe, i / 2);
        x.name = fmt::format("I{}", universe.instruments.size());
        universe.instruments.push_back(std::move(x));
    }
    return universe;
}

Universe sample_of_options(const SampleSize& size) {
    auto universe = sample_frame(size);
    for (std::size_t i = 0; universe.instruments.size() < size.instruments; ++i) {
        auto x = sample_option(universe, i);
        x.name = fmt::format("I{}", universe.instruments.size());
        universe.instruments.push_back(std::move(x));
    }
    return universe;
}

}  // namespace crossclear::risk::kernel
