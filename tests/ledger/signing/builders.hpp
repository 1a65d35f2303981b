#pragma once

#include "base/ids.hpp"
#include "ledger/signing/machine.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

/// One signing lane in a few words.

namespace crossclear::ledger::signing::builders {

inline constexpr base::EntityId lane_id =
    base::entity_of(base::EntityKind::signing, base::BrokerId{0}, base::ShardId{1});
inline constexpr std::uint64_t first_nonce = 5;
inline constexpr Fees usual{.tip_wei = 100, .fee_wei = 2'000};
inline constexpr Fees most{.tip_wei = 1'000, .fee_wei = 20'000};
/// Orders have an effect until then.
inline constexpr base::Timestamp deadline{1'000'000'000};

/// A hash that is told from others by a number.
inline Hash hash_of(std::uint64_t number) {
    Hash hash{};
    for (std::size_t i = 0; i < 8; ++i) hash[i] = static_cast<std::uint8_t>(number >> (8 * i));
    hash[31] = 1;
    return hash;
}

/// What our key signs: the hash names the nonce, the transaction and the call.
inline Hash signed_hash(std::uint64_t nonce, std::uint32_t number) {
    return hash_of(nonce * 1'000 + number);
}

inline base::OrderRef ref_of(std::uint32_t number) {
    return {.origin = base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 7),
            .number = number};
}

inline OpenLane an_opening() {
    return {.chain_id = 31'337,
            .genesis = hash_of(1),
            .key = {1},
            .final_nonce = first_nonce,
            .pending_nonce = first_nonce,
            .at = base::Timestamp{1}};
}

inline TakeIntent an_intent(std::uint32_t number) {
    return {.ref = ref_of(number),
            .body = number,
            .to = {2},
            .data = "call",
            .gas_limit = 90'000,
            .deadline = deadline,
            .fees = usual,
            .at = base::Timestamp{10}};
}

inline NoteSigned a_signature(std::uint64_t nonce, std::uint32_t number = 0) {
    return {.nonce = nonce,
            .number = number,
            .hash = signed_hash(nonce, number),
            .raw = "raw " + std::to_string(nonce) + "." + std::to_string(number),
            .at = base::Timestamp{20}};
}

inline NoteIncluded an_inclusion(std::uint64_t nonce, std::uint64_t block,
                                 std::uint32_t number = 0) {
    return {.hash = signed_hash(nonce, number),
            .block = block,
            .block_hash = hash_of(900'000 + block),
            .at = base::Timestamp{30}};
}

inline NoteFinal a_final(std::uint64_t block, std::uint64_t final_nonce) {
    return {.block = block, .final_nonce = final_nonce, .at = base::Timestamp{40}};
}

/// The market asks for five times as much, long after.
inline Review a_dearer_market(std::int64_t at = 100'000'000) {
    return {.enough = {.tip_wei = 100, .fee_wei = 10'000},
            .offer = {.tip_wei = 100, .fee_wei = 12'000},
            .max = most,
            .patience = base::seconds(30),
            .block_time = base::Timestamp{at},
            .cancel_gas = 50'000,
            .at = base::Timestamp{at}};
}

/// Decides and applies; the events.
inline std::vector<Event> run(State& state, const Command& command) {
    const auto decision = decide(state, command);
    EXPECT_TRUE(decision.has_value()) << name_of(decision.error());
    if (!decision.has_value()) return {};
    for (const auto& event : *decision) apply(state, event);
    return *decision;
}

inline Reject refusal_of(const State& state, const Command& command) {
    const auto decision = decide(state, command);
    EXPECT_FALSE(decision.has_value());
    return decision.has_value() ? Reject{} : decision.error();
}

/// A lane before its first event.
inline State a_lane() {
    State state;
    state.id = lane_id;
    return state;
}

/// An open lane after some commands.
inline State after(const std::vector<Command>& commands) {
    State state = a_lane();
    run(state, an_opening());
    for (const auto& command : commands) run(state, command);
    return state;
}

}  // namespace crossclear::ledger::signing::builders
