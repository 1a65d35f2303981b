#include "store/directory/ballots.hpp"

#include "store/directory/rules.hpp"
#include "tests/store/directory/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint16_t both_partitions = 2;

Member process(const std::string& text) {
    return node(text.substr(0, 1), static_cast<std::uint64_t>(text[1] - '0'));
}

// `noted({"a1", "b1"}, {"a1", ""})`: two members, the first of which holds partition 0.
Ballot noted(const std::vector<std::string>& members, const std::vector<std::string>& holders) {
    Noted ballot;
    for (const std::string& member : members) ballot.members.push_back(process(member));
    for (const std::string& holder : holders) {
        auto& entry = ballot.holders.emplace_back();
        if (holder.empty()) continue;
        const Member member = process(holder);
        entry = Holder{.name = member.name, .incarnation = member.incarnation};
    }
    return ballot;
}

Verdict verdict(const std::string& self, const std::vector<Ballot>& ballots) {
    return count_ballots(Beat{.self = process(self), .ttl = long_ttl}, ballots, both_partitions);
}

const Ballot silent = Silent{"no answer"};
const Ballot opposed = Opposed{"the disk is full"};

TEST(Ballots, AnyInstanceMakesAMemberButOnlyAMajorityAHolder) {
    const Verdict result =
        verdict("a1", {noted({"a1"}, {"a1", ""}), noted({"a1", "b1"}, {"a1", "b1"}), silent});
    EXPECT_THAT(names(result.outcome), ElementsAre("a", "b"));
    EXPECT_EQ(held(result.outcome), (Held{{0, "a"}}));
    EXPECT_THAT(result.yielded, IsEmpty());
}

