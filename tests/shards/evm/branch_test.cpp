#include "shards/evm/branch.hpp"

#include "base/rng.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::shards::evm {
namespace {

Hash hash_of(std::uint64_t id) {
    Hash hash;
    for (std::size_t i = 0; i < 8; ++i)
        hash.bytes[31 - i] = static_cast<std::uint8_t>(id >> (8 * i));
    return hash;
}

// Block `id` on its parent; ids are hashes.
Header block(std::uint64_t number, std::uint64_t id, std::uint64_t parent) {
    return {.number = number,
            .hash = hash_of(id),
            .parent = hash_of(parent),
            .time_s = 12 * number,
            .base_fee = 1};
}

TEST(Branch, GrowsBlockByBlock) {
    Branch branch(block(10, 1, 0));
    const auto change = branch.follow(block(11, 2, 1));
    EXPECT_EQ(change, (BranchChange{.dropped = {}, .added = {block(11, 2, 1)}}));
    EXPECT_EQ(branch.head().hash, hash_of(2));
    EXPECT_TRUE(branch.has(11, hash_of(2)));
    EXPECT_FALSE(branch.has(11, hash_of(3)));
    EXPECT_EQ(branch.at(9), nullptr);
    EXPECT_EQ(branch.at(12), nullptr);
}

TEST(Branch, WantsTheParentsThatItHasNotSeen) {
    Branch branch(block(10, 1, 0));
    EXPECT_EQ(branch.follow(block(13, 4, 3)).wanted, hash_of(3));
    EXPECT_EQ(branch.head().number, 10U) << "half a way changes nothing";
    EXPECT_EQ(branch.take_parent(block(12, 3, 2)).wanted, hash_of(2));
    const auto change = branch.take_parent(block(11, 2, 1));
    EXPECT_EQ(change.added, (std::vector{block(11, 2, 1), block(12, 3, 2), block(13, 4, 3)}));
    EXPECT_EQ(branch.head().number, 13U);
}

TEST(Branch, DropsWhatIsReplacedTheNewestFirst) {
    Branch branch(block(10, 1, 0));
    for (std::uint64_t i = 2; i < 6; ++i) (void)branch.follow(block(9 + i, i, i - 1));
    EXPECT_EQ(branch.follow(block(13, 23, 22)).wanted, hash_of(22));
    const auto change = branch.take_parent(block(12, 22, 2));
    EXPECT_EQ(change.dropped, (std::vector{block(14, 5, 4), block(13, 4, 3), block(12, 3, 2)}));
    EXPECT_EQ(change.added, (std::vector{block(12, 22, 2), block(13, 23, 22)}));
    EXPECT_EQ(branch.head().number, 13U) << "a branch that counts may be the shorter one";
}

TEST(Branch, IsNotLedBackByWhoIsBehind) {
    Branch branch(block(10, 1, 0));
    for (std::uint64_t i = 2; i < 6; ++i) (void)branch.follow(block(9 + i, i, i - 1));
    EXPECT_EQ(branch.follow(block(12, 3, 2)), BranchChange{});
    EXPECT_EQ(branch.follow(block(8, 99, 98)), BranchChange{}) << "below what is final";
    EXPECT_EQ(branch.head().number, 14U);
}

TEST(Branch, ContradictsWhatReplacesAFinalBlock) {
    Branch branch(block(10, 1, 0));
    (void)branch.follow(block(11, 2, 1));
    EXPECT_TRUE(branch.follow(block(10, 31, 30)).is_contradiction);
    EXPECT_TRUE(branch.follow(block(11, 32, 31)).is_contradiction) << "its parent is another";
    (void)branch.follow(block(12, 33, 34));
    EXPECT_TRUE(branch.take_parent(block(10, 34, 1)).is_contradiction) << "heights do not fit";
    EXPECT_EQ(branch.head().hash, hash_of(2));
}

TEST(Branch, ForgetsWhatIsBeforeTheFinalBlock) {
    Branch branch(block(10, 1, 0));
    for (std::uint64_t i = 2; i < 6; ++i) (void)branch.follow(block(9 + i, i, i - 1));
    EXPECT_FALSE(branch.finalize(12, hash_of(99)));
    EXPECT_FALSE(branch.finalize(99, hash_of(99))) << "not known yet";
    EXPECT_TRUE(branch.finalize(12, hash_of(3)));
    EXPECT_TRUE(branch.finalize(11, hash_of(2))) << "no news";
    EXPECT_EQ(branch.final_block().number, 12U);
    EXPECT_FALSE(branch.has(11, hash_of(2)));
    EXPECT_TRUE(branch.follow(block(12, 40, 2)).is_contradiction);
}

// A tree of blocks, heads of it told in any order, parents as they are wanted: the branch is the
// way to the last head that counted, and who applies its changes has the same.
RC_GTEST_PROP(Branch, FollowsAnyTree, (std::uint64_t seed)) {
    base::Rng rng(seed);
    std::map<Hash, Header> tree;
    std::vector<Header> all{block(0, 1, 0)};
    tree.emplace(all.front().hash, all.front());
    Branch branch(all.front());
    std::vector<Header> mirror{all.front()};
    const auto is_below = [&](Header of, const Header& ancestor) {
        while (of.number > ancestor.number) of = tree.at(of.parent);
        return of.hash == ancestor.hash;
    };
    const auto apply = [&](const BranchChange& change) {
        for (const auto& gone : change.dropped) {
            RC_ASSERT(mirror.back() == gone);
            mirror.pop_back();
        }
        for (const auto& come : change.added) {
            RC_ASSERT(come.parent == mirror.back().hash);
            mirror.push_back(come);
        }
    };
    for (int step = 0; step < 300; ++step) {
        // Mostly on top of something new, now and then up to 64 blocks below it.
        const auto back = rng.below(4) == 0 ? rng.below(64) : rng.below(2);
        const auto parent = all[all.size() - 1 - std::min<std::size_t>(back, all.size() - 1)];
        const auto made = block(parent.number + 1, all.size() + 1, 0);
        Header child = made;
        child.parent = parent.hash;
        all.push_back(child);
        tree.emplace(child.hash, child);
        if (rng.below(3) == 0) continue;
        const auto& head = all[all.size() - 1 - rng.below(std::min<std::size_t>(4, all.size()))];
        const bool was_known = branch.has(head.number, head.hash);
        const bool can_count = is_below(head, branch.final_block());
        auto change = branch.follow(head);
        while (change.wanted) change = branch.take_parent(tree.at(*change.wanted));
        apply(change);
        RC_ASSERT(change.is_contradiction ==
                  (!was_known && !can_count && head.number >= branch.final_block().number));
        if (!was_known && can_count) RC_ASSERT(branch.head() == head);
        RC_ASSERT(branch.head() == mirror.back());
        for (const auto& one : mirror) {
            const bool is_kept = one.number >= branch.final_block().number;
            RC_ASSERT(branch.has(one.number, one.hash) == is_kept);
        }
        if (rng.below(20) != 0) continue;
        const auto& final_one = mirror[rng.below(mirror.size())];
        RC_ASSERT(branch.finalize(final_one.number, final_one.hash));
    }
}

boost::json::value a_receipt() {
    return boost::json::parse(R"({
        "transactionHash":"0x1111111111111111111111111111111111111111111111111111111111111111",
        "blockHash":"0x2222222222222222222222222222222222222222222222222222222222222222",
        "blockNumber":"0x10","status":"0x1","gasUsed":"0x5208","effectiveGasPrice":"0x3b9aca07",
        "type":"0x2","logs":[{
            "address":"0x5fbdb2315678afecb367f032d93f642f64180aa3",
            "topics":["0x3333333333333333333333333333333333333333333333333333333333333333"],
            "data":"0x00ff","blockNumber":"0x10",
            "blockHash":"0x2222222222222222222222222222222222222222222222222222222222222222",
            "transactionHash":"0x1111111111111111111111111111111111111111111111111111111111111111",
            "logIndex":"0x0","removed":false}]})");
}

