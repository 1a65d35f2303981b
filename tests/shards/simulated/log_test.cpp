#include "shards/simulated/log.hpp"

#include "shards/simulated/codec.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.

class LogTest : public ::testing::Test {
protected:
    LogTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "chainXXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~LogTest() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::filesystem::path file() const { return folder_ / "one.chain"; }

    [[nodiscard]] static Genesis genesis(const ChainParameters& made) {
        return {.at = start, .identity = identity_of(made, listing())};
    }

    // A chain rebuilt from the file, or why not.
    [[nodiscard]] base::Result<Log, LogFault> reopen(std::unique_ptr<SampleChain>& rebuilt,
                                                     const ChainParameters& made) const {
        return Log::open(
            file(), genesis(made),
            [&](base::Timestamp) { rebuilt = std::make_unique<SampleChain>(made); },
            [&](const Record& record) { return rebuilt->chain.restore(record); });
    }

    // Runs a busy chain with reorganisations, committing each second; returns it.
    [[nodiscard]] std::unique_ptr<SampleChain> busy_chain(const ChainParameters& made,
                                                          std::int64_t seconds) const {
        std::unique_ptr<SampleChain> live;
        auto log = reopen(live, made);
        EXPECT_TRUE(log.has_value());
        live->chain.set_faults({.reorg_ppm = 200'000, .vanish_ppm = 300'000});
        for (std::int64_t second = 0; second < seconds; ++second) {
            const auto number = static_cast<std::uint32_t>(second);
            (void)live->chain.submit(swap_order(number, second % 2 == 0 ? 50 : -50), at(second));
            const auto account = base::account_id(beta, number);
            EXPECT_TRUE(live->chain.deposit(account, eth, base::Amount{7}, at(second)));
            live->chain.advance_to(at(second + 1));
            EXPECT_TRUE(log->append(live->chain.take_records()).has_value());
        }
        return live;
    }

    std::filesystem::path folder_;
};

TEST_F(LogTest, ReopenedEqualsLive) {
    const auto made = parameters(swaps);
    const auto live = busy_chain(made, 120);
    std::unique_ptr<SampleChain> rebuilt;
    ASSERT_TRUE(reopen(rebuilt, made).has_value());
    rebuilt->chain.skip_to(at(120));

    EXPECT_EQ(rebuilt->chain.head_book(), live->chain.head_book());
    EXPECT_EQ(rebuilt->chain.final_book(), live->chain.final_book());
    EXPECT_EQ(rebuilt->chain.head_hash(), live->chain.head_hash());
    EXPECT_EQ(rebuilt->chain.head_height(), live->chain.head_height());
    for (std::uint32_t number = 0; number < 120; ++number) {
        auto before = live->asked(ref(number));
        // A mempool does not survive: an order in it was not applied yet.
        if (before.finality == ledger::Finality::seen) before.finality = ledger::Finality::unseen;
        EXPECT_EQ(rebuilt->asked(ref(number)), before) << number;
    }
    // The inflows that a rescan replays are the same, those of vanished deposits included.
    live->collect();
    live->told.clear();
    live->chain.set_faults({});
    live->chain.rescan(std::nullopt, 0);
    rebuilt->chain.rescan(std::nullopt, 0);
    live->collect();
    rebuilt->told.clear();
    rebuilt->collect();
    const auto again = rebuilt->heard<ledger::DepositNotice>();
    const auto first = live->heard<ledger::DepositNotice>();
    ASSERT_GE(again.size(), first.size());
    EXPECT_TRUE(std::equal(first.rbegin(), first.rend(), again.rbegin()));
}

