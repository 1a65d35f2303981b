#include "shards/evm/outsiders.hpp"

#include "shards/evm/abi.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/relayer.hpp"
#include "shards/evm/test_token.hpp"
#include "shards/evm/vault.hpp"
#include "tests/support/shards/deployed.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What the outsiders of a demo do, on real chains.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using base::AssetKind;
using base::InstrumentKind;
using ledger::ShardRefusal;

// What these tests list.
namespace demo {

constexpr base::AssetId usdc{0};
constexpr base::AssetId dai{1};
constexpr base::AssetId eth{2};
constexpr base::AssetId sbtc{3};
constexpr base::AssetId seth{4};
constexpr base::AssetId lent_dai{5};
constexpr base::AssetId yes{6};
constexpr base::AssetId no{7};
constexpr base::ShardId synthetix{0};
constexpr base::ShardId pools{1};
constexpr base::ShardId augur{2};

}  // namespace demo

constexpr std::int64_t one_usdc = 1'000'000;
constexpr std::int64_t dollar = 1'000'000'000;  // As a price.

base::Listing demo_like() {
    std::vector<base::InstrumentInfo> instruments;
    for (const auto& [symbol, base] :
         {std::pair{"sBTC", demo::sbtc}, std::pair{"sETH", demo::seth}, std::pair{"ETH", demo::eth},
          std::pair{"DAI", demo::dai}, std::pair{"AUG-Y", demo::yes},
          std::pair{"AUG-N", demo::no}}) {
        instruments.push_back({symbol, InstrumentKind::in_kind, base, demo::usdc});
    }
    const auto instrument = [](std::uint16_t n) { return base::InstrumentId{n}; };
    return base::Listing{.assets = {{"USDC", 6, AssetKind::stable, "", "circle"},
                                    {"DAI", 9, AssetKind::stable, "", "maker"},
                                    {"ETH", 9, AssetKind::spot, "ETH", ""},
                                    {"sBTC", 8, AssetKind::synthetic, "BTC", "synthetix"},
                                    {"sETH", 9, AssetKind::synthetic, "ETH", "synthetix"},
                                    {"aDAI", 9, AssetKind::lending, "", "aave"},
                                    {"AUG-Y", 6, AssetKind::outcome, "", "augur"},
                                    {"AUG-N", 6, AssetKind::outcome, "", "augur"}},
                         .instruments = std::move(instruments),
                         .shards = {{"synthetix",
                                     {demo::usdc, demo::eth, demo::sbtc, demo::seth},
                                     {instrument(0), instrument(1)},
                                     demo::eth,
                                     false},
                                    {"aave-uniswap",
                                     {demo::usdc, demo::dai, demo::eth, demo::lent_dai},
                                     {instrument(2), instrument(3)},
                                     demo::eth,
                                     false},
                                    {"augur",
                                     {demo::usdc, demo::yes, demo::no},
                                     {instrument(4), instrument(5)},
                                     demo::usdc,
                                     false}}};
}

class AmongOutsiders : public ::testing::Test {
protected:
    void SetUp() override {
        if (const auto why = tests::DeployedSite::obstacle(); !why.empty()) GTEST_SKIP() << why;
    }

    void start(const std::vector<std::string>& shards,
               tests::Blocks blocks = tests::Blocks::at_once) {
        site.emplace(shards, blocks);
        options.sites = site->chains();
        options.listing = demo_like();
        options.brokers = {"alpha", "beta"};
        options.poll = base::milliseconds(20);
        outsiders.emplace(options);
    }

