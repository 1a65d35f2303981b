#include "ledger/postings.hpp"

#include "tests/support/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crossclear::ledger {
namespace {

using base::Amount;
using testing::UnorderedElementsAreArray;
using tests::world::eth;
using tests::world::usdc;

constexpr base::AssetId perp{2};
constexpr base::AssetId gas{3};
constexpr base::ShardId here{4};
constexpr base::ShardId there{5};
constexpr base::AccountId client{77};

// 50 owed, 20 of the asset there.
BalanceChange an_end_of_debt() {
    BalanceChange change;
    change.asset = usdc;
    change.free = Amount{-20};
    change.recv = Amount{-50};
    return change;
}

struct Row {
    std::string name;
    Entry entry;
    std::vector<Posting> lines;
};

Entry of_client(account::Event event) { return {base::entity_of(client), std::move(event)}; }
Entry of_house(const netting::Event& event) {
    return {base::entity_of(base::EntityKind::netting, base::BrokerId{0}), event};
}
Entry of_hedge(hedge::Event event) {
    return {base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 9), std::move(event)};
}
Entry of_instruction(instruction::Event event) {
    return {base::entity_of(base::EntityKind::instruction, base::BrokerId{0}, 9), std::move(event)};
}

Posting line(Chart account, std::uint64_t sub, base::AssetId asset, std::int64_t amount) {
    return {account, sub, asset, Amount{amount}};
}
Posting mine(Chart account, base::AssetId asset, std::int64_t amount) {
    return line(account, client.v, asset, amount);
}
Posting at(base::ShardId shard, Chart account, base::AssetId asset, std::int64_t amount) {
    return line(account, shard.v, asset, amount);
}
Posting whole(Chart account, base::AssetId asset, std::int64_t amount) {
    return line(account, 0, asset, amount);
}

BalanceChange change(base::AssetId asset, std::int64_t free, std::int64_t unsettled,
                     std::int64_t recv = 0) {
    return {.asset = asset,
            .seen = {},
            .free = Amount{free},
            .unsettled = Amount{unsettled},
            .held = {},
            .recv = Amount{recv}};
}

BalanceChange set_aside(base::AssetId asset, std::int64_t amount) {
    BalanceChange of;
    of.asset = asset;
    of.free = Amount{-amount};
    of.held = Amount{amount};
    return of;
}

// A purchase whose price and fee were set aside.
// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): in the order of a trade's fields
account::TradeNovated matched(std::int64_t quantity, std::int64_t cash, std::int64_t fee) {
    auto paid = set_aside(usdc, cash - fee);
    paid.free = {};
    account::TradeNovated trade;
    trade.base = eth;
    trade.settlement = usdc;
    trade.quantity = Amount{quantity};
    trade.cash = Amount{cash};
    trade.fee = Amount{fee};
    trade.changes = {paid, change(eth, 0, quantity)};
    trade.match = 1;
    return trade;
}

// Buys 5 ETH for 100 USDC and a fee of 2: 90 settled, the rest borrowed.
account::TradeNovated a_buy() {
    account::TradeNovated trade;
    trade.base = eth;
    trade.settlement = usdc;
    trade.quantity = Amount{5};
    trade.cash = Amount{-100};
    trade.fee = Amount{2};
    trade.changes = {change(eth, 0, 5), change(usdc, -90, 0, 12)};
    return trade;
}

account::TradeNovated a_contract() {
    account::TradeNovated trade;
    trade.base = perp;
    trade.settlement = usdc;
    trade.is_contract = true;
    trade.quantity = Amount{-5};
    trade.fee = Amount{2};
    trade.changes = {change(usdc, -2, 0)};
    return trade;
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): seen on the chain, free in the account
account::DepositNoted a_deposit(std::int64_t seen, std::int64_t free) {
    account::DepositNoted noted;
    noted.asset = usdc;
    noted.change = change(usdc, free, 0);
    noted.change.seen = Amount{seen};
    return noted;
}

netting::DepositRecorded a_record(Finality finality) {
    netting::DepositRecorded recorded;
    recorded.shard = here;
    recorded.asset = usdc;
    recorded.amount = Amount{10};
    recorded.finality = finality;
    return recorded;
}

