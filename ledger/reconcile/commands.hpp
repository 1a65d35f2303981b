#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of the reconciler of one broker on one shard.

namespace crossclear::ledger::reconcile {

/// One asset as the shard says and as the book says, at the same finalized block.
struct Line {
    base::AssetId asset;
    base::Amount shard_held;
    base::Amount book_held;  ///< NOSTRO + INFLIGHT_OUT still there at that block.
    base::Amount shard_posted;
    base::Amount book_posted;
    base::Amount shard_position;
    base::Amount book_position;
    bool is_explained{};  ///< A receipt at or before this block is known to be missing.

    friend bool operator==(const Line&, const Line&) = default;
};

/// Compares. Sent by the reconciler's host with both sides at one block.
struct Compare {
    std::uint64_t block{};
    std::vector<Line> lines;
    base::Timestamp at;
};

/// Closes a break by an operator's word.
struct ResolveBreak {
    base::AssetId asset;
    std::string reason;
    base::Timestamp at;
};

using Command = std::variant<Compare, ResolveBreak>;

}  // namespace crossclear::ledger::reconcile
