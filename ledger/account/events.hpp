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
#include <string>
#include <variant>
#include <vector>

/// What became true of one account. Written once, for ever; each says all that its postings need.

namespace crossclear::ledger::account {

/// A trade was cleared: the broker is the client's counterparty from here on. One that a venue has
/// matched ends its reservation: what was set aside is taken from HELD. On the buyer's account this
/// decides it for both sides, on the seller's it follows.
struct TradeNovated {
    base::CommandId cause;
    std::uint64_t body{};    ///< Hash of the command's body, for repeats; 0 of a matched trade.
    std::uint64_t number{};  ///< Counts the account's trades from 1.
    base::InstrumentId instrument;
    base::AssetId base;
    base::AssetId settlement;
    bool is_contract{};
    base::Amount quantity;  ///< Signed: positive was bought.
    base::Price price;
    base::Amount cash;              ///< Signed: what the client received of the settlement token.
    base::Amount fee;               ///< Charged, positive.
    std::int64_t notional_cents{};  ///< In USD, for figures that are not money.
    std::vector<BalanceChange> changes;  ///< Fee included.
    base::Timestamp at;
    base::Timestamp settle_by;
    base::AccountId counterparty{};  ///< Of a matched trade.
    std::uint64_t match{};           ///< The buyer's number of it; 0: not matched by a venue.
    bool is_liquidation{};           ///< Made by the broker: no command has caused it.

    friend bool operator==(const TradeNovated&, const TradeNovated&) = default;
};

/// A command was refused for a reason of the moment; its id stays refused.
struct CommandRefused {
    base::CommandId cause;
    std::uint64_t body{};
    Reject reason{Reject::none};
    base::Timestamp at;

    friend bool operator==(const CommandRefused&, const CommandRefused&) = default;
};

/// Tokens were set aside for a withdrawal: FREE / HELD.
struct WithdrawalHeld {
    base::CommandId cause;
    std::uint64_t body{};
    std::uint32_t number{};  ///< Counts the account's withdrawals from 1.
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp at;

    friend bool operator==(const WithdrawalHeld&, const WithdrawalHeld&) = default;
};

/// A held withdrawal will not be sent: HELD / FREE.
struct WithdrawalReturned {
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    ShardRefusal reason{ShardRefusal::none};

    friend bool operator==(const WithdrawalReturned&, const WithdrawalReturned&) = default;
};

/// A withdrawal is final on its shard: HELD / TRANSIT. Takes its quota along.
struct WithdrawalPaid {
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    std::uint64_t block{};

    friend bool operator==(const WithdrawalPaid&, const WithdrawalPaid&) = default;
};

/// A deposit was seen, became final or was reorganised away: TRANSIT / SEEN, SEEN / FREE, SEEN /
/// TRANSIT. A final one brings its quota.
struct DepositNoted {
    std::uint64_t deposit{};
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    Finality finality{Finality::unseen};
    BalanceChange change;
    base::Timestamp at;

    friend bool operator==(const DepositNoted&, const DepositNoted&) = default;
};

/// Claims became settled balance: UNSETTLED / FREE.
struct ClaimsCovered {
    /// What was covered of one claim, oldest first.
    struct Part {
        std::uint64_t trade{};  ///< 0: variation.
        base::Amount amount;
        bool is_last{};  ///< Nothing of this trade's claim is left.

        friend bool operator==(const Part&, const Part&) = default;
    };
    base::AssetId asset;
    base::Amount amount;
    std::vector<Part> parts;
    base::Timestamp at;

    friend bool operator==(const ClaimsCovered&, const ClaimsCovered&) = default;
};

/// Claims were paid in the settlement token: UNSETTLED / CONV in kind, CONV / CREDIT at the mark.
struct ClaimsCashSettled {
    base::AssetId asset;
    base::AssetId settlement;
    base::Amount amount;  ///< In kind, positive.
    base::Amount cash;    ///< In the settlement token, positive.
    base::Price mark;
    std::vector<std::uint64_t> trades;
    std::vector<BalanceChange> changes;
    base::Timestamp at;
    base::Timestamp due_by;  ///< Of the claims that were paid, the latest time.

