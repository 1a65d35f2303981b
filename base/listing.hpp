#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/option.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What exists: assets, instruments and shards by position. Fixed while a process runs; a cluster's
/// journal remembers its positions, so entries are appended and never reordered.

namespace crossclear::base {

/// What stands behind an asset.
enum class AssetKind : std::uint8_t {
    cash,       ///< The numeraire.
    spot,       ///< A coin held in kind.
    synthetic,  ///< A coin's price, issued by a protocol.
    stable,     ///< A claim on one dollar.
    contract,   ///< Counted as memo; only its variation is money.
    pool,       ///< A share of a pool of two tokens.
    lending,    ///< A token lent at a protocol.
    outcome,    ///< A contract that pays a dollar if an event ends so, and else nothing.
    option,     ///< A contract that pays what its coin is worth beyond a strike, and else nothing.
};

/// Whether positions in it are counted as memo and paid by variation.
[[nodiscard]] constexpr bool is_contract(AssetKind kind) noexcept {
    return kind == AssetKind::contract || kind == AssetKind::outcome || kind == AssetKind::option;
}

/// Whether it is collateral only: no instrument trades it.
[[nodiscard]] constexpr bool is_untraded(AssetKind kind) noexcept {
    return kind == AssetKind::pool || kind == AssetKind::lending;
}

/// Whether its price is made of other assets' prices: nobody publishes a mark of it.
[[nodiscard]] constexpr bool is_derived(AssetKind kind) noexcept {
    return is_untraded(kind) || kind == AssetKind::option;
}

/// Whether it is traded at a price of zero, too: all it can pay may be out of reach.
[[nodiscard]] constexpr bool may_be_worthless(AssetKind kind) noexcept {
    return kind == AssetKind::outcome || kind == AssetKind::option;
}

/// Anything a ledger counts.
struct AssetInfo {
    std::string symbol;  ///< `sBTC`.
    int scale{};         ///< Decimal digits of its minor unit, at most 9.
    AssetKind kind{AssetKind::spot};
    /// The coin whose price moves it: `BTC`; empty for dollars, outcomes, pools and what is lent.
    std::string underlying;
    std::string protocol;  ///< Who can fail: `synthetix`; empty for a coin of its own.
};

/// How a trade in an instrument is delivered.
enum class InstrumentKind : std::uint8_t {
    in_kind,           ///< The asset against the settlement token.
    linear_perpetual,  ///< A contract; profit and loss in the settlement token.
    dated_future,      ///< The same, up to a last price.
    prediction,        ///< A share of an outcome, up to a last price of zero or a dollar.
    option,            ///< European, paid out in cash: up to its intrinsic value.
};

inline constexpr std::size_t instrument_kinds = 5;

/// Whether a trade in it opens or closes a contract.
[[nodiscard]] constexpr bool is_contract(InstrumentKind kind) noexcept {
    return kind != InstrumentKind::in_kind;
}

/// How a contract ends.
struct Expiry {
    Timestamp at{};  ///< Nobody trades it from then on.
    /// The last price is the average of its coin's marks over so much time before; zero: an
    /// operator says what it is.
    Duration average_over{};
    Duration dispute_for{};  ///< How long what was proposed can be disputed.

    friend bool operator==(const Expiry&, const Expiry&) = default;
};

/// Anything a trade can name.
struct InstrumentInfo {
    std::string symbol;  ///< `sBTC` or `BTC-PERP`.
    InstrumentKind kind{InstrumentKind::in_kind};
    AssetId base;                         ///< What is counted: the token, or the contract.
    AssetId settlement;                   ///< What it is paid in.
    std::optional<Expiry> expiry{};       ///< Of dated futures, predictions and options.
    std::optional<OptionTerms> option{};  ///< Of options.

    /// Whether its last price is being averaged, and so in part known: no position may grow.
    [[nodiscard]] bool is_averaged(Timestamp now) const {
        return expiry.has_value() && expiry->at - expiry->average_over <= now;
    }
    /// Whether it has come to its end: no perpetual ever does.
    [[nodiscard]] bool has_expired(Timestamp now) const {
        return expiry.has_value() && expiry->at <= now;
    }
};

/// An execution domain: what can be held there and what can be traded there.
struct ShardInfo {
    std::string symbol;
    std::vector<AssetId> assets;
    std::vector<InstrumentId> instruments;
    AssetId gas;          ///< The asset fees are paid in.
    bool takes_margin{};  ///< A venue of contracts: margin is posted, not paid.
};

/// The whole listing. Lookups by symbol are linear: they happen at start and at the door.
struct Listing {
    std::vector<AssetInfo> assets;
    std::vector<InstrumentInfo> instruments;
    std::vector<ShardInfo> shards;

    /// What an id stands for. **Requires:** it is listed.
    [[nodiscard]] const AssetInfo& asset(AssetId id) const;
    [[nodiscard]] const InstrumentInfo& instrument(InstrumentId id) const;
    [[nodiscard]] const ShardInfo& shard(ShardId id) const;

    /// What has that symbol, if anything has.
    [[nodiscard]] std::optional<AssetId> find_asset(std::string_view symbol) const;
    [[nodiscard]] std::optional<InstrumentId> find_instrument(std::string_view symbol) const;
    [[nodiscard]] std::optional<ShardId> find_shard(std::string_view symbol) const;

    /// The instrument whose base is `asset`, if one trades it.
    [[nodiscard]] std::optional<InstrumentId> instrument_of(AssetId asset) const;
    /// When what trades `asset` ends, if it ever does. **Requires:** it is listed.
    [[nodiscard]] std::optional<Timestamp> end_of(AssetId asset) const;
    /// Shards that trade `instrument`, in listing order.
    [[nodiscard]] std::vector<ShardId> venues_of(InstrumentId instrument) const;
};

/// Says what is wrong with a listing in one sentence, or nothing: symbols unique, scales in range,
/// references inside the tables, instruments with one base each.
[[nodiscard]] std::optional<std::string> fault_of(const Listing& listing);

}  // namespace crossclear::base
