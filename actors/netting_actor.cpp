#include "actors/netting_actor.hpp"

#include "actors/chrono.hpp"
#include "actors/distrust.hpp"
#include "base/saturated.hpp"
#include "ledger/netting/limits.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace crossclear::actors {
namespace {

// What has had no mark since the start for so long has none: an oracle tells it again sooner.
constexpr base::Duration wait_for_mark = base::seconds(600);
// Deposits that are not final are looked for so much less often than things are said again.
constexpr std::int64_t deposits_looked_for_every = 10;

namespace netting = ledger::netting;
using base::Amount;
using base::AssetId;
using base::Rounding;

netting::DepartureKey departure_of(const base::EntityId& withdrawal) {
    return {.account = base::AccountId{withdrawal.id}, .number = withdrawal.sub};
}

// Whether the figures have to know it before the house decides more. What departures promise is in
// its own state, until the figures know what left: many of them hold nothing up.
bool needs_books(const netting::Event& event) {
    return !std::holds_alternative<netting::DepartureApproved>(event) &&
           !std::holds_alternative<netting::DepartureClosed>(event);
}

std::uint64_t true_chance() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

NettingHost::NettingHost(caf::actor_config& config, HomeParts parts, netting::State state)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal),
      // Salts come from here as well: who knows the clock and the configuration must not guess
      // them.
      rng_(base::hash_combine(parts_.broker().v, parts_.context->options.seed
                                                     ? *parts_.context->options.seed
                                                     : true_chance())),
      standing_(parts_.context->broker(parts_.broker()).house.load()),
      started_at_(parts_.context->now()),
      result_at_(started_at_) {}

HomeActor::behavior_type NettingHost::make_behavior() {
    set_down_handler([this](const caf::down_msg& gone) { followers_.erase(gone.source); });
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
        on_deposit(*deposit);
    } else if (const auto* booked = std::get_if<DepositBooked>(&news)) {
        on_booked(*booked);
    } else if (const auto* rescan = std::get_if<ledger::RescanNotice>(&news)) {
        on_rescan(*rescan);
    } else if (const auto* variation = std::get_if<ledger::VariationNotice>(&news)) {
        on_variation(*variation);
    } else if (const auto* ended = std::get_if<HedgeEnded>(&news)) {
        needed_sequence_ = std::max(needed_sequence_, ended->sequence);
        decide_and_commit(
            netting::CloseHedge{.number = ended->number, .filled = ended->filled, .at = now});
    } else if (const auto* moved_tokens = std::get_if<MoveEnded>(&news)) {
        needed_sequence_ = std::max(needed_sequence_, moved_tokens->sequence);
        close_move(*moved_tokens);
        // Margin that has arrived may be what a loss was waiting for.
        for (const auto& [shard, waiting] : variations_) record_variations(shard);
    } else if (const auto* ask = std::get_if<ReviewAsk>(&news)) {
        reviews_.push_back(*ask);
        answer_reviews();
    } else if (const auto* over = std::get_if<ReviewDone>(&news)) {
        on_left(*over);
    } else if (const auto* published = std::get_if<HedgePublished>(&news)) {
        publish_hedge(published->news);
    } else if (const auto* follow = std::get_if<HouseFollow>(&news)) {
        on_follow(*follow);
    } else if (const auto* shortfall = std::get_if<ShortfallAsk>(&news)) {
        shortfalls_.push_back(*shortfall);
        answer_shortfall();
    } else if (const auto* written_off = std::get_if<ShortfallDone>(&news)) {
        on_shortfall_done(*written_off);
    } else if (const auto* risk = std::get_if<PartitionRisk>(&news)) {
        on_risk(*risk);
    } else if (const auto* stress = std::get_if<PartitionStress>(&news)) {
        on_stress(*stress);
    } else if (const auto* asked = std::get_if<OperatorAsk>(&news)) {
        answer_operator(*asked);
    } else if (const auto* resume = std::get_if<Resume>(&news)) {
        found_house();
        netting::KeepDepartures keep{.open = {}, .at = now};
        for (const auto& entity : resume->withdrawals) keep.open.insert(departure_of(entity));
        decide_and_commit(keep);
        // What left before the start is in no figures that were told before.
        crank_.when_durable([this](std::uint64_t sequence) {
            needed_sequence_ = std::max(needed_sequence_, sequence);
        });
        carry_out(netting::outstanding(crank_.state()));
        delayed_send(this, as_chrono(parts_.context->options.balance_every),
                     ToHome{parts_.entity, Wake{}});
    }
}

