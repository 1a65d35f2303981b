#include "risk/parameters.hpp"

#include "base/check.hpp"
#include "base/decimal.hpp"
#include "base/hash.hpp"
#include "risk/kernel/scenarios.hpp"
#include "risk/kernel/stress_states.hpp"
#include "risk/kernel/surface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace crossclear::risk {
namespace {

using base::AssetInfo;
using base::AssetKind;

bool is_capped(const kernel::Wrapper& x) {
    return x.open_interest_high_usd > x.open_interest_low_usd;
}
using kernel::Universe;
using kernel::UniverseFault;

constexpr double half_spread_max = 0.5;
constexpr double billion = 1e9;
constexpr double strike_noise = 1e-12;  // Of a number as text.

// Whether an instrument of the kind can be the place of an asset, and the kind by which to say so.
bool fits(AssetKind asset, kernel::Kind kind) {
    switch (asset) {
        case AssetKind::cash:
            return kind == kernel::Kind::cash;
        case AssetKind::spot:
            return kind == kernel::Kind::spot;
        case AssetKind::synthetic:
            return kind == kernel::Kind::synthetic;
        case AssetKind::stable:
            return kind == kernel::Kind::stable;
        case AssetKind::contract:
            return kind == kernel::Kind::perpetual || kind == kernel::Kind::future;
        case AssetKind::outcome:
            return kind == kernel::Kind::binary;
        case AssetKind::pool:
            return kernel::is_lp(kind);
        case AssetKind::lending:
            return kind == kernel::Kind::deposit;
        case AssetKind::option:
            return kind == kernel::Kind::option;
    }
    UNREACHABLE("an unlisted kind");
}

std::string kinds_for(AssetKind asset) {
    std::string names;
    for (std::size_t i = 0; i < kernel::kinds; ++i) {
        if (!fits(asset, static_cast<kernel::Kind>(i))) continue;
        if (!names.empty()) names += " or ";
        names += kernel::kind_names[i];
    }
    return names;
}

bool is_named(const Universe& universe, const kernel::Instrument& x, std::string_view protocol) {
    const auto has_its_name = [&](kernel::ProtocolId id) {
        return universe.protocol(id).name == protocol;
    };
    return std::any_of(x.protocols.begin(), x.protocols.end(), has_its_name) ||
           (x.venue && has_its_name(*x.venue));
}

// Whether a contract that ends is a future, and one that does not is none.
bool ends_alike(const base::Listing& listing, base::AssetId asset, kernel::Kind kind) {
    if (listing.asset(asset).kind != AssetKind::contract) return true;
    const auto traded = listing.instrument_of(asset);
    const bool ends = traded && listing.instrument(*traded).expiry.has_value();
    return ends == (kind == kernel::Kind::future);
}

// What keeps an instrument from being the place of an asset, or nothing.
std::optional<std::string> misfit_of(const Universe& universe, const kernel::Instrument& x,
                                     const AssetInfo& asset) {
    if (!fits(asset.kind, x.kind)) {
        return fmt::format("expected kind {}: so it is listed", kinds_for(asset.kind));
    }
    if (!asset.protocol.empty() && !is_named(universe, x, asset.protocol)) {
        return fmt::format("expected {} among its protocols, or for its venue: so it is listed",
                           asset.protocol);
    }
    if (!has_own_price(x.kind)) return std::nullopt;
    const auto& wrapper = universe.wrapper(x.wrapper);
    const std::string_view coin =
        wrapper.underlying ? universe.underlying(*wrapper.underlying).name : std::string_view{};
    if (coin != asset.underlying) {
        return asset.underlying.empty()
                   ? fmt::format("expected a wrapper that follows the dollar, not {}", coin)
                   : fmt::format("expected a wrapper that follows {}: so it is listed",
                                 asset.underlying);
    }
    if (x.entry != 0) return "expected no entry: every position of a listed contract has its own";
    if (!(wrapper.half_spread <= half_spread_max)) {
        return fmt::format("expected a wrapper whose half_spread is at most {}", half_spread_max);
    }
    return std::nullopt;
}

/// Which listed asset's mark is the price of a wrapper.
using Priced = std::map<kernel::WrapperId, base::AssetId>;

bool is_token(const AssetInfo& asset) {
    return asset.kind == AssetKind::spot || asset.kind == AssetKind::synthetic ||
           asset.kind == AssetKind::stable;
}

// What keeps an option's terms from being those of its listing, or nothing.
std::optional<std::string> other_terms_of(const Universe& universe, const kernel::Instrument& x,
                                          const base::Listing& listing, base::AssetId asset) {
    const auto& info = listing.asset(asset);
    const auto traded = listing.instrument_of(asset);
    if (!traded) return fmt::format("expected an instrument that trades {}", info.symbol);
    const auto& listed = *listing.instrument(*traded).option;
    if (universe.underlying(x.underlying).name != info.underlying) {
        return fmt::format("expected the underlying {}: so it is listed", info.underlying);
    }
    if (x.type != listed.type) return "expected the other type: so it is listed";
    const double strike = static_cast<double>(listed.strike.v) / billion;
    if (std::abs(x.strike - strike) > strike * strike_noise) {
        return fmt::format("expected the strike {}: so it is listed",
                           base::format_decimal(listed.strike.v, base::price_scale));
    }
    return std::nullopt;
}

// The places of a listing, one after the other, and what is wrong with them.
class Placing {
public:
    Placing(const base::Listing& listing, const Universe& universe)
        : listing_(listing), universe_(universe) {
        for (const auto& asset : listing.assets) place(asset);
        for (std::size_t i = 0; i < places.size(); ++i) {
            const auto& asset = listing_.assets[i];
            if (!places[i] || !base::is_derived(asset.kind)) continue;
            const base::AssetId id{static_cast<std::uint16_t>(i)};
            if (auto fault = unpriced_leg_of(universe_.instrument(*places[i]), id)) {
                complain(*places[i], std::move(*fault));
            }
        }
    }

