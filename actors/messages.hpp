#pragma once

#include "actors/routed_messages.hpp"
#include "actors/signing_messages.hpp"
#include "actors/snapshot_messages.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/state.hpp"
#include "ledger/book.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/reconcile/doubt.hpp"
#include "ledger/replay.hpp"
#include "ledger/words.hpp"
#include "shards/port.hpp"
#include "store/directory/directory.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// Every message between hosts. One message is one struct; each says who sends it, who handles it
/// and what the answer is. Hosts of one node share memory, so these carry values and callbacks
/// freely; what may cross to another node is in routed_messages.hpp.

namespace crossclear::actors {

/// From hedges and instructions: bring this to the shard. Safe to repeat.
struct LaneOrder {
    ledger::ShardOrder order;
};
/// From the adapter.
struct LaneNotice {
    ledger::ShardNotice notice;
};
/// From the adapter: the answer to a submission.
struct LaneSubmitted {
    base::OrderRef ref;
    shards::SubmitAnswer answer;
};
/// From the adapter: the answer to a question.
struct LaneAsked {
    base::OrderRef ref;
    std::variant<ledger::OrderNotice, shards::NoAnswer> answer;
};
/// From the adapter: how the shard is.
struct LaneHealth {
    shards::Health health;
};
/// From the reconciler: whether the lane stops.
struct LaneHold {
    bool is_frozen{};  ///< Because of a break.
    bool is_paused{};  ///< By an operator.
};
/// From the lane to itself.
struct LaneTick {};
/// From the reconciler: which orders may have done what is in no book. Answered by LaneOrders.
struct LaneInFlight {};
/// What a lane has that is not booked, or may not be.
struct LaneOrders {
    std::vector<ledger::reconcile::OrderUnderWay> orders;
};

using LaneActor =
    caf::typed_actor<caf::result<void>(LaneOrder), caf::result<void>(LaneNotice),
                     caf::result<void>(LaneSubmitted), caf::result<void>(LaneAsked),
                     caf::result<void>(LaneHealth), caf::result<void>(LaneHold),
                     caf::result<void>(LaneTick), caf::result<LaneOrders>(LaneInFlight),
                     caf::result<void>(LaneSigner)>;

/// From every host: make these events durable, all in one record. Answered by Durable.
struct Append {
    std::uint64_t number{};  ///< Counted by the entity's host from 1.
    std::vector<ledger::Entry> entries;
    std::string bytes;  ///< The entries as the record holds them.
    DurableActor from;
};
/// From the adapter's thread, through a callback.
struct TookOver {
    ledger::journal::PromisedOutcome promised;
};
/// From the adapter: whether the fence stands.
struct PrepareDone {
    ledger::journal::PrepareOutcome outcome;
};
/// From the adapter: a page of the log.
struct ReadDone {
    ledger::journal::ReadOutcome outcome;
};
/// From the adapter: what became of the batch.
struct AppendDone {
    std::uint64_t seq{};  ///< Of the record it speaks of.
    ledger::journal::AppendOutcome outcome;
};
/// From the journal host to itself: try again, look at cover, report.
struct JournalRetry {};
/// From the journal host to itself: look at cover, report.
struct JournalTick {};
/// From the journal host by way of its turnstile and back, as often as is left.
struct TurnOver {
    std::uint32_t left{};
};
/// From a reconciler: a broker's holdings on one shard at the end of a block.
struct BookAt {
    base::BrokerId broker;
    base::ShardId shard;
    std::uint64_t block{};
};
/// The answer to BookAt.
struct BookLines {
    std::map<base::AssetId, ledger::ShardLine> lines;
    bool is_behind{};  ///< Receipts wait for a journal that does not answer.
};
/// From an account: a read has arrived. Answered by ReadConfirmed, once the journal has honoured
/// the fence in a call that began later.
struct ConfirmRead {
    std::uint64_t number{};  ///< Counted by the account's host from 1.
    bool is_patient{};       ///< Waits for as long as it takes; never refused.
    AccountActor from;
};
/// From the adapter: whether the fence still stood.
struct ConfirmDone {
    ledger::journal::Fence fence;
    ledger::journal::ConfirmOutcome outcome;
};
/// From the journal host to itself: ask again whether the fence stands.
struct ConfirmRetry {};
/// From the partition, on a cycle: which accounts hold contracts. Answered with AccountOrders.
struct SettleContracts {};

using JournalActor = caf::typed_actor<
    caf::result<void>(Append), caf::result<void>(TookOver), caf::result<void>(PrepareDone),
    caf::result<void>(ReadDone), caf::result<void>(AppendDone), caf::result<void>(JournalRetry),
    caf::result<void>(JournalTick), caf::result<void>(TurnOver), caf::result<void>(QuotaTold),
    caf::result<void>(CoverDone), caf::result<BookLines>(BookAt),
    caf::result<void>(SettleContracts), caf::result<void>(ConfirmRead),
    caf::result<void>(ConfirmDone), caf::result<void>(ConfirmRetry), caf::result<void>(CoreFound),
    caf::result<void>(KeeperFenced), caf::result<void>(MarginKept)>;

/// From the journal host: another owner has it, or it is broken. Drop everything.
struct PartitionLost {
    bool is_broken{};
    bool is_stopping{};  ///< Neither: the node ends in order, or hands the partition over.
    std::string why;
};
/// From the door: another node shall have the partition. Take nothing new, let what is under way
/// become durable, then let go.
struct PartitionLeave {};
/// From the door: nothing more will come, end.
struct PartitionRelease {};
/// From an account: it is gone, and all of it is durable.
struct Passivated {
    base::AccountId account;
};
/// From an account: it has to stay.
struct NotPassivated {
    base::AccountId account;
};
/// From a home machine: it is over, forget it.
struct Retire {
    base::EntityId entity;
};
/// From the partition to itself: look for idle accounts.
struct PartitionTick {};
/// From the node: run a variation cycle.
struct VariationCycle {};

using PartitionActor = caf::typed_actor<
    caf::result<void>(AccountAsk), caf::result<void>(AccountFollow),
    caf::result<void>(AccountOrder), caf::result<void>(ToHome), caf::result<void>(QuotaTold),
    caf::result<void>(Recovered), caf::result<void>(PartitionLost), caf::result<void>(Passivated),
    caf::result<void>(NotPassivated), caf::result<void>(MachineBack), caf::result<void>(Retire),
    caf::result<void>(PartitionTick), caf::result<void>(VariationCycle),
    caf::result<void>(LaneOrder), caf::result<void>(PartitionLeave),
    caf::result<void>(PartitionRelease), caf::result<void>(OperatorAsk),
    caf::result<void>(HouseFollow), caf::result<void>(PauseTold), caf::result<void>(HouseTold),
    caf::result<void>(PriceTold)>;

/// From the node: where the partition is owned from now on. Answered by PartitionGone once a
/// partition that was here no longer is.
struct DoorRoute {
    /// Seen from this node.
    enum class Where : std::uint8_t {
        nowhere,  ///< Nobody is known to own it.
        here,
        leaving,  ///< Still here; hand it over.
        there,
    };
    Where where{Where::nowhere};
    caf::strong_actor_ptr there;  ///< The other node's door.
};
/// From the partition's host: it has let go of everything.
struct PartitionEnded {
    bool is_broken{};
    bool is_stopping{};
};

/// One node's door to one partition: takes what is for it and finds the way, here or on the node
/// that owns it.
using DoorActor = caf::typed_actor<caf::result<void>(AccountAsk), caf::result<void>(AccountFollow),
                                   caf::result<void>(AccountOrder), caf::result<void>(ToHome),
                                   caf::result<void>(QuotaTold), caf::result<void>(VariationCycle),
                                   caf::result<void>(DoorRoute), caf::result<void>(PartitionEnded),
                                   caf::result<void>(OperatorAsk), caf::result<void>(HouseFollow),
                                   caf::result<void>(PauseTold), caf::result<void>(HouseTold),
                                   caf::result<void>(PriceTold)>;

/// From a door: the partition is no longer owned here.
struct PartitionGone {
    base::PartitionId partition;
    bool is_broken{};
};

/// From whoever starts the node: where the others reach it. Its part in the cluster begins.
struct NodeBegin {
    std::string endpoint;
};
/// From whoever ends the node: hand everything over and leave the others.
struct NodeLeave {};
/// From the node to itself: say that it lives.
struct NodeBeat {};
/// From the directory, through a callback.
struct BeatDone {
    store::BeatOutcome outcome;
};
/// From another node, when it meets this one. Answered by Welcome; then both know each other.
struct Greeting {
    store::Member self;
    std::string cluster;
    std::uint16_t partitions{};
    std::string shape;  ///< Of the listing, and of what nodes send each other.
    caf::strong_actor_ptr node;
    std::vector<caf::strong_actor_ptr> doors;  ///< By partition.
};
template <class Inspector>
bool inspect(Inspector& f, Greeting& x) {
    return inspect_packed(f, x.self) && inspect_packed(f, x.cluster) &&
           inspect_packed(f, x.partitions) && inspect_packed(f, x.shape) && f.apply(x.node) &&
           f.apply(x.doors);
}
/// The answer to Greeting.
struct Welcome {
    store::Member self;
    std::string why_not;                       ///< Empty if it is welcome.
    std::vector<caf::strong_actor_ptr> doors;  ///< By partition.
};
template <class Inspector>
bool inspect(Inspector& f, Welcome& x) {
    return inspect_packed(f, x.self) && inspect_packed(f, x.why_not) && f.apply(x.doors);
}
/// From an oracle to its node, and from there to every other: marks that a client published.
struct MarksRelay {
    PublishMarks marks;
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, MarksRelay& x) {
    return inspect_packed(f, x);
}

/// The node's clockwork, and its part in the cluster.
using NodeActor =
    caf::typed_actor<caf::result<void>(VariationCycle), caf::result<void>(PartitionGone),
                     caf::result<void>(NodeBegin), caf::result<void>(NodeBeat),
                     caf::result<void>(BeatDone), caf::result<Welcome>(Greeting),
                     caf::result<void>(MarksRelay), caf::result<void>(NodeLeave)>;

/// From a session: new marks. Answered to `from`.
struct OraclePublish {
    std::uint64_t ticket{};
    PublishMarks marks;
    SessionActor from;
    bool is_relayed{};  ///< Another node has them already.
};
/// From a session: follow or leave an asset's marks.
struct OracleFollow {
    Channel channel;
    SessionActor from;
    bool is_following{};
};
/// From the oracle to itself.
struct OracleTick {};
/// From whoever starts the node: where marks are passed on to.
struct OracleMeet {
    NodeActor node;
};

using OracleActor =
    caf::typed_actor<caf::result<void>(OraclePublish), caf::result<void>(OracleFollow),
                     caf::result<void>(OracleTick), caf::result<void>(OracleMeet)>;

}  // namespace crossclear::actors

