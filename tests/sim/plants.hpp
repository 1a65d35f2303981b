#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// Bugs that are planted on purpose: a checker that cannot fail is worth nothing. Each sits in the
/// simulator's own doors, between the real parts, and is there only when its name is given.

namespace crossclear::sim {

/// Which bug is planted.
enum class Plant : std::uint8_t {
    none,
    fence_not_checked,
    promise_taken_back,
    append_without_compare,
    answer_before_quorum,
    quorum_of_one,
    unknown_taken_for_done,
    tail_not_synced,
    append_torn,
    empty_acceptor_votes,
    takeover_forgets_the_end,
    duplicate_taken_for_gap,
    snapshot_forgets_answers,
    snapshot_forgets_arrivals,
    snapshot_forgets_sales,
    snapshot_forgets_decisions,
    snapshot_of_another_time,
    order_executed_twice,
    order_notice_lost,
    included_taken_for_final,
    deposit_told_twice,
    deposit_taken_for_final,
    variation_swallowed,
    payment_told_as_failed,
    fill_told_too_high,
    second_answer_differs,
    refusal_not_final,
    give_up_told_early,
    read_of_a_later_state,
    // In a world with a signing lane.
    sent_before_durable,
    signed_again_to_send,
    snapshot_forgets_nonces,
    replaced_block_not_told,
    inclusion_taken_for_final,
    effect_told_as_failed,
    foreign_use_not_told,
    foreign_use_made_up,
    end_of_rescan_not_told,
};

/// One planted bug and what it stands for.
struct PlantInfo {
    Plant plant{Plant::none};
    std::string_view name;
    std::string_view what;
    bool is_of_lane{};  ///< In a world with a signing lane, and in no other one.
};

/// All of them.
[[nodiscard]] std::span<const PlantInfo> all_plants();
/// The one of this name.
[[nodiscard]] std::optional<Plant> plant_named(std::string_view name);

}  // namespace crossclear::sim
