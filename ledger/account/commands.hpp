#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of one account.

namespace crossclear::ledger::account {

/// What the host found out for a decision: everything that is not in the account's state. Prices
/// and margin come from `risk`, limits and fees from the broker's profile.
struct Terms {
    base::Price mark;  ///< Of the instrument, in its settlement token.
    base::Price fill;  ///< Mark ± half spread, rounded against the client.
    bool is_price_fresh{};
    base::AssetId base;  ///< Of the instrument.
    base::AssetId settlement;
    bool is_contract{};
    bool is_offered{};     ///< The broker lists it.
    bool has_expired{};    ///< A contract that has come to its end.
    base::Amount cash;     ///< |quantity| at `fill`, against the client, positive.
    bool does_cash_fit{};  ///< False where the product overflows or rounds to nothing.
    base::Amount fee;      ///< In the settlement token, positive.
    std::int64_t notional_cents{};
    bool is_within_limits{};    ///< The broker's and the account's caps.
    bool is_shard_paused{};     ///< By an operator: where it would be hedged.
    bool is_close_only{};       ///< The broker or the account takes unwinds alone.
    bool is_pure_unwind{};      ///< No position grows and margin does not rise.
    bool has_margin{};          ///< RISK: equity - fee >= IM after, or the relaxed tests.
    base::Timestamp settle_by;  ///< When the claim must be covered.

