// What the house makes of the partitions' reports: cover, exposures, margin, figures.
#include "actors/chrono.hpp"
#include "actors/netting_actor.hpp"
#include "actors/worth.hpp"
#include "base/saturated.hpp"
#include "ledger/book.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;
using base::Amount;
using base::AssetId;
using base::Rounding;

// All partitions are read at a start, and then told of within a second.
constexpr base::Duration wait_before_told = base::seconds(10);

}  // namespace

Amount NettingHost::total(AssetId asset, Amount PartitionReport::AssetLine::* figure) const {
    base::Wide sum = 0;
    for (const auto& [partition, report] : reports_) {
        const auto line = report.assets.find(asset);
        if (line != report.assets.end()) sum += (line->second.*figure).v;
    }
    return base::saturated(sum);
}

Amount NettingHost::on_shard(base::ShardId shard, AssetId asset) const {
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    if (home == reports_.end()) return {};
    for (const auto& line : home->second.shards) {
        if (line.shard == shard && line.asset == asset) return line.nostro;
    }
    return {};
}

// What is hedged, owed to venues or earned is a sum over all partitions: without one of them, the
// house would trade against its own clients there.
bool NettingHost::has_all_reports() const { return reports_.size() == parts_.context->partitions; }

// Once; what was heard of a partition stands until there is more, whatever becomes of it.
void NettingHost::tell_whom_it_waits_for() {
    if (is_wait_told_ || has_all_reports()) return;
    if (!has_passed(wait_before_told, started_at_, parts_.context->now())) return;
    is_wait_told_ = true;
    std::string missing;
    for (std::uint16_t i = 0; i < parts_.context->partitions; ++i) {
        if (reports_.contains(base::PartitionId{i})) continue;
        if (!missing.empty()) missing += ',';
        missing += std::to_string(i);
    }
    parts_.context->log(LogLevel::warning,
                        "A house does not hedge until it hears from all partitions.",
                        {{"broker", profile().name}, {"missing", missing}});
}

// Of the home's figures, 0 before any.
std::uint64_t NettingHost::home_sequence() const {
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    return home == reports_.end() ? 0 : home->second.sequence;
}

bool NettingHost::is_home_current() const {
    return !is_booking_ && home_sequence() > 0 && home_sequence() >= needed_sequence_;
}

// Whether they know as well what the house decides just now.
bool NettingHost::are_decisions_known() const { return is_home_current() && unbooked_ == 0; }

// And all that has left: a partition may say already that it needs less cover, for tokens that the
// home still shows.
bool NettingHost::is_at_rest() const { return are_decisions_known() && over_.empty(); }

