#include "tests/ledger/signing/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

namespace crossclear::ledger::signing {
namespace {

using namespace builders;
using base::Timestamp;

/// Random orders, signers and chains, truthful or not.
struct SigningTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() { return lane_id; }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return a_lane(); }

    // Of the nonces that are unfinished, or one beside them.
    static std::uint64_t some_nonce(base::Rng& rng, const State& state) {
        if (state.slots.empty()) return state.next_nonce;
        return state.slots.begin()->first + rng.below(state.slots.size() + 1);
    }

    static std::uint32_t latest_of(const State& state, std::uint64_t nonce) {
        const auto found = state.slots.find(nonce);
        return found == state.slots.end()
                   ? 0
                   : static_cast<std::uint32_t>(found->second.transactions.size() - 1);
    }

    static Command random_command(base::Rng& rng, const State& state) {
        const Timestamp at{static_cast<std::int64_t>(rng.below(4)) * 500'000'000};
        const auto nonce = some_nonce(rng, state);
        const auto latest = latest_of(state, nonce);
        if (!state.is_open || rng.below(40) == 0) {
            auto opening = an_opening();
            if (rng.below(4) == 0) opening.key = {static_cast<std::uint8_t>(rng.below(3))};
            if (rng.below(9) == 0) opening.chain_id = 2;
            return opening;
        }
        switch (rng.below(12)) {
            case 0:
            case 1:
                return an_intent(static_cast<std::uint32_t>(rng.below(30)));
            case 2:
            case 3:
            case 4:
                return a_signature(nonce, latest);
            case 5:
                return NoteSignerRefused{
                    .nonce = nonce, .number = latest, .cancel_gas = 21'000, .at = at};
            case 6:
            case 7:
                return an_inclusion(nonce, 50 + rng.below(4),
                                    static_cast<std::uint32_t>(rng.below(latest + 1)));
            case 8:
                return NoteUndone{
                    .nonce = nonce, .block_hash = hash_of(900'050 + rng.below(4)), .at = at};
            case 9:
                return a_final(50 + rng.below(4), rng.below(3) == 0 ? nonce
                                                  : state.slots.empty()
                                                      ? state.next_nonce
                                                      : state.slots.begin()->first);
            case 10:
                if (state.halt != Halt::none || rng.below(6) == 0) {
                    return ResumeLane{.final_block = 50 + rng.below(4),
                                      .final_nonce = nonce,
                                      .reason = "looked",
                                      .at = at};
                }
                if (rng.below(12) > 0) return a_dearer_market(at.us);
                return HaltLane{.reason = Halt::signer_altered, .nonce = nonce, .at = at};
            default:
                return a_dearer_market(at.us + 40'000'000);
        }
    }

    /// Found from the facts alone, not by asking `outstanding`.
    static bool is_answered(const State& state, const Effect& effect) {
        if (state.halt != Halt::none) return true;
        const auto nonce = std::visit([](const auto& one) { return one.nonce; }, effect);
        const auto number = std::visit([](const auto& one) { return one.number; }, effect);
        const auto found = state.slots.find(nonce);
        if (found == state.slots.end() || number >= found->second.transactions.size()) return true;
        const auto& transaction = found->second.transactions[number];
        if (const auto* sign = std::get_if<Sign>(&effect)) {
            // The key or the order is another one by now.
            const bool is_of_now =
                sign->to ==
                    (transaction.purpose == Purpose::cancel ? state.key : found->second.to) &&
                sign->fees == transaction.fees;
            return transaction.is_signed || transaction.is_refused || !is_of_now;
        }
        if (found->second.included.has_value()) return true;
        for (std::size_t later = number + 1; later < found->second.transactions.size(); ++later) {
            if (found->second.transactions[later].is_signed) return true;
        }
        return !transaction.is_signed || transaction.hash != std::get<Broadcast>(effect).hash;
    }
};

MACHINE_LAWS(Signing, SigningTraits);

}  // namespace
}  // namespace crossclear::ledger::signing
