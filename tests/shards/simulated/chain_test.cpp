#include "shards/simulated/chain.hpp"

#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.
using ledger::Finality;
using ledger::OrderKind;
using ledger::OrderNotice;
using ledger::ShardRefusal;

bool is_accepted(const SubmitAnswer& answer) { return std::holds_alternative<Accepted>(answer); }

TEST(Chain, TellsAnOrderIncludedSafeAndFinal) {
    SampleChain sample{parameters(swaps)};
    ASSERT_TRUE(is_accepted(sample.chain.submit(swap_order(1, one_eth), at(0))));
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::seen);
    sample.run_to(10);

    const auto heard = sample.heard<OrderNotice>();
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_EQ(heard[0].finality, Finality::included);
    EXPECT_EQ(heard[1].finality, Finality::safe);
    EXPECT_EQ(heard[2].finality, Finality::final);
    // 2,000 with 0.1 % half spread and 1 % impact for 1 of 100 in capacity, rounded up.
    EXPECT_EQ(heard[2].price, base::Price{2'002'200'000'000});
    EXPECT_EQ(heard[2].given, base::Amount{2'002'200'000});
    EXPECT_EQ(heard[2].received, base::Amount{one_eth});
    EXPECT_EQ(heard[2].gas, base::Amount{1'000});
    EXPECT_EQ(heard[2].block, 1U);
}

TEST(Chain, AppliesAReferenceAtMostOnce) {
    SampleChain sample{parameters(swaps)};
    for (int second = 0; second < 12; ++second) {
        EXPECT_TRUE(is_accepted(sample.chain.submit(swap_order(1, one_eth), at(second))));
        sample.run_to(second + 1);
    }
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), eth).v, 1'001 * one_eth - 1'000);
}

TEST(Chain, RefusesOnChainForGas) {
    struct Case {
        const char* what;
        ShardRefusal expected;
        ledger::ShardOrder order;
        Faults faults;
    };
    auto dear = swap_order(1, one_eth);
    dear.bound = eth_price;
    Faults reverting;
    reverting.revert_ppm = 1'000'000;
    Faults shrunk;
    shrunk.capacity = base::Ppm{1'000};
    Faults failed;
    failed.failed = {eth};
    const std::vector<Case> cases{
        {"bound", ShardRefusal::price_outside_bound, dear, {}},
        {"poor", ShardRefusal::insufficient_balance, swap_order(1, -1'000 * one_eth), {}},
        {"large", ShardRefusal::capacity_exceeded, swap_order(1, 101 * one_eth), {}},
        {"shrunk", ShardRefusal::capacity_exceeded, swap_order(1, one_eth), shrunk},
        {"reverted", ShardRefusal::reverted, swap_order(1, one_eth), reverting},
        {"failed", ShardRefusal::protocol_failed, swap_order(1, one_eth), failed},
        {"pay",
         ShardRefusal::insufficient_balance,
         move_order(1, OrderKind::pay_out, swaps, usdc, 1'000'001 * one_usdc),
         {}},
    };
    for (const Case& one : cases) {
        auto made = parameters(swaps);
        made.venues[0].capacity_per_block =
            base::Amount{one.order.quantity.v < 0 ? 2'000 * one_eth : 100 * one_eth};
        SampleChain sample{made};
        sample.chain.set_faults(one.faults);
        ASSERT_TRUE(is_accepted(sample.chain.submit(one.order, at(0)))) << one.what;
        sample.run_to(8);
        const auto notice = sample.asked(ref(1));
        EXPECT_EQ(notice.refusal, one.expected) << one.what;
        EXPECT_EQ(notice.finality, Finality::final) << one.what;
        EXPECT_EQ(notice.gas.v, 1'000) << one.what;
        EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), usdc).v, 1'000'000 * one_usdc)
            << one.what;
    }
}

TEST(Chain, RefusesWhatItNeverDoes) {
    SampleChain sample{parameters(swaps)};
    auto foreign = swap_order(1, one_eth);
    foreign.shard = perpetuals;
    const std::vector<ledger::ShardOrder> orders{
        foreign, swap_order(2, 0), move_order(3, OrderKind::post_margin, swaps, usdc, 1),
        move_order(4, OrderKind::pay_out, swaps, btc_perp_units, 1),
        move_order(5, OrderKind::pay_out, swaps, usdc, -1)};
    for (const auto& order : orders) {
        const auto answer = sample.chain.submit(order, at(0));
        ASSERT_TRUE(std::holds_alternative<Refused>(answer)) << order.ref.number;
        EXPECT_EQ(std::get<Refused>(answer).why, ShardRefusal::unsupported);
    }
}

// Goal: an order that missed its deadline is told so once no block can hold it any more, and not
// earlier: the block beyond the deadline may be replaced.
TEST(Chain, TellsExpiryOnlyBehindAFinalBlock) {
    auto made = parameters(swaps);
    made.inclusion_latency = base::seconds(5);
    SampleChain sample{made};
    auto order = swap_order(1, one_eth);
    order.deadline = at(4);
    ASSERT_TRUE(is_accepted(sample.chain.submit(order, at(0))));
    sample.run_to(7);
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::seen);
    EXPECT_TRUE(sample.heard<OrderNotice>().empty());
    sample.run_to(8);
    ASSERT_EQ(sample.heard<OrderNotice>().size(), 1U);
    EXPECT_EQ(sample.heard<OrderNotice>()[0].refusal, ShardRefusal::expired);
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::final);

    // Another order that comes too late is refused for good, and the refusal is worth a record.
    order.ref = ref(2);
    EXPECT_TRUE(std::holds_alternative<Refused>(sample.chain.submit(order, at(8))));
    sample.run_to(3'700);
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), eth).v, 1'000 * one_eth);
}