    std::vector<std::optional<kernel::InstrumentId>> places;  // By asset.
    std::vector<UniverseFault> faults;

private:
    // What a share, a deposit or an option is made of has to be listed, or nothing would move its
    // price; and that of an option as long as it is traded.
    std::optional<std::string> unpriced_leg_of(const kernel::Instrument& x,
                                               base::AssetId asset) const {
        const bool is_option = x.kind == kernel::Kind::option;
        const auto end = listing_.end_of(asset);
        for (const auto leg : legs_of(x)) {
            const auto found = priced_.find(leg);
            if (found != priced_.end()) {
                const auto& of_leg = listing_.asset(found->second);
                if (!is_option && is_token(of_leg)) continue;
                const auto other_end = listing_.end_of(found->second);
                const bool hedges =
                    of_leg.kind == AssetKind::spot || of_leg.kind == AssetKind::contract;
                if (is_option && hedges && (!other_end || (end && *other_end >= *end))) continue;
            }
            return fmt::format("expected {}, not {}",
                               is_option ? "a listed coin or contract that does not end before it"
                                         : "tokens that are listed",
                               universe_.wrapper(leg).name);
        }
        return std::nullopt;
    }

    void complain(kernel::InstrumentId at, std::string says) {
        faults.push_back({fmt::format("instruments[{}]", at.v), std::move(says)});
    }

    void place(const AssetInfo& asset) {
        const auto found = universe_.find_instrument(asset.symbol);
        places.push_back(found);
        if (!found) {
            faults.push_back(
                {"instruments", fmt::format("expected {}, which is listed", asset.symbol)});
            return;
        }
        const auto& x = universe_.instrument(*found);
        if (auto misfit = misfit_of(universe_, x, asset)) {
            return complain(*found, std::move(*misfit));
        }
        const base::AssetId id{static_cast<std::uint16_t>(places.size() - 1)};
        if (!ends_alike(listing_, id, x.kind)) {
            return complain(*found,
                            "expected a perpetual, or a future if it is listed with an end");
        }
        if (x.kind == kernel::Kind::option) {
            if (auto other = other_terms_of(universe_, x, listing_, id)) {
                complain(*found, std::move(*other));
            }
        }
        if (!has_own_price(x.kind)) return;
        const auto [other, is_first] = priced_.emplace(x.wrapper, id);
        if (is_first) return;
        complain(*found,
                 fmt::format("expected a wrapper of its own: the mark of {} is the price of "
                             "this one",
                             listing_.asset(other->second).symbol));
    }

