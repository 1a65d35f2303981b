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

/// What is known of the block that is compared.
struct BlockTerms {
    base::Timestamp at;    ///< When it was made.
    base::Amount gas_max;  ///< What one order can have cost, at most.
};

/// Whether these orders can have moved what differs, all of it and in its direction: an order gives
/// no more than it was sent with, and gas, and receives, what a sale may fetch aside, no more than
/// it asked for. What a contract does to posted margin has no bound that is known here. What an
/// order whose deadline lies before the block could do it has done, and there is a receipt of it.
/// **Cost:** linear in the orders.
[[nodiscard]] Explanation explanation_of(const Line& line, const std::vector<OrderUnderWay>& orders,
                                         const base::Listing& listing, const BlockTerms& block);

}  // namespace crossclear::ledger::reconcile