    Uint256 number(std::string_view shard, const Address& to, const Bytes& call) {
        const auto said = site->asker(shard).ask(
            "eth_call", {json::object{{"to", to_hex(to)}, {"data", to_hex(call)}}, "latest"});
        const auto bytes = said.is_string() ? parse_hex(said.as_string()) : std::nullopt;
        EXPECT_TRUE(bytes.has_value());
        return bytes && bytes->size() == 32 ? from_bytes(*bytes) : Uint256{0};
    }
    // As its exchange has it, times 1e36.
    Uint256 synth_price(std::string_view token) {
        const auto& chain = site->chain("synthetix");
        const auto call =
            AbiWriter{}.add(chain.token(token)->contract).call(selector_of("synths(address)"));
        const auto said =
            site->asker("synthetix")
                .ask("eth_call", {json::object{{"to", to_hex(chain.venues.front().contract)},
                                               {"data", to_hex(call)}},
                                  "latest"});
        const auto bytes = said.is_string() ? parse_hex(said.as_string()) : std::nullopt;
        EXPECT_TRUE(bytes && bytes->size() >= 32);
        return bytes && bytes->size() >= 32 ? from_bytes(BytesView(*bytes).first(32)) : Uint256{0};
    }
    Uint256 balance(std::string_view shard, std::string_view token, const Address& of) {
        return number(shard, site->chain(shard).token(token)->contract, balance_of(of));
    }
    std::vector<Log> logs(std::string_view shard, const Address& of, std::string_view event) {
        const json::object filter{{"address", to_hex(of)},
                                  {"topics", json::array{to_hex(topic_of(event))}},
                                  {"fromBlock", "0x0"},
                                  {"toBlock", "latest"}};
        return parse_logs(site->asker(shard).ask("eth_getLogs", {filter}))
            .value_or(std::vector<Log>{});
    }
    // Until a view says this; blocks are made meanwhile.
    bool comes_to(std::string_view shard, const std::function<bool()>& is_so) {
        return site->asker(shard).run_until([&] {
            site->mine(shard);
            return is_so();
        });
    }
    // A transaction of an account of anvil's, in its block.
    void send(std::string_view shard, const DevCall& call) {
        auto& asker = site->asker(shard);
        const auto hash =
            asker.ask("eth_sendTransaction", {json::object{{"from", to_hex(call.from)},
                                                           {"to", to_hex(call.to)},
                                                           {"data", to_hex(call.data)},
                                                           {"gas", "0x2dc6c0"}}});
        // A node may answer before its block is there.
        std::optional<Receipt> receipt;
        ASSERT_TRUE(asker.run_until([&] {
            receipt = parse_receipt(asker.ask("eth_getTransactionReceipt", {hash}));
            return receipt.has_value();
        }));
        ASSERT_TRUE(receipt->is_success) << json::serialize(hash);
    }
    // What a trade of one of a vault's operators costs: what it gave for what it got.
    struct Traded {
        ShardRefusal result{};
        Uint256 given;
        Uint256 received;
    };
    Traded trade(std::string_view shard, base::ShardId id, base::InstrumentId instrument,
                 std::int64_t quantity, base::Price bound) {
        const auto listing = demo_like();
        const auto terms = terms_of(site->chains(), listing, id, "alpha");
        EXPECT_TRUE(terms.has_value()) << terms.error();
        const auto intent = intent_of("test", {.origin = {}, .number = ++orders});
        const auto call = call_of(*terms, listing, intent,
                                  {.kind = ledger::OrderKind::swap,
                                   .instrument = instrument,
                                   .quantity = base::Amount{quantity},
                                   .bound = bound,
                                   .deadline = base::Timestamp{4'000'000'000'000'000}});
        EXPECT_TRUE(call.has_value());
        const auto& vault = *site->chain(shard).vault("alpha");
        send(shard, {.from = vault.operator_key, .to = vault.contract, .data = *call});
        const auto told = logs(shard, vault.contract,
                               "Ended(bytes32,uint8,address,uint256,address,uint256,int256)");
        const auto ended = told.empty() ? std::nullopt : parse_ended(*terms, told.back());
        EXPECT_TRUE(ended && ended->intent == intent);
        return ended ? Traded{ended->result, ended->given_amount, ended->received_amount}
                     : Traded{};
    }
    // Sends from alpha's vault on one chain to that on the other.
    void bridge(std::string_view from, base::ShardId id, base::ShardId to, std::int64_t amount) {
        const auto listing = demo_like();
        const auto terms = terms_of(site->chains(), listing, id, "alpha");
        ASSERT_TRUE(terms.has_value()) << terms.error();
        const auto call = call_of(*terms, listing, intent_of("test", {{}, ++orders}),
                                  {.kind = ledger::OrderKind::bridge_out,
                                   .asset = demo::usdc,
                                   .amount = base::Amount{amount},
                                   .to_shard = to,
                                   .deadline = base::Timestamp{4'000'000'000'000'000}});
        ASSERT_TRUE(call.has_value());
        const auto& vault = *site->chain(from).vault("alpha");
        send(from, {.from = vault.operator_key, .to = vault.contract, .data = *call});
    }

    std::optional<tests::DeployedSite> site;
    OutsidersOptions options;
    std::optional<Outsiders> outsiders;
    std::uint32_t orders{};
};

ShardRefusal why_refused(const DepositEnd& end) {
    const auto* why = end ? nullptr : std::get_if<Refused>(&end.error());
    return why == nullptr ? ShardRefusal::none : why->why;
}

TEST_F(AmongOutsiders, ADepositIsToldByTheVaultWithItsAccount) {
    start({"synthetix"});
    const auto account = base::account_id(base::BrokerId{1}, 17);
    ASSERT_TRUE(outsiders->deposit(demo::synthetix, account, demo::usdc, base::Amount{1'250'000}));
    const auto btc = base::account_id(base::BrokerId{1}, 18);
    // More than any client has: it is topped up.
    ASSERT_TRUE(outsiders->deposit(demo::synthetix, btc, demo::sbtc, base::Amount{300'000'000}));

    const auto& chain = site->chain("synthetix");
    const auto told = logs("synthetix", chain.vault("beta")->contract,
                           "Deposited(uint256,uint64,address,address,uint256)");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(from_bytes(told[0].topics[2].bytes), account.v);
    EXPECT_EQ(from_bytes(told[1].topics[2].bytes), btc.v);
    AbiReader first(told[0].data);
    EXPECT_EQ(first.address(), chain.clients[account.v % 2]);
    EXPECT_EQ(first.number(), 1'250'000);
    AbiReader second(told[1].data);
    EXPECT_EQ(second.address(), chain.clients[btc.v % 2]);
    EXPECT_EQ(second.number(), Uint256{300'000'000} * 10'000'000'000) << "of 18 digits";
}

TEST_F(AmongOutsiders, WhatVenuesIssueCanBePaidInToo) {
    start({"aave-uniswap", "augur"});
    const auto account = base::account_id(base::BrokerId{0}, 3);
    EXPECT_TRUE(
        outsiders->deposit(demo::pools, account, demo::lent_dai, base::Amount{5'000'000'000}));
    EXPECT_TRUE(outsiders->deposit(demo::augur, account, demo::no, base::Amount{7 * one_usdc}));
    const auto& lent = site->chain("aave-uniswap");
    EXPECT_EQ(balance("aave-uniswap", "aDAI", lent.vault("alpha")->contract),
              Uint256{5'000'000'000} * 1'000'000'000);
    EXPECT_EQ(balance("augur", "AUG-N", site->chain("augur").vault("alpha")->contract),
              7 * one_usdc);
}

TEST_F(AmongOutsiders, ADepositThatCannotBeIsRefused) {
    start({"synthetix"});
    const auto account = base::account_id(base::BrokerId{0}, 1);
    const auto why = [&](base::ShardId shard, base::AccountId of, base::AssetId asset,
                         std::int64_t amount) {
        return why_refused(outsiders->deposit(shard, of, asset, base::Amount{amount}));
    };
    EXPECT_EQ(why(demo::augur, account, demo::usdc, 1), ShardRefusal::unsupported)
        << "no such chain";
    EXPECT_EQ(why(base::ShardId{9}, account, demo::usdc, 1), ShardRefusal::unsupported);
    EXPECT_EQ(why(demo::synthetix, account, demo::dai, 1), ShardRefusal::unsupported)
        << "no such token";
    EXPECT_EQ(why(demo::synthetix, account, demo::usdc, 0), ShardRefusal::unsupported);
    EXPECT_EQ(why(demo::synthetix, base::account_id(base::BrokerId{2}, 1), demo::usdc, 1),
              ShardRefusal::unsupported)
        << "no such broker";
    const auto& chain = site->chain("synthetix");
    const auto guardian = site->asker("synthetix").ask("eth_accounts").as_array()[5].as_string();
    send("synthetix", {.from = *parse_fixed<Address>(guardian),
                       .to = chain.vault("alpha")->contract,
                       .data = AbiWriter{}.call(selector_of("pause()"))});
    EXPECT_EQ(why(demo::synthetix, account, demo::usdc, 1), ShardRefusal::reverted)
        << "the vault is paused";
}

// Goal: a node that has taken it is enough, whenever the block comes.
TEST_F(AmongOutsiders, ADepositIsTakenBeforeItsBlock) {
    options.receipt_patience = base::milliseconds(50);
    start({"synthetix"}, tests::Blocks::when_asked);
    const auto account = base::account_id(base::BrokerId{0}, 4);
    ASSERT_TRUE(outsiders->deposit(demo::synthetix, account, demo::usdc, base::Amount{one_usdc}));
    const auto& vault = site->chain("synthetix").vault("alpha")->contract;
    constexpr auto event = "Deposited(uint256,uint64,address,address,uint256)";
    EXPECT_TRUE(logs("synthetix", vault, event).empty());
    site->mine("synthetix");
    EXPECT_EQ(logs("synthetix", vault, event).size(), 1U);
}

TEST_F(AmongOutsiders, ADepositOfANodeThatIsAwayHasNoAnswer) {
    start({"synthetix"});
    outsiders.reset();
    options.deposit_patience = base::milliseconds(100);
    options.sites.front().url = "http://127.0.0.1:1";
    outsiders.emplace(options);
    const auto end = outsiders->deposit(demo::synthetix, base::account_id(base::BrokerId{0}, 1),
                                        demo::usdc, base::Amount{1});
    ASSERT_FALSE(end);
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(end.error()));
}

TEST_F(AmongOutsiders, APriceThatIsSaidIsWhatATradeCosts) {
    start({"synthetix", "augur"});
    outsiders->set_price(demo::sbtc, base::Price{50'000 * dollar});
    outsiders->set_price(demo::sbtc, base::Price{64'000 * dollar});
    outsiders->set_price(demo::seth, base::Price{2'500 * dollar + 1});
    const Uint256 e24{"1000000000000000000000000"};
    ASSERT_TRUE(comes_to("synthetix", [&] { return synth_price("sBTC") == 64'000 * e24; }));
    const Uint256 e15 = 1'000'000'000'000'000;
    ASSERT_TRUE(comes_to("synthetix", [&] {
        return synth_price("sETH") == (Uint256{2'500} * dollar + 1) * e15;
    })) << "to the last digit";
    const auto bought = trade("synthetix", demo::synthetix, base::InstrumentId{0}, 100'000'000,
                              base::Price{65'000 * dollar});
    EXPECT_EQ(bought.result, ShardRefusal::none);
    EXPECT_EQ(bought.given, 64'064 * one_usdc) << "with a fee of a thousandth";

    const auto& market = site->chain("augur").venues.front();
    const auto view = [&](const char* name) {
        return number("augur", market.contract, AbiWriter{}.call(selector_of(name)));
    };
    outsiders->set_price(demo::yes, base::Price{650'000'000});
    ASSERT_TRUE(comes_to("augur", [&] { return view("middle()") == 65 * (e24 * 10'000'000'000); }));
    EXPECT_EQ(view("halfSpread()"), market.half_spread);
    const auto yes_bought =
        trade("augur", demo::augur, base::InstrumentId{4}, 100 * one_usdc, base::Price{dollar});
    EXPECT_EQ(yes_bought.given, 65'200'000) << "with half a spread of 0.002";
    EXPECT_EQ(view("capacity()"), market.capacity - 100 * one_usdc);
    // The other outcome is the rest; at the end there is no room for a spread.
    outsiders->set_price(demo::no, base::Price{dollar});
    ASSERT_TRUE(comes_to("augur", [&] { return view("middle()") == 0; }));
    EXPECT_EQ(view("halfSpread()"), 0);
    EXPECT_EQ(view("capacity()"), market.capacity) << "as it was at first";
}

TEST_F(AmongOutsiders, APoolIsTradedToItsPrice) {
    start({"aave-uniswap"});
    const auto& chain = site->chain("aave-uniswap");
    const auto& pool = *chain.venue("ETH", "USDC");
    const auto view = [&](const char* name) {
        return number("aave-uniswap", pool.contract, AbiWriter{}.call(selector_of(name)));
    };
    // Dollars for a coin, times a million.
    const auto price = [&] {
        return view("quoteReserve()") * 1'000'000'000'000'000'000 / view("baseReserve()");
    };
    ASSERT_EQ(price(), 3'000 * one_usdc);
    for (const std::int64_t wanted : {3'600, 2'400, 2'410}) {
        outsiders->set_price(demo::eth, base::Price{wanted * dollar});
        const Uint256 least = wanted * one_usdc - 10;
        const Uint256 most = wanted * one_usdc + 10;
        EXPECT_TRUE(comes_to("aave-uniswap",
                             [&] {
                                 const auto is = price();
                                 return is >= least && is <= most;
                             }))
            << wanted << ", found " << price();
    }
    const auto bought = trade("aave-uniswap", demo::pools, base::InstrumentId{2}, 1'000'000'000,
                              base::Price{2'450 * dollar});
    EXPECT_EQ(bought.result, ShardRefusal::none);
    EXPECT_GT(bought.given, 2'410 * one_usdc);
    EXPECT_LT(bought.given, 2'419 * one_usdc);
}

TEST(PoolTrade, IsNoneWhereThePriceIsRightButForAQuarterOfTheFee) {
    const Uint256 e18 = 1'000'000'000'000'000'000;
    const PoolState pool{.base = 1'000 * e18, .quote = 2'000 * e18, .fee_ppm = 4'000};
    const Uint256 right = 2 * e18 * e18;
    EXPECT_FALSE(pool_trade_to(pool, right));
    EXPECT_FALSE(pool_trade_to(pool, right + right / 1'002));
    EXPECT_FALSE(pool_trade_to(pool, right - right / 1'002));
    const auto up = pool_trade_to(pool, right + right / 998);
    const auto down = pool_trade_to(pool, right - right / 998);
    ASSERT_TRUE(up && down);
    EXPECT_TRUE(up->is_buy);
    EXPECT_FALSE(down->is_buy);
    EXPECT_EQ(down->given, down->quantity);
    EXPECT_GT(up->given, 2 * up->quantity);
}

TEST_F(AmongOutsiders, WhatIsSentAtOneBridgeArrivesAtTheOtherVaultOnce) {
    start({"synthetix", "augur"});
    const auto& other = site->chain("augur");
    const auto& vault = other.vault("alpha")->contract;
    const auto before = balance("augur", "USDC", vault);
    const auto has = [&](std::int64_t more) {
        return balance("augur", "USDC", vault) == before + more;
    };
    // A second relayer, as another process would have one.
    std::optional<Outsiders> others{options};
    bridge("synthetix", demo::synthetix, demo::augur, 5 * one_usdc);
    EXPECT_TRUE(has(0)) << "it is not final over there";
    site->mine("synthetix", 2);
    ASSERT_TRUE(comes_to("augur", [&] { return has(5 * one_usdc); }));
    const auto delivered = "Delivered(bytes32,address,address,uint256)";
    // Somebody who remembers nothing goes through all of it again.
    others.reset();
    others.emplace(options);
    bridge("synthetix", demo::synthetix, demo::augur, 3 * one_usdc);
    site->mine("synthetix", 2);
    ASSERT_TRUE(comes_to("augur", [&] { return has(8 * one_usdc); }));
    EXPECT_EQ(logs("augur", *other.bridge, delivered).size(), 2U);
    EXPECT_EQ(
        number("augur", vault,
               AbiWriter{}.add(other.token("USDC")->contract).call(selector_of("dust(address)"))),
        0)
        << "the vault was told";
}

// Goal: a delivery in a block that is no more is made again.
TEST_F(AmongOutsiders, ADeliveryThatAReorganisationTookIsMadeAgain) {
    start({"synthetix", "augur"});
    const auto& other = site->chain("augur");
    const auto& vault = other.vault("alpha")->contract;
    const auto before = balance("augur", "USDC", vault);
    bridge("synthetix", demo::synthetix, demo::augur, 5 * one_usdc);
    site->mine("synthetix", 2);
    auto& asker = site->asker("augur");
    const auto has_arrived = [&] {
        return balance("augur", "USDC", vault) == before + 5 * one_usdc;
    };
    ASSERT_TRUE(asker.run_until(has_arrived));
    (void)asker.ask("anvil_reorg", {1, json::array{}});
    EXPECT_TRUE(comes_to("augur", has_arrived));
}

TEST_F(AmongOutsiders, ABridgeThatIsDownDeliversWhenItIsUpAgain) {
    start({"synthetix", "augur"});
    outsiders->relay(false);
    const auto& vault = site->chain("augur").vault("alpha")->contract;
    const auto before = balance("augur", "USDC", vault);
    bridge("synthetix", demo::synthetix, demo::augur, 5 * one_usdc);
    site->mine("synthetix", 2);
    // Whoever sets two prices has gone a whole round in between.
    for (const std::int64_t dollars : {1'000, 1'001}) {
        outsiders->set_price(demo::seth, base::Price{dollars * dollar});
        ASSERT_TRUE(comes_to("synthetix", [&] {
            return synth_price("sETH") == Uint256{dollars * dollar} * 1'000'000'000'000'000;
        }));
    }
    const auto& market = site->chain("augur").venues.front().contract;
    for (const std::int64_t percent : {10, 11}) {
        outsiders->set_price(demo::yes, base::Price{percent * dollar / 100});
        ASSERT_TRUE(comes_to("augur", [&] {
            return number("augur", market, AbiWriter{}.call(selector_of("middle()"))) ==
                   percent * Uint256{"10000000000000000000000000000000000"};
        }));
    }
    EXPECT_EQ(balance("augur", "USDC", vault), before);
    outsiders->relay(true);
    EXPECT_TRUE(comes_to("augur",
                         [&] { return balance("augur", "USDC", vault) == before + 5 * one_usdc; }));
}

TEST_F(AmongOutsiders, ABridgeThatIsSlowDeliversLater) {
    options.relay_latency = base::milliseconds(1'500);
    start({"synthetix", "augur"});
    const auto& vault = site->chain("augur").vault("alpha")->contract;
    const auto before = balance("augur", "USDC", vault);
    const auto sent_at = base::wall_clock_now();
    bridge("synthetix", demo::synthetix, demo::augur, 5 * one_usdc);
    site->mine("synthetix", 2);
    EXPECT_TRUE(comes_to("augur",
                         [&] { return balance("augur", "USDC", vault) == before + 5 * one_usdc; }));
    EXPECT_GE(base::wall_clock_now() - sent_at, options.relay_latency);
}

TEST(Relayer, ConvertsExactlyOrNotAtAll) {
    ChainSite to;
    to.tokens = {{"A", "A", {}, 6, 6}};
    Passage passage{
        .intent = {}, .to_chain = 1, .to = {}, .symbol = "A", .decimals = 6, .amount = 5};
    EXPECT_EQ(converted(passage, to), Uint256{5});
    passage.decimals = 4;
    EXPECT_EQ(converted(passage, to), Uint256{500});
    passage.decimals = 8;
    passage.amount = 700;
    EXPECT_EQ(converted(passage, to), Uint256{7});
    passage.amount = 701;
    EXPECT_EQ(converted(passage, to), std::nullopt);
    passage.symbol = "B";
    passage.amount = 700;
    EXPECT_EQ(converted(passage, to), std::nullopt);
    passage.symbol = "A";
    passage.decimals = 0;
    passage.amount = Uint256{0} - 1;
    EXPECT_EQ(converted(passage, to), std::nullopt) << "more than a word holds";
}

}  // namespace
}  // namespace crossclear::shards::evm