    const base::Listing& listing_;
    const Universe& universe_;
    Priced priced_;
};

// The last price of a future is the average of its coin: of a synthetic it would be that of who
// issues it.
void add_averages_without_coin(const base::Listing& listing, std::vector<UniverseFault>& faults) {
    for (const auto& instrument : listing.instruments) {
        if (!instrument.expiry || instrument.expiry->average_over.us == 0) continue;
        const auto& coin = listing.asset(instrument.base).underlying;
        const auto is_it = [&](const AssetInfo& asset) {
            return asset.kind == AssetKind::spot && asset.underlying == coin;
        };
        if (std::any_of(listing.assets.begin(), listing.assets.end(), is_it)) continue;
        faults.push_back({"instruments",
                          fmt::format("expected a listed coin {} of the kind spot: the last price "
                                      "of {} is its average",
                                      coin, instrument.symbol)});
    }
}

// Numbers by their bits: what differs by a rounding is another scenario.
std::uint64_t mixed(std::uint64_t seed, const std::vector<double>& numbers) {
    for (const double number : numbers) {
        seed = base::hash_combine(seed, std::bit_cast<std::uint64_t>(number));
    }
    return base::hash_combine(seed, numbers.size());
}

std::uint64_t mixed(std::uint64_t seed, std::string_view text) {
    for (const char letter : text) {
        seed = base::hash_combine(seed, static_cast<unsigned char>(letter));
    }
    return base::hash_combine(seed, text.size());
}

std::uint64_t mixed(std::uint64_t seed, const kernel::PricePath& path) {
    seed = mixed(seed, path.name);
    for (const auto* forms : {&path.underlyings, &path.wrappers}) {
        for (const auto& moment : *forms) {
            std::vector<double> known;
            // No price is below zero.
            for (const auto& multiple : moment) known.push_back(multiple.value_or(-1));
            seed = mixed(seed, known);
        }
    }
    return base::hash_combine(seed, path.moments.size());
}

std::uint64_t fingerprint_of(const Universe& universe) {
    std::uint64_t seed = 0;
    for (const auto& protocol : universe.protocols) seed = mixed(seed, protocol.name);
    for (const auto* scenarios : {&universe.core, &universe.simulated}) {
        for (const auto& scenario : *scenarios) {
            seed = mixed(seed, scenario.moves);
            seed = mixed(seed, scenario.pegs);
        }
        seed = base::hash_combine(seed, scenarios->size());
    }
    return seed;
}

// Of what moves in the states of the stress book, and how far.
std::uint64_t fingerprint_of(const kernel::StressTerms& stress, const Universe& universe) {
    const auto with = [](std::uint64_t seed, double number) {
        return base::hash_combine(seed, std::bit_cast<std::uint64_t>(number));
    };
    std::uint64_t seed = with(fingerprint_of(universe), stress.oracle_frozen_hours);
    seed = with(seed, universe.model.oracle_quantile);
    for (const auto& path : stress.paths) seed = mixed(seed, path);
    for (const auto& coin : universe.underlyings) {
        seed = with(mixed(seed, coin.name), coin.volatility_day);
    }
    for (const auto& wrapper : universe.wrappers) {
        seed = with(mixed(seed, wrapper.name), wrapper.volatility_day);
    }
    return seed;
}

}  // namespace

std::vector<kernel::WrapperId> legs_of(const kernel::Instrument& derived) {
    if (kernel::is_lp(derived.kind)) return {derived.wrapper, derived.quote};
    return {derived.wrapper};
}