// Ids are appended and never reordered.
CAF_BEGIN_TYPE_ID_BLOCK(crossclear, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Durable))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionAsk))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionIdentify))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionFollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionUnfollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AnswerReady))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Published))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionEnd))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AccountAsk))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AccountFollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AccountOrder))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Passivate))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ToHome))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneOrder))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneNotice))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneSubmitted))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneAsked))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneHealth))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneHold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneInFlight))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Append))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::TookOver))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PrepareDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ReadDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AppendDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::JournalRetry))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::JournalTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::TurnOver))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::QuotaTold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::CoverDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::MarginKept))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::BookAt))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::BookLines))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SettleContracts))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionLost))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Passivated))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::NotPassivated))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Retire))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::VariationCycle))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OraclePublish))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OracleFollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OracleTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SessionRetry))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionLeave))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionRelease))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::DoorRoute))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionEnded))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionGone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::NodeBegin))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::NodeBeat))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::BeatDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Greeting))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Welcome))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::MarksRelay))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OracleMeet))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ReadConfirmed))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ConfirmRead))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ConfirmDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ConfirmRetry))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::NodeLeave))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OperatorAsk))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::HouseFollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::FollowBegun))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PauseTold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::HouseTold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PriceTold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SigningSubmit))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SigningAsk))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SigningWord))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneSigner))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneOrders))
CAF_END_TYPE_ID_BLOCK(crossclear)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Durable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionAsk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionIdentify)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionFollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionUnfollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionEnd)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Passivate)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneNotice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneSubmitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneAsked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneHealth)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneHold)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneInFlight)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::TookOver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PrepareDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ReadDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AppendDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::JournalRetry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::JournalTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::TurnOver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::CoverDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::MarginKept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::BookAt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneOrders)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::BookLines)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SettleContracts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionLost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Passivated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::NotPassivated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::VariationCycle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OraclePublish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OracleFollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OracleTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionRetry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionLeave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionRelease)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::DoorRoute)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionGone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::NodeBegin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::NodeBeat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::BeatDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OracleMeet)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ReadConfirmed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ConfirmRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ConfirmDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ConfirmRetry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::NodeLeave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SigningSubmit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SigningAsk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SigningWord)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneSigner)
