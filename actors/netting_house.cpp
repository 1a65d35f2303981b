// What a broker itself can lose, as its house sees it: looks, limits, what is told of them.
#include "actors/chrono.hpp"
#include "actors/netting_actor.hpp"
#include "actors/refusals.hpp"
#include "actors/worth.hpp"
#include "base/saturated.hpp"
#include "risk/kernel/house_limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace crossclear::actors {
namespace {

namespace kernel = risk::kernel;

constexpr double cents_a_usd = 100;
// Limits that stand as they did are said less often.
constexpr std::int64_t unchanged_said_every = 10;

// Saturated: a loss beyond 64 bits is past any limit as well.
std::int64_t loss_cents(double usd) {
    const double cents = std::ceil(usd * cents_a_usd);
    return cents < 0x1p63 ? static_cast<std::int64_t>(cents)
                          : std::numeric_limits<std::int64_t>::max();
}

kernel::HouseLimits limits_of(const HousePolicy& policy) {
    return {.protocol_share =
                static_cast<double>(policy.protocol_share.v) / static_cast<double>(base::ppm_one),
            .client_share =
                static_cast<double>(policy.client_share.v) / static_cast<double>(base::ppm_one)};
}

// By a tenth: prices move a waterfall all the time.
bool is_another(std::int64_t limit, std::int64_t before) {
    constexpr std::int64_t tenth = 10;
    return std::max(limit, before) - std::min(limit, before) > before / tenth;
}

// What stops trades of it, whatever else is said.
auto stops(const HouseStanding& standing) {
    return std::tuple{standing.is_reduce_only,    standing.protocols_past,
                      standing.is_unsettled_full, standing.is_exposure_full,
                      standing.shards_full,       standing.protocols_full};
}

std::int64_t share_of(std::int64_t cents, base::Ppm share) {
    const auto part =
        base::portion(base::Amount{std::max<std::int64_t>(0, cents)}, share, base::Rounding::down);
    return part ? part->v : 0;
}

}  // namespace

void NettingHost::on_risk(const PartitionRisk& risk) {
    const auto universe = parts_.context->broker(parts_.broker()).parameters->fingerprint();
    if (risk.universe != universe) {
        if (std::exchange(is_universe_told_, true)) return;
        return parts_.context->log(LogLevel::error,
                                   "A node judges risk by another universe; what it tells of its "
                                   "clients is not added up.",
                                   {{"broker", profile().name}});
    }
    auto& known = risks_[risk.partition];
    if (risk.sequence >= known.sequence) known = risk;
}

void NettingHost::on_stress(const PartitionStress& stress) {
    const auto universe = parts_.context->broker(parts_.broker()).parameters->stress_fingerprint();
    if (stress.universe != universe) {
        stresses_.erase(stress.partition);
        if (std::exchange(is_stress_told_, true)) return;
        return parts_.context->log(LogLevel::warning,
                                   "A node has another stress book; there is none of all clients "
                                   "until it has the same.",
                                   {{"broker", profile().name}});
    }
    auto& known = stresses_[stress.partition];
    if (stress.sequence >= known.sequence) known = stress;
}

// Of all partitions, or none: a part of the clients would look like all of them.
std::vector<HouseLine::Stress> NettingHost::stress_lines(const risk::Surface& surface) {
    std::vector<HouseLine::Stress> lines;
    if (stresses_.size() != reports_.size()) {
        for (const auto& stress : surface.stress().stresses()) {
            parts_.context->instruments->clearing.stress_loss_usd
                .with({profile().name, stress.name})
                .forget();
        }
        return lines;
    }
    is_stress_told_ = false;
    kernel::StressSums sums;
    for (const auto& [partition, group] : stresses_) sums.add(group.sums);
    const auto figures = surface.stress().figures(sums);
    if (!figures) return lines;
    for (const auto& figure : *figures) {
        lines.push_back({.name = figure.name,
                         .loss_cents = loss_cents(figure.loss),
                         .largest_cents = loss_cents(figure.largest),
                         .two_largest_cents = loss_cents(figure.two_largest),
                         .worst = figure.worst,
                         .states = figure.states,
                         .clients_unknown = figure.clients_unknown});
        parts_.context->instruments->clearing.stress_loss_usd.with({profile().name, figure.name})
            .set(figure.loss);
    }
    return lines;
}

