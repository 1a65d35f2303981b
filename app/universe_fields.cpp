#include "app/config_codecs.hpp"
#include "app/universe_file.hpp"
#include "app/yaml.hpp"
#include "risk/kernel/limits.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

// The keys of a universe, named once for reading and writing. Ranges are checked once all is read,
// by the kernel's own door; here a number only has to be one.

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;
namespace limits = kernel::limits;
using kernel::Kind;

constexpr std::array<std::string_view, 2> option_names{"call", "put"};

// A finite number, in decimal or with an exponent.
struct Real {
    static constexpr bool is_text = false;
    [[nodiscard]] std::optional<double> parse(std::string_view text) const {
        double value{};
        const auto* end = text.data() + text.size();
        const auto [at, status] = std::from_chars(text.data(), end, value);
        if (status != std::errc{} || at != end || !std::isfinite(value)) return std::nullopt;
        return value;
    }
    [[nodiscard]] std::string format(double value) const { return fmt::format("{}", value); }
    [[nodiscard]] std::string expected() const { return "a number"; }
};

// The name of something that stands further up in the file.
template <class Id, class Named>
struct NameIn {
    const std::vector<Named>& list;
    std::string_view what;

    static constexpr bool is_text = true;
    [[nodiscard]] std::optional<Id> parse(std::string_view text) const {
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i].name == text) return Id{static_cast<typename Id::rep>(i)};
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string format(Id id) const { return list.at(id.v).name; }
    [[nodiscard]] std::string expected() const {
        return fmt::format("the name of {} further up", what);
    }
};

// The same where there may be none.
template <class Id, class Named>
struct MaybeNameIn {
    NameIn<Id, Named> name;

    static constexpr bool is_text = true;
    [[nodiscard]] std::optional<std::optional<Id>> parse(std::string_view text) const {
        const auto id = name.parse(text);
        if (!id) return std::nullopt;
        return id;
    }
    [[nodiscard]] std::string format(std::optional<Id> id) const {
        return id ? name.format(*id) : std::string{};
    }
    [[nodiscard]] std::string expected() const { return name.expected(); }
};

using CoinName = NameIn<kernel::UnderlyingId, kernel::Underlying>;
using WrapperName = NameIn<kernel::WrapperId, kernel::Wrapper>;
using ProtocolName = NameIn<kernel::ProtocolId, kernel::Protocol>;

constexpr Text name_text{.length_min = 1, .length_max = limits::name_length_max};

void visit_underlying(FieldVisitor& v, kernel::Underlying& x) {
    v.field("name", x.name, name_text);
    v.field("spot", x.spot, Real{});
    v.field("range", x.range, Real{});
    v.field("volatility_day", x.volatility_day, Real{});
}

void visit_wrapper(FieldVisitor& v, kernel::Wrapper& x, const kernel::Universe& universe) {
    v.field("name", x.name, name_text);
    v.optional("underlying", x.underlying,
               MaybeNameIn<kernel::UnderlyingId, kernel::Underlying>{
                   {universe.underlyings, "an underlying"}});
    v.field("price", x.price, Real{});
    v.field("basis", x.basis, Real{});
    v.field("half_spread", x.half_spread, Real{});
    v.field("volatility_day", x.volatility_day, Real{});
    v.field("volume_day_usd", x.volume_day_usd, Real{});
    v.field("haircut_initial", x.haircut_initial, Real{});
    v.field("haircut_maintenance", x.haircut_maintenance, Real{});
    v.optional("peg_down", x.peg_down, Real{});
    v.optional("peg_up", x.peg_up, Real{});
    v.optional("premium", x.premium, Real{});
    v.optional("open_interest_usd", x.open_interest_usd, Real{});
    v.optional("open_interest_low_usd", x.open_interest_low_usd, Real{});
    v.optional("open_interest_high_usd", x.open_interest_high_usd, Real{});
    v.optional("oracle_age_s", x.oracle_age_s, Real{});
    v.optional("oracle_heartbeat_s", x.oracle_heartbeat_s, Real{});
}