// Goal: a crash at any byte of the last write loses that write only, and the log goes on.
TEST_F(LogTest, ATornTailIsCutAtEveryByte) {
    const auto made = parameters(swaps);
    (void)busy_chain(made, 6);
    std::ifstream in{file(), std::ios::binary};
    const std::string whole{std::istreambuf_iterator<char>{in}, {}};
    (void)busy_chain(made, 0);
    std::unique_ptr<SampleChain> before;
    ASSERT_TRUE(reopen(before, made).has_value());
    const std::string last = [&] {
        auto log = reopen(before, made);
        EXPECT_TRUE(log.has_value());
        EXPECT_TRUE(log->append({HeadReached{500}, Tombstone{ref(900), {}}}).has_value());
        std::ifstream grown{file(), std::ios::binary};
        return std::string{std::istreambuf_iterator<char>{grown}, {}}.substr(whole.size());
    }();
    for (std::size_t cut = 0; cut < last.size(); ++cut) {
        for (const bool is_zero_filled : {false, true}) {
            std::string torn = whole + last.substr(0, cut);
            if (is_zero_filled && cut == 0) torn += std::string(last.size(), '\0');
            std::ofstream{file(), std::ios::binary | std::ios::trunc} << torn;
            std::unique_ptr<SampleChain> rebuilt;
            {
                auto log = reopen(rebuilt, made);
                ASSERT_TRUE(log.has_value()) << cut;
                EXPECT_LT(rebuilt->chain.head_height(), 500U) << cut;
                EXPECT_EQ(std::filesystem::file_size(file()), whole.size()) << cut;
                ASSERT_TRUE(log->append({HeadReached{600}}).has_value());
            }
            ASSERT_TRUE(reopen(rebuilt, made).has_value()) << cut;
            EXPECT_EQ(rebuilt->chain.head_height(), 600U) << cut;
        }
    }
}

TEST_F(LogTest, RefusesDamageBeforeTheEnd) {
    const auto made = parameters(swaps);
    (void)busy_chain(made, 6);
    const auto size = std::filesystem::file_size(file());
    const std::size_t genesis_end = 20 + 12 + 8 + 4 + genesis(made).identity.size();
    for (std::size_t offset = genesis_end; offset < size - 400; offset += 37) {
        std::fstream bytes{file(), std::ios::binary | std::ios::in | std::ios::out};
        bytes.seekg(static_cast<std::streamoff>(offset));
        const char was = static_cast<char>(bytes.get());
        bytes.seekp(static_cast<std::streamoff>(offset));
        bytes.put(static_cast<char>(was ^ 0x40)).flush();
        std::unique_ptr<SampleChain> rebuilt;
        const auto log = reopen(rebuilt, made);
        ASSERT_FALSE(log.has_value()) << offset;
        EXPECT_EQ(log.error().error, LogError::corrupt) << offset;
        bytes.seekp(static_cast<std::streamoff>(offset));
        bytes.put(was).flush();
    }
    std::unique_ptr<SampleChain> rebuilt;
    EXPECT_TRUE(reopen(rebuilt, made).has_value());
}

TEST_F(LogTest, RefusesOtherParametersVersionsAndFiles) {
    const auto made = parameters(swaps);
    (void)busy_chain(made, 2);
    std::unique_ptr<SampleChain> rebuilt;
    auto other = made;
    other.finality_depth = 5;
    EXPECT_EQ(reopen(rebuilt, other).error().error, LogError::other_parameters);
    auto other_faults = made;
    other_faults.faults.drop_ppm = 5;
    EXPECT_TRUE(reopen(rebuilt, other_faults).has_value());

    std::fstream{file(), std::ios::binary | std::ios::in | std::ios::out}.seekp(16).put(9);
    EXPECT_EQ(reopen(rebuilt, made).error().error, LogError::wrong_version);
    std::ofstream{file(), std::ios::binary | std::ios::trunc} << "some other text altogether";
    EXPECT_EQ(reopen(rebuilt, made).error().error, LogError::not_a_log);
}

TEST_F(LogTest, RefusesAFileInUse) {
    const auto made = parameters(swaps);
    std::unique_ptr<SampleChain> rebuilt;
    const auto log = reopen(rebuilt, made);
    EXPECT_EQ(reopen(rebuilt, made).error().error, LogError::in_use);
}

TEST(Crc32, IsTheStandardOne) { EXPECT_EQ(crc32("123456789"), 0xCBF43926U); }

}  // namespace
}  // namespace crossclear::shards::simulated
