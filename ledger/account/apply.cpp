#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/account/applying.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"
#include "ledger/account/machine.hpp"

#include <algorithm>
#include <set>
#include <utility>

/// How events become true, and what they ask of the world. Nothing here refuses or computes a
/// price.

namespace crossclear::ledger::account {
namespace {

using base::Amount;
namespace limits = base::limits;

void drop_if_empty(State& state, base::AssetId asset) {
    const auto found = state.holdings.find(asset);
    if (found != state.holdings.end() && found->second == Holding{}) state.holdings.erase(found);
}

}  // namespace

void remember(State& state, base::CommandId cause, const Answer& answer) {
    const auto known = state.answered.size();
    // Ids grow with time, so that most are the largest.
    state.answered.emplace_hint(state.answered.end(), cause, answer);
    CHECK(state.answered.size() > known, "a command is answered once");
    while (state.answered.size() > limits::answered_max) {
        const auto smallest = state.answered.begin();
        state.floor = std::max(state.floor, smallest->first);
        state.answered.erase(smallest);
    }
}

void book(State& state, const BalanceChange& change) {
    add_balances(state.holdings[change.asset], change);
    drop_if_empty(state, change.asset);
}

namespace {

/// Notes that a part of a claim is no longer owed. `ended` is what its trade becomes with the last.
void close_part(State& state, const ClaimsCovered::Part& part, TradeState ended,
                base::Timestamp at) {
    if (part.trade == 0) return;
    const auto found = state.trades.find(part.trade);
    CHECK(found != state.trades.end(), "a trade is remembered while it has a claim");
    Trade& trade = found->second;
    trade.open = base::must_subtract(trade.open, part.amount);
    CHECK((trade.open == zero) == part.is_last, "a trade's claim is what of it is open");
    trade.state = part.is_last ? ended : TradeState::partly_settled;
    if (part.is_last) trade.settled_at = at;
}

}  // namespace

void book(State& state, const BalanceChange& change, Claim claim, base::Timestamp at) {
    Holding& holding = state.holdings[change.asset];
    if (change.unsettled < zero) {
        const Amount taken = base::must_subtract(zero, change.unsettled);
        for (const auto& part : take_oldest(holding.claims, taken)) {
            close_part(state, part, TradeState::settled, at);
        }
    }
    if (change.unsettled > zero) {
        claim.amount = change.unsettled;
        append_claim(holding.claims, claim);
    }
    add_balances(holding, change);
    drop_if_empty(state, change.asset);
}

void set_contract(State& state, base::AssetId id, Contract contract) {
    if (contract.quantity == zero) contract.funding = std::nullopt;
    if (contract == Contract{}) {
        state.contracts.erase(id);
    } else {
        state.contracts[id] = contract;
    }
}

namespace {

Withdrawal take_withdrawal(State& state, std::uint32_t number) {
    const auto node = state.withdrawals.extract(number);
    CHECK(!node.empty(), "a withdrawal ends once");
    return node.mapped();
}

/// What came of the commands that asked for a withdrawal back.
void answer_cancels(State& state, const Withdrawal& withdrawal, Reject outcome) {
    for (const base::CommandId& cause : withdrawal.cancels) {
        const auto found = state.answered.find(cause);
        if (found == state.answered.end()) continue;  // Evicted: its id is too old by now.
        found->second.reject = outcome;
        found->second.version = state.version;
    }
}

/// Forgets the oldest settled trades. Every open trade has a claim, so that what is beyond claims
/// and the maximum together is settled.
void forget_trades(State& state) {
    if (state.trades.size() <= limits::trades_remembered_max) return;
    std::size_t kept_max = limits::trades_remembered_max;
    for (const auto& [asset, holding] : state.holdings) kept_max += holding.claims.size();
    auto trade = state.trades.begin();
    while (state.trades.size() > kept_max && trade != state.trades.end()) {
        trade = trade->second.open == zero ? state.trades.erase(trade) : std::next(trade);
    }
}

void apply_one(State& state, const TradeNovated& novated) {
    state.trades_count += 1;
    CHECK(novated.number == state.trades_count, "trades are numbered without gaps");
    Trade trade{.cause = novated.cause,
                .instrument = novated.instrument,
                .quantity = novated.quantity,
                .price = novated.price,
                .cash = novated.cash,
                .fee = novated.fee,
                .claimed = {},
                .claimed_asset = novated.quantity > zero ? novated.base : novated.settlement,
                .open = {},
                .state = TradeState::novated,
                .at = novated.at,
                .settled_at = {},
                .is_liquidation = novated.is_liquidation};
    for (const BalanceChange& change : novated.changes) {
        book(state, change, {.trade = novated.number, .amount = {}, .settle_by = novated.settle_by},
             novated.at);
        if (change.unsettled > zero) trade.claimed = trade.open = change.unsettled;
    }
    // Nothing to deliver: a contract, or a sale that only paid a debt.
    if (trade.open == zero) {
        trade.state = TradeState::settled;
        trade.settled_at = novated.at;
    }
    if (novated.is_contract) {
        Contract contract;
        if (const auto held = state.contracts.find(novated.base); held != state.contracts.end()) {
            contract = held->second;
        }
        contract.quantity = base::must_add(contract.quantity, novated.quantity);
        contract.settled_value = base::must_subtract(contract.settled_value, novated.cash);
        set_contract(state, novated.base, contract);
    }
    state.trades.emplace_hint(state.trades.end(), novated.number, trade);
    if (novated.is_liquidation) return;
    if (novated.match != 0) return close_reservation(state, novated);
    remember(state, novated.cause,
             {.body = novated.body,
              .reject = Reject::none,
              .number = novated.number,
              .price = novated.price,
              .fee = novated.fee,
              .version = state.version});
}

void apply_one(State& state, const StandingChanged& changed) {
    CHECK(changed.from == state.standing, "an account stands where it stood");
    state.standing = changed.to;
    if (changed.to != Standing::liquidating) return;
    // Nothing leaves that debts may be paid with: what was asked for is asked back, by nobody's
    // command, unless it is already.
    for (auto& [number, open] : state.withdrawals) {
        if (open.cancels.empty()) open.cancels.push_back(base::CommandId{});
    }
}

void apply_one(State& state, const LossAllocated& allocated) { book(state, allocated.change); }

void apply_one(State& state, const CommandRefused& refused) {
    remember(state, refused.cause,
             {.body = refused.body,
              .reject = refused.reason,
              .number = 0,
              .price = {},
              .fee = {},
              .version = state.version});
}

void apply_one(State& state, const WithdrawalHeld& held) {
    state.withdrawals_count += 1;
    CHECK(held.number == state.withdrawals_count, "withdrawals are numbered without gaps");
    BalanceChange change;
    change.asset = held.asset;
    change.free = base::must_subtract(zero, held.amount);
    change.held = held.amount;
    book(state, change);
    state.withdrawals.emplace(held.number, Withdrawal{.asset = held.asset,
                                                      .amount = held.amount,
                                                      .shard = held.shard,
                                                      .destination = held.destination,
                                                      .at = held.at});
    remember(state, held.cause,
             {.body = held.body,
              .reject = Reject::none,
              .number = held.number,
              .price = {},
              .fee = {},
              .version = state.version});
}

void apply_one(State& state, const WithdrawalReturned& returned) {
    const Withdrawal withdrawal = take_withdrawal(state, returned.number);
    answer_cancels(state, withdrawal, Reject::none);
    BalanceChange change;
    change.asset = withdrawal.asset;
    change.held = base::must_subtract(zero, withdrawal.amount);
    change.free = withdrawal.amount;
    book(state, change);
}

void apply_one(State& state, const WithdrawalPaid& paid) {
    const Withdrawal withdrawal = take_withdrawal(state, paid.number);
    answer_cancels(state, withdrawal, Reject::withdrawal_is_sent);
    BalanceChange change;
    change.asset = withdrawal.asset;
    change.held = base::must_subtract(zero, withdrawal.amount);
    book(state, change);
}

void apply_one(State& state, const DepositNoted& noted) {
    state.deposits[{.shard = noted.shard, .id = noted.deposit}] = {
        .asset = noted.asset, .amount = noted.amount, .finality = noted.finality};
    book(state, noted.change);
}

void apply_one(State& state, const ClaimsCovered& covered) {
    BalanceChange change;
    change.asset = covered.asset;
    change.unsettled = base::must_subtract(zero, covered.amount);
    change.free = covered.amount;
    book(state, change, {}, covered.at);
}

void apply_one(State& state, const ClaimsCashSettled& settled) {
    // Those due, wherever they stand: a profile that changed may have made a later one due earlier.
    auto& claims = state.holdings[settled.asset].claims;
    Amount due;
    std::deque<Claim> kept;
    for (const Claim& claim : claims) {
        if (claim.settle_by > settled.due_by) {
            kept.push_back(claim);
            continue;
        }
        due = base::must_add(due, claim.amount);
        close_part(state, {.trade = claim.trade, .amount = claim.amount, .is_last = true},
                   TradeState::cash_settled, settled.at);
    }
    CHECK(due == settled.amount, "what was due is what was paid for");
    claims = std::move(kept);
    for (const BalanceChange& change : settled.changes) {
        if (change.asset == settled.asset) {
            book(state, change);
        } else {
            book(state, change, {.trade = 0, .amount = {}, .settle_by = settled.at}, settled.at);
        }
    }
}

void apply_one(State& state, const CancelRequested& asked) {
    const auto open = state.withdrawals.find(asked.number);
    CHECK(open != state.withdrawals.end(), "only an open withdrawal is asked back");
    open->second.cancels.push_back(asked.cause);
    remember(state, asked.cause,
             {.body = asked.body,
              .reject = Reject::none,
              .number = asked.number,
              .price = {},
              .fee = {},
              .version = state.version});
}

void apply_one(State& state, const CancelRefused& refused) {
    const auto open = state.withdrawals.find(refused.number);
    CHECK(open != state.withdrawals.end(),
          "who asked for a withdrawal back is told while it is open");
    answer_cancels(state, open->second, Reject::withdrawal_is_sent);
    open->second.cancels.clear();
}

void apply_one(State& state, const TransferSent& sent) {
    state.transfers_count += 1;
    CHECK(sent.number == state.transfers_count, "transfers are numbered without gaps");
    BalanceChange change;
    change.asset = sent.asset;
    change.free = base::must_subtract(zero, sent.amount);
    book(state, change);
    state.transfers.emplace(sent.number, Transfer{.to = sent.to,
                                                  .asset = sent.asset,
                                                  .amount = sent.amount,
                                                  .state = TransferState::pending,
                                                  .reason = Reject::none,
                                                  .at = sent.at,
                                                  .ended_at = {}});
    remember(state, sent.cause,
             {.body = sent.body,
              .reject = Reject::none,
              .number = sent.number,
              .price = {},
              .fee = {},
              .version = state.version});
}

void note_arrival(State& state, base::AccountId from, const Arrival& arrival) {
    Arrival& known = state.arrivals[from];
    CHECK(arrival.number > known.number, "a transfer is decided once, and in order");
    known = arrival;
}

void apply_one(State& state, const TransferReceived& received) {
    note_arrival(state, received.from, {.number = received.number, .reject = Reject::none});
    BalanceChange change;
    change.asset = received.asset;
    change.free = received.amount;
    book(state, change);
}

void apply_one(State& state, const TransferDeclined& declined) {
    note_arrival(state, declined.from, {.number = declined.number, .reject = declined.reason});
}

/// Notes the end, and forgets the oldest ends beyond the maximum.
const Transfer& end_transfer(State& state, std::uint64_t number, TransferState ended, Reject reason,
                             base::Timestamp at) {
    Transfer& transfer = state.transfers.at(number);
    CHECK(transfer.state == TransferState::pending, "a transfer ends once");
    transfer.state = ended;
    transfer.reason = reason;
    transfer.ended_at = at;
    return transfer;
}

void forget_transfers(State& state) {
    if (state.transfers.size() <= limits::transfers_remembered_max) return;
    const auto has_ended = [](const auto& entry) {
        return entry.second.state != TransferState::pending;
    };
    const auto ended = std::count_if(state.transfers.begin(), state.transfers.end(), has_ended);
    if (static_cast<std::size_t>(ended) <= limits::transfers_remembered_max) return;
    state.transfers.erase(std::find_if(state.transfers.begin(), state.transfers.end(), has_ended));
}

void apply_one(State& state, const TransferDelivered& delivered) {
    end_transfer(state, delivered.number, TransferState::delivered, Reject::none, delivered.at);
    forget_transfers(state);
}

void apply_one(State& state, const TransferReturned& returned) {
    const Transfer& transfer =
        end_transfer(state, returned.number, TransferState::returned, returned.reason, returned.at);
    CHECK(transfer.asset == returned.asset && transfer.amount == returned.amount,
          "what comes back is what was sent");
    BalanceChange change;
    change.asset = returned.asset;
    change.free = returned.amount;
    book(state, change);
    forget_transfers(state);
}

/// What is to be asked of one receiver: its oldest transfer that has not ended.
std::optional<DeliverTransfer> next_to(const State& state, base::AccountId to) {
    for (const auto& [number, transfer] : state.transfers) {
        if (transfer.to != to || transfer.state != TransferState::pending) continue;
        return DeliverTransfer{.from = state.id,
                               .to = to,
                               .number = number,
                               .asset = transfer.asset,
                               .amount = transfer.amount};
    }
    return std::nullopt;
}

StartWithdrawal start(base::AccountId account, std::uint32_t number, const Withdrawal& open) {
    return {.account = account,
            .number = number,
            .asset = open.asset,
            .amount = open.amount,
            .shard = open.shard,
            .destination = open.destination,
            .held_at = open.at};
}

std::vector<Effect> effects(const State& after, const WithdrawalHeld& held) {
    const Withdrawal open{.asset = held.asset,
                          .amount = held.amount,
                          .shard = held.shard,
                          .destination = held.destination,
                          .at = held.at};
    return {start(after.id, held.number, open)};
}

std::vector<Effect> effects(const State& after, const CancelRequested& asked) {
    // A second one waits for what the first one is told.
    if (after.withdrawals.at(asked.number).cancels.size() > 1) return {};
    return {StopWithdrawal{.account = after.id, .number = asked.number}};
}

std::vector<Effect> effects(const State& after, const StandingChanged& changed) {
    std::vector<Effect> stops;
    if (changed.to != Standing::liquidating) return stops;
    for (const auto& [number, open] : after.withdrawals) {
        stops.emplace_back(StopWithdrawal{.account = after.id, .number = number});
    }
    return stops;
}

std::vector<Effect> effects(const State& after, const TransferSent& sent) {
    const auto next = next_to(after, sent.to);
    // A younger one waits for the end of what is under way to the same receiver.
    if (!next || next->number != sent.number) return {};
    return {*next};
}

// The end of one lets the next one to the same receiver go.
std::vector<Effect> effects_of_end(const State& after, base::AccountId to) {
    const auto next = next_to(after, to);
    return next ? std::vector<Effect>{*next} : std::vector<Effect>{};
}

std::vector<Effect> effects(const State& after, const TransferDelivered& delivered) {
    return effects_of_end(after, delivered.to);
}

std::vector<Effect> effects(const State& after, const TransferReturned& returned) {
    return effects_of_end(after, returned.to);
}

// One line for each event that asks for nothing: a new event has to say so too.
std::vector<Effect> effects(const State&, const CommandRefused&) { return {}; }
std::vector<Effect> effects(const State&, const LossAllocated&) { return {}; }
std::vector<Effect> effects(const State&, const WithdrawalReturned&) { return {}; }
std::vector<Effect> effects(const State&, const WithdrawalPaid&) { return {}; }
std::vector<Effect> effects(const State&, const DepositNoted&) { return {}; }
std::vector<Effect> effects(const State&, const ClaimsCovered&) { return {}; }
std::vector<Effect> effects(const State&, const ClaimsCashSettled&) { return {}; }
std::vector<Effect> effects(const State&, const VariationSettled&) { return {}; }
std::vector<Effect> effects(const State&, const ContractExpired&) { return {}; }
std::vector<Effect> effects(const State&, const FundingSettled&) { return {}; }
std::vector<Effect> effects(const State&, const CollateralTaken&) { return {}; }
std::vector<Effect> effects(const State&, const CancelRefused&) { return {}; }
std::vector<Effect> effects(const State&, const TransferReceived&) { return {}; }
std::vector<Effect> effects(const State&, const TransferDeclined&) { return {}; }

}  // namespace

void apply(State& state, const Event& event) {
    state.version += 1;
    std::visit([&state](const auto& one) { apply_one(state, one); }, event);
    forget_trades(state);
}

std::vector<Effect> effects_of(const State& after, const Event& event) {
    return std::visit([&after](const auto& one) { return effects(after, one); }, event);
}

std::vector<Effect> outstanding(const State& state) {
    std::vector<Effect> owed;
    owed.reserve(state.withdrawals.size());
    for (const auto& [number, open] : state.withdrawals) {
        owed.emplace_back(start(state.id, number, open));
        if (open.cancels.empty()) continue;
        owed.emplace_back(StopWithdrawal{.account = state.id, .number = number});
    }
    std::set<base::AccountId> receivers;
    for (const auto& [number, transfer] : state.transfers) {
        const bool is_pending = transfer.state == TransferState::pending;
        if (!is_pending || !receivers.insert(transfer.to).second) continue;
        owed.emplace_back(*next_to(state, transfer.to));
    }
    std::set<base::AccountId> sellers;
    for (const auto& [number, match] : state.matches) {
        if (!sellers.insert(match.seller).second) continue;
        owed.push_back(*next_said_to(state, match.seller));
    }
    return owed;
}

}  // namespace crossclear::ledger::account
