#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/reconcile/events.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of the reconciler of one broker on one shard.

namespace crossclear::ledger::reconcile {

/// Whether orders without a receipt in the books can have made the difference.
enum class Explanation : std::uint8_t {
    none = 0,         ///< They cannot.
    orders = 1,       ///< They can, and may still take effect: their receipts will tell.
    late_orders = 2,  ///< Only with those for which it is too late: their receipts are missing.
};

/// One asset as the shard says and as the book says, at the same finalized block.
struct Line {
    base::AssetId asset;
    base::Amount shard_held;
    base::Amount book_held;  ///< NOSTRO + INFLIGHT_OUT still there at that block.
    base::Amount shard_posted;
    base::Amount book_posted;
    base::Amount shard_position;
    base::Amount book_position;
    Explanation explanation{Explanation::none};  ///< As the late looks had it.

    friend bool operator==(const Line&, const Line&) = default;
};

/// Compares. Sent by the reconciler's host with both sides at one block.
struct Compare {
    std::uint64_t block{};
    std::vector<Line> lines;
    base::Timestamp at;
};

/// Says what becomes of a break, by an operator's word. Safe to repeat with the same `id`. The last
/// four are the host's findings: what the latest look said, and what netting says of the broker's
/// means.
struct ResolveBreak {
    base::CommandId id;
    base::AssetId asset;
    std::uint64_t block{};  ///< In which it was opened: a break of the asset that came later is not
                            ///< meant.
    Resolution resolution{Resolution::explained};
    std::string reason;
    base::Timestamp at;
    base::Amount difference;  ///< What the findings are about.
    bool is_of_tokens{};      ///< Margin and positions agree: only tokens at the address differ.
    bool is_bookable{};  ///< What is missing was not promised to a task, a move or a withdrawal.
    bool is_bearable{};  ///< CAPITAL is enough, and clients stay covered without it.
};

/// Stops the lane, or lets it go on, by an operator's word. Safe to repeat with the same `id`.
struct PauseLane {
    base::CommandId id;
    bool is_paused{};
    base::Timestamp at;
};

/// The shard has told what cannot be. Sent by whoever was told and has booked nothing of it, and by
/// the lane; repeats add nothing.
struct Distrust {
    base::AssetId asset;  ///< What it was about.
    base::Timestamp at;
};

using Command = std::variant<Compare, ResolveBreak, PauseLane, Distrust>;

}  // namespace crossclear::ledger::reconcile