void visit_protocol(FieldVisitor& v, kernel::Protocol& x, const kernel::Universe& universe) {
    v.field("name", x.name, name_text);
    v.field("default_year", x.default_year, Real{});
    v.field("loss_given_default", x.loss_given_default, Real{});
    v.items(
        "depegs", x.depegs,
        [&universe](FieldVisitor& inner, kernel::Depeg& depeg) {
            inner.field("wrapper", depeg.wrapper, WrapperName{universe.wrappers, "a wrapper"});
            inner.optional("share", depeg.share, Real{});
        },
        limits::wrappers_max);
}

void visit_correlation(FieldVisitor& v, kernel::FailureCorrelation& x,
                       const kernel::Universe& universe) {
    v.field("a", x.a, ProtocolName{universe.protocols, "a protocol"});
    v.field("b", x.b, ProtocolName{universe.protocols, "a protocol"});
    v.field("value", x.value, Real{});
}

void visit_option(FieldVisitor& v, kernel::Instrument& x, const kernel::Universe& universe) {
    v.field("underlying", x.underlying, CoinName{universe.underlyings, "an underlying"});
    v.field("hedged_with", x.wrapper, WrapperName{universe.wrappers, "a wrapper"});
    v.field("type", x.type, OneOf<kernel::OptionType>{.names = option_names});
    v.field("strike", x.strike, Real{});
    v.field("forward", x.forward, Real{});
    v.field("volatility", x.volatility, Real{});
    v.field("days", x.days, Real{});
    v.optional("rate", x.rate, Real{});
    v.optional("half_spread", x.half_spread, Real{});
    v.optional("volatility_published", x.is_index_published, Flag{});
}

void visit_pool(FieldVisitor& v, kernel::Instrument& x, const kernel::Universe& universe) {
    v.field("wrapper", x.wrapper, WrapperName{universe.wrappers, "a wrapper"});
    v.field("quote", x.quote, WrapperName{universe.wrappers, "a wrapper"});
    v.field("liquidity", x.liquidity, Real{});
    v.optional("index_published", x.is_index_published, Flag{});
    if (x.kind == Kind::lp2) return;
    v.field("price_low", x.price_low, Real{});
    v.field("price_high", x.price_high, Real{});
}

void visit_binary(FieldVisitor& v, kernel::Instrument& x) {
    v.field("event", x.event, name_text);
    v.field("outcome", x.outcome, Whole<std::uint16_t>{});
    v.field("outcomes", x.outcomes, Whole<std::uint16_t>{});
    v.field("mark", x.mark, Real{});
    v.optional("half_spread", x.half_spread, Real{});
}

// The fields of one kind, and no others: what a kind does not look at has no business there.
void visit_terms(FieldVisitor& v, kernel::Instrument& x, const kernel::Universe& universe) {
    const auto wrapper = [&] {
        v.field("wrapper", x.wrapper, WrapperName{universe.wrappers, "a wrapper"});
    };
    switch (x.kind) {
        case Kind::cash:
            return;
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
            return wrapper();
        case Kind::perpetual:
        case Kind::future:
        case Kind::inverse_perpetual:
            wrapper();
            v.optional("entry", x.entry, Real{});
            if (x.kind == Kind::inverse_perpetual) v.optional("face_usd", x.face_usd, Real{});
            v.optional("venue", x.venue,
                       MaybeNameIn<kernel::ProtocolId, kernel::Protocol>{
                           {universe.protocols, "a protocol"}});
            return;
        case Kind::option:
            return visit_option(v, x, universe);
        case Kind::lp2:
        case Kind::lp3:
            return visit_pool(v, x, universe);
        case Kind::deposit:
        case Kind::debt:
            wrapper();
            v.optional("index", x.index, Real{});
            if (x.kind == Kind::deposit) {
                v.optional("index_published", x.is_index_published, Flag{});
            }
            return;
        case Kind::binary:
            return visit_binary(v, x);
    }
    UNREACHABLE("an unlisted kind");
}

bool names_protocols(Kind kind) {
    return kind == Kind::synthetic || kind == Kind::stable || kernel::is_lp(kind) ||
           kind == Kind::deposit || kind == Kind::debt || kind == Kind::binary;
}

