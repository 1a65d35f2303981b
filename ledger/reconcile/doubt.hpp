#pragma once

#include "base/listing.hpp"
#include "base/time.hpp"
#include "ledger/reconcile/commands.hpp"
#include "ledger/words.hpp"

#include <vector>

/// Holds a difference between book and shard against the orders that were sent.

namespace crossclear::ledger::reconcile {

/// An order whose receipt is not in the books.
struct OrderUnderWay {
    ShardOrder order;
    bool is_ended{};  ///< Its last word was told, and is on its way to the books.
};

/// Whether these orders can have moved what differs, all of it and in its direction: an order gives
/// no more than it was sent with, and receives, what a sale may fetch aside, no more than it asked
/// for. What any of them costs in gas, and what a contract does to posted margin, has no bound that
/// is known here. `block_at` is when the compared block was made: what an order of an earlier
/// deadline could do it has done, and there is a receipt of it.
[[nodiscard]] Explanation explanation_of(const Line& line, const std::vector<OrderUnderWay>& orders,
                                         const base::Listing& listing, base::Timestamp block_at);

}  // namespace crossclear::ledger::reconcile