    friend bool operator==(const ClaimsCashSettled&, const ClaimsCashSettled&) = default;
};

/// A contract's profit or loss was settled: VM / CREDIT or DEBIT / VM.
struct VariationSettled {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price mark;
    base::Amount change;         ///< Positive is the client's gain.
    base::Amount settled_value;  ///< Of the position, after it.
    BalanceChange balance;
    base::Timestamp at;
    base::Timestamp settle_by;

    friend bool operator==(const VariationSettled&, const VariationSettled&) = default;
};

/// The client wants a withdrawal back; the withdrawal machine decides. Books nothing.
struct CancelRequested {
    base::CommandId cause;
    std::uint64_t body{};
    std::uint32_t number{};
    base::Timestamp at;

    friend bool operator==(const CancelRequested&, const CancelRequested&) = default;
};

/// A withdrawal could not be taken back any more: whoever asked is told so. Books nothing.
struct CancelRefused {
    std::uint32_t number{};

    friend bool operator==(const CancelRefused&, const CancelRefused&) = default;
};

/// Tokens left for another account of the broker: FREE / TRANSIT. Their cover goes along.
struct TransferSent {
    base::CommandId cause;
    std::uint64_t body{};
    std::uint64_t number{};  ///< Counts the account's transfers from 1.
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp at;

    friend bool operator==(const TransferSent&, const TransferSent&) = default;
};

/// What another account sent is here: TRANSIT / FREE. Brings its cover.
struct TransferReceived {
    base::AccountId from;
    std::uint64_t number{};  ///< The sender's.
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp at;

    friend bool operator==(const TransferReceived&, const TransferReceived&) = default;
};

/// What another account sent was not taken, for good. Books nothing: the sender gets it back.
struct TransferDeclined {
    base::AccountId from;
    std::uint64_t number{};
    Reject reason{Reject::none};
    base::Timestamp at;

    friend bool operator==(const TransferDeclined&, const TransferDeclined&) = default;
};

/// The receiver has what was sent. Books nothing.
struct TransferDelivered {
    std::uint64_t number{};
    base::AccountId to;
    base::Timestamp at;

    friend bool operator==(const TransferDelivered&, const TransferDelivered&) = default;
};

/// The receiver took none of it: TRANSIT / FREE. The cover comes back.
struct TransferReturned {
    std::uint64_t number{};
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;
    Reject reason{Reject::none};
    base::Timestamp at;

    friend bool operator==(const TransferReturned&, const TransferReturned&) = default;
};

/// The buyer's side of a matched trade is reserved: FREE / HELD.
struct MatchReserved {
    base::CommandId cause;
    std::uint64_t body{};
    std::uint64_t number{};  ///< Counts the matched trades in which the account buys, from 1.
    base::AccountId seller;
    Reservation reserved;
    std::vector<BalanceChange> changes;
    base::Timestamp deadline;
    base::Timestamp at;

    friend bool operator==(const MatchReserved&, const MatchReserved&) = default;
};

/// The buyer's account has given a matched trade up, for both sides: HELD / FREE. Either the seller
/// has declined it, or it did not answer in time.
struct MatchAborted {
    std::uint64_t number{};
    base::AccountId seller;
    std::vector<BalanceChange> changes;
    Reject reason{Reject::none};
    bool is_declined{};  ///< By the seller, which needs no word of it.
    base::Timestamp at;

    friend bool operator==(const MatchAborted&, const MatchAborted&) = default;
};

/// The seller has done what the buyer's account decided about a matched trade. Books nothing.
struct MatchEnded {
    std::uint64_t number{};
    base::AccountId seller;
    std::uint64_t trade{};  ///< The seller's; 0: cleared on neither side.
    base::Timestamp at;

