#include "ledger/account/give_up.hpp"

#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;
namespace limits = base::limits;

const Decision unknown_match{base::Failure{Reject::match_unknown}};

State a_buyer() { return an_account().with_free(world::usdc, 500); }
State a_seller() { return an_account().with_free(world::eth, 100); }

HearMatch accepted(std::uint64_t number) {
    return {
        .number = number, .reason = Reject::none, .at = world::now, .settle_by = world::settle_by};
}

HearMatch declined(std::uint64_t number, Reject reason) {
    return {.number = number, .reason = reason, .at = world::now, .settle_by = world::settle_by};
}

ConcludeMatch committed(std::uint64_t number) {
    return {.buyer = another_account(),
            .number = number,
            .is_committed = true,
            .at = world::now,
            .settle_by = world::settle_by};
}

ConcludeMatch given_up(std::uint64_t number) {
    auto word = committed(number);
    word.is_committed = false;
    return word;
}

EndMatch ended(std::uint64_t number, std::uint64_t trade) {
    return {.number = number, .trade = trade, .at = world::now};
}

ExpireMatches too_late() { return {.at = world::now + base::seconds(6)}; }

TellMatch told(const State& state, std::uint64_t number, bool is_committed) {
    return {.buyer = state.id,
            .seller = another_account(),
            .number = number,
            .is_committed = is_committed};
}

std::vector<Effect> all_effects(State& state, const Command& command) {
    std::vector<Effect> effects;
    const auto decision = decide(state, command);
    if (!decision) return effects;
    for (const Event& event : *decision) {
        ledger::account::apply(state, event);
        const auto asked = effects_of(state, event);
        effects.insert(effects.end(), asked.begin(), asked.end());
    }
    return effects;
}