void NettingHost::on_deposit(const ledger::DepositNotice& deposit) {
    // A contract is no token that anybody could send.
    const bool is_token = !base::is_contract(parts_.context->listing.asset(deposit.asset).kind);
    const auto reject = is_token ? decide_and_commit(netting::RecordDeposit{
                                       .notice = deposit, .at = parts_.context->now()})
                                 : netting::Reject::figures_incredible;
    if (reject) distrust_shard(*reject, deposit.shard, deposit.asset);
}

// What was told of a deposit may have been of a block that was replaced while nobody listened, and
// then nothing would ever be told of it again. One that is slow to be final is looked for as well.
void NettingHost::look_for_deposits() {
    const auto now = parts_.context->now();
    const base::Duration every{parts_.context->options.say_again_every.us *
                               deposits_looked_for_every};
    if (!has_passed(every, deposits_looked_for_at_, now)) return;
    deposits_looked_for_at_ = now;
    for (const auto& [shard, from] : netting::rescans_wanted(crank_.state())) {
        const auto adapter = parts_.context->shards.find({parts_.broker(), shard});
        if (adapter != parts_.context->shards.end()) adapter->second->rescan(from);
    }
}

void NettingHost::on_rescan(const ledger::RescanNotice& rescan) {
    const auto decision = netting::decide(
        crank_.state(), netting::EndRescan{.notice = rescan, .at = parts_.context->now()});
    for (const auto& event : *decision) {
        const auto& gone = std::get<netting::DepositRecorded>(event);
        const auto& listing = parts_.context->listing;
        parts_.context->log(LogLevel::warning, "A deposit is in no block any more.",
                            {{"broker", profile().name},
                             {"shard", listing.shard(gone.shard).symbol},
                             {"deposit", std::to_string(gone.deposit)},
                             {"asset", listing.asset(gone.asset).symbol},
                             {"amount", std::to_string(gone.amount.v)}});
    }
    commit(*decision);
}

void NettingHost::on_report(const PartitionReport& report) {
    auto& known = reports_[report.partition];
    if (report.sequence >= known.sequence) known = report;
    if (report.partition != base::home_of(parts_.broker(), parts_.context->partitions)) return;
    close_departures();
    answer_reviews();
    if (!is_action_due_ || !is_at_rest()) return;
    act_on_figures();
    has_acted_ = true;
}

void NettingHost::on_variation(const ledger::VariationNotice& variation) {
    auto& waiting = variations_[variation.shard];
    const auto& state = crank_.state();
    const auto last = state.variations.find(variation.shard);
    if (last != state.variations.end() && variation.number <= last->second) return;
    const auto& instrument = parts_.context->listing.instrument(variation.instrument);
    waiting[variation.number] = {
        .notice = variation,
        .contract = instrument.base,
        .settlement = instrument.settlement,
        // The venue's clock may be ahead of ours.
        .has_expired = instrument.has_expired(parts_.context->now() + base::limits::id_ahead_max)};
    record_variations(variation.shard);
    // What does not fit is told again once the gap before it is filled.
    if (waiting.size() > base::limits::variations_waiting_max) waiting.erase(--waiting.end());
}

void NettingHost::distrust_shard(netting::Reject reject, base::ShardId shard, AssetId about) {
    if (!netting::accuses_shard(reject)) return;
    distrust(this, parts_, shard, about, netting::name_of(reject));
}

