#pragma once

#include "actors/gateway.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/effects.hpp"
#include "ledger/account/state.hpp"
#include "ledger/book.hpp"
#include "ledger/event.hpp"
#include "ledger/hedge/commands.hpp"
#include "ledger/hedge/state.hpp"
#include "ledger/instruction/commands.hpp"
#include "ledger/instruction/effects.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/netting/state.hpp"
#include "ledger/reconcile/commands.hpp"
#include "ledger/reconcile/state.hpp"
#include "ledger/replay.hpp"
#include "ledger/withdrawal/commands.hpp"
#include "ledger/withdrawal/state.hpp"
#include "ledger/words.hpp"
#include "shards/port.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Every message between hosts. One message is one struct; each says who sends it, who handles it
/// and what the answer is. Hosts of one node share memory, so messages carry values and callbacks
/// freely; what will cross nodes gets a wire form when it does.

namespace crossclear::actors {

// --- To anyone who appends ---------------------------------------------------------------------

/// The journal tells that an entity's appends up to `number` are durable, in record `sequence`.
struct Durable {
    std::uint64_t number{};
    std::uint64_t sequence{};
};

/// Whoever waits for durability.
using DurableActor = caf::typed_actor<caf::result<void>(Durable)>;

// --- To a session --------------------------------------------------------------------------------

/// From the gateway: a request of the client, and where its answer goes.
struct SessionAsk {
    Request request;
    std::function<void(Answer)> done;
};
/// From the gateway: who speaks from now on.
struct SessionIdentify {
    Identity identity;
};
/// From the gateway: follow a channel, or stop.
struct SessionFollow {
    Channel channel;
    std::optional<std::uint64_t> from;
    std::function<void(std::optional<Refusal>)> done;
};
/// From the gateway: stop following.
struct SessionUnfollow {
    Channel channel;
};
/// From an account or the oracle: the answer to the request under `ticket`.
struct AnswerReady {
    std::uint64_t ticket{};
    Answer answer;
};
/// From an account, the oracle or a shard: news of a channel that the session follows.
struct Published {
    std::shared_ptr<const Publication> publication;
};
/// From the gateway: the client has gone.
struct SessionEnd {};

using SessionActor =
    caf::typed_actor<caf::result<void>(SessionAsk), caf::result<void>(SessionIdentify),
                     caf::result<void>(SessionFollow), caf::result<void>(SessionUnfollow),
                     caf::result<void>(AnswerReady), caf::result<void>(Published),
                     caf::result<void>(SessionEnd)>;

// --- To an account -------------------------------------------------------------------------------

/// From a session through the partition: a client's request. Answered to `from` once durable.
struct AccountAsk {
    base::AccountId account;
    std::uint64_t ticket{};
    Request request;
    SessionActor from;
};
/// From a session through the partition: follow a channel of the account. Answered by Published.
struct AccountFollow {
    base::AccountId account;
    Channel channel;
    std::optional<std::uint64_t> from_sequence;
    SessionActor from;
    bool is_following{};  ///< False: stop.
};
/// From home machines and the partition's desk: a command that no client gave. `acknowledge` runs
/// once the outcome is durable, also where there was nothing to do.
struct AccountOrder {
    base::AccountId account;
    ledger::account::Command command;
    std::function<void()> acknowledge;
};
/// From the partition: hand over your state and end, unless something is under way.
struct Passivate {};

using AccountActor =
    caf::typed_actor<caf::result<void>(AccountAsk), caf::result<void>(AccountFollow),
                     caf::result<void>(AccountOrder), caf::result<void>(Passivate),
                     caf::result<void>(Durable)>;

// --- To home machines ----------------------------------------------------------------------------

/// What one partition's books say of one broker, absolute figures. From its journal host to the
/// broker's netting host, after commits; a later one replaces an earlier one.
struct PartitionReport {
    struct AssetLine {
        base::Amount conv;
        base::Amount hbook;
        base::Amount vm;
        base::Amount covered;  ///< FREE + HELD.
        base::Amount unsettled;
        base::Amount held;
        base::Amount deposited;  ///< Of the quota.
        base::Amount returned;   ///< Of the quota.
        base::Amount overdue;    ///< Claims past their time.
        base::Timestamp oldest_due;
    };
    struct ShardLine {
        base::ShardId shard;
        base::AssetId asset;
        base::Amount nostro;
        base::Amount inflight_out;
        base::Amount suspense;
        base::Amount position;  ///< VPOS.
        base::Amount posted;
    };
    base::BrokerId broker;
    base::PartitionId partition;
    std::uint64_t sequence{};
    std::map<base::AssetId, AssetLine> assets;
    std::vector<ShardLine> shards;  ///< Only from the broker's home.
};

/// From a hedge task to netting; `sequence` is the home record in which its end stands.
struct HedgeEnded {
    std::uint64_t number{};
    base::Amount filled;
    std::uint64_t sequence{};
};
/// From an instruction to netting.
struct MoveEnded {
    std::uint64_t number{};
    bool is_settled{};
    std::uint64_t sequence{};
};
/// From a withdrawal to netting: may this be sent? Answered by ReviewAnswer.
struct ReviewAsk {
    base::EntityId withdrawal;
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
};
/// From netting to a withdrawal.
struct ReviewAnswer {
    bool is_gate_open{};
    bool is_covered{};
};
/// From a withdrawal to netting: it has ended, its reservation is free.
struct ReviewDone {
    base::EntityId withdrawal;
};
/// From an account to the home partition: carry this out.
struct StartWithdrawal {
    ledger::account::StartWithdrawal effect;
};
/// From the account's host to a withdrawal: the end is booked.
struct WithdrawalBooked {};
/// From an instruction to its withdrawal.
struct InstructionEnded {
    ledger::instruction::ReportEnded report;
    std::uint64_t sequence{};
};
/// From the account's host to netting: a deposit is booked this far.
struct DepositBooked {
    std::uint64_t deposit{};
    base::ShardId shard;
    ledger::Finality finality{};
};
/// From a host to itself.
struct Wake {};
/// From the partition, after a restart: ask again for what is outstanding.
struct Resume {};

/// Anything a home machine can be told.
using HomeNews =
    std::variant<ledger::OrderNotice, ledger::ArrivalNotice, ledger::DepositNotice,
                 ledger::VariationNotice, PartitionReport, HedgeEnded, MoveEnded, ReviewAsk,
                 ReviewAnswer, ReviewDone, StartWithdrawal, WithdrawalBooked, InstructionEnded,
                 DepositBooked, ledger::hedge::PlanHedge, ledger::instruction::CreateInstruction,
                 ledger::reconcile::ResolveBreak, shards::Balances, Wake, Resume>;

/// News for one home machine; through the partition that owns it, which makes the host on demand.
struct ToHome {
    base::EntityId entity;
    HomeNews news;
};

/// A host of a home machine.
using HomeActor = caf::typed_actor<caf::result<void>(Durable), caf::result<void>(ToHome)>;

// --- To a lane -----------------------------------------------------------------------------------

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
/// From the reconciler or an operator.
struct LaneFreeze {
    bool is_frozen{};
};
/// From the lane to itself.
struct LaneTick {};
/// From the reconciler: the number of orders without a final word.
struct LaneInFlight {};

using LaneActor =
    caf::typed_actor<caf::result<void>(LaneOrder), caf::result<void>(LaneNotice),
                     caf::result<void>(LaneSubmitted), caf::result<void>(LaneAsked),
                     caf::result<void>(LaneHealth), caf::result<void>(LaneFreeze),
                     caf::result<void>(LaneTick), caf::result<std::uint64_t>(LaneInFlight)>;

// --- To a journal host ---------------------------------------------------------------------------

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
/// From netting: the quota of an asset in this partition, as a total.
struct QuotaTold {
    base::BrokerId broker;
    base::AssetId asset;
    base::Amount granted_total;
};
/// From an account: a cover order of this size is done with.
struct CoverDone {
    base::BrokerId broker;
    base::AssetId asset;
    base::Amount asked;
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
};
/// From the partition, on a cycle: which accounts hold contracts. Answered with AccountOrders.
struct SettleContracts {};

using JournalActor = caf::typed_actor<
    caf::result<void>(Append), caf::result<void>(TookOver), caf::result<void>(PrepareDone),
    caf::result<void>(ReadDone), caf::result<void>(AppendDone), caf::result<void>(JournalRetry),
    caf::result<void>(JournalTick), caf::result<void>(QuotaTold), caf::result<void>(CoverDone),
    caf::result<BookLines>(BookAt), caf::result<void>(SettleContracts)>;

// --- To a partition ------------------------------------------------------------------------------

/// From the journal host: the log is read, verified and owned.
struct Recovered {
    std::shared_ptr<ledger::Partition> partition;  ///< Without its book, which stays behind.
};
/// From the journal host: another owner has it, or it is broken. Drop everything.
struct PartitionLost {
    bool is_broken{};
    bool is_stopping{};  ///< Neither: the node ends in order.
    std::string why;
};
/// From an account: its state, and it is gone.
struct Passivated {
    base::AccountId account;
    std::string state;
};
/// From an account: it has to stay.
struct NotPassivated {
    base::AccountId account;
};
/// From the store: a snapshot was kept, or not.
struct SnapshotKept {
    base::AccountId account;
    bool is_kept{};
    std::string state;
    std::uint64_t sequence{};
};
/// From the store: a snapshot that was asked for.
struct SnapshotBack {
    base::AccountId account;
    ledger::journal::ReadSnapshotOutcome outcome;
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
    caf::result<void>(NotPassivated), caf::result<void>(SnapshotKept),
    caf::result<void>(SnapshotBack), caf::result<void>(Retire), caf::result<void>(PartitionTick),
    caf::result<void>(VariationCycle), caf::result<void>(LaneOrder)>;

/// The node's clockwork.
using NodeActor = caf::typed_actor<caf::result<void>(VariationCycle)>;

// --- To the oracle -------------------------------------------------------------------------------

/// From a session: new marks. Answered to `from`.
struct OraclePublish {
    std::uint64_t ticket{};
    PublishMarks marks;
    SessionActor from;
};
/// From a session: follow or leave an asset's marks.
struct OracleFollow {
    Channel channel;
    SessionActor from;
    bool is_following{};
};
/// From the oracle to itself.
struct OracleTick {};

using OracleActor =
    caf::typed_actor<caf::result<void>(OraclePublish), caf::result<void>(OracleFollow),
                     caf::result<void>(OracleTick)>;

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
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneFreeze))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::LaneInFlight))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Append))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::TookOver))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PrepareDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::ReadDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::AppendDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::JournalRetry))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::JournalTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::QuotaTold))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::CoverDone))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::BookAt))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::BookLines))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SettleContracts))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Recovered))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionLost))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Passivated))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::NotPassivated))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SnapshotKept))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::SnapshotBack))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::Retire))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::PartitionTick))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::VariationCycle))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OraclePublish))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OracleFollow))
CAF_ADD_TYPE_ID(crossclear, (crossclear::actors::OracleTick))
CAF_END_TYPE_ID_BLOCK(crossclear)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Durable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionAsk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionIdentify)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionFollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionUnfollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AnswerReady)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Published)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SessionEnd)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AccountAsk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AccountFollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AccountOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Passivate)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ToHome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneNotice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneSubmitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneAsked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneHealth)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneFreeze)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::LaneInFlight)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::TookOver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PrepareDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::ReadDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::AppendDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::JournalRetry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::JournalTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::QuotaTold)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::CoverDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::BookAt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::BookLines)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SettleContracts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Recovered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionLost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Passivated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::NotPassivated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SnapshotKept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SnapshotBack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::PartitionTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::VariationCycle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OraclePublish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OracleFollow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::OracleTick)
