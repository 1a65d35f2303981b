#include "risk/margin.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

// Values are exact integers as long as only quantities and prices are involved, and become doubles
// once a risk parameter joins them. The sums that are netted are therefore exact and free of order,
// and a position with its opposite needs precisely nothing.

namespace crossclear::risk {
namespace {

__extension__ using Wide = __int128;

constexpr int value_scale = 18;  // A value counts 10^-18 USD: a price's nine digits, a quantity's.
constexpr Wide cent = 10'000'000'000'000'000;
constexpr int lockstep_steps = 4;
constexpr double maintenance_share_of_market = 0.8;

static_assert(base::price_scale + base::asset_scale_max == value_scale);

// quantity × mark, exactly. Nothing of an asset is worth nothing, even without a mark.
base::Result<Wide, RiskError> value_of(const Surface& surface, base::AssetId asset,
                                       base::Amount quantity) {
    if (quantity.v == 0) return Wide{0};
    const auto& mark = surface.mark(asset);
    if (!mark.is_known) return base::Failure{RiskError::mark_missing};
    const int digits = base::asset_scale_max - surface.listing().asset(asset).scale;
    Wide value = Wide{quantity.v} * mark.price.v;
    if (__builtin_mul_overflow(value, Wide{base::power_of_ten(digits)}, &value)) {
        return base::Failure{RiskError::out_of_range};
    }
    return value;
}

base::Result<std::int64_t, RiskError> cents_down(Wide value) {
    Wide quotient = value / cent;
    if (value % cent < 0) quotient -= 1;
    if (quotient > std::numeric_limits<std::int64_t>::max() ||
        quotient < std::numeric_limits<std::int64_t>::min()) {
        return base::Failure{RiskError::out_of_range};
    }
    return static_cast<std::int64_t>(quotient);
}

base::Result<std::int64_t, RiskError> cents_up(double cents) {
    // Written so that a NaN fails the first test; a comparison alone would let it through.
    if (!std::isfinite(cents)) return base::Failure{RiskError::not_finite};
    const double rounded = std::ceil(cents);
    if (rounded < 0 || rounded >= 0x1p63) return base::Failure{RiskError::out_of_range};
    return static_cast<std::int64_t>(rounded);
}

// All of one asset, over its several entries.
Wide quantity_of(const Portfolio& portfolio, base::AssetId asset) {
    Wide sum = 0;
    for (const auto& token : portfolio.tokens) {
        if (token.asset == asset) sum += token.quantity.v;
    }
    for (const auto& contract : portfolio.contracts) {
        if (contract.contract == asset) sum += contract.quantity.v;
    }
    return sum;
}

// A portfolio as values per asset: tokens and contracts apart, because only tokens have haircuts.
struct Values {
    std::array<Wide, base::limits::assets_max> tokens{};
    std::array<Wide, base::limits::assets_max> contracts{};
    Wide equity{};
    bool is_in_kind{true};  // Nothing owed and no contract.
};

// Adds to one entry and to equity. False on overflow.
bool add_to(Wide& entry, Wide& equity, Wide value) {
    return !__builtin_add_overflow(entry, value, &entry) &&
           !__builtin_add_overflow(equity, value, &equity);
}

std::optional<RiskError> add_tokens(Values& values, const Surface& surface,
                                    const Portfolio& portfolio) {
    for (const auto& token : portfolio.tokens) {
        const auto value = value_of(surface, token.asset, token.quantity);
        if (!value) return value.error();
        const bool is_owed = token.quantity.v < 0 && quantity_of(portfolio, token.asset) < 0;
        if (is_owed) values.is_in_kind = false;
        if (!add_to(values.tokens[token.asset.v], values.equity, *value)) {
            return RiskError::out_of_range;
        }
    }
    return std::nullopt;
}

std::optional<RiskError> add_contracts(Values& values, const Surface& surface,
                                       const Portfolio& portfolio) {
    for (const auto& contract : portfolio.contracts) {
        if (contract.quantity.v == 0 && contract.settled_value.v == 0) continue;
        values.is_in_kind = false;
        const auto value = value_of(surface, contract.contract, contract.quantity);
        if (!value) return value.error();
        const auto settled = value_of(surface, contract.settlement, contract.settled_value);
        if (!settled) return settled.error();
        if (!add_to(values.contracts[contract.contract.v], values.equity, *value) ||
            !add_to(values.contracts[contract.settlement.v], values.equity, -*settled)) {
            return RiskError::out_of_range;
        }
    }
    return std::nullopt;
}

double cents_of(Wide value) { return static_cast<double>(value) / static_cast<double>(cent); }

// The change of value when every underlying rises by its whole range; linear in the move.
base::Result<double, RiskError> move_at_full_range(const Values& values, const Surface& surface) {
    std::array<Wide, base::limits::assets_max> exposures{};
    const auto& ranges = surface.underlying_ranges();
    for (std::size_t i = 0; i < surface.listing().assets.size(); ++i) {
        const auto underlying = surface.underlying_of(base::AssetId{static_cast<std::uint16_t>(i)});
        if (underlying == Surface::no_underlying) continue;
        auto& exposure = exposures[underlying];
        if (__builtin_add_overflow(exposure, values.tokens[i], &exposure) ||
            __builtin_add_overflow(exposure, values.contracts[i], &exposure)) {
            return base::Failure{RiskError::out_of_range};
        }
    }
    double move = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) move += ranges[i] * cents_of(exposures[i]);
    return move;
}

double worst_lockstep_loss(double move) {
    double worst = 0;
    for (int k = -lockstep_steps; k <= lockstep_steps; ++k) {
        worst = std::max(worst, -move * k / lockstep_steps);
    }
    return worst;
}

struct Haircuts {
    double initial{};
    double maintenance{};
};

Haircuts haircuts_of(const Values& values, const Surface& surface) {
    Haircuts sum;
    const auto& risks = surface.parameters().assets;
    for (std::size_t i = 0; i < risks.size(); ++i) {
        const double value = std::fabs(cents_of(values.tokens[i]));
        sum.initial += risks[i].haircut_initial * value;
        sum.maintenance += risks[i].haircut_maintenance * value;
    }
    return sum;
}

base::Result<Margin, RiskError> margin_of(const Values& values, const Surface& surface) {
    const auto move = move_at_full_range(values, surface);
    if (!move) return base::Failure{move.error()};
    // std::max would drop a NaN in silence, so the move is looked at before it is compared.
    if (!std::isfinite(*move)) return base::Failure{RiskError::not_finite};
    const double market = worst_lockstep_loss(*move);
    const auto haircuts = haircuts_of(values, surface);

    const auto equity = cents_down(values.equity);
    const auto market_cents = cents_up(market);
    const auto haircut_cents = cents_up(haircuts.initial);
    const auto initial = cents_up(market + haircuts.initial);
    const auto maintenance = cents_up(maintenance_share_of_market * market + haircuts.maintenance);
    if (!equity) return base::Failure{equity.error()};
    for (const auto* part : {&market_cents, &haircut_cents, &initial, &maintenance}) {
        if (!*part) return base::Failure{part->error()};
    }
    const auto cap = values.is_in_kind ? *equity : std::numeric_limits<std::int64_t>::max();
    return Margin{.equity_cents = *equity,
                  .initial_cents = std::min(*initial, cap),
                  .maintenance_cents = std::min(*maintenance, cap),
                  .market_cents = *market_cents,
                  .haircut_cents = *haircut_cents};
}

class LockstepModel final : public Model {
public:
    base::Result<Margin, RiskError> margin(const Surface& surface,
                                           const Portfolio& portfolio) const override {
        CHECK(surface.listing().assets.size() <= base::limits::assets_max,
              "a listing within its limits");
        Values values;
        if (const auto error = add_tokens(values, surface, portfolio)) {
            return base::Failure{*error};
        }
        if (const auto error = add_contracts(values, surface, portfolio)) {
            return base::Failure{*error};
        }
        return margin_of(values, surface);
    }
};

bool shrinks_toward_zero(Wide before, Wide after) {
    return before >= 0 ? (after >= 0 && after <= before) : (after <= 0 && after >= before);
}

bool is_like_cash(const base::Listing& listing, base::AssetId asset) {
    if (listing.asset(asset).kind == base::AssetKind::cash) return true;
    return std::any_of(
        listing.instruments.begin(), listing.instruments.end(),
        [&](const base::InstrumentInfo& instrument) { return instrument.settlement == asset; });
}

}  // namespace