void NettingHost::record_variations(base::ShardId shard) {
    auto& waiting = variations_[shard];
    if (waiting.empty()) return;
    netting::RecordVariations command{.shard = shard, .lines = {}, .at = parts_.context->now()};
    for (const auto& [number, line] : waiting) command.lines.push_back(line);
    const auto refusal = decide_and_commit(command);
    if (refusal == netting::Reject::figures_incredible) {
        // Told again while the break is open, and perhaps otherwise.
        waiting.clear();
        return distrust_shard(*refusal, shard, command.lines.front().settlement);
    }
    const auto before = waiting.size();
    const auto last = crank_.state().variations.find(shard);
    if (last != crank_.state().variations.end()) {
        const auto recorded = waiting.upper_bound(last->second);
        for (auto line = waiting.begin(); line != recorded; ++line) {
            recorded_until_[shard] = line->second.notice.block;
        }
        waiting.erase(waiting.begin(), recorded);
    }
    if (refusal == netting::Reject::variation_out_of_order) hear_variations(shard);
    // Why the next one was not recorded as well.
    if (waiting.size() < before) record_variations(shard);
}

// One before those that wait is missing, and stands no earlier than the last one that is recorded.
// Where none was since the start, what both sides have not agreed on is told again anyhow: a
// comparison covers margin (0018).
void NettingHost::hear_variations(base::ShardId shard) {
    const auto until = recorded_until_.find(shard);
    const auto adapter = parts_.context->shards.find({parts_.broker(), shard});
    if (until == recorded_until_.end() || adapter == parts_.context->shards.end()) return;
    // Each that is told meanwhile would find the gap once more.
    const auto now = parts_.context->now();
    auto& asked_at = variations_asked_at_[shard];
    if (!has_passed(parts_.context->options.say_again_every, asked_at, now)) return;
    asked_at = now;
    adapter->second->rescan(until->second);
}

void NettingHost::close_move(const MoveEnded& ended) {
    const auto refusals = crank_.state().refusals;
    decide_and_commit(netting::CloseMove{
        .number = ended.number, .is_settled = ended.is_settled, .at = parts_.context->now()});
    // Told of the first in a row: a venue that is down for a day is one line.
    for (const auto& [of, refused] : crank_.state().refusals) {
        if (refusals.contains(of)) continue;
        const auto& listing = parts_.context->listing;
        parts_.context->log(LogLevel::warning, "A venue refuses to move margin; it is asked less.",
                            {{"broker", profile().name},
                             {"shard", listing.shard(of.venue).symbol},
                             {"asset", listing.asset(of.asset).symbol}});
    }
}

void NettingHost::on_wake() {
    tell_whom_it_waits_for();
    // First: what is begun now is in no figures yet.
    book_result();
    // Two looks without a report between them would take half of two trades for all.
    if (std::exchange(has_acted_, false)) {
        is_action_due_ = true;
    } else {
        act_on_figures();
    }
    look_at_expiries();
    if (has_passed(parts_.context->options.say_again_every, said_at_, parts_.context->now())) {
        said_at_ = parts_.context->now();
        say_again();
        look_for_deposits();
        look_at_house();
    }
    publish_figures();
    delayed_send(this, as_chrono(parts_.context->options.balance_every),
                 ToHome{parts_.entity, Wake{}});
}

// Now, or with the first figures that know all that was decided.
void NettingHost::act_on_figures() {
    is_action_due_ = !is_at_rest();
    if (is_action_due_) return;
    answer_shortfall();
    // First what is rare: after each of these the next waits for a report.
    bear_losses();
    keep_margins();
    balance();
    level_shards();
}

void NettingHost::found_house() {
    std::vector<netting::Found::Margin> margins;
    for (const auto& policy : profile().margins) {
        margins.push_back({.venue = policy.venue, .asset = policy.asset, .amount = policy.floor});
    }
    decide_and_commit(netting::Found{
        .lines = profile().capital, .margins = std::move(margins), .at = parts_.context->now()});
}

