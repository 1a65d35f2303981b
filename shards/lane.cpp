#include "shards/lane.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::shards {
namespace {

using ledger::Finality;
using ledger::OrderNotice;
using ledger::ShardRefusal;

// One command being handled: the lane, the time, and the effects so far.
struct Step {
    Lane& lane;
    base::Timestamp now;
    LaneEffects effects{};
};

Report status_of(const Lane& lane) {
    return Report{.breaker = lane.breaker,
                  .is_frozen = lane.is_frozen,
                  .is_paused = lane.is_paused,
                  .is_reachable = lane.health.is_reachable,
                  .is_shard_paused = lane.health.is_paused};
}

bool may_submit(const Lane& lane) {
    if (lane.is_frozen || lane.is_paused || lane.breaker == Breaker::open) return false;
    return lane.breaker == Breaker::closed || !lane.probe;
}

void submit(Step& step, Flight& flight) {
    Lane& lane = step.lane;
    CHECK(may_submit(lane), "orders are handed over only while the lane allows it");
    if (lane.breaker == Breaker::half_open) lane.probe = flight.order.ref;
    flight.phase = FlightPhase::submitting;
    flight.act_at = step.now + lane.terms.answer_timeout;
    ++lane.counters.submitted;
    step.effects.emplace_back(Submit{.number = flight.number, .order = flight.order});
}

void ask(Step& step, Flight& flight) {
    flight.phase = FlightPhase::asking;
    flight.act_at = step.now + step.lane.terms.answer_timeout;
    ++step.lane.counters.asked;
    step.effects.emplace_back(Ask{flight.order.ref});
}

constexpr std::int64_t one_order = 1'000'000;

// What has become due of its rate since it was looked at last: a second's worth at most, so that no
// pause ends in a flood. A clock that was set back gives nothing.
void make_room(Step& step) {
    Lane& lane = step.lane;
    const auto passed = std::clamp(step.now - lane.room_at, base::Duration{}, base::seconds(1));
    const std::int64_t rate = lane.terms.orders_per_second;
    lane.room = std::min(lane.room + passed.us * rate, rate * one_order);
    lane.room_at = step.now;
}

// What comes too late has no effect, and only has to end.
bool is_charged(const Step& step) {
    return step.lane.terms.orders_per_second > 0 && step.lane.waiting.front().deadline >= step.now;
}

bool has_room(const Step& step) { return !is_charged(step) || step.lane.room >= one_order; }

// Moves orders from the queue into flight, as far as the bounds allow.
void pump(Step& step) {
    Lane& lane = step.lane;
    make_room(step);
    while (!lane.waiting.empty() && lane.flights.size() < lane.terms.in_flight_max &&
           has_room(step) && may_submit(lane)) {
        if (is_charged(step)) lane.room -= one_order;
        Flight flight;
        flight.number = ++lane.numbered;
        flight.order = std::move(lane.waiting.front());
        lane.waiting.pop_front();
        const auto ref = flight.order.ref;
        const auto [placed, is_new] = lane.flights.emplace(ref, std::move(flight));
        CHECK(is_new, "an order is in flight once");
        submit(step, placed->second);
    }
}

void count_answered(Lane& lane, const base::OrderRef& ref) {
    lane.unanswered = 0;
    // Only the order that was sent to find out may close a breaker: asking may work where
    // submitting does not.
    if (lane.breaker != Breaker::half_open || lane.probe != ref) return;
    lane.breaker = Breaker::closed;
    lane.probe.reset();
}

void count_unanswered(Step& step, const base::OrderRef& ref) {
    Lane& lane = step.lane;
    ++lane.counters.unanswered;
    ++lane.unanswered;
    const bool is_probe = lane.breaker == Breaker::half_open && lane.probe == ref;
    const bool is_enough =
        lane.breaker == Breaker::closed && lane.unanswered >= lane.terms.breaker_threshold;
    if (!is_probe && !is_enough) return;
    lane.breaker = Breaker::open;
    lane.probe.reset();
    lane.open_until = step.now + lane.terms.breaker_open;
    ++lane.counters.breaker_opened;
}

void rest(Step& step, Flight& flight) {
    ++flight.unanswered;
    flight.phase = FlightPhase::resting;
    flight.act_at = step.now + backoff_after(step.lane.terms, flight.unanswered);
}

void deliver(Step& step, ledger::ShardNotice notice) {
    ++step.lane.counters.delivered;
    step.effects.emplace_back(Deliver{std::move(notice)});
}

// The order's last word. Frees its place for the next one.
void end(Step& step, const OrderNotice& notice) {
    Lane& lane = step.lane;
    auto& count =
        notice.refusal == ShardRefusal::none ? lane.counters.ended : lane.counters.ended_refused;
    ++count;
    deliver(step, notice);
    if (lane.probe == notice.ref) lane.probe.reset();
    const auto flight = lane.flights.find(notice.ref);
    lane.ended.push_back({.order = std::move(flight->second.order), .at = step.now});
    if (lane.ended.size() > base::limits::orders_ended_max) lane.ended.pop_front();
    lane.flights.erase(flight);
}

void tell_undone(Step& step, Flight& flight) {
    ++step.lane.counters.reorganised;
    flight.told = Finality::unseen;
    flight.told_block = 0;
    deliver(step, OrderNotice{.ref = flight.order.ref});
}

// Passes on what is news about an order in flight. Certainty falls only to unseen: a block that
// held the order was replaced, and whoever counted on it must hear that before anything newer.
void learn(Step& step, Flight& flight, const OrderNotice& notice) {
    if (notice.finality == Finality::final) return end(step, notice);
    const bool was_included = flight.told >= Finality::included;
    if (notice.finality == Finality::unseen) {
        if (!was_included) {
            ++step.lane.counters.filtered;
            return;
        }
        tell_undone(step, flight);
        flight.act_at = step.now + step.lane.terms.quiet_max;
        return;
    }
    const bool is_in_other_block = was_included && notice.block > flight.told_block;
    if (!is_in_other_block && notice.finality <= flight.told) {
        ++step.lane.counters.filtered;
        return;
    }
    if (is_in_other_block) tell_undone(step, flight);
    flight.told = notice.finality;
    flight.told_block = notice.block;
    flight.phase = FlightPhase::taken;
    flight.act_at = step.now + step.lane.terms.quiet_max;
    deliver(step, notice);
}

void take(Step& step, const Enqueue& command) {
    Lane& lane = step.lane;
    const auto& order = command.order;
    const auto decline = [&](LaneRefusal why) {
        ++lane.counters.declined;
        step.effects.emplace_back(Decline{.ref = order.ref, .why = why});
    };
    if (order.shard != lane.shard || base::broker_of(order.ref.origin) != lane.broker) {
        return decline(LaneRefusal::wrong_lane);
    }
    const auto flight = lane.flights.find(order.ref);
    const auto queued =
        std::find_if(lane.waiting.begin(), lane.waiting.end(),
                     [&](const ledger::ShardOrder& other) { return other.ref == order.ref; });
    const bool is_flying = flight != lane.flights.end();
    if (is_flying || queued != lane.waiting.end()) {
        const auto& first = is_flying ? flight->second.order : *queued;
        if (first != order) decline(LaneRefusal::reference_reused_with_other_body);
        return;
    }
    if (lane.waiting.size() >= lane.terms.waiting_max) return decline(LaneRefusal::queue_full);
    lane.waiting.push_back(order);
}

template <class Id>
bool contains(const std::vector<Id>& ids, Id id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void distrust(Step& step, std::string why) {
    ++step.lane.counters.contradictions;
    step.effects.emplace_back(Distrust{std::move(why)});
}

// Why an inflow is nobody's here, or nothing.
std::optional<std::string> doubt_about(const Lane& lane, const ledger::ShardNotice& notice) {
    if (const auto* deposit = std::get_if<ledger::DepositNotice>(&notice)) {
        if (deposit->shard != lane.shard) return "of_other_shard";
        if (!contains(lane.scope.assets, deposit->asset)) return "of_unlisted_asset";
    } else if (const auto* arrival = std::get_if<ledger::ArrivalNotice>(&notice)) {
        if (arrival->shard != lane.shard) return "of_other_shard";
        if (!contains(lane.scope.assets, arrival->asset)) return "of_unlisted_asset";
        const bool is_ours = arrival->ref.origin.kind == base::EntityKind::instruction &&
                             base::broker_of(arrival->ref.origin) == lane.broker;
        if (!is_ours) return "of_other_machine";
    } else if (const auto* variation = std::get_if<ledger::VariationNotice>(&notice)) {
        if (variation->shard != lane.shard) return "of_other_shard";
        if (!contains(lane.scope.instruments, variation->instrument)) {
            return "of_unlisted_instrument";
        }
    } else if (const auto* rescan = std::get_if<ledger::RescanNotice>(&notice)) {
        if (rescan->shard != lane.shard) return "of_other_shard";
    }
    return std::nullopt;
}

void take(Step& step, const SubmitAnswered& command) {
    Lane& lane = step.lane;
    if (std::holds_alternative<NoAnswer>(command.answer)) {
        count_unanswered(step, command.ref);
    } else {
        count_answered(lane, command.ref);
    }
    const auto found = lane.flights.find(command.ref);
    if (found == lane.flights.end()) return;
    Flight& flight = found->second;
    if (std::holds_alternative<NoAnswer>(command.answer)) {
        // A late "no answer" about an order that has moved on since is no news.
        if (flight.phase == FlightPhase::submitting) rest(step, flight);
        return;
    }
    if (const auto* refused = std::get_if<Refused>(&command.answer)) {
        ++lane.counters.refused;
        if (refused->why == ShardRefusal::none) {
            // A refusal that refuses nothing would read as an order that took effect.
            distrust(step, "refused_without_reason");
            return rest(step, flight);
        }
        if (flight.told >= Finality::included) {
            // It cannot both be in a block and never be taken. Believe neither: ask.
            ++lane.counters.contradictions;
            return ask(step, flight);
        }
        return end(
            step,
            OrderNotice{.ref = command.ref, .finality = Finality::final, .refusal = refused->why});
    }
    ++lane.counters.accepted;
    flight.unanswered = 0;
    flight.phase = FlightPhase::taken;
    flight.act_at = step.now + lane.terms.quiet_max;
    if (flight.told >= Finality::seen) return;
    flight.told = Finality::seen;
    deliver(step, OrderNotice{.ref = command.ref, .finality = Finality::seen});
}

void take(Step& step, const NoticeArrived& command) {
    const auto* notice = std::get_if<OrderNotice>(&command.notice);
    // Inflows are numbered by the chain and dropped as repeats by the machines that book them.
    if (notice == nullptr) {
        if (auto why = doubt_about(step.lane, command.notice)) {
            return distrust(step, *std::move(why));
        }
        return deliver(step, command.notice);
    }
    const auto found = step.lane.flights.find(notice->ref);
    if (found == step.lane.flights.end()) {
        ++step.lane.counters.filtered;
        return;
    }
    learn(step, found->second, *notice);
}

void take(Step& step, const AskAnswered& command) {
    Lane& lane = step.lane;
    const auto found = lane.flights.find(command.ref);
    const auto* notice = std::get_if<OrderNotice>(&command.answer);
    const bool is_of_other = notice != nullptr && notice->ref != command.ref;
    if (is_of_other) distrust(step, "answer_of_other_order");
    if (notice == nullptr || is_of_other) {
        count_unanswered(step, command.ref);
        if (found != lane.flights.end() && found->second.phase == FlightPhase::asking) {
            rest(step, found->second);
        }
        return;
    }
    // An answer about the probe is an answer to asking; it says nothing about submitting.
    if (lane.breaker == Breaker::closed) lane.unanswered = 0;
    if (found == lane.flights.end()) return;
    Flight& flight = found->second;
    flight.unanswered = 0;
    if (notice->finality > Finality::seen) {
        flight.phase = FlightPhase::taken;
        flight.act_at = step.now + lane.terms.quiet_max;
        return learn(step, flight, *notice);
    }
    // The shard was asked and knows no block with it: what was told before has been replaced.
    if (flight.told >= Finality::included) tell_undone(step, flight);
    if (notice->finality == Finality::seen) {
        flight.phase = FlightPhase::taken;
        flight.act_at = step.now + lane.terms.quiet_max;
        return;
    }
    ++lane.counters.unknown;
    if (flight.phase != FlightPhase::asking) return;  // Handed over again since it was asked.
    // Not known is not failed: it may still be on its way. The same order again settles it.
    flight.phase = FlightPhase::resting;
    flight.act_at = step.now;
}

void take(Step& step, const HealthReported& command) { step.lane.health = command.health; }

// What is due for one order. A lost call counts like one that was answered with nothing.
void act(Step& step, Flight& flight) {
    switch (flight.phase) {
        case FlightPhase::submitting:
        case FlightPhase::asking:
            count_unanswered(step, flight.order.ref);
            return rest(step, flight);
        case FlightPhase::resting:
            if (!may_submit(step.lane)) return ask(step, flight);
            ++step.lane.counters.resubmitted;
            return submit(step, flight);
        case FlightPhase::taken:
            return ask(step, flight);
    }
    UNREACHABLE("an unlisted phase");
}

// Also after a clock that was set back: nobody knows then how long ago it was.
void forget_ended(Step& step) {
    auto& ended = step.lane.ended;
    const auto is_over = [&](const EndedFlight& one) {
        return one.at + step.lane.terms.ended_kept < step.now || one.at > step.now;
    };
    while (!ended.empty() && is_over(ended.front())) ended.pop_front();
}

void take(Step& step, const Tick&) {
    Lane& lane = step.lane;
    if (lane.breaker == Breaker::open && step.now >= lane.open_until) {
        lane.breaker = Breaker::half_open;
        lane.unanswered = 0;
    }
    for (auto& [ref, flight] : lane.flights) {
        if (flight.act_at <= step.now) act(step, flight);
    }
    forget_ended(step);
}

// The order sent to find out has been heard of in another way than by its answer.
void settle_probe(Lane& lane) {
    if (!lane.probe) return;
    const auto phase = lane.flights.at(*lane.probe).phase;
    if (phase == FlightPhase::submitting) return;
    if (phase == FlightPhase::taken) lane.breaker = Breaker::closed;
    lane.probe.reset();
}

void take(Step& step, const Hold& command) {
    step.lane.is_frozen = command.is_frozen;
    step.lane.is_paused = command.is_paused;
}

}  // namespace

base::Duration backoff_after(const LaneTerms& terms, std::uint32_t unanswered) {
    base::Duration wait = terms.backoff_first;
    for (std::uint32_t i = 1; i < unanswered && wait < terms.backoff_max; ++i) wait = wait * 2;
    return std::min(wait, terms.backoff_max);
}

LaneEffects handle(Lane& lane, const LaneCommand& command, base::Timestamp now) {
    const Report before = status_of(lane);
    Step step{.lane = lane, .now = now};
    std::visit([&](const auto& one) { take(step, one); }, command);
    settle_probe(lane);
    pump(step);
    const Report after = status_of(lane);
    if (after != before) step.effects.emplace_back(after);
    CHECK_SLOW(check_invariants(lane).has_value(), "a lane is consistent after each command");
    return std::move(step.effects);
}

base::Result<void, std::string> check_invariants(const Lane& lane) {
    using Breach = base::Failure<std::string>;
    if (lane.flights.size() > lane.terms.in_flight_max) return Breach{"too many orders in flight"};
    if (lane.waiting.size() > lane.terms.waiting_max) return Breach{"too many orders waiting"};
    if (lane.probe && lane.breaker != Breaker::half_open) return Breach{"a probe without a doubt"};
    if (lane.probe && !lane.flights.contains(*lane.probe)) return Breach{"a probe that ended"};
    for (const auto& order : lane.waiting) {
        if (lane.flights.contains(order.ref)) return Breach{"an order both waits and flies"};
    }
    for (const auto& [ref, flight] : lane.flights) {
        if (flight.order.ref != ref) return Breach{"an order under another reference"};
        if (flight.told == ledger::Finality::final) return Breach{"a final order in flight"};
    }
    return {};
}

}  // namespace crossclear::shards
