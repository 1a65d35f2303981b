#include "ledger/instruction/machine.hpp"
#include "tests/ledger/instruction/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <algorithm>
#include <cstdint>

namespace crossclear::ledger::instruction {
namespace {

using namespace builders;

/// Random duties, clocks and shards, truthful or not.
struct InstructionTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() {
        return base::entity_of(base::EntityKind::instruction, base::BrokerId{0}, 1);
    }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return uncreated(); }

    static CreateInstruction random_duty(base::Rng& rng) {
        switch (rng.below(3)) {
            case 0:
                return a_payment();
            case 1:
                return a_move();
            default:
                return two_orders();
        }
    }

    static Command random_command(base::Rng& rng, const State& state) {
        const Timestamp now{static_cast<std::int64_t>(rng.below(1'000))};
        if (state.phase == Phase::uncreated || rng.below(20) == 0) return random_duty(rng);
        if (rng.below(3) == 0) return Advance{.now = now};
        if (rng.below(5) == 0) return arrival(Amount{49 + (rng.below(3) > 0 ? 1 : 0)});
        const auto leg = static_cast<std::uint32_t>(rng.below(3));
        const auto attempt = static_cast<std::uint32_t>(rng.below(4));
        const auto finality = static_cast<Finality>(rng.below(5));
        NoteOrder note = notice_of(leg * 1'000 + attempt, finality, rng.below(3));
        note.at = now;
        if (rng.below(2) == 0) note.notice.refusal = static_cast<ShardRefusal>(rng.below(8));
        return note;
    }

    /// Found from the facts alone, not by asking `outstanding`.
    static bool is_answered(const State& state, const Effect& effect) {
        if (const auto* order = std::get_if<SendOrder>(&effect)) {
            const auto number = order->order.ref.number;
            const LegProgress& leg = state.legs.at(leg_of(number) - 1);
            if (leg.attempt != attempt_of(number)) return true;
            return leg.status == LegStatus::ready || leg.status == LegStatus::final;
        }
        if (const auto* wake = std::get_if<WakeAt>(&effect)) {
            if (state.phase != Phase::open || state.due_at != wake->at) return true;
            for (std::size_t i = 0; i < state.legs.size(); ++i) {
                if (state.legs[i].status == LegStatus::final) continue;
                return state.legs[i].status != LegStatus::ready ||
                       state.terms.legs[i].kind == LegKind::arrival;
            }
            return true;
        }
        return false;  // The report is repeated for ever; who asked drops repeats.
    }
};

MACHINE_LAWS(Instruction, InstructionTraits);

}  // namespace
}  // namespace crossclear::ledger::instruction
