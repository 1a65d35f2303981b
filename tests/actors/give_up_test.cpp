#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <variant>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;

const auto the_buyer = account_in(base::PartitionId{1});
const auto the_seller = account_in(base::PartitionId{2});
const auto next_door = account_in(base::PartitionId{1}, 1);

const account::Holding& holding_in(const account::State& state, base::AssetId asset) {
    static const account::Holding none;
    const auto found = state.holdings.find(asset);
    return found == state.holdings.end() ? none : found->second;
}

std::int64_t owned(const Outside& outside, base::AccountId id, base::AssetId asset) {
    const auto state = outside.account(id);
    const auto& holding = holding_in(state, asset);
    return holding.free.v + holding.unsettled.v;
}

std::int64_t held(const Outside& outside, base::AccountId id, base::AssetId asset) {
    const auto state = outside.account(id);
    return holding_in(state, asset).held.v;
}

// The buyer has 10,000 USDC, the sellers an ETH each; the mark is 2,000.
void fund_both(Outside& outside) {
    outside.deposit(uniswap, the_buyer, usdc, 10'000 * one_usdc);
    outside.deposit(uniswap, the_seller, eth, one_eth);
    outside.deposit(uniswap, next_door, eth, one_eth);
}

actors::SubmitMatchedTrade match_of(base::AccountId from, std::int64_t quantity = one_eth / 2,
                                    std::int64_t dollars = 2'010) {
    return {.account = the_buyer,
            .seller = from,
            .id = trade_of(the_buyer, eth_swap, 1).id,
            .instrument = eth_swap,
            .quantity = Amount{quantity},
            .price = base::Price{dollars * one_dollar},
            .received_at = base::wall_clock_now()};
}

void expect_cleared(const Outside& outside, base::AccountId from) {
    EXPECT_EQ(owned(outside, the_buyer, eth), one_eth / 2);
    EXPECT_EQ(owned(outside, from, eth), one_eth / 2);
    EXPECT_LT(owned(outside, the_buyer, usdc), 10'000 * one_usdc - 1'005 * one_usdc);
    EXPECT_GT(owned(outside, from, usdc), 1'000 * one_usdc);
    EXPECT_LT(owned(outside, from, usdc), 1'005 * one_usdc);
}

void expect_nothing_done(const Outside& outside, base::AccountId from) {
    EXPECT_EQ(owned(outside, the_buyer, usdc), 10'000 * one_usdc);
    EXPECT_EQ(owned(outside, from, eth), one_eth);
    EXPECT_EQ(outside.watch.all<account::TradeNovated>().size(), 0U);
}

void expect_nothing_held(const Outside& outside) {
    for (const auto id : {the_buyer, the_seller, next_door}) {
        EXPECT_EQ(held(outside, id, usdc), 0);
        EXPECT_EQ(held(outside, id, eth), 0);
        EXPECT_TRUE(outside.account(id).matches.empty());
        EXPECT_TRUE(outside.account(id).sales.empty());
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST(GiveUp, IsClearedOnBothSidesInDifferentPartitions) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    const auto venue = house.client({the_buyer, the_seller});
    const auto match = match_of(the_seller);
    const auto cleared = venue->expect<actors::MatchedTradeCleared>(match);
    EXPECT_EQ(cleared.buyer, the_buyer);
    EXPECT_EQ(cleared.seller, the_seller);
    EXPECT_EQ(cleared.price, match.price);
    EXPECT_FALSE(cleared.is_repeat);
    expect_cleared(outside, the_seller);
    expect_nothing_held(outside);
    for (const auto& trade : outside.watch.all<account::TradeNovated>()) {
        EXPECT_GE(trade.settle_by, match.received_at + base::seconds(60)) << "as any trade is due";
    }

    const auto again = venue->expect<actors::MatchedTradeCleared>(match);
    EXPECT_TRUE(again.is_repeat);
    EXPECT_EQ(again.buyer_number, cleared.buyer_number);
    EXPECT_EQ(again.seller_number, cleared.seller_number);
    auto other_body = match;
    other_body.price.v += 1;
    EXPECT_EQ(venue->refusal_code(other_body), 11010);

    // On both accounts it is a trade like any other.
    for (const auto& [id, number] : {std::pair{the_buyer, cleared.buyer_number},
                                     std::pair{the_seller, cleared.seller_number}}) {
        const auto shown =
            venue->expect<actors::TradesView>(actors::GetTrade{.account = id, .number = number});
        ASSERT_EQ(shown.trades.size(), 1U);
        EXPECT_EQ(shown.trades.front().price, match.price);
    }
}

TEST(GiveUp, IsClearedWithinOnePartition) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    const auto venue = house.client({the_buyer, next_door});
    (void)venue->expect<actors::MatchedTradeCleared>(match_of(next_door));
    expect_cleared(outside, next_door);
    expect_nothing_held(outside);
}

TEST(GiveUp, IsRefusedForAnAccountThatTheKeyDoesNotName) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    EXPECT_EQ(house.client({the_buyer})->refusal_code(match_of(the_seller)), 13011);
    EXPECT_EQ(house.client({the_seller})->refusal_code(match_of(the_seller)), 13011);
    expect_nothing_done(outside, the_seller);
}

// Goal: whichever side cannot take it, neither has it, and the venue is told which.
TEST(GiveUp, IsDeclinedOnBothSidesWhereOneCannotTakeIt) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    const auto venue = house.client({the_buyer, the_seller});
    const auto too_much = match_of(the_seller, 2 * one_eth);
    for (int i = 0; i < 2; ++i) {
        const auto refusal = venue->expect<actors::Refusal>(too_much);
        EXPECT_EQ(refusal.code, 11021);
        EXPECT_EQ(refusal.reason, "seller_holding_insufficient");
        EXPECT_FALSE(refusal.retryable);
    }
    const auto dear = venue->expect<actors::Refusal>(match_of(the_seller, 6 * one_eth));
    EXPECT_EQ(dear.reason, "holding_insufficient") << "of the buyer";
    EXPECT_EQ(venue->refusal_code(match_of(the_seller, one_eth / 2, 2'101)), 11023);
    EXPECT_EQ(venue->refusal_code(match_of(the_buyer)), 11012);
    expect_nothing_done(outside, the_seller);
    expect_nothing_held(outside);
}

// The records of one matched trade, in order.
bool is_matched(const ledger::Entry& entry, bool is_purchase) {
    const auto* trade = event_in<account::TradeNovated>(entry);
    return trade != nullptr && trade->match != 0 && (trade->quantity > Amount{0}) == is_purchase;
}

bool is_match_step(const ledger::Entry& entry, int step) {
    switch (step) {
        case 0:
            return event_in<account::MatchReserved>(entry) != nullptr;
        case 1:
            return event_in<account::MatchAccepted>(entry) != nullptr ||
                   event_in<account::MatchDeclined>(entry) != nullptr;
        case 2:
            return is_matched(entry, true) || event_in<account::MatchAborted>(entry) != nullptr;
        case 3:
            return is_matched(entry, false);
        default:
            return event_in<account::MatchEnded>(entry) != nullptr;
    }
}

// A matched trade whose node is killed while this record cannot be written, and the next node.
void expect_both_or_neither_after_kill(std::int64_t quantity, int step) {
    SCOPED_TRACE("killed before record " + std::to_string(step));
    const bool is_sound = quantity <= one_eth;
    const auto match = match_of(the_seller, quantity);
    Outside outside;
    std::future<actors::Answer> given;
    {
        House house(outside);
        fund_both(outside);
        outside.journal.decline([step](const auto& entry) { return is_match_step(entry, step); });
        const auto venue = house.client({the_buyer, the_seller});
        given = venue->send(match);
        ASSERT_TRUE(outside.watch.await_line("Record declined."));
    }
    const auto early = given_by_now(given);
    EXPECT_FALSE(early && std::holds_alternative<actors::MatchedTradeCleared>(*early))
        << "one side is not written";
    outside.journal.decline(nullptr);
    House house(outside);
    const auto venue = house.client({the_buyer, the_seller});
    const auto answer = venue->ask(match);
    ASSERT_TRUE(outside.watch.await([&] { return outside.account(the_buyer).matches.empty(); }));
    if (std::holds_alternative<actors::MatchedTradeCleared>(answer)) {
        EXPECT_TRUE(is_sound);
        expect_cleared(outside, the_seller);
        EXPECT_EQ(outside.watch.all<account::TradeNovated>().size(), 2U);
    } else {
        // The deadline goes on while nobody is there, and a seller that was just woken may have no
        // fresh price yet; what was decided stays.
        const auto& refusal = std::get<actors::Refusal>(answer);
        EXPECT_TRUE(refusal.reason == "match_timed_out" ||
                    refusal.reason == "seller_price_is_stale" ||
                    (!is_sound && refusal.reason == "seller_holding_insufficient"))
            << refusal.reason;
        EXPECT_TRUE(!is_sound || step < 3) << "the buyer's account had decided";
        expect_nothing_done(outside, the_seller);
    }
    expect_nothing_held(outside);
}

// Goal: wherever the node is killed, the next one clears both sides or neither, once.
TEST(GiveUp, IsClearedOnBothSidesOrNeitherWhereverTheNodeIsKilled) {
    for (int step = 0; step < 5; ++step) expect_both_or_neither_after_kill(one_eth / 2, step);
}

TEST(GiveUp, IsDeclinedOnceWhereverTheNodeIsKilled) {
    for (int step = 0; step < 3; ++step) expect_both_or_neither_after_kill(2 * one_eth, step);
}

// Goal: a seller whose partition cannot write is not waited for, and finds it over later.
TEST(GiveUp, IsGivenUpInTimeWhereTheSellerDoesNotAnswer) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    outside.journal.decline([](const auto& entry) { return is_match_step(entry, 1); });
    const auto venue = house.client({the_buyer, the_seller});
    const auto match = match_of(the_seller);
    const auto refusal = venue->expect<actors::Refusal>(match);
    EXPECT_EQ(refusal.reason, "match_timed_out");
    EXPECT_EQ(refusal.code, 11040);
    EXPECT_EQ(owned(outside, the_buyer, usdc), 10'000 * one_usdc) << "at once";
    outside.journal.decline(nullptr);
    ASSERT_TRUE(outside.watch.await([&] { return outside.account(the_buyer).matches.empty(); }));
    expect_nothing_done(outside, the_seller);
    expect_nothing_held(outside);
    EXPECT_EQ(venue->expect<actors::Refusal>(match).reason, "match_timed_out");
}

// Goal: margin is held for what may be cleared: a purchase that is reserved and the next one have
// to fit together.
TEST(GiveUp, CountsForMarginWhileItIsReserved) {
    Outside outside;
    House house(outside);
    fund_both(outside);
    outside.deposit(uniswap, the_seller, usdc, 100'000 * one_usdc);
    const auto venue = house.client({the_buyer, the_seller});
    const auto is_acceptable = [&](std::int64_t quantity) {
        return venue
            ->expect<actors::TradePreview>(actors::PreviewTrade{
                .account = the_buyer, .instrument = btc_perp, .quantity = Amount{quantity}})
            .is_acceptable;
    };
    std::int64_t most = one_contract / 100;
    while (is_acceptable(2 * most)) most *= 2;
    ASSERT_TRUE(is_acceptable(most));

    outside.journal.decline([](const auto& entry) { return is_match_step(entry, 1); });
    auto match = match_of(the_seller, most, 30'000);
    match.instrument = btc_perp;
    const auto answer = venue->send(match);
    ASSERT_TRUE(outside.watch.await_event<account::MatchReserved>().has_value());
    EXPECT_FALSE(is_acceptable(most));
    EXPECT_FALSE(is_acceptable(-2 * most)) << "nothing of it may be cleared";
    outside.journal.decline(nullptr);
}

// Goal: limits hold for what may be cleared. So many of the same are reserved that with the next
// one a limit would be passed, whether all of them are cleared or none.
void expect_refused_after(std::size_t reserved, actors::SubmitMatchedTrade match) {
    Outside outside;
    House house(outside);
    outside.deposit(uniswap, the_buyer, usdc, 20'000'000 * one_usdc);
    const auto venue = house.client({the_buyer, the_seller});
    outside.journal.decline([](const auto& entry) { return is_match_step(entry, 1); });
    std::vector<std::future<actors::Answer>> answers;
    for (std::size_t i = 0; i < reserved; ++i) {
        match.id = trade_of(the_buyer, eth_swap, 1).id;
        answers.push_back(venue->send(match));
    }
    ASSERT_TRUE(
        outside.watch.await([&] { return outside.account(the_buyer).matches.size() == reserved; }));
    match.id = trade_of(the_buyer, eth_swap, 1).id;
    EXPECT_EQ(venue->expect<actors::Refusal>(match).reason, "too_much_open");
    outside.journal.decline(nullptr);
}

TEST(GiveUp, CountsForWhatMayBeUnsettledWhileItIsReserved) {
    // 904,500 USD each, and 5,000,000 may be unsettled.
    expect_refused_after(5, match_of(the_seller, 450 * one_eth));
}

TEST(GiveUp, CountsForTheSizeOfTheAccountWhileItIsReserved) {
    // 900,000 USD each, and 10,000,000 are the most that an account may have.
    auto match = match_of(the_seller, 30 * one_contract, 30'000);
    match.instrument = btc_perp;
    expect_refused_after(11, match);
}

// Goal: nobody asks again after the restart but the buyer's account itself.
TEST(GiveUp, GoesOnAfterARestartWithoutItsVenue) {
    Outside outside;
    {
        House house(outside);
        fund_both(outside);
        outside.journal.decline([](const auto& entry) { return is_match_step(entry, 3); });
        const auto venue = house.client({the_buyer, the_seller});
        const auto answer = venue->send(match_of(the_seller));
        ASSERT_TRUE(outside.watch.await_line("Record declined."));
    }
    outside.journal.decline(nullptr);
    House house(outside);
    ASSERT_TRUE(outside.watch.await_event<account::MatchEnded>().has_value());
    expect_cleared(outside, the_seller);
    expect_nothing_held(outside);
}

}  // namespace
}  // namespace crossclear::tests
