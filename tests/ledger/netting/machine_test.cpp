#include "ledger/netting/machine.hpp"

#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace crossclear::ledger::netting {
namespace {

using namespace builders;
using base::Amount;

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
    // NOLINTNEXTLINE(bugprone-easily-swappable-parameters): need by need, as they are reported
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

// Goal: what would have been told as final by now and was not is gone. What is above the last final
// block, below what was looked through, or somebody else's is none of it.
TEST(Netting, ADepositThatARescanDoesNotFindIsTakenBack) {
    using enum Finality;
    const auto rescan = [](std::uint64_t from, std::uint64_t until, base::ShardId shard = here) {
        return EndRescan{.notice = {.shard = shard, .from_block = from, .block = until}, .at = {}};
    };
    struct Case {
        const char* name;
        RecordDeposit told;
        EndRescan rescan;
        bool is_gone;
    };
    const Case cases[] = {
        {"included", told(included, 10), rescan(0, 10), true},
        {"safe", told(safe, 10), rescan(0, 12), true},
        {"not final yet", told(included, 10), rescan(0, 9), false},
        {"before", told(included, 10), rescan(11, 20), false},
        {"perhaps moved below", told(included, 2'000), rescan(977, 2'000), false},
        {"too far to have moved", told(included, 2'000), rescan(976, 2'000), true},
        {"final", told(final, 10), rescan(0, 12), false},
        {"in no block", told(seen, 0), rescan(0, 12), false},
        {"elsewhere", told(included, 10), rescan(0, 12, there), false},
    };
    for (const auto& one : cases) {
        State state = a_house();
        run(state, one.told);
        const auto events = run(state, one.rescan);
        ASSERT_EQ(events.size(), one.is_gone ? 1U : 0U) << one.name;
        if (!one.is_gone) continue;
        EXPECT_EQ(std::get<DepositRecorded>(events.front()).finality, unseen) << one.name;
        EXPECT_TRUE(run(state, one.rescan).empty()) << one.name;
        const auto block = one.told.notice.block;
        EXPECT_TRUE(run(state, told(safe, block)).empty()) << "a late word";
        // The rescan was wrong: what is final counts, whatever was believed.
        run(state, told(final, block));
        EXPECT_EQ(state.deposits.at({here, 3}).recorded, final) << one.name;
    }
}

// Goal: what is looked for is what may be gone, and far enough below for the answer to say so.
TEST(Netting, RescansAreWantedWhereDepositsStandInBlocksThatMayGo) {
    using enum Finality;
    const auto wanted_after = [](std::initializer_list<RecordDeposit> notices) {
        State state = a_house();
        for (const auto& notice : notices) run(state, notice);
        return rescans_wanted(state);
    };
    using Wanted = std::map<base::ShardId, std::uint64_t>;
    EXPECT_EQ(wanted_after({}), Wanted{});
    EXPECT_EQ(wanted_after({told(seen, 0)}), Wanted{});
    EXPECT_EQ(wanted_after({told(final, 2'000)}), Wanted{});
    EXPECT_EQ(wanted_after({told(included, 10)}), (Wanted{{here, 0}}));
    EXPECT_EQ(wanted_after({told(included, 2'000), told(safe, 2'000)}), (Wanted{{here, 976}}));
    auto lower = told(included, 1'500);
    lower.notice.id = 4;
    EXPECT_EQ(wanted_after({told(included, 2'000), lower}), (Wanted{{here, 476}}));

    State state = a_house();
    run(state, told(included, 2'000));
    const EndRescan whole{
        .notice = {.shard = here, .from_block = rescans_wanted(state).at(here), .block = 2'000},
        .at = {}};
    EXPECT_EQ(run(state, whole).size(), 1U);
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

// Goal: what a start does not write down, the next one would do again. Margin comes out of the
// capital: without any it is posted later, from what there is then.
TEST(Netting, WithoutCapitalIsNotFoundedWithMarginAlone) {
    State state = a_house();
    const Found found{.lines = {}, .margins = {{here, usdc, Amount{40}}}, .at = {}};
    EXPECT_TRUE(run(state, found).empty());
    EXPECT_TRUE(state.moves.empty());
}

// Goal: a policy may keep nothing at a venue until there is a position.
TEST(Netting, IsFoundedWithMarginOfNothing) {
    State state = a_house();
    const auto events = run(state, Found{.lines = {{here, usdc, Amount{100}, Source::capital}},
                                         .margins = {{here, usdc, Amount{0}}},
                                         .at = {}});
    EXPECT_EQ(events.size(), 1U);
    EXPECT_TRUE(state.is_founded);
    EXPECT_TRUE(state.moves.empty());
}

// Goal: totals of all that was ever granted and given back go on where 64 bits end.
TEST(Netting, GrantsGoOnBeyondTheEndOfATotal) {
    State state = a_house();
    state.granted[{first, usdc}] = Amount{INT64_MAX - 4};
    const auto look = a_balance({a_line(usdc, 100, {{first, Amount{10}, Amount{INT64_MAX - 24}}})});
    const auto events = run(state, look);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<QuotaGranted>(events.front()).granted_total, Amount{INT64_MIN + 5});
    const auto promises = promised(state, look.cover.front());
    ASSERT_TRUE(promises.has_value());
    EXPECT_EQ(*promises, Amount{30});
}

TEST(NettingLoss, IsPaidByCapitalAndThenByInsurance) {
    struct Row {
        const char* claim;
        std::int64_t loss;
        std::int64_t capital;
        std::int64_t insurance;
        std::int64_t from_capital;
        std::int64_t from_insurance;
    };
    const Row rows[] = {
        {"capital is enough", 10, 10, 10, 10, 0},
        {"insurance pays the rest", 15, 10, 10, 10, 5},
        {"as far as both reach", 30, 10, 10, 10, 10},
        {"no capital left", 5, 0, 10, 0, 5},
        {"less than none", 5, -3, 10, 0, 5},
    };
    for (const auto& row : rows) {
        const auto decision = decide(State{}, BearLoss{.asset = usdc,
                                                       .loss = Amount{row.loss},
                                                       .capital = Amount{row.capital},
                                                       .insurance = Amount{row.insurance},
                                                       .at = {}});
        ASSERT_TRUE(decision && decision->size() == 1) << row.claim;
        const auto& borne = std::get<LossBorne>(decision->front());
        EXPECT_EQ(borne.from_capital, Amount{row.from_capital}) << row.claim;
        EXPECT_EQ(borne.from_insurance, Amount{row.from_insurance}) << row.claim;
    }
    const auto nothing = decide(
        State{},
        BearLoss{.asset = usdc, .loss = Amount{5}, .capital = {}, .insurance = {}, .at = {}});
    ASSERT_TRUE(nothing.has_value());
    EXPECT_TRUE(nothing->empty()) << "beyond the waterfall it stays a loss";
}

}  // namespace
}  // namespace crossclear::ledger::netting
