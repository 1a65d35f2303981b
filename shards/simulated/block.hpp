#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/words.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

/// What a simulated chain writes down: blocks with all their effects, and reorganisations. A chain
/// is rebuilt from effects, never by executing again, so prices and faults need no history.

namespace crossclear::shards::simulated {

/// Whose tokens. All but vaults and margins stand for the world outside and may run negative.
enum class PlaceKind : std::uint8_t {
    vault = 1,    ///< A broker's address.
    margin = 2,   ///< A broker's margin at the contract venue; never negative.
    clients = 3,  ///< Everyone who deposits and is paid out.
    venue = 4,    ///< The other side of every swap and contract.
    gas = 5,      ///< Burnt.
    lost = 6,     ///< What failing protocols destroyed.
    bridge = 7,   ///< Departed less arrived; summed over all chains, what is on its way.
};

/// One holder of tokens. `broker` counts for vaults and margins and is zero elsewhere.
struct Place {
    PlaceKind kind{PlaceKind::clients};
    base::BrokerId broker;

    friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

/// Tokens changing hands. Nothing on a chain changes a balance in another way, so each asset's
/// balances on a chain sum to zero.
struct Move {
    Place from;
    Place to;
    base::AssetId asset;
    base::Amount amount;

    friend bool operator==(const Move&, const Move&) = default;
};

/// A broker's contracts in one instrument.
struct Position {
    base::Amount quantity;  ///< Signed.
    base::Amount carried;   ///< Its value when last settled plus fills since, settlement units.
    std::optional<base::Price> funding{};  ///< The index up to which that counts funding.

    friend bool operator==(const Position&, const Position&) = default;
};

/// A position as a transaction left it.
struct PositionChange {
    base::BrokerId broker;
    base::InstrumentId instrument;
    Position after;

    friend bool operator==(const PositionChange&, const PositionChange&) = default;
};

/// An order of ours and what came of it, finality aside.
struct OrderExecuted {
    ledger::ShardOrder order;
    ledger::OrderNotice outcome;

    friend bool operator==(const OrderExecuted&, const OrderExecuted&) = default;
};

/// A client's transfer to a broker's vault, with the account as its memo.
struct DepositMade {
    std::uint64_t id{};  ///< 0 until it is first included; kept when a reorganisation undoes that.
    base::AccountId account;
    base::AssetId asset;
    base::Amount amount;

    friend bool operator==(const DepositMade&, const DepositMade&) = default;
};

/// A broker's tokens coming out of the bridge.
struct TokensArrived {
    base::OrderRef ref;
    base::AssetId asset;
    base::Amount amount;

    friend bool operator==(const TokensArrived&, const TokensArrived&) = default;
};

/// The venue settling a position against the world's price, or liquidating it.
struct VariationSettled {
    base::BrokerId broker;
    std::uint64_t number{};
    base::InstrumentId instrument;
    base::Amount change;
    base::Amount closed;  ///< What a liquidation, or the contract's end, added to the position.

    friend bool operator==(const VariationSettled&, const VariationSettled&) = default;
};

/// A protocol failing at a loss: every vault loses a share of the asset.
struct LossTaken {
    base::AssetId asset;
    base::Ppm share;

    friend bool operator==(const LossTaken&, const LossTaken&) = default;
};

using Content =
    std::variant<OrderExecuted, DepositMade, TokensArrived, VariationSettled, LossTaken>;

/// One transaction with its effects.
struct Entry {
    Content content;
    std::vector<Move> moves;
    std::optional<PositionChange> position;

    friend bool operator==(const Entry&, const Entry&) = default;
};

/// A block that holds something. Empty ones are not kept: the time grid says that they exist, and
/// `parent` is the hash of the last one kept.
struct Block {
    std::uint64_t height{};
    std::uint64_t parent{};
    std::uint64_t hash{};
    std::vector<Entry> entries;

    friend bool operator==(const Block&, const Block&) = default;
};

/// All blocks above `kept_height` are replaced by others.
struct Reorganised {
    std::uint64_t kept_height{};

    friend bool operator==(const Reorganised&, const Reorganised&) = default;
};

/// An order refused before it was taken: nothing will ever happen under its reference.
struct Tombstone {
    base::OrderRef ref;
    ledger::ShardRefusal why{};

    friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

/// The chain has come this far. Written when a block becomes final, so that what was told as final
/// stays so even if the clock is set back before a restart.
struct HeadReached {
    std::uint64_t height{};

    friend bool operator==(const HeadReached&, const HeadReached&) = default;
};

using Record = std::variant<Block, Reorganised, Tombstone, HeadReached>;

/// The hash of everything in a block but its own hash field.
[[nodiscard]] std::uint64_t hash_of(const Block& block);

}  // namespace crossclear::shards::simulated
