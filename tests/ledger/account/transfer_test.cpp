#include "base/limits.hpp"
#include "base/rng.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

DeliverTransfer delivery(const State& state, std::uint64_t number, std::int64_t amount) {
    return {.from = state.id,
            .to = another_account(),
            .number = number,
            .asset = world::eth,
            .amount = Amount{amount}};
}

EndTransfer arrived(std::uint64_t number) {
    return {.number = number, .reason = Reject::none, .at = world::now};
}

EndTransfer refused(std::uint64_t number) {
    return {.number = number, .reason = Reject::receiver_unknown, .at = world::now};
}

TEST(AccountTransfer, LeavesAtOnceAndIsOwedUntilItsEndIsKnown) {
    State state = an_account().with_free(world::eth, 10);
    const auto events = run(state, a_transfer(1, world::eth, 4));
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{6});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(effects_of(state, events[0]), std::vector<Effect>{delivery(state, 1, 4)});
    EXPECT_EQ(outstanding(state), std::vector<Effect>{delivery(state, 1, 4)});
    EXPECT_EQ(answer_to(state, an_id(1))->number, 1U);

    run(state, arrived(1));
    EXPECT_TRUE(outstanding(state).empty());
    EXPECT_EQ(state.transfers.at(1).state, TransferState::delivered);
    EXPECT_EQ(decide(state, refused(1)), no_news) << "it ends once";
}

TEST(AccountTransfer, ComesBackWhereItWasNotTaken) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_transfer(1, world::eth, 10));
    run(state, refused(1));
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{10});
    EXPECT_EQ(state.transfers.at(1).reason, Reject::receiver_unknown);
    EXPECT_EQ(decide(state, arrived(1)), no_news) << "it ends once";
}

// Goal: the receiver remembers one number of each sender, so one alone is under way.
TEST(AccountTransfer, OfSeveralToOneReceiverTheOldestGoesFirst) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_transfer(1, world::eth, 1));
    const auto second = run(state, a_transfer(2, world::eth, 2));
    EXPECT_TRUE(effects_of(state, second.at(0)).empty());
    RequestTransfer elsewhere = a_transfer(3, world::eth, 3);
    elsewhere.to = base::account_id(base::BrokerId{0}, 99);
    const auto third = run(state, elsewhere);
    EXPECT_EQ(effects_of(state, third.at(0)).size(), 1U) << "another receiver does not wait";
    EXPECT_EQ(outstanding(state).size(), 2U);

    const auto ended = run(state, refused(1));
    EXPECT_EQ(effects_of(state, ended.at(0)), std::vector<Effect>{delivery(state, 2, 2)});
}

TEST(AccountTransfer, GivesOnlyWhatIsFree) {
    State state =
        an_account().with_free(world::eth, 3).with_seen(world::eth, 5).with_claim(world::eth, 5);
    EXPECT_EQ(reason_of(decide(state, a_transfer(1, world::eth, 4))), Reject::holding_insufficient);
    const auto most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(reason_of(decide(state, a_transfer(1, world::eth, most))),
              Reject::holding_insufficient);
}

TEST(AccountTransfer, BodiesTellEverythingThatIsAskedFor) {
    const auto body = body_hash(a_transfer(1, world::eth, 4));
    EXPECT_NE(body_hash(a_transfer(1, world::eth, 5)), body);
    EXPECT_NE(body_hash(a_transfer(1, world::usdc, 4)), body);
    auto elsewhere = a_transfer(1, world::eth, 4);
    elsewhere.to.v += 1;
    EXPECT_NE(body_hash(elsewhere), body);
}

