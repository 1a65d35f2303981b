#include "tests/sim/plants.hpp"

#include <algorithm>
#include <array>

namespace crossclear::sim {
namespace {

constexpr PlantInfo plants[] = {
    {Plant::fence_not_checked, "fence_not_checked", "an acceptor appends under a lost fence"},
    {Plant::promise_taken_back, "promise_taken_back", "an acceptor promises a lower epoch"},
    {Plant::append_without_compare, "append_without_compare",
     "an acceptor appends whatever the log ends with"},
    {Plant::answer_before_quorum, "answer_before_quorum",
     "the journal says durable before anybody holds the record"},
    {Plant::quorum_of_one, "quorum_of_one", "one acceptor that holds a record is enough"},
    {Plant::unknown_taken_for_done, "unknown_taken_for_done",
     "an append without outcome counts as durable"},
    {Plant::tail_not_synced, "tail_not_synced",
     "an acceptor that goes down loses what it acknowledged last"},
    {Plant::append_torn, "append_torn", "an acceptor that goes down keeps its last record in part"},
    {Plant::empty_acceptor_votes, "empty_acceptor_votes",
     "an acceptor that lost everything votes at once"},
    {Plant::takeover_forgets_the_end, "takeover_forgets_the_end",
     "a new owner begins one record too early"},
    {Plant::duplicate_taken_for_gap, "duplicate_taken_for_gap",
     "an acceptor does not know its own last record"},
    {Plant::snapshot_forgets_answers, "snapshot_forgets_answers",
     "a woken account has forgotten what it answered"},
    {Plant::snapshot_forgets_arrivals, "snapshot_forgets_arrivals",
     "a woken account has forgotten which transfers it received"},
    {Plant::snapshot_forgets_sales, "snapshot_forgets_sales",
     "a woken account has forgotten which matched trades it has cleared"},
    {Plant::snapshot_forgets_decisions, "snapshot_forgets_decisions",
     "a woken account has forgotten what it decided of matched trades and owes their sellers"},
    {Plant::snapshot_of_another_time, "snapshot_of_another_time",
     "a snapshot is older than it says"},
    {Plant::order_executed_twice, "order_executed_twice",
     "an order that is handed over again takes effect again"},
    {Plant::order_notice_lost, "order_notice_lost", "a shard never tells the end of some orders"},
    {Plant::included_taken_for_final, "included_taken_for_final",
     "an order counts before its block is final"},
    {Plant::deposit_told_twice, "deposit_told_twice", "a deposit comes under two numbers"},
    {Plant::deposit_taken_for_final, "deposit_taken_for_final",
     "a deposit counts before its block is final"},
    {Plant::variation_swallowed, "variation_swallowed", "a venue's result is told one unit off"},
    {Plant::payment_told_as_failed, "payment_told_as_failed",
     "what was paid out is told as reverted"},
    {Plant::fill_told_too_high, "fill_told_too_high", "a fill is told one unit too high"},
    {Plant::second_answer_differs, "second_answer_differs",
     "a repeat is answered with another price"},
    {Plant::refusal_not_final, "refusal_not_final", "a repeat of what was refused succeeds"},
    {Plant::give_up_told_early, "give_up_told_early",
     "a venue is told of a matched trade that is cleared on the buyer's side alone"},
    {Plant::read_of_a_later_state, "read_of_a_later_state",
     "a read shows a version that is not committed"},
    {Plant::sent_before_durable, "sent_before_durable",
     "a transaction is sent as soon as it is signed", true},
    {Plant::signed_again_to_send, "signed_again_to_send",
     "a transaction is signed anew each time it is sent", true},
    {Plant::snapshot_forgets_nonces, "snapshot_forgets_nonces",
     "a restarted lane has forgotten which orders have nonces", true},
    {Plant::replaced_block_not_told, "replaced_block_not_told",
     "a block that is gone counts on until it would be final", true},
    {Plant::inclusion_taken_for_final, "inclusion_taken_for_final",
     "the newest block is told as final", true},
    {Plant::effect_told_as_failed, "effect_told_as_failed",
     "what a transaction did is told as nothing", true},
    {Plant::foreign_use_not_told, "foreign_use_not_told",
     "that others have used the key is not told", true},
    {Plant::foreign_use_made_up, "foreign_use_made_up",
     "one transaction of the key more is told as final than there is", true},
    {Plant::end_of_rescan_not_told, "end_of_rescan_not_told",
     "that all final deposits have been told is not told", true},
};

}  // namespace

std::span<const PlantInfo> all_plants() { return plants; }

std::optional<Plant> plant_named(std::string_view name) {
    const auto* found = std::find_if(std::begin(plants), std::end(plants),
                                     [name](const auto& info) { return info.name == name; });
    if (found == std::end(plants)) return std::nullopt;
    return found->plant;
}

}  // namespace crossclear::sim