void visit_instrument(FieldVisitor& v, kernel::Instrument& x, const kernel::Universe& universe) {
    v.field("name", x.name, name_text);
    v.field("kind", x.kind, OneOf<Kind>{.names = kernel::kind_names});
    visit_terms(v, x, universe);
    const ProtocolName protocol{universe.protocols, "a protocol"};
    if (names_protocols(x.kind)) {
        v.values("protocols", x.protocols, protocol, limits::protocols_max);
    } else if (x.kind == Kind::option) {
        v.optional_values("protocols", x.protocols, protocol, limits::protocols_max);
    }
}

void visit_simulation(FieldVisitor& v, kernel::Simulation& x) {
    v.optional("count", x.count, Whole<std::uint32_t>{});
    v.optional("seed", x.seed, Whole<std::uint64_t>{});
    v.optional("degrees_of_freedom", x.degrees_of_freedom, Real{});
    v.optional("correlation", x.correlation, Real{});
    v.optional("days", x.days, Real{});
    v.optional("volatility_up_above", x.volatility_up_above, Real{});
}

void visit_model(FieldVisitor& v, kernel::ModelParameters& x) {
    v.optional("volatility_up", x.volatility_up, Real{});
    v.optional("volatility_down", x.volatility_down, Real{});
    v.optional("volatility_power_short", x.volatility_power_short, Real{});
    v.optional("volatility_power_long", x.volatility_power_long, Real{});
    v.optional("volatility_days_min", x.volatility_days_min, Real{});
    v.optional("volatility_up_min", x.volatility_up_min, Real{});
    v.optional("tail_cover", x.tail_cover, Real{});
    v.values("tails", x.tails, Real{}, limits::tails_max);
    v.optional("shortfall_confidence", x.shortfall_confidence, Real{});
    v.optional("maintenance_of_market", x.maintenance_of_market, Real{});
    v.optional("maintenance_of_liquidity", x.maintenance_of_liquidity, Real{});
    v.optional("maintenance_of_shorts", x.maintenance_of_shorts, Real{});
    v.optional("maintenance_of_protocols", x.maintenance_of_protocols, Real{});
    v.optional("funding", x.funding, Real{});
    v.optional("short_option_minimum", x.short_option_minimum, Real{});
    v.optional("impact", x.impact, Real{});
    v.optional("oracle_quantile", x.oracle_quantile, Real{});
    v.optional("gain_share", x.gain_share, Real{});
    v.optional("venue_share", x.venue_share, Real{});
    v.optional("asset_correlation", x.asset_correlation, Real{});
    v.optional("confidence", x.confidence, Real{});
    v.optional("protocol_days", x.protocol_days, Real{});
    v.optional("failure_correlation", x.failure_correlation, Real{});
}

}  // namespace

void visit(FieldVisitor& v, kernel::Universe& x) {
    // What is longer than the kernel allows is refused before it is read, and not after.
    v.items("underlyings", x.underlyings, visit_underlying, limits::underlyings_max);
    const auto with_all = [&x](auto visit_one) {
        return [&x, visit_one](FieldVisitor& inner, auto& one) { visit_one(inner, one, x); };
    };
    v.items("wrappers", x.wrappers, with_all(visit_wrapper), limits::wrappers_max);
    v.items("protocols", x.protocols, with_all(visit_protocol), limits::protocols_max);
    v.items("correlations", x.correlations, with_all(visit_correlation), limits::correlations_max);
    v.items("instruments", x.instruments, with_all(visit_instrument), limits::instruments_max);
    v.optional_object("simulation",
                      [&x](FieldVisitor& inner) { visit_simulation(inner, x.simulation); });
    v.optional_object("model", [&x](FieldVisitor& inner) { visit_model(inner, x.model); });
}

std::string dump_universe(const kernel::Universe& universe) {
    auto copy = universe;  // A visitor may write; this one only reads.
    return write_yaml([&copy](FieldVisitor& visitor) { visit(visitor, copy); });
}

}  // namespace crossclear::app
