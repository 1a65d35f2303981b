#include "risk/watch.hpp"

#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

constexpr base::AccountId alice{1};
constexpr base::AccountId bob{2};
using Accounts = std::vector<base::AccountId>;

// Surfaces one after the other.
class Tape {
public:
    // BTC at so many dollars, everything else still, and the funding index of its perpetual.
    std::shared_ptr<const Surface> at(const char* dollars,
                                      std::optional<base::Price> index = std::nullopt) {
        auto marks = the_marks();
        marks[btc.v].price = price(dollars);
        std::vector<Mark> funding(marks.size());
        if (index) funding[btc_perp.v] = {.price = *index, .at = at_noon, .is_known = true};
        return *build_surface(
            ++number_, std::make_shared<base::Listing>(a_listing()),
            *try_parameters(the_universe()),
            {.marks = std::move(marks), .now = at_noon, .funding = std::move(funding)});
    }

private:
    std::uint64_t number_{};
};

// A watch, and what it has asked for.
class Looker {
public:
    Watch watch;

    Accounts due(base::Timestamp now = at_noon) {
        Accounts accounts;
        for (const auto& ask : watch.take_due(now)) {
            asks_[ask.account] = ask;
            accounts.push_back(ask.account);
        }
        return accounts;
    }
    // Answers the latest ask.
    void keep(base::AccountId account, double safe_move, base::Timestamp now = at_noon) {
        watch.keep(asks_.at(account), safe_move, now);
    }
    [[nodiscard]] Watch::Ask ask_of(base::AccountId account) const { return asks_.at(account); }
    // Somebody new, looked at at once.
    void add(base::AccountId account, double safe_move) {
        watch.touch(account);
        due();
        keep(account, safe_move);
    }

private:
    std::map<base::AccountId, Watch::Ask> asks_;
};

// Goal: funding takes equity as a price does: an index that jumps is a price that moves.
TEST(Watch, AFundingIndexMovesAsAPriceDoes) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000", price("-5")));
    looker.add(alice, .01);
    looker.watch.move_to(*tape.at("60000", price("295")));
    EXPECT_EQ(looker.due(), Accounts{}) << "half a percent of the contract";
    looker.watch.move_to(*tape.at("60000", price("-35")));
    EXPECT_EQ(looker.due(), Accounts{alice}) << "and back";
    looker.keep(alice, .01);
    looker.watch.move_to(*tape.at("60000"));
    EXPECT_EQ(looker.due(), Accounts{}) << "what is not known takes nothing";
}

TEST(Watch, LooksOnlyAtThoseWhomPricesMayHaveReached) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.add(alice, .01);
    looker.add(bob, .005);
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("60240"));  // .4 %
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("60000"));  // There and back are .8 % of way.
    EXPECT_EQ(looker.due(), Accounts{bob});
    looker.keep(bob, .01);
    looker.watch.move_to(*tape.at("60300"));
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, IsToldWhatHappensToAnAccount) {
    Looker looker;
    looker.add(alice, .01);
    looker.watch.touch(alice);
    EXPECT_EQ(looker.due(), Accounts{alice});
    looker.keep(alice, .01);
    looker.watch.forget(alice);
    EXPECT_EQ(looker.watch.size(), 0U);
    looker.keep(alice, .01);
    EXPECT_EQ(looker.watch.size(), 0U) << "a late answer of one who is forgotten";
}

TEST(Watch, LooksAgainAtTheNextPriceWhereThereIsNoHeadroom) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.add(alice, 0);
    EXPECT_EQ(looker.due(), Accounts{}) << "nothing has changed";
    looker.watch.move_to(*tape.at("60000.01"));
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, LooksAgainAfterAWhileWhereNobodyKnows) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.add(alice, std::numeric_limits<double>::quiet_NaN());
    looker.watch.move_to(*tape.at("60600"));
    EXPECT_EQ(looker.due(), Accounts{});
    EXPECT_EQ(looker.due(at_noon + Watch::ask_again_after), Accounts{alice});
}

TEST(Watch, TakesNoAnswerThatIsOlderThanWhatHappened) {
    Looker looker;
    looker.watch.touch(alice);
    EXPECT_EQ(looker.due(), Accounts{alice});
    looker.watch.touch(alice);
    looker.keep(alice, .01);
    EXPECT_EQ(looker.due(), Accounts{alice}) << "it may have looked before it traded";
    looker.keep(alice, .01);
    EXPECT_EQ(looker.due(), Accounts{});
}

TEST(Watch, CountsFromThePricesThatItAskedAt) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.watch.touch(alice);
    EXPECT_EQ(looker.due(), Accounts{alice});
    looker.watch.move_to(*tape.at("60300"));  // .5 %, which the look may not have seen.
    looker.keep(alice, .004);
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, LooksAtEverybodyNowAndThen) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.add(alice, 5);
    EXPECT_EQ(looker.due(at_noon + Watch::let_alone_max - base::Duration{1}), Accounts{});
    EXPECT_EQ(looker.due(at_noon + Watch::let_alone_max), Accounts{alice});
    looker.keep(alice, 5);
    looker.watch.move_to(*tape.at("61300"));
    EXPECT_EQ(looker.due(), Accounts{alice}) << "however much headroom it had";
}

