#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"

#include <compare>
#include <cstdint>
#include <string>

/// The chart of accounts. A broker has one ledger per asset and partition; debits are positive.

namespace crossclear::ledger {

/// Which account of the chart. The journal holds events, not postings; but snapshots of the books
/// hold these numbers, so they are never reused.
enum class Chart : std::uint8_t {
    // Assets: what the broker holds or is owed. Debit balances.
    nostro = 0,          ///< Per shard: tokens at the broker's address.
    posted = 1,          ///< Per shard: margin at a venue. Not coverage.
    inflight_in = 2,     ///< Deposits seen and not final.
    inflight_hedge = 3,  ///< Per shard: INFLIGHT_OUT of hedges and margin. Not coverage.
    inflight_out = 4,  ///< Per shard: INFLIGHT_OUT of withdrawals and moves. Coverage until final.
    recv = 5,          ///< Per client: what it owes.
    // Liabilities to clients. Credit balances.
    free = 6,       ///< Per client: settled.
    unsettled = 7,  ///< Per client: provisional, junior.
    seen = 8,       ///< Per client: deposits that are not final.
    held = 9,       ///< Per client: set aside for a withdrawal.
    fund = 10,      ///< Clients' shares of the default fund.
    // Equity.
    capital = 11,
    insurance = 12,
    fee_income = 13,
    hedge_pnl = 14,
    gas = 15,  ///< What shards charged; a debit balance.
    // Clearing: stand at zero at marks, or once messages have arrived.
    conv = 16,      ///< Joins both legs of a conversion: the house position in kind.
    vm = 17,        ///< Variation between clients and venues.
    transit = 18,   ///< Joins the two events of one message between partitions.
    suspense = 19,  ///< Per shard: disagreements nobody has resolved.
    // Contracts, as memo: counted in contracts, not money.
    cpos = 20,   ///< Per client.
    hbook = 21,  ///< The house's side of its clients' contracts.
    vpos = 22,   ///< Per shard: the house's own contracts at a venue.
    venue = 23,  ///< The other side of vpos.
    // Equity again.
    /// What defaulting clients owed, until the waterfall pays it: debit over all partitions. The
    /// home has paid, and the others have lost.
    loss = 24,
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
