#pragma once

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"
#include "shards/port.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// One broker's lane to one shard, as a machine without clock or I/O.
///
/// The problem: a shard loses requests, answers and notices, repeats and reorders them, and we must
/// neither send an effect twice under two references nor believe that one failed which did not.
/// The idea: the same order is handed over again and again until a notice ends it; the shard
/// applies a reference at most once, so repeating is free and only concluding is dangerous. The
/// subtle thing: "not known there" concludes nothing. An order ends by a final notice, or by the
/// shard refusing to take it: a tombstone.
///
/// Volatile: after a restart it is empty, and whoever has orders outstanding enqueues them again.

namespace crossclear::shards {

/// How patient a lane is, and how much it takes.
struct LaneTerms {
    base::Duration answer_timeout{base::seconds(2)};  ///< A call unanswered for so long is lost.
    base::Duration quiet_max{base::seconds(5)};       ///< Without news for so long: ask.
    base::Duration backoff_first{base::milliseconds(200)};
    base::Duration backoff_max{base::seconds(30)};
    std::uint32_t breaker_threshold{5};              ///< Unanswered calls in a row that open it.
    base::Duration breaker_open{base::seconds(10)};  ///< Until one order may try again.
    std::size_t in_flight_max{base::limits::orders_in_flight_max};
    std::size_t waiting_max{1'024};
    /// New orders that may be handed over, a second's worth at once; 0: any number.
    std::uint32_t orders_per_second{};
    base::Duration ended_kept{base::seconds(10)};  ///< More than a last word is on its way.

    friend bool operator==(const LaneTerms&, const LaneTerms&) = default;
};

/// Whether orders may be handed over.
enum class Breaker : std::uint8_t {
    closed,     ///< Yes.
    open,       ///< No; asking goes on.
    half_open,  ///< One, to see.
};

/// Why a lane declines an order. Nothing was sent; the caller may enqueue it later.
enum class LaneRefusal : std::uint8_t {
    wrong_lane = 1,  ///< Another shard's or broker's order.
    reference_reused_with_other_body = 2,
    queue_full = 3,
};

/// Hand an order to the shard. Sent by whoever wants the effect, again after each restart; a repeat
/// of one that the lane has changes nothing. Answered by `Decline` or, later, by `Deliver`.
struct Enqueue {
    ledger::ShardOrder order;
};
/// The shard's answer to `Submit`.
struct SubmitAnswered {
    base::OrderRef ref;
    SubmitAnswer answer;
};
/// The shard told something.
struct NoticeArrived {
    ledger::ShardNotice notice;
};
/// The shard's answer to `Ask`.
struct AskAnswered {
    base::OrderRef ref;
    std::variant<ledger::OrderNotice, NoAnswer> answer;
};
/// The shard's answer to a look at its health.
struct HealthReported {
    Health health;
};
/// Time has passed. Sent a few times a second.
struct Tick {};
/// A break, or an operator, stops the handing over of orders, until neither does; asking goes on.
struct Hold {
    bool is_frozen{};  ///< Because of a break.
    bool is_paused{};  ///< By an operator.
};

using LaneCommand =
    std::variant<Enqueue, SubmitAnswered, NoticeArrived, AskAnswered, HealthReported, Tick, Hold>;

/// Call the shard's `submit`. `number` counts the lane's orders from 1 and stays with the order
/// when it is handed over again.
struct Submit {
    std::uint64_t number{};
    ledger::ShardOrder order;

    friend bool operator==(const Submit&, const Submit&) = default;
};
/// Call the shard's `ask`.
struct Ask {
    base::OrderRef ref;

    friend bool operator==(const Ask&, const Ask&) = default;
};
/// Pass this on to the machine it is for. Repeats are filtered for orders, not for inflows.
struct Deliver {
    ledger::ShardNotice notice;

    friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// The shard told what is none of this lane's: it cannot be believed, and was not passed on.
struct Distrust {
    std::string why;

    friend bool operator==(const Distrust&, const Distrust&) = default;
};
/// The order was not taken into the lane.
struct Decline {
    base::OrderRef ref;
    LaneRefusal why{};