    friend bool operator==(const Terms&, const Terms&) = default;
};

/// Asks to change an account's holding of one instrument, immediate or cancel.
///
/// Sent by a session, answered once the outcome is durable. Safe to repeat with the same `id` and
/// body: the answer is the first one given.
struct SubmitTrade {
    base::CommandId id;
    base::InstrumentId instrument;
    base::Amount quantity;        ///< Minor units of the base; positive buys, negative sells.
    base::Price limit;            ///< Worst acceptable price per unit.
    base::Timestamp received_at;  ///< Stamped by the session on arrival.
    Terms terms;                  ///< Filled in by the account's host, not part of the body.
};

/// Asks to pay tokens out to an address. Held at once, sent after the broker's delay.
struct RequestWithdrawal {
    base::CommandId id;
    base::AssetId asset;
    base::Amount amount;  ///< Positive.
    base::ShardId shard;  ///< Where it is paid out.
    std::string destination;
    base::Timestamp received_at;
    bool is_destination_allowed{};  ///< The allow-list's answer, by the host.
    bool is_shard_paused{};         ///< By an operator, by the host.
    bool is_price_fresh{};          ///< Of all that margin rests on, by the host.
    bool has_margin{};              ///< Margin holds without what is withdrawn, by the host.
};

/// Asks for a withdrawal back before it is sent. Sent by a session; the withdrawal machine decides,
/// and the answer is known once its word has come. Safe to repeat like any command.
struct CancelWithdrawal {
    base::CommandId id;
    std::uint32_t number{};
    base::Timestamp received_at;
};

/// Tells that a withdrawal cannot be taken back any more. Sent by the withdrawal's host; repeats
/// add nothing.
struct RefuseCancel {
    std::uint32_t number{};
};

/// Gives back what was held for a withdrawal that will not be sent, or was not taken. Sent by the
/// home partition, which decides.
struct ReturnWithdrawal {
    std::uint32_t number{};
    ShardRefusal reason{ShardRefusal::none};
};

/// Tells that a withdrawal is final on its shard. Sent by the withdrawal machine; repeats add
/// nothing.
struct PayWithdrawal {
    std::uint32_t number{};
    std::uint64_t block{};
};

/// Asks to give settled tokens to another account of the same broker. Answered once they have left
/// this one; they arrive later, or come back. Safe to repeat like any command.
struct RequestTransfer {
    base::CommandId id;
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;  ///< Positive.
    base::Timestamp received_at;
    bool is_price_fresh{};  ///< Of all that margin rests on, by the host.
    bool has_margin{};      ///< Margin holds without what is given, by the host.
};

/// Hands over what another account has sent. Sent by that account's host, which repeats it until
/// it has heard what came of it, and begins with the next one to this account only then.
struct ReceiveTransfer {
    base::AccountId from;
    std::uint64_t number{};  ///< Counted by the sender.
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp at;
};

/// Tells the sender of a transfer what came of it: it arrived, or why none of it was taken. Sent by
/// the receiver's host; repeats add nothing.
struct EndTransfer {
    std::uint64_t number{};
    Reject reason{Reject::none};
    base::Timestamp at;
};

/// Asks to clear a trade that a venue has matched, on this account as the buyer and on another of
/// the same broker as the seller: on both or on neither. The answer is known once that is certain
/// (`is_undecided`). Safe to repeat like any command.
struct SubmitMatchedTrade {
    base::CommandId id;
    base::AccountId seller;
    base::InstrumentId instrument;
    base::Amount quantity;  ///< Positive.
    base::Price price;      ///< The venue's.
    base::Timestamp received_at;
    base::Timestamp deadline;  ///< Not begun by the seller until then: nobody clears it.
    Terms terms;               ///< As in SubmitTrade, at the venue's price.
};

/// Asks the seller of a matched trade to reserve its side. Sent by the buyer's host, which repeats
/// it until it has heard the answer, and begins with the next one to this account only when this
/// one is over.
struct ReserveMatch {
    base::AccountId buyer;
    std::uint64_t number{};  ///< Counted by the buyer.
    base::CommandId cause;   ///< The venue's.
    base::InstrumentId instrument;
    base::Amount quantity;  ///< Positive.
    base::Price price;
    base::Timestamp at;
    Terms terms;  ///< Filled in by the seller's host, for a sale at the venue's price.
};

/// Tells the buyer whether the seller has reserved its side. Sent by the seller's host; repeats add
/// nothing.
struct HearMatch {
    std::uint64_t number{};
    Reject reason{Reject::none};  ///< None: it has.
    base::Timestamp at;
    base::Timestamp settle_by;  ///< Of the buyer's claim, filled in by its host.
};

/// Gives up waiting for sellers that were asked to answer by now. Sent by the buyer's own host.
struct ExpireMatches {
    base::Timestamp at;
};

/// Tells the seller what has become of a matched trade: it is cleared on both sides or on neither.
/// Sent by the buyer's host, which repeats it until it has heard the end.
struct ConcludeMatch {
    base::AccountId buyer;
    std::uint64_t number{};
    bool is_committed{};
    base::Timestamp at;
    base::Timestamp settle_by;  ///< Of the seller's claim, filled in by its host.
};

/// Tells the buyer that the seller has done so. Sent by the seller's host; repeats add nothing.
struct EndMatch {
    std::uint64_t number{};
    std::uint64_t trade{};  ///< The seller's; 0: it is cleared on neither side.
    base::Timestamp at;
};

/// Tells what is known of a deposit. Sent by the netting machine; repeats add nothing.
struct NoteDeposit {
    std::uint64_t deposit{};
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    Finality finality{Finality::unseen};  ///< unseen: reorganised away.
    base::Timestamp at;
};

/// Turns claims into settled balance, oldest first, up to `amount`. Sent by the partition's host
/// when its quota has room.
struct CoverClaims {
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp at;
};

/// Pays claims out in the settlement token instead of in kind, at the mark. Sent by the partition's
/// host when claims have been overdue for longer than the broker allows.
struct CashSettleClaims {
    base::AssetId asset;
    base::AssetId settlement;
    base::Price mark;
    int asset_scale{};
    int settlement_scale{};
    base::Timestamp due_by;  ///< Claims that were due until then.
    base::Timestamp at;
};

/// Settles a contract's profit or loss since the last time. Sent by the host on each cycle.
struct SettleVariation {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price mark;
    int contract_scale{};
    int settlement_scale{};
    base::Timestamp at;
    base::Timestamp settle_by;
};

/// Settles the funding of a position in a perpetual up to `index`. Sent by the account's own host:
/// with each variation, before it looks at margin, and before and after what changes what is held.
struct SettleFunding {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price index;  ///< What one contract that was long has paid since ever; may be negative.
    int contract_scale{};
    int settlement_scale{};
    base::Timestamp at;
    base::Timestamp settle_by;
};

/// Ends a position in a contract that has expired, at the price its house has fixed. Sent by the
/// partition's host; repeats add nothing.
struct ExpireContract {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price price;  ///< In the settlement token. Zero is a price.
    int contract_scale{};
    int settlement_scale{};
    base::Timestamp at;
    base::Timestamp settle_by;
};

/// Asks how the account stands. Sent by the partition's host to who could owe more than it holds,
/// and by the account's own host after what may have changed it.
struct ReviewMargin {
    base::Timestamp at;
    bool is_known{};  ///< The figures are, on fresh prices; filled in by the host with the rest.
    std::int64_t equity_cents{};
    std::int64_t initial_cents{};
    std::int64_t maintenance_cents{};
};

/// Asks to close a part of a position of an account that is being liquidated, at the surface's
/// price. Sent by its own host.
struct Liquidate {
    std::uint64_t number{};  ///< The trade's. Not the next one: a repeat, of which nothing comes.
    base::InstrumentId instrument;
    base::Amount quantity;  ///< Signed, against the position: of tokens negative.
    base::Timestamp at;
    Terms terms;
};

/// Asks to take tokens, that no instrument sells for what is owed, off an account that is being
/// liquidated. Sent by its own host.
struct TakeCollateral {
    std::uint64_t version{};  ///< The account's as it is; of an older one nothing comes.
    base::AssetId asset;
    base::AssetId owed;
    base::Amount amount;    ///< Positive: no more than pays what is owed of `owed`.
    base::Price price;      ///< Of one token in the owed one, less its haircut.
    bool is_price_fresh{};  ///< Of both, by the host.
    int asset_scale{};
    int owed_scale{};
    base::Timestamp at;
    base::Timestamp settle_by;  ///< Of what the last unit brings beyond the debt.
};

/// Asks to let the broker bear what an account owes that has nothing left. Sent by its own host.
struct AllocateLoss {
    bool is_rest_worthless{};  ///< What is held of assets that are not owed is not worth a cent.
    base::Timestamp at;
};

using Command =
    std::variant<SubmitTrade, RequestWithdrawal, ReturnWithdrawal, PayWithdrawal, NoteDeposit,
                 CoverClaims, CashSettleClaims, SettleVariation, CancelWithdrawal, RefuseCancel,
                 RequestTransfer, ReceiveTransfer, EndTransfer, SubmitMatchedTrade, ReserveMatch,
                 HearMatch, ExpireMatches, ConcludeMatch, EndMatch, ReviewMargin, Liquidate,
                 TakeCollateral, AllocateLoss, ExpireContract, SettleFunding>;

}  // namespace crossclear::ledger::account
