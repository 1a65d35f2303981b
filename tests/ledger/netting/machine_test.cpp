#include "ledger/netting/machine.hpp"

#include "base/rng.hpp"
#include "ledger/postings.hpp"
#include "tests/ledger/netting/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace crossclear::ledger::netting {
namespace {

using namespace builders;
using base::Amount;
using base::Timestamp;

constexpr base::AssetId eth{1};
constexpr base::ShardId here{0};
constexpr base::ShardId there{1};
constexpr base::PartitionId first{0};
constexpr base::PartitionId second{1};
constexpr base::AccountId client{17};

// Needs `need` ETH at 2 USDC; bought at 2.1 at most.
Exposure an_exposure(std::int64_t need) {
    return Exposure{.base = eth,
                    .instrument = {},
                    .shard = here,
                    .is_contract = false,
                    .settlement = usdc,
                    .need = Amount{need},
                    .need_before = Amount{need},
                    .overdue = {},
                    .band = Amount{10},
                    .task_max = Amount{1'000},
                    .mark = {},
                    .bound_buy = {},
                    .bound_sell = {},
                    .cost_at_bound = Amount{2'100},
                    .notional_cents_of_max = 200'000,
                    .given_on_shard = Amount{100'000},
                    .base_on_shard = Amount{100'000},
                    .position = {},
                    .position_max = {}};
}

CoverLine a_line(base::AssetId asset, std::int64_t backing,
                 std::vector<CoverLine::Want> wants = {}) {
    return CoverLine{
        .asset = asset, .backing = Amount{backing}, .reserve = {}, .partitions = std::move(wants)};
}

Balance a_balance(std::vector<CoverLine> cover, std::vector<Exposure> exposures = {}) {
    return Balance{.cover = std::move(cover),
                   .exposures = std::move(exposures),
                   .is_market_orderly = true,
                   .now = {}};
}

RecordDeposit a_deposit(Finality finality, std::int64_t amount = 50) {
    return RecordDeposit{.notice = {.id = 3,
                                    .shard = here,
                                    .account = client,
                                    .asset = eth,
                                    .amount = Amount{amount},
                                    .finality = finality,
                                    .block = 9},
                         .at = {}};
}

RecordDeposit told(Finality finality, std::uint64_t block) {
    auto deposit = a_deposit(finality);
    deposit.notice.block = block;
    return deposit;
}

RecordVariations a_variation(std::uint64_t number, std::int64_t change = 4) {
    return RecordVariations{.shard = here,
                            .lines = {{.notice = {.shard = here,
                                                  .number = number,
                                                  .instrument = {},
                                                  .change = Amount{change},
                                                  .closed = {},
                                                  .block = 1},
                                       .contract = eth,
                                       .settlement = usdc}},
                            .at = {}};
}

TEST(Netting, GrantsTheOldestFirstAndNeverMoreThanIsThere) {
    State state = a_house();
    run(state, a_balance({a_line(eth, 100, {{second, Amount{80}, {}}, {first, Amount{80}, {}}})}));
    EXPECT_EQ((state.granted.at({second, eth})), Amount{80});
    EXPECT_EQ((state.granted.at({first, eth})), Amount{20});
    // All is promised: whatever is wanted, nothing more is granted.
    EXPECT_TRUE(run(state, a_balance({a_line(eth, 100, {{first, Amount{60}, {}}})})).empty());
    // What one gives back another may have.
    run(state, a_balance({a_line(eth, 100, {{first, Amount{60}, {}}, {second, {}, Amount{30}}})}));
    EXPECT_EQ((state.granted.at({first, eth})), Amount{50});
}

TEST(Netting, KeepsAReserveBack) {
    State state = a_house();
    auto line = a_line(eth, 100, {{first, Amount{80}, {}}});
    line.reserve = Amount{40};
    run(state, a_balance({line}));
    EXPECT_EQ((state.granted.at({first, eth})), Amount{60});
}

TEST(Netting, WhatAHedgeMaySpendIsNotGranted) {
    State state = a_house();
    run(state, a_balance({a_line(usdc, 1'000)}, {an_exposure(200)}));
    ASSERT_EQ(state.hedges.size(), 1U);
    EXPECT_EQ(state.hedges.begin()->second.reserved, Amount{420});
    run(state, a_balance({a_line(usdc, 1'000, {{first, Amount{900}, {}}})}));
    EXPECT_EQ((state.granted.at({first, usdc})), Amount{580});
}

TEST(Netting, FitsATaskToWhatIsNotPromised) {
    State state = a_house();
    run(state, a_balance({a_line(usdc, 210)}, {an_exposure(200)}));
    EXPECT_EQ(state.hedges.begin()->second.quantity, Amount{100});
    EXPECT_EQ(state.hedges.begin()->second.reserved, Amount{210});
}

TEST(Netting, LeavesAResidualInsideItsBandUnlessClaimsAreDue) {
    State state = a_house();
    auto exposure = an_exposure(10);
    EXPECT_TRUE(run(state, a_balance({a_line(usdc, 1'000)}, {exposure})).empty());
    exposure.overdue = Amount{4};
    run(state, a_balance({a_line(usdc, 1'000)}, {exposure}));
    EXPECT_EQ(state.hedges.begin()->second.quantity, Amount{4});
}

// Goal: partitions report one after the other. What is there at one look alone may be half of two
// trades that cancel, and is not hedged; what is due is bought at once.
TEST(Netting, HedgesWhatStoodAtTwoLooks) {
    const auto quantity_after = [](std::int64_t before, std::int64_t need, std::int64_t due = 0) {
        State state = a_house();
        auto exposure = an_exposure(need);
        exposure.need_before = Amount{before};
        exposure.overdue = Amount{due};
        run(state, a_balance({a_line(usdc, 9'000), a_line(eth, 9'000)}, {exposure}));
        return state.hedges.empty() ? 0 : state.hedges.begin()->second.quantity.v;
    };
    EXPECT_EQ(quantity_after(0, 200), 0);
    EXPECT_EQ(quantity_after(-200, 200), 0) << "it has turned";
    EXPECT_EQ(quantity_after(200, 0), 0) << "it is gone";
    EXPECT_EQ(quantity_after(150, 200), 150);
    EXPECT_EQ(quantity_after(300, 200), 200);
    EXPECT_EQ(quantity_after(-150, -200), -150);
    EXPECT_EQ(quantity_after(10, 200), 0) << "what lasts is inside the band";
    EXPECT_EQ(quantity_after(0, 200, 40), 40);
}

TEST(Netting, SellsWhatItHasTooMuchOf) {
    State state = a_house();
    run(state, a_balance({a_line(eth, 1'000)}, {an_exposure(-200)}));
    EXPECT_EQ(state.hedges.begin()->second.quantity, Amount{-200});
    EXPECT_EQ(state.hedges.begin()->second.given_asset, eth);
}

TEST(Netting, HasOneOpenTaskAnAsset) {
    State state = a_house();
    run(state, a_balance({a_line(usdc, 10'000)}, {an_exposure(200)}));
    run(state, a_balance({a_line(usdc, 10'000)}, {an_exposure(500)}));
    EXPECT_EQ(state.hedges.size(), 1U);
    const CloseHedge close{.number = 1, .filled = Amount{100}, .at = {}};
    const auto closed = run(state, close);
    ASSERT_EQ(closed.size(), 1U);
    EXPECT_EQ(std::get<HedgeClosed>(closed.front()).notional_cents, 20'000);
    EXPECT_TRUE(run(state, close).empty());
    run(state, a_balance({a_line(usdc, 10'000)}, {an_exposure(500)}));
    EXPECT_EQ(state.hedges.begin()->first, 2U);
}

TEST(Netting, OpensNothingWhileTheMarketIsDisorderly) {
    State state = a_house();
    auto balance = a_balance({a_line(usdc, 10'000)}, {an_exposure(200)});
    balance.is_market_orderly = false;
    EXPECT_TRUE(run(state, balance).empty());
}

TEST(Netting, BooksADepositOnceHoweverOftenItIsTold) {
    State state = a_house();
    EXPECT_EQ(run(state, a_deposit(Finality::final)).size(), 2U) << "seen, then final";
    EXPECT_TRUE(run(state, a_deposit(Finality::final)).empty());
    EXPECT_TRUE(run(state, a_deposit(Finality::included)).empty());
    EXPECT_TRUE(run(state, a_deposit(Finality::unseen)).empty()) << "final stays final";
    run(state, AcknowledgeDeposit{.deposit = 3, .shard = here, .finality = Finality::final});
    EXPECT_TRUE(state.deposits.empty());
    EXPECT_TRUE(run(state, a_deposit(Finality::final)).empty());
    EXPECT_EQ((state.deposited.at({base::partition_of(client, 2), eth})), Amount{50});
}

// Goal: notices repeat and change order. Whatever comes late of a block that was replaced, a
// deposit counts for no more than the block that holds it now bears, and a final one is never lost.
TEST(Netting, ADepositStandsOnlyInABlockThatWasNotReplaced) {
    using enum Finality;
    struct Case {
        const char* name;
        std::vector<RecordDeposit> notices;
        Finality stands;
    };
    const Case cases[] = {
        {"gone", {told(safe, 10), told(unseen, 10)}, unseen},
        {"a late word", {told(included, 10), told(unseen, 10), told(safe, 10)}, unseen},
        {"an older late word", {told(included, 10), told(unseen, 10), told(seen, 0)}, unseen},
        {"in a later block",
         {told(included, 10), told(unseen, 10), told(included, 12), told(safe, 10)},
         included},
        {"told gone twice",
         {told(safe, 10), told(unseen, 10), told(safe, 12), told(unseen, 10)},
         safe},
        {"told gone late", {told(included, 10), told(included, 12), told(unseen, 10)}, included},
        {"less certain again", {told(safe, 10), told(included, 12), told(safe, 10)}, included},
        {"gone twice",
         {told(included, 10), told(unseen, 10), told(included, 12), told(unseen, 12),
          told(safe, 12)},
         unseen},
        {"gone first", {told(unseen, 10), told(included, 10)}, unseen},
        {"gone unseen twice",
         {told(unseen, 10), told(unseen, 12), told(included, 12), told(safe, 10)},
         unseen},
        {"gone from a block nobody names", {told(included, 10), told(unseen, 0)}, unseen},
        {"final after all", {told(included, 10), told(unseen, 10), told(final, 9)}, final},
    };
    for (const auto& one : cases) {
        State state = a_house();
        for (const auto& notice : one.notices) {
            run(state, notice);
            // The account books at once; that must not make the house forget.
            if (notice.notice.finality == unseen) {
                run(state, AcknowledgeDeposit{.deposit = 3, .shard = here, .finality = unseen});
            }
        }
        const auto found = state.deposits.find({here, 3});
        EXPECT_EQ(found == state.deposits.end() ? unseen : found->second.recorded, one.stands)
            << one.name;
    }
}

// Goal: what the account was told of the earlier block is taken back before the later one counts.
TEST(Netting, ADepositThatMovedToALaterBlockBeginsAnew) {
    State state = a_house();
    run(state, told(Finality::safe, 10));
    std::vector<Finality> recorded;
    for (const auto& event : run(state, told(Finality::included, 12))) {
        recorded.push_back(std::get<DepositRecorded>(event).finality);
    }
    EXPECT_EQ(recorded, (std::vector{Finality::unseen, Finality::seen, Finality::included}));
    EXPECT_EQ(run(state, told(Finality::safe, 12)).size(), 1U);
    EXPECT_EQ(run(state, told(Finality::final, 12)).size(), 1U);
    EXPECT_TRUE(state.deposits_gone.empty());
}

TEST(Netting, RefusesADepositThatContradictsItself) {
    State state = a_house();
    run(state, a_deposit(Finality::seen));
    EXPECT_EQ(decide(state, a_deposit(Finality::final, 51)).error(),
              Reject::deposit_contradicts_record);
    // Gone and not yet booked as that: its account has the first figures still.
    run(state, a_deposit(Finality::unseen));
    auto in_later_block = a_deposit(Finality::included, 51);
    in_later_block.notice.block = 12;
    EXPECT_EQ(decide(state, in_later_block).error(), Reject::deposit_contradicts_record);
    auto other = a_deposit(Finality::seen);
    other.notice.account = base::account_id(base::BrokerId{1}, 17);
    EXPECT_EQ(decide(a_house(), other).error(), Reject::deposit_of_other_broker);
}

TEST(Netting, TakesVariationInOrder) {
    State state = a_house();
    EXPECT_EQ(run(state, a_variation(1)).size(), 1U);
    EXPECT_TRUE(run(state, a_variation(1)).empty());
    EXPECT_EQ(decide(state, a_variation(3)).error(), Reject::variation_out_of_order);
    EXPECT_EQ(run(state, a_variation(2)).size(), 1U);
}

TEST(Netting, RefillsAShardFromTheRichestThatCanSpareIt) {
    State state = a_house();
    const LevelShards level{.lines = {{here, usdc, Amount{5}, Amount{10}, Amount{50}},
                                      {there, usdc, Amount{70}, Amount{10}, Amount{50}}},
                            .now = {}};
    const auto events = run(state, level);
    ASSERT_EQ(events.size(), 1U);
    const auto& move = std::get<MoveOpened>(events.front());
    EXPECT_EQ(move.from, there);
    EXPECT_EQ(move.to, here);
    EXPECT_EQ(move.amount, Amount{20}) << "the giver keeps its own target";
    EXPECT_TRUE(run(state, level).empty()) << "one move at a time";
    EXPECT_EQ(outstanding(state).size(), 1U);
    run(state, CloseMove{.number = 1, .is_settled = true, .at = {}});
    EXPECT_TRUE(outstanding(state).empty());
}

TEST(Netting, IsFoundedOnce) {
    State state = a_house();
    const Found found{.lines = {{here, usdc, Amount{100}, Source::capital}},
                      .margins = {{here, usdc, Amount{40}}},
                      .at = {}};
    EXPECT_EQ(run(state, found).size(), 2U);
    EXPECT_TRUE(run(state, found).empty());
    // Margin on its way leaves the backing: it must not be promised meanwhile.
    run(state, a_balance({a_line(usdc, 100, {{first, Amount{100}, {}}})}));
    EXPECT_EQ((state.granted.at({first, usdc})), Amount{60});
}

// --- Laws ----------------------------------------------------------------------------------------

struct NettingTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static std::string encode(const Event& event) {
        return tests::payload_of(base::entity_of(base::EntityKind::netting, base::BrokerId{0}),
                                 event);
    }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return a_house(); }

    static Amount random_amount(base::Rng& rng, std::uint64_t below) {
        return Amount{static_cast<std::int64_t>(rng.below(below))};
    }

    static Command random_balance(base::Rng& rng) {
        Balance balance = a_balance({a_line(usdc, 1'000), a_line(eth, 1'000)});
        for (auto& line : balance.cover) {
            line.backing = random_amount(rng, 5'000);
            line.partitions = {{first, random_amount(rng, 300), random_amount(rng, 50)},
                               {second, random_amount(rng, 300), {}}};
        }
        balance.exposures = {an_exposure(static_cast<std::int64_t>(rng.below(800)) - 400)};
        balance.exposures.front().is_contract = rng.below(4) == 0;
        if (rng.below(2) == 0) balance.exposures.front().whole_before = random_amount(rng, 9);
        return balance;
    }

    static Command random_margins(base::Rng& rng) {
        const MarginPolicy policy{.venue = here,
                                  .asset = usdc,
                                  .floor = Amount{20},
                                  .share = base::Ppm{200'000},
                                  .slack = base::Ppm{250'000}};
        return KeepMargins{.lines = {{.policy = policy,
                                      .value = random_amount(rng, 500),
                                      .due = random_amount(rng, 10),
                                      .held = random_amount(rng, 500)}},
                           .cover = {a_line(usdc, 2'000)},
                           .now = {}};
    }

    static Command random_departure(base::Rng& rng) {
        const DepartureKey withdrawal{.account = base::AccountId{17},
                                      .number = static_cast<std::uint32_t>(rng.below(6))};
        const base::Timestamp at{static_cast<std::int64_t>(rng.below(200'000)) * 1'000'000};
        if (rng.below(4) == 0) return CloseDeparture{.withdrawal = withdrawal, .at = at};
        if (rng.below(8) == 0) return KeepDepartures{.open = {withdrawal}, .at = at};
        return ReviewDeparture{
            .withdrawal = withdrawal,
            .departure = {.asset = usdc, .amount = random_amount(rng, 60), .shard = here},
            .holdings = Amount{400},
            .suspended = {},
            .on_shard = Amount{200},
            .is_current = rng.below(5) > 0,
            .hour_max = base::Ppm{250'000},
            .day_max = base::Ppm{500'000},
            .at = at};
    }

    static Command random_command(base::Rng& rng, const State& state) {
        if (!state.is_founded) {
            return Found{.lines = {{here, usdc, Amount{100}, Source::capital}},
                         .margins = {{here, usdc, Amount{40}}},
                         .at = {}};
        }
        switch (rng.below(11)) {
            case 8:
            case 9:
                return random_departure(rng);
            case 7:
                return random_margins(rng);
            case 0: {
                auto deposit = told(static_cast<Finality>(rng.below(5)), rng.below(12));
                deposit.notice.id = rng.below(4);
                return deposit;
            }
            case 1:
                return AcknowledgeDeposit{.deposit = rng.below(4),
                                          .shard = here,
                                          .finality = static_cast<Finality>(rng.below(5))};
            case 2:
                return a_variation(1 + rng.below(10),
                                   static_cast<std::int64_t>(rng.below(60)) - 40);
            case 3:
                return LevelShards{
                    .lines = {{here, usdc, random_amount(rng, 60), Amount{30}, Amount{50}},
                              {there, usdc, Amount{400}, Amount{10}, Amount{50}}},
                    .now = {}};
            case 4:
                return CloseHedge{.number = 1 + rng.below(state.numbers + 1),
                                  .filled = random_amount(rng, 50),
                                  .at = {}};
            case 5:
                return CloseMove{
                    .number = 1 + rng.below(state.numbers + 1), .is_settled = true, .at = {}};
            case 6:
                return BookResult{.settlement = usdc,
                                  .conv = Amount{static_cast<std::int64_t>(rng.below(9)) - 4},
                                  .vm = Amount{2},
                                  .at = {}};
            default:
                return random_balance(rng);
        }
    }

    // Figures come with the command: the same figures again mean that as much is wanted again.
    static bool is_idempotent(const Command& command) {
        return !std::holds_alternative<Balance>(command) &&
               !std::holds_alternative<BookResult>(command);
    }
};

MACHINE_LAWS(Netting, NettingTraits);

// Goal: whatever is wanted, promises stay within what stood behind them when they were made.
TEST(NettingLaws, GrantsNeverExceedTheirBacking) {
    tests::expect_law([](std::uint64_t seed, std::size_t steps) -> std::optional<std::string> {
        tests::History<NettingTraits> history{seed};
        for (std::size_t step = 0; step < steps; ++step) {
            const auto command = history.next_command();
            const auto before = history.state();
            history.run(command);
            const auto* balance = std::get_if<Balance>(&command);
            if (balance == nullptr) continue;
            for (const auto& line : balance->cover) {
                const auto was = promised(before, line);
                const auto now = promised(history.state(), line);
                if (*now > *was && *now > line.backing) return "more is promised than is there";
            }
        }
        return std::nullopt;
    });
}

TEST(NettingLaws, EveryEventsPostingsSumToZero) {
    tests::expect_law([](std::uint64_t seed, std::size_t steps) -> std::optional<std::string> {
        tests::History<NettingTraits> history{seed};
        for (std::size_t step = 0; step < steps; ++step) history.run(history.next_command());
        for (const auto& event : history.events()) {
            if (imbalance_of(postings_of({history.state().id, event}))) return "not balanced";
        }
        return std::nullopt;
    });
}

}  // namespace
}  // namespace crossclear::ledger::netting
