#include "actors/margin_desk.hpp"

#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace crossclear::tests {
namespace {

using namespace town;
using actors::MarginDesk;
using actors::MarginKept;

const auto desk_client = account_in(base::PartitionId{1}, 0);
const auto other_client = account_in(base::PartitionId{1}, 1);

// A desk whose clients `desk_client` and `other_client` stand below the margin and are due.
struct Desk {
    Desk() {
        book.below_margin = {desk_client, other_client};
        desk.start(book);
    }
    // What a client says when it is next asked.
    void says(base::AccountId account, MarginKept kept) {
        desk.note(book, {base::entity_of(account), ledger::account::Event{touching()}});
        const auto due = desk.take_due();
        const auto asked = std::find_if(due.begin(), due.end(),
                                        [&](const auto& ask) { return ask.account == account; });
        ASSERT_NE(asked, due.end());
        kept.account = account;
        kept.ticket = asked->ticket;
        desk.keep(kept);
    }
    [[nodiscard]] std::uint64_t below() const { return desk.risk_of(alpha).clients_below; }

    // An event after which a client is due again.
    static ledger::account::DepositNoted touching() { return {}; }

    Outside outside;
    House house{outside};
    ledger::Book book;
    MarginDesk desk{&house.node().context()};
};

// Goal: an operator sees how many are below, as each said last; who is gone is not counted.
TEST(MarginDesk, CountsWhoIsBelowMaintenance) {
    Desk town;
    EXPECT_EQ(town.below(), 0U) << "nobody has looked";
    town.says(desk_client, {.safe_move = 0, .is_below_maintenance = true});
    town.says(other_client, {.safe_move = .1, .is_below_maintenance = false});
    EXPECT_EQ(town.below(), 1U);
    town.says(other_client, {.safe_move = 0, .is_below_maintenance = true});
    EXPECT_EQ(town.below(), 2U);
    town.says(other_client, {.safe_move = std::numeric_limits<double>::quiet_NaN()});
    EXPECT_EQ(town.below(), 2U) << "where nobody knows, what was said last stands";
    town.says(desk_client, {.safe_move = .1, .is_below_maintenance = false});
    EXPECT_EQ(town.below(), 1U);
    town.book.below_margin = {desk_client};
    town.desk.note(town.book,
                   {base::entity_of(other_client), ledger::account::Event{Desk::touching()}});
    EXPECT_EQ(town.below(), 0U);
}

// Goal: an index that moves every second makes nobody be looked at every second; but a debt does.
TEST(MarginDesk, FundingAloneIsNoReasonToLook) {
    Desk town;
    town.book.below_margin = {};
    town.book.contracts[desk_client][base::AssetId{3}] = base::Amount{1};
    (void)town.desk.take_due();
    const auto dues_after = [&](std::int64_t debt) {
        ledger::account::FundingSettled funding;
        funding.balance.recv = base::Amount{debt};
        town.desk.note(town.book, {base::entity_of(desk_client), ledger::account::Event{funding}});
        return town.desk.take_due().size();
    };
    EXPECT_EQ(dues_after(0), 0U);
    EXPECT_EQ(dues_after(-5), 0U) << "a debt that is paid";
    EXPECT_EQ(dues_after(5), 1U);
}

}  // namespace
}  // namespace crossclear::tests
