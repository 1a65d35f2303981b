#pragma once

#include "base/listing.hpp"
#include "ledger/words.hpp"
#include "shards/evm/chain.hpp"
#include "shards/evm/vault.hpp"

#include <optional>
#include <string_view>

/// What comes into a vault from outside: deposits of clients, and a broker's own tokens through a
/// bridge.
///
/// The subtle thing is a deposit's number. The vault counts, and after a reorganisation the same
/// number is another client's: the name of the transaction is in ours, so that what was undone
/// and what came in its place are never one.

namespace crossclear::shards::evm {

/// Which logs to ask for.
[[nodiscard]] LogFilter inflow_filter(const VaultTerms& terms);

/// What a log says, but for its finality; the block is its own. Nothing where it is another event,
/// or one that books nothing: another broker's account, a token that is not listed, an amount that
/// is no whole number of units, an arrival that no order of the cluster sent. The reconciler then
/// finds tokens that nobody has explained.
[[nodiscard]] std::optional<ledger::ShardNotice> inflow_of(const VaultTerms& terms,
                                                           const base::Listing& listing,
                                                           base::BrokerId broker,
                                                           std::string_view cluster,
                                                           const Log& log);
/// The same inflow, so certain.
[[nodiscard]] ledger::ShardNotice with_finality(ledger::ShardNotice inflow,
                                                ledger::Finality finality);

}  // namespace crossclear::shards::evm
