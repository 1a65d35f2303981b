#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/instruction/commands.hpp"
#include "ledger/words.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What became true of a broker's house: capital, deposits, cover granted, hedges and moves opened.

namespace crossclear::ledger::netting {

/// Whose money a founding payment is.
enum class Source : std::uint8_t { capital = 1, insurance = 2, fund = 3 };

/// The broker's own money stands on a shard: NOSTRO / CAPITAL, INSURANCE or FUND.
struct CapitalPaidIn {
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    Source source{Source::capital};
    base::Timestamp at;
    friend bool operator==(const CapitalPaidIn&, const CapitalPaidIn&) = default;
};

/// What a shard told of a client's deposit. seen: INFLIGHT_IN / TRANSIT; final: NOSTRO /
/// INFLIGHT_IN and the account's partition gets the quota; unseen: TRANSIT / INFLIGHT_IN, and
/// `block` is the one it was lost with.
struct DepositRecorded {
    std::uint64_t deposit{};
    base::ShardId shard;
    base::AccountId account;
    base::AssetId asset;
    base::Amount amount;
    Finality finality{Finality::unseen};
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const DepositRecorded&, const DepositRecorded&) = default;
};

/// The account has booked a deposit up to this finality; nothing is outstanding below it.
struct DepositAcknowledged {
    std::uint64_t deposit{};
    base::ShardId shard;
    Finality finality{Finality::unseen};
    friend bool operator==(const DepositAcknowledged&, const DepositAcknowledged&) = default;
};

/// A block that held a deposit was replaced while nothing of it stood in the books. Books nothing;
/// what is told of that block later does not count.
struct DepositReplaced {
    std::uint64_t deposit{};
    base::ShardId shard;
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const DepositReplaced&, const DepositReplaced&) = default;
};

/// A partition may settle this much more; `granted_total` is since the beginning.
struct QuotaGranted {
    base::PartitionId partition;
    base::AssetId asset;
    base::Amount granted_total;
    friend bool operator==(const QuotaGranted&, const QuotaGranted&) = default;
};

/// A residual beyond its band became a task; what it may cost is reserved until it ends.
struct HedgeOpened {
    std::uint64_t number{};
    base::InstrumentId instrument;
    base::AssetId base;
    base::ShardId shard;
    base::Amount quantity;  ///< Signed: positive buys.
    base::AssetId given_asset;
    base::Amount reserved;  ///< Of the given asset; zero for a contract.
    base::Price mark;
    std::int64_t notional_cents{};
    base::Timestamp at;
    friend bool operator==(const HedgeOpened&, const HedgeOpened&) = default;
};

/// A task ended; what it did not fill is part of the residual again.
struct HedgeClosed {
    std::uint64_t number{};
    base::Amount filled;
    std::int64_t notional_cents{};  ///< Of what was filled, at the mark of its opening.
    base::Timestamp at;
    friend bool operator==(const HedgeClosed&, const HedgeClosed&) = default;
};

/// What a task was opened for has turned around or fallen away: its rest is not wanted any more.
/// What was sent is waited for.
struct HedgeCalledOff {
    std::uint64_t number{};
    base::Timestamp at;
    friend bool operator==(const HedgeCalledOff&, const HedgeCalledOff&) = default;
};

/// Tokens are moved between shards, or into or out of a venue.
struct MoveOpened {
    std::uint64_t number{};
    instruction::Purpose purpose{instruction::Purpose::move};
    base::ShardId from;
    base::ShardId to;
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp at;
    friend bool operator==(const MoveOpened&, const MoveOpened&) = default;
};

/// A move has ended; its reservation is free.
struct MoveClosed {
    std::uint64_t number{};
    bool is_settled{};
    base::Timestamp at;
    friend bool operator==(const MoveClosed&, const MoveClosed&) = default;
};

/// A venue settled profit or loss with the broker: POSTED / VM or VM / POSTED. Where it liquidated
/// the position, or the contract ended, VPOS / VENUE what that added to it.
struct VenueVariation {
    base::ShardId shard;
    std::uint64_t number{};
    base::AssetId contract;
    base::AssetId settlement;
    base::Amount change;
    std::uint64_t block{};
    base::Timestamp at;
    base::Amount closed;  ///< Zero unless it was a liquidation or the end.
    friend bool operator==(const VenueVariation&, const VenueVariation&) = default;
};

/// An epoch's result of the house left CONV and VM: gain CONV / HEDGE_PNL, loss reversed.
struct ResultBooked {
    base::AssetId settlement;
    base::Amount conv;  ///< Taken out of CONV, positive is a gain.
    base::Amount vm;    ///< Taken out of VM, positive is a gain.
    base::Timestamp at;
    friend bool operator==(const ResultBooked&, const ResultBooked&) = default;
};

/// What defaulting clients owed was paid by the waterfall: CAPITAL / LOSS, then INSURANCE / LOSS.
struct LossBorne {
    base::AssetId asset;
    base::Amount from_capital;
    base::Amount from_insurance;
    base::Timestamp at;
    friend bool operator==(const LossBorne&, const LossBorne&) = default;
};

/// A contract has expired and this is to be its last price, unless it is disputed by then.
struct PriceProposed {
    base::CommandId cause;  ///< Zeros: the house's own average.
    std::uint64_t body{};   ///< Hash of the command's body, for repeats.
    base::AssetId contract;
    base::Price price;  ///< In the settlement token.
    base::Timestamp fixed_from;
    base::Timestamp at;
    friend bool operator==(const PriceProposed&, const PriceProposed&) = default;
};

/// What was proposed is not the last price; another one has to be proposed.
struct PriceDisputed {
    base::CommandId cause;
    std::uint64_t body{};
    base::AssetId contract;
    std::string reason;
    base::Timestamp at;
    friend bool operator==(const PriceDisputed&, const PriceDisputed&) = default;
};

/// A contract's last price, for ever: every position in it ends at this one.
struct PriceFixed {
    base::AssetId contract;
    base::Price price;
    base::Timestamp at;
    friend bool operator==(const PriceFixed&, const PriceFixed&) = default;
};

/// A withdrawal that may leave.
struct DepartureKey {
    base::AccountId account;
    std::uint32_t number{};  ///< Within its account.

    friend constexpr auto operator<=>(const DepartureKey&, const DepartureKey&) = default;
};

/// What it takes, and from where.
struct Departure {
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;

    friend bool operator==(const Departure&, const Departure&) = default;
};

/// A withdrawal may leave: it counts against the asset's rate gate from now on, and is reserved on
/// its shard until it is over. Books nothing; the withdrawal's own instruction does.
struct DepartureApproved {
    base::AccountId account;
    std::uint32_t number{};  ///< Of the withdrawal, within its account.
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    base::Timestamp at;
    friend bool operator==(const DepartureApproved&, const DepartureApproved&) = default;
};

/// A withdrawal that might leave is over: nothing is reserved for it. What left stays counted.
struct DepartureClosed {
    base::AccountId account;
    std::uint32_t number{};
    base::Timestamp at;
    friend bool operator==(const DepartureClosed&, const DepartureClosed&) = default;
};

using Event = std::variant<CapitalPaidIn, DepositRecorded, DepositAcknowledged, QuotaGranted,
                           HedgeOpened, HedgeClosed, MoveOpened, MoveClosed, VenueVariation,
                           ResultBooked, DepositReplaced, HedgeCalledOff, DepartureApproved,
                           DepartureClosed, LossBorne, PriceProposed, PriceDisputed, PriceFixed>;

}  // namespace crossclear::ledger::netting