void NettingHost::balance() {
    if (!is_at_rest()) return;
    // Cover is granted to whoever has asked for it; what is not known is granted nothing.
    netting::Balance command{.cover = cover_lines(),
                             .exposures = {},
                             .is_market_orderly = true,
                             .now = parts_.context->now()};
    if (has_all_reports()) command.exposures = exposures();
    // What has expired ends by itself, at the venue and here.
    std::erase_if(command.exposures, [&](const auto& exposure) {
        return parts_.context->listing.instrument(exposure.instrument).has_expired(command.now);
    });
    looks_.clear();
    for (const auto& exposure : command.exposures) {
        auto& look = looks_[exposure.base];
        look.need = exposure.need;
        look.task = task_on(exposure.base);
        const auto whole = base::add(exposure.need, exposure.hedged);
        if (whole) look.whole = *whole;
    }
    decide_and_commit(command);
}

void NettingHost::keep_margins() {
    if (!has_all_reports() || !is_at_rest()) return;
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    // Without capital there is no founding to wait for.
    const bool is_founded = crank_.state().is_founded || profile().capital.empty();
    if (surface == nullptr || !is_founded) return;
    netting::KeepMargins command{.lines = {}, .cover = cover_lines(), .now = parts_.context->now()};
    for (const auto& policy : profile().margins) {
        if (auto line = margin_line(policy, *surface)) command.lines.push_back(*line);
    }
    decide_and_commit(command);
}

void NettingHost::level_shards() {
    if (!is_at_rest()) return;
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
    const auto now = parts_.context->now();
    const bool is_due = has_passed(parts_.context->options.result_every, result_at_, now);
    if (!is_due || !are_decisions_known()) return;
    result_at_ = now;
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    if (surface == nullptr || !has_all_reports() || profile().instruments.empty()) return;
    const auto& listing = parts_.context->listing;
    const auto settlement = listing.instrument(*profile().instruments.begin()).settlement;
    const int settlement_scale = listing.asset(settlement).scale;
    // What CONV owes at marks is a loss; contracts are settled through VM as they are. Collateral
    // that was taken counts too, though nothing trades it: for nothing where it has had no mark for
    // long, or a protocol that is gone would keep all else from being counted.
    const bool is_gone = has_passed(wait_for_mark, started_at_, now);
    Amount owed = total(settlement, &PartitionReport::AssetLine::conv);
    const Amount vm = total(settlement, &PartitionReport::AssetLine::vm);
    if (base::is_off_scale(owed) || base::is_off_scale(vm)) return;
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const Amount conv = total(asset, &PartitionReport::AssetLine::conv);
        if (conv == Amount{0} || asset == settlement) continue;
        const auto mark = surface->price_in(asset, settlement);
        if (!mark && is_gone && !listing.instrument_of(asset)) continue;
        if (!mark || base::is_off_scale(conv)) return;
        const auto value =
            base::notional(conv, listing.asset(asset).scale, *mark, settlement_scale, Rounding::up);
        const auto sum = value ? base::add(owed, *value) : value;
        if (!sum) return;
        owed = *sum;
    }
    if (base::is_off_scale(owed)) return;
    decide_and_commit(netting::BookResult{
        .settlement = settlement, .conv = *base::negate(owed), .vm = *base::negate(vm), .at = now});
}

void NettingHost::bear_losses() {
    if (!has_all_reports() || !is_at_rest()) return;
    for (std::size_t i = 0; i < parts_.context->listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const Amount loss = total(asset, &PartitionReport::AssetLine::loss);
        if (loss <= Amount{0} || base::is_off_scale(loss)) continue;
        decide_and_commit(
            netting::BearLoss{.asset = asset,
                              .loss = loss,
                              .capital = total(asset, &PartitionReport::AssetLine::capital),
                              .insurance = total(asset, &PartitionReport::AssetLine::insurance),
                              .at = parts_.context->now()});
    }
}

