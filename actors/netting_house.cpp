// What a broker itself can lose, as its house sees it: looks, limits, what is told of them.
#include "actors/chrono.hpp"
#include "actors/netting_actor.hpp"
#include "actors/worth.hpp"
#include "base/saturated.hpp"
#include "risk/kernel/house_limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

std::int64_t share_of(std::int64_t cents, base::Ppm share) {
    const auto part =
        base::portion(base::Amount{std::max<std::int64_t>(0, cents)}, share, base::Rounding::down);
    return part ? part->v : 0;
}

}  // namespace

void NettingHost::on_risk(const PartitionRisk& risk) { risks_[risk.partition] = risk; }

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
        if (risk.worst_cents <= line.worst_client_cents) continue;
        line.worst_client = risk.worst_client;
        line.worst_client_cents = risk.worst_cents;
    }
    line.waterfall_cents = waterfall_cents(*surface);
    const double waterfall = static_cast<double>(line.waterfall_cents) / cents_a_usd;
    const auto report =
        kernel::look_at_house(*surface->kernel(), sums, {.waterfall_usd = waterfall});
    // What was looked at last stands.
    if (!report) return;
    line.solvency_ppm = static_cast<std::int64_t>(std::floor(
        std::clamp(report->solvency_probability, 0.0, 1.0) * static_cast<double>(base::ppm_one)));
    line.expected_loss_cents = loss_cents(report->expected_loss);
    line.cover1_cents = loss_cents(report->cover1);
    line.cover2_cents = loss_cents(report->cover2);
    const auto told = standing_of(line, *report);
    const auto& protocols = surface->parameters().universe().protocols;
    for (std::size_t p = 0; p < report->shortfalls.size(); ++p) {
        const bool is_past = (told.protocols_past >> p & 1U) != 0;
        const auto cents = loss_cents(report->shortfalls[p]);
        if (cents > 0) line.protocols.push_back({protocols[p].name, cents, is_past});
        parts_.context->instruments->clearing.risk_borne_usd
            .with({profile().name, protocols[p].name})
            .set(report->shortfalls[p]);
    }
    publish_house(*report, waterfall);
    tell_house(told);
    house_ = std::move(line);
}

// Fills in the limits, and says where the house stands past them. While clients were not looked at,
// limits only tighten.
HouseTold NettingHost::standing_of(HouseLine& line, const kernel::HouseReport& report) const {
    HouseTold told{.broker = parts_.broker()};
    const auto& policy = profile().house;
    if (!policy) return told;
    line.protocol_max_cents = share_of(line.waterfall_cents, policy->protocol_share);
    // 0 would say that there is none.
    line.client_max_cents =
        std::max<std::int64_t>(1, share_of(line.waterfall_cents, policy->client_share));
    told.client_max_cents = line.client_max_cents;
    const kernel::HouseFigures figures{
        .waterfall = static_cast<double>(line.waterfall_cents) / cents_a_usd,
        .cover2 = report.cover2,
        .protocols = report.shortfalls,
        .clients = {}};
    for (const auto& breach : kernel::breaches_of(figures, limits_of(*policy))) {
        if (breach.kind == kernel::LimitKind::cover2) told.is_reduce_only = true;
        if (breach.kind == kernel::LimitKind::protocol) {
            told.protocols_past |= std::uint32_t{1} << breach.index;
        }
    }
    if (line.clients_waiting > 0) {
        told.is_reduce_only = told.is_reduce_only || house_told_.is_reduce_only;
        told.protocols_past |= house_told_.protocols_past;
    }
    line.is_reduce_only = told.is_reduce_only;
    return told;
}

// Again and again: the other partitions' nodes may have begun since.
void NettingHost::tell_house(const HouseTold& told) {
    const LogFields fields{{"broker", profile().name}};
    if (told.is_reduce_only && !house_told_.is_reduce_only) {
        parts_.context->log(LogLevel::error,
                            "Two clients could cost a house more than its waterfall; it takes "
                            "unwinds alone.",
                            fields);
    } else if (!told.is_reduce_only && house_told_.is_reduce_only) {
        parts_.context->log(LogLevel::info, "A house takes new risk again.", fields);
    }
    if ((told.protocols_past & ~house_told_.protocols_past) != 0) {
        parts_.context->log(
            LogLevel::warning,
            "The failure of a protocol could cost a house more than its limit; what "
            "adds to it is refused.",
            fields);
    }
    const auto now = parts_.context->now();
    const base::Duration every{parts_.context->options.say_again_every.us * unchanged_said_every};
    const bool is_news = told.is_reduce_only != house_told_.is_reduce_only ||
                         told.protocols_past != house_told_.protocols_past ||
                         is_another(told.client_max_cents, house_told_.client_max_cents);
    house_told_ = told;
    if (!is_news && !has_passed(every, house_told_at_, now)) return;
    house_told_at_ = now;
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
}

void NettingHost::answer_operator(const OperatorAsk& ask) {
    auto line = house_.value_or(HouseLine{.broker = parts_.broker()});
    send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = HousesView{{std::move(line)}}});
}

}  // namespace crossclear::actors
