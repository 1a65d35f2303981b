#include "tests/support/actors/one_of.hpp"
#include "tests/support/actors/scripted_desk.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

namespace crossclear::tests {
namespace {

using namespace town;
using Signer = ScriptedChain::Signer;
namespace account = ledger::account;
namespace signing = ledger::signing;

// Goal: of two nodes that each believe to have a lane one sends; each order has one nonce and one
// set of bytes, however often they take turns.
TEST(SigningCluster, TwoNodesThatBothWantALaneSendEachOrderOnce) {
    constexpr std::size_t rounds = 4;
    const auto client_id = account_in(base::PartitionId{1});
    Outside outside;
    ScriptedChain chain{outside, uniswap, alpha};
    OneOf one(outside, "one", chain.in_place());
    OneOf two(outside, "two", chain.in_place());
    await_shares(outside, {&one.house, &two.house});
    outside.deposit(uniswap, client_id, usdc, 100'000 * one_usdc);
    const auto count = [&](auto event) { return outside.watch.all<decltype(event)>().size(); };

    // Cut off from the directory, a node believes to have what others take.
    const auto takes_all_from = [&](OneOf& node, OneOf& other) {
        node.directory->set_trouble("");
        other.directory->set_trouble("cut off by the test");
        return outside.watch.await([&] { return node.house.partitions_running() == partitions; });
    };
    OneOf* owner = &one;
    OneOf* other = &two;
    ASSERT_TRUE(takes_all_from(*owner, *other));
    for (std::size_t round = 1; round <= rounds; ++round) {
        const auto mark = outside.watch.mark();
        chain.set_signer(Signer::unreachable);
        const auto client = owner->house.client({client_id});
        (void)client->expect<actors::WithdrawalTaken>(
            withdrawal_of(client_id, usdc, 400 * one_usdc, uniswap));
        ASSERT_TRUE(outside.watch.await_event<signing::IntentTaken>(mark).has_value());
        ASSERT_TRUE(takes_all_from(*other, *owner));
        chain.set_signer(Signer::signs);
        ASSERT_TRUE(outside.watch.await([&] { return chain.transactions_sent() >= round; }));
        chain.add_block();
        chain.finalise();
        ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>(mark).has_value());
        std::swap(owner, other);
    }

    EXPECT_EQ(count(signing::IntentTaken{}), rounds);
    EXPECT_EQ(count(signing::NonceFinished{}), rounds);
    EXPECT_EQ(chain.transactions_sent(), rounds);
    std::map<std::uint64_t, std::string> raw;
    for (const auto& made : outside.watch.all<signing::TransactionSigned>()) {
        EXPECT_TRUE(raw.emplace(made.nonce, made.raw).second) << "signed twice: " << made.nonce;
    }
    for (const auto& sent : chain.sent()) EXPECT_EQ(sent.raw, raw.at(sent.nonce));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
