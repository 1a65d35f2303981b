#include "actors/netting_actor.hpp"

#include "actors/chrono.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;
namespace withdrawal = ledger::withdrawal;
using base::Amount;
using base::AssetId;
using base::Rounding;

}  // namespace

NettingHost::NettingHost(caf::actor_config& config, HomeParts parts, netting::State state)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal),
      rng_(base::hash_combine(parts_.context->options.seed,
                              static_cast<std::uint64_t>(parts_.context->now().us))),
      result_at_(parts_.context->now()) {}

HomeActor::behavior_type NettingHost::make_behavior() {
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) { on_news(message.news); },
    };
}

void NettingHost::on_news(const HomeNews& news) {
    const auto now = parts_.context->now();
    if (const auto* report = std::get_if<PartitionReport>(&news)) {
        on_report(*report);
    } else if (std::holds_alternative<Wake>(news)) {
        on_wake();
    } else if (const auto* deposit = std::get_if<ledger::DepositNotice>(&news)) {
        decide_and_commit(netting::RecordDeposit{.notice = *deposit, .at = now});
    } else if (const auto* booked = std::get_if<DepositBooked>(&news)) {
        decide_and_commit(netting::AcknowledgeDeposit{
            .deposit = booked->deposit, .shard = booked->shard, .finality = booked->finality});
    } else if (const auto* variation = std::get_if<ledger::VariationNotice>(&news)) {
        const auto& instrument = parts_.context->listing.instrument(variation->instrument);
        const bool is_taken =
            decide_and_commit(netting::RecordVariation{.notice = *variation,
                                                       .contract = instrument.base,
                                                       .settlement = instrument.settlement,
                                                       .at = now});
        const auto shard = parts_.context->shards.find({parts_.broker(), variation->shard});
        // One before it is missing: have them all told again.
        if (!is_taken && shard != parts_.context->shards.end()) shard->second->rescan(0);
    } else if (const auto* ended = std::get_if<HedgeEnded>(&news)) {
        needed_sequence_ = std::max(needed_sequence_, ended->sequence);
        decide_and_commit(
            netting::CloseHedge{.number = ended->number, .filled = ended->filled, .at = now});
    } else if (const auto* moved_tokens = std::get_if<MoveEnded>(&news)) {
        needed_sequence_ = std::max(needed_sequence_, moved_tokens->sequence);
        decide_and_commit(netting::CloseMove{
            .number = moved_tokens->number, .is_settled = moved_tokens->is_settled, .at = now});
    } else if (const auto* ask = std::get_if<ReviewAsk>(&news)) {
        review(*ask);
    } else if (const auto* over = std::get_if<ReviewDone>(&news)) {
        withdrawal::forget(gate_, over->withdrawal);
    } else if (std::holds_alternative<Resume>(news)) {
        found_house();
        carry_out(netting::outstanding(crank_.state()));
        delayed_send(this, as_chrono(parts_.context->options.balance_every),
                     ToHome{parts_.entity, Wake{}});
    }
}

void NettingHost::on_report(const PartitionReport& report) {
    auto& known = reports_[report.partition];
    if (report.sequence >= known.sequence) known = report;
}

void NettingHost::on_wake() {
    balance();
    level_shards();
    if (parts_.context->now() - result_at_ >= parts_.context->options.result_every) {
        result_at_ = parts_.context->now();
        book_result();
    }
    publish_figures();
    delayed_send(this, as_chrono(parts_.context->options.balance_every),
                 ToHome{parts_.entity, Wake{}});
}

void NettingHost::found_house() {
    decide_and_commit(netting::Found{
        .lines = profile().capital, .margins = profile().margins, .at = parts_.context->now()});
}

// --- Decisions -----------------------------------------------------------------------------------

void NettingHost::balance() {
    if (!has_all_reports() || !is_home_current() || !crank_.is_durable()) return;
    decide_and_commit(netting::Balance{.cover = cover_lines(),
                                       .exposures = exposures(),
                                       .is_market_orderly = true,
                                       .now = parts_.context->now()});
}

void NettingHost::level_shards() {
    if (!has_all_reports() || !is_home_current() || !crank_.is_durable()) return;
    netting::LevelShards command{.lines = {}, .now = parts_.context->now()};
    for (const auto& level : profile().levels) {
        command.lines.push_back({.shard = level.shard,
                                 .asset = level.asset,
                                 .held = on_shard(level.shard, level.asset),
                                 .low = level.low,
                                 .target = level.target});
    }
    decide_and_commit(command);
}

