#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/netting/commands.hpp"
#include "ledger/netting/state.hpp"

/// Whether the house has the means for tokens that a shard has lost.

namespace crossclear::ledger::netting {

/// Tokens that are missing on a shard.
struct Shortfall {
    base::ShardId shard;
    base::AssetId asset;
    base::Amount missing;    ///< And not booked yet.
    base::Amount suspended;  ///< Booked to SUSPENSE before.
};

/// The house's figures about them.
struct Means {
    base::Amount on_shard;  ///< NOSTRO there.
    base::Amount capital;   ///< CAPITAL in the asset.
    CoverLine cover;
    bool is_current{};  ///< The figures know of everything decided so far.
};

/// What may be done about a shortfall.
struct Remedies {
    bool is_bookable{};  ///< NOSTRO bears it beside all that was reserved.
    bool is_bearable{};  ///< CAPITAL does, and clients stay covered.

    friend bool operator==(const Remedies&, const Remedies&) = default;
};

/// Looks; changes nothing. While SUSPENSE stands for what is missing it counts as cover, but not
/// once the broker bears it: then the rest has to cover every promise.
[[nodiscard]] Remedies look(const State& state, const Shortfall& shortfall, const Means& means);

}  // namespace crossclear::ledger::netting
