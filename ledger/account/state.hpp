#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/account/reservation.hpp"
#include "ledger/account/standing.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What we know of one account. Folded from its events; equal events, equal state, byte for byte.

namespace crossclear::ledger::account {

/// A provisional balance from one trade: the broker owes it and does not hold it yet.
struct Claim {
    std::uint64_t trade{};  ///< 0: variation of contracts.
    base::Amount amount;    ///< What is left of it, positive.
    base::Timestamp settle_by;

    friend bool operator==(const Claim&, const Claim&) = default;
};

/// One asset's balances. Never negative, each of them.
struct Holding {
    base::Amount seen;
    base::Amount free;
    base::Amount unsettled;  ///< The sum of `claims`.
    base::Amount held;
    base::Amount recv;         ///< What the client owes.
    std::deque<Claim> claims;  ///< Oldest first.

    friend bool operator==(const Holding&, const Holding&) = default;
};

/// A position in one contract.
struct Contract {
    base::Amount quantity;       ///< Signed.
    base::Amount settled_value;  ///< Of the position at the last settlement, in settlement units.
    /// The funding index up to which it has paid or was paid; nothing before it first heard of one,
    /// and where nothing is held.
    std::optional<base::Price> funding{};

    friend bool operator==(const Contract&, const Contract&) = default;
};

/// How far a trade has come. failing ones are carried forward, then cash settled.
enum class TradeState : std::uint8_t {
    novated = 1,
    partly_settled = 2,
    settled = 3,
    cash_settled = 4
};

/// One cleared trade, for questions about it.
struct Trade {
    base::CommandId cause;
    base::InstrumentId instrument;
    base::Amount quantity;
    base::Price price;
    base::Amount cash;
    base::Amount fee;
    base::Amount claimed;  ///< What had to be delivered to the client.
    base::AssetId claimed_asset;
    base::Amount open;  ///< What of it is not covered yet.
    TradeState state{TradeState::novated};
    base::Timestamp at;
    base::Timestamp settled_at;  ///< Zero until then.
    bool is_liquidation{};       ///< The broker's own: `cause` is zeros.

    friend bool operator==(const Trade&, const Trade&) = default;
};

/// The first answer to a command, kept for its repeats.
struct Answer {
    std::uint64_t body{};
    Reject reject{Reject::none};
    std::uint64_t number{};   ///< The trade's or withdrawal's, 0 if refused.
    base::Price price;        ///< Of a trade.
    base::Amount fee;         ///< Of a trade.
    std::uint64_t version{};  ///< The account's version after the command.
    bool is_of_seller{};      ///< Of a matched trade: the seller's account refused.
    std::uint64_t sale{};     ///< Of a matched trade: the seller's number of its trade.

    friend bool operator==(const Answer&, const Answer&) = default;
};

/// An open withdrawal.
struct Withdrawal {
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp at;
    /// Commands to take it back that are not decided; zeros where the broker does, in a
    /// liquidation.
    std::vector<base::CommandId> cancels{};

    friend bool operator==(const Withdrawal&, const Withdrawal&) = default;
};

/// A client's transfer to its broker, as far as it is noted.
struct Deposit {
    base::AssetId asset;
    base::Amount amount;
    Finality finality{Finality::unseen};  ///< unseen: reorganised away; it may come back.

    friend bool operator==(const Deposit&, const Deposit&) = default;
};

/// How far a transfer has come.
enum class TransferState : std::uint8_t { pending = 1, delivered = 2, returned = 3 };

/// Tokens given to another account.
struct Transfer {
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;
    TransferState state{TransferState::pending};
    Reject reason{Reject::none};  ///< Why they were returned.
    base::Timestamp at;
    base::Timestamp ended_at;  ///< Zero until then.

    friend bool operator==(const Transfer&, const Transfer&) = default;
};

/// What came of the latest transfer from one sender.
struct Arrival {
    std::uint64_t number{};       ///< Those up to here have been decided.
    Reject reject{Reject::none};  ///< Of that one; none: taken.

    friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// How far a matched trade has come on its buyer's account.
enum class MatchState : std::uint8_t {
    reserved = 1,   ///< The seller is asked.
    committed = 2,  ///< Cleared here; the seller is told.
    aborted = 3,    ///< Not waited for any more; the seller is told.
};

/// A matched trade in which the account buys, until it is over.
struct Match {
    base::CommandId cause;
    base::AccountId seller;
    Reservation reserved;
    base::Timestamp deadline;
    MatchState state{MatchState::reserved};
    std::uint64_t trade{};  ///< Once committed.

    friend bool operator==(const Match&, const Match&) = default;
};

/// A matched trade in which the account sells: its side is reserved, the buyer's account decides.
struct Sale {
    std::uint64_t number{};  ///< The buyer's.
    base::CommandId cause;
    Reservation reserved;

    friend bool operator==(const Sale&, const Sale&) = default;
};

/// What came of the latest matched trade with one buyer that is not open.
struct SaleEnd {
    std::uint64_t number{};       ///< Those up to here have been decided.
    Reject reject{Reject::none};  ///< Why it was not reserved.
    std::uint64_t trade{};        ///< 0: not cleared.

    friend bool operator==(const SaleEnd&, const SaleEnd&) = default;
};

/// One account.
struct State {
    base::AccountId id;
    std::uint64_t version{};  ///< Counts events; the sequence of the account's channel.
    std::uint64_t trades_count{};
    std::uint32_t withdrawals_count{};
    std::map<base::AssetId, Holding> holdings;
    std::map<base::AssetId, Contract> contracts;
    std::map<std::uint64_t, Trade> trades;            ///< Open ones and the latest settled ones.
    std::map<std::uint32_t, Withdrawal> withdrawals;  ///< Open ones.
    std::map<DepositKey, Deposit> deposits;  ///< All that were noted, so that none is twice.
    std::map<base::CommandId, Answer> answered;
    std::uint64_t transfers_count{};
    std::map<std::uint64_t, Transfer> transfers;  ///< Those on their way and the latest that ended.
    std::map<base::AccountId, Arrival> arrivals;  ///< By sender.
    std::uint64_t matches_count{};
    std::map<std::uint64_t, Match> matches;        ///< As buyer: those that are not over.
    std::map<base::AccountId, Sale> sales;         ///< As seller: what is reserved, by buyer.
    std::map<base::AccountId, SaleEnd> sale_ends;  ///< As seller: by buyer.
    Standing standing{Standing::good};
    base::CommandId floor;  ///< Ids up to here are too old: their answers were evicted.

    friend bool operator==(const State&, const State&) = default;
};

}  // namespace crossclear::ledger::account