// A figure that is older than what the house decided shows tokens that have left.
void NettingHost::answer_reviews() {
    if (!is_home_current()) return;
    for (const auto& ask : std::exchange(reviews_, {})) review(ask);
}

// Who has ended needs no answer any more.
void NettingHost::on_left(const ReviewDone& over) {
    std::erase_if(reviews_,
                  [&](const ReviewAsk& ask) { return ask.withdrawal == over.withdrawal; });
    over_.push_back(over);
    close_departures();
}

void NettingHost::close_departures() {
    std::erase_if(over_, [this](const ReviewDone& over) {
        if (over.sequence > home_sequence()) return false;
        decide_and_commit(netting::CloseDeparture{.withdrawal = departure_of(over.withdrawal),
                                                  .at = parts_.context->now()});
        return true;
    });
}

void NettingHost::review(const ReviewAsk& ask) {
    netting::ReviewDeparture command{
        .withdrawal = departure_of(ask.withdrawal),
        .departure = {.asset = ask.asset, .amount = ask.amount, .shard = ask.shard},
        .holdings = {},
        .suspended = {},
        .on_shard = {},
        .in_flight = {},
        .hedged = {},
        .is_current = is_home_current(),
        .hour_max = profile().withdrawal_gate_hour,
        .day_max = profile().withdrawal_gate_day,
        .at = parts_.context->now()};
    const auto home = reports_.find(base::home_of(parts_.broker(), parts_.context->partitions));
    if (home != reports_.end()) {
        command.hedged = home->second.hedged;
        for (const auto& line : home->second.shards) {
            if (line.asset != ask.asset) continue;
            command.holdings = base::saturated(base::Wide{command.holdings.v} + line.nostro.v);
            command.suspended = base::saturated(base::Wide{command.suspended.v} + line.suspense.v);
            if (line.shard != ask.shard) continue;
            command.on_shard = line.nostro;
            command.in_flight = line.inflight_out;
        }
    }
    const auto refusal = decide_and_commit(command);
    const ReviewAnswer answer{.is_gate_open = refusal != netting::Reject::gate_is_closed,
                              .is_covered = !refusal};
    // What it counts for must be known for good before it may leave.
    crank_.when_durable([this, withdrawal = ask.withdrawal, answer](std::uint64_t) {
        send(parts_.home, ToHome{withdrawal, answer});
    });
}

std::optional<netting::Reject> NettingHost::decide_and_commit(const netting::Command& command) {
    const auto decision = netting::decide(crank_.state(), command);
    if (!decision) {
        if (netting::is_transient(decision.error())) return decision.error();
        parts_.context->log(
            LogLevel::warning, "A house refused a command.",
            {{"broker", profile().name}, {"reject", netting::name_of(decision.error())}});
        return decision.error();
    }
    commit(*decision);
    return std::nullopt;
}

void NettingHost::commit(const std::vector<netting::Event>& events) {
    if (events.empty()) return;
    auto& figures = parts_.context->broker(parts_.broker()).figures;
    for (const auto& event : events) {
        if (const auto* closed = std::get_if<netting::HedgeClosed>(&event)) {
            figures.hedged_cents += closed->notional_cents;
        } else if (const auto* deposit = std::get_if<netting::DepositAcknowledged>(&event)) {
            if (deposit->finality == ledger::Finality::final) ++figures.deposits_final;
        }
    }
    auto effects = crank_.commit(this, events);
    const bool is_for_books = std::any_of(events.begin(), events.end(), needs_books);
    if (is_for_books) ++unbooked_;
    crank_.when_durable([this, effects = std::move(effects), events,
                         is_for_books](std::uint64_t sequence) {
        if (is_for_books) {
            --unbooked_;
            // The books will know these events when they report from this record on.
            needed_sequence_ = std::max(needed_sequence_, sequence);
        }
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
}

}  // namespace crossclear::actors
