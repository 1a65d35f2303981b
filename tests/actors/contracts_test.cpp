#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

std::int64_t funding_of(const Outside& outside, base::AccountId account) {
    std::int64_t sum = 0;
    for (const auto& seen : outside.watch.seen()) {
        const auto* funding = event_in<account::FundingSettled>(seen.entry);
        if (funding != nullptr && seen.entry.entity == base::entity_of(account)) {
            sum += funding->change.v;
        }
    }
    return sum;
}

// Once it has been settled up to there, and what came before has been seen.
bool stands_at(Outside& outside, base::AccountId account, std::int64_t dollars) {
    return outside.watch
        .await_event<account::FundingSettled>([&](const auto& entry, const auto& event) {
            return entry.entity == base::entity_of(account) &&
                   event.index == base::Price{dollars * one_dollar};
        })
        .has_value();
}

// Goal: what a client wins on a contract the venue pays to the broker, and the two meet in VM.
TEST(Contracts, VariationReachesBothSidesAndMeetsInTheMiddle) {
    Outside outside;
    House house(outside);
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 100'000 * one_usdc);
    // The venue takes margin before it takes positions.
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());

    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, one_contract));
    const auto closed = [](const auto&, const netting::HedgeClosed& event) {
        return event.filled == Amount{one_contract};
    };
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>(closed).has_value());
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::vpos, btc_contract), one_contract);

    const auto before = outside.watch.mark();
    house.set_price(btc_contract, 31'000);
    // A thousand, less the spreads of a trade that was not settled before.
    const auto gain = [](const auto&, const auto& event) {
        return event.change >= Amount{900 * one_usdc};
    };
    EXPECT_TRUE(outside.watch.await_event<account::VariationSettled>(gain, before).has_value());
    EXPECT_TRUE(outside.watch.await_event<netting::VenueVariation>(gain, before).has_value());
    // The client's gain is a claim until it is covered.
    const auto settled = [](const auto&, const account::ClaimsCovered& event) {
        return event.asset == usdc;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(settled, before).has_value());
    const auto vm = outside.balance(alpha, ledger::Chart::vm, usdc);
    EXPECT_LT(std::abs(vm), 100 * one_usdc) << "only spreads are left in the middle";
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: funding goes from the client to the broker and from the broker to the venue, once; what is
// added to a position before the next cycle has paid nothing of what came before.
TEST(Contracts, FundingGoesThroughAndAnAdditionPaysFromThenOn) {
    Outside outside;
    House house(outside);
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 100'000 * one_usdc);
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());
    house.set_funding(btc_contract, base::Price{-40 * one_dollar});
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, one_contract));
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>().has_value());
    const auto is_at = [](std::int64_t dollars, std::int64_t change) {
        return [=](const auto&, const account::FundingSettled& event) {
            return event.index == base::Price{dollars * one_dollar} &&
                   event.change == Amount{change * one_usdc};
        };
    };
    // What it stood at when the position was opened is not paid for.
    ASSERT_TRUE(outside.watch.await_event<account::FundingSettled>(is_at(-40, 0)).has_value());

    const auto before = outside.watch.mark();
    house.set_funding(btc_contract, base::Price{60 * one_dollar});
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, one_contract));
    EXPECT_TRUE(
        outside.watch.await_event<account::FundingSettled>(is_at(60, -100), before).has_value());
    const auto taken = [](const auto&, const netting::VenueVariation& event) {
        return event.change <= Amount{-90 * one_usdc};
    };
    house.set_price(btc_contract, 30'000);
    EXPECT_TRUE(outside.watch.await_event<netting::VenueVariation>(taken, before).has_value());
    house.set_funding(btc_contract, base::Price{61 * one_dollar});
    EXPECT_TRUE(
        outside.watch.await_event<account::FundingSettled>(is_at(61, -2), before).has_value());
    EXPECT_EQ(funding_of(outside, trader), -102 * one_usdc);
    const auto positions = client->expect<actors::PositionsView>(actors::GetPositions{trader});
    const auto line = std::find_if(positions.positions.begin(), positions.positions.end(),
                                   [](const auto& one) { return one.asset == btc_contract; });
    ASSERT_NE(line, positions.positions.end());
    EXPECT_EQ(line->funding, base::Price{61 * one_dollar});
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a matched trade is a trade: who adds by it pays for what is added from now on, and who
// opens stands at the index of now.
TEST(Contracts, FundingOfAMatchedTradeBeginsWithIt) {
    Outside outside;
    House house(outside);
    const auto buyer = account_in(base::PartitionId{1});
    const auto seller = account_in(base::PartitionId{2});
    for (const auto id : {buyer, seller}) {
        outside.deposit(perpetuals, id, usdc, 100'000 * one_usdc);
    }
    const auto client = house.client({buyer, seller});
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());
    house.set_funding(btc_contract, base::Price{10 * one_dollar});
    (void)client->expect<actors::TradeCleared>(trade_of(buyer, btc_perp, one_contract));
    EXPECT_EQ(outside.account(buyer).contracts.at(btc_contract).funding,
              base::Price{10 * one_dollar})
        << "what is opened begins at once";
    house.set_funding(btc_contract, base::Price{30 * one_dollar});
    (void)client->expect<actors::MatchedTradeCleared>(
        actors::SubmitMatchedTrade{.account = buyer,
                                   .seller = seller,
                                   .id = trade_of(buyer, btc_perp, 1).id,
                                   .instrument = btc_perp,
                                   .quantity = Amount{one_contract},
                                   .price = base::Price{30'000 * one_dollar},
                                   .received_at = base::wall_clock_now()});
    EXPECT_EQ(outside.account(seller).contracts.at(btc_contract).funding,
              base::Price{30 * one_dollar});
    house.set_funding(btc_contract, base::Price{31 * one_dollar});
    EXPECT_TRUE(stands_at(outside, buyer, 31));
    EXPECT_TRUE(stands_at(outside, seller, 31));
    EXPECT_EQ(funding_of(outside, buyer), -22 * one_usdc);
    EXPECT_EQ(funding_of(outside, seller), one_usdc);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

struct Held {
    std::int64_t dollars{};
    std::int64_t contracts{};
};

// Pays in, and buys at a funding index of ten dollars.
std::unique_ptr<Client> holder_in(Outside& outside, House& house, base::AccountId trader,
                                  const Held& held) {
    outside.deposit(perpetuals, trader, usdc, held.dollars * one_usdc);
    auto client = house.client({trader});
    EXPECT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());
    house.set_funding(btc_contract, base::Price{10 * one_dollar});
    (void)client->expect<actors::TradeCleared>(
        trade_of(trader, btc_perp, held.contracts * one_contract));
    return client;
}

// Goal: after a restart a position pays for the time in which nobody was there, and until the index
// is known nobody adds to it; but anybody may close.
TEST(Contracts, FundingGoesOnAfterARestart) {
    Outside outside;
    const auto trader = account_in(base::PartitionId{1});
    {
        House house(outside);
        (void)holder_in(outside, house, trader, {.dollars = 100'000, .contracts = 4});
    }
    House house(outside);
    const auto client = house.client({trader});
    EXPECT_EQ(client->refusal_code(trade_of(trader, btc_perp, one_contract)), 11022);
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, -one_contract));
    house.set_funding(btc_contract, base::Price{15 * one_dollar});
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, one_contract));
    EXPECT_TRUE(stands_at(outside, trader, 15));
    EXPECT_EQ(funding_of(outside, trader), -15 * one_usdc);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: nothing leaves on the strength of what is owed in funding, known or not.
TEST(Contracts, FundingComesBeforeAWithdrawal) {
    Outside outside;
    const auto trader = account_in(base::PartitionId{1});
    {
        House house(outside);
        const auto client = holder_in(outside, house, trader, {.dollars = 20'000, .contracts = 1});
        const auto most = withdrawal_of(trader, usdc, 4'000 * one_usdc, perpetuals);
        house.set_funding(btc_contract, base::Price{15'000 * one_dollar});
        EXPECT_EQ(client->refusal_code(most), 11020) << "14,990 are due";
        house.set_funding(btc_contract, base::Price{10 * one_dollar});
        (void)client->expect<actors::WithdrawalTaken>(
            withdrawal_of(trader, usdc, 4'000 * one_usdc, perpetuals));
    }
    House house(outside);
    const auto client = house.client({trader});
    const auto little = withdrawal_of(trader, usdc, one_usdc, perpetuals);
    EXPECT_EQ(client->refusal_code(little), 11022) << "nobody knows what is due";
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST(Contracts, FundingIsOfPerpetualsOnly) {
    Outside outside;
    House house(outside);
    const auto client = house.client({});
    const auto publish = [&](base::AssetId of, base::Price index) {
        return client->ask(actors::PublishMarks{.marks = {},
                                                .at = base::wall_clock_now(),
                                                .funding = {{.contract = of, .index = index}}});
    };
    for (const auto& answer :
         {publish(eth, base::Price{1}), publish(base::AssetId{200}, base::Price{1}),
          publish(btc_contract, base::Price{2'000'000 * one_dollar}),
          publish(btc_contract, base::Price{-2'000'000 * one_dollar})}) {
        ASSERT_TRUE(std::holds_alternative<actors::Refusal>(answer));
        EXPECT_EQ(std::get<actors::Refusal>(answer).code, -32602);
    }
    EXPECT_TRUE(std::holds_alternative<actors::MarksTaken>(publish(btc_contract, base::Price{-1})));
}

// Goal: a contract whose price does not fit has none, and is not given back for nothing.
TEST(Contracts, APriceThatDoesNotFitIsNone) {
    Outside outside;
    House house{outside};
    const auto seller = account_in(base::PartitionId{1});
    const auto client = house.client({seller});
    outside.deposit(perpetuals, seller, usdc, 100'000 * one_usdc);
    (void)client->expect<actors::TradeCleared>(trade_of(seller, btc_perp, -one_contract));
    // An oracle slips: 30,000 dollars are 30 billion of a millionth.
    house.set_price(usdc, base::Price{one_dollar / 1'000'000});
    EXPECT_EQ(client->refusal_code(trade_of(seller, btc_perp, one_contract)), 11022);
    house.set_price(usdc, 1);
    EXPECT_EQ(client->refusal_code(trade_of(seller, btc_perp, one_contract)), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