// Goal: what is on its way is remembered, however many have ended since.
TEST(AccountTransfer, OnItsWayIsNotForgotten) {
    State state = an_account().with_free(world::eth, 1'000);
    run(state, a_transfer(1, world::eth, 1));
    const auto ends = base::limits::transfers_remembered_max + 3;
    for (std::uint64_t n = 2; n <= ends + 1; ++n) {
        run(state, a_transfer(n, world::eth, 1));
        run(state, arrived(n));
    }
    EXPECT_EQ(state.transfers.begin()->first, 1U);
    EXPECT_EQ(state.transfers.begin()->second.state, TransferState::pending);
    EXPECT_EQ(state.transfers.size(), 1 + base::limits::transfers_remembered_max);
}

TEST(AccountTransfer, ThatIsReceivedTwiceCountsOnce) {
    State state = an_account().with_free(world::eth, 1);
    EXPECT_EQ(outcome_of(state, an_arrival(7, world::eth, 4)), std::nullopt);
    run(state, an_arrival(7, world::eth, 4));
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{5});
    EXPECT_EQ(decide(state, an_arrival(7, world::eth, 4)), no_news);
    EXPECT_EQ(outcome_of(state, an_arrival(7, world::eth, 4)), Reject::none);
    EXPECT_EQ(decide(state, an_arrival(6, world::eth, 4)), no_news) << "a late copy";
    EXPECT_EQ(outcome_of(state, an_arrival(6, world::eth, 4)), std::nullopt);
}

// Goal: a refusal is final. The tokens are back with the sender when a late copy arrives.
TEST(AccountTransfer, ThatWasDeclinedIsDeclinedForEver) {
    State state = an_account();
    run(state, an_arrival(1, world::eth, 4));
    EXPECT_EQ(outcome_of(state, an_arrival(1, world::eth, 4)), Reject::receiver_unknown);
    run(state, a_deposit(1, world::eth, 1, ledger::Finality::final));
    EXPECT_EQ(decide(state, an_arrival(1, world::eth, 4)), no_news);
    EXPECT_EQ(outcome_of(state, an_arrival(1, world::eth, 4)), Reject::receiver_unknown);
    run(state, an_arrival(2, world::eth, 4));
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{5});
}

TEST(AccountTransfer, ThatDoesNotFitIsDeclined) {
    const auto most = std::numeric_limits<std::int64_t>::max();
    State state = an_account().with_free(world::eth, 1);
    run(state, an_arrival(1, world::eth, most));
    EXPECT_EQ(outcome_of(state, an_arrival(1, world::eth, most)), Reject::notional_out_of_range);
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{1});
}

