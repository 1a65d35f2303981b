#include "base/limits.hpp"
#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace crossclear::ledger::netting {
namespace {

using namespace builders;

constexpr base::AssetId future{7};
constexpr base::Timestamp end{100};
constexpr base::Duration window{50};

base::CommandId an_id(std::uint8_t number) { return base::CommandId{.hi = number}; }

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): a price and a time, as they are said
ProposePrice a_proposal(std::uint8_t id, std::int64_t price, std::int64_t at = 100) {
    return {.id = id == 0 ? base::CommandId{} : an_id(id),
            .contract = future,
            .price = {price},
            .price_max = {1'000},
            .expires_at = end,
            .dispute_for = window,
            .at = {at}};
}

DisputePrice a_dispute(std::uint8_t id, std::int64_t at) {
    return {.id = an_id(id), .contract = future, .reason = "a wrong feed", .at = {at}};
}

void propose(State& state, std::uint8_t id, base::AssetId of, std::int64_t price) {
    auto proposal = a_proposal(id, price);
    proposal.contract = of;
    run(state, proposal);
}

template <class Command>
std::optional<Reject> refusal(const State& state, const Command& command) {
    const auto decision = decide(state, command);
    return decision ? std::nullopt : std::optional{decision.error()};
}

TEST(LastPrice, IsFixedWhereNobodyDisputesItInTime) {
    State state = a_house();
    run(state, a_proposal(1, 500));
    EXPECT_TRUE(run(state, FixPrices{.at = {149}}).empty());
    const auto events = run(state, FixPrices{.at = {150}});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<PriceFixed>(events.front()).price, base::Price{500});
    EXPECT_EQ(effects_of(state, events.front()),
              (std::vector<Effect>{TellPrice{future, base::Price{500}}}));
    EXPECT_EQ(outstanding(state), (std::vector<Effect>{TellPrice{future, base::Price{500}}}));
    EXPECT_TRUE(run(state, FixPrices{.at = {151}}).empty());
}

TEST(LastPrice, IsFixedAtOnceWhereItCannotBeDisputed) {
    State state = a_house();
    auto proposal = a_proposal(0, 500);
    proposal.dispute_for = {};
    run(state, proposal);
    EXPECT_EQ(run(state, FixPrices{.at = {100}}).size(), 1U);
}

