#include "risk/surface.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

namespace crossclear::risk {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t ppb_one = 1'000'000'000;
constexpr std::int64_t price_one = 1'000'000'000;
constexpr double half_spread_max = 0.5;

bool is_between(double value, double low, double high) {
    return std::isfinite(value) && value >= low && value <= high;
}

bool is_without_haircut(base::AssetKind kind) {
    return kind == base::AssetKind::cash || kind == base::AssetKind::contract;
}

std::optional<std::string> fault_of_asset(const AssetRisk& risk, const base::AssetInfo& asset) {
    const auto says = [&](std::string_view what) {
        return fmt::format("asset {}: {}", asset.symbol, what);
    };
    if (!is_between(risk.range, 0, 1)) return says("range must be within 0 and 1");
    if (asset.underlying.empty() && risk.range > 0) return says("a range needs an underlying");
    if (!is_between(risk.half_spread, 0, half_spread_max)) {
        return says("half spread must be within 0 and 0.5");
    }
    if (!is_between(risk.haircut_initial, 0, 1)) {
        return says("initial haircut must be within 0 and 1");
    }
    if (!is_between(risk.haircut_maintenance, 0, risk.haircut_initial)) {
        return says("maintenance haircut must be within 0 and the initial one");
    }
    if (is_without_haircut(asset.kind) && risk.haircut_initial > 0) {
        return says("cash and contracts have no haircut");
    }
    return std::nullopt;
}

std::optional<SurfaceError> fault_of_mark(const Mark& mark, base::AssetKind kind) {
    if (!mark.is_known) return std::nullopt;
    if (mark.price.v < 0) return SurfaceError::price_negative;
    if (mark.price > price_max) return SurfaceError::price_absurd;
    if (kind == base::AssetKind::cash && mark.price.v != price_one) {
        return SurfaceError::cash_not_at_one;
    }
    return std::nullopt;
}

std::optional<base::Price> as_price(Wide value) {
    if (value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return base::Price{static_cast<std::int64_t>(value)};
}

}  // namespace

Share share_of_ppb(std::int64_t ppb) noexcept {
    return static_cast<Share>(ppb) / static_cast<Share>(ppb_one);
}

std::int64_t ppb_of(Share share) {
    CHECK(is_between(share, -9, 9), "a share that fits in billionths");
    return std::llround(share * static_cast<Share>(ppb_one));
}

std::optional<std::string> fault_of(const Parameters& parameters, const base::Listing& listing) {
    if (parameters.assets.size() != listing.assets.size()) {
        return fmt::format("risk parameters for {} assets where {} are listed",
                           parameters.assets.size(), listing.assets.size());
    }
    if (parameters.mark_age_max.us <= 0) return "mark_age_max must be positive";
    std::map<std::string_view, double> ranges;
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const auto& asset = listing.assets[i];
        const auto& risk = parameters.assets[i];
        if (auto fault = fault_of_asset(risk, asset)) return fault;
        if (asset.underlying.empty()) continue;
        const auto [known, is_new] = ranges.emplace(asset.underlying, risk.range);
        if (!is_new && known->second != risk.range) {
            return fmt::format("asset {}: assets that follow {} must have one range", asset.symbol,
                               asset.underlying);
        }
    }
    return std::nullopt;
}

base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
    std::uint64_t number, std::shared_ptr<const base::Listing> listing,
    std::shared_ptr<const Parameters> parameters, std::vector<Mark> marks) {
    CHECK(listing != nullptr && parameters != nullptr, "a surface rests on both");
    if (fault_of(*parameters, *listing)) return base::Failure{SurfaceError::parameters_faulty};
    if (marks.size() != listing->assets.size()) {
        return base::Failure{SurfaceError::marks_not_of_listing};
    }
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const auto kind = listing->assets[i].kind;
        if (const auto fault = fault_of_mark(marks[i], kind)) return base::Failure{*fault};
        if (kind != base::AssetKind::cash) continue;
        marks[i].price = base::Price{price_one};
        marks[i].is_known = true;
    }
    return std::shared_ptr<const Surface>(
        new Surface(number, std::move(listing), std::move(parameters), std::move(marks)));
}

Surface::Surface(std::uint64_t number, std::shared_ptr<const base::Listing> listing,
                 std::shared_ptr<const Parameters> parameters, std::vector<Mark> marks)
    : number_(number),
      listing_(std::move(listing)),
      parameters_(std::move(parameters)),
      marks_(std::move(marks)) {
    std::map<std::string_view, std::uint16_t> indexes;
    for (std::size_t i = 0; i < marks_.size(); ++i) {
        const auto& risk = parameters_->assets[i];
        half_spreads_ppb_.push_back(ppb_of(risk.half_spread));
        const auto& underlying = listing_->assets[i].underlying;
        if (underlying.empty()) {
            underlyings_.push_back(no_underlying);
            continue;
        }
        const auto next = static_cast<std::uint16_t>(ranges_.size());
        const auto [entry, is_new] = indexes.emplace(underlying, next);
        if (is_new) ranges_.push_back(risk.range);
        underlyings_.push_back(entry->second);
    }
}

const Mark& Surface::mark(base::AssetId asset) const {
    CHECK(asset.v < marks_.size(), "a mark is asked for a listed asset");
    return marks_[asset.v];
}

std::uint16_t Surface::underlying_of(base::AssetId asset) const {
    CHECK(asset.v < underlyings_.size(), "an underlying is asked for a listed asset");
    return underlyings_[asset.v];
}

bool Surface::is_fresh(base::AssetId asset, base::Timestamp now) const {
    const auto& latest = mark(asset);
    if (listing_->asset(asset).kind == base::AssetKind::cash) return true;
    if (!latest.is_known) return false;
    std::int64_t age_us = 0;
    if (__builtin_sub_overflow(now.us, latest.at.us, &age_us)) return false;
    const auto age_max_us = parameters_->mark_age_max.us;
    return age_us <= age_max_us && age_us >= -age_max_us;
}

std::optional<base::Price> Surface::instrument_mark(base::InstrumentId instrument) const {
    const auto& info = listing_->instrument(instrument);
    const auto& base_mark = mark(info.base);
    const auto& settlement_mark = mark(info.settlement);
    if (!base_mark.is_known || !settlement_mark.is_known) return std::nullopt;
    const Wide divisor = settlement_mark.price.v;
    if (divisor == 0) return std::nullopt;
    return as_price((Wide{base_mark.price.v} * price_one + divisor / 2) / divisor);
}

std::optional<base::Price> Surface::fill_price(base::InstrumentId instrument, bool is_buy) const {
    const auto& info = listing_->instrument(instrument);
    const auto& base_mark = mark(info.base);
    const auto& settlement_mark = mark(info.settlement);
    if (!base_mark.is_known || !settlement_mark.is_known) return std::nullopt;
    const Wide divisor = settlement_mark.price.v;
    if (divisor == 0) return std::nullopt;
    // Price and parts per billion carry the same 1e9, so the quotient is a Price again.
    static_assert(ppb_one == price_one);
    const auto spread_ppb = half_spreads_ppb_[info.base.v];
    const Wide factor = is_buy ? ppb_one + spread_ppb : ppb_one - spread_ppb;
    const Wide product = Wide{base_mark.price.v} * factor;
    return as_price(is_buy ? (product + divisor - 1) / divisor : product / divisor);
}

bool Surface::is_instrument_fresh(base::InstrumentId instrument, base::Timestamp now) const {
    const auto& info = listing_->instrument(instrument);
    return is_fresh(info.base, now) && is_fresh(info.settlement, now);
}

}  // namespace crossclear::risk
