#include "shards/evm/vault.hpp"

#include "base/saturated.hpp"
#include "shards/evm/abi.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string_view>

// Calls of the vault against what viem 2.57 makes of the same.

namespace crossclear::shards::evm {
namespace {

using base::Amount;
using base::AssetId;
using ledger::OrderKind;
using ledger::ShardOrder;
using ledger::ShardRefusal;

constexpr std::string_view buy =
    "0xed708f3efbe130f3aaee1860260c9ea9db1c6d04000000000000000c0000000000000003000000000000"
    "000000000000000000000000000000000000000000006553f1000000000000000000000000000000000000"
    "00000000000000000000000000005100000000000000000000000000000000000000000000000000000000"
    "0000001100000000000000000000000000000000000000000000000014d1120d7b16000000000000000000"
    "00000000000000000000000000c244f3c35dbdfa4410400000";
constexpr std::string_view sale =
    "0xed708f3efbe130f3aaee1860260c9ea9db1c6d04000000000000000c0000000000000003000000000000"
    "000000000000000000000000000000000000000000006553f1000000000000000000000000000000000000"
    "00000000000000000000000000005100000000000000000000000000000000000000000000000000000000"
    "00000011ffffffffffffffffffffffffffffffffffffffffffffffffeb2eedf284ea000000000000000000"
    "00000000000000000000000000c244f3c35dbdfa4410400000";
constexpr std::string_view payment =
    "0xf8b5c79dfbe130f3aaee1860260c9ea9db1c6d04000000000000000c0000000000000003000000000000"
    "000000000000000000000000000000000000000000006553f1000000000000000000000000000000000000"
    "00000000000000000000000000001000000000000000000000000000000000000000000000000000000000"
    "000000ab000000000000000000000000000000000000000000000000000000000012d687";
constexpr std::string_view departure =
    "0x86cf26d8fbe130f3aaee1860260c9ea9db1c6d04000000000000000c0000000000000003000000000000"
    "000000000000000000000000000000000000000000006553f1000000000000000000000000000000000000"
    "00000000000000000000000000006100000000000000000000000000000000000000000000000000000000"
    "00000010000000000000000000000000000000000000000000000000000000000012d68700000000000000"
    "00000000000000000000000000000000000000000000007a6a000000000000000000000000000000000000"
    "0000000000000000000000000071";
constexpr std::string_view bought =
    "0x000000000000000000000000000000000000000000000000000000000000001000000000000000000000"
    "000000000000000000000000000000000014ff748fd8000000000000000000000000000000000000000000"
    "000000000000000000001100000000000000000000000000000000000000000000000014d1120d7b160000"
    "00000000000000000000000000000000000000000000000014d1120d7b160000";

// `0x` and thirty-eight zeros before a number of two digits.
Address contract(std::string_view digits) {
    return *parse_fixed<Address>("0x" + std::string(40 - digits.size(), '0') + std::string(digits));
}

constexpr AssetId usdc{0};
constexpr AssetId btc{1};
constexpr base::InstrumentId instrument{0};
constexpr base::ShardId here{0};
constexpr base::ShardId there{1};

base::Listing listing() {
    base::Listing made;
    made.assets = {{"USDC", 6, base::AssetKind::stable, "", "circle"},
                   {"sBTC", 8, base::AssetKind::synthetic, "BTC", "synthetix"}};
    made.instruments = {{"sBTC", base::InstrumentKind::in_kind, btc, usdc}};
    return made;
}

VaultTerms terms() {
    return {
        .shard = here,
        .vault = contract("99"),
        .tokens = {{.asset = usdc, .contract = contract("10"), .decimals = 6},
                   {.asset = btc, .contract = contract("11"), .decimals = 18}},
        .venues = {{instrument, contract("51")}},
        .ways = {{there, {.bridge = contract("61"), .chain_id = 31'338, .vault = contract("71")}}}};
}

constexpr base::OrderRef ref{
    .origin = base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 12), .number = 3};
constexpr base::Timestamp deadline{1'700'000'000'999'999};

ShardOrder a_trade(std::int64_t quantity) {
    return {.ref = ref,
            .shard = here,
            .kind = OrderKind::swap,
            .instrument = instrument,
            .quantity = Amount{quantity},
            .bound = base::Price{60'123'450'000'000},
            .deadline = deadline};
}

ShardOrder a_payment() {
    return {.ref = ref,
            .shard = here,
            .kind = OrderKind::pay_out,
            .asset = usdc,
            .amount = Amount{1'234'567},
            .destination = "0x00000000000000000000000000000000000000ab",
            .deadline = deadline};
}

ShardOrder a_departure() {
    auto order = a_payment();
    order.kind = OrderKind::bridge_out;
    order.to_shard = there;
    order.destination.clear();
    return order;
}

std::string call(const ShardOrder& order, const VaultTerms& of = terms()) {
    const auto made = call_of(of, listing(), intent_of("demo", ref), order);
    return made ? to_hex(*made) : "refused " + std::to_string(static_cast<int>(made.error()));
}

TEST(VaultCall, IsWhatViemMakesOfIt) {
    EXPECT_EQ(to_hex(intent_of("demo", ref)),
              "0xfbe130f3aaee1860260c9ea9db1c6d04000000000000000c0000000000000003");
    EXPECT_EQ(call(a_trade(150'000'000)), buy);
    EXPECT_EQ(call(a_trade(-150'000'000)), sale);
    EXPECT_EQ(call(a_payment()), payment);
    EXPECT_EQ(call(a_departure()), departure);
    EXPECT_EQ(to_hex(ended_topic()),
              "0x12454279fe1412af00a2b45d36ffcea3f32d88fbc1107f07b75a15a4e81c0702");
}

TEST(VaultCall, TellsIntentsApart) {
    auto other = ref;
    other.number = 4;
    EXPECT_NE(intent_of("demo", ref), intent_of("demo", other));
    EXPECT_NE(intent_of("demo", ref), intent_of("demo2", ref));
}

TEST(VaultCall, SaysWhoseAnIntentIs) {
    const base::OrderRef refs[] = {
        ref,
        {.origin = base::entity_of(base::EntityKind::instruction, base::BrokerId{0xffff}, 1),
         .number = 0xffff'ffff},
        {.origin = {.kind = base::EntityKind::instruction, .id = ~0ULL, .sub = ~0U}, .number = 0}};
    for (const auto& one : refs) EXPECT_EQ(ref_of("demo", intent_of("demo", one)), one);
    EXPECT_EQ(ref_of("demo2", intent_of("demo", ref)), std::nullopt);
    EXPECT_EQ(ref_of("demo", Hash{}), std::nullopt);
    auto of_account = ref;
    of_account.origin.kind = base::EntityKind::account;
    EXPECT_EQ(ref_of("demo", intent_of("demo", of_account)), std::nullopt);
}

TEST(VaultCall, IsRefusedWhereTheVaultHasNoSuchThing) {
    const std::string unsupported = "refused 6";
    auto order = a_trade(1);
    order.kind = OrderKind::contract;
    EXPECT_EQ(call(order), unsupported);
    EXPECT_EQ(call(a_trade(0)), unsupported);
    order = a_trade(1);
    order.bound = base::Price{0};
    EXPECT_EQ(call(order), unsupported);
    order = a_payment();
    order.destination = "0xab";
    EXPECT_EQ(call(order), unsupported);
    order = a_payment();
    order.amount = Amount{-1};
    EXPECT_EQ(call(order), unsupported);
    auto bare = terms();
    bare.venues.clear();
    bare.ways.clear();
    EXPECT_EQ(call(a_trade(1), bare), unsupported);
    EXPECT_EQ(call(a_departure(), bare), unsupported);
    bare.tokens.clear();
    EXPECT_EQ(call(a_payment(), bare), unsupported);
}

TEST(VaultUnits, OfATokenWithFewerDigitsThanTheLedgerThereAreNone) {
    EXPECT_EQ(unit_of({.asset = btc, .contract = {}, .decimals = 18}, listing()), 10'000'000'000);
    EXPECT_EQ(unit_of({.asset = btc, .contract = {}, .decimals = 8}, listing()), 1);
    EXPECT_EQ(unit_of({.asset = btc, .contract = {}, .decimals = 7}, listing()), std::nullopt);
    EXPECT_EQ(unit_of({.asset = btc, .contract = {}, .decimals = 37}, listing()), std::nullopt);
}

TEST(VaultUnits, LimitsAreExactOrNone) {
    EXPECT_EQ(limit_of(base::Price{1}, 18, 6), Uint256{1'000'000'000'000'000});
    EXPECT_EQ(limit_of(base::Price{1}, 34, 6), std::nullopt);
    EXPECT_EQ(limit_of(base::Price{-1}, 18, 6), std::nullopt);
    EXPECT_TRUE(limit_of(base::Price{std::numeric_limits<std::int64_t>::max()}, 6, 36));
    EXPECT_FALSE(limit_of(base::Price{1}, 5, 36)) << "it may not fit a word";
}

Log an_end(ShardRefusal result, std::string_view data) {
    Hash word;
    word.bytes[31] = static_cast<std::uint8_t>(result);
    Log log;
    log.address = contract("99");
    log.topics = {ended_topic(), intent_of("demo", ref), word};
    log.data = *parse_hex(data);
    return log;
}

TEST(VaultEnd, IsReadAsTheNoticeOfItsOrder) {
    const auto ended = parse_ended(terms(), an_end(ShardRefusal::none, bought));
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->intent, intent_of("demo", ref));
    const auto notice = notice_of(terms(), listing(), a_trade(150'000'000), *ended);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->given, Amount{90'185'175'000});
    EXPECT_EQ(notice->given_asset, usdc);
    EXPECT_EQ(notice->received, Amount{150'000'000});
    EXPECT_EQ(notice->received_asset, btc);
    EXPECT_EQ(notice->price, (base::Price{60'123'450'000'000}));
    EXPECT_EQ(notice->refusal, ShardRefusal::none);
}

TEST(VaultEnd, OfAnotherContractOrAnotherEventIsNone) {
    auto log = an_end(ShardRefusal::none, bought);
    log.address = contract("98");
    EXPECT_FALSE(parse_ended(terms(), log));
    log = an_end(ShardRefusal::none, bought);
    log.topics.front() = {};
    EXPECT_FALSE(parse_ended(terms(), log));
    log = an_end(ShardRefusal::none, bought);
    log.topics.back().bytes[31] = 8;
    EXPECT_FALSE(parse_ended(terms(), log)) << "a result that there is not";
    log = an_end(ShardRefusal::none, bought);
    log.data.pop_back();
    EXPECT_FALSE(parse_ended(terms(), log));
    log = an_end(ShardRefusal::none, bought);
    log.is_removed = true;
    EXPECT_FALSE(parse_ended(terms(), log));
}

// Goal: no figure is believed that the vault cannot have.
TEST(VaultEnd, WithAmountsOfNobodyIsNoNotice) {
    const auto order = a_trade(150'000'000);
    auto ended = *parse_ended(terms(), an_end(ShardRefusal::none, bought));
    ended.received_amount += 1;
    EXPECT_FALSE(notice_of(terms(), listing(), order, ended)) << "no whole units";
    ended = *parse_ended(terms(), an_end(ShardRefusal::none, bought));
    ended.given = contract("77");
    EXPECT_FALSE(notice_of(terms(), listing(), order, ended)) << "no token of the chain";
    ended = *parse_ended(terms(), an_end(ShardRefusal::none, bought));
    ended.given_amount = Uint256{1} << 64;
    EXPECT_FALSE(notice_of(terms(), listing(), order, ended)) << "more than the ledger counts";
    ended = *parse_ended(terms(), an_end(ShardRefusal::price_outside_bound, bought));
    EXPECT_FALSE(notice_of(terms(), listing(), order, ended)) << "refused, and yet moved";
    ended.given_amount = ended.received_amount = 0;
    const auto notice = notice_of(terms(), listing(), order, ended);
    ASSERT_TRUE(notice.has_value());
    EXPECT_EQ(notice->refusal, ShardRefusal::price_outside_bound);
}

TEST(NativeUnits, RoundDown) {
    EXPECT_EQ(native_units(1'999'999'999, 9), 1);
    EXPECT_EQ(native_units(2'000'000'000, 9), 2);
    EXPECT_EQ(native_units(7, 18), 7);
}

TEST(NativeUnits, BeyondWhatTheLedgerCountsAreOffScale) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(saturated(Uint256{most} - 1), Amount{most - 1});
    EXPECT_FALSE(base::is_off_scale(saturated(Uint256{most} - 1)));
    EXPECT_TRUE(base::is_off_scale(saturated(Uint256{most})));
    EXPECT_TRUE(base::is_off_scale(saturated(Uint256{1} << 64)));
    EXPECT_TRUE(base::is_off_scale(saturated(Uint256{1} << 200)));
}

}  // namespace
}  // namespace crossclear::shards::evm
