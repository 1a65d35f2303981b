#include "base/command_id.hpp"
#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

// The story of one trade, from the session that takes it to the reconciler that finds book and
// shard agreeing. Read it beside ARCHITECTURE.md; `./dev trace` prints one line per stop.

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
using ledger::Entry;
namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace netting = ledger::netting;
namespace withdrawal = ledger::withdrawal;
namespace reconcile = ledger::reconcile;

// Prints the stops of one command.
class Trace {
public:
    explicit Trace(base::CommandId id) : id_(base::to_string(id)) {}

    void stop(const char* stage, const std::string& what) const {
        if (std::getenv("CROSSCLEAR_TRACE") == nullptr) return;
        std::printf("%s  %-9s  %s\n", id_.c_str(), stage, what.c_str());
    }

private:
    std::string id_;
};

std::string text(Amount amount) { return std::to_string(amount.v); }

constexpr base::PartitionId home{0};  // Of alpha.
constexpr base::PartitionId away{2};  // Where the client lives: messages cross partitions.

class OneTrade : public testing::Test {
protected:
    // A client with settled dollars, and the id of the trade it is about to send.
    void deposit_dollars() {
        outside_.deposit(synthetix, buyer_, usdc, 100'000 * one_usdc);
        const auto& watch = outside_.watch;
        const auto seen =
            watch.await_event<account::DepositNoted>([](const Entry&, const auto& noted) {
                return noted.finality == ledger::Finality::seen;
            });
        ASSERT_TRUE(seen.has_value());
        EXPECT_EQ(seen->change.seen, Amount{100'000 * one_usdc});
        EXPECT_EQ(outside_.account(buyer_).holdings.at(usdc).free, Amount{100'000 * one_usdc});
        trace_.stop("shard", "a deposit of 100000 USDC was seen, then final: settled balance");
    }

    void buy() {
        const auto cleared = client_->expect<actors::TradeCleared>(trade_);
        trace_.stop("session", "submit_trade: buy 1 sBTC, any price");
        const auto novated = outside_.watch.await_event<account::TradeNovated>();
        ASSERT_TRUE(novated.has_value());
        EXPECT_EQ(novated->cause, trade_.id);
        EXPECT_EQ(novated->number, cleared.number);
        EXPECT_FALSE(cleared.is_repeat);
        trace_.stop("account", "novated as trade " + std::to_string(cleared.number) + ": paid " +
                                   text(*base::negate(novated->cash)) + ", fee " +
                                   text(novated->fee) + " of USDC, claims 1 sBTC");
        trace_.stop("journal", "durable in partition " + std::to_string(away.v) +
                                   ", only then answered: cleared");
        const auto shown = outside_.watch.await_publication([](const auto& news) {
            return !news.is_snapshot && news.channel.kind == actors::Channel::Kind::settlements;
        });
        ASSERT_NE(shown, nullptr);
        const auto& view = std::get<actors::TradesView>(shown->body);
        EXPECT_EQ(view.trades.front().state, "novated");
        EXPECT_EQ(view.trades.front().open, Amount{one_sbtc});
    }

    void hedge() {
        const auto opened = outside_.watch.await_event<netting::HedgeOpened>();
        ASSERT_TRUE(opened.has_value());
        EXPECT_EQ(opened->quantity, Amount{one_sbtc});
        EXPECT_EQ(opened->shard, synthetix);
        trace_.stop("netting", "residual beyond the band: hedge task " +
                                   std::to_string(opened->number) + " buys 1 sBTC, at most " +
                                   text(opened->reserved) + " of USDC reserved");
        const auto finished = outside_.watch.await_event<hedge::HedgeFinished>();
        ASSERT_TRUE(finished.has_value());
        EXPECT_EQ(finished->outcome, hedge::HedgeOutcome::filled);
        Amount filled;
        for (const auto& sent : outside_.watch.all<hedge::SliceSent>()) {
            trace_.stop("hedge", "slice " + std::to_string(sent.number) + " goes out, at most " +
                                     text(sent.given_max) + " of USDC");
        }
        for (const auto& fill : outside_.watch.all<hedge::SliceFilled>()) {
            filled = base::must_add(filled, fill.received);
            trace_.stop("shard", "slice " + std::to_string(fill.number) + " final in block " +
                                     std::to_string(fill.block) + ": gave " + text(fill.given) +
                                     ", received " + text(fill.received));
        }
        EXPECT_EQ(filled, Amount{one_sbtc});
        EXPECT_EQ(finished->filled, filled);
        ASSERT_TRUE(outside_.watch.await_event<netting::HedgeClosed>().has_value());
    }

    void settle() {
        // Cover is granted as fills become final, so perhaps in several steps: a total each.
        const auto granted =
            outside_.watch.await_event<netting::QuotaGranted>([](const Entry&, const auto& grant) {
                return grant.asset == sbtc && grant.granted_total == Amount{one_sbtc};
            });
        ASSERT_TRUE(granted.has_value());
        EXPECT_EQ(granted->partition, away);
        trace_.stop("netting", "grants partition " + std::to_string(away.v) + " cover of " +
                                   text(granted->granted_total) + " sBTC");
        const auto settled = outside_.watch.await_publication([](const auto& news) {
            const auto* view = std::get_if<actors::TradesView>(&news.body);
            return view != nullptr && !view->trades.empty() &&
                   view->trades.front().state == "settled";
        });
        ASSERT_NE(settled, nullptr);
        EXPECT_EQ(outside_.account(buyer_).holdings.at(sbtc).free, Amount{one_sbtc});
        EXPECT_EQ(outside_.account(buyer_).holdings.at(sbtc).unsettled, Amount{0});
        trace_.stop("account", "the claim is covered: trade 1 is settled");
    }

    void reconcile() {
        const auto fills = outside_.watch.all<hedge::SliceFilled>();
        const auto agreed = outside_.watch.await_event<reconcile::Reconciled>(
            [&](const Entry& entry, const auto& compared) {
                const auto lane = base::entity_of(base::EntityKind::reconcile, alpha, synthetix);
                return entry.entity == lane && compared.block >= fills.back().block;
            });
        ASSERT_TRUE(agreed.has_value());
        EXPECT_EQ(agreed->breaks_open, 0U);
        trace_.stop("reconcile", "book and shard agree at block " + std::to_string(agreed->block));
    }

    void withdraw() {
        const auto ask = withdrawal_of(buyer_, sbtc, one_sbtc, synthetix);
        const auto taken = client_->expect<actors::WithdrawalTaken>(ask);
        EXPECT_EQ(taken.number, 1U);
        const auto paid = outside_.watch.await_event<account::WithdrawalPaid>();
        ASSERT_TRUE(paid.has_value());
        EXPECT_EQ(paid->amount, Amount{one_sbtc});
        ASSERT_TRUE(outside_.watch.await_event<withdrawal::EndAcknowledged>().has_value());
        EXPECT_FALSE(outside_.account(buyer_).holdings.contains(sbtc)) << "nothing is left";
        trace_.stop("shard",
                    "withdrawal 1 of 1 sBTC is paid out in block " + std::to_string(paid->block));
    }

    Outside outside_;
    House house_{outside_};
    base::AccountId buyer_{account_in(away)};
    actors::SubmitTrade trade_{trade_of(buyer_, sbtc_swap, one_sbtc)};
    Trace trace_{trade_.id};
    std::unique_ptr<Client> client_{house_.client({buyer_})};
};

TEST_F(OneTrade, IsClearedAtOnceThenHedgedSettledAndReconciled) {
    ASSERT_TRUE(outside_.watch.await_event<netting::CapitalPaidIn>().has_value());
    trace_.stop("netting", "the house is founded with capital on three shards");
    ASSERT_NO_FATAL_FAILURE(deposit_dollars());
    client_->follow({actors::Channel::Kind::settlements, buyer_, {}});
    ASSERT_NO_FATAL_FAILURE(buy());
    ASSERT_NO_FATAL_FAILURE(hedge());
    ASSERT_NO_FATAL_FAILURE(settle());
    ASSERT_NO_FATAL_FAILURE(reconcile());
    ASSERT_NO_FATAL_FAILURE(withdraw());
    EXPECT_EQ(outside_.audit(), std::nullopt);
    for (const auto& complaint : outside_.watch.complaints()) ADD_FAILURE() << complaint;
}

}  // namespace
}  // namespace crossclear::tests
