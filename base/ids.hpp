#pragma once

#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// Identities. Each is a type of its own, so that no two can be swapped by accident.

namespace crossclear::base {

/// A number that means one kind of thing. `Tag` only tells kinds apart.
template <class Tag, class Rep>
struct Strong {
    using rep = Rep;

    Rep v{};  ///< The bare number, for codecs and indexes.

    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

    template <class Inspector>
    friend bool inspect(Inspector& f, Strong& x) {
        return f.apply(x.v);
    }
};

/// A clearing broker; the position of its profile in the configuration, from 0.
using BrokerId = Strong<struct BrokerTag, std::uint16_t>;
/// A token, USD, or a contract: anything a ledger can count. Position in the listing, from 0.
using AssetId = Strong<struct AssetTag, std::uint16_t>;
/// Anything a position can be held in and a trade can name. Position in the listing, from 0.
using InstrumentId = Strong<struct InstrumentTag, std::uint16_t>;
/// An execution domain that hosts protocols. Position in the listing, from 0.
using ShardId = Strong<struct ShardTag, std::uint16_t>;
/// A slice of our own ledger, from 0; never called a shard.
using PartitionId = Strong<struct PartitionTag, std::uint16_t>;

/// A client's account at one broker: the broker in the upper 16 bits, a number in the lower 48.
/// **Text:** `<broker number>-<account number>`, for example `0-17`.
struct AccountId {
    std::uint64_t v{};

    friend constexpr auto operator<=>(const AccountId&, const AccountId&) = default;

    template <class Inspector>
    friend bool inspect(Inspector& f, AccountId& x) {
        return f.apply(x.v);
    }
};

/// Numbers of accounts stay below this, so that the broker fits beside them.
inline constexpr std::uint64_t account_number_end = std::uint64_t{1} << 48;

/// Composes an id. **Requires:** `number < account_number_end`.
[[nodiscard]] constexpr AccountId account_id(BrokerId broker, std::uint64_t number) {
    CHECK(number < account_number_end, "an account number fits beside its broker");
    return AccountId{(std::uint64_t{broker.v} << 48) | number};
}

/// The broker an account belongs to.
[[nodiscard]] constexpr BrokerId broker_of(AccountId account) noexcept {
    return BrokerId{static_cast<std::uint16_t>(account.v >> 48)};
}

/// The number of an account within its broker.
[[nodiscard]] constexpr std::uint64_t number_of(AccountId account) noexcept {
    return account.v & (account_number_end - 1);
}

/// `0-17`, as the wire and the logs show it.
[[nodiscard]] std::string to_string(AccountId account);

/// Why a text is no account id.
enum class IdError : std::uint8_t { malformed, out_of_range };

/// Reads `<broker>-<number>`, decimal and without leading zeros.
[[nodiscard]] Result<AccountId, IdError> parse_account_id(std::string_view text);

/// Which machine an event belongs to. Numbers are stored; they are never reused.
enum class EntityKind : std::uint8_t {
    account = 1,
    cover = 2,
    netting = 3,
    hedge = 4,
    instruction = 5,
    withdrawal = 6,
    reconcile = 7,
    partition = 8,
    signing = 9,
};

/// One machine's identity inside a cluster.
///
/// account: `id` is the AccountId. cover (one per partition), netting: `id` is the broker. hedge:
/// `id` is broker << 48 | number. withdrawal: `id` is the AccountId and `sub` its number there.
/// instruction: that of its withdrawal, or broker << 48 | number with `sub` 0. reconcile and
/// signing: `id` is the broker and `sub` the shard. partition: `id` is the partition.
struct EntityId {
    EntityKind kind{EntityKind::account};
    std::uint64_t id{};
    std::uint32_t sub{};

    friend constexpr auto operator<=>(const EntityId&, const EntityId&) = default;
};

/// `hedge/0-12` and the like, for logs and reports.
[[nodiscard]] std::string to_string(const EntityId& entity);

/// The machine of one account.
[[nodiscard]] constexpr EntityId entity_of(AccountId account) noexcept {
    return EntityId{.kind = EntityKind::account, .id = account.v, .sub = 0};
}

/// A machine of which a broker has many, by number.
[[nodiscard]] constexpr EntityId entity_of(EntityKind kind, BrokerId broker,
                                           std::uint64_t number) noexcept {
    return EntityId{.kind = kind, .id = (std::uint64_t{broker.v} << 48) | number, .sub = 0};
}

/// A machine of which a broker has one (per shard, where `sub` says which).
[[nodiscard]] constexpr EntityId entity_of(EntityKind kind, BrokerId broker,
                                           ShardId shard = {}) noexcept {
    return EntityId{.kind = kind, .id = broker.v, .sub = shard.v};
}

/// The broker a machine works for. **Requires:** not a partition's machine.
[[nodiscard]] BrokerId broker_of(const EntityId& entity);

/// Our reference for one order or transfer on a shard. The shard applies a reference at most once,
/// which is what makes a repeat safe; an attempt that needs another effect has another reference.
struct OrderRef {
    EntityId origin;         ///< The machine that wants the effect.
    std::uint32_t number{};  ///< Slice or leg, counted by that machine.

    friend constexpr auto operator<=>(const OrderRef&, const OrderRef&) = default;
};

/// `hedge/0-12#3`: the text form a shard stores.
[[nodiscard]] std::string to_string(const OrderRef& ref);

/// The partition that holds a key, by a hash that never changes. **Requires:** `count > 0`.
[[nodiscard]] PartitionId partition_of(std::uint64_t key, std::uint16_t count) noexcept;

/// The partition of an account.
[[nodiscard]] inline PartitionId partition_of(AccountId account, std::uint16_t count) noexcept {
    return partition_of(account.v, count);
}

/// The partition that keeps a broker's shard-side books.
[[nodiscard]] inline PartitionId home_of(BrokerId broker, std::uint16_t count) noexcept {
    return PartitionId{static_cast<std::uint16_t>(broker.v % count)};
}

}  // namespace crossclear::base

template <class Tag, class Rep>
struct std::hash<crossclear::base::Strong<Tag, Rep>> {
    std::size_t operator()(const crossclear::base::Strong<Tag, Rep>& x) const noexcept {
        return std::hash<Rep>{}(x.v);
    }
};

template <>
struct std::hash<crossclear::base::AccountId> {
    std::size_t operator()(const crossclear::base::AccountId& x) const noexcept {
        return std::hash<std::uint64_t>{}(x.v);
    }
};

template <>
struct std::hash<crossclear::base::EntityId> {
    std::size_t operator()(const crossclear::base::EntityId& x) const noexcept {
        return std::hash<std::uint64_t>{}(x.id * 0x9E3779B97F4A7C15ULL ^
                                          (std::uint64_t{x.sub} << 8) ^
                                          static_cast<std::uint64_t>(x.kind));
    }
};
