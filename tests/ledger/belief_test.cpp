#include "ledger/belief.hpp"

#include <gtest/gtest.h>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::Price;

constexpr Belief::Scales scales{.base = 9, .settlement = 6};
constexpr std::int64_t unit = 1'000'000'000;  // Of what is traded, and a dollar as a price.

// 2 units for 3,000 dollars each, no better than the bound.
TradeFigures a_trade(bool is_buy) {
    return {.quantity = Amount{2 * unit},
            .cash = Amount{6'000'000'000},
            .price = Price{3'000 * unit},
            .bound = Price{3'000 * unit},
            .is_buy = is_buy,
            .is_contract = false};
}

template <class Change>
TradeFigures changed(bool is_buy, Change change) {
    auto trade = a_trade(is_buy);
    change(trade);
    return trade;
}

TEST(Belief, GasIsWhatIsThereOrKeptBackAndReceiptsWhatStillFits) {
    struct Row {
        const char* claim;
        HeldThere held;
        std::int64_t gas_max;
        std::int64_t received_max;
    };
    const std::int64_t most = figure_max.v;
    const auto held = [](std::int64_t gas, std::int64_t reserve, std::int64_t received) {
        return HeldThere{Amount{gas}, Amount{reserve}, Amount{received}};
    };
    const Row rows[] = {
        {"held and reserve", held(30, 7, 10), 37, most - 10},
        {"no reserve", held(30, 0, 0), 30, most},
        {"a debt is no reason to doubt the reserve", held(-50, 7, -20), 7, most},
        {"nothing there", held(0, 0, most), 0, 0},
        {"more than fits", held(most, most, INT64_MAX), most, 0},
        {"the ends of the type", held(INT64_MIN, INT64_MAX, INT64_MIN), most, most},
    };
    for (const auto& row : rows) {
        const auto belief = belief_from(row.held);
        EXPECT_EQ(belief.gas_max, Amount{row.gas_max}) << row.claim;
        EXPECT_EQ(belief.received_max, Amount{row.received_max}) << row.claim;
        EXPECT_FALSE(belief.scales) << row.claim;
    }
}

TEST(Belief, TakesWhatPriceAndQuantityMake) {
    for (const bool is_buy : {true, false}) {
        EXPECT_TRUE(is_price_credible(a_trade(is_buy), scales));
        for (const int rounded : {-3, 3}) {
            EXPECT_TRUE(is_price_credible(
                changed(is_buy, [&](auto& t) { t.cash.v += rounded / 2; }), scales));
            EXPECT_FALSE(
                is_price_credible(changed(is_buy, [&](auto& t) { t.cash.v += rounded; }), scales));
        }
    }
}

TEST(Belief, TakesNothingThatContradictsItself) {
    struct Row {
        const char* claim;
        TradeFigures trade;
    };
    const auto cheap = [](auto& t) {
        t.price = Price{2'999 * unit}, t.cash = Amount{5'998'000'000};
    };
    const auto dear = [](auto& t) {
        t.price = Price{3'001 * unit}, t.cash = Amount{6'002'000'000};
    };
    const Row rows[] = {
        {"no price", changed(true, [](auto& t) { t.price = Price{0}; })},
        {"a negative price", changed(false, [](auto& t) { t.price = Price{INT64_MIN}; })},
        {"a price without an end", changed(false, [](auto& t) { t.price = Price{INT64_MAX}; })},
        {"bought above the bound", changed(true, dear)},
        {"sold below it", changed(false, cheap)},
        {"sold for eleven times as much",
         changed(false, [](auto& t) { t.price.v *= 11, t.cash.v *= 11; })},
        {"cash for nothing", changed(false, [](auto& t) { t.quantity = Amount{0}; })},
        {"nothing for what was sold", changed(false, [](auto& t) { t.cash = Amount{0}; })},
        {"cash without an end", changed(false, [](auto& t) { t.cash = Amount{INT64_MAX}; })},
        {"a quantity without an end",
         changed(true, [](auto& t) { t.quantity = Amount{INT64_MAX}; })},
        {"cash for a contract", changed(false, [](auto& t) { t.is_contract = true; })},
    };
    for (const auto& [claim, trade] : rows) {
        EXPECT_FALSE(is_price_credible(trade, scales)) << claim;
    }
    EXPECT_TRUE(is_price_credible(changed(true, cheap), scales)) << "bought for less";
    EXPECT_TRUE(is_price_credible(changed(false, dear), scales)) << "sold for more";
    EXPECT_TRUE(is_price_credible({}, scales)) << "nothing at all";
}

}  // namespace
}  // namespace crossclear::ledger
