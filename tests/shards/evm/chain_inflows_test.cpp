#include "base/saturated.hpp"
#include "shards/evm/chain_shard.hpp"
#include "shards/evm/test_token.hpp"
#include "shards/evm/vault.hpp"
#include "tests/support/shards/lane_chain.hpp"

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

// What comes into a vault on a real chain, and what lies there.

namespace crossclear::shards::evm {
namespace {

using ledger::DepositNotice;
using ledger::Finality;
using ledger::RescanNotice;
using tests::Told;

class InflowsOnChain : public tests::LaneChain {
protected:
    const base::AccountId account = base::account_id(base::BrokerId{0}, 17);

    // The latest deposit of an amount that was told; nothing before.
    static std::optional<DepositNotice> deposit_in(const Told& told, std::int64_t units) {
        std::optional<DepositNotice> found;
        for (const auto& notice : told.notices) {
            const auto* one = std::get_if<DepositNotice>(&notice);
            if (one != nullptr && one->amount.v == units) found = *one;
        }
        return found;
    }
    [[nodiscard]] bool is_told(std::int64_t units, Finality finality) {
        return host->comes_to([&](const Told& told) {
            const auto one = deposit_in(told, units);
            return one && one->finality == finality;
        });
    }
    [[nodiscard]] DepositNotice deposit_of(std::int64_t units) {
        return deposit_in(host->told(), units).value_or(DepositNotice{});
    }
    // One that is in the newest block, and told.
    void start_with_deposit(std::int64_t units) {
        start();
        approve_deposits();
        deposit(account, units);
        mine();
        ASSERT_TRUE(is_told(units, Finality::included));
    }
    // The latest word of what a rescan went through, if it is the last of all.
    [[nodiscard]] static std::optional<ledger::RescanNotice> rescan_at_the_end_of(
        const Told& told) {
        const auto* last =
            told.notices.empty() ? nullptr : std::get_if<RescanNotice>(&told.notices.back());
        return last != nullptr ? std::optional{*last} : std::nullopt;
    }
    [[nodiscard]] std::vector<ledger::ArrivalNotice> arrivals() {
        std::vector<ledger::ArrivalNotice> all;
        for (const auto& notice : host->told().notices) {
            if (const auto* one = std::get_if<ledger::ArrivalNotice>(&notice)) all.push_back(*one);
        }
        return all;
    }
    // What the bridge's relayer brings, for the next block.
    void deliver(const Hash& intent, const Address& to, std::int64_t units) {
        (void)call(chain().roles.relayer, *chain().bridge,
                   AbiWriter{}
                       .add(intent)
                       .add(chain().token("USDC")->contract)
                       .add(to)
                       .add(Uint256{units})
                       .call(selector_of("deliver(bytes32,address,address,uint256)")));
    }
    // What the vault and the key have at a block by the node's word, in units.
    [[nodiscard]] std::vector<Uint256> units_at(std::uint64_t block) {
        return {held("USDC", block),
                held("WETH", block) / 1'000'000'000 + static_cast<std::uint64_t>(native(block).v),
                held("sBTC", block) / 10'000'000'000};
    }
};

TEST_F(InflowsOnChain, ADepositIsToldAsItBecomesCertain) {
    start();
    approve_deposits();
    ASSERT_TRUE(hears_of_head());
    deposit(account, 1'250'000);
    // Neither another vault's nor another broker's is ours.
    deposit(base::account_id(base::BrokerId{1}, 3), 1'250'001);
    mine();
    ASSERT_TRUE(is_told(1'250'000, Finality::included));
    mine();
    ASSERT_TRUE(is_told(1'250'000, Finality::safe));
    mine();
    ASSERT_TRUE(is_told(1'250'000, Finality::final));
    mine();
    ASSERT_TRUE(hears_of_head());
    const auto told = host->told();
    const auto one = deposit_of(1'250'000);
    EXPECT_EQ(one.shard, tests::listed::synthetix);
    EXPECT_EQ(one.account, account);
    EXPECT_EQ(one.asset, tests::listed::usdc);
    EXPECT_EQ(one.block, head() - 3);
    EXPECT_EQ(told.of_deposit(one.id),
              (std::vector{Finality::included, Finality::safe, Finality::final}));
    EXPECT_EQ(told.notices.size(), 3U) << "and nothing else";
}

// Goal: the vault counts both with the same number, and all that they say is the same.
TEST_F(InflowsOnChain, ADepositInPlaceOfAnotherHasAnotherName) {
    constexpr std::int64_t units = 5 * tests::million;
    start_with_deposit(units);
    const auto first = deposit_of(units);
    const boost::json::object other{{"from", to_hex(client())},
                                    {"to", to_hex(vault().contract)},
                                    {"data", to_hex(deposit_call(account, units))},
                                    {"gas", "0x2dc6c1"}};
    (void)node().ask("anvil_reorg", {1, boost::json::array{boost::json::array{other, 0}}});
    ASSERT_TRUE(host->comes_to([&](const Told& told) {
        return deposit_in(told, units)->id != first.id &&
               told.of_deposit(first.id).back() == Finality::unseen;
    }));
    const auto second = deposit_of(units);
    EXPECT_EQ(second.block, first.block);
    EXPECT_EQ(second.account, first.account);
    mine(3);
    ASSERT_TRUE(is_told(units, Finality::final));
    ASSERT_TRUE(hears_of_head());
    EXPECT_EQ(deposit_of(units).id, second.id);
    EXPECT_EQ(host->told().of_deposit(first.id),
              (std::vector{Finality::included, Finality::unseen}));
}

TEST_F(InflowsOnChain, ARescanTellsAllAgainUnderTheSameNames) {
    start();
    host->shard().rescan(0);
    approve_deposits();
    for (int i = 1; i <= 3; ++i) deposit(account, i * tests::million);
    mine(2);
    deposit(account, 4 * tests::million);
    mine();
    deposit(account, 5 * tests::million);
    mine();
    ASSERT_TRUE(is_told(3 * tests::million, Finality::final));
    ASSERT_TRUE(is_told(4 * tests::million, Finality::safe));
    ASSERT_TRUE(is_told(5 * tests::million, Finality::included));
    ASSERT_TRUE(hears_of_head());
    const auto before = host->told();
    host->shard().rescan(0);
    ASSERT_TRUE(host->comes_to(
        [&](const Told& told) { return told.notices.size() == before.notices.size() + 6; }));
    const auto after = host->told();
    EXPECT_EQ(
        rescan_at_the_end_of(after),
        (RescanNotice{.shard = tests::listed::synthetix, .from_block = 0, .block = head() - 2}));
    for (int i = 1; i <= 5; ++i) {
        const auto was = deposit_in(before, i * tests::million).value();
        EXPECT_EQ(after.of_deposit(was.id).size(), before.of_deposit(was.id).size() + 1);
        EXPECT_EQ(after.of_deposit(was.id).back(), was.finality) << i;
    }
    // From a block on: what is before it is left out.
    host->shard().rescan(head() - 2);
    ASSERT_TRUE(host->comes_to(
        [&](const Told& told) { return told.notices.size() == after.notices.size() + 3; }));
    EXPECT_EQ(rescan_at_the_end_of(host->told()), (RescanNotice{.shard = tests::listed::synthetix,
                                                                .from_block = head() - 2,
                                                                .block = head() - 2}));
    host->shard().rescan(head());

    // Somebody who was not there when they came.
    restart({});
    ASSERT_TRUE(hears_of_head());
    host->shard().rescan(0);
    const auto third = deposit_in(before, 3 * tests::million).value();
    ASSERT_TRUE(
        host->comes_to([&](const Told& told) { return !told.of_deposit(third.id).empty(); }));
    EXPECT_EQ(deposit_of(3 * tests::million), third);
}

// Goal: nobody could tell that it is gone, for whoever reads the chain now never had its block. A
// rescan says of which blocks it has told everything.
TEST_F(InflowsOnChain, ADepositThatIsGoneWhileNobodyReadsIsNotAmongThoseOfARescan) {
    constexpr std::int64_t units = 5 * tests::million;
    start_with_deposit(units);
    const auto gone = deposit_of(units);
    host.reset();
    (void)node().ask("anvil_reorg", {1, boost::json::array{}});
    mine(3);
    ASSERT_EQ(held("USDC", head()), held("USDC", gone.block - 1)) << "it never came again";

    restart({});
    ASSERT_TRUE(host->comes_to([&](const Told& told) { return told.final_block() >= gone.block; }));
    host->shard().rescan(gone.block);
    ASSERT_TRUE(
        host->comes_to([](const Told& told) { return rescan_at_the_end_of(told).has_value(); }));
    const auto told = host->told();
    EXPECT_EQ(rescan_at_the_end_of(told)->from_block, gone.block);
    EXPECT_GE(rescan_at_the_end_of(told)->block, gone.block);
    EXPECT_EQ(told.of_deposit(gone.id), std::vector<Finality>{});
}

TEST_F(InflowsOnChain, AnArrivalHasTheReferenceOfItsOrder) {
    deploy({"augur"});
    host.emplace(options());
    host->follow();
    const auto& ref = payment(1).ref;
    const auto foreign = intent_of("other", ref);
    deliver(intent_of("test", ref), vault().contract, 3 * tests::million);
    deliver(foreign, vault().contract, 4 * tests::million);
    const auto to_client = payment(1).ref;
    deliver(intent_of("test", to_client), client(), 5 * tests::million);
    auto of_beta = payment(1).ref;
    of_beta.origin = base::entity_of(base::EntityKind::hedge, base::BrokerId{1}, 1);
    deliver(intent_of("test", of_beta), chain().vault("beta")->contract, 6 * tests::million);
    const auto before = held("USDC", head());
    mine();
    const auto block = head();
    EXPECT_EQ(held("USDC", block) - before, 7 * tests::million) << "both have arrived";
    mine();
    mine();
    ASSERT_TRUE(hears_of_head());
    const auto told = arrivals();
    ASSERT_FALSE(told.empty());
    for (const auto& one : told) {
        EXPECT_EQ(one.ref, ref);
        EXPECT_EQ(one.shard, tests::listed::synthetix);
        EXPECT_EQ(one.asset, tests::listed::usdc);
        EXPECT_EQ(one.amount, base::Amount{3 * tests::million});
        EXPECT_EQ(one.block, block);
    }
    EXPECT_EQ(told.front().finality, Finality::included);
    EXPECT_EQ(told.back().finality, Finality::final);
    host->shard().rescan(0);
    ASSERT_TRUE(
        host->comes_to([&](const Told& now) { return now.notices.size() == told.size() + 2; }));
    EXPECT_EQ(arrivals().back(), told.back());
}

TEST_F(InflowsOnChain, BalancesAreThoseOfTheFinalBlock) {
    start();
    const auto has = [&](const Balances& balances, std::uint64_t block) {
        const auto units = units_at(block);
        bool is_same = balances.block == block && balances.lines.size() == units.size();
        for (std::size_t i = 0; is_same && i < units.size(); ++i) {
            const auto& line = balances.lines[i];
            is_same = line.asset.v == i && line.held.v == units[i] && line.posted.v == 0 &&
                      line.position.v == 0;
        }
        return is_same;
    };
    ASSERT_TRUE(hears_of_head());
    const auto first = host->balances();
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(has(*first, head() - 2));
    EXPECT_EQ(first->lines.at(0).held, base::Amount{20'000'000 * tests::million});
    EXPECT_EQ(first->lines.at(1).held, base::Amount{10'100 * std::int64_t{1'000'000'000}})
        << "a hundred in the vault, and the key's ten thousand";
    EXPECT_EQ(first->lines.at(2).held, base::Amount{50 * std::int64_t{100'000'000}});