// Anew only where something has changed.
const kernel::HouseReport* NettingHost::report_on(const risk::Surface& surface,
                                                  kernel::HouseSums sums, double waterfall) {
    if (report_ && sums == sums_ && waterfall == waterfall_usd_) return &*report_;
    const auto found = kernel::look_at_house(*surface.kernel(), sums, {.waterfall_usd = waterfall});
    if (!found) {
        // What was said last stands.
        if (!std::exchange(is_fault_told_, true)) {
            parts_.context->log(LogLevel::error,
                                "A house has no figures; its limits stand as they were.",
                                {{"broker", profile().name}});
        }
        return nullptr;
    }
    is_fault_told_ = false;
    report_ = *found;
    sums_ = std::move(sums);
    waterfall_usd_ = waterfall;
    return &*report_;
}

// At marks; what has no mark pays for nothing.
std::int64_t NettingHost::waterfall_cents(const risk::Surface& surface) const {
    base::Wide sum = 0;
    for (std::size_t i = 0; i < parts_.context->listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const auto& mark = surface.mark(asset);
        const base::Amount held =
            base::saturated(base::Wide{total(asset, &PartitionReport::AssetLine::capital).v} +
                            total(asset, &PartitionReport::AssetLine::insurance).v -
                            total(asset, &PartitionReport::AssetLine::loss).v);
        if (!mark.is_known || base::is_off_scale(held)) continue;
        const auto cents = base::notional(held, surface.listing().asset(asset).scale, mark.price,
                                          usd_cents_scale, base::Rounding::down);
        if (cents) sum += cents->v;
    }
    return base::saturated(sum).v;
}

// Every partition's clients together, each as it was last looked at.
void NettingHost::look_at_house() {
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (surface == nullptr || !has_all_reports() || risks_.size() != reports_.size()) return;
    HouseLine line{.broker = parts_.broker(), .at = parts_.context->now()};
    kernel::HouseSums sums;
    for (const auto& [partition, risk] : risks_) {
        sums.add(risk.sums);
        line.clients += risk.clients;
        line.clients_waiting += risk.clients_waiting;
        line.clients_below += risk.clients_below;
        const auto worst_cents = loss_cents(static_cast<double>(risk.worst_usd));
        if (worst_cents <= line.worst_client_cents) continue;
        line.worst_client = risk.worst_client;
        line.worst_client_cents = worst_cents;
    }
    line.waterfall_cents = waterfall_cents(*surface);
    const double waterfall = static_cast<double>(line.waterfall_cents) / cents_a_usd;
    const auto* report = report_on(*surface, std::move(sums), waterfall);
    if (report == nullptr) return;
    line.solvency_ppm = static_cast<std::int64_t>(std::floor(
        std::clamp(report->solvency_probability, 0.0, 1.0) * static_cast<double>(base::ppm_one)));
    line.expected_loss_cents = loss_cents(report->expected_loss);
    line.cover1_cents = loss_cents(report->cover1);
    line.cover2_cents = loss_cents(report->cover2);
    auto standing = standing_of(line, *report);
    note_caps(standing, line, *surface);
    standing.open_interest = open_interest(*surface);
    const auto& protocols = surface->parameters().universe().protocols;
    for (std::size_t p = 0; p < report->shortfalls.size(); ++p) {
        const bool is_past = (standing.protocols_past >> p & 1U) != 0;
        const auto cents = loss_cents(report->shortfalls[p]);
        if (cents > 0) line.protocols.push_back({protocols[p].name, cents, is_past});
        parts_.context->instruments->clearing.risk_borne_usd
            .with({profile().name, protocols[p].name})
            .set(report->shortfalls[p]);
    }
    line.stresses = stress_lines(*surface);
    publish_house(*report, waterfall);
    parts_.context->instruments->clearing.accounts_below_maintenance.with({profile().name})
        .set(static_cast<double>(line.clients_below));
    tell_house(standing);
    house_ = std::move(line);
}