    friend bool operator==(const Decline&, const Decline&) = default;
};
/// Something changed that an operator would want to know.
struct Report {
    Breaker breaker{};
    bool is_frozen{};        ///< Because of a break.
    bool is_paused{};        ///< By an operator.
    bool is_reachable{};     ///< Says the shard's health.
    bool is_shard_paused{};  ///< Says the shard's health.

    friend bool operator==(const Report&, const Report&) = default;
};

using LaneEffect = std::variant<Submit, Ask, Deliver, Decline, Report, Distrust>;
using LaneEffects = std::vector<LaneEffect>;

/// What a lane has counted since it began; only grows.
struct LaneCounters {
    std::uint64_t submitted{};  ///< Calls of `submit`, repeats included.
    std::uint64_t resubmitted{};
    std::uint64_t accepted{};
    std::uint64_t refused{};
    std::uint64_t unanswered{};  ///< Of both kinds of call.
    std::uint64_t asked{};
    std::uint64_t unknown{};  ///< Asked and not known there.
    std::uint64_t delivered{};
    std::uint64_t filtered{};  ///< Notices repeated, late or about nothing of ours.
    std::uint64_t reorganised{};
    std::uint64_t contradictions{};  ///< Refused after it was told as included.
    std::uint64_t declined{};
    std::uint64_t ended{};          ///< Orders that ended with an effect.
    std::uint64_t ended_refused{};  ///< Orders that ended without.
    std::uint64_t breaker_opened{};

    friend bool operator==(const LaneCounters&, const LaneCounters&) = default;
};

/// What a lane does about one order next.
enum class FlightPhase : std::uint8_t {
    submitting,  ///< Handed over, not answered.
    resting,     ///< To be handed over again.
    taken,       ///< The shard has it: wait for news.
    asking,      ///< Asked, not answered.
};

/// One order between its first submission and its end.
struct Flight {
    std::uint64_t number{};
    ledger::ShardOrder order;
    FlightPhase phase{FlightPhase::submitting};
    ledger::Finality told{ledger::Finality::unseen};  ///< What was passed on last.
    std::uint64_t told_block{};
    std::uint32_t unanswered{};  ///< Calls about it, in a row.
    base::Timestamp act_at;      ///< When to do something if nothing happens.

    friend bool operator==(const Flight&, const Flight&) = default;
};

/// An order whose last word was told.
struct EndedFlight {
    ledger::ShardOrder order;
    base::Timestamp at;

    friend bool operator==(const EndedFlight&, const EndedFlight&) = default;
};

/// What a shard lists: nobody here knows anything else.
struct LaneScope {
    std::vector<base::AssetId> assets;
    std::vector<base::InstrumentId> instruments;

    friend bool operator==(const LaneScope&, const LaneScope&) = default;
};

/// A lane. Changed by `handle` only.
struct Lane {
    base::ShardId shard;
    base::BrokerId broker;
    LaneTerms terms;
    LaneScope scope{};

    std::map<base::OrderRef, Flight> flights{};
    std::deque<ledger::ShardOrder> waiting{};
    std::deque<EndedFlight> ended{};  ///< Of the last `ended_kept`, oldest first.
    std::uint64_t numbered{};
    std::int64_t room{};  ///< Of its rate, in millionths of an order.
    base::Timestamp room_at{};
    Breaker breaker{Breaker::closed};
    std::uint32_t unanswered{};  ///< Calls in a row, over all orders.
    base::Timestamp open_until{};
    std::optional<base::OrderRef> probe{};  ///< The one order tried while half open.
    bool is_frozen{};                       ///< Because of a break.
    bool is_paused{};                       ///< By an operator.
    Health health{.is_reachable = true};
    LaneCounters counters{};
};

/// Takes one command at `now` and says what to do, in order.
/// **Cost:** linear in orders in flight for `Tick`, logarithmic otherwise.
[[nodiscard]] LaneEffects handle(Lane& lane, const LaneCommand& command, base::Timestamp now);

/// Nothing, or which claim about a lane is broken.
[[nodiscard]] base::Result<void, std::string> check_invariants(const Lane& lane);

/// How long an order rests after so many unanswered calls: doubling, up to the maximum.
[[nodiscard]] base::Duration backoff_after(const LaneTerms& terms, std::uint32_t unanswered);

}  // namespace crossclear::shards