std::vector<netting::CoverLine> NettingHost::cover_lines() const {
    std::map<AssetId, netting::CoverLine> lines;
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    for (const auto& shard : home->second.shards) {
        auto& line = lines[shard.asset];
        line.asset = shard.asset;
        const base::Wide held =
            base::Wide{shard.nostro.v} + shard.inflight_out.v + shard.suspense.v;
        line.backing = base::saturated(line.backing.v + held);
    }
    struct Due {
        base::Timestamp at;
        netting::CoverLine::Want want;
    };
    std::map<AssetId, std::vector<Due>> wants;
    for (const auto& [partition, report] : reports_) {
        for (const auto& [asset, figures] : report.assets) {
            const auto granted = crank_.state().granted.find({partition, asset});
            const Amount quota = ledger::size_of(
                {.granted = granted == crank_.state().granted.end() ? Amount{} : granted->second,
                 .deposited = figures.deposited,
                 .returned = figures.returned,
                 .transferred = figures.transferred});
            const base::Wide demand = base::Wide{figures.covered.v} + figures.unsettled.v;
            const Amount want = std::max(Amount{0}, base::saturated(demand - quota.v));
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

// The worst price of a hedge. A move of the coin moves an option by a part of it, which may be many
// times its premium.
base::Price NettingHost::bound_of(base::InstrumentId instrument, base::Price mark,
                                  bool is_up) const {
    const auto& bound = profile().hedge.bound;
    const auto& listing = parts_.context->listing;
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    const bool is_option = listing.instrument(instrument).kind == base::InstrumentKind::option;
    const auto coin = is_option && surface ? surface->instrument_notional(instrument) : mark;
    const auto moved = base::moved(coin.value_or(mark), bound, is_up);
    if (!moved) return mark;
    const auto price = base::Wide{mark.v} + moved->v - coin.value_or(mark).v;
    return base::Price{static_cast<std::int64_t>(std::clamp<base::Wide>(
        price, is_option ? 1 : 0, std::numeric_limits<std::int64_t>::max()))};
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
    const auto band =
        units_worth(surface, listed.base,
                    band_cents == policy.band_cents.end() ? 0 : band_cents->second, Rounding::down);
    const auto task_max = units_worth(surface, listed.base, policy.task_max_cents, Rounding::down);
    if (!band || !task_max || *task_max <= Amount{0}) return std::nullopt;
    const bool is_contract = base::is_contract(listed.kind);
    // What is worth nothing is not traded.
    if (*mark == base::Price{0}) return std::nullopt;
    netting::Exposure exposure{.base = listed.base,
                               .instrument = instrument,
                               .shard = venues.front(),
                               .is_contract = is_contract,
                               .settlement = listed.settlement,
                               .need = total(listed.base, &PartitionReport::AssetLine::conv),
                               .need_before = {},
                               .overdue = total(listed.base, &PartitionReport::AssetLine::overdue),
                               .band = *band,
                               .task_max = *task_max,
                               .mark = *mark,
                               .bound_buy = bound_of(instrument, *mark, true),
                               .bound_sell = bound_of(instrument, *mark, false),
                               .cost_at_bound = {},
                               .notional_cents_of_max = policy.task_max_cents,
                               .given_on_shard = on_shard(venues.front(), listed.settlement),
                               .base_on_shard = on_shard(venues.front(), listed.base),
                               .position = {},
                               .position_max = {},
                               .hedged = {},
                               .whole_before = {}};
    if (is_contract) {
        exposure.position = position_at(exposure.shard, listed.base);
        const Amount owed = total(listed.base, &PartitionReport::AssetLine::hbook);
        exposure.need = base::saturated(base::Wide{owed.v} - exposure.position.v);
        limit_to_margin(exposure, surface);
    }
    const auto before = looks_.find(listed.base);
    if (before != looks_.end()) exposure.need_before = before->second.need;
    note_task(exposure);
    const auto cost =
        base::notional(*task_max, listing.asset(listed.base).scale, exposure.bound_buy,
                       listing.asset(listed.settlement).scale, Rounding::up);
    if (!cost) return std::nullopt;
    exposure.cost_at_bound = *cost;
    return exposure;
}

std::uint64_t NettingHost::task_on(AssetId asset) const {
    for (const auto& [number, task] : crank_.state().hedges) {
        if (task.base == asset) return number;
    }
    return 0;
}

// Fills reach the report together with what they changed, so that both are of one record.
void NettingHost::note_task(netting::Exposure& exposure) const {
    const auto number = task_on(exposure.base);
    if (number == 0) return;
    const auto& home = reports_.at(base::home_of(parts_.broker(), parts_.context->partitions));
    if (const auto filled = home.hedged.find(number); filled != home.hedged.end()) {
        exposure.hedged = filled->second;
    }
    const auto before = looks_.find(exposure.base);
    if (before != looks_.end() && before->second.task == number) {
        exposure.whole_before = before->second.whole;
    }
}

Amount NettingHost::position_at(base::ShardId venue, AssetId contract) const {
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    for (const auto& line : home->second.shards) {
        if (line.shard == venue && line.asset == contract) return line.position;
    }
    return {};
}

std::optional<Amount> NettingHost::value_at_venue(base::ShardId venue, AssetId asset,
                                                  const risk::Surface& surface) const {
    const auto& listing = parts_.context->listing;
    Amount sum;
    for (const auto instrument : listing.shard(venue).instruments) {
        const auto& listed = listing.instrument(instrument);
        const Amount position = position_at(venue, listed.base);
        if (listed.settlement != asset || position == Amount{0}) continue;
        const auto mark = surface.instrument_mark(instrument);
        if (!mark) return std::nullopt;
        const auto value =
            base::notional(base::magnitude(position), listing.asset(listed.base).scale, *mark,
                           listing.asset(asset).scale, Rounding::up);
        const auto next = value ? base::add(sum, *value) : value;
        if (!next) return std::nullopt;
        sum = *next;
    }
    return sum;
}

std::optional<netting::KeepMargins::Line> NettingHost::margin_line(
    const netting::MarginPolicy& policy, const risk::Surface& surface) const {
    const auto value = value_at_venue(policy.venue, policy.asset, surface);
    if (!value) return std::nullopt;
    // What clients have lost and the venue has not taken yet stands in VM on its way.
    const Amount vm = total(policy.asset, &PartitionReport::AssetLine::vm);
    return netting::KeepMargins::Line{.policy = policy,
                                      .value = *value,
                                      .due = std::max(Amount{0}, base::must_subtract({}, vm)),
                                      .held = on_shard(policy.venue, policy.asset)};
}

// A venue without a policy is the broker's own affair: nothing limits the position there.
void NettingHost::limit_to_margin(netting::Exposure& exposure, const risk::Surface& surface) const {
    exposure.position_max = Amount{INT64_MAX};
    const auto& listing = parts_.context->listing;
    for (const auto& policy : profile().margins) {
        if (policy.venue != exposure.shard || policy.asset != exposure.settlement) continue;
        const auto value = value_at_venue(policy.venue, policy.asset, surface);
        const int scale = listing.asset(exposure.base).scale;
        const int settlement_scale = listing.asset(policy.asset).scale;
        const auto own = base::notional(base::magnitude(exposure.position), scale, exposure.mark,
                                        settlement_scale, Rounding::up);
        const auto unit =
            base::notional(exposure.task_max, scale, exposure.mark, settlement_scale, Rounding::up);
        if (!value || !own || !unit || *unit <= Amount{0}) continue;
        const auto posted = crank_.state().posted.find({policy.venue, policy.asset});
        exposure.position_max = netting::position_max_of(
            {.posted = posted == crank_.state().posted.end() ? Amount{} : posted->second,
             .share = policy.share,
             .value = *value,
             .own = *own,
             .unit = *unit,
             .units = exposure.task_max});
    }
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
