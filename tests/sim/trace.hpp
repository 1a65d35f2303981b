#pragma once

#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

/// What one simulation did: a hash that two runs of one seed share, the latest events for whoever
/// looks for a bug, and marks that say which rare paths were taken.

namespace crossclear::sim {

/// Rare paths that the simulation must come by, or it tests less than it says.
enum class Mark : std::uint8_t {
    append_gap,
    append_duplicate,
    append_fenced,
    prepare_fenced,
    fenced_while_syncing,
    tail_abandoned,
    outcome_unknown,
    executed_late,
    acceptor_wiped,
    acceptor_admitted,
    epoch_renewed,
    takeover,
    takeover_by_rival,
    woken_after_takeover,
    killed_with_append_in_flight,
    partition_lost,
    stale_node_refuses,
    snapshot_stored,
    account_woken,
    repeat_answered,
    repeat_conflicts,
    outcome_asked_again,
    trade_refused,
    claim_cash_settled,
    deposit_reorganised,
    slice_reorganised,
    slice_failed,
    leg_reorganised,
    leg_failed,
    order_submitted_again,
    withdrawal_paid,
    variation_settled,
    funding_settled,
    liquidated,
    loss_allocated,
    transfer_delivered,
    transfer_returned,
    give_up_cleared,
    give_up_declined,
    give_up_timed_out,
    clock_jumped,
    damage_found,
    // From here on those of a world with a signing lane.
    chain_reorganised,
    chain_reorganised_deep,
    chain_reorganised_to_the_limit,
    pool_forgotten,
    transaction_sent,
    send_dropped,
    sent_late,
    sent_again_after_crash,
    signer_away,
    signer_refused,
    replacement_planned,
    replacement_final,
    cancel_planned,
    order_cancelled,
    order_reverted,
    order_too_late,
    inclusion_undone,
    included_again,
    effect_recounted,
    signed_order_ended,
    crash_amid_orders,
    crash_before_signed,
    crash_before_sent,
    crash_before_included,
    crash_before_final,
    key_used_elsewhere,
    nonce_forfeited,
    lane_resumed,
    count_,
};
inline constexpr std::size_t mark_count = static_cast<std::size_t>(Mark::count_);
/// Where those begin that only a world with a signing lane comes by, and no other one does.
inline constexpr std::size_t lane_marks_from = static_cast<std::size_t>(Mark::chain_reorganised);

/// The mark's name, as `--verbose` prints it.
[[nodiscard]] const char* name_of(Mark mark);

using Marks = std::array<std::uint64_t, mark_count>;

/// The record of one run. **Thread:** one.
class Trace {
public:
    /// One event: `what` is a constant word; the numbers say who and which.
    void note(base::Timestamp at, std::string_view what, std::uint64_t first = 0,
              std::uint64_t second = 0);
    void mark(Mark mark) { ++marks_[static_cast<std::size_t>(mark)]; }

    /// Prints every event as it happens.
    void print_all(std::FILE* out) { all_to_ = out; }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] const Marks& marks() const { return marks_; }
    void print_latest(std::FILE* out) const;

private:
    struct Event {
        base::Timestamp at;
        std::string_view what;
        std::uint64_t first{};
        std::uint64_t second{};
    };
    static void print(std::FILE* out, const Event& event);

    std::uint64_t hash_{};
    std::FILE* all_to_{};
    Marks marks_{};
    std::deque<Event> latest_;
};

}  // namespace crossclear::sim