base::Result<std::shared_ptr<const Parameters>, std::vector<UniverseFault>> Parameters::of(
    const base::Listing& listing, Source source) {
    CHECK(source.mark_age_max.us > 0, "marks have an age beyond which they are stale");
    auto faults = kernel::faults_of(source.universe);
    if (!faults.empty()) return base::Failure{std::move(faults)};
    Placing placing(listing, source.universe);
    const auto& given = source.universe.instruments;
    const auto cash = std::find_if(given.begin(), given.end(),
                                   [](const auto& x) { return x.kind == kernel::Kind::cash; });
    if (cash == given.end()) {
        placing.faults.push_back({"instruments", "expected one of the kind cash"});
    }
    add_averages_without_coin(listing, placing.faults);
    if (!placing.faults.empty()) return base::Failure{std::move(placing.faults)};
    const auto cash_at = static_cast<std::size_t>(cash - given.begin());

    const std::shared_ptr<Parameters> made(new Parameters(std::move(source)));
    auto& universe = made->source_.universe;
    const auto all = std::exchange(universe.instruments, {});
    const auto keep = [&](const kernel::Instrument& x) {
        const auto known = universe.find_instrument(x.name);
        if (known) return *known;
        universe.instruments.push_back(x);
        return kernel::InstrumentId{static_cast<std::uint16_t>(universe.instruments.size() - 1)};
    };
    made->cash_ = keep(all.at(cash_at));
    for (const auto& place : placing.places) {
        const auto& x = all.at(place->v);
        const double spread =
            has_own_price(x.kind) ? universe.wrapper(x.wrapper).half_spread : x.half_spread;
        made->places_.push_back({keep(x), std::llround(spread * billion)});
    }
    made->find_coins(listing);
    // They depend on no price: every surface has the same.
    if (universe.core.empty()) universe.core = kernel::core_scenarios(universe);
    if (universe.simulated.empty()) universe.simulated = kernel::simulated_scenarios(universe);
    // What only shows in the whole, such as its size, shows now and not with the first marks.
    const auto trial = kernel::build_surface(0, universe);
    if (!trial) return base::Failure{trial.error()};
    const auto& stress = made->source_.stress;
    if (!kernel::StressStates::of(**trial, stress)) {
        return base::Failure{std::vector<UniverseFault>{
            {"instruments", "times all states of the stress book are too many, or no numbers"}}};
    }
    made->fingerprint_ = fingerprint_of(universe);
    made->stress_fingerprint_ = fingerprint_of(stress, universe);
    made->largest_multiple_ = kernel::largest_multiple(universe, stress);
    return std::shared_ptr<const Parameters>(made);
}

std::optional<base::Duration> Parameters::heartbeat(base::AssetId asset) const {
    const auto& x = universe().instrument(instrument(asset));
    if (!has_own_price(x.kind)) return std::nullopt;
    const double seconds = universe().wrapper(x.wrapper).oracle_heartbeat_s;
    return base::Duration{std::llround(seconds * 1e6)};
}

void Parameters::find_coins(const base::Listing& listing) {
    for (const auto& underlying : source_.universe.underlyings) {
        std::optional<base::AssetId> coin;
        for (std::size_t i = 0; i < listing.assets.size(); ++i) {
            const auto& asset = listing.assets[i];
            if (asset.underlying != underlying.name || base::is_derived(asset.kind)) continue;
            const base::AssetId id{static_cast<std::uint16_t>(i)};
            if (!coin) coin = id;
            if (asset.kind == AssetKind::spot) {
                coin = id;
                break;
            }
        }
        coins_.push_back(coin);
    }
}

bool Parameters::has_open_interest_caps() const noexcept {
    const auto& wrappers = universe().wrappers;
    return std::any_of(wrappers.begin(), wrappers.end(), is_capped);
}

bool Parameters::has_open_interest_cap(base::AssetId asset) const {
    const auto& x = universe().instrument(instrument(asset));
    const bool counts = has_own_price(x.kind) || x.kind == kernel::Kind::option;
    return counts && is_capped(universe().wrappers.at(x.wrapper.v));
}

}  // namespace crossclear::risk