TEST(GiveUp, SetsThePriceAndTheFeeAsideAndAsksTheSeller) {
    State state = a_buyer();
    const auto effects = all_effects(state, a_match(1, 10, 20));
    EXPECT_EQ(usdc_of(state).free, Amount{479});
    EXPECT_EQ(usdc_of(state).held, Amount{21});
    EXPECT_EQ(effects, std::vector<Effect>({ProposeMatch{.buyer = state.id,
                                                         .seller = another_account(),
                                                         .number = 1,
                                                         .cause = an_id(1),
                                                         .instrument = base::InstrumentId{1},
                                                         .quantity = Amount{10},
                                                         .price = world::mark}}));
    EXPECT_EQ(outstanding(state), effects);
    EXPECT_TRUE(is_undecided(state, an_id(1)));
    EXPECT_EQ(decide(state, a_match(1, 10, 20)), no_news) << "the same again waits";
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(GiveUp, IsClearedOnceTheSellerHasReserved) {
    State state = a_buyer();
    run(state, a_match(1, 10, 20));
    const auto effects = all_effects(state, accepted(1));
    EXPECT_EQ(usdc_of(state).held, Amount{0});
    EXPECT_EQ(usdc_of(state).free, Amount{479});
    EXPECT_EQ(eth_of(state).unsettled, Amount{10});
    EXPECT_EQ(effects, std::vector<Effect>({told(state, 1, true)}));
    EXPECT_EQ(outstanding(state), effects);
    EXPECT_TRUE(is_undecided(state, an_id(1))) << "the seller's trade has no number yet";
    EXPECT_EQ(decide(state, too_late()), no_news) << "nothing is taken back";
    EXPECT_EQ(decide(state, declined(1, Reject::holding_insufficient)), no_news);
    EXPECT_EQ(decide(state, ended(1, 0)), unknown_match);

    run(state, ended(1, 7));
    EXPECT_FALSE(is_undecided(state, an_id(1)));
    EXPECT_EQ(answer_to(state, an_id(1))->reject, Reject::none);
    EXPECT_EQ(answer_to(state, an_id(1))->number, 1U);
    EXPECT_EQ(answer_to(state, an_id(1))->sale, 7U);
    EXPECT_EQ(answer_to(state, an_id(1))->price, world::mark);
    EXPECT_TRUE(outstanding(state).empty());
    EXPECT_EQ(decide(state, ended(1, 7)), no_news);
    EXPECT_EQ(decide(state, accepted(1)), no_news) << "a late copy";
}

TEST(GiveUp, ComesToNothingWhereTheSellerDeclines) {
    State state = a_buyer();
    run(state, a_match(1, 10, 20));
    run(state, declined(1, Reject::holding_insufficient));
    EXPECT_EQ(usdc_of(state).free, Amount{500});
    EXPECT_EQ(usdc_of(state).held, Amount{0});
    EXPECT_FALSE(is_undecided(state, an_id(1)));
    EXPECT_EQ(answer_to(state, an_id(1))->reject, Reject::holding_insufficient);
    EXPECT_TRUE(answer_to(state, an_id(1))->is_of_seller);
    EXPECT_TRUE(outstanding(state).empty()) << "the seller knows";
    EXPECT_EQ(decide(state, accepted(1)), no_news);
}

// Goal: the buyer's account alone may stop waiting, and then the seller hears of it.
TEST(GiveUp, IsGivenUpWhereTheSellerDoesNotAnswer) {
    State state = a_buyer();
    run(state, a_match(1, 10, 20));
    EXPECT_EQ(decide(state, ExpireMatches{.at = world::now + base::seconds(5)}), no_news);
    EXPECT_FALSE(has_expired_match(state, world::now + base::seconds(5)));
    EXPECT_TRUE(has_expired_match(state, world::now + base::seconds(6)));
    const auto effects = all_effects(state, too_late());
    EXPECT_EQ(usdc_of(state).free, Amount{500});
    EXPECT_FALSE(is_undecided(state, an_id(1))) << "that is certain at once";
    EXPECT_EQ(answer_to(state, an_id(1))->reject, Reject::match_timed_out);
    EXPECT_FALSE(answer_to(state, an_id(1))->is_of_seller);
    EXPECT_EQ(effects, std::vector<Effect>({told(state, 1, false)}));
    EXPECT_EQ(outstanding(state), effects);
    EXPECT_EQ(decide(state, accepted(1)), no_news) << "too late";
    EXPECT_EQ(decide(state, ended(1, 3)), unknown_match);
    run(state, ended(1, 0));
    EXPECT_TRUE(outstanding(state).empty());
}

TEST(GiveUp, IsNotClearedAfterItsDeadline) {
    State state = a_buyer();
    run(state, a_match(1, 10, 20));
    auto late = accepted(1);
    late.at = world::now + base::seconds(6);
    EXPECT_EQ(all_effects(state, late), std::vector<Effect>({told(state, 1, false)}));
    EXPECT_EQ(answer_to(state, an_id(1))->reject, Reject::match_timed_out);
}

// Goal: the seller remembers one number of each buyer, so one alone is under way.
TEST(GiveUp, OfSeveralWithOneSellerTheOldestGoesFirst) {
    State state = a_buyer();
    run(state, a_match(1, 10, 20));
    EXPECT_TRUE(all_effects(state, a_match(2, 11, 22)).empty());
    auto elsewhere = a_match(3, 1, 2);
    elsewhere.seller = base::account_id(base::BrokerId{0}, 99);
    EXPECT_EQ(all_effects(state, elsewhere).size(), 1U) << "another seller does not wait";

    const auto effects = all_effects(state, too_late());
    EXPECT_EQ(effects.size(), 2U) << "of the one in the queue nobody has heard";
    EXPECT_EQ(outstanding(state).size(), 2U);
    EXPECT_EQ(all_effects(state, ended(1, 0)), std::vector<Effect>({told(state, 2, false)}));
}

TEST(GiveUp, GivesOnlyWhatIsFree) {
    State state = an_account().with_free(world::usdc, 20).with_claim(world::usdc, 100);
    EXPECT_EQ(reason_of(decide(state, a_match(1, 10, 20))), Reject::holding_insufficient);
    State seller = an_account().with_free(world::eth, 9).with_claim(world::eth, 100);
    run(seller, a_sale(1, 10, 20));
    EXPECT_EQ(outcome_of(seller, a_sale(1, 10, 20)), Reject::holding_insufficient);
}

TEST(GiveUp, IsRefusedLikeATrade) {
    const State state = a_buyer();
    const auto reason = [&](auto change) {
        auto match = a_match(1, 10, 20);
        change(match);
        return reason_of(decide(state, match));
    };
    EXPECT_EQ(reason([](auto& m) { m.quantity = Amount{0}; }), Reject::quantity_must_be_positive);
    EXPECT_EQ(reason([](auto& m) { m.price = base::Price{0}; }), Reject::quantity_must_be_positive);
    EXPECT_EQ(reason([&](auto& m) { m.seller = state.id; }), Reject::counterparty_not_allowed);
    EXPECT_EQ(reason([](auto& m) { m.seller = base::account_id(base::BrokerId{1}, 18); }),
              Reject::counterparty_not_allowed);
    EXPECT_EQ(reason([](auto& m) { m.terms.is_offered = false; }), Reject::instrument_not_offered);
    EXPECT_EQ(reason([](auto& m) { m.terms.has_expired = true; }), Reject::contract_has_expired);
    EXPECT_EQ(reason([](auto& m) { m.terms.does_cash_fit = false; }),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason([](auto& m) { m.terms.is_close_only = true; }), Reject::account_is_close_only);
    EXPECT_EQ(reason([](auto& m) { m.terms.is_shard_paused = true; }), Reject::shard_is_paused);
    EXPECT_EQ(reason([](auto& m) { m.terms.is_within_limits = false; }), Reject::too_much_open);
    EXPECT_EQ(reason([](auto& m) { m.terms.has_margin = false; }), Reject::margin_insufficient);
}

// Goal: a venue's price is held against a fresh mark, whoever unwinds by it.
TEST(GiveUp, IsRefusedAwayFromTheMark) {
    const State state = a_buyer();
    const auto reason_at = [&](std::int64_t price, bool is_fresh) {
        auto match = a_match(1, 10, 20);
        match.price = base::Price{price};
        match.terms.is_price_fresh = is_fresh;
        match.terms.is_pure_unwind = true;
        return reason_of(decide(state, match));
    };
    const auto band = world::mark.v / 20;
    EXPECT_EQ(reason_at(world::mark.v + band, true), Reject::none);
    EXPECT_EQ(reason_at(world::mark.v - band, true), Reject::none);
    EXPECT_EQ(reason_at(world::mark.v + band + 1, true), Reject::price_outside_limit);
    EXPECT_EQ(reason_at(world::mark.v - band - 1, true), Reject::price_outside_limit);
    EXPECT_EQ(reason_at(std::numeric_limits<std::int64_t>::max(), true),
              Reject::price_outside_limit);
    EXPECT_EQ(reason_at(world::mark.v, false), Reject::price_is_stale);
}

TEST(GiveUp, TooManyAreNotBegun) {
    State state = an_account().with_free(world::usdc, 100'000);
    for (std::uint64_t n = 1; n <= limits::matches_open_max; ++n) run(state, a_match(n, 1, 2));
    EXPECT_EQ(state.matches.size(), limits::matches_open_max);
    EXPECT_EQ(reason_of(decide(state, a_match(9'999, 1, 2))), Reject::too_much_open);
}

TEST(GiveUp, OfANumberNeverSubmittedIsADefectOfOurs) {
    EXPECT_EQ(decide(a_buyer(), accepted(1)), unknown_match);
    EXPECT_EQ(decide(a_buyer(), accepted(0)), unknown_match);
    EXPECT_EQ(decide(a_buyer(), ended(1, 0)), unknown_match);
    EXPECT_EQ(decide(a_seller(), a_sale(0, 1, 2)), unknown_match);
    EXPECT_EQ(decide(a_seller(), given_up(0)), unknown_match);
    EXPECT_EQ(decide(a_seller(), committed(1)), unknown_match) << "nothing was reserved";
}

TEST(GiveUp, BodiesTellEverythingThatIsAskedFor) {
    const auto body = body_hash(a_match(1, 10, 20));
    auto other = a_match(1, 10, 20);
    other.seller.v += 1;
    EXPECT_NE(body_hash(other), body);
    other = a_match(1, 11, 20);
    EXPECT_NE(body_hash(other), body);
    other = a_match(1, 10, 20);
    other.price.v += 1;
    EXPECT_NE(body_hash(other), body);
    other = a_match(1, 10, 20);
    other.instrument.v += 1;
    EXPECT_NE(body_hash(other), body);
}

TEST(GiveUpSale, SetsTheTokensAsideUntilTheBuyersAccountHasDecided) {
    State state = a_seller();
    run(state, a_sale(7, 10, 20));
    EXPECT_EQ(eth_of(state).free, Amount{90});
    EXPECT_EQ(eth_of(state).held, Amount{10});
    EXPECT_EQ(outcome_of(state, a_sale(7, 10, 20)), Reject::none);
    EXPECT_EQ(decide(state, a_sale(7, 10, 20)), no_news);
    EXPECT_EQ(decide(state, too_late()), no_news) << "a seller decides nothing";
    EXPECT_EQ(decide(state, a_sale(8, 10, 20)), unknown_match) << "one at a time";
    EXPECT_EQ(outcome_of(state, committed(7)), std::nullopt);

    run(state, committed(7));
    EXPECT_EQ(eth_of(state).held, Amount{0});
    EXPECT_EQ(usdc_of(state).unsettled, Amount{19}) << "less the fee";
    EXPECT_EQ(outcome_of(state, committed(7)), 1U);
    EXPECT_EQ(state.trades.at(1).cause, an_id(7));
    EXPECT_EQ(decide(state, committed(7)), no_news);
    EXPECT_EQ(decide(state, a_sale(7, 10, 20)), no_news) << "a late copy";
    EXPECT_EQ(decide(state, given_up(7)), unknown_match);
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(GiveUpSale, GetsItsTokensBackWhereNothingComesOfIt) {
    State state = a_seller();
    run(state, a_sale(7, 10, 20));
    EXPECT_EQ(decide(state, given_up(8)), unknown_match);
    run(state, given_up(7));
    EXPECT_EQ(eth_of(state).free, Amount{100});
    EXPECT_EQ(eth_of(state).held, Amount{0});
    EXPECT_EQ(outcome_of(state, given_up(7)), 0U);
    EXPECT_EQ(decide(state, given_up(7)), no_news);
    EXPECT_EQ(decide(state, a_sale(7, 10, 20)), no_news) << "it is not reserved again";
    EXPECT_EQ(decide(state, committed(7)), unknown_match);
    run(state, a_sale(8, 10, 20));
    EXPECT_EQ(eth_of(state).held, Amount{10});
    EXPECT_EQ(decide(state, committed(7)), unknown_match);
}

// Goal: what was given up before the seller heard of it is over when a late copy arrives.
TEST(GiveUpSale, ThatWasNeverHeardOfIsOverAllTheSame) {
    State state = a_seller();
    run(state, given_up(7));
    EXPECT_EQ(outcome_of(state, given_up(7)), 0U);
    EXPECT_EQ(decide(state, a_sale(7, 10, 20)), no_news);
    EXPECT_EQ(outcome_of(state, a_sale(7, 10, 20)), std::nullopt);
    EXPECT_EQ(eth_of(state).held, Amount{0});
}

TEST(GiveUpSale, ThatWasDeclinedIsDeclinedForEver) {
    State state = an_account();
    run(state, a_sale(1, 10, 20));
    EXPECT_EQ(outcome_of(state, a_sale(1, 10, 20)), Reject::holding_insufficient);
    run(state, a_deposit(1, world::eth, 100, ledger::Finality::final));
    EXPECT_EQ(decide(state, a_sale(1, 10, 20)), no_news);
    EXPECT_EQ(outcome_of(state, a_sale(1, 10, 20)), Reject::holding_insufficient);
    EXPECT_EQ(decide(state, given_up(1)), no_news) << "the buyer may have stopped waiting first";
    EXPECT_EQ(outcome_of(state, given_up(1)), 0U);
}

TEST(GiveUpSale, ToOneBuyerTooManyIsNotTaken) {
    State state = a_seller();
    for (std::uint64_t n = 0; n < limits::buyers_max; ++n) {
        state.sale_ends[base::account_id(base::BrokerId{0}, 1'000 + n)] = {
            .number = 1, .reject = {}, .trade = 0};
    }
    const Decision full{base::Failure{Reject::too_much_open}};
    EXPECT_EQ(decide(state, a_sale(7, 10, 20)), full);
    EXPECT_EQ(decide(state, given_up(7)), full);
}

// Goal: a fee beyond the cash of a sale is set aside too, so that the sale cannot fail for it.
TEST(GiveUpSale, SetsAsideWhatItsCashDoesNotPayOfTheFee) {
    State state = an_account().with_free(world::eth, 100).with_free(world::usdc, 5);
    auto sale = a_sale(1, 1, 2);
    sale.terms.fee = Amount{6};
    run(state, sale);
    EXPECT_EQ(usdc_of(state).held, Amount{4});
    run(state, committed(1));
    EXPECT_EQ(usdc_of(state).free, Amount{1});
    EXPECT_EQ(usdc_of(state).unsettled, Amount{0});
    EXPECT_EQ(eth_of(state).free, Amount{99});
}

TEST(GiveUpSale, OfAContractSetsItsFeeAside) {
    State state = an_account().with_free(world::usdc, 5);
    auto sale = a_sale(1, 10, 20);
    sale.terms.is_contract = true;
    sale.terms.base = world::eth_perp;
    run(state, sale);
    EXPECT_EQ(usdc_of(state).held, Amount{1});
    run(state, committed(1));
    EXPECT_EQ(usdc_of(state).free, Amount{4});
    EXPECT_EQ(state.contracts.at(world::eth_perp).quantity, Amount{-10});
    EXPECT_EQ(state.contracts.at(world::eth_perp).settled_value, Amount{-20});
}

// Goal: a side that was reserved can be cleared, whatever claims come between.
TEST(GiveUpSale, KeepsItsPlaceAmongTheClaims) {
    State state = an_account().with_free(world::eth, 10'000);
    run(state, a_sale(1, 10, 20));
    std::uint64_t id = 0;
    while (reason_of(decide(state, a_trade(++id, world::eth, -1, 2))) == Reject::none) {
        run(state, a_trade(id, world::eth, -1, 2));
    }
    EXPECT_EQ(usdc_of(state).claims.size(), limits::claims_max - 3);
    auto other = a_sale(2, 10, 20);
    other.buyer = base::account_id(base::BrokerId{0}, 99);
    EXPECT_EQ(reason_of(decide(state, a_trade(++id, world::eth, -1, 2))), Reject::too_much_open);
    run(state, other);
    EXPECT_EQ(outcome_of(state, other), Reject::too_much_open);
    run(state, committed(1));
    EXPECT_EQ(outcome_of(state, committed(1)).value_or(0), state.trades_count);
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
