#include "tests/support/actors/one_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

// Time to start a town and trade in it before anything ends, even under sanitizers.
constexpr base::Duration head_start = base::seconds(12);
constexpr base::Price forty_cents{one_dollar / 10 * 4};

const auto long_side = account_in(base::PartitionId{1});
const auto short_side = account_in(base::PartitionId{2});
const auto guesser = account_in(base::PartitionId{3});

base::Expiry in_a_while(base::Duration average_over, base::Duration dispute_for = {}) {
    return {.at = base::wall_clock_now() + head_start,
            .average_over = average_over,
            .dispute_for = dispute_for};
}

// Two who trade with their broker; a future ends soon, and so does the wait for rain.
struct Ending {
    explicit Ending(const base::Expiry& of_future, const base::Expiry& of_rain)
        : Ending(listing_with_ends(of_future, of_rain)) {
        house.set_price(eth_future, 2'000);
        house.set_price(rain, forty_cents);
    }
    explicit Ending(const base::Listing& listing) : outside(town::partitions, listing) {
        for (const auto of : {long_side, short_side, guesser}) {
            outside.deposit(perpetuals, of, usdc, 100'000 * one_usdc);
        }
        EXPECT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());
    }

    void trade(base::AccountId of, base::InstrumentId instrument, std::int64_t quantity) {
        (void)client->expect<actors::TradeCleared>(trade_of(of, instrument, quantity));
    }
    [[nodiscard]] bool has_ended(base::AccountId of, base::AssetId contract, base::Price at) {
        return outside.watch
            .await_event<account::ContractExpired>([&](const auto& entry, const auto& event) {
                return entry.entity == base::entity_of(of) && event.contract == contract &&
                       event.price == at;
            })
            .has_value();
    }
    [[nodiscard]] bool has_hedged(Amount quantity, base::AssetId contract) {
        return outside.watch.await(
            [&] { return outside.balance(alpha, ledger::Chart::vpos, contract) == quantity.v; });
    }
    [[nodiscard]] actors::ExpiryLine line(base::InstrumentId instrument) {
        const auto view =
            client->expect<actors::ExpiriesView>(actors::OperatorRequest{actors::GetExpiries{}});
        for (const auto& one : view.expiries) {
            if (one.broker == alpha && one.instrument == instrument) return one;
        }
        return {};
    }
    [[nodiscard]] actors::OperatorRequest proposal(base::InstrumentId instrument,
                                                   base::Price price) const {
        return actors::ProposePrice{.id = cancel_of(long_side, 1).id,
                                    .instrument = instrument,
                                    .price = price,
                                    .received_at = base::wall_clock_now()};
    }
    // Nothing of it is left anywhere, and only spreads and rounding in the middle.
    void expect_gone(base::AssetId contract) {
        EXPECT_TRUE(outside.watch.await([&] {
            return outside.balance(alpha, ledger::Chart::vpos, contract) == 0 &&
                   outside.balance(alpha, ledger::Chart::hbook, contract) == 0;
        }));
        for (const auto of : {long_side, short_side, guesser}) {
            EXPECT_FALSE(outside.account(of).contracts.contains(contract));
        }
        // It ended by itself, on both sides.
        const auto end =
            outside.listing.instrument(*outside.listing.instrument_of(contract)).expiry;
        for (const auto& seen : outside.watch.seen()) {
            const auto* hedge = event_in<netting::HedgeOpened>(seen.entry);
            EXPECT_FALSE(hedge != nullptr && hedge->base == contract && hedge->at >= end->at);
        }
        EXPECT_EQ(outside.audit(), std::nullopt);
    }

    Outside outside;
    House house{outside};
    std::unique_ptr<Client> client = house.client({long_side, short_side, guesser});
};

// Goal: a future ends at the average of its coin, for everybody, at the venue too; a dollar that
// one side wins the other has paid.
TEST(Expiry, AFutureEndsAtTheAverageOfItsCoin) {
    Ending town(in_a_while(base::seconds(4)), in_a_while({}, base::seconds(1)));
    town.trade(long_side, future, 3 * one_contract);
    town.trade(short_side, future, -one_contract);
    ASSERT_TRUE(town.has_hedged(Amount{2 * one_contract}, eth_future));
    EXPECT_EQ(town.line(future).state, "trading");
    EXPECT_EQ(std::get<actors::Refusal>(
                  town.client->ask(town.proposal(future, base::Price{2'000 * one_dollar})))
                  .reason,
              "contract_not_expired");
    // Its coin's mark stands until the end; its own is another, and moves nothing after it.
    town.house.set_price(eth, 2'100);
    const base::Price last{2'100 * one_dollar};
    // While it is averaged most of it is known: nobody adds to a position.
    ASSERT_TRUE(town.outside.watch.await([&] {
        return town.outside.listing.instrument(future).is_averaged(base::wall_clock_now());
    }));
    EXPECT_EQ(town.client->refusal_code(trade_of(long_side, future, one_contract / 10)), 11024);
    town.trade(long_side, future, -one_contract / 10);
    ASSERT_TRUE(town.has_ended(long_side, eth_future, last));
    ASSERT_TRUE(town.has_ended(short_side, eth_future, last));
    town.expect_gone(eth_future);
    const auto line = town.line(future);
    EXPECT_EQ(line.state, "fixed");
    EXPECT_EQ(line.price, last);
    EXPECT_EQ(town.client->refusal_code(trade_of(long_side, future, one_contract)), 11012);
    EXPECT_EQ(std::get<actors::Refusal>(town.client->ask(town.proposal(future, last))).code, 11021);
}

// Goal: what was proposed can be disputed, and nothing is paid meanwhile; what was not is paid to
// the dollar, and survives a restart that comes in between.
TEST(Expiry, AnOutcomeIsProposedDisputedAndPaid) {
    Ending town(in_a_while(base::seconds(1)), in_a_while({}, base::seconds(3)));
    town.trade(guesser, rain_yes, 10'000 * one_contract);
    town.trade(short_side, rain_yes, -4'000 * one_contract);
    ASSERT_TRUE(town.has_hedged(Amount{6'000 * one_contract}, rain));
    ASSERT_TRUE(town.outside.watch.await([&] {
        return town.outside.listing.instrument(rain_yes).has_expired(base::wall_clock_now());
    }));
    EXPECT_EQ(town.line(rain_yes).state, "waiting");
    EXPECT_EQ(town.client->refusal_code(trade_of(guesser, rain_yes, -one_contract)), 11012);
    // It is held at the mark that it had, whoever says what.
    town.house.set_price(rain, base::Price{one_dollar});
    EXPECT_EQ(town.house.node().context().broker(alpha).surface.load()->mark(rain).price,
              forty_cents);
    const auto yes = town.proposal(rain_yes, base::Price{one_dollar});
    const auto told = town.client->expect<actors::ExpiriesView>(yes).expiries;
    ASSERT_EQ(told.size(), 2U) << "at both brokers";
    EXPECT_EQ(told.front().state, "proposed");
    (void)town.client->expect<actors::ExpiriesView>(yes);  // A repeat.
    const actors::OperatorRequest dispute = actors::DisputePrice{.id = cancel_of(long_side, 1).id,
                                                                 .instrument = rain_yes,
                                                                 .reason = "it did not",
                                                                 .received_at = {}};
    (void)town.client->expect<actors::ExpiriesView>(dispute);
    EXPECT_EQ(town.line(rain_yes).state, "disputed");
    EXPECT_EQ(std::get<actors::Refusal>(
                  town.client->ask(town.proposal(rain_yes, base::Price{one_dollar + 1})))
                  .reason,
              "price_out_of_range");
    town.outside.world->set_price(rain, base::Price{0});
    (void)town.client->expect<actors::ExpiriesView>(town.proposal(rain_yes, base::Price{0}));
    ASSERT_TRUE(town.has_ended(guesser, rain, base::Price{0}));
    ASSERT_TRUE(town.has_ended(short_side, rain, base::Price{0}));
    town.expect_gone(rain);
    EXPECT_EQ(town.line(rain_yes).state, "fixed");
}

// Goal: options end at what they are worth at the average of their coin, or at what an operator
// says; they are hedged at a venue that trades them, and nobody publishes their mark.
TEST(Expiry, AnOptionEndsAtItsIntrinsicValue) {
    Ending town(
        listing_with_options({.expiry = in_a_while(base::seconds(4)), .strike = 1'900},
                             {.expiry = in_a_while({}, base::seconds(1)), .strike = 2'200}));
    const auto mark_of = [&](base::AssetId option) {
        return town.house.node().context().broker(alpha).surface.load()->mark(option).price;
    };
    town.house.set_price(eth, 2'000);
    // Seconds before its end it is worth no more than that; at a volatility of one half a minute
    // moves the coin by some .07 %.
    EXPECT_NEAR(static_cast<double>(mark_of(eth_call).v), 100e9, 1e9);
    EXPECT_NEAR(static_cast<double>(mark_of(eth_put).v), 200e9, 1e9);
    town.outside.world->set_price(eth_call, mark_of(eth_call));
    town.outside.world->set_price(eth_put, mark_of(eth_put));
    town.trade(long_side, trade_call, 3 * one_contract);
    town.trade(short_side, trade_call, -one_contract);
    town.trade(guesser, trade_put, -one_contract);
    ASSERT_TRUE(town.has_hedged(Amount{2 * one_contract}, eth_call));
    ASSERT_TRUE(town.has_hedged(Amount{-one_contract}, eth_put));
    // 2 % of the coin, which moves an option by many times its premium.
    const auto hedge = town.outside.watch.await_event<ledger::hedge::HedgeCommitted>(
        [](const auto&, const auto& event) { return event.instrument == trade_call; });
    ASSERT_TRUE(hedge.has_value());
    EXPECT_NEAR(static_cast<double>(hedge->bound.v), 140e9, 2e9);
    town.house.set_price(eth, 2'100);
    town.outside.world->set_price(eth_call, base::Price{200 * one_dollar});
    town.outside.world->set_price(eth_put, base::Price{100 * one_dollar});
    const base::Price of_call{200 * one_dollar};
    ASSERT_TRUE(town.has_ended(long_side, eth_call, of_call));
    ASSERT_TRUE(town.has_ended(short_side, eth_call, of_call));
    EXPECT_EQ(town.line(trade_put).state, "waiting");
    EXPECT_EQ(std::get<actors::Refusal>(
                  town.client->ask(town.proposal(trade_put, base::Price{2'200 * one_dollar + 1})))
                  .reason,
              "price_out_of_range");
    const base::Price of_put{100 * one_dollar};
    (void)town.client->expect<actors::ExpiriesView>(town.proposal(trade_put, of_put));
    ASSERT_TRUE(town.has_ended(guesser, eth_put, of_put));
    town.expect_gone(eth_call);
    town.expect_gone(eth_put);
    EXPECT_EQ(town.line(trade_call).state, "fixed");
}

// Goal: a node that starts after a last price was fixed tells every partition of it.
TEST(Expiry, IsToldAgainAfterARestart) {
    Outside outside(town::partitions, listing_with_ends(in_a_while(base::seconds(1)),
                                                        in_a_while({}, base::seconds(1))));
    const auto house = base::entity_of(base::EntityKind::netting, alpha);
    const base::Price last{1'900 * one_dollar};
    outside.write(
        base::home_of(alpha, town::partitions),
        {{house,
          netting::Event{netting::PriceProposed{
              .cause = {}, .contract = eth_future, .price = last, .fixed_from = {1}, .at = {1}}}},
         {house,
          netting::Event{netting::PriceFixed{.contract = eth_future, .price = last, .at = {1}}}}});
    account::TradeNovated bought;
    bought.cause = cancel_of(long_side, 1).id;
    bought.number = 1;
    bought.instrument = future;
    bought.base = eth_future;
    bought.settlement = usdc;
    bought.is_contract = true;
    bought.quantity = Amount{one_contract / 100};
    bought.cash = Amount{-20 * one_usdc};
    outside.write(base::partition_of(long_side, town::partitions),
                  {{base::entity_of(long_side), account::Event{bought}}});
    House one(outside);
    const auto expired = outside.watch.await_event<account::ContractExpired>(
        [](const auto& entry, const auto&) { return entry.entity == base::entity_of(long_side); });
    ASSERT_TRUE(expired.has_value());
    EXPECT_EQ(expired->price, last);
    EXPECT_EQ(expired->quantity, Amount{one_contract / 100});
}

// Goal: who holds what has come to nothing can give it back, and nobody gets any for nothing.
TEST(Expiry, AtAPriceOfZeroPositionsAreGivenBackAndNotTaken) {
    Ending town(in_a_while({}), in_a_while({}));
    town.trade(long_side, rain_yes, 100 * one_contract);
    town.trade(short_side, rain_yes, -50 * one_contract);
    town.house.set_price(rain, base::Price{0});
    EXPECT_EQ(town.client->refusal_code(trade_of(guesser, rain_yes, one_contract)), 11022);
    EXPECT_EQ(town.client->refusal_code(trade_of(long_side, rain_yes, one_contract)), 11022);
    const auto back = town.client->expect<actors::TradeCleared>(
        trade_of(long_side, rain_yes, -100 * one_contract));
    EXPECT_EQ(back.price, base::Price{0});
    EXPECT_EQ(back.fee, Amount{0});
    town.trade(short_side, rain_yes, 50 * one_contract);
    for (const auto of : {long_side, short_side}) {
        const auto view = town.client->expect<actors::PositionsView>(actors::GetPositions{of});
        for (const auto& line : view.positions) {
            if (line.asset == rain) {
                EXPECT_EQ(line.quantity, Amount{0});
            }
        }
    }
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: a bet that is worth nothing does not keep a debtor from its end.
TEST(Expiry, AWorthlessBetIsClosedWithADefault) {
    Ending town(in_a_while({}), in_a_while({}));
    const auto debtor = account_in(base::PartitionId{1}, 1);
    const auto client = town.house.client({debtor});
    town.outside.deposit(perpetuals, debtor, usdc, 6'000 * one_usdc);
    (void)client->expect<actors::TradeCleared>(trade_of(debtor, rain_yes, 100 * one_contract));
    (void)client->expect<actors::TradeCleared>(trade_of(debtor, btc_perp, one_contract));
    // And less of another contract than its fee.
    (void)client->expect<actors::TradeCleared>(trade_of(debtor, future, 1));
    // At once: liquidated in between, at 30,000, it would owe nothing.
    town.house.set_prices(
        {{rain, base::Price{0}}, {btc_contract, base::Price{15'000 * one_dollar}}});
    // Beyond help, on more than one set of prices.
    ASSERT_TRUE(town.outside.watch.await([&] {
        town.house.set_price(btc_contract, 15'000);
        return town.outside.account(debtor).standing == account::Standing::defaulted;
    }));
    EXPECT_TRUE(town.outside.account(debtor).contracts.empty());
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
