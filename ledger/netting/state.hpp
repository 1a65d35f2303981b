#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/netting/deposit_set.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/words.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <set>

/// What we know of one broker's house.

namespace crossclear::ledger::netting {

/// A client's deposit and how far its account knows of it.
struct Deposit {
    base::AccountId account;
    base::AssetId asset;
    base::Amount amount;
    Finality recorded{Finality::unseen};
    Finality acknowledged{Finality::unseen};
    bool is_acknowledged{};  ///< The account has booked `recorded`.
    std::uint64_t block{};   ///< Where it stands; 0 before any block.

    friend bool operator==(const Deposit&, const Deposit&) = default;
};

/// How far the last price of a contract has come.
enum class PricePhase : std::uint8_t {
    proposed = 1,
    disputed = 2,  ///< Another one has to be proposed.
    fixed = 3,
};

/// The end of one contract.
struct Expiry {
    PricePhase phase{PricePhase::proposed};
    base::Price price{};
    base::Timestamp fixed_from{};                         ///< Unless it is disputed by then.
    base::Timestamp at{};                                 ///< Of the phase.
    std::map<base::CommandId, std::uint64_t> answered{};  ///< Bodies of operators' commands.

    friend bool operator==(const Expiry&, const Expiry&) = default;
};

/// Cover in one partition.
struct PartitionAsset {
    base::PartitionId partition;
    base::AssetId asset;

    friend constexpr auto operator<=>(const PartitionAsset&, const PartitionAsset&) = default;
};

/// Margin at one venue.
struct VenueAsset {
    base::ShardId venue;
    base::AssetId asset;

    friend constexpr auto operator<=>(const VenueAsset&, const VenueAsset&) = default;
};

/// How often in a row a venue has refused to move margin, and when last.
struct Refusals {
    std::uint32_t count{};
    base::Timestamp last;

    friend bool operator==(const Refusals&, const Refusals&) = default;
};

/// What was let out of an asset in the `gate_step` that begins at `from`.
struct OutflowKey {
    base::AssetId asset;
    base::Timestamp from;

    friend constexpr auto operator<=>(const OutflowKey&, const OutflowKey&) = default;
};

/// One broker's house.
struct State {
    base::EntityId id;
    std::uint16_t partitions{};  ///< How many the cluster has; set by the host, never changes.
    bool is_founded{};
    std::uint64_t numbers{};                            ///< Hedges and moves opened so far.
    std::map<std::uint64_t, HedgeOpened> hedges;        ///< Open ones.
    std::set<std::uint64_t> called_off;                 ///< Of the open ones, those not wanted.
    std::map<std::uint64_t, MoveOpened> moves;          ///< Open ones.
    std::map<PartitionAsset, base::Amount> granted;     ///< Totals.
    std::map<PartitionAsset, base::Amount> deposited;   ///< Totals of final deposits.
    std::map<DepositKey, Deposit> deposits;             ///< Not final and acknowledged.
    DepositSet deposits_done;                           ///< So that none is ever booked twice.
    std::map<base::ShardId, std::uint64_t> variations;  ///< The last number per venue.
    /// Margin known to be at each venue and not on its way out: never more than POSTED says.
    std::map<VenueAsset, base::Amount> posted;
    /// Moves of margin that a venue refused, one after the other.
    std::map<VenueAsset, Refusals> refusals;
    /// The highest block that held a deposit, until it is final, and was replaced: what is told of
    /// blocks up to there is late.
    std::map<DepositKey, std::uint64_t> deposits_gone;
    std::map<DepartureKey, Departure> departures;  ///< Approved, and not over.
    std::map<OutflowKey, base::Amount> outflows;   ///< Approved within the gate's day.
    std::map<base::AssetId, Expiry> expiries;      ///< Of contracts that have expired.

    friend bool operator==(const State&, const State&) = default;
};

}  // namespace crossclear::ledger::netting
