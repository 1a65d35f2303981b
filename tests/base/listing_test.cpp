#include "base/listing.hpp"

#include "base/limits.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace crossclear::base {
namespace {

Listing a_listing() {
    Listing listing;
    listing.assets = {{"USD", 2, AssetKind::cash, "", ""},
                      {"USDC", 6, AssetKind::stable, "", "circle"},
                      {"sBTC", 8, AssetKind::synthetic, "BTC", "synthetix"},
                      {"BTC-PERP", 8, AssetKind::contract, "BTC", "venue"}};
    listing.instruments = {{"sBTC", InstrumentKind::in_kind, AssetId{2}, AssetId{1}},
                           {"BTC-PERP", InstrumentKind::linear_perpetual, AssetId{3}, AssetId{1}}};
    listing.shards = {{"synthetix", {AssetId{1}, AssetId{2}}, {InstrumentId{0}}, AssetId{1}, false},
                      {"perpetuals", {AssetId{1}}, {InstrumentId{1}}, AssetId{1}, true}};
    return listing;
}

TEST(Listing, WithoutFaultIsAccepted) {
    EXPECT_EQ(fault_of(a_listing()), std::nullopt);
    EXPECT_EQ(fault_of(Listing{}), std::nullopt);
}

TEST(Listing, TakesWhatEnds) {
    auto listing = a_listing();
    auto& ends = listing.instruments[1];
    ends.kind = InstrumentKind::dated_future;
    ends.expiry =
        Expiry{.at = {1'000}, .average_over = seconds(1'800), .dispute_for = limits::dispute_max};
    EXPECT_EQ(fault_of(listing), std::nullopt);
    EXPECT_FALSE(ends.has_expired({999}));
    EXPECT_TRUE(ends.has_expired({1'000}));
    EXPECT_TRUE(ends.is_averaged({0}));
    EXPECT_FALSE(ends.is_averaged(Timestamp{1'000} - seconds(1'801)));
    EXPECT_FALSE(listing.instruments[0].is_averaged({1'000'000}));
    EXPECT_FALSE(listing.instruments[0].has_expired({1'000'000}));
    listing.assets[3].kind = AssetKind::option;
    ends.kind = InstrumentKind::option;
    ends.option = OptionTerms{.type = OptionType::put, .strike = Price{1}};
    EXPECT_EQ(fault_of(listing), std::nullopt);
    ends.option.reset();
    listing.assets[3].kind = AssetKind::outcome;
    ends.kind = InstrumentKind::prediction;
    ends.expiry->average_over = {};
    EXPECT_EQ(fault_of(listing), std::nullopt);
}

TEST(Option, PaysWhatItsCoinIsWorthBeyondItsStrike) {
    struct Row {
        OptionType type;
        std::int64_t coin;
        std::int64_t pays;
    };
    const Row table[] = {{OptionType::call, 61, 1}, {OptionType::call, 60, 0},
                         {OptionType::call, 0, 0},  {OptionType::put, 61, 0},
                         {OptionType::put, 60, 0},  {OptionType::put, 59, 1},
                         {OptionType::put, 0, 60},  {OptionType::call, INT64_MAX, INT64_MAX - 60}};
    for (const auto& [type, coin, pays] : table) {
        EXPECT_EQ(intrinsic_value({.type = type, .strike = Price{60}}, Price{coin}), Price{pays});
    }
}

struct FaultyListing {
    std::function<void(Listing&)> break_it;
    const char* says;
};

TEST(Listing, WithAFaultIsRefusedByName) {
    const FaultyListing table[] = {
        {[](Listing& l) { l.assets[2].symbol = "USDC"; }, "asset USDC is listed twice"},
        {[](Listing& l) { l.assets[2].symbol = ""; }, "asset without a symbol"},
        {[](Listing& l) { l.instruments[1].symbol = "sBTC"; }, "instrument sBTC is listed twice"},
        {[](Listing& l) { l.shards[1].symbol = "synthetix"; }, "shard synthetix is listed twice"},
        {[](Listing& l) { l.assets[2].scale = 10; }, "scale 10"},
        {[](Listing& l) { l.assets[2].scale = -1; }, "scale -1"},
        {[](Listing& l) { l.instruments[0].base = AssetId{4}; }, "unlisted asset"},
        {[](Listing& l) { l.instruments[0].settlement = AssetId{4}; }, "unlisted asset"},
        {[](Listing& l) { l.instruments[0].kind = InstrumentKind::linear_perpetual; },
         "contracts are perpetuals"},
        {[](Listing& l) { l.instruments[1].base = AssetId{2}; }, "contracts are perpetuals"},
        {[](Listing& l) { l.instruments[1].kind = InstrumentKind::prediction; },
         "outcomes are predictions"},
        {[](Listing& l) { l.instruments[1].kind = InstrumentKind::dated_future; },
         "predictions and options expire"},
        {[](Listing& l) { l.instruments[1].expiry = Expiry{.at = {1}}; },
         "predictions and options expire"},
        {[](Listing& l) {
             l.instruments[1].kind = InstrumentKind::dated_future;
             l.instruments[1].expiry = Expiry{};
         },
         "expires at some time"},
        {[](Listing& l) {
             l.instruments[1].kind = InstrumentKind::dated_future;
             l.instruments[1].expiry = Expiry{.at = {1}, .dispute_for = seconds(-1)};
         },
         "at most 90 days"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::outcome;
             l.instruments[1].kind = InstrumentKind::prediction;
             l.instruments[1].expiry =
                 Expiry{.at = {1}, .average_over = seconds(1), .dispute_for = seconds(1)};
         },
         "no average says"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::outcome;
             l.instruments[1].kind = InstrumentKind::prediction;
             l.instruments[1].expiry = Expiry{.at = {1}};
         },
         "can be disputed"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::option;
             l.instruments[1].kind = InstrumentKind::option;
             l.instruments[1].expiry = Expiry{.at = {1}};
         },
         "a type and a strike above 0"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::option;
             l.instruments[1].kind = InstrumentKind::option;
             l.instruments[1].expiry = Expiry{.at = {1}};
             l.instruments[1].option = OptionTerms{};
         },
         "a type and a strike above 0"},
        {[](Listing& l) { l.instruments[1].option = OptionTerms{.strike = Price{1}}; },
         "options have a type"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::option;
             l.instruments[1].kind = InstrumentKind::option;
             l.instruments[1].option = OptionTerms{.strike = Price{1}};
         },
         "options expire"},
        {[](Listing& l) {
             l.assets[3].kind = AssetKind::option;
             l.assets[3].underlying.clear();
         },
         "follows no coin"},
        {[](Listing& l) { l.assets[3].kind = AssetKind::option; }, "options are options"},
        {[](Listing& l) { l.instruments[0].settlement = AssetId{2}; }, "paid in itself"},
        {[](Listing& l) {
             l.assets[l.instruments[0].base.v].kind = AssetKind::pool;
             l.assets[l.instruments[0].base.v].underlying.clear();
         },
         "are not traded"},
        {[](Listing& l) { l.assets[l.instruments[0].settlement.v].kind = AssetKind::lending; },
         "are not traded"},
        {[](Listing& l) {
             l.assets[2].kind = AssetKind::pool;
             l.assets[2].underlying = "BTC";
         },
         "follows BTC"},
        {[](Listing& l) {
             l.instruments.push_back({"other", InstrumentKind::in_kind, AssetId{2}, AssetId{1}});
         },
         "same base"},
        {[](Listing& l) { l.shards[0].gas = AssetId{4}; }, "unlisted asset"},
        {[](Listing& l) { l.shards[0].assets.push_back(AssetId{4}); }, "unlisted asset"},
        {[](Listing& l) { l.shards[0].instruments.push_back(InstrumentId{2}); },
         "unlisted instrument"},
        {[](Listing& l) { l.assets.resize(limits::assets_max + 1); }, "too many assets"},
        {[](Listing& l) { l.instruments.resize(limits::instruments_max + 1); },
         "too many instruments"},
        {[](Listing& l) { l.shards.resize(limits::shards_max + 1); }, "too many shards"},
    };
    for (const auto& row : table) {
        auto listing = a_listing();
        row.break_it(listing);
        const auto fault = fault_of(listing);
        ASSERT_TRUE(fault.has_value()) << row.says;
        EXPECT_NE(fault->find(row.says), std::string::npos) << *fault;
    }
}

