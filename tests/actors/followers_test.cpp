#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;

/// A client and one channel of its account, in a partition where nothing else is at work.
class Followers : public ::testing::Test {
protected:
    void silence_journal() { outside.store.set_trouble("the disk is full"); }
    void end_silence() { outside.store.set_trouble(""); }

    // What was published after so much, in its order.
    [[nodiscard]] std::vector<std::shared_ptr<const actors::Publication>> told_after(
        std::size_t count) const {
        auto told = outside.watch.publications();
        told.erase(told.begin(), told.begin() + static_cast<std::ptrdiff_t>(count));
        return told;
    }
    [[nodiscard]] std::vector<std::uint64_t> sequences_after(std::size_t count) const {
        std::vector<std::uint64_t> sequences;
        for (const auto& one : told_after(count)) sequences.push_back(one->sequence);
        return sequences;
    }
    [[nodiscard]] bool is_snapshot_told_after(std::size_t count) const {
        const auto is_snapshot = [](const auto& one) { return one.is_snapshot; };
        return outside.watch.await_publication(is_snapshot, count) != nullptr;
    }
    // Asked last, answered last: whatever was to be told before has been told.
    void await_everything() {
        EXPECT_EQ(client->expect<actors::AccountView>(actors::GetAccount{account}).account,
                  account);
    }
    // A past: what a follower was told of it, beginning with the snapshot.
    [[nodiscard]] std::vector<std::uint64_t> past() {
        client->follow(channel);
        for (int i = 0; i < 3; ++i) outside.deposit(uniswap, account, usdc, one_usdc);
        await_everything();
        client->leave(channel);
        return sequences_after(0);
    }

    Outside outside;
    House house{outside};
    const base::AccountId account = account_in(base::PartitionId{3});
    const actors::Channel channel{actors::Channel::Kind::balances, account, {}};
    std::unique_ptr<Client> client = house.client({account});
};

// Goal: while the journal is away, a session costs its account one waiting follower for a channel,
// however often it asks.
TEST_F(Followers, ThatAskAgainAreShownOnce) {
    silence_journal();
    for (int i = 0; i < 50; ++i) {
        client->follow(channel);
        client->follow(channel);
        client->leave(channel);
    }
    client->follow(channel);
    end_silence();
    ASSERT_TRUE(is_snapshot_told_after(0));
    await_everything();
    EXPECT_EQ(told_after(0).size(), 1U);
}

TEST_F(Followers, ThatLeftBeforeTheyWereShownAreToldNothing) {
    silence_journal();
    client->follow(channel);
    client->leave(channel);
    end_silence();
    await_everything();
    EXPECT_TRUE(told_after(0).empty());
    // Its place is free again, and nothing is left of the first time.
    client->follow(channel);
    EXPECT_TRUE(is_snapshot_told_after(0));
}

// Goal: of several requests for a channel the latest counts, also while the first one is not
// answered: who asks from an earlier number is told what lies between, each once.
TEST_F(Followers, ThatAskFromElsewhereMeanwhileAreToldFromThere) {
    const auto before = past();
    ASSERT_GE(before.size(), 3U);
    silence_journal();
    client->follow(channel, before[before.size() - 2]);
    for (int i = 0; i < 10; ++i) {
        client->follow(channel, before.back());
        client->follow(channel, before.front());
    }
    end_silence();
    const auto is_last = [last = before.back()](const auto& one) { return one.sequence == last; };
    ASSERT_NE(outside.watch.await_publication(is_last, before.size()), nullptr);
    await_everything();
    EXPECT_EQ(sequences_after(before.size()),
              (std::vector<std::uint64_t>{before.begin() + 1, before.end()}));
}

TEST_F(Followers, ThatAskForEverythingMeanwhileAreShownEverythingOnce) {
    const auto before = past();
    ASSERT_GE(before.size(), 3U);
    silence_journal();
    client->follow(channel, before.front());
    client->follow(channel);
    end_silence();
    ASSERT_TRUE(is_snapshot_told_after(before.size()));
    await_everything();
    EXPECT_EQ(sequences_after(before.size()), std::vector<std::uint64_t>{before.back()});
}

// Goal: a follower that has missed nothing is told nothing, and may ask for everything all the
// same; it waits for no news of anybody else.
TEST_F(Followers, ThatHaveMissedNothingMayAskForEverything) {
    const auto before = past();
    ASSERT_FALSE(before.empty());
    client->follow(channel, before.back());
    await_everything();
    EXPECT_TRUE(told_after(before.size()).empty());
    client->follow(channel);
    EXPECT_TRUE(is_snapshot_told_after(before.size()));
    // And may leave: what happens then is nobody's.
    client->leave(channel);
    client->follow(channel, before.back());
    client->leave(channel);
    outside.deposit(uniswap, account, usdc, one_usdc);
    await_everything();
    EXPECT_EQ(sequences_after(before.size()), std::vector<std::uint64_t>{before.back()});
}

}  // namespace
}  // namespace crossclear::tests
