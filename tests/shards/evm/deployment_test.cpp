#include "shards/evm/deployment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

// What a site's file means for a listing, and what is said where the two disagree.

namespace crossclear::shards::evm {
namespace {

using base::AssetKind;
using base::InstrumentKind;

constexpr base::ShardId at_home{0};
constexpr base::ShardId abroad{1};

Address lies_at(int number) { return *parse_fixed<Address>(fmt::format("0x{:040x}", number)); }

// Two chains: sBTC is traded for USDC at the first, outcomes at the second.
constexpr std::string_view site_text = R"({"chains": [
  {"shard": "synthetix", "url": "http://127.0.0.1:1", "websocket": "ws://127.0.0.1:1",
   "genesis": "0x00000000000000000000000000000000000000000000000000000000000000a1",
   "deployment": {"name": "synthetix", "chain_id": 31001, "block": 75,
    "tokens": {
     "USDC": {"address": "0x0000000000000000000000000000000000000010", "asset": "USDC",
              "decimals": 6, "scale": 6, "unit": "1"},
     "WBTC": {"address": "0x0000000000000000000000000000000000000011", "asset": "sBTC",
              "decimals": 18, "scale": 8, "unit": "10000000000"}},
    "venues": {"exchange": {"address": "0x0000000000000000000000000000000000000051",
               "kind": "synthetic_exchange", "quote": "USDC", "bases": ["WBTC"]}},
    "vaults": {"alpha": {"address": "0x0000000000000000000000000000000000000071",
               "operator": "0x00000000000000000000000000000000000000b1", "gas_wanted": 1125873,
               "code_hash":
                   "0x00000000000000000000000000000000000000000000000000000000000000c1"}},
    "bridge": "0x0000000000000000000000000000000000000061",
    "roles": {"admin": "0x00000000000000000000000000000000000000d0",
              "feeder": "0x00000000000000000000000000000000000000d1",
              "relayer": "0x00000000000000000000000000000000000000d2",
              "maker": "0x00000000000000000000000000000000000000d3",
              "oracle": "0x00000000000000000000000000000000000000d4"},
    "accounts": ["0x00000000000000000000000000000000000000e8"]}},
  {"shard": "augur", "url": "http://127.0.0.1:2", "websocket": "ws://127.0.0.1:2",
   "genesis": "0x00000000000000000000000000000000000000000000000000000000000000a2",
   "deployment": {"name": "augur", "chain_id": 31002, "block": 49,
    "tokens": {
     "USDC": {"address": "0x0000000000000000000000000000000000000020", "asset": "USDC",
              "decimals": 6, "scale": 6, "unit": "1"},
     "AUG-Y": {"address": "0x0000000000000000000000000000000000000021", "asset": "AUG-Y",
              "decimals": 6, "scale": 6, "unit": "1"},
     "AUG-N": {"address": "0x0000000000000000000000000000000000000022", "asset": "AUG-N",
              "decimals": 6, "scale": 6, "unit": "1"}},
    "venues": {"market": {"address": "0x0000000000000000000000000000000000000052",
               "kind": "binary_market", "quote": "USDC", "bases": ["AUG-Y", "AUG-N"],
               "half_spread": "10000000000000000000000000000000000", "capacity": "1000000"}},
    "vaults": {"alpha": {"address": "0x0000000000000000000000000000000000000072",
               "operator": "0x00000000000000000000000000000000000000b2", "gas_wanted": 1125873,
               "code_hash":
                   "0x00000000000000000000000000000000000000000000000000000000000000c2"}},
    "bridge": "0x0000000000000000000000000000000000000062",
    "roles": {"admin": "0x00000000000000000000000000000000000000d0",
              "feeder": "0x00000000000000000000000000000000000000d1",
              "relayer": "0x00000000000000000000000000000000000000d2",
              "maker": "0x00000000000000000000000000000000000000d3",
              "oracle": "0x00000000000000000000000000000000000000d4"},
    "accounts": []}}]})";

base::Listing the_listing() {
    const base::AssetId usdc{0};
    const base::AssetId btc{1};
    const base::AssetId yes{2};
    return base::Listing{
        .assets = {{"USDC", 6, AssetKind::stable, "", "circle"},
                   {"sBTC", 8, AssetKind::synthetic, "BTC", "synthetix"},
                   {"AUG-Y", 6, AssetKind::outcome, "", "augur"}},
        .instruments = {{"sBTC", InstrumentKind::in_kind, btc, usdc},
                        {"AUG-Y", InstrumentKind::in_kind, yes, usdc}},
        .shards = {{"synthetix", {usdc, btc}, {base::InstrumentId{0}}, usdc, false},
                   {"augur", {usdc, yes}, {base::InstrumentId{1}}, usdc, false}}};
}

