#include "base/command_id.hpp"
#include "base/limits.hpp"
#include "tests/support/actors/one_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace crossclear::tests {
namespace {

using namespace town;

// Nobody's home: there nothing but the client is at work. In the second one it never trades.
constexpr base::PartitionId trading{2};
constexpr base::PartitionId still{3};

const std::string asked_trading = "Fence asked for. partition=2";
const std::string asked_still = "Fence asked for. partition=3";
const std::string lost = "A partition belongs to another owner now.";

std::vector<actors::Request> all_reads(base::AccountId account) {
    return {actors::GetAccount{account},
            actors::GetPositions{account},
            actors::GetMargin{account},
            actors::GetTrade{account, 1},
            actors::GetTrades{account, 0, 10},
            actors::GetSettlements{account, 0, 10},
            actors::GetWithdrawals{account},
            actors::PreviewTrade{account, eth_swap, base::Amount{one_eth}}};
}

bool is_ready(const std::future<actors::Answer>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

// An answer to this one waits for no record and no call: once it is there, the account has handled
// whatever its session asked before.
actors::SubmitTrade refused_at_once(base::AccountId account) {
    auto trade = trade_of(account, eth_swap, one_eth);
    trade.id = base::make_command_id(trade.received_at + base::seconds(3'600), 0, 1);
    return trade;
}

// Goal: an owner that was replaced while it slept has no word to say about the present, however
// much of it was true when it fell asleep.
TEST(Reads, AReplacedOwnerShowsNothing) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    ASSERT_EQ(client->refusal_code(actors::GetAccount{account}), 0);

    outside.journal.hold_confirms();
    std::vector<std::future<actors::Answer>> answers;
    for (const auto& read : all_reads(account)) answers.push_back(client->send(read));
    ASSERT_EQ(client->refusal_code(refused_at_once(account)), 11011);
    take_away(outside, still);
    outside.journal.release_confirms();

    for (auto& answer : answers) {
        ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
        const auto given = answer.get();
        const auto* refusal = std::get_if<actors::Refusal>(&given);
        ASSERT_NE(refusal, nullptr) << "a stale view, of kind " << given.index();
        EXPECT_EQ(refusal->code, 11050);
        EXPECT_TRUE(refusal->retryable);
    }
    ASSERT_TRUE(outside.watch.await_line(lost));
    EXPECT_EQ(client->refusal_code(actors::GetAccount{account}), 11050);
}

TEST(Reads, AFollowerOfAReplacedOwnerIsShownNothing) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    take_away(outside, still);
    client->follow({actors::Channel::Kind::balances, account, {}});
    ASSERT_TRUE(outside.watch.await_line(lost));
    EXPECT_TRUE(outside.watch.publications().empty());
}

TEST(Reads, ManyThatWaitShareACall) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    constexpr std::size_t many = 300;

    outside.journal.hold_confirms();
    std::vector<std::future<actors::Answer>> answers;
    for (std::size_t i = 0; i < many; ++i) {
        answers.push_back(client->send(actors::GetAccount{account}));
    }
    ASSERT_EQ(client->refusal_code(refused_at_once(account)), 11011);
    ASSERT_TRUE(outside.watch.await_line(asked_still));
    EXPECT_TRUE(std::none_of(answers.begin(), answers.end(), is_ready));
    outside.journal.release_confirms();

    for (auto& answer : answers) {
        ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
        EXPECT_TRUE(std::holds_alternative<actors::AccountView>(answer.get()));
    }
    // The first asked for itself, and the second call was for all the others.
    EXPECT_EQ(outside.watch.lines_with(asked_still), 2U);
}

TEST(Reads, AnAccountHoldsBackNoMoreThanItsBound) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    outside.journal.hold_confirms();
    std::vector<std::future<actors::Answer>> answers;
    for (std::size_t i = 0; i < base::limits::account_held_max; ++i) {
        answers.push_back(client->send(actors::GetAccount{account}));
    }
    EXPECT_EQ(client->refusal_code(actors::GetAccount{account}), 11070);
    outside.journal.release_confirms();
    for (auto& answer : answers) {
        ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
        EXPECT_TRUE(std::holds_alternative<actors::AccountView>(answer.get()));
    }
}

