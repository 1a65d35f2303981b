#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What became true of one reconciliation.

namespace crossclear::ledger::reconcile {

/// What kind of disagreement; explained ones that last become unexplained.
enum class BreakKind : std::uint8_t {
    timing = 1,
    unknown_inflow = 2,
    unexplained_outflow = 3,
    incredible = 4,       ///< The shard told what cannot be, and none of it was booked.
    missing_receipt = 5,  ///< What an order was sent for has happened, but was never told.
};

/// What an operator says becomes of a break.
enum class Resolution : std::uint8_t {
    explained = 1,  ///< Nothing: both sides agree, or will by themselves.
    suspended = 2,  ///< The book follows the shard; who bears it is open. Withdrawals stay gated.
    borne = 3,      ///< The broker's capital bears it.
};

/// Everything was compared up to this block.
struct Reconciled {
    std::uint64_t block{};
    std::uint32_t breaks_open{};
    base::Timestamp at;
    friend bool operator==(const Reconciled&, const Reconciled&) = default;
};

/// Book and shard disagree about an asset. A positive difference: the shard has more.
struct BreakOpened {
    base::AssetId asset;
    BreakKind kind{BreakKind::timing};
    base::Amount difference;
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const BreakOpened&, const BreakOpened&) = default;
};

/// The same break is of another size or kind now.
struct BreakChanged {
    base::AssetId asset;
    BreakKind kind{BreakKind::timing};
    base::Amount difference;
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const BreakChanged&, const BreakChanged&) = default;
};

/// Both sides agree again, or an operator has said why they do not.
struct BreakClosed {
    base::AssetId asset;
    std::string reason;  ///< Empty: both sides agree again.
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const BreakClosed&, const BreakClosed&) = default;
};

/// An outflow nobody can explain, or a figure nobody can believe: nothing more is sent to this
/// shard until an operator says so.
struct LaneFrozen {
    base::AssetId asset;
    base::Timestamp at;
    friend bool operator==(const LaneFrozen&, const LaneFrozen&) = default;
};

/// An operator has explained the last such break; the lane may go on.
struct LaneThawed {
    base::Timestamp at;
    friend bool operator==(const LaneThawed&, const LaneThawed&) = default;
};

/// An operator has said what becomes of a break, which is closed, or of what was suspended before.
/// NOSTRO / SUSPENSE what is booked, CAPITAL / SUSPENSE what is borne.
struct BreakResolved {
    base::CommandId cause;
    std::uint64_t body{};  ///< Hash of the command's body, for repeats.
    base::AssetId asset;
    base::ShardId shard;
    Resolution resolution{Resolution::explained};
    base::Amount booked;  ///< As the difference was: negative where tokens are missing.
    base::Amount borne;   ///< Negative where the broker gains.
    std::string reason;
    std::uint64_t block{};  ///< In which the break was opened.
    base::Timestamp at;
    friend bool operator==(const BreakResolved&, const BreakResolved&) = default;
};

/// An operator has stopped the lane, or lets it go on.
struct LanePauseSet {
    base::CommandId cause;
    std::uint64_t body{};
    bool is_paused{};
    base::Timestamp at;
    friend bool operator==(const LanePauseSet&, const LanePauseSet&) = default;
};

using Event = std::variant<Reconciled, BreakOpened, BreakChanged, BreakClosed, LaneFrozen,
                           LaneThawed, BreakResolved, LanePauseSet>;

}  // namespace crossclear::ledger::reconcile
