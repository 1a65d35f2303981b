#include "shards/evm/chain_shard.hpp"

#include "shards/evm/vault.hpp"
#include "tests/support/shards/lane_chain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Orders of one lane on a real chain: what is found, undone and final.

namespace crossclear::shards::evm {
namespace {

using ledger::ShardRefusal;
using ledger::signing::Halt;
using tests::SignedOrder;
using tests::Told;

class OrdersOnChain : public tests::LaneChain {
protected:
    // What an order came to by the vault's event.
    [[nodiscard]] std::optional<ledger::OrderNotice> notice(const SignedOrder& sent,
                                                            const Found& found) {
        return found.ended ? host->shard().notice_of(sent.order, *found.ended) : std::nullopt;
    }
    [[nodiscard]] bool finds(const SignedOrder& sent) {
        return host->comes_to(
            [&](const Told& told) { return told.found.contains(sent.transaction.nonce); });
    }
    [[nodiscard]] Found found(const SignedOrder& sent) {
        const auto told = host->told();
        const auto at = told.found.find(sent.transaction.nonce);
        return at == told.found.end() ? Found{} : at->second;
    }
    // News since then, as one.
    [[nodiscard]] HeadNews news_since(std::size_t count) {
        HeadNews all;
        const auto told = host->told();
        for (std::size_t i = count; i < told.news.size(); ++i) {
            const auto& one = told.news[i];
            all.undone.insert(all.undone.end(), one.undone.begin(), one.undone.end());
            all.found.insert(all.found.end(), one.found.begin(), one.found.end());
        }
        return all;
    }
    void reorganise(std::uint64_t depth) {
        (void)node().ask("anvil_reorg", {depth, boost::json::array{}});
    }
    // Out of the node's pool, if it is there.
    void drop(const SignedOrder& sent) {
        (void)node().call("anvil_dropTransaction", {to_hex(Hash{sent.transaction.hash})});
    }
};

TEST_F(OrdersOnChain, TheChainIsIdentifiedByWhatIsFinal) {
    start();
    const auto before = head();
    const auto first = host->identify();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->chain_id, chain().chain_id);
    EXPECT_EQ(Hash{first->genesis}, header(0).hash);
    EXPECT_EQ(Address{first->key}, vault().operator_key);
    EXPECT_EQ(first->final_nonce, 0U);
    EXPECT_EQ(first->pending_nonce, 0U);
    ASSERT_EQ(head(), before);

