#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/deciding.hpp"
#include "ledger/account/room.hpp"

#include <algorithm>
#include <limits>

/// Transfers, on both sides of TRANSIT.
///
/// The problem: two accounts, two logs, no message that is sure to arrive once. The idea: the
/// sender's record makes the transfer true, and its state owes it until the receiver has written
/// what came of it. The subtle thing is what the receiver has to remember: of each sender the
/// latest number alone, because a sender asks for the next one only once it knows the end of the
/// one before.

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Failure;
namespace limits = base::limits;

Decision nothing() { return std::vector<Event>{}; }

BalanceChange freed(base::AssetId asset, Amount amount) {
    BalanceChange change;
    change.asset = asset;
    change.free = amount;
    return change;
}

std::size_t pending_transfers(const State& state) {
    return static_cast<std::size_t>(std::count_if(
        state.transfers.begin(), state.transfers.end(),
        [](const auto& transfer) { return transfer.second.state == TransferState::pending; }));
}

/// The first reason against a transfer that its body does not tell alone.
Reject moment_fault(const State& state, const RequestTransfer& command) {
    const bool can_count = state.transfers_count < std::numeric_limits<std::uint64_t>::max();
    if (pending_transfers(state) >= limits::transfers_open_max || !can_count) {
        return Reject::too_much_open;
    }
    if (has_debt(state) || holding_of(state, command.asset).free < command.amount) {
        return Reject::holding_insufficient;
    }
    if (!command.is_price_fresh) return Reject::price_is_stale;
    if (!command.has_margin) return Reject::margin_insufficient;
    return Reject::none;
}

/// Why what was sent is not taken.
Reject fault_of(const State& state, const ReceiveTransfer& command) {
    if (command.amount <= zero) return Reject::quantity_must_be_positive;
    // Any number is an account; one that never had a deposit is more likely a mistake.
    if (state.deposits.empty()) return Reject::receiver_unknown;
    const bool fits = has_room(state, freed(command.asset, command.amount));
    return fits ? Reject::none : Reject::notional_out_of_range;
}

}  // namespace

Decision decide(const State& state, const RequestTransfer& command) {
    const std::uint64_t body = body_hash(command);
    if (auto known = decide_by_identity(state, command.id, body, command.received_at)) {
        return *std::move(known);
    }
    if (command.amount <= zero) return Failure{Reject::quantity_must_be_positive};
    const bool is_of_the_broker = base::broker_of(command.to) == base::broker_of(state.id);
    if (command.to == state.id || !is_of_the_broker) return Failure{Reject::receiver_not_allowed};
    const Reject fault = moment_fault(state, command);
    if (fault != Reject::none) {
        return refuse(state, command.id, body, fault, command.received_at);
    }

    // After this line the transfer must be sent.
    return propose(state, TransferSent{.cause = command.id,
                                       .body = body,
                                       .number = state.transfers_count + 1,
                                       .to = command.to,
                                       .asset = command.asset,
                                       .amount = command.amount,
                                       .at = command.received_at});
}

Decision decide(const State& state, const ReceiveTransfer& command) {
    if (command.number == 0) return Failure{Reject::transfer_unknown};
    const auto known = state.arrivals.find(command.from);
    if (known != state.arrivals.end() && command.number <= known->second.number) return nothing();
    if (known == state.arrivals.end() && state.arrivals.size() >= limits::senders_max) {
        return Failure{Reject::too_much_open};
    }
    const Reject fault = fault_of(state, command);
    if (fault != Reject::none) {
        return propose(
            state,
            TransferDeclined{
                .from = command.from, .number = command.number, .reason = fault, .at = command.at});
    }
    return propose(state, TransferReceived{.from = command.from,
                                           .number = command.number,
                                           .asset = command.asset,
                                           .amount = command.amount,
                                           .at = command.at});
}

Decision decide(const State& state, const EndTransfer& command) {
    if (command.number == 0 || command.number > state.transfers_count) {
        return Failure{Reject::transfer_unknown};
    }
    const auto found = state.transfers.find(command.number);
    const bool is_open =
        found != state.transfers.end() && found->second.state == TransferState::pending;
    if (!is_open) return nothing();
    const Transfer& transfer = found->second;
    if (command.reason == Reject::none) {
        return propose(state, TransferDelivered{
                                  .number = command.number, .to = transfer.to, .at = command.at});
    }
    // It has kept its room since it was sent (room.hpp).
    const auto change = freed(transfer.asset, transfer.amount);
    if (!is_bookable(holding_of(state, transfer.asset), change)) {
        return Failure{Reject::notional_out_of_range};
    }
    return propose(state, TransferReturned{.number = command.number,
                                           .to = transfer.to,
                                           .asset = transfer.asset,
                                           .amount = transfer.amount,
                                           .reason = command.reason,
                                           .at = command.at});
}

std::optional<Reject> outcome_of(const State& state, const ReceiveTransfer& transfer) {
    const auto known = state.arrivals.find(transfer.from);
    const bool is_latest = known != state.arrivals.end() && known->second.number == transfer.number;
    if (!is_latest) return std::nullopt;
    return known->second.reject;
}

std::uint64_t body_hash(const RequestTransfer& command) {
    std::uint64_t hash = base::hash_combine(0, 4);  // The kind of command.
    hash = base::hash_combine(hash, command.to.v);
    hash = base::hash_combine(hash, command.asset.v);
    return base::hash_combine(hash, static_cast<std::uint64_t>(command.amount.v));
}

}  // namespace crossclear::ledger::account
