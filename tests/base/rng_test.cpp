#include "base/rng.hpp"

#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <array>

namespace crossclear::base {
namespace {

// The first outputs of SplitMix64 for seed 1234567, as published with its reference code.
TEST(Rng, IsSplitMix64) {
    Rng rng{1'234'567};
    for (const std::uint64_t expected :
         {6'457'827'717'110'365'317ULL, 3'203'168'211'198'807'973ULL, 9'817'491'932'198'370'423ULL,
          4'593'380'528'125'082'431ULL, 16'408'922'859'458'223'821ULL}) {
        EXPECT_EQ(rng.next(), expected);
    }
}

TEST(Rng, StaysInItsRange) {
    Rng rng{7};
    std::array<int, 10> counts{};
    for (int i = 0; i < 10'000; ++i) ++counts.at(rng.below(10));
    for (const int count : counts) EXPECT_NEAR(count, 1'000, 150);
    for (int i = 0; i < 1'000; ++i) {
        const double drawn = rng.uniform();
        EXPECT_GE(drawn, 0.0);
        EXPECT_LT(drawn, 1.0);
    }
    EXPECT_EQ(rng.below(1), 0U);
    EXPECT_DEATH(rng.below(0), "not empty");
}

TEST(Rng, HitsAChanceAboutAsOftenAsItSays) {
    Rng rng{7};
    int hits = 0;
    for (int i = 0; i < 100'000; ++i) {
        hits += rng.chance_ppm(50'000) ? 1 : 0;
        EXPECT_FALSE(rng.chance_ppm(0));
        EXPECT_TRUE(rng.chance_ppm(1'000'000));
    }
    EXPECT_NEAR(hits, 5'000, 400);
}

TEST(Rng, ForksWithoutMoving) {
    Rng rng{7};
    Rng same{7};
    Rng fork = rng.fork(1);
    Rng other = rng.fork(2);
    EXPECT_NE(fork.next(), other.next());
    EXPECT_EQ(rng.next(), same.next());
    EXPECT_EQ(Rng{7}.fork(1).next(), Rng{7}.fork(1).next());
}

// Goal: what was drawn or stored once is drawn and found again by every later version.
TEST(Hashes, NeverChange) {
    EXPECT_EQ(mix64(0), 0xE220A8397B1DCDAFULL);
    EXPECT_EQ(fnv1a(""), 0xCBF29CE484222325ULL);
    EXPECT_EQ(fnv1a("a"), 0xAF63DC4C8601EC8CULL);
    EXPECT_EQ(fnv1a("foobar"), 0x85944171F73967E8ULL);
    EXPECT_NE(hash_combine(hash_combine(0, 1), 2), hash_combine(hash_combine(0, 2), 1));
    EXPECT_EQ(hash_combine(1, 2), 0xE06DD043328BD285ULL);
    EXPECT_EQ(Rng{42}.fork(3).next(), 0xD214237355C362F4ULL);
}

}  // namespace
}  // namespace crossclear::base
