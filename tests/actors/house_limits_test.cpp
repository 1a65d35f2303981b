#include "tests/support/actors/one_of.hpp"
#include "tests/support/town_risk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace crossclear::tests {
namespace {

using namespace town;

const auto lender = account_in(base::PartitionId{1});
const auto saver = account_in(base::PartitionId{2});
const auto hedged = account_in(base::PartitionId{3});

// A world in which issuers fail for good, and simulated markets move further than a margin covers.
void make_fragile(risk::kernel::Universe& universe) {
    for (auto& protocol : universe.protocols) protocol.loss_given_default = .9;
    for (auto& coin : universe.underlyings) coin.volatility_day = .05;
    universe.simulation.count = 512;
}

// A broker whose limits are those of `policy`, and a client with a synthetic on credit: 0.1 sBTC of
// 3,000 against 0.1 of the perpetual, on 600.
struct Carry {
    explicit Carry(HouseOptions options) : house(outside, fragile(std::move(options))) {
        outside.deposit(perpetuals, lender, usdc, 600 * one_usdc);
        outside.deposit(perpetuals, saver, usdc, 100'000 * one_usdc);
        for (int part = 0; part < 2; ++part) carry(lender);
    }
    // A twentieth of each leg more.
    void carry(base::AccountId of) {
        (void)client->expect<actors::TradeCleared>(trade_of(of, sbtc_swap, one_sbtc / 20));
        (void)client->expect<actors::TradeCleared>(trade_of(of, btc_perp, -one_contract / 20));
    }
    [[nodiscard]] actors::HouseLine line() {
        return client->expect<actors::HousesView>(actors::OperatorRequest{actors::GetHouses{}})
            .houses.at(alpha.v);
    }
    // What the failure of the issuer would cost the broker.
    [[nodiscard]] std::int64_t shortfall() {
        const auto found = line();
        return found.protocols.empty() ? 0 : found.protocols.front().shortfall_cents;
    }
    [[nodiscard]] const actors::HouseBoard& board() {
        return house.node().context().broker(alpha).house;
    }

    static HouseOptions fragile(HouseOptions options) {
        options.universe = make_fragile;
        return options;
    }

    Outside outside;
    House house;
    std::unique_ptr<Client> client{house.client({lender, saver})};
};

// Goal: an operator sees what the broker itself can lose, and by whom and what.
TEST(HouseLimits, AreSeenByOperators) {
    Carry town({.policy = actors::HousePolicy{}});
    ASSERT_TRUE(town.outside.watch.await(
        [&] { return town.board().client_max_cents() > 0 && town.shortfall() > 2'000'00; }));
    const auto line = town.line();
    EXPECT_EQ(line.broker, alpha);
    EXPECT_EQ(line.clients, 1U) << "whoever holds what it has paid for owes nobody";
    EXPECT_EQ(line.clients_waiting, 0U);
    // 15,000,000 USDC and 2,000 ETH, in the capital.
    EXPECT_GT(line.waterfall_cents, 15'000'000'00);
    EXPECT_EQ(line.protocol_max_cents, line.waterfall_cents / 4);
    EXPECT_EQ(line.client_max_cents, line.waterfall_cents / 10);
    EXPECT_FALSE(line.is_reduce_only);
    EXPECT_EQ(line.protocols.front().name, "synthetix");
    // .9 of 3,000 less an equity of some 600.
    EXPECT_GT(line.protocols.front().shortfall_cents, 2'000'00);
    EXPECT_LT(line.protocols.front().shortfall_cents, 2'400'00);
    EXPECT_FALSE(line.protocols.front().is_past_limit);
    EXPECT_GT(line.solvency_ppm, 999'000);
    EXPECT_LE(line.solvency_ppm, 1'000'000);
    EXPECT_GT(line.expected_loss_cents, 0);
    EXPECT_GE(line.cover2_cents, line.cover1_cents);
    auto& gauges = town.house.node().context().instruments->clearing;
    const auto usd = [](std::int64_t cents) { return static_cast<double>(cents) / 100; };
    EXPECT_NEAR(gauges.waterfall_usd.with({"alpha"}).value(), usd(line.waterfall_cents), 1);
    EXPECT_NEAR(gauges.protocol_limit_usd.with({"alpha"}).value(), usd(line.protocol_max_cents), 1);
    EXPECT_NEAR(gauges.cover_usd.with({"alpha", "1"}).value(), usd(line.cover1_cents), .02);
    EXPECT_NEAR(gauges.cover_usd.with({"alpha", "2"}).value(), usd(line.cover2_cents), .02);
    EXPECT_NEAR(gauges.risk_borne_usd.with({"alpha", "synthetix"}).value(),
                usd(line.protocols.front().shortfall_cents), .02);
    EXPECT_GT(gauges.solvency_probability.with({"alpha"}).value(), .999);
    EXPECT_EQ(line.worst_client, lender);
    EXPECT_GE(line.worst_client_cents, line.protocols.front().shortfall_cents);
}

// Goal: the stress book of all clients is told, with its worst states and with what nobody knows.
TEST(HouseLimits, TellTheStressBookOfAllClients) {
    Carry town({});
    const auto stress_named = [&](std::string_view name) {
        const auto line = town.line();
        for (const auto& stress : line.stresses) {
            if (stress.name == name) return stress;
        }
        return actors::HouseLine::Stress{};
    };
    ASSERT_TRUE(town.outside.watch.await([&] {
        return stress_named(risk::kernel::stress_protocol).loss_cents > 2'000'00 &&
               town.shortfall() > 2'000'00;
    }));
    const auto one = stress_named(risk::kernel::stress_protocol);
    EXPECT_EQ(one.worst, "synthetix");
    EXPECT_NEAR(static_cast<double>(one.loss_cents), static_cast<double>(town.shortfall()), 1'00);
    EXPECT_EQ(one.largest_cents, one.loss_cents) << "of one client";
    EXPECT_EQ(one.two_largest_cents, one.loss_cents);
    EXPECT_EQ(one.clients_unknown, 0U);
    EXPECT_NEAR(town.house.node()
                    .context()
                    .instruments->clearing.stress_loss_usd.with({"alpha", "one protocol fails"})
                    .value(),
                static_cast<double>(one.loss_cents) / 100, 5);
    // The perpetual wins what the synthetic loses.
    EXPECT_EQ(stress_named(risk::kernel::stress_coins).loss_cents, 0);
    EXPECT_EQ(stress_named(risk::kernel::stress_coins).states, 1U);
}

// Goal: past a protocol's limit nobody adds to what its failure costs, and everybody may reduce it.
TEST(HouseLimits, RefuseWhatAddsToAProtocolThatIsPastIts) {
    // A ten-thousandth of some 17 million.
    Carry town({.policy = actors::HousePolicy{.protocol_share = base::Ppm{100}}});
    ASSERT_TRUE(town.outside.watch.await([&] { return town.board().protocols_past() != 0; }));
    EXPECT_EQ(town.outside.watch.lines_with("The failure of a protocol could cost a house more "
                                            "than its limit; what adds to it is refused."),
              1U);
    EXPECT_TRUE(town.line().protocols.front().is_past_limit);
    EXPECT_EQ(town.client->refusal_code(trade_of(lender, sbtc_swap, one_sbtc / 100)), 11021);
    (void)town.client->expect<actors::TradeCleared>(trade_of(saver, sbtc_swap, one_sbtc / 100));
    (void)town.client->expect<actors::TradeCleared>(trade_of(lender, sbtc_swap, -one_sbtc / 20));
    (void)town.client->expect<actors::TradeCleared>(trade_of(lender, btc_perp, one_contract / 10));
    (void)town.client->expect<actors::TradeCleared>(trade_of(lender, sbtc_swap, -one_sbtc / 20));
    ASSERT_TRUE(town.outside.watch.await([&] { return town.board().protocols_past() == 0; }));
    (void)town.client->expect<actors::TradeCleared>(trade_of(lender, sbtc_swap, one_sbtc / 100));
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: the sums of all nodes make the limit, and its word reaches all of them. Each client would
// leave some 1,200 unpaid; three are within the limit of some 4,000, four are not.
TEST(HouseLimits, HoldOnEveryNode) {
    Outside outside;
    const HouseOptions options =
        Carry::fragile({.policy = actors::HousePolicy{.protocol_share = base::Ppm{230}}});
    OneOf one(outside, "one", options);
    OneOf two(outside, "two", options);
    await_shares(outside, {&one.house, &two.house});
    std::set<base::AccountId> lenders;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        lenders.insert(account_in(base::PartitionId{i}));
    }
    const auto client = one.house.client(lenders);
    for (const auto of : lenders) {
        outside.deposit(perpetuals, of, usdc, 1'500 * one_usdc);
        (void)client->expect<actors::TradeCleared>(trade_of(of, sbtc_swap, one_sbtc / 10));
    }
    const auto board_of = [](const OneOf& node) -> const actors::HouseBoard& {
        return const_cast<House&>(node.house).node().context().broker(alpha).house;
    };
    const auto is_past = [&](const OneOf& node) { return board_of(node).protocols_past() != 0; };
    ASSERT_TRUE(outside.watch.await([&] { return is_past(one) && is_past(two); }));
    const auto other = two.house.client(lenders);
    for (const auto of : lenders) {
        EXPECT_EQ(client->refusal_code(trade_of(of, sbtc_swap, one_sbtc / 100)), 11021);
        EXPECT_EQ(other->refusal_code(trade_of(of, sbtc_swap, one_sbtc / 100)), 11021);
    }
    const auto line =
        other->expect<actors::HousesView>(actors::OperatorRequest{actors::GetHouses{}})
            .houses.front();
    EXPECT_EQ(line.clients, lenders.size());
    EXPECT_GT(line.protocols.front().shortfall_cents, line.protocol_max_cents);
    EXPECT_LT(line.protocols.front().shortfall_cents / 4 * 3, line.protocol_max_cents);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: limits are found again by a node that knows nothing but the journal.
TEST(HouseLimits, AreFoundAgainAfterARestart) {
    Outside outside;
    const HouseOptions options =
        Carry::fragile({.policy = actors::HousePolicy{.protocol_share = base::Ppm{100}}});
    const auto is_past = [&](House& house) {
        const auto& board = house.node().context().broker(alpha).house;
        return outside.watch.await([&] { return board.protocols_past() != 0; });
    };
    {
        House house(outside, options);
        const auto client = house.client({lender});
        outside.deposit(perpetuals, lender, usdc, 600 * one_usdc);
        for (int part = 0; part < 2; ++part) {
            (void)client->expect<actors::TradeCleared>(trade_of(lender, sbtc_swap, one_sbtc / 20));
            (void)client->expect<actors::TradeCleared>(
                trade_of(lender, btc_perp, -one_contract / 20));
        }
        ASSERT_TRUE(is_past(house));
    }
    House house(outside, options);
    const auto client = house.client({lender});
    ASSERT_TRUE(is_past(house));
    EXPECT_EQ(client->refusal_code(trade_of(lender, sbtc_swap, one_sbtc / 100)), 11021);
    const auto line =
        client->expect<actors::HousesView>(actors::OperatorRequest{actors::GetHouses{}})
            .houses.front();
    EXPECT_EQ(line.clients, 1U);
    EXPECT_EQ(line.clients_waiting, 0U);
}

// Goal: no client alone may cost the broker more than its share, whatever it would win by it.
TEST(HouseLimits, RefuseAClientWhoseStressIsTooMuch) {
    // Some 3,000 dollars; the failure of the issuer takes .9 of 3,000, of which 600 are the
    // client's.
    Carry town({.policy = actors::HousePolicy{.client_share = base::Ppm{160}}});
    ASSERT_TRUE(town.outside.watch.await([&] {
        return town.board().client_max_cents() > 0 && town.line().worst_client_cents > 2'000'00;
    }));
    const auto line = town.line();
    EXPECT_GT(line.worst_client_cents, 2'000'00);
    EXPECT_LT(line.worst_client_cents, line.client_max_cents);
    EXPECT_EQ(line.worst_client, lender);
    EXPECT_EQ(town.client->refusal_code(trade_of(lender, sbtc_swap, one_sbtc / 10)), 11021);
    (void)town.client->expect<actors::TradeCleared>(trade_of(saver, sbtc_swap, one_sbtc / 10));
    (void)town.client->expect<actors::TradeCleared>(trade_of(lender, sbtc_swap, -one_sbtc / 20));
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: a broker that two clients could ruin takes no new risk, and lets everybody out.
TEST(HouseLimits, TakeUnwindsAloneWhereCover2IsBeyondTheWaterfall) {
    Outside outside;
    House house(outside,
                Carry::fragile({.policy = actors::HousePolicy{.client_share = {base::ppm_one}},
                                .capital_usd = 800}));
    const auto client = house.client({lender, saver, hedged});
    outside.deposit(perpetuals, hedged, usdc, 10'000 * one_usdc);
    (void)client->expect<actors::TradeCleared>(trade_of(hedged, sbtc_swap, one_sbtc / 100));
    (void)client->expect<actors::TradeCleared>(trade_of(hedged, btc_perp, -one_contract / 100));
    const auto& board = house.node().context().broker(alpha).house;
    ASSERT_TRUE(outside.watch.await([&] { return board.client_max_cents() == 800'00; }));
    // Short on most of the margin that there is: the worst simulated market takes some 440 more of
    // each.
    for (const auto one : {lender, saver}) {
        outside.deposit(perpetuals, one, usdc, 600 * one_usdc);
        (void)client->expect<actors::TradeCleared>(
            trade_of(one, btc_perp, -6 * one_contract / 100));
    }
    ASSERT_TRUE(outside.watch.await([&] { return board.is_reduce_only(); }));
    const auto line =
        client->expect<actors::HousesView>(actors::OperatorRequest{actors::GetHouses{}})
            .houses.front();
    EXPECT_TRUE(line.is_reduce_only);
    EXPECT_GT(line.cover2_cents, line.waterfall_cents);
    EXPECT_LT(line.cover1_cents, line.waterfall_cents);
    EXPECT_LT(line.worst_client_cents, line.client_max_cents);
    EXPECT_EQ(client->refusal_code(trade_of(saver, eth_swap, one_eth / 100)), 11024);
    EXPECT_EQ(client->refusal_code(withdrawal_of(saver, usdc, one_usdc, perpetuals)), 11020);
    // One leg of a hedge is no pure unwind, for it raises what is needed: it is open all the same.
    (void)client->expect<actors::TradeCleared>(trade_of(hedged, sbtc_swap, -one_sbtc / 100));
    (void)client->expect<actors::TradeCleared>(trade_of(saver, btc_perp, one_contract / 20));
    ASSERT_TRUE(outside.watch.await([&] { return !board.is_reduce_only(); }));
    EXPECT_EQ(outside.watch.lines_with("A house takes new risk again."), 1U);
    (void)client->expect<actors::TradeCleared>(trade_of(saver, eth_swap, one_eth / 100));
}

// Goal: the more all clients together have open, the more each of them needs for it; on every node.
TEST(HouseLimits, ConcentrationGrowsWithWhatAllClientsHaveOpen) {
    Outside outside;
    HouseOptions options;
    options.universe = with_cap({.wrapper = "BTC-PERP", .low_usd = 30'000, .high_usd = 60'000});
    OneOf one(outside, "one", options);
    OneOf two(outside, "two", options);
    await_shares(outside, {&one.house, &two.house});
    const auto client = one.house.client({lender, saver, hedged});
    for (const auto of : {lender, saver, hedged}) {
        outside.deposit(perpetuals, of, usdc, 100'000 * one_usdc);
    }
    const auto concentration = [&client](base::AccountId of) {
        const auto view = client->expect<actors::MarginView>(actors::GetMargin{of});
        const auto found = std::find_if(view.clearing.begin(), view.clearing.end(),
                                        [](const auto& part) { return part.first == "CG"; });
        return found == view.clearing.end() ? -1 : found->second;
    };
    const auto await_charged = [&](bool is_charged) {
        const auto is_so = [is_charged](OneOf& node) {
            const auto surface = node.house.node().context().broker(alpha).surface.load();
            const auto place = surface->parameters().instrument(btc_contract);
            const auto wrapper = surface->parameters().universe().instrument(place).wrapper;
            return (surface->kernel()->charges()[wrapper.v].concentration > 0) == is_charged;
        };
        return outside.watch.await([&] { return is_so(one) && is_so(two); });
    };
    // Long and short count alike: it is what may have to be closed.
    (void)client->expect<actors::TradeCleared>(trade_of(lender, btc_perp, one_contract / 2));
    (void)client->expect<actors::TradeCleared>(trade_of(saver, btc_perp, -one_contract / 2));
    EXPECT_EQ(concentration(lender), 0);
    (void)client->expect<actors::TradeCleared>(trade_of(hedged, btc_perp, one_contract / 2));
    // Of 45,000 half is between 30,000 and 60,000; each needs half of 15,000 less the range.
    ASSERT_TRUE(await_charged(true));
    for (const auto of : {lender, saver, hedged}) {
        EXPECT_NEAR(static_cast<double>(concentration(of)), 15'000'00 * (1 - .16) / 2, 20'00);
    }
    (void)client->expect<actors::TradeCleared>(trade_of(hedged, btc_perp, -one_contract / 2));
    ASSERT_TRUE(await_charged(false));
    EXPECT_EQ(concentration(saver), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// What a test of caps begins with: somebody with a claim on a hundredth of a synthetic, which is
// too little to be hedged and which nobody holds.
struct Claimed {
    explicit Claimed(actors::Caps caps) : house(outside, {.caps = std::move(caps)}) {
        outside.deposit(perpetuals, saver, usdc, 100'000 * one_usdc);
        (void)client->expect<actors::TradeCleared>(trade_of(saver, sbtc_swap, one_sbtc / 100));
    }
    [[nodiscard]] bool await_full(bool is_full) {
        const auto& board = house.node().context().broker(alpha).house;
        return outside.watch.await([&] {
            return (board.is_unsettled_full() || board.is_exposure_full() ||
                    board.shards_full() != 0 || board.protocols_full() != 0) == is_full;
        });
    }
    actors::HouseLine line() {
        return client->expect<actors::HousesView>(actors::OperatorRequest{actors::GetHouses{}})
            .houses.front();
    }
    std::int32_t code_of(base::InstrumentId instrument, std::int64_t quantity) {
        return client->refusal_code(trade_of(saver, instrument, quantity));
    }

    Outside outside;
    House house;
    std::unique_ptr<Client> client{house.client({saver})};
};

// Goal: claims of all accounts stay about a broker's cap; contracts leave none.
TEST(HouseLimits, LetClaimsGrowToACap) {
    Claimed town({.unsettled_cents = 200'00, .shards = {}});
    ASSERT_TRUE(town.await_full(true));
    EXPECT_EQ(town.code_of(eth_swap, one_eth / 100), 11021);
    EXPECT_EQ(town.code_of(btc_perp, one_contract / 100), 0);
    const auto line = town.line();
    EXPECT_TRUE(line.is_unsettled_full);
    // A hundredth of 30,000.
    EXPECT_EQ(line.unsettled_cents, 300'00);
    EXPECT_EQ(town.code_of(sbtc_swap, -one_sbtc / 100), 0);
    ASSERT_TRUE(town.await_full(false));
    EXPECT_EQ(town.code_of(eth_swap, one_eth / 100), 0);
}

// Goal: what all accounts hold and owe together grows to a broker's cap and no further.
TEST(HouseLimits, LetExposuresGrowToACap) {
    Claimed town({.exposure_cents = 700'00, .shards = {}});
    ASSERT_TRUE(town.await_full(false));
    EXPECT_EQ(town.code_of(btc_perp, -2 * one_contract / 100), 0);
    ASSERT_TRUE(town.await_full(true));
    EXPECT_EQ(town.code_of(btc_perp, -one_contract / 100), 11024);
    EXPECT_EQ(town.code_of(eth_swap, one_eth / 100), 11024);
    const auto line = town.line();
    EXPECT_TRUE(line.is_exposure_full);
    // A hundredth of 30,000 in kind, and two of the contract.
    EXPECT_EQ(line.exposure_cents, 900'00);
    EXPECT_EQ(town.code_of(btc_perp, one_contract / 100), 0);
    ASSERT_TRUE(town.await_full(false));
}

// Goal: accounts hold no more of what one protocol issues than its cap; that of others goes on.
TEST(HouseLimits, LetExposuresToAProtocolGrowToItsCap) {
    Claimed town({.shards = {}, .protocols = {{"synthetix", 500'00}, {"perps", 100'00}}});
    ASSERT_TRUE(town.await_full(false));
    EXPECT_EQ(town.code_of(sbtc_swap, one_sbtc / 100), 0);
    ASSERT_TRUE(town.await_full(true));
    EXPECT_EQ(town.line().protocols_full, std::vector<std::string>{"synthetix"});
    EXPECT_EQ(town.code_of(sbtc_swap, one_sbtc / 100), 11024);
    EXPECT_EQ(town.code_of(eth_swap, one_eth / 100), 0);
    EXPECT_EQ(town.code_of(btc_perp, -one_contract / 1'000), 0);
    EXPECT_EQ(town.code_of(sbtc_swap, -one_sbtc / 50), 0);
    ASSERT_TRUE(town.await_full(false));
    EXPECT_EQ(town.code_of(sbtc_swap, one_sbtc / 100), 0);
}

// Goal: a shard that owes much, or holds much, takes no more; the others go on.
TEST(HouseLimits, LetAShardStandForNoMoreThanItsCaps) {
    Claimed owing({.unsettled_cents = 0, .shards = {{synthetix, {200'00, 0}}}});
    ASSERT_TRUE(owing.await_full(true));
    EXPECT_EQ(owing.code_of(sbtc_swap, one_sbtc / 100), 11021);
    EXPECT_EQ(owing.code_of(eth_swap, one_eth / 100), 0);
    EXPECT_EQ(owing.code_of(sbtc_swap, -one_sbtc / 100), 0);
    ASSERT_TRUE(owing.await_full(false));
    Claimed holding({.unsettled_cents = 0, .shards = {{uniswap, {0, 1'000'000'00}}}});
    ASSERT_TRUE(holding.await_full(true));
    EXPECT_EQ(holding.code_of(eth_swap, one_eth / 100), 11021);
    EXPECT_EQ(holding.code_of(sbtc_swap, one_sbtc / 100), 0);
    const auto line = holding.line();
    EXPECT_EQ(line.shards_full, std::vector{uniswap});
}

// Goal: a trade's risk is paid for as long as what is traded is expected to stay, each kind by
// itself.
TEST(HouseLimits, AFeeCountsTheDaysOfWhatIsTraded) {
    const auto fee_of = [](std::uint32_t days, base::InstrumentId instrument, std::int64_t units) {
        Carry town({.holding_days_in_kind = days});
        const auto preview = town.client->expect<actors::TradePreview>(actors::PreviewTrade{
            .account = lender, .instrument = instrument, .quantity = base::Amount{units}});
        return static_cast<double>(preview.fee.v);
    };
    const auto none = fee_of(0, sbtc_swap, one_sbtc / 10);
    const auto ten = fee_of(10, sbtc_swap, one_sbtc / 10);
    const auto twenty = fee_of(20, sbtc_swap, one_sbtc / 10);
    // The profile's five thousandths of a percent of 3,006, and what the issuer's failure may cost.
    EXPECT_NEAR(none, 150'300, 1'000);
    EXPECT_GT(ten, 3 * none);
    // Nearly: what was paid for the carry before is missing in equity.
    EXPECT_NEAR(twenty / ten, 2, .05);
    const auto perpetual = fee_of(0, btc_perp, -one_contract / 10);
    EXPECT_NEAR(fee_of(20, btc_perp, -one_contract / 10) / perpetual, 1, .05);
}

}  // namespace
}  // namespace crossclear::tests
