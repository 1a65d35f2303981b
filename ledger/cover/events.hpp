#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"

#include <variant>

/// What became true of one broker's quota of cover in one partition. A quota is what the
/// partition's FREE and HELD may sum to: granted by the home partition, plus final deposits, minus
/// what was given back or left with a withdrawal. Both figures here are totals since the beginning,
/// so that a repeated or late message does no harm.

namespace crossclear::ledger::cover {

/// The home partition has granted this much in all.
struct QuotaArrived {
    base::AssetId asset;
    base::Amount granted_total;
    friend bool operator==(const QuotaArrived&, const QuotaArrived&) = default;
};

/// The partition has given back this much in all, beside what left with withdrawals.
struct QuotaReturned {
    base::AssetId asset;
    base::Amount returned_total;
    friend bool operator==(const QuotaReturned&, const QuotaReturned&) = default;
};

using Event = std::variant<QuotaArrived, QuotaReturned>;

}  // namespace crossclear::ledger::cover