TEST(AccountTransfer, FromOneSenderTooManyIsNotTaken) {
    State state = an_account().with_free(world::eth, 1);
    for (std::uint64_t n = 0; n < base::limits::senders_max; ++n) {
        state.arrivals[base::account_id(base::BrokerId{0}, 1'000 + n)] = {.number = 1,
                                                                          .reject = {}};
    }
    const Decision full{base::Failure{Reject::too_much_open}};
    EXPECT_EQ(decide(state, an_arrival(1, world::eth, 4)), full);
}

TEST(AccountTransfer, OfANumberNeverSentIsADefectOfOurs) {
    const Decision unknown{base::Failure{Reject::transfer_unknown}};
    EXPECT_EQ(decide(an_account(), arrived(1)), unknown);
    EXPECT_EQ(decide(an_account(), arrived(0)), unknown);
    EXPECT_EQ(decide(an_account(), an_arrival(0, world::eth, 1)), unknown);
}

TEST(AccountTransfer, ThatEndedIsShownForAWhile) {
    State state = an_account().with_free(world::eth, 1'000);
    for (std::uint64_t n = 1; n <= base::limits::transfers_remembered_max + 3; ++n) {
        run(state, a_transfer(n, world::eth, 1));
        run(state, arrived(n));
    }
    EXPECT_EQ(state.transfers.size(), base::limits::transfers_remembered_max);
    EXPECT_EQ(state.transfers.begin()->first, 4U);
}

// Two accounts and what is said between them: lost, doubled, late and out of order.
struct Pair {
    State left = an_account().with_free(world::eth, 500).with_free(world::usdc, 500);
    State right = other();
    std::vector<Command> to_left;
    std::vector<Command> to_right;
    std::uint64_t ids{};

    static State other() {
        State state = an_account();
        state.id = another_account();
        run(state, a_deposit(9, world::usdc, 300, ledger::Finality::final));
        return state;
    }

    void say(const std::vector<Effect>& effects, bool is_left) {
        for (const auto& effect : effects) {
            const auto& deliver = std::get<DeliverTransfer>(effect);
            (is_left ? to_right : to_left)
                .push_back(ReceiveTransfer{.from = deliver.from,
                                           .number = deliver.number,
                                           .asset = deliver.asset,
                                           .amount = deliver.amount,
                                           .at = world::now});
        }
    }

    void hear(bool is_left, const Command& command) {
        State& self = is_left ? left : right;
        auto decision = decide(self, command);
        if (decision) {
            for (const auto& event : *decision) {
                ledger::account::apply(self, event);
                say(effects_of(self, event), is_left);
            }
        }
        const auto* given = std::get_if<ReceiveTransfer>(&command);
        if (given == nullptr) return;
        if (const auto outcome = outcome_of(self, *given)) {
            (is_left ? to_right : to_left)
                .push_back(
                    EndTransfer{.number = given->number, .reason = *outcome, .at = world::now});
        }
    }

    void step(base::Rng& rng) {
        const bool is_left = rng.below(2) == 0;
        auto& inbox = is_left ? to_left : to_right;
        switch (rng.below(4)) {
            case 0: {
                auto transfer = a_transfer(++ids, rng.below(2) == 0 ? world::eth : world::usdc,
                                           static_cast<std::int64_t>(1 + rng.below(90)));
                transfer.to = is_left ? right.id : left.id;
                return hear(is_left, transfer);
            }
            case 1:
                return say(outstanding(is_left ? left : right), is_left);
            default:
                if (inbox.empty()) return;
                const auto at = static_cast<std::ptrdiff_t>(rng.below(inbox.size()));
                const auto command = inbox[static_cast<std::size_t>(at)];
                // Most are heard once; some stay for another time, some are lost.
                if (rng.below(4) != 0) inbox.erase(inbox.begin() + at);
                if (rng.below(4) != 0) hear(is_left, command);
        }
    }

    [[nodiscard]] std::int64_t sum(base::AssetId asset) const {
        std::int64_t total = 0;
        for (const State* state : {&left, &right}) {
            total += holding_of(*state, asset).free.v;
            const auto& receiver = state == &left ? right : left;
            for (const auto& [number, transfer] : state->transfers) {
                if (transfer.asset != asset || transfer.state != TransferState::pending) continue;
                // On its way, unless the receiver has it already.
                const auto known = receiver.arrivals.find(state->id);
                const bool is_there = known != receiver.arrivals.end() &&
                                      known->second.number >= number &&
                                      known->second.reject == Reject::none;
                if (!is_there) total += transfer.amount.v;
            }
        }
        return total;
    }

    [[nodiscard]] bool is_at_rest() const {
        return outstanding(left).empty() && outstanding(right).empty();
    }
};

// Goal: whatever becomes of the messages, nothing is lost and nothing arrives twice; and once they
// get through everything ends.
RC_GTEST_PROP(AccountTransfer, KeepsEveryUnitWhateverBecomesOfMessages, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    Pair pair;
    // Half of the receivers never had a deposit, and decline.
    const bool is_known = rng.below(2) == 0;
    if (!is_known) {
        pair.right = State{};
        pair.right.id = another_account();
    }
    const auto eth_before = pair.sum(world::eth);
    const auto usdc_before = pair.sum(world::usdc);
    for (int i = 0; i < 300; ++i) {
        pair.step(rng);
        RC_ASSERT(pair.sum(world::eth) == eth_before);
        RC_ASSERT(pair.sum(world::usdc) == usdc_before);
    }
    for (int i = 0; i < 10'000 && !pair.is_at_rest(); ++i) {
        pair.say(outstanding(pair.left), true);
        pair.say(outstanding(pair.right), false);
        for (const auto& command : std::exchange(pair.to_left, {})) pair.hear(true, command);
        for (const auto& command : std::exchange(pair.to_right, {})) pair.hear(false, command);
    }
    RC_ASSERT(pair.is_at_rest());
    RC_ASSERT(pair.sum(world::eth) == eth_before);
    RC_ASSERT(pair.sum(world::usdc) == usdc_before);
}

}  // namespace
}  // namespace crossclear::tests
