#include "tests/support/builders.hpp"

#include "base/check.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/words.hpp"

#include <iterator>
#include <utility>

namespace crossclear::tests {
namespace {

using base::Amount;
namespace account = ledger::account;

std::int64_t up_to(base::Rng& rng, std::uint64_t max) {
    return static_cast<std::int64_t>(rng.below(max)) + 1;
}

base::AssetId any_token(base::Rng& rng) {
    static constexpr base::AssetId tokens[] = {world::usdc, world::eth, world::dai};
    return tokens[rng.below(std::size(tokens))];
}

/// Mostly new, sometimes one that was used.
std::uint64_t any_id(base::Rng& rng) { return rng.below(400); }

account::SubmitTrade any_trade(base::Rng& rng) {
    const bool is_contract = rng.below(3) == 0;
    const std::int64_t size = up_to(rng, 1'000);
    const std::int64_t quantity = rng.below(2) == 0 ? size : -size;
    const base::AssetId token = rng.below(2) == 0 ? world::eth : world::dai;
    const std::uint64_t id = any_id(rng);
    auto trade = is_contract ? a_contract_trade(id, quantity, 2 * size)
                             : a_trade(id, token, quantity, 2 * size);
    trade.terms.fee = Amount{static_cast<std::int64_t>(rng.below(5))};
    // A fee above the cash turns a sale into a payment.
    if (rng.below(10) == 0) trade.terms.fee = Amount{3 * size};
    trade.terms.settle_by = world::now + base::seconds(static_cast<std::int64_t>(rng.below(100)));
    trade.terms.has_margin = rng.below(10) != 0;
    trade.terms.is_price_fresh = rng.below(10) != 0;
    if (rng.below(50) == 0) trade.quantity = Amount{0};
    return trade;
}

account::NoteDeposit any_deposit(base::Rng& rng) {
    // The amount follows from the number: a shard tells the same of one deposit each time.
    const std::uint64_t number = rng.below(20);
    static constexpr base::AssetId tokens[] = {world::usdc, world::eth, world::dai};
    return a_deposit(number, tokens[number % 3], static_cast<std::int64_t>(100 * (number + 1)),
                     static_cast<ledger::Finality>(rng.below(5)));
}

}  // namespace

base::CommandId an_id(std::uint64_t n) {
    const auto start_ms = static_cast<std::uint64_t>(world::now.us / 1'000) - 3'600'000;
    return base::CommandId{.hi = (start_ms + n) << 16, .lo = n};
}

AnAccount::AnAccount() { state_.id = base::account_id(base::BrokerId{0}, 17); }

AnAccount& AnAccount::with_free(base::AssetId asset, std::int64_t amount) {
    const auto number = 1'000'000 + ++events_;
    CHECK(!run(state_, a_deposit(number, asset, amount, ledger::Finality::final)).empty(),
          "a built deposit is booked");
    return *this;
}

AnAccount& AnAccount::with_seen(base::AssetId asset, std::int64_t amount) {
    const auto number = 1'000'000 + ++events_;
    CHECK(!run(state_, a_deposit(number, asset, amount, ledger::Finality::seen)).empty(),
          "a built deposit is booked");
    return *this;
}

AnAccount& AnAccount::with_claim(base::AssetId asset, std::int64_t amount,
                                 base::Timestamp settle_by) {
    ledger::BalanceChange change;
    change.asset = asset;
    change.unsettled = Amount{amount};
    account::TradeNovated novated;
    novated.cause = {.hi = 1, .lo = ++events_};  // Older than every id a test makes.
    novated.number = state_.trades_count + 1;
    novated.base = asset;
    novated.quantity = Amount{amount};
    novated.changes = {change};
    novated.at = world::now;
    novated.settle_by = settle_by;
    const account::Event event{novated};
    account::apply(state_, event);
    return *this;
}

AnAccount& AnAccount::with_debt(std::int64_t amount) {
    ledger::BalanceChange change;
    change.asset = world::usdc;
    change.recv = Amount{amount};
    account::TradeNovated novated;
    novated.cause = {.hi = 1, .lo = ++events_};
    novated.number = state_.trades_count + 1;
    novated.is_contract = true;
    novated.base = world::eth_perp;
    novated.settlement = world::usdc;
    novated.fee = Amount{amount};
    novated.changes = {change};
    const account::Event event{novated};
    account::apply(state_, event);
    return *this;
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): as the builder reads
AnAccount& AnAccount::with_contract(std::int64_t quantity, std::int64_t settled_value) {
    account::TradeNovated novated;
    novated.cause = {.hi = 1, .lo = ++events_};
    novated.number = state_.trades_count + 1;
    novated.is_contract = true;
    novated.base = world::eth_perp;
    novated.settlement = world::usdc;
    novated.quantity = Amount{quantity};
    novated.cash = Amount{-settled_value};
    const account::Event event{novated};
    account::apply(state_, event);
    return *this;
}

AnAccount an_account() { return {}; }

account::SubmitTrade a_trade(std::uint64_t id, base::AssetId token, std::int64_t quantity,
                             std::int64_t cash) {
    return {.id = an_id(id),
            .instrument = base::InstrumentId{token.v},
            .quantity = Amount{quantity},
            .limit = world::mark,
            .received_at = world::now,
            .terms = {.mark = world::mark,
                      .fill = world::mark,
                      .is_price_fresh = true,
                      .base = token,
                      .settlement = world::usdc,
                      .is_contract = false,
                      .is_offered = true,
                      .cash = Amount{cash},
                      .does_cash_fit = true,
                      .fee = Amount{1},
                      .notional_cents = cash / 10'000,
                      .is_within_limits = true,
                      .is_close_only = false,
                      .is_pure_unwind = false,
                      .has_margin = true,
                      .settle_by = world::settle_by}};
}

account::SubmitTrade a_contract_trade(std::uint64_t id, std::int64_t quantity, std::int64_t cash) {
    auto trade = a_trade(id, world::eth_perp, quantity, cash);
    trade.terms.is_contract = true;
    return trade;
}

account::RequestWithdrawal a_withdrawal(std::uint64_t id, base::AssetId asset,
                                        std::int64_t amount) {
    return {.id = an_id(id),
            .asset = asset,
            .amount = Amount{amount},
            .shard = world::shard,
            .destination = "0xA11CE",
            .received_at = world::now,
            .is_destination_allowed = true,
            .is_price_fresh = true,
            .has_margin = true};
}

base::AccountId another_account() { return base::account_id(base::BrokerId{0}, 18); }

account::RequestTransfer a_transfer(std::uint64_t id, base::AssetId asset, std::int64_t amount) {
    return {.id = an_id(id),
            .to = another_account(),
            .asset = asset,
            .amount = Amount{amount},
            .received_at = world::now,
            .is_price_fresh = true,
            .has_margin = true};
}

account::ReceiveTransfer an_arrival(std::uint64_t number, base::AssetId asset,
                                    std::int64_t amount) {
    return {.from = another_account(),
            .number = number,
            .asset = asset,
            .amount = Amount{amount},
            .at = world::now};
}

account::SubmitMatchedTrade a_match(std::uint64_t id, std::int64_t quantity, std::int64_t cash) {
    const auto trade = a_trade(id, world::eth, quantity, cash);
    return {.id = trade.id,
            .seller = another_account(),
            .instrument = trade.instrument,
            .quantity = trade.quantity,
            .price = world::mark,
            .received_at = world::now,
            .deadline = world::now + base::seconds(5),
            .terms = trade.terms};
}

account::Liquidate a_liquidation(const account::State& state, const account::SubmitTrade& trade) {
    return {.number = state.trades_count + 1,
            .instrument = trade.instrument,
            .quantity = trade.quantity,
            .at = world::now,
            .terms = trade.terms};
}

account::TakeCollateral a_taking(const account::State& state, std::int64_t amount,
                                 std::int64_t dollars) {
    return {.version = state.version,
            .asset = world::eth,
            .owed = world::usdc,
            .amount = Amount{amount},
            .price = base::Price{dollars * 1'000'000'000},
            .is_price_fresh = true,
            .asset_scale = 6,
            .owed_scale = 6,
            .at = world::now,
            .settle_by = world::settle_by};
}

account::ReserveMatch a_sale(std::uint64_t number, std::int64_t quantity, std::int64_t cash) {
    const auto trade = a_trade(1, world::eth, -quantity, cash);
    return {.buyer = another_account(),
            .number = number,
            .cause = an_id(number),
            .instrument = trade.instrument,
            .quantity = Amount{quantity},
            .price = world::mark,
            .at = world::now,
            .terms = trade.terms};
}

account::NoteDeposit a_deposit(std::uint64_t number, base::AssetId asset, std::int64_t amount,
                               ledger::Finality finality) {
    return {.deposit = number,
            .shard = world::shard,
            .asset = asset,
            .amount = Amount{amount},
            .finality = finality,
            .at = world::now};
}

account::SettleVariation a_settlement_at(base::Price mark) {
    return {.contract = world::eth_perp,
            .settlement = world::usdc,
            .mark = mark,
            .contract_scale = world::scale,
            .settlement_scale = world::scale,
            .at = world::now,
            .settle_by = world::settle_by};
}

account::SettleFunding a_funding_up_to(std::int64_t index) {
    return {.contract = world::eth_perp,
            .settlement = world::usdc,
            .index = base::Price{index},
            .contract_scale = world::scale,
            .settlement_scale = world::scale,
            .at = world::now,
            .settle_by = world::settle_by};
}

account::ExpireContract an_end_at(base::Price price) {
    return {.contract = world::eth_perp,
            .settlement = world::usdc,
            .price = price,
            .contract_scale = world::scale,
            .settlement_scale = world::scale,
            .at = world::now,
            .settle_by = world::settle_by};
}

std::vector<account::Event> run(account::State& state, const account::Command& command) {
    auto decision = account::decide(state, command);
    if (!decision) return {};
    for (const account::Event& event : *decision) account::apply(state, event);
    return *std::move(decision);
}

account::Reject reason_of(const account::Decision& decision) {
    if (!decision) return decision.error();
    if (decision->empty()) return account::Reject::none;
    const auto* refused = std::get_if<account::CommandRefused>(&decision->front());
    return refused == nullptr ? account::Reject::none : refused->reason;
}

const account::Holding& usdc_of(const account::State& state) {
    return account::holding_of(state, world::usdc);
}

const account::Holding& eth_of(const account::State& state) {
    return account::holding_of(state, world::eth);
}

account::CancelWithdrawal a_cancel(std::uint64_t id, std::uint32_t number) {
    return {.id = an_id(id), .number = number, .received_at = world::now};
}

namespace {

account::Command any_transfer(base::Rng& rng, const account::State& state) {
    const auto number = rng.below(state.transfers_count + 2);
    switch (rng.below(4)) {
        case 0: {
            auto transfer = a_transfer(any_id(rng), any_token(rng), up_to(rng, 200));
            transfer.to = base::account_id(base::BrokerId{0}, 18 + rng.below(2));
            transfer.has_margin = rng.below(10) != 0;
            return transfer;
        }
        case 1: {
            // What was sent follows from sender and number: it is told the same each time.
            auto arrival = an_arrival(1 + rng.below(30), world::eth, 0);
            arrival.from = base::account_id(base::BrokerId{0}, 18 + rng.below(3));
            arrival.amount = Amount{static_cast<std::int64_t>(arrival.number % 7) * 10};
            return arrival;
        }
        case 2:
            return account::EndTransfer{
                .number = number, .reason = account::Reject::none, .at = world::now};
        default:
            return account::EndTransfer{
                .number = number, .reason = account::Reject::receiver_unknown, .at = world::now};
    }
}

account::Terms any_terms_of_match(base::Rng& rng, account::Terms terms) {
    if (rng.below(3) == 0) {
        terms.is_contract = true;
        terms.base = world::eth_perp;
    }
    terms.fee = Amount{static_cast<std::int64_t>(rng.below(5))};
    if (rng.below(10) == 0) terms.fee = Amount{terms.cash.v + 7};
    terms.has_margin = rng.below(10) != 0;
    terms.is_price_fresh = rng.below(10) != 0;
    return terms;
}

account::Command any_match(base::Rng& rng, const account::State& state) {
    const auto number = rng.below(state.matches_count + 2);
    const auto at = world::now + base::seconds(static_cast<std::int64_t>(rng.below(20)));
    const auto other = base::account_id(base::BrokerId{0}, 18 + rng.below(3));
    const auto size = up_to(rng, 300);
    switch (rng.below(8)) {
        case 0:
        case 1: {
            auto match = a_match(any_id(rng), size, 2 * size);
            match.seller = other;
            match.deadline = at;
            match.terms = any_terms_of_match(rng, match.terms);
            if (rng.below(20) == 0) match.quantity = Amount{0};
            return match;
        }
        case 2:
        case 3: {
            auto sale = a_sale(1 + rng.below(30), size, 2 * size);
            sale.buyer = other;
            sale.terms = any_terms_of_match(rng, sale.terms);
            return sale;
        }
        case 4:
            return account::HearMatch{.number = number,
                                      .reason = rng.below(3) == 0
                                                    ? account::Reject::holding_insufficient
                                                    : account::Reject::none,
                                      .at = at,
                                      .settle_by = world::settle_by};
        case 5:
            return account::ExpireMatches{.at = at};
        case 6: {
            const auto open = state.sales.find(other);
            return account::ConcludeMatch{
                .buyer = other,
                .number = open == state.sales.end() ? rng.below(30) : open->second.number,
                .is_committed = rng.below(2) == 0,
                .at = at,
                .settle_by = world::settle_by};
        }
        default:
            return account::EndMatch{.number = number, .trade = rng.below(2), .at = at};
    }
}

// Closes all of something; where nothing can be closed, asks whose the debt is.
account::Command any_closing(base::Rng& rng, const account::State& state) {
    const auto cash = 1 + up_to(rng, 50);
    for (const auto& [contract, position] : state.contracts) {
        // Its end at the worst price closes it as well, and leaves a debt.
        const bool is_long = position.quantity > Amount{0};
        if (position.quantity == Amount{0} || rng.below(2) == 0) {
            return an_end_at(base::Price{is_long ? 0 : 4'000'000'000'000});
        }
        return a_liquidation(state, a_contract_trade(1, -position.quantity.v, cash));
    }
    for (const auto& [asset, holding] : state.holdings) {
        const auto sellable = account::sellable(holding);
        if (asset == world::usdc || sellable == Amount{0}) continue;
        if (asset == world::eth && rng.below(2) == 0) {
            return a_taking(state, up_to(rng, static_cast<std::uint64_t>(sellable.v)), cash);
        }
        return a_liquidation(state, a_trade(1, asset, -sellable.v, cash));
    }
    return account::AllocateLoss{.at = world::now};
}

}  // namespace

account::Command random_account_command(base::Rng& rng, const account::State& state) {
    const auto at = world::now + base::seconds(static_cast<std::int64_t>(rng.below(100)));
    const auto number = static_cast<std::uint32_t>(rng.below(state.withdrawals_count + 2));
    // Else none would come to its end among so much else.
    const bool is_closing = state.standing == account::Standing::liquidating && rng.below(2) == 0;
    if (is_closing) return any_closing(rng, state);
    switch (rng.below(21)) {
        case 20:
            return a_funding_up_to(up_to(rng, 4'000'000'000) - 2'000'000'000);
        case 19:
            return an_end_at(base::Price{up_to(rng, 4'000'000'000)});
        case 18:
            return account::AllocateLoss{.at = at};
        case 17:
            return a_liquidation(state, any_trade(rng));
        case 16:
            return account::ReviewMargin{.at = at,
                                         .is_known = rng.below(8) != 0,
                                         .equity_cents = up_to(rng, 200) - 50,
                                         .initial_cents = up_to(rng, 50) + 50,
                                         .maintenance_cents = up_to(rng, 50)};
        case 13:
        case 14:
        case 15:
            return any_match(rng, state);
        case 11:
        case 12:
            return any_transfer(rng, state);
        case 9:
            return account::CancelWithdrawal{
                .id = any_id(rng), .number = number, .received_at = world::now};
        case 10:
            return account::RefuseCancel{.number = number};
        case 0:
        case 1:
            return any_trade(rng);
        case 2:
            return a_withdrawal(any_id(rng), any_token(rng), up_to(rng, 300));
        case 3:
            return account::ReturnWithdrawal{.number = number,
                                             .reason = ledger::ShardRefusal::expired};
        case 4:
            return account::PayWithdrawal{.number = number, .block = rng.below(1'000)};
        case 5:
            return any_deposit(rng);
        case 6:
            return account::CoverClaims{
                .asset = any_token(rng), .amount = Amount{up_to(rng, 1'500)}, .at = at};
        case 7:
            return account::CashSettleClaims{.asset = rng.below(2) == 0 ? world::eth : world::dai,
                                             .settlement = world::usdc,
                                             .mark = base::Price{up_to(rng, 4'000'000'000)},
                                             .asset_scale = world::scale,
                                             .settlement_scale = world::scale,
                                             .due_by = at,
                                             .at = at};
        default:
            return a_settlement_at(base::Price{up_to(rng, 4'000'000'000)});
    }
}

}  // namespace crossclear::tests
