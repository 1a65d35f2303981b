#pragma once

#include "ledger/chart.hpp"
#include "ledger/event.hpp"

#include <optional>
#include <string>
#include <vector>

namespace crossclear::ledger {

/// What an event books. Follows from the event alone, so that anyone who can read the journal can
/// rebuild every balance.
///
/// Each event has one `book` in postings.cpp; the accounts are in docs/glossary.md. Contracts are
/// memo lines in the same list, under the contract's own asset. Empty for events that move nothing.
[[nodiscard]] std::vector<Posting> postings_of(const Entry& entry);

/// The asset whose lines do not sum to zero, if there is one.
[[nodiscard]] std::optional<base::AssetId> imbalance_of(const std::vector<Posting>& postings);

}  // namespace crossclear::ledger