TEST(Chain, WaitsForAPriceItDoesNotKnow) {
    const auto names = listing();
    Chain chain{parameters(swaps), names, start};
    ASSERT_TRUE(is_accepted(chain.submit(swap_order(1, one_eth), at(0))));
    chain.advance_to(at(5));
    EXPECT_EQ(std::get<OrderNotice>(chain.ask(ref(1))).finality, Finality::seen);
    chain.set_price(eth_swap, eth_price);
    chain.advance_to(at(6));
    EXPECT_EQ(std::get<OrderNotice>(chain.ask(ref(1))).finality, Finality::included);
}

TEST(Chain, PostsMarginTradesAndSettlesVariationWithoutGaps) {
    SampleChain sample{parameters(perpetuals)};
    auto& chain = sample.chain;
    // No margin posted: the position may not grow.
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(1, 1'000'000), at(0))));
    sample.run_to(1);
    EXPECT_EQ(sample.asked(ref(1)).refusal, ShardRefusal::insufficient_balance);

    const auto post = move_order(2, OrderKind::post_margin, perpetuals, usdc, 10'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(1))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(3, 1'000'000), at(1))));
    sample.run_to(2);
    EXPECT_EQ(sample.asked(ref(3)).filled.v, 1'000'000);
    for (int second = 3; second < 40; ++second) {
        chain.set_price(btc_perp, base::Price{btc_price.v + second * 10'000'000'000});
        sample.run_to(second);
    }
    const auto variations = sample.heard<ledger::VariationNotice>();
    ASSERT_GE(variations.size(), 5U);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < variations.size(); ++i) {
        EXPECT_EQ(variations[i].number, i + 1);
        sum += variations[i].change.v;
    }
    EXPECT_EQ(chain.final_book().balance(margin_of(alpha), usdc).v, 10'000 * one_usdc + sum);

    // Margin that the position needs cannot be taken.
    const auto take = move_order(4, OrderKind::take_margin, perpetuals, usdc, 9'500 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(take, at(40))));
    sample.run_to(50);
    EXPECT_EQ(sample.asked(ref(4)).refusal, ShardRefusal::insufficient_balance);
}

// Goal: a venue takes what is there and no more. The margin never goes below zero; the position
// that it could not bear is gone, and both sides hear of it in one notice.
TEST(Chain, LiquidatesAPositionWhoseLossExceedsItsMargin) {
    SampleChain sample{parameters(perpetuals)};
    auto& chain = sample.chain;
    const auto post = move_order(1, OrderKind::post_margin, perpetuals, usdc, 2'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(0))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(2, 1'000'000), at(0))));
    sample.run_to(10);
    ASSERT_EQ(sample.asked(ref(2)).filled.v, 1'000'000);
    chain.set_price(btc_perp, base::Price{btc_price.v / 2});
    sample.run_to(20);

    std::int64_t sum = 0;
    std::int64_t closed = 0;
    for (const auto& variation : sample.heard<ledger::VariationNotice>()) {
        sum += variation.change.v;
        closed += variation.closed.v;
    }
    EXPECT_EQ(sum, -2'000 * one_usdc);
    EXPECT_EQ(closed, -1'000'000);
    EXPECT_EQ(chain.final_book().balance(margin_of(alpha), usdc).v, 0);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp), Position{});
}

// Goal: a venue takes funding from who is long, from the moment of the fill, beside variation.
TEST(Chain, TakesFundingWithVariation) {
    SampleChain sample{parameters(perpetuals)};
    auto& chain = sample.chain;
    chain.set_funding(btc_perp, base::Price{50'000'000'000});
    const auto post = move_order(1, OrderKind::post_margin, perpetuals, usdc, 9'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(0))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(2, 1'000'000), at(0))));
    sample.run_to(10);
    ASSERT_EQ(sample.asked(ref(2)).filled.v, 1'000'000);
    const auto left = chain.head_book().balance(margin_of(alpha), usdc).v;
    const auto quantity = chain.head_book().position(alpha, btc_perp).quantity.v;
    ASSERT_EQ(chain.head_book().position(alpha, btc_perp).funding, base::Price{50'000'000'000});
    // Twelve dollars a contract.
    chain.set_funding(btc_perp, base::Price{62'000'000'000});
    sample.run_to(20);
    const auto units = base::power_of_ten(sample::listing().asset(btc_perp_units).scale);
    EXPECT_EQ(chain.head_book().balance(margin_of(alpha), usdc).v,
              left - 12 * one_usdc * quantity / units);
    // What is added pays from then on; what is closed has nothing left to pay.
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(3, -1'000'000), at(20))));
    sample.run_to(30);
    EXPECT_EQ(chain.head_book().position(alpha, btc_perp), Position{});
}

// Goal: at its end a contract is paid for once more and is gone, and nobody trades it after that.
TEST(Chain, EndsPositionsWithTheirContract) {
    auto listing = sample::listing();
    auto& ends = listing.instruments[btc_perp.v];
    ends.kind = base::InstrumentKind::dated_future;
    ends.expiry = base::Expiry{.at = at(20)};
    SampleChain sample{parameters(perpetuals), listing};
    auto& chain = sample.chain;
    const auto post = move_order(1, OrderKind::post_margin, perpetuals, usdc, 9'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(0))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(2, 1'000'000), at(0))));
    sample.run_to(19);
    ASSERT_EQ(chain.final_book().position(alpha, btc_perp).quantity.v, 1'000'000);
    // No move since the last settlement: it ends all the same.
    sample.run_to(30);
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(3, 1'000'000), at(30))));
    sample.run_to(40);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp), Position{});
    EXPECT_EQ(sample.asked(ref(3)).refusal, ShardRefusal::unsupported);
    std::int64_t closed = 0;
    for (const auto& variation : sample.heard<ledger::VariationNotice>()) {
        closed += variation.closed.v;
    }
    EXPECT_EQ(closed, -1'000'000);
}

// Goal: what pays for an outcome waits until the event has ended, whatever the clock says.
TEST(Chain, EndsAnOutcomeOnceItsEventHas) {
    auto listing = sample::listing();
    listing.assets[btc_perp_units.v] = {"RAIN", 6, base::AssetKind::outcome, "", "augur"};
    auto& ends = listing.instruments[btc_perp.v];
    ends.kind = base::InstrumentKind::prediction;
    ends.expiry = base::Expiry{.at = at(20)};
    SampleChain sample{parameters(perpetuals), listing};
    auto& chain = sample.chain;
    chain.set_price(btc_perp, base::Price{400'000'000});
    const auto post = move_order(1, OrderKind::post_margin, perpetuals, usdc, 9'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(0))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(2, 1'000'000'000), at(0))));
    sample.run_to(40);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp).quantity.v, 1'000'000'000);
    chain.set_price(btc_perp, base::Price{0});
    sample.run_to(60);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp), Position{});
    EXPECT_FALSE(chain.deposit(base::account_id(alpha, 1), btc_perp_units, base::Amount{5}, at(60)))
        << "a contract is no token";
    const auto left = chain.final_book().balance(margin_of(alpha), usdc).v;
    EXPECT_LT(left, 8'600 * one_usdc) << "a thousand shares at 40 cents and the venue's spread";
    EXPECT_GT(left, 8'500 * one_usdc);
}

// Goal: an option that ends out of the money is gone, and has taken what it was worth.
TEST(Chain, EndsAnOptionThatIsWorthNothing) {
    auto listing = sample::listing();
    listing.assets[btc_perp_units.v] = {"BTC-CALL", 6, base::AssetKind::option, "BTC", "venue"};
    auto& ends = listing.instruments[btc_perp.v];
    ends.kind = base::InstrumentKind::option;
    ends.expiry = base::Expiry{.at = at(20)};
    ends.option = base::OptionTerms{.strike = base::Price{60'000'000'000'000}};
    SampleChain sample{parameters(perpetuals), listing};
    auto& chain = sample.chain;
    chain.set_price(btc_perp, base::Price{500'000'000'000});
    const auto post = move_order(1, OrderKind::post_margin, perpetuals, usdc, 9'000 * one_usdc);
    ASSERT_TRUE(is_accepted(chain.submit(post, at(0))));
    ASSERT_TRUE(is_accepted(chain.submit(contract_order(2, 1'000'000), at(0))));
    sample.run_to(10);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp).quantity.v, 1'000'000);
    chain.set_price(btc_perp, base::Price{0});
    sample.run_to(40);
    EXPECT_EQ(chain.final_book().position(alpha, btc_perp), Position{});
    EXPECT_LT(chain.final_book().balance(margin_of(alpha), usdc).v, 8'500 * one_usdc);
}

TEST(Chain, TakesTwoThousandDepositsInOneBlock) {
    SampleChain sample{parameters(swaps)};
    for (std::uint64_t number = 0; number < 2'000; ++number) {
        ASSERT_TRUE(
            sample.chain.deposit(base::account_id(alpha, number), usdc, base::Amount{5}, at(0)));
    }
    sample.run_to(6);
    const auto heard = sample.heard<ledger::DepositNotice>();
    EXPECT_EQ(heard.size(), 6'000U);
    EXPECT_EQ(heard.front().block, 1U);
    EXPECT_EQ(heard.back().finality, Finality::final);
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), usdc).v,
              1'000'000 * one_usdc + 10'000);
}

TEST(Chain, CutsHoldingsWhenAProtocolFails) {
    SampleChain sample{parameters(swaps)};
    sample.chain.fail_protocol(usdc, base::Ppm{250'000}, at(0));
    sample.run_to(6);
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), usdc).v, 750'000 * one_usdc);
    EXPECT_EQ(sum_of(sample.chain.final_book(), usdc), 0);
}

TEST(Chain, RescanTellsInflowsFromABlockOn) {
    SampleChain sample{parameters(swaps)};
    for (int second = 0; second < 3; ++second) {
        ASSERT_TRUE(
            sample.chain.deposit(base::account_id(alpha, 1), usdc, base::Amount{5}, at(second)));
        sample.run_to(second + 1);
    }
    sample.run_to(20);
    sample.told.clear();
    sample.chain.rescan(alpha, 2);
    sample.chain.rescan(beta, 0);
    sample.collect();
    const auto heard = sample.heard<ledger::DepositNotice>();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard[0].block, 2U);
    EXPECT_EQ(heard[1].id, 3U);
}

}  // namespace
}  // namespace crossclear::shards::simulated
