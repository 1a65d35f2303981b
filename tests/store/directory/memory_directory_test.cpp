#include "store/memory/memory_directory.hpp"

#include "store/directory/limits.hpp"
#include "tests/store/directory/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::store::test {
namespace {

using ::testing::ElementsAre;

class MemoryDirectoryTest : public ::testing::Test {
protected:
    base::Timestamp now_{};
    MemoryDirectory one_{8, [this] { return now_; }};
    std::unique_ptr<MemoryDirectory> other_ = one_.for_another_node();
};

TEST_F(MemoryDirectoryTest, RunsOnTheClockThatItIsGiven) {
    const base::Duration ttl = base::seconds(10);
    beat(one_, node("a"), {0}, {}, ttl);
    now_ = now_ + base::seconds(6);
    beat(one_, node("a"), {0}, {}, ttl);
    now_ = now_ + base::Duration{ttl.us - 1};
    EXPECT_EQ(held(beat(*other_, node("b"), {0})), (Held{{0, "a"}}));
    now_ = now_ + base::Duration{1};
    EXPECT_EQ(held(beat(*other_, node("b"), {0})), (Held{{0, "b"}}));
}

TEST_F(MemoryDirectoryTest, CutsOneNodeOffAlone) {
    beat(one_, node("a"), {0});
    one_.set_trouble("the cable is out");
    EXPECT_EQ(reason_of<BeatUnknown>(beat(one_, node("a"), {1})), "the cable is out");
    EXPECT_FALSE(leave(one_, node("a")));
    EXPECT_EQ(held(beat(*other_, node("b"), {1})), (Held{{0, "a"}, {1, "b"}}));
    one_.set_trouble("");
    EXPECT_THAT(names(beat(one_, node("a"))), ElementsAre("a", "b"));
}

TEST_F(MemoryDirectoryTest, RefusesOneNodeTooMany) {
    for (std::size_t i = 0; i < limits::members_max; ++i) {
        view_of(beat(one_, node("n" + std::to_string(i))));
    }
    const BeatOutcome refused = beat(*other_, node("one more"));
    EXPECT_EQ(reason_of<BeatRefused>(refused), "the cluster has 256 nodes already");
    view_of(beat(*other_, node("n0")));
}

TEST_F(MemoryDirectoryTest, MayBeCalledFromItsCallback) {
    std::optional<BeatOutcome> inner;
    one_.beat(Beat{.self = node("a"), .ttl = long_ttl}, [&](const BeatOutcome&) {
        other_->beat(Beat{.self = node("b"), .ttl = long_ttl},
                     [&](const BeatOutcome& outcome) { inner = outcome; });
    });
    ASSERT_TRUE(inner.has_value());
    EXPECT_THAT(names(*inner), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace crossclear::store::test
