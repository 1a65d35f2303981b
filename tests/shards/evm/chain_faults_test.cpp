#include "shards/evm/chain_shard.hpp"
#include "shards/evm/vault.hpp"
#include "tests/support/shards/fault_proxy.hpp"
#include "tests/support/shards/lane_chain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What goes wrong between a lane and its chain: what is told is right all the same, if later.

namespace crossclear::shards::evm {
namespace {

using ledger::Finality;
using tests::ChainFaults;
using tests::SignedOrder;
using tests::Told;

class FaultsOnChain : public tests::LaneChain {
protected:
    // Through so many endpoints, none of which fails yet. With patience one that is silent is
    // waited for, and then left alone for long.
    void start_behind(std::size_t count, bool is_patient = false) {
        deploy();
        std::vector<std::string> urls;
        for (std::size_t i = 0; i < count; ++i) {
            proxies.push_back(
                std::make_unique<tests::FaultProxy>(chain().url, 0x5EED + proxies.size()));
            urls.push_back(proxies.back()->http_url());
        }
        auto chosen = options(urls);
        if (is_patient) {
            chosen.rpc.try_patience = base::seconds(1);
            chosen.rpc.aside_max = base::seconds(60);
        }
        host.emplace(std::move(chosen));
        host->follow();
        approve_deposits();
        ASSERT_TRUE(hears_of_head());
    }
    void set_all(const ChainFaults& faults) {
        for (const auto& proxy : proxies) proxy->set_faults(faults);
    }
    void set_down(bool is_down) { set_all({.is_down = is_down}); }

