#include "shards/simulated/history.hpp"

#include "base/rng.hpp"
#include "shards/simulated/world.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

// Goal: what a chain's log says of a final block is what the chain said when it was there, whatever
// was replaced before and came after.

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.

class History : public testing::Test {
protected:
    History() {
        std::string pattern = (std::filesystem::temp_directory_path() / "historyXXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~History() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] static ChainParameters terms() {
        auto made = parameters(swaps, 11);
        made.faults.reorg_ppm = 300'000;
        return made;
    }
    [[nodiscard]] std::filesystem::path log() const { return folder_ / "swaps.chain"; }

    // Runs a chain under deposits and orders and keeps what it said at each final block.
    void live(std::map<std::uint64_t, Balances>& said) const {
        auto world = SimulatedWorld::open({.listing = listing(),
                                           .chains = {terms()},
                                           .directory = folder_,
                                           .clock = Clock::stepped,
                                           .start = start});
        ASSERT_TRUE(world.has_value());
        (*world)->set_price(eth, eth_price);
        const auto shard = (*world)->shard(swaps, alpha);
        shard->listen([](const auto&) {});
        base::Rng rng{17};
        for (std::uint32_t second = 1; second < 60; ++second) {
            const auto amount = static_cast<std::int64_t>(rng.below(1'000) + 1);
            ASSERT_TRUE((*world)->deposit(swaps, base::account_id(alpha, second), usdc,
                                          base::Amount{amount}));
            shard->submit(swap_order(second, amount * 1'000), [](auto) {});
            (*world)->advance_to(at(second));
            const auto balances = (*world)->balances(swaps, alpha);
            said[balances.block] = balances;
        }
    }

    std::filesystem::path folder_;
};

TEST_F(History, IsWhatTheChainSaidAtEveryFinalBlock) {
    std::map<std::uint64_t, Balances> said;
    live(said);
    ASSERT_GT(said.size(), 20U);
    std::int64_t last = 0;
    for (const auto& [block, balances] : said) {
        const auto told = balances_at(log(), terms(), listing(), alpha, block);
        ASSERT_TRUE(told.has_value()) << told.error().detail;
        ASSERT_EQ(told->lines.size(), balances.lines.size());
        for (std::size_t i = 0; i < balances.lines.size(); ++i) {
            EXPECT_EQ(told->lines[i].held, balances.lines[i].held) << "block " << block;
        }
        last = told->lines[0].held.v;
    }
    // The blocks do differ: a reader that ignored them would not pass.
    EXPECT_NE(last, said.begin()->second.lines[0].held.v);
}

TEST_F(History, IsReadBesideTheProcessThatWritesIt) {
    std::map<std::uint64_t, Balances> said;
    live(said);
    const auto world = SimulatedWorld::open({.listing = listing(),
                                             .chains = {terms()},
                                             .directory = folder_,
                                             .clock = Clock::stepped,
                                             .start = at(60)});
    ASSERT_TRUE(world.has_value());
    EXPECT_TRUE(balances_at(log(), terms(), listing(), alpha, said.rbegin()->first).has_value());
}

TEST_F(History, ANothingOrAnotherChainsLogIsRefusedAndNotMade) {
    const auto absent = balances_at(log(), terms(), listing(), alpha, 1);
    ASSERT_FALSE(absent.has_value());
    EXPECT_EQ(absent.error().error, LogError::not_openable);
    EXPECT_FALSE(std::filesystem::exists(log()));
    std::map<std::uint64_t, Balances> said;
    live(said);
    auto other = terms();
    other.seed = 12;
    EXPECT_EQ(balances_at(log(), other, listing(), alpha, 1).error().error,
              LogError::other_parameters);
}

}  // namespace
}  // namespace crossclear::shards::simulated
