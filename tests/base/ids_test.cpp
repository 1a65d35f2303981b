#include "base/ids.hpp"

#include "base/limits.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <vector>

namespace crossclear::base {
namespace {

TEST(AccountIdText, HasOneSpelling) {
    EXPECT_EQ(to_string(account_id(BrokerId{0}, 17)), "0-17");
    EXPECT_EQ(to_string(account_id(BrokerId{65'535}, account_number_end - 1)),
              "65535-281474976710655");
    for (const char* text : {"", "-", "17", "0-", "-17", "0-017", "00-17", "0--17", "+0-17", "0-1 ",
                             " 0-1", "0-1-2", "a-1", "0-a", "0x0-1", "0-1.0"}) {
        const auto id = parse_account_id(text);
        ASSERT_FALSE(id.has_value()) << text;
        EXPECT_EQ(id.error(), IdError::malformed) << text;
    }
    for (const char* text :
         {"65536-1", "0-281474976710656", "0-99999999999999999999999", "18446744073709551616-0"}) {
        const auto id = parse_account_id(text);
        ASSERT_FALSE(id.has_value()) << text;
        EXPECT_EQ(id.error(), IdError::out_of_range) << text;
    }
}

RC_GTEST_PROP(AccountIdText, ReadsBack, ()) {
    const auto id = account_id(BrokerId{*rc::gen::arbitrary<std::uint16_t>()},
                               *rc::gen::inRange<std::uint64_t>(0, account_number_end));
    RC_ASSERT(*parse_account_id(to_string(id)) == id);
    RC_ASSERT(account_id(broker_of(id), number_of(id)) == id);
}

TEST(AccountIds, StopTheProcessWhereANumberDoesNotFit) {
    EXPECT_DEATH(static_cast<void>(account_id(BrokerId{0}, account_number_end)), "fits beside");
}

TEST(EntityIdText, NamesKindBrokerAndNumber) {
    const auto account = account_id(BrokerId{1}, 12);
    EXPECT_EQ(to_string(entity_of(account)), "account/1-12");
    EXPECT_EQ(to_string(entity_of(EntityKind::hedge, BrokerId{1}, 12)), "hedge/1-12");
    EXPECT_EQ(to_string(entity_of(EntityKind::netting, BrokerId{3})), "netting/3");
    EXPECT_EQ(to_string(entity_of(EntityKind::reconcile, BrokerId{3}, ShardId{0})),
              "reconcile/3.0");
    EXPECT_EQ(to_string(entity_of(EntityKind::signing, BrokerId{3}, ShardId{1})), "signing/3.1");
    const EntityId withdrawal{.kind = EntityKind::withdrawal, .id = account.v, .sub = 4};
    EXPECT_EQ(to_string(withdrawal), "withdrawal/1-12.4");
    EXPECT_EQ(to_string(OrderRef{entity_of(EntityKind::hedge, BrokerId{0}, 12), 3}),
              "hedge/0-12#3");
}

TEST(EntityIds, KnowTheirBroker) {
    EXPECT_EQ(broker_of(entity_of(account_id(BrokerId{2}, 9))), BrokerId{2});
    EXPECT_EQ(broker_of(entity_of(EntityKind::hedge, BrokerId{2}, 9)), BrokerId{2});
    EXPECT_EQ(broker_of(entity_of(EntityKind::netting, BrokerId{2})), BrokerId{2});
    EXPECT_EQ(broker_of(entity_of(EntityKind::reconcile, BrokerId{2}, ShardId{1})), BrokerId{2});
    EXPECT_DEATH(static_cast<void>(broker_of(EntityId{EntityKind::partition, 0, 0})),
                 "serves every broker");
}

// Goal: an account never moves to another partition. The numbers are stored in every cluster's
// journal; if this fails, the hash has changed and old journals would be read in the wrong place.
TEST(PartitionOf, NeverChanges) {
    EXPECT_EQ(partition_of(0, 8), PartitionId{7});
    EXPECT_EQ(partition_of(1, 8), PartitionId{1});
    EXPECT_EQ(partition_of(account_id(BrokerId{0}, 17), 8), PartitionId{3});
    EXPECT_EQ(partition_of(account_id(BrokerId{1}, 17), 8), PartitionId{7});
    EXPECT_EQ(partition_of(account_id(BrokerId{0}, 17), 256), PartitionId{99});
    EXPECT_EQ(partition_of(account_id(BrokerId{65'535}, account_number_end - 1), 256),
              PartitionId{32});
    EXPECT_EQ(partition_of(~0ULL, 1), PartitionId{0});
}

TEST(PartitionOf, SpreadsConsecutiveAccounts) {
    std::map<PartitionId, int> counts;
    for (std::uint64_t number = 0; number < 8'000; ++number) {
        ++counts[partition_of(account_id(BrokerId{0}, number), 8)];
    }
    ASSERT_EQ(counts.size(), 8U);
    for (const auto& [partition, count] : counts) {
        EXPECT_GT(count, 850) << partition.v;
        EXPECT_LT(count, 1'150) << partition.v;
    }
}

TEST(HomeOf, IsTheBrokerByPartitions) {
    EXPECT_EQ(home_of(BrokerId{0}, 8), PartitionId{0});
    EXPECT_EQ(home_of(BrokerId{9}, 8), PartitionId{1});
}

}  // namespace
}  // namespace crossclear::base
