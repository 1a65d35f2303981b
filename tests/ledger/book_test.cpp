#include "ledger/book.hpp"

#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::Timestamp;
using tests::world::eth;

constexpr base::BrokerId broker{0};
constexpr base::ShardId shard{1};
constexpr BrokerAsset of{broker, eth};
constexpr base::AccountId first{11};
constexpr base::AccountId second{12};

Entry claim(base::AccountId account, std::int64_t amount, std::int64_t due) {
    account::TradeNovated trade;
    trade.base = eth;
    trade.quantity = Amount{amount};
    trade.settle_by = Timestamp{due};
    trade.changes = {BalanceChange{
        .asset = eth, .seen = {}, .free = {}, .unsettled = Amount{amount}, .held = {}, .recv = {}}};
    return {base::entity_of(account), account::Event{trade}};
}

Entry cover(base::AccountId account, std::int64_t amount) {
    return {base::entity_of(account),
            account::Event{account::ClaimsCovered{
                .asset = eth, .amount = Amount{amount}, .parts = {}, .at = {}}}};
}

Entry grant(std::int64_t total) {
    return {base::entity_of(base::EntityKind::cover, broker),
            cover::Event{cover::QuotaArrived{.asset = eth, .granted_total = Amount{total}}}};
}

Entry paid_out(base::AccountId account, std::int64_t amount) {
    return {base::entity_of(account), account::Event{account::WithdrawalPaid{
                                          .number = 1, .asset = eth, .amount = Amount{amount}}}};
}

Entry held(base::AccountId account, std::int64_t amount) {
    account::WithdrawalHeld event;
    event.asset = eth;
    event.amount = Amount{amount};
    return {base::entity_of(account), account::Event{event}};
}

Entry deposited(std::uint64_t block, std::int64_t amount) {
    netting::DepositRecorded event;
    event.shard = shard;
    event.asset = eth;
    event.amount = Amount{amount};
    event.finality = Finality::final;
    event.block = block;
    return {base::entity_of(base::EntityKind::netting, broker), netting::Event{event}};
}

TEST(Book, AQuotaIsUsedByCoverAndLeavesWithAWithdrawal) {
    Book book;
    fold(book, claim(first, 5, 100));
    EXPECT_EQ(room(book, of), Amount{0});
    fold(book, grant(6));
    EXPECT_EQ(room(book, of), Amount{6});
    fold(book, cover(first, 5));
    EXPECT_EQ(room(book, of), Amount{1});
    EXPECT_TRUE(book.claims.at(of).claims.empty());
    fold(book, held(first, 5));
    EXPECT_EQ(room(book, of), Amount{1});
    fold(book, paid_out(first, 5));
    EXPECT_EQ(room(book, of), Amount{1}) << "the tokens took their quota along";
    EXPECT_EQ(size_of(book.quotas.at(of)), Amount{1});
}

Entry given(base::AccountId account, std::int64_t amount) {
    account::TransferSent event;
    event.asset = eth;
    event.amount = Amount{amount};
    return {base::entity_of(account), account::Event{event}};
}

Entry taken(base::AccountId account, std::int64_t amount) {
    account::TransferReceived event;
    event.asset = eth;
    event.amount = Amount{amount};
    return {base::entity_of(account), account::Event{event}};
}

// Goal: what is on its way covers nobody else's claim, on neither side.
TEST(Book, ATransferTakesItsQuotaAlong) {
    Book book;
    fold(book, claim(first, 5, 100));
    fold(book, grant(6));
    fold(book, cover(first, 5));
    fold(book, given(first, 3));
    EXPECT_EQ(room(book, of), Amount{1}) << "the tokens took their quota along";
    EXPECT_EQ(balance(book, broker, Chart::transit, eth), -3);
    Book elsewhere;
    fold(elsewhere, taken(first, 3));
    EXPECT_EQ(room(elsewhere, of), Amount{0}) << "and brought it here";
    EXPECT_EQ(balance(elsewhere, broker, Chart::transit, eth), 3);
    EXPECT_EQ(fault_of(elsewhere), std::nullopt);
}

TEST(Book, ATransferThatComesBackBringsItsQuotaBack) {
    Book book;
    fold(book, grant(6));
    fold(book, given(first, 3));
    account::TransferReturned back;
    back.asset = eth;
    back.amount = Amount{3};
    fold(book, {base::entity_of(first), account::Event{back}});
    EXPECT_EQ(size_of(book.quotas.at(of)), Amount{6});
    EXPECT_EQ(balance(book, broker, Chart::transit, eth), 0);
}

TEST(Book, AGrantIsATotalSoARepeatDoesNoHarm) {
    Book book;
    fold(book, grant(6));
    fold(book, grant(6));
    EXPECT_EQ(room(book, of), Amount{6});
}

