#pragma once

#include "ledger/netting/machine.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

/// What the tests of the house start from.

namespace crossclear::ledger::netting::builders {

inline constexpr base::BrokerId broker{0};
inline constexpr base::AssetId usdc{0};
inline constexpr base::AssetId eth{1};
inline constexpr base::ShardId here{0};
inline constexpr base::ShardId there{1};
inline constexpr base::PartitionId first{0};
inline constexpr base::PartitionId second{1};
inline constexpr base::AccountId client{17};

/// The house of `broker`, over two partitions, not founded.
inline State a_house() {
    State state;
    state.id = base::entity_of(base::EntityKind::netting, broker);
    state.partitions = 2;
    return state;
}

/// Decides and applies; the events, none where it was refused.
inline std::vector<Event> run(State& state, const Command& command) {
    const auto decision = decide(state, command);
    if (!decision) return {};
    for (const auto& event : *decision) apply(state, event);
    EXPECT_EQ(check_invariants(state), std::nullopt);
    return *decision;
}

/// Needs `need` ETH at 2 USDC; bought at 2.1 at most.
inline Exposure an_exposure(std::int64_t need) {
    return Exposure{.base = eth,
                    .instrument = {},
                    .shard = here,
                    .is_contract = false,
                    .settlement = usdc,
                    .need = base::Amount{need},
                    .need_before = base::Amount{need},
                    .overdue = {},
                    .band = base::Amount{10},
                    .task_max = base::Amount{1'000},
                    .mark = {},
                    .bound_buy = {},
                    .bound_sell = {},
                    .cost_at_bound = base::Amount{2'100},
                    .notional_cents_of_max = 200'000,
                    .given_on_shard = base::Amount{100'000},
                    .base_on_shard = base::Amount{100'000},
                    .position = {},
                    .position_max = {}};
}

inline CoverLine a_line(base::AssetId asset, std::int64_t backing,
                        std::vector<CoverLine::Want> wants = {}) {
    return CoverLine{.asset = asset,
                     .backing = base::Amount{backing},
                     .reserve = {},
                     .partitions = std::move(wants)};
}

inline Balance a_balance(std::vector<CoverLine> cover, std::vector<Exposure> exposures = {}) {
    return Balance{.cover = std::move(cover),
                   .exposures = std::move(exposures),
                   .is_market_orderly = true,
                   .now = {}};
}

inline RecordDeposit a_deposit(Finality finality, std::int64_t amount = 50) {
    return RecordDeposit{.notice = {.id = 3,
                                    .shard = here,
                                    .account = client,
                                    .asset = eth,
                                    .amount = base::Amount{amount},
                                    .finality = finality,
                                    .block = 9},
                         .at = {}};
}

inline RecordDeposit told(Finality finality, std::uint64_t block) {
    auto deposit = a_deposit(finality);
    deposit.notice.block = block;
    return deposit;
}

inline RecordVariations a_variation(std::uint64_t number, std::int64_t change = 4) {
    return RecordVariations{.shard = here,
                            .lines = {{.notice = {.shard = here,
                                                  .number = number,
                                                  .instrument = {},
                                                  .change = base::Amount{change},
                                                  .closed = {},
                                                  .block = 1},
                                       .contract = eth,
                                       .settlement = usdc}},
                            .at = {}};
}

}  // namespace crossclear::ledger::netting::builders
