// What the house makes of the partitions' reports: cover, exposures, metrics.
#include "actors/netting_actor.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;
using base::Amount;
using base::AssetId;
using base::Rounding;

// How many minor units of an asset are worth `cents`; nothing without a mark.
std::optional<Amount> units_worth(const risk::Surface& surface, AssetId asset, std::int64_t cents) {
    const auto& mark = surface.mark(asset);
    if (!mark.is_known || mark.price <= base::Price{0}) return std::nullopt;
    const int scale = surface.listing().asset(asset).scale;
    // cents / 100 / (price / 1e9) whole units.
    const auto units = base::multiply_divide(cents * 10'000'000, base::power_of_ten(scale),
                                             mark.price.v, Rounding::down);
    if (!units) return std::nullopt;
    return Amount{*units};
}

}  // namespace

Amount NettingHost::total(AssetId asset, Amount PartitionReport::AssetLine::* figure) const {
    Amount sum;
    for (const auto& [partition, report] : reports_) {
        const auto line = report.assets.find(asset);
        if (line != report.assets.end()) sum = base::must_add(sum, line->second.*figure);
    }
    return sum;
}

Amount NettingHost::on_shard(base::ShardId shard, AssetId asset) const {
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    if (home == reports_.end()) return {};
    for (const auto& line : home->second.shards) {
        if (line.shard == shard && line.asset == asset) return line.nostro;
    }
    return {};
}

// A partition that never had an event of this broker never reports, and has no figures to miss; its
// first report raises nothing that was not granted before. The home partition must have reported.
bool NettingHost::has_all_reports() const {
    return reports_.contains(base::home_of(parts_.broker(), parts_.context->partitions));
}

bool NettingHost::is_home_current() const {
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    return home != reports_.end() && home->second.sequence >= needed_sequence_;
}

std::vector<netting::CoverLine> NettingHost::cover_lines() const {
    std::map<AssetId, netting::CoverLine> lines;
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    for (const auto& shard : home->second.shards) {
        auto& line = lines[shard.asset];
        line.asset = shard.asset;
        for (const Amount part : {shard.nostro, shard.inflight_out, shard.suspense}) {
            line.backing = base::must_add(line.backing, part);
        }
    }
    struct Due {
        base::Timestamp at;
        netting::CoverLine::Want want;
    };
    std::map<AssetId, std::vector<Due>> wants;
    for (const auto& [partition, report] : reports_) {
        for (const auto& [asset, figures] : report.assets) {
            const auto granted = crank_.state().granted.find({partition, asset});
            const Amount quota = base::must_subtract(
                base::must_add(granted == crank_.state().granted.end() ? Amount{} : granted->second,
                               figures.deposited),
                figures.returned);
            const Amount demand = base::must_add(figures.covered, figures.unsettled);
            const Amount want = std::max(Amount{0}, base::must_subtract(demand, quota));
            wants[asset].push_back({figures.oldest_due, {partition, want, figures.returned}});
        }
    }
    std::vector<netting::CoverLine> result;
    for (auto& [asset, line] : lines) {
        auto& due = wants[asset];
        std::stable_sort(due.begin(), due.end(),
                         [](const Due& a, const Due& b) { return a.at < b.at; });
        for (const auto& one : due) line.partitions.push_back(one.want);
        if (const auto kept = profile().reserves.find(asset); kept != profile().reserves.end()) {
            line.reserve = kept->second;
        }
        result.push_back(std::move(line));
    }
    return result;
}

