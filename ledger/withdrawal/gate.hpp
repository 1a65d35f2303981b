#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <deque>
#include <map>

/// The rate gate: how much of an asset may leave a broker in an hour, and what is already promised.

namespace crossclear::ledger::withdrawal {

/// A withdrawal that wants to leave.
struct Departure {
    base::EntityId withdrawal;
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;

    friend bool operator==(const Departure&, const Departure&) = default;
};

/// What the gate remembers. Begins anew with its host: what had left before a restart is forgotten.
struct Gate {
    struct Outflow {
        base::Timestamp at;
        base::AssetId asset;
        base::Amount amount;

        friend bool operator==(const Outflow&, const Outflow&) = default;
    };
    std::map<base::EntityId, Departure> approved;  ///< On their way out.
    std::deque<Outflow> outflows;                  ///< Of the last hour.

    friend bool operator==(const Gate&, const Gate&) = default;
};

/// How an asset stands with the broker at this moment.
struct Standing {
    base::Amount holdings;   ///< NOSTRO over all shards.
    base::Amount suspended;  ///< SUSPENSE over all shards: debit where tokens are missing.
    base::Amount on_shard;   ///< NOSTRO where it is to be paid.
    bool is_current{};       ///< The figures know of everything decided so far.
};

/// What the gate says of one departure.
struct Findings {
    bool is_gate_open{};  ///< Within the hour's share, and no tokens of the asset are missing.
    bool is_covered{};    ///< Enough on the shard for it and for all that was let through.

    friend bool operator==(const Findings&, const Findings&) = default;
};

/// Looks whether a departure may pass; changes nothing. `hour_max` is the share of holdings that
/// may leave in an hour. **Rounding:** down, against the departure.
[[nodiscard]] Findings look(const Gate& gate, const Departure& departure, const Standing& standing,
                            base::Ppm hour_max, base::Timestamp now);
/// Lets it through: it counts from now on. A repeat counts once.
void let_through(Gate& gate, const Departure& departure, base::Timestamp now);
/// What was let through and may still take from an asset on one shard.
[[nodiscard]] base::Amount leaving(const Gate& gate, base::ShardId shard, base::AssetId asset);
/// It has ended, or was dropped: what it held on its shard is free. What left stays counted.
void forget(Gate& gate, const base::EntityId& withdrawal);

}  // namespace crossclear::ledger::withdrawal