hedge::SliceFilled a_fill(bool is_contract) {
    hedge::SliceFilled fill;
    fill.shard = here;
    fill.is_contract = is_contract;
    fill.base = is_contract ? perp : eth;
    fill.given_asset = usdc;
    fill.given_max = Amount{is_contract ? 0 : 110};
    fill.given = Amount{is_contract ? 0 : 100};
    fill.received_asset = eth;
    fill.received = Amount{is_contract ? 0 : 5};
    fill.filled = Amount{5};
    fill.gas_asset = gas;
    fill.gas = Amount{1};
    return fill;
}

hedge::SliceFailed a_failure() {
    hedge::SliceFailed failed;
    failed.shard = here;
    failed.given_asset = usdc;
    failed.given_max = Amount{110};
    failed.gas_asset = gas;
    failed.gas = Amount{1};
    return failed;
}

instruction::LegSent a_leg(OrderKind order) {
    instruction::LegSent sent;
    sent.order = order;
    sent.shard = here;
    sent.asset = usdc;
    sent.amount = Amount{10};
    return sent;
}

instruction::LegFinal a_final_leg(OrderKind order) {
    instruction::LegFinal leg;
    leg.order = order;
    leg.shard = here;
    leg.asset = usdc;
    leg.amount = Amount{10};
    leg.gas_asset = gas;
    leg.gas = Amount{1};
    return leg;
}

instruction::LegFinal an_arrival() {
    auto leg = a_final_leg(OrderKind::bridge_out);
    leg.kind = instruction::LegKind::arrival;
    leg.from_shard = there;
    leg.gas = Amount{0};
    return leg;
}

instruction::LegFailed a_failed_leg(OrderKind order) {
    instruction::LegFailed failed;
    failed.order = order;
    failed.shard = here;
    failed.asset = usdc;
    failed.amount = Amount{10};
    failed.gas_asset = gas;
    failed.gas = Amount{1};
    return failed;
}