TEST(Receipt, IsReadWithItsLogs) {
    const auto receipt = parse_receipt(a_receipt());
    ASSERT_TRUE(receipt.has_value());
    EXPECT_TRUE(receipt->is_success);
    EXPECT_EQ(receipt->block_number, 16U);
    EXPECT_EQ(receipt->gas_used, 21'000U);
    EXPECT_EQ(receipt->gas_price, 1'000'000'007);
    ASSERT_EQ(receipt->logs.size(), 1U);
    EXPECT_EQ(receipt->logs.front().data, (Bytes{0, 0xff}));
    EXPECT_EQ(receipt->logs.front().topics.size(), 1U);
}

TEST(Receipt, IsNothingElse) {
    EXPECT_FALSE(parse_receipt(nullptr)) << "not included yet";
    const std::vector<std::pair<const char*, boost::json::value>> wrong = {
        {"transactionHash", "0x11"}, {"blockHash", nullptr}, {"blockNumber", 16},
        {"blockNumber", "0x010"},    {"status", "0x2"},      {"gasUsed", "0x1ffffffffffffffff"},
        {"effectiveGasPrice", ""},   {"logs", nullptr},      {"status", "0x0"}};
    for (const auto& [field, value] : wrong) {
        auto said = a_receipt();
        said.as_object()[field] = value;
        EXPECT_FALSE(parse_receipt(said)) << field << ' ' << value;
        said.as_object().erase(field);
        EXPECT_FALSE(parse_receipt(said)) << field << " is missing";
    }
    for (const auto& [field, value] : std::vector<std::pair<const char*, boost::json::value>>{
             {"blockHash", "0x4444444444444444444444444444444444444444444444444444444444444444"},
             {"blockNumber", "0x11"},
             {"removed", true},
             {"removed", "no"},
             {"topics", boost::json::array{1}},
             {"topics", boost::json::array(5,
                                           "0x3333333333333333333333333333333333333333333333"
                                           "333333333333333333")},
             {"data", "0x0"},
             {"address", "0x5fbd"}}) {
        auto said = a_receipt();
        said.at("logs").as_array().front().as_object()[field] = value;
        EXPECT_FALSE(parse_receipt(said)) << "of a log, " << field << ' ' << value;
    }
}

TEST(Header, IsReadAndNothingElse) {
    const auto text = R"({"number":"0x7",
        "hash":"0x2222222222222222222222222222222222222222222222222222222222222222",
        "parentHash":"0x1111111111111111111111111111111111111111111111111111111111111111",
        "timestamp":"0x65","baseFeePerGas":"0x3b9aca00","transactions":[]})";
    const auto said = boost::json::parse(text);
    const auto header = parse_header(said);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->number, 7U);
    EXPECT_EQ(header->time_s, 101U);
    EXPECT_EQ(header->base_fee, 1'000'000'000);
    for (const char* field : {"number", "hash", "parentHash", "timestamp", "baseFeePerGas"}) {
        auto without = said;
        without.as_object()[field] = nullptr;
        EXPECT_FALSE(parse_header(without)) << field;
    }
    auto first = said;
    first.as_object()["number"] = "0x0";
    first.as_object().erase("baseFeePerGas");
    const auto old = parse_header(first);
    ASSERT_TRUE(old.has_value()) << "of before there were base fees";
    EXPECT_EQ(old->base_fee, 0);
    auto own = said;
    own.as_object()["parentHash"] = own.at("hash");
    EXPECT_FALSE(parse_header(own)) << "nobody is its own parent";
}

}  // namespace
}  // namespace crossclear::shards::evm
