#include "shards/evm/vault.hpp"

#include "shards/evm/abi.hpp"
#include "shards/evm/keccak.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace crossclear::shards::evm {
namespace {

using base::Failure;
using ledger::OrderKind;
using ledger::ShardOrder;
using ledger::ShardRefusal;

// Of an intent: a reference takes the other 17.
constexpr std::ptrdiff_t cluster_bytes = 15;
// What native tokens of EVM chains count in.
constexpr int native_decimals = 18;

Uint256 power_of_ten(int n) {
    Uint256 power = 1;
    for (int i = 0; i < n; ++i) power *= 10;
    return power;
}

const Token* token_of(const VaultTerms& terms, base::AssetId asset) {
    const auto found = std::find_if(terms.tokens.begin(), terms.tokens.end(),
                                    [asset](const Token& token) { return token.asset == asset; });
    return found == terms.tokens.end() ? nullptr : &*found;
}

const Token* token_at(const VaultTerms& terms, const Address& contract) {
    const auto found =
        std::find_if(terms.tokens.begin(), terms.tokens.end(),
                     [&contract](const Token& token) { return token.contract == contract; });
    return found == terms.tokens.end() ? nullptr : &*found;
}

// Two's complement, as the machine has signed numbers.
Uint256 signed_word(std::int64_t sign, const Uint256& size) {
    return sign < 0 ? Uint256{0} - size : size;
}

std::uint64_t size_of(std::int64_t value) {
    return value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                     : static_cast<std::uint64_t>(value);
}

// The second after which nothing happens; a deadline within a second is that second's.
Uint256 seconds_of(base::Timestamp deadline) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, deadline.us)) / 1'000'000;
}

std::optional<base::Amount> in_our_units(const Uint256& raw, const Uint256& unit) {
    if (raw % unit != 0) return std::nullopt;
    const Uint256 count = raw / unit;
    if (count > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return base::Amount{static_cast<std::int64_t>(count)};
}

struct Side {
    base::AssetId asset;
    base::Amount amount;
};

// What the vault says of one token; nothing of a token where nothing moved.
std::optional<Side> side_of(const VaultTerms& terms, const base::Listing& listing,
                            const Address& contract, const Uint256& raw) {
    if (raw == 0) return Side{};
    const Token* token = token_at(terms, contract);
    const auto unit = token == nullptr ? std::nullopt : unit_of(*token, listing);
    const auto amount = unit ? in_our_units(raw, *unit) : std::nullopt;
    if (!amount) return std::nullopt;
    return Side{.asset = token->asset, .amount = *amount};
}

std::optional<ShardRefusal> refusal_of(const Hash& topic) {
    const auto number = from_bytes(topic.bytes);
    if (number > static_cast<std::uint64_t>(ShardRefusal::protocol_failed)) return std::nullopt;
    return static_cast<ShardRefusal>(static_cast<std::uint8_t>(number));
}

base::Result<Bytes, ShardRefusal> trade_call(const VaultTerms& terms, const base::Listing& listing,
                                             const Hash& intent, const ShardOrder& order) {
    const auto& instrument = listing.instrument(order.instrument);
    const auto venue = terms.venues.find(order.instrument);
    const Token* traded = token_of(terms, instrument.base);
    const Token* paid = token_of(terms, instrument.settlement);
    const bool is_known = venue != terms.venues.end() && traded != nullptr && paid != nullptr;
    if (!is_known) return Failure{ShardRefusal::unsupported};
    const auto unit = unit_of(*traded, listing);
    const auto limit = limit_of(order.bound, traded->decimals, paid->decimals);
    if (!unit || !limit || order.quantity.v == 0) return Failure{ShardRefusal::unsupported};
    return AbiWriter{}
        .add(intent)
        .add(seconds_of(order.deadline))
        .add(venue->second)
        .add(traded->contract)
        .add(signed_word(order.quantity.v, size_of(order.quantity.v) * *unit))
        .add(*limit)
        .call(selector_of("trade(bytes32,uint64,address,address,int256,uint256)"));
}

}  // namespace

Hash intent_of(std::string_view cluster, const base::OrderRef& ref) {
    Hash intent = keccak256(fmt::format("crossclear/{}", cluster));
    auto at = intent.bytes.begin() + cluster_bytes;
    const auto put = [&at](std::uint64_t number, int bytes) {
        for (int i = bytes - 1; i >= 0; --i) *at++ = static_cast<std::uint8_t>(number >> (8 * i));
    };
    put(static_cast<std::uint64_t>(ref.origin.kind), 1);
    put(ref.origin.id, 8);
    put(ref.origin.sub, 4);
    put(ref.number, 4);
    return intent;
}

std::optional<base::OrderRef> ref_of(std::string_view cluster, const Hash& intent) {
    auto at = intent.bytes.begin() + cluster_bytes;
    const auto take = [&at](int bytes) {
        std::uint64_t number = 0;
        for (int i = 0; i < bytes; ++i) number = number << 8 | *at++;
        return number;
    };
    const auto kind = static_cast<base::EntityKind>(take(1));
    // Who wants an effect of a shard: others never do.
    const bool wants_effects =
        kind == base::EntityKind::hedge || kind == base::EntityKind::instruction;
    if (!wants_effects) return std::nullopt;
    base::OrderRef ref;
    ref.origin.kind = kind;
    ref.origin.id = take(8);
    ref.origin.sub = static_cast<std::uint32_t>(take(4));
    ref.number = static_cast<std::uint32_t>(take(4));
    if (intent_of(cluster, ref) != intent) return std::nullopt;
    return ref;
}