// NOLINTNEXTLINE(readability-function-size): a table, a row an event
std::vector<Row> client_rows() {
    account::ClaimsCashSettled cash;
    cash.asset = eth;
    cash.settlement = usdc;
    cash.amount = Amount{5};
    cash.cash = Amount{99};
    cash.changes = {change(eth, 0, -5), change(usdc, 0, 99)};
    account::VariationSettled loss;
    loss.settlement = usdc;
    loss.change = Amount{-7};
    loss.balance = change(usdc, -4, -3);
    account::CollateralTaken taken;
    taken.asset = eth;
    taken.owed = usdc;
    taken.amount = Amount{5};
    taken.cash = Amount{99};
    auto paid = change(usdc, 0, 0);
    paid.recv = Amount{-99};
    taken.changes = {change(eth, -4, -1), paid};
    account::FundingSettled funding;
    funding.contract = perp;
    funding.settlement = usdc;
    funding.change = Amount{-7};
    funding.balance = change(usdc, -7, 0);
    account::ContractExpired end;
    end.contract = perp;
    end.settlement = usdc;
    end.quantity = Amount{5};
    end.change = Amount{7};
    end.balance = change(usdc, 0, 7);
    return {
        {"funding", of_client(funding), {mine(Chart::free, usdc, 7), whole(Chart::vm, usdc, -7)}},
        {"a contract's end",
         of_client(end),
         {mine(Chart::unsettled, usdc, -7), whole(Chart::vm, usdc, 7), mine(Chart::cpos, perp, 5),
          whole(Chart::hbook, perp, -5)}},
        {"a buy",
         of_client(a_buy()),
         {mine(Chart::unsettled, eth, -5), whole(Chart::conv, eth, 5), mine(Chart::free, usdc, 90),
          mine(Chart::recv, usdc, 12), whole(Chart::conv, usdc, -100),
          whole(Chart::fee_income, usdc, -2)}},
        {"a contract",
         of_client(a_contract()),
         {mine(Chart::free, usdc, 2), whole(Chart::fee_income, usdc, -2),
          whole(Chart::hbook, perp, -5), mine(Chart::cpos, perp, 5)}},
        {"a refusal", of_client(account::CommandRefused{}), {}},
        {"a withdrawal held",
         of_client(account::WithdrawalHeld{.cause = {},
                                           .body = 0,
                                           .number = 1,
                                           .asset = usdc,
                                           .amount = Amount{6},
                                           .shard = here,
                                           .destination = {},
                                           .at = {}}),
         {mine(Chart::free, usdc, 6), mine(Chart::held, usdc, -6)}},
        {"a withdrawal returned",
         of_client(account::WithdrawalReturned{.number = 1, .asset = usdc, .amount = Amount{6}}),
         {mine(Chart::held, usdc, 6), mine(Chart::free, usdc, -6)}},
        {"a withdrawal paid",
         of_client(account::WithdrawalPaid{.number = 1, .asset = usdc, .amount = Amount{6}}),
         {mine(Chart::held, usdc, 6), whole(Chart::transit, usdc, -6)}},
        {"a transfer sent",
         of_client(account::TransferSent{.cause = {},
                                         .body = 0,
                                         .number = 1,
                                         .to = {},
                                         .asset = usdc,
                                         .amount = Amount{6},
                                         .at = {}}),
         {mine(Chart::free, usdc, 6), whole(Chart::transit, usdc, -6)}},
        {"a transfer received",
         of_client(account::TransferReceived{
             .from = {}, .number = 1, .asset = usdc, .amount = Amount{6}, .at = {}}),
         {whole(Chart::transit, usdc, 6), mine(Chart::free, usdc, -6)}},
        {"a transfer returned",
         of_client(account::TransferReturned{.number = 1,
                                             .to = {},
                                             .asset = usdc,
                                             .amount = Amount{6},
                                             .reason = account::Reject::receiver_unknown,
                                             .at = {}}),
         {whole(Chart::transit, usdc, 6), mine(Chart::free, usdc, -6)}},
        {"a match reserved",
         of_client(account::MatchReserved{.cause = {},
                                          .body = 0,
                                          .number = 1,
                                          .seller = {},
                                          .reserved = {},
                                          .changes = {set_aside(usdc, 6)},
                                          .deadline = {},
                                          .at = {}}),
         {mine(Chart::free, usdc, 6), mine(Chart::held, usdc, -6)}},
        {"a match aborted",
         of_client(account::MatchAborted{.number = 1,
                                         .seller = {},
                                         .changes = {set_aside(usdc, -6)},
                                         .reason = account::Reject::match_timed_out,
                                         .is_declined = false,
                                         .at = {}}),
         {mine(Chart::held, usdc, 6), mine(Chart::free, usdc, -6)}},
        {"a match accepted",
         of_client(account::MatchAccepted{.buyer = {},
                                          .number = 1,
                                          .cause = {},
                                          .reserved = {},
                                          .changes = {set_aside(eth, 6)},
                                          .at = {}}),
         {mine(Chart::free, eth, 6), mine(Chart::held, eth, -6)}},
        {"a match released",
         of_client(account::MatchReleased{
             .buyer = {}, .number = 1, .changes = {set_aside(eth, -6)}, .at = {}}),
         {mine(Chart::held, eth, 6), mine(Chart::free, eth, -6)}},
        {"a matched trade bought",
         of_client(matched(5, -20, 1)),
         {mine(Chart::held, usdc, 21), mine(Chart::unsettled, eth, -5),
          whole(Chart::fee_income, usdc, -1), whole(Chart::conv, eth, 5),
          whole(Chart::conv, usdc, -20)}},
        {"a debt that is the broker's",
         of_client(account::LossAllocated{
             .asset = usdc, .loss = Amount{30}, .change = an_end_of_debt(), .at = {}}),
         {mine(Chart::free, usdc, 20), mine(Chart::recv, usdc, -50), whole(Chart::loss, usdc, 30)}},
        {"collateral for a debt",
         of_client(taken),
         {mine(Chart::free, eth, 4), mine(Chart::unsettled, eth, 1), whole(Chart::conv, eth, -5),
          mine(Chart::recv, usdc, -99), whole(Chart::conv, usdc, 99)}},
        {"another standing", of_client(account::StandingChanged{}), {}},
        {"a match ended", of_client(account::MatchEnded{}), {}},
        {"a match declined", of_client(account::MatchDeclined{}), {}},
        {"a transfer declined", of_client(account::TransferDeclined{}), {}},
        {"a transfer delivered", of_client(account::TransferDelivered{}), {}},
        {"a deposit seen",
         of_client(a_deposit(10, 0)),
         {mine(Chart::seen, usdc, -10), whole(Chart::transit, usdc, 10)}},
        {"a deposit final",
         of_client(a_deposit(-10, 10)),
         {mine(Chart::seen, usdc, 10), mine(Chart::free, usdc, -10)}},
        {"a deposit gone",
         of_client(a_deposit(-10, 0)),
         {mine(Chart::seen, usdc, 10), whole(Chart::transit, usdc, -10)}},
        {"claims covered",
         of_client(
             account::ClaimsCovered{.asset = eth, .amount = Amount{5}, .parts = {}, .at = {}}),
         {mine(Chart::unsettled, eth, 5), mine(Chart::free, eth, -5)}},
        {"claims paid in cash",
         of_client(cash),
         {mine(Chart::unsettled, eth, 5), whole(Chart::conv, eth, -5),
          mine(Chart::unsettled, usdc, -99), whole(Chart::conv, usdc, 99)}},
        {"a client's loss",
         of_client(loss),
         {mine(Chart::free, usdc, 4), mine(Chart::unsettled, usdc, 3), whole(Chart::vm, usdc, -7)}},
    };
}