std::unique_ptr<Model> make_lockstep_model() { return std::make_unique<LockstepModel>(); }

bool is_pure_unwind(const base::Listing& listing, const Portfolio& before, const Portfolio& after,
                    const Margin& margin_before, const Margin& margin_after) {
    if (margin_after.initial_cents > margin_before.initial_cents) return false;
    if (margin_after.maintenance_cents > margin_before.maintenance_cents) return false;
    // What is only in `before` has shrunk to nothing, so looking through `after` is enough.
    const auto shrinks = [&](base::AssetId asset) {
        return shrinks_toward_zero(quantity_of(before, asset), quantity_of(after, asset));
    };
    return std::all_of(after.tokens.begin(), after.tokens.end(),
                       [&](const TokenPosition& token) {
                           return is_like_cash(listing, token.asset) || shrinks(token.asset);
                       }) &&
           std::all_of(
               after.contracts.begin(), after.contracts.end(),
               [&](const ContractPosition& contract) { return shrinks(contract.contract); });
}

bool is_acceptable(const Margin& before, const Margin& after, std::int64_t fee_cents) {
    CHECK(fee_cents >= 0, "a fee is never negative");
    if (after.equity_cents >= after.initial_cents) return true;
    if (after.initial_cents >= before.initial_cents) return false;
    // Compared by subtraction on the side that cannot overflow: maintenance is never negative.
    return after.equity_cents >= after.maintenance_cents - fee_cents;
}

}  // namespace crossclear::risk
