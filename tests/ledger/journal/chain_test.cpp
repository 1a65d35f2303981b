#include "ledger/journal/chain.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crossclear::ledger::journal {
namespace {

constexpr base::PartitionId partition{3};

// Source: FIPS 180-4 examples, "abc" and the empty message.
TEST(Sha256, MatchesThePublishedExamples) {
    EXPECT_EQ(to_hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// Goal: the digest is stored for ever. The expected input is written out byte by byte here, so that
// a change of the layout cannot pass by changing both sides.
TEST(ChainDigest, HashesTheDocumentedBytes) {
    std::string input(
        "\0\0\0\0\0\0\0\4demo"
        "\0\0\0\0\0\0\0\3"
        "\0\0\0\0\0\0\1\2"
        "\0\0\0\0\0\0\0\7",
        36);
    Digest previous{};
    previous.fill(0xAB);
    input.append(32, '\xAB');
    input.append("payload");
    EXPECT_EQ(chain_digest("demo", partition, 0x102, 7, previous, "payload"), sha256(input));
}

TEST(ChainDigest, ChangesWithEveryInput) {
    const Digest zero{};
    Digest other{};
    other[31] = 1;
    const std::vector<Digest> digests{
        chain_digest("demo", partition, 1, 1, zero, "a"),
        chain_digest("demp", partition, 1, 1, zero, "a"),
        chain_digest("demo", base::PartitionId{4}, 1, 1, zero, "a"),
        chain_digest("demo", partition, 2, 1, zero, "a"),
        chain_digest("demo", partition, 1, 2, zero, "a"),
        chain_digest("demo", partition, 1, 1, other, "a"),
        chain_digest("demo", partition, 1, 1, zero, "b"),
        chain_digest("demo", partition, 1, 1, zero, ""),
    };
    for (std::size_t i = 0; i < digests.size(); ++i) {
        for (std::size_t j = i + 1; j < digests.size(); ++j) EXPECT_NE(digests[i], digests[j]);
    }
}

TEST(Chain, LinksARecordToItsPredecessor) {
    const Record first = next_record("demo", partition, Head{}, 1, "one");
    const Record second = next_record("demo", partition, first.head, 2, "two");
    EXPECT_EQ(first.head.seq, 1u);
    EXPECT_EQ(second.head.seq, 2u);
    EXPECT_TRUE(is_linked("demo", partition, Head{}, first));
    EXPECT_TRUE(is_linked("demo", partition, first.head, second));
}

TEST(Chain, RefusesEveryAlteration) {
    const Record first = next_record("demo", partition, Head{}, 1, "one");
    const Record second = next_record("demo", partition, first.head, 2, "two");
    const auto is_accepted = [&](auto change) {
        Record altered = second;
        change(altered);
        return is_linked("demo", partition, first.head, altered);
    };
    EXPECT_FALSE(is_accepted([](Record& record) { record.payload = "tWo"; }));
    EXPECT_FALSE(is_accepted([](Record& record) { record.head.seq = 3; }));
    EXPECT_FALSE(is_accepted([](Record& record) { record.head.record_epoch = 3; }));
    EXPECT_FALSE(is_accepted([](Record& record) { record.head.head[0] ^= 1; }));
    EXPECT_FALSE(is_linked("demo", partition, Head{}, second));
    EXPECT_FALSE(is_linked("other", partition, first.head, second));
    EXPECT_FALSE(is_linked("demo", base::PartitionId{4}, first.head, second));
}

}  // namespace
}  // namespace crossclear::ledger::journal