    // Each block is another state; whenever they are asked for, they are those of one.
    for (int i = 0; i < 6; ++i) {
        (void)send(i % 2 == 0 ? purchase(100'000) : payment(i));
        mine();
        const auto now = host->balances();
        ASSERT_TRUE(now.has_value());
        EXPECT_TRUE(has(*now, now->block)) << now->block;
    }
    mine(2);
    ASSERT_TRUE(hears_of_head());
    const auto last = host->balances();
    ASSERT_TRUE(last.has_value());
    EXPECT_TRUE(has(*last, head() - 2));
    EXPECT_LT(last->lines[0].held, first->lines[0].held);
    EXPECT_LT(last->lines[1].held, first->lines[1].held) << "gas was paid";
    EXPECT_EQ(last->lines[2].held.v - first->lines[2].held.v, 300'000);
}

TEST_F(InflowsOnChain, TokensThatWereSentUnaskedDoNotCount) {
    start();
    const auto& token = chain().token("USDC")->contract;
    const auto has = [&](std::uint64_t block) {
        return view(token, balance_of(vault().contract), block);
    };
    const auto before = has(head());
    (void)call(client(), token,
               AbiWriter{}
                   .add(vault().contract)
                   .add(Uint256{9 * tests::million})
                   .call(selector_of("transfer(address,uint256)")));
    mine(3);
    ASSERT_TRUE(hears_of_head());
    ASSERT_EQ(has(head() - 2) - before, 9 * tests::million) << "or this proves nothing";
    const auto held_now = host->balances();
    ASSERT_TRUE(held_now.has_value());
    EXPECT_EQ(held_now->lines.at(0).held, base::Amount{20'000'000 * tests::million});
    EXPECT_TRUE(host->told().notices.empty());
}

// Goal: a balance that no ledger counts is told as what it is: silence would be taken for a node
// that is away, for ever.
TEST_F(InflowsOnChain, ABalanceBeyondTheLedgersScaleIsToldAsThat) {
    start();
    (void)node().call("anvil_setBalance",
                      {to_hex(vault().operator_key), to_quantity(Uint256{1} << 200)});
    mine(3);
    ASSERT_TRUE(hears_of_head());
    const auto now = host->balances();
    ASSERT_TRUE(now.has_value());
    EXPECT_TRUE(base::is_off_scale(now->lines.at(1).held));
    EXPECT_FALSE(base::is_off_scale(now->lines.at(0).held)) << "the others as always";
    // Orders go on, and what their gas costs is known.
    const auto sent = send(payment(1));
    mine(3);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return told.final_nonce() == 1; }));
    const auto found = host->told().found.at(sent.transaction.nonce);
    const auto paid = receipt(sent);
    EXPECT_GT(found.gas, base::Amount{0});
    EXPECT_EQ(found.gas, saturated(native_units(paid->gas_price * paid->gas_used, 9)));
}

TEST_F(InflowsOnChain, NothingIsKnownBeforeItFollows) {
    deploy();
    host.emplace(options());
    EXPECT_FALSE(host->balances().has_value());
    EXPECT_FALSE(host->look_up(payment(1)).has_value());
    EXPECT_FALSE(host->health().is_reachable);
}

}  // namespace
}  // namespace crossclear::shards::evm