TEST(Watch, AsksAgainForWhoWasNotHeardOf) {
    Looker looker;
    looker.watch.touch(alice);
    EXPECT_EQ(looker.due(), Accounts{alice});
    EXPECT_EQ(looker.due(), Accounts{}) << "it is being looked at";
    const auto first = looker.ask_of(alice);
    EXPECT_EQ(looker.due(at_noon + Watch::ask_again_after), Accounts{alice});
    EXPECT_EQ(looker.ask_of(alice), first) << "whichever is answered counts";
    looker.keep(alice, .01);
    EXPECT_EQ(looker.due(at_noon + Watch::ask_again_after), Accounts{});
}

TEST(Watch, StartsWithOneAfterTheOther) {
    Looker looker;
    looker.watch.start({alice, bob}, at_noon);
    EXPECT_EQ(looker.due(), Accounts{alice});
    looker.keep(alice, .01);
    EXPECT_EQ(looker.due(at_noon + base::Duration{Watch::start_step_max.us - 1}), Accounts{});
    EXPECT_EQ(looker.due(at_noon + Watch::start_step_max), Accounts{bob});
    looker.watch.start({}, at_noon);
    // However many they are, nobody waits for longer than at any time.
    Accounts many;
    for (std::uint64_t i = 0; i < 10'000; ++i) many.emplace_back(i);
    Looker crowd;
    crowd.watch.start(many, at_noon);
    std::size_t looked_at = 0;
    while (const auto due = crowd.due(at_noon + Watch::let_alone_max).size()) looked_at += due;
    EXPECT_EQ(looked_at, many.size());
}

TEST(Watch, LetsOneTradeForAWhile) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.watch.touch_lightly(alice, at_noon);
    EXPECT_EQ(looker.due(), Accounts{alice}) << "it is new";
    looker.keep(alice, .01);
    looker.watch.touch_lightly(alice, at_noon);
    EXPECT_EQ(looker.due(), Accounts{});
    const auto later = at_noon + base::Duration{Watch::look_after_trade.us - 1};
    looker.watch.touch_lightly(alice, later);
    EXPECT_EQ(looker.due(later), Accounts{});
    EXPECT_EQ(looker.due(later + base::Duration{1}), Accounts{alice}) << "a second after the first";
    looker.keep(alice, .01, later);
    looker.watch.touch_lightly(alice, later);
    looker.watch.move_to(*tape.at("60061"));  // A thousandth, and a little more.
    EXPECT_EQ(looker.due(later), Accounts{alice});
    looker.watch.touch_lightly(alice, later);
    looker.keep(alice, .01, later);
    EXPECT_EQ(looker.due(later + Watch::ask_again_after), Accounts{alice})
        << "the answer may be older than the trade";
}

// Goal: whoever trades on and on, each time a little later, is not looked at later for it.
TEST(Watch, ATradePutsOffNoLook) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.add(alice, .0005);
    looker.watch.move_to(*tape.at("60024"));  // .04 %
    looker.watch.touch_lightly(alice, at_noon);
    looker.watch.move_to(*tape.at("60036"));  // .06 %, and .02 % since the trade.
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, LooksAtEverybodyWherePricesMoveAfterAStart) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("60000"));
    looker.watch.start({alice, bob}, at_noon);
    EXPECT_EQ(looker.due(), Accounts{alice});
    looker.keep(alice, .01);
    looker.watch.move_to(*tape.at("60240"));  // .4 %
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("60360"));  // .6 %
    EXPECT_EQ(looker.due(), Accounts{bob}) << "its headroom was not known";
}

TEST(Watch, HandsOutSoManyAtOnce) {
    Looker looker;
    for (std::uint64_t i = 0; i < Watch::asks_max + 7; ++i) looker.watch.touch(base::AccountId{i});
    EXPECT_EQ(looker.due().size(), Watch::asks_max);
    EXPECT_EQ(looker.due().size(), 7U);
    EXPECT_EQ(looker.due().size(), 0U);
}

TEST(Watch, CountsNoMoveAsMoreThanAll) {
    // A price that jumps from nearly nothing would else use up the distance that there is.
    Tape tape;
    Looker looker;
    for (int i = 0; i < 8; ++i) {
        looker.watch.move_to(*tape.at("0.000000001"));
        looker.watch.move_to(*tape.at("999999999"));
    }
    looker.add(alice, .01);
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("999999998"));
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("900000000"));
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, TakesAPriceThatBeginsOrEndsForALongWay) {
    Tape tape;
    Looker looker;
    looker.watch.move_to(*tape.at("0"));
    looker.add(alice, .02);
    looker.watch.move_to(*tape.at("0"));
    EXPECT_EQ(looker.due(), Accounts{});
    looker.watch.move_to(*tape.at("1"));
    EXPECT_EQ(looker.due(), Accounts{alice});
}

TEST(Watch, SafeMoveIsHeadroomOverTwiceTheExposure) {
    EXPECT_EQ(safe_move(100, 10'000), .005);
    EXPECT_EQ(safe_move(0, 10'000), 0);
    EXPECT_EQ(safe_move(-5, 10'000), 0);
    EXPECT_EQ(safe_move(5, 0), Watch::move_max);
}

}  // namespace
}  // namespace crossclear::risk