// Goal: a member ends only when the last instance has forgotten it.
TEST(Ballots, TheInstanceThatSaysLongestSaysWhenAMemberEnds) {
    const auto ending = [](base::Duration end) {
        Ballot ballot = noted({"a1", "b1"}, {"", ""});
        std::get<Noted>(ballot).next_end = end;
        return ballot;
    };
    const auto end_of = [](const std::vector<Ballot>& ballots) {
        return std::get<View>(verdict("a1", ballots).outcome).next_end;
    };
    EXPECT_EQ(end_of({ending(base::milliseconds(100)), ending(base::milliseconds(1'900)), silent}),
              base::milliseconds(1'900));
    EXPECT_EQ(end_of({ending(base::milliseconds(7)), noted({"a1"}, {"", ""}), silent}),
              base::milliseconds(7));
    EXPECT_EQ(end_of({noted({"a1"}, {"", ""})}), std::nullopt);
}

TEST(Ballots, TheNextBeatComesWhenAMemberEnds) {
    const auto every = base::milliseconds(400);
    const auto wait = [every](std::optional<base::Duration> end) {
        return wait_after(View{.members = {}, .holders = {}, .next_end = end}, every);
    };
    EXPECT_EQ(wait(std::nullopt), every);
    EXPECT_EQ(wait(base::milliseconds(1'600)), every);
    EXPECT_EQ(wait(base::milliseconds(120)), base::milliseconds(125));
    EXPECT_EQ(wait_after(BeatUnknown{"no answer"}, every), every);
}

TEST(Ballots, CountsTheSilentAsWell) {
    const Verdict result = verdict("a1", {noted({"a1"}, {"a1", ""}), silent, silent});
    EXPECT_EQ(reason_of<BeatUnknown>(result.outcome), "1 of 3 instances noted the beat: no answer");
    EXPECT_THAT(reason_of<BeatUnknown>(verdict("a1", {silent}).outcome), HasSubstr("0 of 1"));
}

TEST(Ballots, AMajorityRefusesOrHasTheNameTaken) {
    const Ballot occupied = Occupied{.incarnation = 2, .endpoint = "elsewhere"};
    const Verdict refused = verdict("a1", {opposed, opposed, noted({"a1"}, {"", ""})});
    EXPECT_EQ(reason_of<BeatRefused>(refused.outcome), "the disk is full");
    const Verdict taken = verdict("a1", {occupied, occupied, noted({"a1"}, {"", ""})});
    EXPECT_EQ(std::get<NameTaken>(taken.outcome).endpoint, "elsewhere");
    EXPECT_TRUE(taken.must_withdraw) << "it would be found alive on the third";
    const Verdict kept =
        verdict("a1", {occupied, noted({"a1"}, {"", ""}), noted({"a1"}, {"", ""})});
    EXPECT_THAT(names(kept.outcome), ElementsAre("a"));
    EXPECT_FALSE(kept.must_withdraw);
}

// Goal: with one of three away, two processes of one name would each keep the other from a
// majority.
TEST(Ballots, OfTwoWithOneNameExactlyOneGivesWay) {
    const auto other = [](std::uint64_t incarnation) {
        return Ballot{Occupied{.incarnation = incarnation, .endpoint = "elsewhere"}};
    };
    const Verdict first = verdict("a1", {noted({"a1"}, {"", ""}), other(2), silent});
    const Verdict second = verdict("a2", {other(1), noted({"a2"}, {"", ""}), silent});
    EXPECT_THAT(reason_of<BeatUnknown>(first.outcome), HasSubstr("claims the name as well"));
    EXPECT_FALSE(first.must_withdraw);
    EXPECT_TRUE(second.must_withdraw);
    const std::vector<Ballot> fewer{noted({"a1"}, {"", ""}), other(2), other(2), silent, silent};
    EXPECT_TRUE(verdict("a1", fewer).must_withdraw);
}

TEST(Ballots, GivesBackWhatSomebodyElseHasTheBetterClaimTo) {
    const std::vector<std::string> all{"a1", "b1", "c1"};
    const std::vector<Ballot> majority{noted(all, {"a1", ""}), noted(all, {"b1", ""}),
                                       noted(all, {"b1", ""})};
    EXPECT_THAT(verdict("a1", majority).yielded, ElementsAre(base::PartitionId{0}));
    EXPECT_THAT(verdict("b1", majority).yielded, IsEmpty());
    const std::vector<Ballot> split{noted(all, {"", "c1"}), noted(all, {"", "b1"}),
                                    noted(all, {"", "a1"})};
    EXPECT_THAT(held(verdict("a1", split).outcome), IsEmpty());
    EXPECT_THAT(verdict("a1", split).yielded, IsEmpty()) << "somebody has to stay";
    EXPECT_THAT(verdict("b1", split).yielded, ElementsAre(base::PartitionId{1}));
    EXPECT_THAT(verdict("c1", split).yielded, ElementsAre(base::PartitionId{1}));
}

// Goal: a holder can be looked up among the members, always.
TEST(Ballots, AHolderThatIsNoMemberHoldsNothing) {
    const std::vector<Ballot> gone{noted({"a1"}, {"b1", ""}), noted({"a1"}, {"b1", ""}), silent};
    EXPECT_THAT(held(verdict("a1", gone).outcome), IsEmpty());
    const std::vector<Ballot> replaced{noted({"a1", "b2"}, {"b1", ""}),
                                       noted({"a1", "b2"}, {"b1", ""}), silent};
    EXPECT_THAT(held(verdict("a1", replaced).outcome), IsEmpty());
}

TEST(Ballots, OfTwoIncarnationsTheOneThatMoreKnowIsShown) {
    const std::vector<Ballot> given{noted({"a1", "b1"}, {"", ""}), noted({"a1", "b2"}, {"", ""}),
                                    noted({"a1", "b2"}, {"", ""})};
    const View view = view_of(verdict("a1", given).outcome);
    EXPECT_THAT(view.members, ElementsAre(process("a1"), process("b2")));
}

}  // namespace
}  // namespace crossclear::store::test
