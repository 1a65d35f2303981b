#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"

#include <compare>
#include <cstdint>
#include <string>

/// The chart of accounts. A broker has one ledger per asset and partition; debits are positive.

namespace crossclear::ledger {

/// Which account of the chart. Stored in reports only; the journal holds events, not postings.
enum class Chart : std::uint8_t {
    // Assets: what the broker holds or is owed. Debit balances.
    nostro,          ///< Per shard: tokens at the broker's address.
    posted,          ///< Per shard: margin at a venue. Not coverage.
    inflight_in,     ///< Deposits seen and not final.
    inflight_hedge,  ///< Per shard: INFLIGHT_OUT of hedges and margin. Not coverage.
    inflight_out,    ///< Per shard: INFLIGHT_OUT of withdrawals and moves. Coverage until final.
    recv,            ///< Per client: what it owes.
    // Liabilities to clients. Credit balances.
    free,       ///< Per client: settled.
    unsettled,  ///< Per client: provisional, junior.
    seen,       ///< Per client: deposits that are not final.
    held,       ///< Per client: set aside for a withdrawal.
    fund,       ///< Clients' shares of the default fund.
    // Equity.
    capital,
    insurance,
    fee_income,
    hedge_pnl,
    gas,  ///< What shards charged; a debit balance.
    // Clearing: stand at zero at marks, or once messages have arrived.
    conv,      ///< Joins both legs of a conversion: the house position in kind.
    vm,        ///< Variation between clients and venues.
    transit,   ///< Joins the two events of one message between partitions.
    suspense,  ///< Per shard: disagreements nobody has resolved.
    // Contracts, as memo: counted in contracts, not money.
    cpos,   ///< Per client.
    hbook,  ///< The house's side of its clients' contracts.
    vpos,   ///< Per shard: the house's own contracts at a venue.
    venue,  ///< The other side of vpos.
};

/// The account's name as reports print it.
[[nodiscard]] const char* name_of(Chart account);

/// Whether the account may only stand on its own side: a wrong sign is a breach.
/// Returns 1 for debit, -1 for credit, 0 for either.
[[nodiscard]] int side_of(Chart account);

/// One line of a booking. The lines of an event sum to zero per asset.
struct Posting {
    Chart account{Chart::conv};
    std::uint64_t sub{};  ///< The client's account, the shard, or 0, as the chart says.
    base::AssetId asset;
    base::Amount amount;  ///< Debit positive.

    friend bool operator==(const Posting&, const Posting&) = default;
};

}  // namespace crossclear::ledger