TEST(LastPrice, ADisputeTakesBackWhatWasProposed) {
    State state = a_house();
    run(state, a_proposal(1, 500));
    run(state, a_dispute(2, 149));
    EXPECT_TRUE(run(state, FixPrices{.at = {1'000}}).empty());
    EXPECT_EQ(refusal(state, a_dispute(3, 1'000)), Reject::price_not_proposed);
    run(state, a_proposal(4, 0, 1'000));
    EXPECT_TRUE(run(state, FixPrices{.at = {1'049}}).empty()) << "the time begins anew";
    const auto events = run(state, FixPrices{.at = {1'050}});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<PriceFixed>(events.front()).price, base::Price{0}) << "zero is a price";
}

TEST(LastPrice, ALaterProposalTakesThePlaceOfAnEarlierOne) {
    State state = a_house();
    run(state, a_proposal(1, 500));
    run(state, a_proposal(2, 600, 120));
    EXPECT_TRUE(run(state, FixPrices{.at = {169}}).empty());
    run(state, FixPrices{.at = {170}});
    EXPECT_EQ(state.expiries.at(future).price, base::Price{600});
}

TEST(LastPrice, OfTheHouseIsOneOnlyWhereNobodyHasSpoken) {
    State state = a_house();
    run(state, a_proposal(1, 500));
    EXPECT_TRUE(run(state, a_proposal(0, 700)).empty());
    run(state, a_dispute(2, 120));
    EXPECT_TRUE(run(state, a_proposal(0, 700)).empty());
    EXPECT_EQ(state.expiries.at(future).price, base::Price{500});
}

TEST(LastPrice, RepeatsAreNothingAndReusedIdsAreRefused) {
    State state = a_house();
    run(state, a_proposal(1, 500));
    EXPECT_TRUE(run(state, a_proposal(1, 500, 140)).empty());
    EXPECT_EQ(refusal(state, a_proposal(1, 501)), Reject::id_reused_with_other_body);
    EXPECT_EQ(refusal(state, a_dispute(1, 120)), Reject::id_reused_with_other_body);
    run(state, a_dispute(2, 120));
    EXPECT_TRUE(run(state, a_dispute(2, 130)).empty());
    run(state, a_proposal(3, 500, 130));
    run(state, FixPrices{.at = {180}});
    EXPECT_TRUE(run(state, a_proposal(1, 500)).empty()) << "whatever came of it";
}

TEST(LastPrice, IsRefusedForItsReasonsInOrder) {
    State state = a_house();
    EXPECT_EQ(refusal(state, a_proposal(1, 500, 99)), Reject::contract_not_expired);
    EXPECT_EQ(refusal(state, a_proposal(1, -1)), Reject::price_out_of_range);
    EXPECT_EQ(refusal(state, a_proposal(1, 1'001)), Reject::price_out_of_range);
    EXPECT_EQ(refusal(state, a_dispute(1, 120)), Reject::price_not_proposed);
    auto mute = a_dispute(1, 120);
    mute.reason.clear();
    EXPECT_EQ(refusal(state, mute), Reject::reason_is_missing);
    run(state, a_proposal(1, 500));
    run(state, FixPrices{.at = {150}});
    EXPECT_EQ(refusal(state, a_proposal(2, 500)), Reject::price_is_fixed);
    EXPECT_EQ(refusal(state, a_dispute(2, 160)), Reject::price_is_fixed);
}

TEST(LastPrice, CommandsAboutItAreBounded) {
    State state = a_house();
    for (std::uint8_t number = 1; number <= base::limits::price_commands_max; ++number) {
        EXPECT_EQ(run(state, a_proposal(number, number)).size(), 1U);
    }
    EXPECT_EQ(refusal(state, a_proposal(200, 5)), Reject::too_many_proposals);
    EXPECT_EQ(refusal(state, a_dispute(200, 120)), Reject::too_many_proposals);
    EXPECT_EQ(run(state, FixPrices{.at = {10'000}}).size(), 1U) << "the last one stands";
}

// Goal: what is disputed last can still be proposed.
TEST(LastPrice, TheLastCommandIsAProposal) {
    State state = a_house();
    for (std::uint8_t number = 1; number < base::limits::price_commands_max; ++number) {
        run(state, a_proposal(number, number));
    }
    EXPECT_EQ(refusal(state, a_dispute(200, 120)), Reject::too_many_proposals);
    EXPECT_EQ(run(state, a_proposal(200, 5)).size(), 1U);
}

// Goal: who holds a share of each outcome is charged for none of them, and so must be paid for all
// at once, and in all what one of them pays.
TEST(LastPrice, OutcomesOfOneEventAreFixedTogether) {
    constexpr base::AssetId other{8};
    const auto fix = [&](bool is_all = true) {
        return FixPrices{
            .at = {1'000},
            .events = {{.outcomes = {{future}, {other}}, .is_all = is_all, .sum = {10}}}};
    };
    State state = a_house();
    propose(state, 1, future, 10);
    EXPECT_TRUE(run(state, fix()).empty()) << "nobody has said how the other one ended";
    EXPECT_TRUE(mismatched(state, fix()).empty());
    propose(state, 2, other, 10);
    EXPECT_TRUE(run(state, fix()).empty()) << "both cannot have come true";
    EXPECT_EQ(mismatched(state, fix()), (std::set{future, other}));
    propose(state, 3, other, 5);
    EXPECT_TRUE(run(state, fix(false)).empty());
    propose(state, 4, future, 4);
    EXPECT_TRUE(run(state, fix()).empty()) << "one of them has";
    EXPECT_EQ(decide(state, fix(false))->size(), 2U) << "or one that is not listed";
    propose(state, 5, future, 5);
    EXPECT_TRUE(mismatched(state, fix()).empty());
    EXPECT_EQ(run(state, fix()).size(), 2U);
    EXPECT_TRUE(run(state, fix()).empty());
}

// Goal: an outcome that is listed at two venues comes true once.
TEST(LastPrice, ContractsOnOneOutcomeHaveOnePrice) {
    constexpr base::AssetId twin{8};
    constexpr base::AssetId other{9};
    const FixPrices fix{
        .at = {1'000},
        .events = {{.outcomes = {{future, twin}, {other}}, .is_all = true, .sum = {10}}}};
    State state = a_house();
    propose(state, 1, future, 10);
    propose(state, 2, other, 0);
    propose(state, 3, twin, 9);
    EXPECT_TRUE(run(state, fix).empty());
    EXPECT_EQ(mismatched(state, fix).size(), 3U);
    propose(state, 4, twin, 10);
    EXPECT_EQ(run(state, fix).size(), 3U);
    // What an earlier release has ended by itself holds up nobody.
    State before = a_house();
    run(before, a_proposal(1, 10));
    run(before, FixPrices{.at = {1'000}});
    propose(before, 1, other, 10);
    EXPECT_EQ(run(before, fix).size(), 1U);
}

// Goal: a venue closes a position with a gain only where its contract has ended.
TEST(LastPrice, LetsAVenueEndAPositionWithAGain) {
    State state = a_house();
    const auto told = [](bool has_expired) {
        return RecordVariations{.shard = here,
                                .lines = {{.notice = {.shard = here,
                                                      .number = 1,
                                                      .instrument = {},
                                                      .change = base::Amount{5},
                                                      .closed = base::Amount{-3},
                                                      .block = 1},
                                           .contract = future,
                                           .settlement = usdc,
                                           .has_expired = has_expired}},
                                .at = {}};
    };
    EXPECT_EQ(refusal(state, told(false)), Reject::figures_incredible);
    EXPECT_EQ(run(state, told(true)).size(), 1U);
}

}  // namespace
}  // namespace crossclear::ledger::netting
