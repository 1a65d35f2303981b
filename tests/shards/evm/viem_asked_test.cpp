#include "base/listing.hpp"
#include "shards/evm/chain.hpp"
#include "shards/evm/dev_clients.hpp"
#include "shards/evm/dev_node.hpp"
#include "shards/evm/reader.hpp"
#include "shards/evm/relayer.hpp"
#include "shards/evm/rpc_client.hpp"
#include "shards/evm/venue_maker.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/shards/scripted_node.hpp"
#include "tests/support/shards/viem.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What reaches a node of us, against what viem makes of the same: calls that are made where nobody
// but the node sees them. The node is a script: of every token but one, everybody has enough.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using tests::for_each_viem_case;
using tests::result_for;
using tests::Script;
using tests::ScriptedNode;
using tests::ViemCase;

// Each takes a dozen questions.
constexpr std::size_t asked_cases = 60;
constexpr base::AssetId quote_asset{0};
constexpr base::AssetId synth_asset{1};
constexpr base::AssetId yes_asset{2};
constexpr base::AssetId no_asset{3};

const std::string everything = "\"0x" + std::string(64, 'f') + '"';
const std::string nothing = "\"0x" + std::string(64, '0') + '"';

// Answers as a node would, and keeps the data of all calls.
class ListeningNode {
public:
    ListeningNode() : node_([this](const std::string& text) { return answer(text); }) {}

    [[nodiscard]] std::string url() const { return node_.http_url(); }
    // From now on nobody has anything of this token.
    void take_away(const Address& token) {
        const std::lock_guard lock{mutex_};
        lacked_ = to_hex(token);
        heard_.clear();
    }
    // Calls of a contract, by their data.
    [[nodiscard]] std::set<std::string> heard(const Address& contract) const {
        const std::lock_guard lock{mutex_};
        const auto found = heard_.find(to_hex(contract));
        return found == heard_.end() ? std::set<std::string>{} : found->second;
    }

private:
    Script answer(const std::string& text) {
        const auto question = json::parse(text).as_object();
        const std::string_view method = question.at("method").as_string();
        if (method == "eth_sendTransaction") {
            keep(question);
            return {.body = result_for(text, nothing)};
        }
        if (method == "eth_getBalance") return {.body = result_for(text, "\"0x0\"")};
        if (method != "eth_call") return {.body = result_for(text, "null")};
        const auto& call = keep(question);
        return {.body = result_for(text, said_to(call))};
    }

    static const json::object& call_in(const json::object& question) {
        return question.at("params").as_array().front().as_object();
    }

    json::object keep(const json::object& question) {
        const auto& call = call_in(question);
        const std::lock_guard lock{mutex_};
        heard_[std::string(call.at("to").as_string())].emplace(call.at("data").as_string());
        return call;
    }

    // Balances and allowances; of anything else there is none.
    std::string said_to(const json::object& call) const {
        const std::string_view data = call.at("data").as_string();
        const bool is_balance = data.starts_with("0x70a08231");
        const bool is_allowance = data.starts_with("0xdd62ed3e");
        const std::lock_guard lock{mutex_};
        const bool is_there = is_allowance || (is_balance && call.at("to").as_string() != lacked_);
        return is_there ? everything : nothing;
    }

    mutable std::mutex mutex_;
    std::string lacked_;
    std::map<std::string, std::set<std::string>> heard_;
    ScriptedNode node_;  // Last: it asks for answers until it ends.
};

Address an_address(std::uint8_t last) {
    Address address;
    address.bytes.back() = last;
    return address;
}
const Address exchange = an_address(1);
const Address market = an_address(2);
const Address bridge_of_site = an_address(3);

SiteToken site_token_in(const ViemCase& one, std::string symbol) {
    return {.symbol = symbol,
            .asset = symbol,
            .contract = one.address("address"),
            .decimals = one.small("decimals"),
            .scale = one.small("scale")};
}

ChainSite site_in(const ViemCase& one) {
    ChainSite site;
    site.shard = "somewhere";
    site.tokens = {site_token_in(one.inner("paid"), "Q"), site_token_in(one.inner("traded"), "S"),
                   site_token_in(one.inner("yes"), "Y"), site_token_in(one.inner("yes"), "N")};
    site.venues = {{.name = "exchange",
                    .kind = VenueKind::synthetic_exchange,
                    .contract = exchange,
                    .quote = "Q",
                    .bases = {"S"},
                    .half_spread = 0,
                    .capacity = 0},
                   {.name = "market",
                    .kind = VenueKind::binary_market,
                    .contract = market,
                    .quote = "Q",
                    .bases = {"Y", "N"},
                    .half_spread = Uint256{one.text("spread")},
                    .capacity = Uint256{one.text("capacity")}}};
    site.bridge = bridge_of_site;
    site.clients = {an_address(4)};
    return site;
}