    for (int i = 0; i < 2; ++i) (void)send(payment(tests::million));
    mine(2);
    (void)send(payment(tests::million));
    const auto waiting = host->identify();
    ASSERT_TRUE(waiting.has_value());
    EXPECT_EQ(waiting->final_nonce, 0U) << "one block more makes them final";
    EXPECT_EQ(waiting->pending_nonce, 3U);
    mine();
    EXPECT_EQ(host->identify().value_or(ChainIdentity{}).final_nonce, 2U);
    EXPECT_TRUE(host->told().faults.empty());
}

// Goal: whoever has a quiet chain need not pay what another one asks, and the other way round.
TEST_F(OrdersOnChain, TheLeastTipIsTheOneConfigured) {
    deploy();
    for (const std::uint64_t least : {std::uint64_t{0}, std::uint64_t{7'000'000'000}}) {
        auto with = options();
        with.tip_min = least;
        end_host();
        host.emplace(with);
        host->follow();
        ASSERT_TRUE(hears_of_head());
        const auto told = host->told();
        ASSERT_FALSE(told.news.empty());
        EXPECT_EQ(told.news.back().enough.tip_wei, least);
        EXPECT_GE(told.news.back().offer.tip_wei, least);
    }
}

TEST_F(OrdersOnChain, AChainThatIsNotTheOneConfiguredHasNoIdentity) {
    deploy();
    struct Case {
        Halt reason;
        std::string expected;
        std::string was_found;
        ChainShardOptions options;
    };
    std::vector<Case> cases;
    auto other = options();
    other.chain_id += 1;
    cases.push_back({Halt::other_chain, std::to_string(other.chain_id),
                     std::to_string(chain().chain_id), other});
    other = options();
    other.genesis.bytes[0] ^= 1U;
    cases.push_back({Halt::other_chain, to_hex(other.genesis), to_hex(chain().genesis), other});
    other = options();
    other.terms.vault.vault = client();
    cases.push_back({Halt::contract_changed, "no contract", to_hex(client()), other});
    other = options();
    other.terms.vault.vault = other.terms.vault.tokens.front().contract;  // Knows no units.
    cases.push_back({Halt::contract_changed, "code is not the one expected", "its hash is", other});
    other = options();
    const auto& usdc = other.terms.vault.tokens.front();
    other.terms.vault.tokens.front().decimals += 2;
    cases.push_back(
        {Halt::contract_changed, "expected 100 raw units", to_hex(usdc.contract), other});
    other = options();
    other.terms.vault.tokens.front().contract = client();
    cases.push_back(
        {Halt::contract_changed, to_hex(client()), "that the vault does not list it", other});
    for (auto& one : cases) {
        host.emplace(std::move(one.options));
        EXPECT_FALSE(host->identify().has_value()) << one.expected;
        const auto faults = host->told().faults;
        ASSERT_EQ(faults.size(), 1U) << one.expected;
        EXPECT_EQ(faults.front().reason, one.reason);
        EXPECT_NE(faults.front().says.find(one.expected), std::string::npos) << faults[0].says;
        EXPECT_NE(faults.front().says.find(one.was_found), std::string::npos) << faults[0].says;
    }
    other = options();
    other.vault_code.reset();
    host.emplace(std::move(other));
    EXPECT_TRUE(host->identify().has_value()) << "any code will do";
}

TEST_F(OrdersOnChain, AnOrderIsFoundInItsBlockAndFinalTwoBlocksLater) {
    start();
    const auto before = head();
    const auto bought = send(purchase(10'000'000));
    const auto paid = send(payment(7 * tests::million));
    mine();
    ASSERT_TRUE(finds(bought) && finds(paid));
    ASSERT_TRUE(hears_of_head());
    for (const auto& one : {bought, paid}) {
        EXPECT_EQ(found(one).block, before + 1);
        EXPECT_EQ(Hash{found(one).block_hash}, header(before + 1).hash);
        ASSERT_TRUE(found(one).ended.has_value());
        EXPECT_EQ(found(one).ended->intent, intent_of("test", one.order.ref));
    }
    const auto trade = notice(bought, found(bought));
    ASSERT_TRUE(trade.has_value());
    EXPECT_EQ(trade->ref, bought.order.ref);
    EXPECT_EQ(trade->refusal, ShardRefusal::none);
    EXPECT_EQ(trade->received_asset, tests::listed::sbtc);
    EXPECT_EQ(trade->received, base::Amount{10'000'000});
    EXPECT_EQ(trade->given_asset, tests::listed::usdc);
    EXPECT_EQ(trade->given, base::Amount{6'006 * tests::million}) << "with a fee of a thousandth";
    EXPECT_EQ(trade->price, base::Price{60'060'000'000'000});
    // The vault's own books moved by just that.
    EXPECT_EQ(held("sBTC", before + 1) - held("sBTC", before), Uint256{100'000'000'000'000'000});
    EXPECT_EQ(held("USDC", before) - held("USDC", before + 1),
              6'006 * tests::million + 7 * tests::million);
    const auto payout = notice(paid, found(paid));
    ASSERT_TRUE(payout.has_value());
    EXPECT_EQ(payout->given_asset, tests::listed::usdc);
    EXPECT_EQ(payout->given, base::Amount{7 * tests::million});
    EXPECT_EQ(payout->received, base::Amount{0});
    EXPECT_FALSE(host->shard().notice_of(paid.order, *found(bought).ended).has_value())
        << "how another order has ended";

    mine();
    ASSERT_TRUE(hears_of_head());
    EXPECT_EQ(host->told().final_nonce(), 0U) << "it is safe and no more";
    mine();
    ASSERT_TRUE(hears_of_head());
    EXPECT_EQ(host->told().final_nonce(), 2U);
    EXPECT_EQ(host->told().final_block(), before + 1);
    EXPECT_EQ(host->told().news.back().key_balance, native(before + 1));
}

TEST_F(OrdersOnChain, WhatABlockHasNoRoomForIsFilledInPart) {
    start();
    const auto first = send(purchase(4'000'000'000));
    const auto second = send(purchase(3'000'000'000));
    mine();
    ASSERT_TRUE(finds(first) && finds(second));
    const auto part = notice(second, found(second)).value();
    EXPECT_EQ(part.refusal, ShardRefusal::none);
    EXPECT_EQ(part.received, base::Amount{1'000'000'000}) << "of fifty in a block";
    EXPECT_EQ(part.given, base::Amount{10 * 60'060 * tests::million});
}

// Goal: a rule that counts blocks says the same without the nodes' tags.
TEST_F(OrdersOnChain, FinalityByDepthIsAsManyBlocksLater) {
    deploy();
    auto deep = options();
    deep.finality.depth = 5;
    host.emplace(std::move(deep));
    host->follow();
    const auto before = head();
    (void)send(payment(tests::million));
    mine(5);
    const auto is_final = [&](std::uint64_t number) {
        return host->comes_to([&](const Told& told) { return told.final_block() == number; });
    };
    ASSERT_TRUE(is_final(before));
    EXPECT_EQ(host->told().final_nonce(), 0U);
    mine();
    ASSERT_TRUE(is_final(before + 1));
    EXPECT_EQ(host->told().final_nonce(), 1U);
}

// Goal: what gas took is the difference of two balances in units. Rounded one by one, a hundred
// transactions would be wrong by tens of units.
TEST_F(OrdersOnChain, GasAddsUpToTheDifferenceOfBalances) {
    start();
    const auto before = head();
    constexpr std::uint64_t transactions = 100;
    std::vector<SignedOrder> sent;
    while (sent.size() < transactions) {
        for (int i = 0; i < 20; ++i)
            sent.push_back(send(sent.size() % 3 == 0 ? payment(1) : expired()));
        mine();
    }
    while (!receipt(sent.back())) mine();
    mine(2);
    ASSERT_TRUE(hears_of_head());
    const auto told = host->told();
    ASSERT_EQ(told.found.size(), transactions);
    ASSERT_EQ(told.final_nonce(), transactions);
    std::map<std::uint64_t, base::Amount> by_block;
    std::int64_t rounded_one_by_one = 0;
    base::Amount total;
    for (const auto& one : sent) {
        const auto& at = told.found.at(one.transaction.nonce);
        by_block[at.block] = base::must_add(by_block[at.block], at.gas);
        total = base::must_add(total, at.gas);
        const auto paid = receipt(one);
        rounded_one_by_one += saturated(native_units(paid->gas_price * paid->gas_used, 9)).v;
    }
    EXPECT_LT(by_block.size(), transactions / 5) << "several are in one block";
    for (const auto& [block, gas] : by_block) {
        EXPECT_EQ(gas, base::must_subtract(native(block - 1), native(block))) << block;
    }
    EXPECT_EQ(total, base::must_subtract(native(before), native(head())));
    EXPECT_GT(total.v - rounded_one_by_one, 10) << "or this proves nothing";
}

TEST_F(OrdersOnChain, WhatAReorganisationTakesIsUndoneAndFoundAgain) {
    start();
    for (const std::uint64_t depth : {1U, 2U}) {
        const auto one = send(payment(tests::million));
        const auto two = send(purchase(1'000'000));
        mine(depth);
        ASSERT_TRUE(hears_of_head());
        ASSERT_TRUE(finds(one) && finds(two));
        const auto old = found(one);
        const auto count = host->told().news.size();
        reorganise(depth);
        ASSERT_NE(header(old.block).hash, Hash{old.block_hash}) << "or this proves nothing";
        ASSERT_TRUE(host->comes_to([&](const Told& told) {
            return !told.found.contains(one.transaction.nonce) ||
                   told.found.at(one.transaction.nonce).block_hash != old.block_hash;
        }));
        // Whether the node keeps what it took out of a block is its own affair.
        for (const auto& sent : {one, two}) {
            if (!receipt(sent)) send_again(sent);
        }
        mine(3);
        ASSERT_TRUE(finds(one) && finds(two));
        ASSERT_TRUE(hears_of_head());
        const auto news = news_since(count);
        EXPECT_EQ(std::count(news.undone.begin(), news.undone.end(), old.block_hash), 1);
        EXPECT_EQ(news.undone.size(), depth) << "each block of it";
        EXPECT_EQ(news.found.size(), 2U);
        EXPECT_EQ(Hash{found(one).block_hash}, receipt(one)->block);
        EXPECT_NE(found(one).block_hash, old.block_hash);
        EXPECT_EQ(found(one).gas.v + found(two).gas.v,
                  native(found(one).block - 1).v - native(found(one).block).v);
        EXPECT_EQ(host->told().final_nonce(), two.transaction.nonce + 1);
    }
    EXPECT_TRUE(host->told().faults.empty());
}

TEST_F(OrdersOnChain, WhatWasDroppedForGoodIsNotFoundUntilItIsSentAgain) {
    start();
    const auto never_mined = send(payment(tests::million));
    drop(never_mined);
    mine(4);
    ASSERT_TRUE(hears_of_head());
    EXPECT_TRUE(host->told().found.empty());
    send_again(never_mined);
    mine();
    ASSERT_TRUE(finds(never_mined));

    const auto old = found(never_mined);
    reorganise(1);
    drop(never_mined);
    mine(4);
    ASSERT_TRUE(hears_of_head());
    ASSERT_FALSE(receipt(never_mined).has_value()) << "or this proves nothing";
    EXPECT_TRUE(host->told().found.empty());
    EXPECT_EQ(host->told().final_nonce(), 0U);
    send_again(never_mined);
    mine(3);
    ASSERT_TRUE(finds(never_mined));
    ASSERT_TRUE(hears_of_head());
    EXPECT_GT(found(never_mined).block, old.block);
    EXPECT_EQ(host->told().final_nonce(), 1U);
    // What a node has already is no refusal.
    host->send(never_mined);
    (void)host->health();
    mine();
    ASSERT_TRUE(hears_of_head());
    EXPECT_EQ(host->told().refusals, std::vector<std::string>{});
}

// Goal: what takes the place of an order that came too late is a transaction that nodes take.
TEST_F(OrdersOnChain, ACancelTakesAnOrdersPlace) {
    start();
    mine();
    ASSERT_TRUE(hears_of_head());
    const auto late = send(payment(tests::million));
    const auto cancel = host->sign_cancel(late);
    send_again(cancel);
    mine(3);
    ASSERT_TRUE(finds(cancel));
    ASSERT_TRUE(hears_of_head());
    EXPECT_FALSE(found(cancel).ended.has_value()) << "it asks nothing of the vault";
    EXPECT_EQ(found(cancel).gas.v,
              native(found(cancel).block - 1).v - native(found(cancel).block).v);
    EXPECT_EQ(host->told().final_nonce(), cancel.transaction.nonce + 1);
    EXPECT_TRUE(host->told().refusals.empty());
}

TEST_F(OrdersOnChain, WhatANodeHoldsAgainstBytesIsTold) {
    start();
    auto sent = host->sign(payment(tests::million));
    sent.bytes.raw.resize(sent.bytes.raw.size() / 2);
    host->send(sent);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return !told.refusals.empty(); }));
    EXPECT_FALSE(host->told().refusals.front().empty());
}

// Goal: a lane that was away hears of its transactions before it hears that their nonces are used.
TEST_F(OrdersOnChain, AfterARestartTheFirstNewsHasAllThatIsInTheChain) {
    start();
    std::vector<SignedOrder> sent;
    for (int block = 0; block < 3; ++block) {
        for (int i = 0; i < 2; ++i) sent.push_back(send(payment(tests::million)));
        mine();
    }
    sent.push_back(send(expired()));
    mine();
    const auto waiting = send(payment(tests::million));
    ASSERT_TRUE(hears_of_head());
    const auto before = host->told();
    ASSERT_EQ(before.found.size(), 7U);
    ASSERT_EQ(before.final_nonce(), 4U);

    sent.push_back(waiting);
    restart(sent);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return !told.news.empty(); }));
    const auto first = host->told().news.front();
    EXPECT_EQ(first.found.size(), 7U);
    EXPECT_EQ(first.final_nonce, 4U);
    EXPECT_TRUE(first.undone.empty());
    for (const auto& [nonce, was] : before.found) {
        const auto again = host->told().found.at(nonce);
        EXPECT_EQ(again.hash, was.hash);
        EXPECT_EQ(again.block, was.block);
        EXPECT_EQ(again.block_hash, was.block_hash);
        EXPECT_EQ(again.gas, was.gas);
    }
    mine();
    ASSERT_TRUE(finds(waiting));
}

// Goal: after a restart, and with only some of what is in a block known to be sent, gas is right.
TEST_F(OrdersOnChain, FollowingAnewTellsAllOfItToTheNewListenerAlone) {
    start();
    const auto first = send(payment(tests::million));
    const auto second = send(payment(tests::million));
    mine(3);
    ASSERT_TRUE(hears_of_head());
    const auto was = found(second);
    struct Heard {
        std::atomic<int> count{};
        std::promise<HeadNews> first;
    };
    const auto heard = std::make_shared<Heard>();
    const auto count = host->told().news.size();
    host->shard().follow(
        {second.transaction},
        [heard](HeadNews news) {
            if (++heard->count == 1) heard->first.set_value(std::move(news));
        },
        [](const ChainFault&) {});
    const auto news = heard->first.get_future().get();
    ASSERT_EQ(news.found.size(), 1U);
    EXPECT_EQ(news.found.front().hash, second.transaction.hash);
    EXPECT_EQ(news.found.front().gas, was.gas) << "what came before it in the block counts";
    EXPECT_EQ(news.final_nonce, 2U);
    mine(3);
    // Who is listened to now says when that is over.
    ASSERT_TRUE(node().run_until([&] { return host->health().head_block == head(); }));
    EXPECT_GE(heard->count, 2);
    EXPECT_EQ(host->told().news.size(), count) << "who listened before hears nothing more";
}

TEST_F(OrdersOnChain, WhatIsForgottenIsNotLookedForAnyMore) {
    start();
    const auto first = send(payment(tests::million));
    const auto second = send(payment(tests::million));
    host->shard().forget_below(second.transaction.nonce);
    (void)host->health();
    mine();
    ASSERT_TRUE(finds(second));
    EXPECT_FALSE(host->told().found.contains(first.transaction.nonce));
}

TEST_F(OrdersOnChain, WhatIsFinalCanBeRecountedAndLookedUp) {
    start();
    const auto before = head();
    const auto bought = send(purchase(10'000'000));
    const auto late = send(expired());
    mine(2);
    ASSERT_TRUE(hears_of_head());
    const auto unborn = host->look_up(bought.order);
    ASSERT_TRUE(unborn.has_value());
    EXPECT_FALSE(unborn->notice.has_value()) << "it is not final";
    mine();
    ASSERT_TRUE(hears_of_head());

    for (const auto& one : {bought, late}) {
        const auto counted = host->recount(one, base::Amount{7});
        ASSERT_TRUE(counted.has_value());
        EXPECT_EQ(counted->hash, one.transaction.hash);
        EXPECT_EQ(counted->block, before + 1);
        EXPECT_EQ(counted->block_hash, found(one).block_hash);
        EXPECT_EQ(counted->gas, base::Amount{7}) << "as it was noted";
        ASSERT_TRUE(counted->ended.has_value());
        EXPECT_EQ(counted->ended->result, found(one).ended->result);

        const auto record = host->look_up(one.order);
        ASSERT_TRUE(record && record->notice);
        auto expected = notice(one, found(one)).value();
        expected.finality = ledger::Finality::final;
        expected.block = before + 1;
        expected.gas = found(one).gas;
        EXPECT_EQ(*record->notice, expected);
        const auto time = static_cast<std::int64_t>(header(before + 1).time_s) * 1'000'000;
        EXPECT_EQ(record->as_of, base::Timestamp{time});
    }
    EXPECT_EQ(host->look_up(late.order)->notice->refusal, ShardRefusal::expired);
    EXPECT_GT(host->look_up(late.order)->notice->gas, base::Amount{0});

    const auto other = host->look_up(payment(tests::million));
    ASSERT_TRUE(other.has_value());
    EXPECT_FALSE(other->notice.has_value()) << "it never was";
    const auto unsent = host->sign(payment(tests::million));
    EXPECT_FALSE(host->recount(unsent).has_value()) << "it is in no block";
}

TEST_F(OrdersOnChain, WhatTheVaultDoesNotDoIsNoCall) {
    start();
    auto order = payment(tests::million);
    order.destination = "nobody";
    EXPECT_EQ(host->shard().prepare(order).error(), ShardRefusal::unsupported);
    order = payment(tests::million);
    order.kind = ledger::OrderKind::bridge_out;
    order.to_shard = tests::listed::augur;
    EXPECT_EQ(host->shard().prepare(order).error(), ShardRefusal::unsupported) << "no way there";
    const auto call = host->shard().prepare(payment(tests::million));
    ASSERT_TRUE(call.has_value());
    EXPECT_EQ(Address{call->to}, vault().contract);
    EXPECT_EQ(call->gas_limit, vault().gas_wanted);
}

}  // namespace
}  // namespace crossclear::shards::evm