std::string with(std::string_view from, std::string_view to) {
    std::string text(site_text);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::vector<ChainSite> the_sites() { return *parse_sites(site_text); }

std::string terms_fault(const std::vector<ChainSite>& sites, const base::Listing& listing,
                        std::string_view broker = "alpha") {
    const auto terms = terms_of(sites, listing, at_home, broker);
    return terms ? "nothing" : terms.error();
}

TEST(Site, IsReadAsItWasWritten) {
    const auto sites = the_sites();
    ASSERT_EQ(sites.size(), 2U);
    const auto& site = sites.front();
    EXPECT_EQ(site.shard, "synthetix");
    EXPECT_EQ(site.url, "http://127.0.0.1:1");
    EXPECT_EQ(site.websocket, "ws://127.0.0.1:1");
    EXPECT_EQ(site.chain_id, 31'001U);
    EXPECT_EQ(site.genesis.bytes.back(), 0xa1);
    EXPECT_EQ(site.deployed_at, 75U);
    ASSERT_NE(site.token("WBTC"), nullptr);
    EXPECT_EQ(site.token("WBTC"), site.token_of("sBTC"));
    EXPECT_EQ(site.token("WBTC"), site.token_at(lies_at(0x11)));
    EXPECT_EQ(site.token("sBTC"), nullptr);
    EXPECT_EQ(site.token("WBTC")->decimals, 18);
    EXPECT_EQ(site.vault("alpha")->operator_key, lies_at(0xb1));
    EXPECT_EQ(site.vault("alpha")->gas_wanted, 1'125'873U);
    EXPECT_EQ(site.vault("alpha")->code_hash.bytes.back(), 0xc1);
    EXPECT_EQ(site.vault("beta"), nullptr);
    EXPECT_EQ(site.bridge, lies_at(0x61));
    EXPECT_EQ(site.roles.feeder, lies_at(0xd1));
    EXPECT_EQ(site.roles.oracle, lies_at(0xd4));
    EXPECT_EQ(site.clients, std::vector{lies_at(0xe8)});
    const auto& market = sites.back().venues.front();
    EXPECT_EQ(market.kind, VenueKind::binary_market);
    EXPECT_EQ(to_hex(to_minimal_bytes(market.half_spread)), "0x01ed09bead87c0378d8e6400000000");
    EXPECT_EQ(market.capacity, 1'000'000);
    EXPECT_EQ(site_of(sites, "augur"), &sites.back());
    EXPECT_EQ(site_of(sites, "none"), nullptr);
}

TEST(Site, SaysWhichFieldIsWrong) {
    const auto fault = [](std::string_view from, std::string_view to) {
        const auto sites = parse_sites(with(from, to));
        return sites ? "nothing" : sites.error();
    };
    EXPECT_EQ(fault("31001", "0"),
              "chains[0].deployment.chain_id: expected a whole number from 1 to "
              "18446744073709551615, found 0");
    EXPECT_EQ(fault("31002", "31001"), "chains: expected chain ids that differ, found 31001 twice");
    EXPECT_EQ(fault(R"("shard": "augur")", R"("shard": "synthetix")"),
              "chains: expected shards that differ, found synthetix twice");
    EXPECT_EQ(fault(R"("decimals": 18)", R"("decimals": 37)"),
              "chains[0].deployment.tokens.WBTC.decimals: expected a whole number from 0 to 36, "
              "found 37");
    EXPECT_EQ(fault("0x0000000000000000000000000000000000000052", "0x52"),
              "chains[1].deployment.venues.market.address: expected an address: 0x and 40 "
              "hexadecimal digits, found \"0x52\"");
    EXPECT_EQ(fault("binary_market", "casino"),
              "chains[1].deployment.venues.market.kind: expected synthetic_exchange, "
              "constant_product_pool, lending_pool or binary_market, found \"casino\"");
    EXPECT_EQ(fault(R"(["WBTC"])", R"(["BTC"])"),
              "chains[0].deployment.venues.exchange.bases[0]: expected one of the chain's tokens, "
              "found \"BTC\"");
    EXPECT_EQ(fault(R"("capacity": "1000000")", R"("capacity": 1000000)"),
              "chains[1].deployment.venues.market.capacity: expected a whole number as a text, "
              "found 1000000");
    EXPECT_EQ(fault(R"(["AUG-Y", "AUG-N"])", R"(["AUG-Y"])"),
              "chains[1].deployment.venues.market.bases: expected two outcomes, found [\"AUG-Y\"]");
    EXPECT_EQ(
        fault(R"("maker")", R"("baker")"),
        "chains[0].deployment.roles.maker: expected an address: 0x and 40 hexadecimal digits, "
        "found nothing");
    EXPECT_EQ(fault("31001", "31001.5").substr(0, 53),
              "chains[0].deployment.chain_id: expected a whole numbe");
    EXPECT_EQ(fault("http://127.0.0.1:2", "ws://127.0.0.1:2"),
              "chains[1].url: expected an URL of HTTP, found \"ws://127.0.0.1:2\"");
    EXPECT_EQ(parse_sites("[]").error(), "the file: expected an object, found []");
    EXPECT_EQ(parse_sites("{").error().substr(0, 13), "expected JSON");
    EXPECT_EQ(read_sites("/none/site.json").error(), "/none/site.json: cannot be read");
}

TEST(Terms, AreWhatTheShardListsAndTheChainHas) {
    const auto sites = the_sites();
    const auto terms = terms_of(sites, the_listing(), at_home, "alpha");
    ASSERT_TRUE(terms.has_value()) << terms.error();
    EXPECT_EQ(terms->shard, at_home);
    EXPECT_EQ(terms->vault, lies_at(0x71));
    ASSERT_EQ(terms->tokens.size(), 2U);
    EXPECT_EQ(terms->tokens[1].asset, base::AssetId{1});
    EXPECT_EQ(terms->tokens[1].contract, lies_at(0x11));
    EXPECT_EQ(terms->tokens[1].decimals, 18);
    EXPECT_EQ(terms->venues,
              (std::map<base::InstrumentId, Address>{{base::InstrumentId{0}, lies_at(0x51)}}));
    ASSERT_EQ(terms->ways.size(), 1U);
    const auto& way = terms->ways.at(abroad);
    EXPECT_EQ(way.bridge, lies_at(0x61)) << "the one on this side";
    EXPECT_EQ(way.chain_id, 31'002U);
    EXPECT_EQ(way.vault, lies_at(0x72)) << "the one on the other side";
    const auto others = terms_of(sites, the_listing(), abroad, "alpha");
    ASSERT_TRUE(others.has_value()) << others.error();
    EXPECT_EQ(others->venues.at(base::InstrumentId{1}), lies_at(0x52));
    EXPECT_EQ(others->ways.at(at_home).bridge, lies_at(0x62));
}

TEST(Terms, HaveNoWayWhereTheOtherSideHasNoBridgeOrVault) {
    auto sites = the_sites();
    sites.back().bridge.reset();
    EXPECT_TRUE(terms_of(sites, the_listing(), at_home, "alpha")->ways.empty());
    sites = the_sites();
    sites.back().vaults.clear();
    EXPECT_TRUE(terms_of(sites, the_listing(), at_home, "alpha")->ways.empty());
    sites = the_sites();
    sites.front().bridge.reset();
    EXPECT_TRUE(terms_of(sites, the_listing(), at_home, "alpha")->ways.empty());
}

TEST(Terms, AreRefusedWhereListingAndChainDisagree) {
    const auto listing = the_listing();
    EXPECT_EQ(terms_fault(the_sites(), listing), "nothing");
    EXPECT_EQ(terms_fault({}, listing), "shard synthetix has no chain");
    EXPECT_EQ(terms_fault(the_sites(), listing, "beta"), "broker beta has no vault on synthetix");
    auto sites = the_sites();
    sites.front().tokens[1].scale = 9;
    EXPECT_EQ(terms_fault(sites, listing),
              "sBTC on synthetix: the listing counts 8 decimal digits, the vaults were deployed "
              "with 9");
    sites = the_sites();
    sites.front().tokens[1].decimals = 7;
    EXPECT_EQ(terms_fault(sites, listing),
              "WBTC on synthetix: odd decimals: the token has 7, the listing counts 8");
    sites = the_sites();
    sites.front().tokens.pop_back();
    EXPECT_EQ(terms_fault(sites, listing),
              "shard synthetix lists sBTC: its chain has no token of that asset");
    sites = the_sites();
    sites.front().tokens[0].asset = "sBTC";
    sites.front().tokens.push_back({"USD", "USDC", {}, 6, 6});
    EXPECT_EQ(terms_fault(sites, listing), "the chain of synthetix has 2 tokens that are sBTC");
    sites = the_sites();
    sites.front().venues.clear();
    EXPECT_EQ(terms_fault(sites, listing),
              "shard synthetix lists sBTC: no venue of its chain trades sBTC for USDC");
    auto contracts = listing;
    contracts.instruments.front().kind = InstrumentKind::linear_perpetual;
    EXPECT_EQ(terms_fault(sites, contracts), "nothing") << "no vault trades it anyway";
}

}  // namespace
}  // namespace crossclear::shards::evm