// Goal: a partition that has settled for long has totals that left 64 bits; what it holds has not.
TEST(Book, AQuotaGoesOnBeyondTheEndOfItsTotals) {
    Book book;
    book.quotas[of] = {.granted = Amount{INT64_MAX - 1},
                       .deposited = Amount{5},
                       .returned = Amount{INT64_MAX - 3},
                       .transferred = {}};
    EXPECT_EQ(room(book, of), Amount{7});
    fold(book, grant(INT64_MIN + 8));
    EXPECT_EQ(room(book, of), Amount{17});
    fold(book, claim(first, 9, 100));
    fold(book, cover(first, 9));
    fold(book, held(first, 9));
    fold(book, paid_out(first, 9));
    EXPECT_EQ(book.quotas.at(of).returned, Amount{INT64_MIN + 5});
    EXPECT_EQ(room(book, of), Amount{8});
    EXPECT_EQ(fault_of(book), std::nullopt);
}

TEST(Book, CoverBeyondTheQuotaIsAFault) {
    Book book;
    fold(book, claim(first, 5, 100));
    fold(book, grant(4));
    fold(book, cover(first, 5));
    const auto fault = fault_of(book);
    ASSERT_TRUE(fault.has_value());
    EXPECT_NE(fault->find("with a quota of 4"), std::string::npos) << *fault;
}

TEST(Book, CoverWithoutAnyQuotaIsAFault) {
    Book book;
    fold(book, claim(first, 5, 100));
    EXPECT_EQ(fault_of(book), std::nullopt);
    fold(book, cover(first, 5));
    EXPECT_EQ(fault_of(book), "broker 0 covers 5 of asset 1 with a quota of 0");
}

// So much of ETH came in, in this block, from a sale there.
Entry sale(std::int64_t received, std::uint64_t block, std::int64_t gas = 0) {
    hedge::SliceFilled filled;
    filled.shard = shard;
    filled.block = block;
    filled.received_asset = eth;
    filled.received = Amount{received};
    filled.gas_asset = eth;
    filled.gas = Amount{gas};
    return {base::entity_of(base::EntityKind::hedge, broker, 1), hedge::Event{filled}};
}

// Goal: books of before may hold any figure, and blocks are the shard's to tell: neither what adds
// up nor what is left at some block may stop the process.
TEST(Book, HoldsFiguresThatAddUpBeyond64Bits) {
    Book book;
    for (std::uint64_t block = 1; block <= 4; ++block) fold(book, sale(INT64_MAX, block));
    const auto& there = book.shards.at({broker, shard});
    EXPECT_TRUE(there.now.at(eth).held == base::Wide{INT64_MAX} * 4);
    EXPECT_EQ(at_block(there, 4).at(eth).held, Amount{INT64_MAX}) << "as much, or more";
    EXPECT_EQ(at_block(there, 1).at(eth).held, Amount{INT64_MAX});
    EXPECT_EQ(at_block(there, 0).at(eth).held, Amount{0});
    EXPECT_EQ(fault_of(book), std::nullopt);
}

// Goal: gas is what the shard says; that too little was kept for it stops no partition.
TEST(Book, GasThatNobodyKeptIsNoFaultAndAnythingElseIs) {
    Book book;
    fold(book, sale(5, 1, 7));
    EXPECT_TRUE(balance(book, broker, Chart::nostro, eth) == -2);
    EXPECT_EQ(fault_of(book), std::nullopt);
    fold(book, sale(-6, 1));
    EXPECT_NE(fault_of(book), std::nullopt) << "8 below zero, of which 7 are gas";
}

TEST(Book, LooksBackToAnEarlierBlock) {
    Book book;
    fold(book, deposited(10, 100));
    fold(book, deposited(12, 7));
    const auto& shards = book.shards.at({broker, shard});
    EXPECT_EQ(at_block(shards, 9).at(eth).held, Amount{0});
    EXPECT_EQ(at_block(shards, 10).at(eth).held, Amount{100});
    EXPECT_EQ(at_block(shards, 11).at(eth).held, Amount{100});
    EXPECT_EQ(at_block(shards, 12).at(eth).held, Amount{107});
}

// Goal: books do not grow with all that was ever told, and forget nothing that is still looked at.
TEST(Book, RemembersWhatCameAfterTheBlocksThatItWasComparedAt) {
    const auto lane = base::entity_of(base::EntityKind::reconcile, broker, shard);
    Book book;
    const auto& there = book.shards[{broker, shard}];
    const auto compare_at = [&](std::uint64_t block) {
        fold(book, {lane, reconcile::Event{
                              reconcile::Reconciled{.block = block, .breaks_open = 0, .at = {}}}});
    };
    for (std::uint64_t block = 1; block <= 100; ++block) {
        fold(book, deposited(block, 1));
        compare_at(block);
        ASSERT_LE(there.looks.size(), looks_max);
        ASSERT_LE(there.recent.size(), looks_max);
    }
    ASSERT_EQ(there.looks.front(), 95U);
    for (std::uint64_t block = 95; block <= 100; ++block) {
        EXPECT_EQ(at_block(there, block).at(eth).held, Amount{static_cast<std::int64_t>(block)});
    }
    // A receipt that comes late, of a block that was compared.
    fold(book, deposited(97, 10));
    EXPECT_EQ(at_block(there, 96).at(eth).held, Amount{96});
    EXPECT_EQ(at_block(there, 97).at(eth).held, Amount{107});
}

}  // namespace
}  // namespace crossclear::ledger
