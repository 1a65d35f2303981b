#include "ledger/withdrawal/gate.hpp"

#include <gtest/gtest.h>

namespace crossclear::ledger::withdrawal {
namespace {

using base::Amount;

constexpr base::AssetId usdc{0};
constexpr base::AssetId eth{1};
constexpr base::ShardId here{0};
constexpr base::ShardId there{1};
constexpr base::Ppm a_quarter{250'000};
constexpr base::Timestamp noon{43'200'000'000};

Departure a_departure(std::uint32_t number, std::int64_t amount, base::AssetId asset = usdc,
                      base::ShardId shard = here) {
    return {.withdrawal = {.kind = base::EntityKind::withdrawal, .id = 17, .sub = number},
            .asset = asset,
            .amount = Amount{amount},
            .shard = shard};
}

constexpr Standing standing{
    .holdings = Amount{1'000}, .suspended = {}, .on_shard = Amount{200}, .is_current = true};

Findings look_at(const Gate& gate, const Departure& departure, const Standing& figures = standing,
                 base::Timestamp now = noon) {
    return look(gate, departure, figures, a_quarter, now);
}

TEST(WithdrawalGate, LetsTheHoursShareOutAndNoMore) {
    Gate gate;
    let_through(gate, a_departure(1, 150, usdc, there), noon);
    EXPECT_TRUE(look_at(gate, a_departure(2, 100)).is_gate_open);
    EXPECT_FALSE(look_at(gate, a_departure(2, 101)).is_gate_open);
    EXPECT_TRUE(look_at(gate, a_departure(2, 101, eth)).is_gate_open) << "each asset by itself";
}

TEST(WithdrawalGate, CountsWhatHasLeftForAnHour) {
    Gate gate;
    let_through(gate, a_departure(1, 150), noon);
    forget(gate, a_departure(1, 150).withdrawal);
    const auto after = noon + base::seconds(3'600);
    EXPECT_FALSE(look_at(gate, a_departure(2, 101), standing, after).is_gate_open);
    EXPECT_TRUE(
        look_at(gate, a_departure(2, 101), standing, after + base::seconds(1)).is_gate_open);
    let_through(gate, a_departure(3, 1), after + base::seconds(1));
    EXPECT_EQ(gate.outflows.size(), 1U) << "what is older is not remembered";
}

TEST(WithdrawalGate, IsClosedWhileTokensAreMissing) {
    auto figures = standing;
    figures.suspended = Amount{1};
    EXPECT_FALSE(look_at({}, a_departure(1, 1), figures).is_gate_open);
    figures.suspended = Amount{-1};
    EXPECT_TRUE(look_at({}, a_departure(1, 1), figures).is_gate_open) << "a surplus is no reason";
}

TEST(WithdrawalGate, CoversNothingTwice) {
    Gate gate;
    let_through(gate, a_departure(1, 120), noon);
    EXPECT_TRUE(look_at(gate, a_departure(2, 80)).is_covered);
    EXPECT_FALSE(look_at(gate, a_departure(2, 81)).is_covered);
    EXPECT_TRUE(look_at(gate, a_departure(1, 120)).is_covered) << "not against itself";
    EXPECT_TRUE(look_at(gate, a_departure(2, 200, usdc, there)).is_covered) << "another shard";
    forget(gate, a_departure(1, 120).withdrawal);
    EXPECT_TRUE(look_at(gate, a_departure(2, 200)).is_covered);
}

TEST(WithdrawalGate, TrustsNoFiguresThatAreBehind) {
    auto figures = standing;
    figures.is_current = false;
    EXPECT_FALSE(look_at({}, a_departure(1, 1), figures).is_covered);
}

TEST(WithdrawalGate, ARepeatCountsOnce) {
    Gate gate;
    let_through(gate, a_departure(1, 150), noon);
    let_through(gate, a_departure(1, 150), noon);
    EXPECT_TRUE(look_at(gate, a_departure(2, 50)).is_gate_open);
    EXPECT_EQ(gate.outflows.size(), 1U);
}

}  // namespace
}  // namespace crossclear::ledger::withdrawal