base::Listing listing_in(const ViemCase& one) {
    base::Listing listing;
    listing.assets = {{"Q", one.inner("paid").small("scale"), base::AssetKind::stable, "", ""},
                      {"S", one.inner("traded").small("scale"), base::AssetKind::spot, "", ""},
                      {"Y", one.inner("yes").small("scale"), base::AssetKind::outcome, "", ""},
                      {"N", one.inner("yes").small("scale"), base::AssetKind::outcome, "", ""}};
    for (const auto asset : {synth_asset, yes_asset, no_asset}) {
        listing.instruments.push_back(
            {listing.asset(asset).symbol, base::InstrumentKind::in_kind, asset, quote_asset});
    }
    listing.shards = {{"somewhere", {quote_asset}, {}, synth_asset}};
    return listing;
}

void log_nothing(std::string_view, std::string_view) {}

class AskedOfANode : public testing::Test {
protected:
    std::atomic<bool> is_over{false};
    ListeningNode node;
};

TEST_F(AskedOfANode, PricesAreWhatViemMakesOfThem) {
    for_each_viem_case("asked", asked_cases, [&](const ViemCase& one) {
        const auto site = site_in(one);
        const auto listing = listing_in(one);
        DevNode dev_node(node.url(), is_over);
        for (const auto asset : {yes_asset, no_asset}) {
            node.take_away({});
            VenueMaker maker(site, listing, log_nothing);
            maker.want(synth_asset, {one.signed64("price")});
            maker.want(asset, {one.signed64("share")});
            maker.work(dev_node);
            EXPECT_EQ(node.heard(exchange), std::set{one.text("set_price")});
            EXPECT_EQ(node.heard(market),
                      std::set{one.text(asset == yes_asset ? "quote" : "quote_of_other")});
        }
    });
}

TEST_F(AskedOfANode, DepositsAreWhatViemMakesOfThem) {
    for_each_viem_case("asked", asked_cases, [&](const ViemCase& one) {
        const auto site = site_in(one);
        DevNode dev_node(node.url(), is_over);
        node.take_away(site.token("Y")->contract);
        DevClients clients(site, base::seconds(3'600), log_nothing);
        for (const char* symbol : {"Q", "Y"}) {
            clients.add({.vault = one.address("vault"),
                         .symbol = symbol,
                         .amount = one.number("amount"),
                         .account = one.number64("account"),
                         .until = base::wall_clock_now() + base::seconds(3'600),
                         .done = [](const DepositEnd&) {}});
        }
        clients.work(dev_node);
        EXPECT_EQ(node.heard(one.address("vault")), std::set{one.text("deposit")});
        EXPECT_EQ(node.heard(market), std::set{one.text("split")});
    });
}

TEST_F(AskedOfANode, DeliveriesAreWhatViemMakesOfThem) {
    for_each_viem_case("asked", asked_cases, [&](const ViemCase& one) {
        const auto site = site_in(one);
        DevNode dev_node(node.url(), is_over);
        node.take_away({});
        Arrivals arrivals(site, log_nothing);
        arrivals.add({.intent = one.hash("intent"),
                      .to_chain = 1,
                      .to = one.address("vault"),
                      .symbol = "Q",
                      .decimals = one.inner("paid").small("decimals"),
                      .amount = one.number("amount")},
                     {});
        arrivals.work(dev_node);
        EXPECT_EQ(node.heard(bridge_of_site),
                  (std::set{one.text("has_delivered"), one.text("deliver")}));
    });
}

TEST_F(AskedOfANode, WhatAVaultHasAndHasDoneIsAskedAsViemWould) {
    for_each_viem_case("asked", asked_cases, [&](const ViemCase& one) {
        const auto token = one.inner("paid");
        ReaderTerms terms{.listing = listing_in(one),
                          .cluster = one.text("cluster"),
                          .broker = {},
                          .vault = {},
                          .key = {},
                          .gas_scale = 9};
        terms.vault.vault = one.address("vault");
        terms.vault.tokens = {{.asset = quote_asset,
                               .contract = token.address("address"),
                               .decimals = token.small("decimals")}};
        node.take_away({});
        boost::asio::io_context io;
        RpcOptions options;
        options.endpoints = {*parse_endpoint(node.url())};
        RpcClient client(io, options);
        Chain chain(client);
        Reader reader(chain, std::move(terms));
        ledger::ShardOrder order;
        order.ref = {.origin = {.kind = static_cast<base::EntityKind>(one.small("kind")),
                                .id = one.number64("id"),
                                .sub = static_cast<std::uint32_t>(one.number64("sub"))},
                     .number = static_cast<std::uint32_t>(one.number64("number"))};
        int answered = 0;
        boost::asio::co_spawn(io, reader.look_up(order, Header{}),
                              [&](const std::exception_ptr&, const std::optional<Record>& record) {
                                  answered += record.has_value() ? 1 : 0;
                              });
        boost::asio::co_spawn(io, reader.balances(Header{}),
                              [&](const std::exception_ptr&, const std::optional<Balances>& had) {
                                  answered += had.has_value() ? 1 : 0;
                              });
        ASSERT_TRUE(tests::run_until(io, [&] { return answered == 2; }));
        EXPECT_EQ(node.heard(one.address("vault")), (std::set{one.text("done"), one.text("held")}));
    });
}

}  // namespace
}  // namespace crossclear::shards::evm
