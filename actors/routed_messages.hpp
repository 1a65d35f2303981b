#pragma once

#include "actors/gateway.hpp"
#include "actors/house_messages.hpp"
#include "actors/house_standing.hpp"
#include "actors/pack.hpp"
#include "actors/partition_report.hpp"
#include "actors/session_messages.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/effects.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/hedge/commands.hpp"
#include "ledger/instruction/commands.hpp"
#include "ledger/instruction/effects.hpp"
#include "ledger/withdrawal/commands.hpp"
#include "ledger/words.hpp"
#include "risk/kernel/house.hpp"
#include "shards/port.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

/// What is said to sessions, home machines and accounts. They may live on another node: a message
/// that crosses has an `inspect`, and holds only values and handles.

namespace crossclear::actors {

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
/// To a reconciler, from the shard's lane or from whoever it was told: what cannot be, and was not
/// booked.
struct Distrusted {
    base::AssetId asset;  ///< What it was about.
};
/// From a withdrawal to netting: may this be sent? Answered by ReviewAnswer, once the house's
/// figures of the home are the latest.
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
/// From a withdrawal to netting: it has ended. Its reservation is free once the figures know the
/// home record `sequence`, for what left is booked there or before.
struct ReviewDone {
    base::EntityId withdrawal;
    std::uint64_t sequence{};
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
/// From the account's host to netting: a deposit is booked this far, or why the account refused.
struct DepositBooked {
    std::uint64_t deposit{};
    base::ShardId shard;
    ledger::Finality finality{};
    ledger::account::Reject reject{ledger::account::Reject::none};
};
/// From a host to itself.
struct Wake {};
/// From the partition, after a restart: ask again for what is outstanding.
struct Resume {
    std::vector<base::EntityId> withdrawals;  ///< For netting: its broker's that are not over.
};

/// Anything a home machine can be told.
using HomeNews =
    std::variant<ledger::OrderNotice, ledger::ArrivalNotice, ledger::DepositNotice,
                 ledger::VariationNotice, ledger::RescanNotice, PartitionReport, HedgeEnded,
                 MoveEnded, ReviewAsk, ReviewAnswer, ReviewDone, StartWithdrawal, WithdrawalBooked,
                 InstructionEnded, DepositBooked, ledger::hedge::PlanHedge,
                 ledger::instruction::CreateInstruction, shards::Balances, Wake, Resume,
                 ledger::withdrawal::CancelWithdrawal, ledger::hedge::CancelHedge, shards::NoAnswer,
                 OperatorAsk, ShortfallAsk, ShortfallAnswer, ShortfallDone, HedgePublished,
                 HouseFollow, Distrusted, PartitionRisk, PartitionStress>;

/// News for one home machine; through the partition that owns it, which makes the host on demand.
struct ToHome {
    base::EntityId entity;
    HomeNews news;
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, ToHome& x) {
    return inspect_packed(f, x);
}

/// A host of a home machine.
using HomeActor = caf::typed_actor<caf::result<void>(Durable), caf::result<void>(ToHome)>;

/// From a session through the partition: a client's request. Answered to `from` once durable.
struct AccountAsk {
    base::AccountId account;
    std::uint64_t ticket{};
    Request request;
    SessionActor from;
    bool is_routed{};  ///< It came from another node: if it is wrong here, it is not sent on.
};
template <class Inspector>
bool inspect(Inspector& f, AccountAsk& x) {
    return inspect_packed(f, x.account) && inspect_packed(f, x.ticket) &&
           inspect_packed(f, x.request) && f.apply(x.from) && inspect_packed(f, x.is_routed);
}
/// From a session through the partition: follow a channel of the account. Answered by FollowBegun
/// and then Published.
struct AccountFollow {
    base::AccountId account;
    Channel channel;
    std::optional<std::uint64_t> from_sequence;
    SessionActor from;
    bool is_following{};     ///< False: stop.
    bool is_routed{};        ///< As in AccountAsk.
    std::uint64_t number{};  ///< Counted by the session from 1; 0: a door asks once more.
};
template <class Inspector>
bool inspect(Inspector& f, AccountFollow& x) {
    return inspect_packed(f, x.account) && inspect_packed(f, x.channel) &&
           inspect_packed(f, x.from_sequence) && f.apply(x.from) &&
           inspect_packed(f, x.is_following) && inspect_packed(f, x.is_routed) &&
           inspect_packed(f, x.number);
}
/// From an account to its journal host: a cover order of this size is done with.
struct CoverDone {
    base::BrokerId broker;
    base::AssetId asset;
    base::Amount asked;
};
/// From an account that has looked at its margin: prices may move by so much of themselves until it
/// has to look again, and what it would leave unpaid. The partition's order to look has all but
/// that.
struct MarginKept {
    base::AccountId account{};
    std::uint64_t ticket{};
    double safe_move{};  ///< NaN: nobody knows, nor the rest.
    risk::kernel::Shortfalls shortfalls{};
    risk::kernel::ClientStress stress{};
    bool is_below_maintenance{};
};
/// From home machines and the partition's desk: a command that no client gave. `acknowledge` is
/// sent once the outcome is durable, also where there was nothing to do.
struct AccountOrder {
    base::AccountId account;
    ledger::account::Command command;
    std::variant<std::monostate, ToHome, CoverDone, MarginKept> acknowledge{};
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, AccountOrder& x) {
    return inspect_packed(f, x);
}
/// From the partition: hand over your state and end, unless something is under way.
struct Passivate {};
/// From the journal host: the partition was still its own after the read under `number` arrived; or
/// why nobody can say.
struct ReadConfirmed {
    std::uint64_t number{};
    std::optional<Refusal> refusal;
};

using AccountActor =
    caf::typed_actor<caf::result<void>(AccountAsk), caf::result<void>(AccountFollow),
                     caf::result<void>(AccountOrder), caf::result<void>(Passivate),
                     caf::result<void>(Durable), caf::result<void>(ReadConfirmed)>;

/// From netting: the quota of an asset in this partition, as a total.
struct QuotaTold {
    base::BrokerId broker;
    base::AssetId asset;
    base::Amount granted_total;
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, QuotaTold& x) {
    return inspect_packed(f, x);
}

/// From a reconciler, to every partition and again while it lasts: whether an operator has paused
/// this lane. The node that owns the partition takes no new risk for it.
struct PauseTold {
    base::BrokerId broker;
    base::ShardId shard;
    bool is_paused{};
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, PauseTold& x) {
    return inspect_packed(f, x);
}

/// From netting, to every partition and again: where its house stands past a limit. The node that
/// owns the partition refuses what would add to it.
struct HouseTold {
    base::BrokerId broker;
    std::uint64_t universe{};  ///< `Parameters::fingerprint`: of another one nothing is believed.
    HouseStanding standing{};
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, HouseTold& x) {
    return inspect_packed(f, x);
}

/// From netting, to every partition and again: the last prices of contracts, for ever; those of one
/// event together. The partition ends what its accounts hold of them.
struct PriceTold {
    base::BrokerId broker;
    std::map<base::AssetId, base::Price> prices;
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, PriceTold& x) {
    return inspect_packed(f, x);
}

}  // namespace crossclear::actors
