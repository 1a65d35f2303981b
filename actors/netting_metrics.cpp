// What a house tells those who watch it. Figures in dollars are at marks, and for people.
#include "actors/netting_actor.hpp"

#include <algorithm>
#include <set>

namespace crossclear::actors {
namespace {

std::optional<double> dollars_of(const risk::Surface& surface, base::AssetId asset,
                                 base::Amount amount) {
    const auto& mark = surface.mark(asset);
    if (!mark.is_known) return std::nullopt;
    const int scale = surface.listing().asset(asset).scale;
    return static_cast<double>(amount.v) / static_cast<double>(base::power_of_ten(scale)) *
           static_cast<double>(mark.price.v) /
           static_cast<double>(base::power_of_ten(base::price_scale));
}

}  // namespace

void NettingHost::on_exit() {
    operators_.give_up(this);
    auto& clearing = parts_.context->instruments->clearing;
    auto& settlement = parts_.context->instruments->settlement;
    auto& shards = parts_.context->instruments->shards;
    for (auto* gauges :
         {&clearing.collateral_held_usd, &clearing.netting_efficiency_ratio,
          &clearing.residual_exposure_usd, &clearing.risk_borne_usd,
          &clearing.accounts_below_maintenance, &clearing.contracts_without_last_price,
          &clearing.cover2_ratio, &clearing.waterfall_usd, &clearing.cover_usd,
          &clearing.protocol_limit_usd, &clearing.stress_loss_usd, &clearing.solvency_probability,
          &settlement.hedge_tasks, &settlement.oldest_unsettled_seconds, &shards.shard_exposure_usd,
          &shards.shard_exposure_limit_usd}) {
        gauges->forget({profile().name});
    }
}

void NettingHost::publish_metrics() const {
    auto& instruments = *parts_.context->instruments;
    const auto& name = profile().name;
    const auto& figures = parts_.context->broker(parts_.broker()).figures;
    instruments.settlement.hedge_tasks.with({name, "open"})
        .set(static_cast<double>(figures.hedges_open.load()));
    const double gross = instruments.clearing.trade_notional_usd_total.with({name}).value();
    if (gross > 0) {
        const double hedged = static_cast<double>(figures.hedged_cents.load()) / 100;
        instruments.clearing.netting_efficiency_ratio.with({name}).set(1 - hedged / gross);
    }
    publish_oldest_claim();
    publish_exposures();
}

void NettingHost::publish_oldest_claim() const {
    std::optional<base::Timestamp> due;
    for (const auto& [partition, report] : reports_) {
        for (const auto& [asset, line] : report.assets) {
            if (line.unsettled <= base::Amount{0} || line.oldest_due.us == 0) continue;
            due = due ? std::min(*due, line.oldest_due) : line.oldest_due;
        }
    }
    const auto age =
        due ? parts_.context->now() - (*due - profile().settle_within) : base::Duration{0};
    parts_.context->instruments->settlement.oldest_unsettled_seconds.with({profile().name})
        .set(static_cast<double>(std::max<std::int64_t>(0, age.us)) * 1e-6);
}

std::map<base::ShardId, double> NettingHost::held_by_shard(const risk::Surface& surface) const {
    std::map<base::ShardId, double> held;
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    if (home == reports_.end()) return held;
    for (const auto& line : home->second.shards) {
        for (const auto amount : {line.nostro, line.inflight_out, line.posted}) {
            held[line.shard] += dollars_of(surface, line.asset, amount).value_or(0);
        }
    }
    return held;
}

// What was taken for debts, and no instrument of the broker's hedges.
void NettingHost::publish_collateral(const risk::Surface& surface) const {
    const auto& listing = parts_.context->listing;
    std::set<base::AssetId> traded;
    for (const auto instrument : profile().instruments) {
        traded.insert(listing.instrument(instrument).base);
        traded.insert(listing.instrument(instrument).settlement);
    }
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const bool is_traded = traded.contains(asset) || base::is_contract(listing.assets[i].kind);
        if (is_traded) continue;
        const auto conv = total(asset, &PartitionReport::AssetLine::conv);
        parts_.context->instruments->clearing.collateral_held_usd
            .with({profile().name, listing.assets[i].symbol})
            .set(-dollars_of(surface, asset, conv).value_or(0));
    }
}

void NettingHost::publish_exposures() const {
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (surface == nullptr) return;
    publish_collateral(*surface);
    for (const auto& [shard, cap] : profile().caps.shards) {
        if (cap.exposure_cents == 0) continue;
        parts_.context->instruments->shards.shard_exposure_limit_usd
            .with({profile().name, parts_.context->listing.shard(shard).symbol})
            .set(static_cast<double>(cap.exposure_cents) / 100);
    }
    for (const auto& [shard, dollars] : held_by_shard(*surface)) {
        parts_.context->instruments->shards.shard_exposure_usd
            .with({profile().name, parts_.context->listing.shard(shard).symbol})
            .set(dollars);
    }
}

}  // namespace crossclear::actors