    // Makes a block and waits until it is known. Who makes hundreds a second is not caught up with
    // by somebody who asks again and again.
    [[nodiscard]] bool mines_and_hears() {
        mine();
        const auto block = head();
        return host->comes_to([&](const Told& told) { return told.final_block() + 2 >= block; });
    }
    // Blocks are made until what was told is so.
    [[nodiscard]] bool mines_until(const std::function<bool(const Told&)>& is_so) {
        for (int i = 0; i < 200 && !is_so(host->told()); ++i) {
            if (!mines_and_hears()) return false;
        }
        return is_so(host->told());
    }
    // Orders and deposits, block after block, until all of it is final.
    void trade_through(int count) {
        for (int i = 0; i < count; ++i) {
            sent.push_back(host->sign(i % 3 == 0 ? purchase(100'000) : payment(1 + i)));
            host->send(sent.back());
            deposit(base::account_id(base::BrokerId{0}, 1), tests::million + i);
            ASSERT_TRUE(mines_and_hears());
        }
        const auto wanted = static_cast<std::size_t>(count);
        ASSERT_TRUE(mines_until([&](const Told& told) {
            return told.final_nonce() == wanted && final_deposits(told).size() == wanted;
        }));
    }
    void trade_beside_a_liar(tests::FaultProxy& liar) {
        liar.set_faults({.stale_ppm = 1'000'000,
                         .stale_answers = 5,
                         .hidden_receipt_ppm = 1'000'000,
                         .other_hash_ppm = 1'000'000});
        trade_through(5);
        expect_all_is_true(5);
        EXPECT_GT(liar.counts().hidden_receipts, 0U);
        EXPECT_GT(liar.counts().other_hashes, 0U);
        // Balances and records are by the word of most, too.
        ASSERT_TRUE(host->balances().has_value());
        const auto record = host->look_up(sent.front().order);
        ASSERT_TRUE(record && record->notice);
        EXPECT_EQ(record->notice->gas, host->told().found.at(0).gas);
    }
    static std::set<std::uint64_t> final_deposits(const Told& told) {
        std::set<std::uint64_t> ids;
        for (const auto& notice : told.notices) {
            const auto* one = std::get_if<ledger::DepositNotice>(&notice);
            if (one != nullptr && one->finality == Finality::final) ids.insert(one->id);
        }
        return ids;
    }
    // By the node's word, without anything in between. No block of these chains was replaced.
    void expect_all_is_true(int count) {
        const auto told = host->told();
        for (const auto& news : told.news) {
            for (const auto& one : news.found) expect_true(one);
        }
        std::int64_t gas = 0;
        for (const auto& one : sent) gas += told.found.at(one.transaction.nonce).gas.v;
        EXPECT_EQ(gas, native(0).v - native(head()).v);
        std::int64_t units = 0;
        for (const auto id : final_deposits(told)) {
            const auto finalities = told.of_deposit(id);
            EXPECT_EQ(std::count(finalities.begin(), finalities.end(), Finality::final), 1);
        }
        for (const auto& notice : told.notices) {
            const auto* one = std::get_if<ledger::DepositNotice>(&notice);
            if (one != nullptr && one->finality == Finality::final) units += one->amount.v;
        }
        EXPECT_EQ(units, count * tests::million + count * (count - 1) / 2);
        EXPECT_TRUE(told.faults.empty());
    }
    void expect_true(const Found& one) {
        const auto whose = std::find_if(sent.begin(), sent.end(), [&](const SignedOrder& order) {
            return order.transaction.hash == one.hash;
        });
        ASSERT_NE(whose, sent.end());
        const auto there = receipt(*whose);
        ASSERT_TRUE(there.has_value());
        EXPECT_EQ(Hash{one.block_hash}, there->block);
        EXPECT_EQ(one.block, there->block_number);
        EXPECT_TRUE(one.ended && host->shard().notice_of(whose->order, *one.ended));
    }

    std::vector<std::unique_ptr<tests::FaultProxy>> proxies;
    std::vector<SignedOrder> sent;
};

// Counts what was asked, for as long as somebody may ask.
class CountedOnChain : public FaultsOnChain {
protected:
    ~CountedOnChain() override { host.reset(); }
    std::atomic<int> messages{};
};

TEST_F(FaultsOnChain, ConnectionsThatFailDelayAndChangeNothing) {
    start_behind(3);
    set_all({.lost_request_ppm = 30'000,
             .limited_ppm = 30'000,
             .bad_gateway_ppm = 30'000,
             .late_bad_gateway_ppm = 30'000,
             .lost_answer_ppm = 30'000,
             .cut_answer_ppm = 30'000,
             .repeated_ppm = 30'000});
    host->send_again_until_found();
    trade_through(9);
    expect_all_is_true(9);
    std::array<std::uint64_t, 6> counts{};
    for (const auto& proxy : proxies) {
        const auto one = proxy->counts();
        const std::array<std::uint64_t, 6> these{one.lost_requests,     one.limited,
                                                 one.bad_gateways,      one.lost_answers,
                                                 one.late_bad_gateways, one.cut_answers};
        for (std::size_t i = 0; i < these.size(); ++i) counts[i] += these[i];
    }
    for (const auto count : counts) EXPECT_GT(count, 0U) << "or this proves nothing";
}

// Goal: the endpoint that is asked first is the one that lies.
TEST_F(FaultsOnChain, OneOfThreeThatLiesIsNotBelieved) {
    start_behind(3);
    proxies.front()->set_faults(
        {.stale_ppm = 300'000, .hidden_receipt_ppm = 500'000, .other_hash_ppm = 300'000});
    trade_through(9);
    proxies.front()->set_faults({});
    mine();
    ASSERT_TRUE(hears_of_head());
    expect_all_is_true(9);
    const auto counts = proxies.front()->counts();
    EXPECT_GT(counts.stale, 0U);
    EXPECT_GT(counts.hidden_receipts, 0U);
    EXPECT_GT(counts.other_hashes, 0U);
}

// Goal: and if it lies always, the lane goes on nevertheless.
TEST_F(FaultsOnChain, OneOfThreeThatNeverTellsTheTruthStopsNothing) {
    start_behind(3);
    trade_beside_a_liar(*proxies.back());
}

// Goal: whichever it is.
TEST_F(FaultsOnChain, NorDoesItIfItIsTheFirstThatIsAsked) {
    start_behind(3);
    trade_beside_a_liar(*proxies.front());
}

// Goal: an endpoint that stands still holds up nobody, the first one neither.
TEST_F(FaultsOnChain, OneOfThreeThatIsStuckHoldsNobodyUp) {
    start_behind(3);
    proxies.front()->set_faults(
        {.stale_ppm = 1'000'000, .stale_answers = tests::stale_answers_max});
    trade_through(9);
    expect_all_is_true(9);
    EXPECT_EQ(host->health().head_block, head());
    EXPECT_GT(proxies.front()->counts().stale, 0U);
}

// Goal: nor does one that takes questions and never answers.
TEST_F(FaultsOnChain, OneOfThreeThatIsSilentHoldsNobodyUp) {
    start_behind(3, true);
    proxies.front()->set_faults({.silent_answer_ppm = 1'000'000});
    host->send_again_until_found();
    trade_through(5);
    expect_all_is_true(5);
    EXPECT_GT(proxies.front()->counts().silent_answers, 0U);
}

TEST_F(FaultsOnChain, WhatSendsAreDroppedIsSentAgainUntilFound) {
    start_behind(3);
    set_all({.dropped_send_ppm = 300'000});
    host->send_again_until_found();
    trade_through(20);
    expect_all_is_true(20);
    std::uint64_t dropped = 0;
    for (const auto& proxy : proxies) dropped += proxy->counts().dropped_sends;
    EXPECT_GT(dropped, 0U) << "or this proves nothing";
}

TEST_F(FaultsOnChain, HealthIsThatOfTheChain) {
    start_behind(1);
    auto health = host->health();
    EXPECT_TRUE(health.is_reachable);
    EXPECT_FALSE(health.is_paused);
    EXPECT_EQ(health.head_block, head());
    EXPECT_EQ(health.final_block, head() - 2);
    const auto time = static_cast<std::int64_t>(header(head()).time_s) * 1'000'000;
    EXPECT_EQ(health.head_at, base::Timestamp{time});

    const auto guardian = node().ask("eth_accounts").as_array().at(5);
    (void)call(parse_fixed<Address>(guardian.as_string()).value(), vault().contract,
               AbiWriter{}.call(selector_of("pause()")));
    mine();
    ASSERT_TRUE(node().run_until([&] { return host->health().is_paused; }));
    EXPECT_TRUE(host->health().is_reachable);
    (void)node().ask("anvil_impersonateAccount", {to_hex(chain().roles.admin)});
    (void)call(chain().roles.admin, vault().contract, AbiWriter{}.call(selector_of("unpause()")));
    mine();
    EXPECT_TRUE(node().run_until([&] { return !host->health().is_paused; }));
}

TEST_F(FaultsOnChain, AfterAnOutageAllThatWasMissedIsTold) {
    start_behind(1);
    sent.push_back(host->sign(payment(tests::million)));
    host->send(sent.back());
    ASSERT_TRUE(node().run_until([&] {
        return !node()
                    .ask("eth_getTransactionByHash", {to_hex(Hash{sent[0].transaction.hash})})
                    .is_null();
    }));
    set_down(true);
    mine(150);
    deposit(base::account_id(base::BrokerId{0}, 1), tests::million);
    mine(160);
    EXPECT_TRUE(host->told().found.empty());
    ASSERT_TRUE(node().run_until([&] { return !host->health().is_reachable; }));
    EXPECT_FALSE(host->identify().has_value());
    EXPECT_FALSE(host->balances().has_value());
    EXPECT_FALSE(host->look_up(payment(1)).has_value());
    EXPECT_FALSE(host->recount(sent.front()).has_value());
    EXPECT_TRUE(host->told().faults.empty()) << "who is away is nobody else";

    set_down(false);
    ASSERT_TRUE(host->comes_to([&](const Told& told) { return told.final_nonce() == 1; }));
    ASSERT_TRUE(hears_of_head());
    EXPECT_TRUE(host->health().is_reachable);
    EXPECT_EQ(host->health().head_block, head());
    expect_all_is_true(1);
}

// Goal: whoever has much to catch up with does not ask block by block.
TEST_F(CountedOnChain, AHeadFarAheadIsReachedWithFewMessages) {
    deploy();
    proxies.push_back(std::make_unique<tests::FaultProxy>(chain().url, 0x5EED));
    auto chosen = options({proxies.front()->http_url()});
    chosen.rpc.on_try = [&](const RpcTry& one) { messages += one.error == nullptr ? 1 : 0; };
    host.emplace(std::move(chosen));
    host->follow();
    approve_deposits();
    ASSERT_TRUE(hears_of_head());
    set_down(true);
    mine(50);
    deposit(base::account_id(base::BrokerId{0}, 1), tests::million);
    mine(150);
    const int before = messages;
    set_down(false);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return final_deposits(told).size() == 1; }));
    ASSERT_TRUE(hears_of_head());
    EXPECT_LT(messages - before, 100) << "for 200 blocks";
}

// Goal: what the chain has become too dear for is replaced at fees that nodes take and that blocks
// then have room for, and takes effect once.
TEST_F(FaultsOnChain, WhatABaseFeeLeavesBehindIsReplaced) {
    start_behind(1);
    set_all({.has_replacement_rule = true});
    const auto fees = host->fees();
    const auto cheap = host->sign(payment(tests::million));
    send_again(cheap);
    auto too_little = ledger::signing::replacement_of(fees);
    too_little.tip_wei = fees.tip_wei;
    host->send(host->sign_replacement(cheap, too_little));
    ASSERT_TRUE(host->comes_to([](const Told& told) { return !told.refusals.empty(); }));
    EXPECT_EQ(proxies.front()->counts().underpriced, 1U);

    const auto dear = to_quantity(Uint256{fees.fee_wei} * 2);
    (void)node().call("anvil_setNextBlockBaseFeePerGas", {dear});
    ASSERT_TRUE(mines_and_hears());
    ASSERT_FALSE(receipt(cheap).has_value()) << "or this proves nothing";
    const auto news = host->told().news.back();
    EXPECT_GT(news.enough.fee_wei, fees.fee_wei) << "by which a lane knows that it is stuck";
    // As a lane has it: a tenth more of both at least, and what a new one would offer.
    auto enough = ledger::signing::replacement_of(fees);
    enough.tip_wei = std::max(enough.tip_wei, news.offer.tip_wei);
    enough.fee_wei = std::max(enough.fee_wei, news.offer.fee_wei);
    const auto replacement = host->sign_replacement(cheap, enough);
    send_again(replacement);
    ASSERT_TRUE(mines_until([](const Told& told) { return told.final_nonce() == 1; }));
    const auto found = host->told().found.at(0);
    EXPECT_EQ(found.hash, replacement.transaction.hash);
    ASSERT_TRUE(found.ended.has_value());
    EXPECT_EQ(found.ended->intent, intent_of("test", cheap.order.ref));
    EXPECT_FALSE(receipt(cheap).has_value());
    EXPECT_EQ(proxies.front()->counts().underpriced, 1U);
}

// Goal: a head that one endpoint tells before most have it is known as soon as they do, and not
// only when it would have been asked for anyhow.
TEST_F(FaultsOnChain, AHeadThatMostDoNotHaveYetIsLookedForAgain) {
    deploy();
    proxies.push_back(std::make_unique<tests::FaultProxy>(chain().url, 0x5EED));
    auto chosen = options({chain().websocket, proxies.front()->http_url()});
    chosen.poll_every = base::seconds(600);
    host.emplace(std::move(chosen));
    host->follow();
    ASSERT_TRUE(hears_of_head());
    // Each answer is the one before.
    set_all({.stale_ppm = 1'000'000, .stale_answers = 1});
    for (int i = 0; i < 3; ++i) {
        mine();
        EXPECT_TRUE(hears_of_head());
    }
    EXPECT_GT(proxies.front()->counts().stale, 0U) << "or this proves nothing";
}

// Goal: what a node does not tell at once is asked for in parts.
TEST_F(FaultsOnChain, ARescanAsksForLessWhereANodeTellsNoMore) {
    start_behind(1);
    const auto begun = head();
    trade_through(6);
    expect_all_is_true(6);
    set_all({.log_blocks_max = 2});
    const auto told_before = host->told().notices.size();
    host->shard().rescan(begun);
    ASSERT_TRUE(host->comes_to([](const Told& told) {
        return std::holds_alternative<ledger::RescanNotice>(told.notices.back());
    }));
    const auto notices = host->told().notices;
    const auto is_deposit = [](const auto& notice) {
        return std::holds_alternative<ledger::DepositNotice>(notice);
    };
    EXPECT_EQ(std::count_if(notices.begin() + static_cast<std::ptrdiff_t>(told_before),
                            notices.end(), is_deposit),
              6);
    EXPECT_EQ(std::get<ledger::RescanNotice>(notices.back()).from_block, begun);
    EXPECT_GT(proxies.front()->counts().too_many_blocks, 0U);
}

TEST_F(FaultsOnChain, AFinalBlockThatIsReplacedIsAFault) {
    start();
    const auto snapshot = node().ask("evm_snapshot");
    (void)send(payment(tests::million));
    mine(5);
    ASSERT_TRUE(hears_of_head());
    ASSERT_EQ(host->told().final_nonce(), 1U);
    const auto count = host->told().news.size();
    ASSERT_TRUE(node().ask("evm_revert", {snapshot}).as_bool());
    // As many blocks as there were, of another chain.
    (void)node().ask("evm_increaseTime", {1'000});
    mine(6);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return told.faults.size() == 2; }))
        << "the shard's owner and the lane are told";
    for (const auto& fault : host->told().faults) {
        EXPECT_EQ(fault.reason, ledger::signing::Halt::final_block_replaced);
        EXPECT_FALSE(fault.says.empty());
    }
    mine(2);
    EXPECT_FALSE(host->balances().has_value()) << "it follows nothing any more";
    const auto told = host->told();
    EXPECT_EQ(told.news.size(), count) << "and nothing of the other chain was told";
    EXPECT_EQ(told.faults.size(), 2U);
    // Until it is told to begin anew.
    host->follow();
    EXPECT_TRUE(
        host->comes_to([&](const Told& now) { return now.news.size() > told.news.size(); }));
}

}  // namespace
}  // namespace crossclear::shards::evm