std::optional<netting::Exposure> NettingHost::exposure_of(base::InstrumentId instrument,
                                                          const risk::Surface& surface) const {
    const auto& listing = parts_.context->listing;
    const auto& listed = listing.instrument(instrument);
    const auto venues = listing.venues_of(instrument);
    const auto mark = surface.instrument_mark(instrument);
    if (venues.empty() || !mark) return std::nullopt;
    const auto& policy = profile().hedge;
    const auto band_cents = policy.band_cents.find(listed.base);
    const auto band = units_worth(surface, listed.base,
                                  band_cents == policy.band_cents.end() ? 0 : band_cents->second);
    const auto task_max = units_worth(surface, listed.base, policy.task_max_cents);
    if (!band || !task_max || *task_max <= Amount{0}) return std::nullopt;
    const bool is_contract = listed.kind == base::InstrumentKind::linear_perpetual;
    const auto bound = [&](bool is_up) {
        const auto price = base::moved(*mark, policy.bound, is_up);
        return price ? *price : *mark;
    };
    netting::Exposure exposure{.base = listed.base,
                               .instrument = instrument,
                               .shard = venues.front(),
                               .is_contract = is_contract,
                               .settlement = listed.settlement,
                               .need = total(listed.base, &PartitionReport::AssetLine::conv),
                               .overdue = total(listed.base, &PartitionReport::AssetLine::overdue),
                               .band = *band,
                               .task_max = *task_max,
                               .mark = *mark,
                               .bound_buy = bound(true),
                               .bound_sell = bound(false),
                               .cost_at_bound = {},
                               .notional_cents_of_max = policy.task_max_cents,
                               .given_on_shard = on_shard(venues.front(), listed.settlement),
                               .base_on_shard = on_shard(venues.front(), listed.base)};
    if (is_contract) {
        const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
        exposure.need = total(listed.base, &PartitionReport::AssetLine::hbook);
        for (const auto& line : home->second.shards) {
            if (line.asset == listed.base) {
                exposure.need = base::must_subtract(exposure.need, line.position);
            }
        }
    }
    const auto cost =
        base::notional(*task_max, listing.asset(listed.base).scale, exposure.bound_buy,
                       listing.asset(listed.settlement).scale, Rounding::up);
    if (!cost) return std::nullopt;
    exposure.cost_at_bound = *cost;
    return exposure;
}

std::vector<netting::Exposure> NettingHost::exposures() const {
    std::vector<netting::Exposure> all;
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (surface == nullptr) return all;
    const auto now = parts_.context->now();
    for (const auto& instrument : profile().instruments) {
        if (!surface->is_instrument_fresh(instrument, now)) continue;
        if (auto exposure = exposure_of(instrument, *surface)) all.push_back(*exposure);
    }
    return all;
}

void NettingHost::publish_figures() {
    auto& figures = parts_.context->broker(parts_.broker()).figures;
    const auto& state = crank_.state();
    figures.is_founded = state.is_founded;
    figures.hedges_open = state.hedges.size();
    figures.moves_open = state.moves.size();
    std::uint64_t uncovered = 0;
    std::uint64_t held = 0;
    for (std::size_t i = 0; i < parts_.context->listing.assets.size(); ++i) {
        const AssetId asset{static_cast<std::uint16_t>(i)};
        if (total(asset, &PartitionReport::AssetLine::unsettled) > Amount{0}) ++uncovered;
        if (total(asset, &PartitionReport::AssetLine::held) > Amount{0}) ++held;
    }
    figures.unsettled_assets = uncovered;
    figures.held_assets = held;
    bool is_flat = true;
    auto& metrics = parts_.context->instruments->clearing;
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (has_all_reports() && surface != nullptr) {
        for (const auto& exposure : exposures()) {
            is_flat = is_flat && base::magnitude(exposure.need) <= exposure.band;
            const auto cents =
                base::multiply_divide(exposure.notional_cents_of_max, exposure.need.v,
                                      exposure.task_max.v, Rounding::down);
            metrics.residual_exposure_usd
                .with({profile().name,
                       parts_.context->listing.instrument(exposure.instrument).symbol})
                .set(cents ? static_cast<double>(*cents) / 100 : 0);
        }
    }
    figures.is_flat = is_flat;
    publish_metrics();
}

}  // namespace crossclear::actors