// Goal: under load a read costs no call. The record of a command that came after it was written
// under the fence, and its durability says that the fence stood.
TEST(Reads, ARecordSentLaterProvesAsMuchAsACall) {
    Outside outside;
    House house(outside);
    const auto buyer = account_in(trading);
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    const auto client = house.client({buyer});

    outside.journal.hold_confirms();
    auto read = client->send(actors::GetTrades{buyer, 0, 10});
    const auto cleared = client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
    ASSERT_TRUE(is_ready(read)) << "what was asked first is answered first";
    const auto answer = read.get();
    const auto* view = std::get_if<actors::TradesView>(&answer);
    ASSERT_NE(view, nullptr);
    EXPECT_TRUE(view->trades.empty()) << "it was asked before the trade";
    EXPECT_LT(view->sequence, cleared.sequence);
    EXPECT_LE(outside.watch.lines_with(asked_trading), 1U);
    outside.journal.release_confirms();
}

TEST(Reads, WhoWritesReadsWhatItWrote) {
    Outside outside;
    House house(outside);
    const auto buyer = account_in(trading);
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    const auto client = house.client({buyer});
    for (int i = 0; i < 20; ++i) {
        auto trade = client->send(trade_of(buyer, eth_swap, one_eth / 100));
        const auto view = client->expect<actors::AccountView>(actors::GetAccount{buyer});
        ASSERT_TRUE(is_ready(trade)) << "the read was behind it";
        const auto answer = trade.get();
        const auto* cleared = std::get_if<actors::TradeCleared>(&answer);
        ASSERT_NE(cleared, nullptr);
        EXPECT_GE(view.sequence, cleared->sequence);
        EXPECT_EQ(view.trades, cleared->number);
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST(Reads, WaitForAJournalThatDeclinesAndAreAnsweredWhenItIsWell) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    outside.store.set_trouble("the disk is full");
    auto read = client->send(actors::GetAccount{account});
    ASSERT_TRUE(outside.watch.await_line("The journal declines to confirm its owner. partition=3"));
    ASSERT_TRUE(outside.watch.await_line(asked_still, 3)) << "it is asked again and again";
    EXPECT_FALSE(is_ready(read));
    outside.store.set_trouble("");
    ASSERT_EQ(read.wait_for(Watch::patience), std::future_status::ready);
    EXPECT_TRUE(std::holds_alternative<actors::AccountView>(read.get()));
}

TEST(Reads, ThatWaitedTooLongAreRefusedWithTheReason) {
    Outside outside;
    House house(outside, {.read_wait = base::milliseconds(60)});
    const auto account = account_in(still);
    const auto client = house.client({account});
    outside.store.set_trouble("the disk is full");
    client->follow({actors::Channel::Kind::balances, account, {}});
    const auto answer = client->ask(actors::GetAccount{account});
    const auto* refusal = std::get_if<actors::Refusal>(&answer);
    ASSERT_NE(refusal, nullptr);
    EXPECT_EQ(refusal->code, 11070);
    EXPECT_EQ(refusal->reason, "journal_unavailable");
    EXPECT_EQ(refusal->hint, "the disk is full");
    EXPECT_TRUE(refusal->retryable);
    EXPECT_TRUE(outside.watch.publications().empty());

    outside.store.set_trouble("");
    EXPECT_EQ(client->expect<actors::AccountView>(actors::GetAccount{account}).account, account);
    // A follower was told that it follows: it is kept waiting, and then shown.
    EXPECT_NE(outside.watch.await_publication([](const auto& told) { return told.is_snapshot; }),
              nullptr);
}

// Goal: an owner that promises itself a newer epoch is no stranger to its own older one.
TEST(Reads, ANewerEpochOfTheSameOwnerEndsNothing) {
    Outside outside;
    House house(outside);
    const auto account = account_in(still);
    const auto client = house.client({account});
    outside.journal.hold_confirms();
    auto read = client->send(actors::GetAccount{account});
    ASSERT_TRUE(outside.watch.await_line(asked_still));
    outside.journal.want_new_epoch(still);
    // The record that begins the newer epoch speaks for the read.
    ASSERT_EQ(read.wait_for(Watch::patience), std::future_status::ready);
    EXPECT_TRUE(std::holds_alternative<actors::AccountView>(read.get()));
    outside.journal.release_confirms();
    EXPECT_EQ(client->refusal_code(actors::GetAccount{account}), 0);
    EXPECT_EQ(outside.watch.lines_with(lost), 0U);
}

}  // namespace
}  // namespace crossclear::tests
