#include "tests/support/actors/house.hpp"
#include "tests/support/town_risk.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

const auto bettor = account_in(base::PartitionId{1});
const auto bystander = account_in(base::PartitionId{2});

bool await_standing(const Outside& outside, account::Standing standing) {
    return outside.watch
        .await_event<account::StandingChanged>([standing](const auto& entry, const auto& changed) {
            return entry.entity == base::entity_of(bettor) && changed.to == standing;
        })
        .has_value();
}

// Somebody with 6,000 USDC and a contract on a bitcoin of 30,000, and one who owes nobody anything.
struct Levered {
    explicit Levered(const HouseOptions& options = {}) : house(outside, options) {
        outside.deposit(perpetuals, bettor, usdc, 6'000 * one_usdc);
        outside.deposit(perpetuals, bystander, usdc, 100'000 * one_usdc);
        (void)client->expect<actors::TradeCleared>(trade_of(bettor, btc_perp, one_contract));
        (void)client->expect<actors::TradeCleared>(trade_of(bystander, btc_perp, one_contract));
    }
    [[nodiscard]] Amount position(base::AccountId of) {
        const auto contracts = outside.account(of).contracts;
        const auto found = contracts.find(btc_contract);
        return found == contracts.end() ? Amount{} : found->second.quantity;
    }

    Outside outside;
    House house;
    std::unique_ptr<Client> client{house.client({bettor, bystander})};
};

// Goal: who falls below MM keeps what its equity can stand for, and is told on the way.
TEST(Liquidation, ClosesAsMuchAsItTakesAndNoMore) {
    Levered town;
    // Equity 4,000: below IM of 4,480, above MM of 3,584.
    town.house.set_price(btc_contract, 28'000);
    ASSERT_TRUE(await_standing(town.outside, account::Standing::called));
    EXPECT_EQ(town.position(bettor), Amount{one_contract});
    // 3,000, and MM is 3,456: with half of the position IM is 2,160.
    town.house.set_price(btc_contract, 27'000);
    ASSERT_TRUE(await_standing(town.outside, account::Standing::good));
    EXPECT_EQ(town.position(bettor), Amount{one_contract / 2});
    EXPECT_EQ(town.position(bystander), Amount{one_contract});
    const auto view = town.client->expect<actors::AccountView>(actors::GetAccount{bettor});
    EXPECT_EQ(view.standing, "good");
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: what others have open is asked of who takes on more. It neither calls nor closes anybody.
TEST(Liquidation, LooksAtNoConcentration) {
    HouseOptions options;
    options.universe = with_cap({.wrapper = "BTC-PERP", .low_usd = 1'000, .high_usd = 10'000});
    Levered town(options);
    const auto concentration = [&] {
        const auto view = town.client->expect<actors::MarginView>(actors::GetMargin{bettor});
        for (const auto& [name, cents] : view.clearing) {
            if (name == "CG") return cents;
        }
        return std::int64_t{-1};
    };
    const auto is_counted = [&] {
        const auto& board = town.house.node().context().broker(alpha).house;
        const auto open = board.load().open_interest;
        return open.size() > btc_contract.v && open[btc_contract.v] == Amount{2 * one_contract};
    };
    ASSERT_TRUE(town.outside.watch.await(is_counted));
    // The same prices as without CG, each with a surface of its own.
    town.house.set_price(btc_contract, 28'000);
    ASSERT_TRUE(await_standing(town.outside, account::Standing::called));
    EXPECT_GT(concentration(), 20'000'00) << "nearly all of what is open";
    EXPECT_EQ(town.position(bettor), Amount{one_contract});
    town.house.set_price(btc_contract, 27'000);
    ASSERT_TRUE(await_standing(town.outside, account::Standing::good));
    EXPECT_EQ(town.position(bettor), Amount{one_contract / 2});
    EXPECT_EQ(town.position(bystander), Amount{one_contract});
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: a debt that nothing stands behind is the broker's, is booked as such, and nobody else pays.
TEST(Liquidation, LeavesADebtToTheBrokerAndTheBooksWhole) {
    Levered town;
    town.house.set_price(btc_contract, 20'000);
    ASSERT_TRUE(await_standing(town.outside, account::Standing::defaulted));
    const auto lost = town.outside.watch.all<account::LossAllocated>();
    ASSERT_EQ(lost.size(), 1U);
    // 10,000 lost on 6,000, with two spreads of 2 basis points, two fees and what the risk of the
    // purchase cost.
    EXPECT_GE(lost.front().loss, Amount{4'000 * one_usdc});
    EXPECT_LE(lost.front().loss, Amount{4'060 * one_usdc});
    const auto left = town.outside.account(bettor);
    EXPECT_TRUE(left.holdings.empty());
    EXPECT_TRUE(left.contracts.empty());
    const auto borne = town.outside.watch.await_event<netting::LossBorne>();
    ASSERT_TRUE(borne.has_value());
    EXPECT_EQ(borne->from_capital, lost.front().loss);
    EXPECT_EQ(borne->from_insurance, Amount{0});
    EXPECT_EQ(town.outside.balance(alpha, ledger::Chart::loss, usdc), 0);
    EXPECT_EQ(town.client->refusal_code(trade_of(bettor, btc_perp, one_contract)), 11024);
    EXPECT_EQ(town.position(bystander), Amount{one_contract});
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: who holds a hedge loses it with what it hedges, not one leg first.
TEST(Liquidation, ClosesAHedgeWithWhatItHedges) {
    Outside outside;
    House house{outside};
    outside.deposit(perpetuals, bettor, usdc, 3'000 * one_usdc);
    const auto client = house.client({bettor});
    // One leg after the other, in parts that each bear.
    for (int part = 0; part < 10; ++part) {
        (void)client->expect<actors::TradeCleared>(trade_of(bettor, sbtc_swap, one_sbtc / 10));
        (void)client->expect<actors::TradeCleared>(trade_of(bettor, btc_perp, -one_contract / 10));
    }
    // The synthetic slips by nine hundredths: some 150 dollars are left, and MM is some 200.
    house.set_price(sbtc, 27'250);
    ASSERT_TRUE(await_standing(outside, account::Standing::good));
    std::vector<base::AssetId> closed;
    for (const auto& trade : outside.watch.all<account::TradeNovated>()) {
        if (trade.is_liquidation) closed.push_back(trade.base);
    }
    EXPECT_EQ(closed, (std::vector{btc_contract, sbtc}));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: what may be paid with is not paid out.
TEST(Liquidation, AsksForAWithdrawalBack) {
    Levered town({.withdrawal_delay = base::seconds(600)});
    (void)town.client->expect<actors::WithdrawalTaken>(
        withdrawal_of(bettor, usdc, 500 * one_usdc, perpetuals));
    town.house.set_price(btc_contract, 26'000);
    ASSERT_TRUE(town.outside.watch
                    .await_event<account::WithdrawalReturned>([](const auto& entry, const auto&) {
                        return entry.entity == base::entity_of(bettor);
                    })
                    .has_value());
    EXPECT_TRUE(town.outside.watch.all<account::WithdrawalPaid>().empty());
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
