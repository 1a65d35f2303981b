#pragma once

#include "app/config.hpp"
#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/account/standing.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <string>

/// What the journal says of a week in which a coin collapsed, and whether it adds up.

namespace crossclear::tests {

/// What one account's events say it should stand at, without looking at its balances.
struct Expected {
    base::Wide usdc{};           ///< Paid in, earned, lost and forgiven.
    base::Wide contract_cash{};  ///< Given for contracts, received negative.
    base::Wide variation{};
};

/// The whole journal, record by record.
struct Week {
    std::map<base::PartitionId, ledger::Partition> partitions;
    std::map<base::AccountId, Expected> expected;
    std::map<ledger::account::Standing, std::uint64_t> standings;  ///< How often one was come to.
    std::uint64_t venue_variations{};
    std::uint64_t liquidations{};
    std::uint64_t variations{};
    std::uint64_t margin_moves{};
    base::Wide lost{};              ///< By clients, beyond what they had. Of USDC.
    base::Wide borne{};             ///< By capital and insurance,
    base::Wide borne_by_capital{};  ///< and by capital alone.
    base::Wide capital_paid_in{};   ///< Of USDC.
    base::Price lowest{
        std::numeric_limits<std::int64_t>::max()};  ///< That a contract was traded at.
    base::Wide posted_min{};
};

/// Reads all partitions of a broker's clients who trade against USDC.
[[nodiscard]] Week read_back(ledger::journal::Journal& journal, const app::Config& config,
                             base::BrokerId broker);

/// Goal: nothing is invented, and nothing forgiven that the broker does not pay for. What an
/// account holds and owes is what it paid in and what its trades and contracts did, and it never
/// holds and owes at once.
void expect_losses_to_end_with_the_broker(const Week& week, const app::Config& config,
                                          base::BrokerId broker, const std::string& contract);

}  // namespace crossclear::tests