// Fills in the limits, and says where the house stands past them. While accounts wait for the first
// look since a takeover, limits only tighten.
HouseStanding NettingHost::standing_of(HouseLine& line, const kernel::HouseReport& report) const {
    HouseStanding standing;
    const auto& policy = profile().house;
    if (!policy) return standing;
    line.has_limits = true;
    line.protocol_max_cents = share_of(line.waterfall_cents, policy->protocol_share);
    line.client_max_cents = share_of(line.waterfall_cents, policy->client_share);
    standing.client_max_cents = line.client_max_cents;
    const kernel::HouseFigures figures{
        .waterfall = static_cast<double>(line.waterfall_cents) / cents_a_usd,
        .cover2 = report.cover2,
        .protocols = report.shortfalls,
        .clients = {}};
    for (const auto& breach : kernel::breaches_of(figures, limits_of(*policy))) {
        if (breach.kind == kernel::LimitKind::cover2) standing.is_reduce_only = true;
        if (breach.kind == kernel::LimitKind::protocol) {
            standing.protocols_past |= std::uint32_t{1} << breach.index;
        }
    }
    if (line.clients_waiting > 0) {
        standing.is_reduce_only = standing.is_reduce_only || standing_.is_reduce_only;
        standing.protocols_past |= standing_.protocols_past;
    }
    line.is_reduce_only = standing.is_reduce_only;
    return standing;
}

// At what one unit stands for; what has no mark stands for nothing.
std::int64_t NettingHost::exposure_cents(const risk::Surface& surface,
                                         std::optional<std::string_view> protocol) const {
    const auto& listing = surface.listing();
    std::set<base::AssetId> money;
    for (const auto& instrument : listing.instruments) money.insert(instrument.settlement);
    base::Wide sum = 0;
    for (const auto& [partition, risk] : risks_) {
        for (const auto& [asset, open] : risk.open_interest) {
            const bool is_money =
                money.contains(asset) || listing.asset(asset).kind == base::AssetKind::cash;
            const bool is_of_it = !protocol || listing.asset(asset).protocol == *protocol;
            if (!is_money && is_of_it) sum += worth_cents(surface, asset, open).value_or(0);
        }
    }
    return base::saturated(sum).v;
}

// Claims are at what they are worth now; one without a mark cannot be: its trade had one.
void NettingHost::note_caps(HouseStanding& standing, HouseLine& line,
                            const risk::Surface& surface) const {
    const auto& caps = profile().caps;
    const auto& listing = parts_.context->listing;
    base::Wide unsettled = 0;
    std::map<base::ShardId, base::Wide> by_shard;
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const auto claims = total(asset, &PartitionReport::AssetLine::unsettled);
        const auto cents = worth_cents(surface, asset, claims).value_or(0);
        unsettled += cents;
        const auto instrument = listing.instrument_of(asset);
        if (!instrument) continue;
        const auto venues = listing.venues_of(*instrument);
        if (!venues.empty()) by_shard[venues.front()] += cents;
    }
    line.unsettled_cents = base::saturated(unsettled).v;
    standing.is_unsettled_full = caps.unsettled_cents > 0 && unsettled >= caps.unsettled_cents;
    line.is_unsettled_full = standing.is_unsettled_full;
    if (parts_.context->broker(parts_.broker()).counts_exposure()) {
        line.exposure_cents = exposure_cents(surface);
        line.is_exposure_full =
            caps.exposure_cents > 0 && *line.exposure_cents >= caps.exposure_cents;
    }
    standing.is_exposure_full = line.is_exposure_full;
    for (const auto& [name, cap_cents] : caps.protocols) {
        const auto protocol = surface.parameters().universe().find_protocol(name);
        if (!protocol || exposure_cents(surface, name) < cap_cents) continue;
        standing.protocols_full |= std::uint32_t{1} << protocol->v;
        line.protocols_full.push_back(name);
    }
    const auto held = held_by_shard(surface);
    for (const auto& [shard, cap] : caps.shards) {
        const auto on_it = held.find(shard);
        const double exposure_usd = on_it == held.end() ? 0 : on_it->second;
        const bool is_full =
            (cap.unsettled_cents > 0 && by_shard[shard] >= cap.unsettled_cents) ||
            (cap.exposure_cents > 0 &&
             exposure_usd * cents_a_usd >= static_cast<double>(cap.exposure_cents));
        if (!is_full) continue;
        standing.shards_full |= std::uint64_t{1} << shard.v;
        line.shards_full.push_back(shard);
    }
}

// Of all partitions; empty where the universe has no cap on it.
std::vector<base::Amount> NettingHost::open_interest(const risk::Surface& surface) const {
    const auto& parameters = surface.parameters();
    if (!parameters.has_open_interest_caps()) return {};
    std::vector<base::Wide> sums(surface.listing().assets.size());
    for (const auto& [partition, risk] : risks_) {
        for (const auto& [asset, open] : risk.open_interest) {
            // What no cap asks for makes no surface anew.
            if (asset.v >= sums.size() || !parameters.has_open_interest_cap(asset)) continue;
            sums[asset.v] += std::max<std::int64_t>(0, open.v);
        }
    }
    std::vector<base::Amount> open;
    open.reserve(sums.size());
    std::transform(sums.begin(), sums.end(), std::back_inserter(open),
                   [](base::Wide sum) { return base::saturated(sum); });
    return open;
}

