#include "tests/sim/trace.hpp"

#include "base/check.hpp"
#include "base/hash.hpp"

namespace crossclear::sim {
namespace {

constexpr std::size_t latest_max = 300;

}  // namespace

const char* name_of(Mark mark) {
    static constexpr std::array<const char*, mark_count> names{
        "append_gap",
        "append_duplicate",
        "append_fenced",
        "prepare_fenced",
        "fenced_while_syncing",
        "tail_abandoned",
        "outcome_unknown",
        "executed_late",
        "acceptor_wiped",
        "acceptor_admitted",
        "epoch_renewed",
        "takeover",
        "takeover_by_rival",
        "woken_after_takeover",
        "killed_with_append_in_flight",
        "partition_lost",
        "stale_node_refuses",
        "snapshot_stored",
        "account_woken",
        "repeat_answered",
        "repeat_conflicts",
        "outcome_asked_again",
        "trade_refused",
        "claim_cash_settled",
        "deposit_reorganised",
        "slice_reorganised",
        "slice_failed",
        "leg_reorganised",
        "leg_failed",
        "order_submitted_again",
        "withdrawal_paid",
        "variation_settled",
        "funding_settled",
        "liquidated",
        "loss_allocated",
        "transfer_delivered",
        "transfer_returned",
        "give_up_cleared",
        "give_up_declined",
        "give_up_timed_out",
        "clock_jumped",
        "damage_found",
        "chain_reorganised",
        "chain_reorganised_deep",
        "chain_reorganised_to_the_limit",
        "pool_forgotten",
        "transaction_sent",
        "send_dropped",
        "sent_late",
        "sent_again_after_crash",
        "signer_away",
        "signer_refused",
        "replacement_planned",
        "replacement_final",
        "cancel_planned",
        "order_cancelled",
        "order_reverted",
        "order_too_late",
        "inclusion_undone",
        "included_again",
        "effect_recounted",
        "signed_order_ended",
        "crash_amid_orders",
        "crash_before_signed",
        "crash_before_sent",
        "crash_before_included",
        "crash_before_final",
        "key_used_elsewhere",
        "nonce_forfeited",
        "lane_resumed",
    };
    return names.at(static_cast<std::size_t>(mark));
}

void Trace::note(base::Timestamp at, std::string_view what, std::uint64_t first,
                 std::uint64_t second) {
    hash_ = base::hash_combine(hash_, base::fnv1a(what, static_cast<std::uint64_t>(at.us)));
    hash_ = base::hash_combine(hash_, first * 0x9E3779B97F4A7C15ULL + second);
    latest_.push_back({at, what, first, second});
    if (latest_.size() > latest_max) latest_.pop_front();
    if (all_to_ != nullptr) print(all_to_, latest_.back());
}

void Trace::print(std::FILE* out, const Event& event) {
    std::fprintf(out, "%17.6f  %-28.*s %llu %llu\n", static_cast<double>(event.at.us) * 1e-6,
                 static_cast<int>(event.what.size()), event.what.data(),
                 static_cast<unsigned long long>(event.first),
                 static_cast<unsigned long long>(event.second));
}

void Trace::print_latest(std::FILE* out) const {
    for (const auto& event : latest_) print(out, event);
}

}  // namespace crossclear::sim