std::vector<Row> house_rows() {
    netting::CapitalPaidIn capital{here, usdc, Amount{10}, netting::Source::capital, {}};
    auto insurance = capital;
    insurance.source = netting::Source::insurance;
    auto fund = capital;
    fund.source = netting::Source::fund;
    netting::VenueVariation variation;
    variation.shard = here;
    variation.settlement = usdc;
    variation.change = Amount{-7};
    return {
        {"capital",
         of_house(capital),
         {at(here, Chart::nostro, usdc, 10), whole(Chart::capital, usdc, -10)}},
        {"insurance",
         of_house(insurance),
         {at(here, Chart::nostro, usdc, 10), whole(Chart::insurance, usdc, -10)}},
        {"the fund",
         of_house(fund),
         {at(here, Chart::nostro, usdc, 10), whole(Chart::fund, usdc, -10)}},
        {"a deposit recorded seen",
         of_house(a_record(Finality::seen)),
         {whole(Chart::inflight_in, usdc, 10), whole(Chart::transit, usdc, -10)}},
        {"a deposit recorded safe", of_house(a_record(Finality::safe)), {}},
        {"a deposit recorded final",
         of_house(a_record(Finality::final)),
         {at(here, Chart::nostro, usdc, 10), whole(Chart::inflight_in, usdc, -10)}},
        {"a deposit recorded gone",
         of_house(a_record(Finality::unseen)),
         {whole(Chart::transit, usdc, 10), whole(Chart::inflight_in, usdc, -10)}},
        {"the venue's gain",
         of_house(variation),
         {at(here, Chart::posted, usdc, -7), whole(Chart::vm, usdc, 7)}},
        {"a loss that the waterfall pays",
         of_house(netting::LossBorne{usdc, Amount{20}, Amount{10}, {}}),
         {whole(Chart::capital, usdc, 20), whole(Chart::loss, usdc, -20),
          whole(Chart::insurance, usdc, 10), whole(Chart::loss, usdc, -10)}},
        {"an epoch's result",
         of_house(netting::ResultBooked{usdc, Amount{3}, Amount{-4}, {}}),
         {whole(Chart::conv, usdc, 3), whole(Chart::hedge_pnl, usdc, -3),
          whole(Chart::vm, usdc, -4), whole(Chart::hedge_pnl, usdc, 4)}},
    };
}

