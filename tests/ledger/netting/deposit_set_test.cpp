#include "ledger/journal/codec.hpp"
#include "ledger/netting/state.hpp"

#include <gtest/gtest.h>

#include <string>

namespace crossclear::ledger::netting {
namespace {

State an_empty_house() {
    State state;
    state.id = base::entity_of(base::EntityKind::netting, base::BrokerId{0});
    state.partitions = 8;
    return state;
}

TEST(DepositSet, TellsNumbersAndShardsApart) {
    DepositSet set;
    EXPECT_FALSE(set.contains({base::ShardId{0}, 0}));
    for (const std::uint64_t id : {0ULL, 1'023ULL, 1'024ULL, ~0ULL}) {
        set.insert({base::ShardId{1}, id});
    }
    for (const std::uint64_t id : {0ULL, 1'023ULL, 1'024ULL, ~0ULL}) {
        EXPECT_TRUE(set.contains({base::ShardId{1}, id})) << id;
        EXPECT_FALSE(set.contains({base::ShardId{0}, id})) << id;
    }
    EXPECT_FALSE(set.contains({base::ShardId{1}, 1}));
    set.insert({base::ShardId{1}, 0});
    EXPECT_EQ(set.size(), 4U);
    EXPECT_FALSE(set.contains({base::ShardId{1}, 1'025}));
}

// Goal: a house is stored, and read by whoever takes it over, however many deposits it has seen.
TEST(DepositSet, AHouseWithAMillionDepositsIsStoredInLittle) {
    auto state = an_empty_house();
    // Two in three are this broker's, as their order among all of the chain's has it.
    for (std::uint64_t id = 1; id <= 1'000'000; ++id) {
        if (id % 3 != 0) state.deposits_done.insert({base::ShardId{2}, id});
    }
    const auto bytes = journal::encode_entity(state);
    EXPECT_LT(bytes.size(), 200'000U);
    const auto again = journal::decode_entity(state.id, bytes);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(std::get<State>(*again), state);
}

TEST(DepositSet, APageThatIsWrittenOtherwiseIsRefused) {
    auto state = an_empty_house();
    state.deposits_done.insert({base::ShardId{0}, 3});
    const auto bytes = journal::encode_entity(state);
    // A page: its field, its length, then only the bits, since shard and page are 0.
    const std::string page{"\x92\x01\x03\x1a\x01\x08", 6};
    const auto at = bytes.find(page);
    ASSERT_NE(at, std::string::npos);
    const auto with = [&](const std::string& other) {
        return bytes.substr(0, at) + other + bytes.substr(at + page.size());
    };
    const auto is_read = [&](const std::string& text) {
        return journal::decode_entity(state.id, text).has_value();
    };
    ASSERT_TRUE(is_read(with(page)));
    EXPECT_FALSE(
        is_read(with(std::string{"\x92\x01\x04\x1a\x02\x08\x00", 7})));  // A zero at its end.
    EXPECT_FALSE(is_read(with(std::string{"\x92\x01\x00", 3})));         // Nothing in it.
    EXPECT_FALSE(is_read(with(page + page)));                            // Twice.
    const std::string long_one = std::string{"\x1a\x81\x01", 3} + std::string(128, 0) + '\x01';
    EXPECT_FALSE(is_read(with(std::string{"\x92\x01\x84\x01", 4} + long_one)));  // Too long.
}

}  // namespace
}  // namespace crossclear::ledger::netting