void NettingHost::book_result() {
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (surface == nullptr || !has_all_reports() || !is_home_current() ||
        profile().instruments.empty()) {
        return;
    }
    const auto& listing = parts_.context->listing;
    const auto settlement = listing.instrument(*profile().instruments.begin()).settlement;
    const int settlement_scale = listing.asset(settlement).scale;
    // What CONV owes at marks is a loss; contracts are settled through VM as they are.
    Amount owed = total(settlement, &PartitionReport::AssetLine::conv);
    for (const auto& instrument : profile().instruments) {
        const auto& listed = listing.instrument(instrument);
        const Amount conv = total(listed.base, &PartitionReport::AssetLine::conv);
        if (conv == Amount{0} || listed.kind != base::InstrumentKind::in_kind) continue;
        const auto mark = surface->instrument_mark(instrument);
        if (!mark) return;
        const auto value = base::notional(conv, listing.asset(listed.base).scale, *mark,
                                          settlement_scale, Rounding::up);
        const auto sum = value ? base::add(owed, *value) : value;
        if (!sum) return;
        owed = *sum;
    }
    decide_and_commit(
        netting::BookResult{.settlement = settlement,
                            .conv = *base::negate(owed),
                            .vm = *base::negate(total(settlement, &PartitionReport::AssetLine::vm)),
                            .at = parts_.context->now()});
}

void NettingHost::review(const ReviewAsk& ask) {
    const auto now = parts_.context->now();
    withdrawal::Standing standing{.holdings = {},
                                  .suspended = {},
                                  .on_shard = on_shard(ask.shard, ask.asset),
                                  .is_current = is_home_current()};
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    if (home != reports_.end()) {
        for (const auto& line : home->second.shards) {
            if (line.asset != ask.asset) continue;
            standing.holdings = base::must_add(standing.holdings, line.nostro);
            standing.suspended = base::must_add(standing.suspended, line.suspense);
        }
    }
    const withdrawal::Departure departure{
        .withdrawal = ask.withdrawal, .asset = ask.asset, .amount = ask.amount, .shard = ask.shard};
    const auto findings =
        withdrawal::look(gate_, departure, standing, profile().withdrawal_gate_hour, now);
    if (findings.is_gate_open && findings.is_covered)
        withdrawal::let_through(gate_, departure, now);
    send(parts_.home, ToHome{ask.withdrawal, ReviewAnswer{.is_gate_open = findings.is_gate_open,
                                                          .is_covered = findings.is_covered}});
}

bool NettingHost::decide_and_commit(const netting::Command& command) {
    const auto decision = netting::decide(crank_.state(), command);
    if (!decision) {
        parts_.context->log(
            LogLevel::warning, "A house refused a command.",
            {{"broker", profile().name}, {"reject", netting::name_of(decision.error())}});
        return false;
    }
    if (decision->empty()) return true;
    auto& figures = parts_.context->broker(parts_.broker()).figures;
    for (const auto& event : *decision) {
        if (const auto* closed = std::get_if<netting::HedgeClosed>(&event)) {
            figures.hedged_cents += closed->notional_cents;
        } else if (const auto* deposit = std::get_if<netting::DepositAcknowledged>(&event)) {
            if (deposit->finality == ledger::Finality::final) ++figures.deposits_final;
        }
    }
    auto effects = crank_.commit(this, *decision);
    crank_.when_durable([this, effects = std::move(effects),
                         events = *decision](std::uint64_t sequence) {
        // The books will know these events when they report from this record on.
        needed_sequence_ = std::max(needed_sequence_, sequence);
        carry_out(effects);
        for (const auto& event : events) {
            if (const auto* closed = std::get_if<netting::HedgeClosed>(&event)) {
                send(parts_.home, Retire{base::entity_of(base::EntityKind::hedge, parts_.broker(),
                                                         closed->number)});
            } else if (const auto* moved_tokens = std::get_if<netting::MoveClosed>(&event)) {
                send(parts_.home, Retire{base::entity_of(base::EntityKind::instruction,
                                                         parts_.broker(), moved_tokens->number)});
            }
        }
    });
    return true;
}

}  // namespace crossclear::actors