std::vector<Row> shard_rows() {
    hedge::SliceSent slice;
    slice.shard = here;
    slice.given_asset = usdc;
    slice.given_max = Amount{110};
    const auto paid_gas = [] {
        return std::vector<Posting>{whole(Chart::gas, gas, 1), at(here, Chart::nostro, gas, -1)};
    };
    const auto with_gas = [&](std::vector<Posting> lines) {
        for (const auto& one : paid_gas()) lines.push_back(one);
        return lines;
    };
    return {
        {"a slice sent",
         of_hedge(slice),
         {at(here, Chart::inflight_hedge, usdc, 110), at(here, Chart::nostro, usdc, -110)}},
        {"a slice filled", of_hedge(a_fill(false)),
         with_gas({whole(Chart::conv, usdc, 100), at(here, Chart::inflight_hedge, usdc, -100),
                   at(here, Chart::nostro, usdc, 10), at(here, Chart::inflight_hedge, usdc, -10),
                   at(here, Chart::nostro, eth, 5), whole(Chart::conv, eth, -5)})},
        {"a contract filled", of_hedge(a_fill(true)),
         with_gas({at(here, Chart::vpos, perp, 5), whole(Chart::venue, perp, -5)})},
        {"a slice failed", of_hedge(a_failure()),
         with_gas(
             {at(here, Chart::nostro, usdc, 110), at(here, Chart::inflight_hedge, usdc, -110)})},
        {"a payment sent",
         of_instruction(a_leg(OrderKind::pay_out)),
         {at(here, Chart::inflight_out, usdc, 10), at(here, Chart::nostro, usdc, -10)}},
        {"a payment final", of_instruction(a_final_leg(OrderKind::pay_out)),
         with_gas({whole(Chart::transit, usdc, 10), at(here, Chart::inflight_out, usdc, -10)})},
        {"a payment failed", of_instruction(a_failed_leg(OrderKind::pay_out)),
         with_gas({at(here, Chart::nostro, usdc, 10), at(here, Chart::inflight_out, usdc, -10)})},
        {"a departure final", of_instruction(a_final_leg(OrderKind::bridge_out)), paid_gas()},
        {"an arrival",
         of_instruction(an_arrival()),
         {at(here, Chart::nostro, usdc, 10), at(there, Chart::inflight_out, usdc, -10)}},
        {"margin sent",
         of_instruction(a_leg(OrderKind::post_margin)),
         {at(here, Chart::inflight_hedge, usdc, 10), at(here, Chart::nostro, usdc, -10)}},
        {"margin posted", of_instruction(a_final_leg(OrderKind::post_margin)),
         with_gas({at(here, Chart::posted, usdc, 10), at(here, Chart::inflight_hedge, usdc, -10)})},
        {"margin asked back",
         of_instruction(a_leg(OrderKind::take_margin)),
         {at(here, Chart::inflight_hedge, usdc, 10), at(here, Chart::posted, usdc, -10)}},
        {"margin back", of_instruction(a_final_leg(OrderKind::take_margin)),
         with_gas({at(here, Chart::nostro, usdc, 10), at(here, Chart::inflight_hedge, usdc, -10)})},
    };
}

void expect_rows(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        const auto lines = postings_of(row.entry);
        EXPECT_THAT(lines, UnorderedElementsAreArray(row.lines)) << row.name;
        EXPECT_EQ(imbalance_of(lines), std::nullopt) << row.name;
    }
}

TEST(Postings, OfAccountsAreThoseOfTheTable) { expect_rows(client_rows()); }
TEST(Postings, OfTheHouseAreThoseOfTheTable) { expect_rows(house_rows()); }
TEST(Postings, OfHedgesAndInstructionsAreThoseOfTheTable) { expect_rows(shard_rows()); }

TEST(Postings, AnImbalanceNamesItsAsset) {
    EXPECT_EQ(imbalance_of({whole(Chart::conv, usdc, 5), whole(Chart::conv, eth, -5),
                            whole(Chart::vm, usdc, -5)}),
              eth);
}

}  // namespace
}  // namespace crossclear::ledger
