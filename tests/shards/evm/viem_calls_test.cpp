#include "base/ids.hpp"
#include "base/listing.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/inflows.hpp"
#include "shards/evm/relayer.hpp"
#include "shards/evm/test_token.hpp"
#include "shards/evm/vault.hpp"
#include "tests/support/shards/viem.hpp"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <variant>

// Calls and events of our contracts, against what viem makes of the same by the ABI that the
// compiler gave. Which of them the program uses is compared with that ABI in
// tests/contracts/abi_test.mjs.

namespace crossclear::shards::evm {
namespace {

using base::Amount;
using base::AssetId;
using ledger::OrderKind;
using tests::for_each_viem_case;
using tests::viem_cases;
using tests::ViemCase;

constexpr AssetId paid_asset{0};
constexpr AssetId traded_asset{1};
constexpr base::InstrumentId traded_pair{0};
constexpr base::ShardId this_shard{0};
constexpr base::ShardId other_shard{1};

// Of the kinds that AbiWriter has.
void write(AbiWriter& writer, const ViemCase& argument) {
    const auto kind = argument.text("kind");
    if (kind == "number") {
        writer.add(from_bytes(argument.hash("value").bytes));
    } else if (kind == "address") {
        writer.add(argument.address("value"));
    } else if (kind == "hash") {
        writer.add(argument.hash("value"));
    } else if (kind == "flag") {
        writer.add_flag(argument.flag("value"));
    } else {
        writer.add_bytes(argument.bytes("value"));
    }
}

AbiWriter written(const boost::json::array& arguments) {
    AbiWriter writer;
    for (const auto& one : arguments) write(writer, ViemCase(one.as_object()));
    return writer;
}

// What comes out of the same bytes, by the same kinds.
AbiWriter read_and_written(AbiReader& reader, const boost::json::array& arguments) {
    AbiWriter writer;
    for (const auto& one : arguments) {
        const auto kind = ViemCase(one.as_object()).text("kind");
        if (kind == "number") {
            writer.add(reader.number());
        } else if (kind == "address") {
            writer.add(reader.address());
        } else if (kind == "hash") {
            writer.add(reader.hash());
        } else if (kind == "flag") {
            writer.add_flag(reader.flag());
        } else {
            writer.add_bytes(reader.bytes());
        }
    }
    return writer;
}

// That viem's bytes are ours, and say the same to us.
void compare_arguments(BytesView bytes, const boost::json::array& arguments) {
    const auto viems = to_hex(bytes);
    EXPECT_EQ(to_hex(written(arguments).arguments()), viems);
    AbiReader reader(bytes);
    EXPECT_EQ(to_hex(read_and_written(reader, arguments).arguments()), viems);
    EXPECT_EQ(reader.error(), std::nullopt);
}

TEST(AgainstViem, EveryFunctionEventAndErrorOfOurContractsIsWrittenAndRead) {
    std::set<std::string> contracts;
    for_each_viem_case("abi", 3, [&](const ViemCase& one) {
        contracts.insert(one.text("contract"));
        const auto signature = one.text("signature");
        EXPECT_EQ(topic_of(signature), one.hash("id"));
        const auto data = one.bytes("data");
        const auto& arguments = one.list("arguments");
        if (one.text("is") == "event") {
            compare_arguments(data, arguments);
            const auto& indexed = one.list("indexed");
            std::string topics = "0x";
            for (const auto& topic : one.list("topics")) topics += topic.as_string().subview(2);
            EXPECT_EQ(to_hex(written(indexed).arguments()), topics);
            return;
        }
        const auto selector = selector_of(signature);
        EXPECT_EQ(to_hex(written(arguments).call(selector)), to_hex(data));
        compare_arguments(BytesView(data).subspan(Selector::size), arguments);
        if (one.text("is") == "function" && !one.list("results").empty()) {
            compare_arguments(one.bytes("returned"), one.list("results"));
        }
    });
    if (IsSkipped()) return;
    for (const char* name : {"Vault", "Bridge", "TestToken", "SyntheticExchange",
                             "ConstantProductPool", "LendingPool", "BinaryMarket"}) {
        EXPECT_TRUE(contracts.contains(name)) << name;
    }
}

base::OrderRef ref_in(const ViemCase& one) {
    return {.origin = {.kind = static_cast<base::EntityKind>(one.small("kind")),
                       .id = one.number64("id"),
                       .sub = static_cast<std::uint32_t>(one.number64("sub"))},
            .number = static_cast<std::uint32_t>(one.number64("number"))};
}

Token token_in(const ViemCase& one, AssetId asset) {
    return {.asset = asset, .contract = one.address("address"), .decimals = one.small("decimals")};
}

struct Described {
    base::Listing listing;
    VaultTerms terms;
    ledger::ShardOrder order;
};

Described order_in(const ViemCase& one) {
    Described made;
    made.listing.assets = {
        {"PAID", one.inner("paid").small("scale"), base::AssetKind::stable, "", ""},
        {"HAD", one.inner("traded").small("scale"), base::AssetKind::spot, "", ""}};
    made.listing.instruments = {{"HAD", base::InstrumentKind::in_kind, traded_asset, paid_asset}};
    made.terms.shard = this_shard;
    made.terms.tokens = {token_in(one.inner("paid"), paid_asset),
                         token_in(one.inner("traded"), traded_asset)};
    auto& order = made.order;
    order.ref = ref_in(one);
    order.shard = this_shard;
    order.deadline = {one.signed64("deadline")};
    if (one.text("kind_of_call") == "trade") {
        made.terms.venues = {{traded_pair, one.address("venue")}};
        order.kind = OrderKind::swap;
        order.instrument = traded_pair;
        order.quantity = Amount{one.signed64("quantity")};
        order.bound = base::Price{one.signed64("price")};
        return made;
    }
    order.asset = paid_asset;
    order.amount = Amount{one.signed64("amount")};
    if (one.text("kind_of_call") == "pay") {
        order.kind = OrderKind::pay_out;
        order.destination = one.text("destination");
        return made;
    }
    const auto way = one.inner("way");
    made.terms.ways = {{other_shard,
                        {.bridge = way.address("bridge"),
                         .chain_id = way.number64("chain_id"),
                         .vault = way.address("vault")}}};
    order.kind = OrderKind::bridge_out;
    order.to_shard = other_shard;
    return made;
}

TEST(AgainstViem, OrdersAreTheSameCallsOfTheVault) {
    std::set<std::string> kinds;
    for_each_viem_case("orders", viem_cases, [&](const ViemCase& one) {
        kinds.insert(one.text("kind_of_call"));
        const auto made = order_in(one);
        const auto intent = intent_of(one.text("cluster"), made.order.ref);
        EXPECT_EQ(intent, one.hash("intent"));
        const auto call = call_of(made.terms, made.listing, intent, made.order);
        ASSERT_TRUE(call.has_value());
        EXPECT_EQ(to_hex(*call), one.text("data"));
    });
    if (IsSkipped()) return;
    EXPECT_EQ(kinds, (std::set<std::string>{"bridgeOut", "pay", "trade"}));
}

TEST(AgainstViem, TokensAndVenuesAreCalledTheSame) {
    for_each_viem_case("token_calls", viem_cases, [](const ViemCase& one) {
        const auto owner = one.address("owner");
        const auto other = one.address("other");
        const auto amount = one.number("amount");
        EXPECT_EQ(to_hex(approval(owner, {}, other).data), one.text("approval"));
        EXPECT_EQ(to_hex(minting(owner, {}, other, amount).data), one.text("minting"));
        EXPECT_EQ(to_hex(balance_of(owner)), one.text("balance"));
        EXPECT_EQ(to_hex(allowance_of(owner, other)), one.text("allowance"));
        const auto trade = [&](bool is_buy) {
            return to_hex(trade_at_any_price(owner, {}, other, is_buy, amount).data);
        };
        EXPECT_EQ(trade(true), one.text("buy"));
        EXPECT_EQ(trade(false), one.text("sale"));
    });
}

Log log_in(const ViemCase& told, const Address& address, const Hash& transaction) {
    Log log;
    log.address = address;
    log.transaction = transaction;
    for (const auto& topic : told.list("topics")) {
        log.topics.push_back(*parse_fixed<Hash>(topic.as_string()));
    }
    log.data = told.bytes("data");
    return log;
}

// Nothing where what was told is no whole number of units.
std::optional<Amount> units_in(const ViemCase& told) {
    if (told.at("units").is_null()) return std::nullopt;
    return Amount{told.signed64("units")};
}

TEST(AgainstViem, WhatAVaultTellsOfAnOrderIsRead) {
    for_each_viem_case("events", viem_cases, [](const ViemCase& one) {
        VaultTerms terms;
        terms.vault = one.address("vault");
        const auto ended = parse_ended(terms, log_in(one.inner("ended"), terms.vault, {}));
        ASSERT_TRUE(ended.has_value());
        EXPECT_EQ(ended->intent, one.hash("intent"));
        EXPECT_EQ(static_cast<int>(ended->result), one.small("result"));
        EXPECT_EQ(ended->given, one.address("given"));
        EXPECT_EQ(ended->given_amount, one.number("given_amount"));
        EXPECT_EQ(ended->received, one.address("received"));
        EXPECT_EQ(ended->received_amount, one.number("received_amount"));
        EXPECT_EQ(ref_of(one.text("cluster"), ended->intent), ref_in(one));
    });
}

TEST(AgainstViem, WhatComesInIsRead) {
    for_each_viem_case("events", viem_cases, [](const ViemCase& one) {
        base::Listing listing;
        listing.assets = {
            {"PAID", one.inner("token").small("scale"), base::AssetKind::stable, "", ""}};
        VaultTerms terms{
            .shard = this_shard,
            .vault = one.address("vault"),
            .tokens = {token_in(one.inner("token"), paid_asset)},
            .venues = {},
            .ways = {{other_shard, {.bridge = one.address("given"), .chain_id = 1, .vault = {}}}}};
        const base::AccountId account{one.number64("account")};
        const auto told = one.inner("deposited");
        const auto log = log_in(told, terms.vault, one.hash("transaction"));
        const auto deposit =
            inflow_of(terms, listing, base::broker_of(account), one.text("cluster"), log);
        const auto units = units_in(told);
        ASSERT_EQ(deposit.has_value(), units.has_value());
        if (deposit) {
            const auto& notice = std::get<ledger::DepositNotice>(*deposit);
            EXPECT_EQ(notice.account, account);
            EXPECT_EQ(notice.amount, *units);
            EXPECT_EQ(notice.asset, paid_asset);
            EXPECT_EQ(notice.id, from_bytes(told.bytes("id")));
        }

        const auto delivered = one.inner("delivered");
        const auto sent_as = ref_in(one);
        const auto arrival =
            inflow_of(terms, listing, base::broker_of(sent_as.origin), one.text("cluster"),
                      log_in(delivered, one.address("given"), one.hash("transaction")));
        const auto arrived = units_in(delivered);
        ASSERT_EQ(arrival.has_value(), arrived.has_value());
        if (arrival) {
            const auto& notice = std::get<ledger::ArrivalNotice>(*arrival);
            EXPECT_EQ(notice.ref, sent_as);
            EXPECT_EQ(notice.amount, *arrived);
            EXPECT_EQ(notice.asset, paid_asset);
        }
    });
}

TEST(AgainstViem, WhatABridgeHasSentIsRead) {
    for_each_viem_case("events", viem_cases, [](const ViemCase& one) {
        const auto token = one.inner("token");
        ChainSite site;
        site.bridge = one.address("given");
        site.tokens = {{.symbol = "PAID",
                        .asset = "PAID",
                        .contract = token.address("address"),
                        .decimals = token.small("decimals"),
                        .scale = token.small("scale")}};
        const auto sent = one.inner("sent");
        const auto passage = parse_sent(site, log_in(sent, *site.bridge, one.hash("transaction")));
        ASSERT_TRUE(passage.has_value());
        EXPECT_EQ(passage->intent, one.hash("intent"));
        EXPECT_EQ(passage->to_chain, one.number64("chain_id"));
        EXPECT_EQ(passage->to, one.address("vault"));
        EXPECT_EQ(passage->symbol, "PAID");
        EXPECT_EQ(passage->decimals, token.small("decimals"));
        EXPECT_EQ(passage->amount, sent.number("raw"));
    });
}

}  // namespace
}  // namespace crossclear::shards::evm