std::optional<Uint256> unit_of(const Token& token, const base::Listing& listing) {
    const int more = token.decimals - listing.asset(token.asset).scale;
    if (more < 0 || token.decimals > decimals_max) return std::nullopt;
    return power_of_ten(more);
}

std::optional<Uint256> limit_of(base::Price price, int base_decimals, int quote_decimals) {
    constexpr int one_decimals = 36;
    const int exponent = one_decimals - base::price_scale + quote_decimals - base_decimals;
    // 63 bits of a price leave room for 57 digits.
    if (price.v <= 0 || exponent < 0 || exponent > 57) return std::nullopt;
    return Uint256{static_cast<std::uint64_t>(price.v)} * power_of_ten(exponent);
}

base::Result<Bytes, ShardRefusal> call_of(const VaultTerms& terms, const base::Listing& listing,
                                          const Hash& intent, const ShardOrder& order) {
    if (order.kind == OrderKind::swap) return trade_call(terms, listing, intent, order);
    const Token* token = token_of(terms, order.asset);
    const auto unit = token == nullptr ? std::nullopt : unit_of(*token, listing);
    if (!unit || order.amount.v <= 0) return Failure{ShardRefusal::unsupported};
    const Uint256 raw = size_of(order.amount.v) * *unit;
    switch (order.kind) {
        case OrderKind::pay_out: {
            const auto to = parse_fixed<Address>(order.destination);
            if (!to) return Failure{ShardRefusal::unsupported};
            return AbiWriter{}
                .add(intent)
                .add(seconds_of(order.deadline))
                .add(token->contract)
                .add(*to)
                .add(raw)
                .call(selector_of("pay(bytes32,uint64,address,address,uint256)"));
        }
        case OrderKind::bridge_out: {
            const auto way = terms.ways.find(order.to_shard);
            if (way == terms.ways.end()) return Failure{ShardRefusal::unsupported};
            return AbiWriter{}
                .add(intent)
                .add(seconds_of(order.deadline))
                .add(way->second.bridge)
                .add(token->contract)
                .add(raw)
                .add(Uint256{way->second.chain_id})
                .add(way->second.vault)
                .call(selector_of(
                    "bridgeOut(bytes32,uint64,address,address,uint256,uint64,address)"));
        }
        case OrderKind::swap:
        case OrderKind::contract:
        case OrderKind::post_margin:
        case OrderKind::take_margin:
            break;
    }
    return Failure{ShardRefusal::unsupported};
}

Hash ended_topic() {
    return topic_of("Ended(bytes32,uint8,address,uint256,address,uint256,int256)");
}

std::optional<Ended> parse_ended(const VaultTerms& terms, const Log& log) {
    const bool is_one = log.address == terms.vault && log.topics.size() == 3 &&
                        log.topics.front() == ended_topic() && !log.is_removed;
    const auto result = is_one ? refusal_of(log.topics[2]) : std::nullopt;
    if (!result) return std::nullopt;
    AbiReader reader(log.data);
    Ended ended{.intent = log.topics[1],
                .result = *result,
                .given = reader.address(),
                .given_amount = reader.number(),
                .received = reader.address(),
                .received_amount = reader.number()};
    // What was filled is one of the amounts once more.
    (void)reader.number();
    if (reader.error()) return std::nullopt;
    return ended;
}

std::optional<ledger::OrderNotice> notice_of(const VaultTerms& terms, const base::Listing& listing,
                                             const ShardOrder& order, const Ended& ended) {
    ledger::OrderNotice notice{.ref = order.ref, .refusal = ended.result};
    const auto given = side_of(terms, listing, ended.given, ended.given_amount);
    const auto received = side_of(terms, listing, ended.received, ended.received_amount);
    if (!given || !received) return std::nullopt;
    const bool has_moved = given->amount.v != 0 || received->amount.v != 0;
    if (ended.result != ShardRefusal::none) {
        // What was refused moved nothing.
        return has_moved ? std::nullopt : std::optional{notice};
    }
    notice.given = given->amount;
    notice.given_asset = given->asset;
    notice.received = received->amount;
    notice.received_asset = received->asset;
    if (order.kind != OrderKind::swap) return notice;

    const auto& instrument = listing.instrument(order.instrument);
    const bool is_buy = order.quantity.v > 0;
    const auto traded = is_buy ? notice.received : notice.given;
    const auto cash = is_buy ? notice.given : notice.received;
    if (traded.v == 0) return std::nullopt;
    // For reports alone: rounded against nobody.
    const int shift = base::price_scale + listing.asset(instrument.base).scale -
                      listing.asset(instrument.settlement).scale;
    const Uint256 price =
        shift >= 0 ? size_of(cash.v) * power_of_ten(shift) / size_of(traded.v)
                   : Uint256{size_of(cash.v)} / (power_of_ten(-shift) * size_of(traded.v));
    if (price > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    notice.price = base::Price{static_cast<std::int64_t>(price)};
    return notice;
}

Uint256 native_units(const Uint256& wei, int scale) {
    return wei / power_of_ten(native_decimals - scale);
}

base::Amount saturated(const Uint256& units) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    return base::Amount{units < most ? static_cast<std::int64_t>(units) : most};
}

}  // namespace crossclear::shards::evm