TEST(Listing, FindsBySymbol) {
    const auto listing = a_listing();
    EXPECT_EQ(listing.find_asset("sBTC"), AssetId{2});
    EXPECT_EQ(listing.find_asset("sbtc"), std::nullopt);
    EXPECT_EQ(listing.find_instrument("BTC-PERP"), InstrumentId{1});
    EXPECT_EQ(listing.find_instrument("USDC"), std::nullopt);
    EXPECT_EQ(listing.find_shard("perpetuals"), ShardId{1});
    EXPECT_EQ(listing.find_shard(""), std::nullopt);
}

TEST(Listing, KnowsWhoTradesWhat) {
    const auto listing = a_listing();
    EXPECT_EQ(listing.instrument_of(AssetId{3}), InstrumentId{1});
    EXPECT_EQ(listing.instrument_of(AssetId{1}), std::nullopt);
    EXPECT_EQ(listing.venues_of(InstrumentId{1}), std::vector{ShardId{1}});
    EXPECT_TRUE(Listing{}.venues_of(InstrumentId{0}).empty());
}

TEST(Listing, StopsTheProcessOnAnIdItDoesNotHave) {
    EXPECT_DEATH(static_cast<void>(a_listing().asset(AssetId{4})), "names an entry");
}

}  // namespace
}  // namespace crossclear::base