    friend bool operator==(const MatchEnded&, const MatchEnded&) = default;
};

/// The seller's side of a matched trade is reserved: FREE / HELD. Its buyer's account decides what
/// becomes of it.
struct MatchAccepted {
    base::AccountId buyer;
    std::uint64_t number{};  ///< The buyer's.
    base::CommandId cause;   ///< The venue's.
    Reservation reserved;
    std::vector<BalanceChange> changes;
    base::Timestamp at;

    friend bool operator==(const MatchAccepted&, const MatchAccepted&) = default;
};

/// The seller's side of a matched trade was not reserved, for good. Books nothing.
struct MatchDeclined {
    base::AccountId buyer;
    std::uint64_t number{};
    Reject reason{Reject::none};
    base::Timestamp at;

    friend bool operator==(const MatchDeclined&, const MatchDeclined&) = default;
};

/// The buyer's account has given a matched trade up: HELD / FREE of what the seller had reserved,
/// if anything. It will not be reserved any more.
struct MatchReleased {
    base::AccountId buyer;
    std::uint64_t number{};
    std::vector<BalanceChange> changes;
    base::Timestamp at;

    friend bool operator==(const MatchReleased&, const MatchReleased&) = default;
};

/// Margin was looked at, and the account stands otherwise with it. **Units:** USD cents.
struct StandingChanged {
    Standing from{Standing::good};
    Standing to{Standing::good};
    std::int64_t equity_cents{};
    std::int64_t initial_cents{};
    std::int64_t maintenance_cents{};
    base::Timestamp at;

    friend bool operator==(const StandingChanged&, const StandingChanged&) = default;
};

/// Nothing was left but debt: FREE / RECV as far as there was any of the asset, LOSS / RECV of the
/// rest.
struct LossAllocated {
    base::AssetId asset;
    base::Amount loss;     ///< The broker's, not negative.
    BalanceChange change;  ///< RECV becomes nothing.
    base::Timestamp at;

    friend bool operator==(const LossAllocated&, const LossAllocated&) = default;
};

/// A position in a contract ended at its last price: VM / CREDIT or DEBIT / VM as with any
/// variation, and CPOS / HBOOK.
struct ContractExpired {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price price;
    base::Amount quantity;  ///< What was held, signed; zero where only its variation was open.
    base::Amount change;    ///< Since the last settlement; positive is the client's gain.
    BalanceChange balance;
    base::Timestamp at;
    base::Timestamp settle_by;

    friend bool operator==(const ContractExpired&, const ContractExpired&) = default;
};

/// The funding of a position in a perpetual was settled up to an index: VM / CREDIT or DEBIT / VM.
/// The first index that a position hears of it takes without paying.
struct FundingSettled {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price index;
    base::Amount change;  ///< Positive is the client's gain.
    BalanceChange balance;
    base::Timestamp at;
    base::Timestamp settle_by;

    friend bool operator==(const FundingSettled&, const FundingSettled&) = default;
};

/// The broker has taken collateral for a debt, at its price less its haircut: UNSETTLED and FREE /
/// CONV of it, CONV / CREDIT of what is owed.
struct CollateralTaken {
    base::AssetId asset;
    base::AssetId owed;
    base::Amount amount;  ///< In kind, positive.
    base::Amount cash;    ///< In the owed token, positive.
    base::Price price;
    std::vector<BalanceChange> changes;
    base::Timestamp at;
    base::Timestamp settle_by;

    friend bool operator==(const CollateralTaken&, const CollateralTaken&) = default;
};

using Event =
    std::variant<TradeNovated, CommandRefused, WithdrawalHeld, WithdrawalReturned, WithdrawalPaid,
                 DepositNoted, ClaimsCovered, ClaimsCashSettled, VariationSettled, CancelRequested,
                 CancelRefused, TransferSent, TransferReceived, TransferDeclined, TransferDelivered,
                 TransferReturned, MatchReserved, MatchAborted, MatchEnded, MatchAccepted,
                 MatchDeclined, MatchReleased, StandingChanged, LossAllocated, ContractExpired,
                 FundingSettled, CollateralTaken>;

}  // namespace crossclear::ledger::account
