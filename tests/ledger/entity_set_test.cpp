#include "ledger/entity_set.hpp"

#include "base/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace crossclear::ledger {
namespace {

using base::EntityId;
using base::EntityKind;

constexpr EntityId withdrawal(std::uint64_t account, std::uint32_t number) {
    return {.kind = EntityKind::withdrawal, .id = account, .sub = number};
}
constexpr EntityId duty(std::uint64_t id, std::uint32_t number = 0) {
    return {.kind = EntityKind::instruction, .id = id, .sub = number};
}
constexpr EntityId task(std::uint64_t number) {
    return {.kind = EntityKind::hedge, .id = number, .sub = 0};
}

std::vector<EntityId> all_of(const EntitySet& set) {
    std::vector<EntityId> all;
    set.for_each([&all](const EntityId& entity) { all.push_back(entity); });
    return all;
}

// Few ids and numbers, so that rows grow, touch and join; of both kinds of line in one kind.
EntityId near_others(base::Rng& rng) {
    const auto number = static_cast<std::uint32_t>(1 + rng.below(12));
    switch (rng.below(4)) {
        case 0:
            return withdrawal(rng.below(3), number);
        case 1:
            return duty(rng.below(3), number);
        case 2:
            return duty(rng.below(14));
        default:
            return task(rng.below(14));
    }
}

TEST(EntitySet, MachinesInARowTakeTheRoomOfOne) {
    EntitySet set;
    for (std::uint32_t number = 1; number <= 1'000; ++number) {
        EXPECT_TRUE(set.insert(withdrawal(7, number)));
        EXPECT_TRUE(set.insert(task(number)));
    }
    EXPECT_EQ(set.runs().size(), 2U);
    EXPECT_FALSE(set.insert(withdrawal(7, 500)));
    EXPECT_FALSE(set.contains(withdrawal(7, 1'001)));
    EXPECT_FALSE(set.contains(withdrawal(8, 500)));
    EXPECT_FALSE(set.contains(duty(7, 500)));
}

// A withdrawal's instruction and a house's have ids of one kind that lie between each other.
TEST(EntitySet, LinesDoNotHideEachOther) {
    EntitySet set;
    set.insert(duty(1));
    set.insert(duty(1, 1));
    set.insert(duty(2));
    set.insert(duty(2, 9));
    EXPECT_TRUE(set.contains(duty(1)));
    EXPECT_TRUE(set.contains(duty(2)));
    EXPECT_FALSE(set.contains(duty(3)));
    EXPECT_FALSE(set.contains(duty(1, 2)));
    EXPECT_FALSE(set.contains(duty(2, 8)));
    EXPECT_EQ(set.runs().size(), 3U);
}

TEST(EntitySet, TheLastOfALineEndsIt) {
    EntitySet set;
    constexpr std::uint32_t last = ~std::uint32_t{0};
    set.insert(withdrawal(1, last));
    set.insert(withdrawal(2, 1));
    set.insert(task(~std::uint64_t{0}));
    EXPECT_TRUE(set.contains(withdrawal(1, last)));
    EXPECT_TRUE(set.contains(task(~std::uint64_t{0})));
    EXPECT_FALSE(set.insert_run(withdrawal(3, last), 2));
    EXPECT_TRUE(set.insert_run(withdrawal(3, last), 1));
    EXPECT_FALSE(set.insert_run(task(~std::uint64_t{0} - 1), 3));
    EXPECT_FALSE(set.insert_run(task(0), ~std::uint64_t{0})) << "more than there are numbers";
}

TEST(EntitySet, HoldsWhatASetHolds) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        base::Rng rng{seed};
        EntitySet set;
        std::set<EntityId> meant;
        const auto count = rng.below(80);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto entity = near_others(rng);
            ASSERT_EQ(set.insert(entity), meant.insert(entity).second);
        }
        for (std::uint64_t i = 0; i < 100; ++i) {
            const auto entity = near_others(rng);
            ASSERT_EQ(set.contains(entity), meant.contains(entity));
        }
        auto all = all_of(set);
        std::sort(all.begin(), all.end());
        ASSERT_EQ(all, std::vector<EntityId>(meant.begin(), meant.end()));

        // Its runs do not tell the order in which they came, and are taken as they are.
        std::shuffle(all.begin(), all.end(), std::mt19937_64{seed});
        EntitySet shuffled;
        for (const auto& entity : all) shuffled.insert(entity);
        ASSERT_EQ(shuffled, set);
        EntitySet read;
        for (const auto& [begin, length] : set.runs()) ASSERT_TRUE(read.insert_run(begin, length));
        ASSERT_EQ(read, set);
    }
}

TEST(EntitySet, RefusesRowsThatNoSetHas) {
    EntitySet set;
    ASSERT_TRUE(set.insert_run(task(10), 5));
    EXPECT_FALSE(set.insert_run(task(20), 0));
    EXPECT_FALSE(set.insert_run(task(12), 1)) << "in it";
    EXPECT_FALSE(set.insert_run(task(15), 1)) << "right after it";
    EXPECT_FALSE(set.insert_run(task(9), 1)) << "right before it";
    EXPECT_FALSE(set.insert_run(task(5), 100)) << "around it";
    EXPECT_TRUE(set.insert_run(task(16), 2));
    EXPECT_TRUE(set.insert_run(task(7), 2));
}

}  // namespace
}  // namespace crossclear::ledger