// Of what was not so before.
void NettingHost::complain_of(const HouseStanding& standing) const {
    const LogFields fields{{"broker", profile().name}};
    const auto log = [&](LogLevel level, std::string_view sentence) {
        parts_.context->log(level, sentence, fields);
    };
    const auto& before = standing_;
    if (standing.is_reduce_only && !before.is_reduce_only) {
        log(LogLevel::error,
            "Two clients could cost a house more than its waterfall; it takes unwinds alone.");
    } else if (!standing.is_reduce_only && before.is_reduce_only) {
        log(LogLevel::info, "A house takes new risk again.");
    }
    if ((standing.protocols_past & ~before.protocols_past) != 0) {
        log(LogLevel::warning,
            "The failure of a protocol could cost a house more than its limit; "
            "what adds to it is refused.");
    }
    const bool is_full = (standing.is_unsettled_full && !before.is_unsettled_full) ||
                         (standing.is_exposure_full && !before.is_exposure_full) ||
                         (standing.shards_full & ~before.shards_full) != 0 ||
                         (standing.protocols_full & ~before.protocols_full) != 0;
    if (is_full) {
        log(LogLevel::warning, "A broker is at one of its caps; what adds to it is refused.");
    }
}

// Again and again: the other partitions' nodes may have begun since. Less often what neither stops
// nor costs anybody anything.
void NettingHost::tell_house(HouseStanding standing) {
    complain_of(standing);
    const auto now = parts_.context->now();
    const base::Duration every{parts_.context->options.say_again_every.us * unchanged_said_every};
    const bool is_due = stops(standing) != stops({}) || stops(standing) != stops(standing_) ||
                        is_another(standing.client_max_cents, standing_.client_max_cents) ||
                        !standing.open_interest.empty() ||
                        has_passed(every, standing_told_at_, now);
    const auto home = base::home_of(parts_.broker(), parts_.context->partitions);
    standing.epoch = parts_.context->status[home.v]->log.load().fence.epoch;
    standing.number = standing_.epoch == standing.epoch ? standing_.number + 1 : 1;
    standing_ = standing;
    if (!is_due) return;
    standing_told_at_ = now;
    const HouseTold told{
        .broker = parts_.broker(),
        .universe = parts_.context->broker(parts_.broker()).parameters->fingerprint(),
        .standing = standing};
    for (std::uint16_t i = 0; i < parts_.context->partitions; ++i) {
        send(parts_.doors(base::PartitionId{i}), told);
    }
}

void NettingHost::publish_house(const kernel::HouseReport& report, double waterfall) const {
    auto& clearing = parts_.context->instruments->clearing;
    clearing.solvency_probability.with({profile().name}).set(report.solvency_probability);
    // Infinite where nobody would leave anything unpaid.
    const double ratio =
        report.cover2 > 0 ? waterfall / report.cover2 : std::numeric_limits<double>::infinity();
    clearing.cover2_ratio.with({profile().name}).set(ratio);
    clearing.waterfall_usd.with({profile().name}).set(waterfall);
    clearing.cover_usd.with({profile().name, "1"}).set(report.cover1);
    clearing.cover_usd.with({profile().name, "2"}).set(report.cover2);
    const auto& policy = profile().house;
    if (!policy) return;
    clearing.protocol_limit_usd.with({profile().name})
        .set(std::max(0.0, waterfall) * limits_of(*policy).protocol_share);
}

void NettingHost::answer_operator(const OperatorAsk& ask) {
    std::visit(
        [&](const auto& request) {
            if constexpr (requires { answer(ask, request); }) {
                answer(ask, request);
            } else {
                // Reconcilers answer this. What another node sends by mistake ends no process.
                send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = wrong_desk()});
            }
        },
        ask.request);
}

void NettingHost::answer(const OperatorAsk& ask, const GetHouses&) {
    auto line = house_.value_or(HouseLine{.broker = parts_.broker()});
    send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = HousesView{{std::move(line)}}});
}

}  // namespace crossclear::actors
