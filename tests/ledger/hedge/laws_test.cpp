#include "ledger/hedge/machine.hpp"
#include "tests/ledger/hedge/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <algorithm>
#include <cstdint>

namespace crossclear::ledger::hedge {
namespace {

using namespace builders;

/// Random plans, clocks and shards, truthful or not.
struct HedgeTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() {
        return base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 1);
    }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return unplanned(); }

    static PlanHedge random_plan(base::Rng& rng) {
        const auto kind = rng.below(3);
        PlanHedge plan = kind == 0 ? a_plan() : kind == 1 ? a_sale() : a_short_contract();
        for (Slice& slice : plan.slices) {
            slice.send_at = Timestamp{static_cast<std::int64_t>(rng.below(120))};
        }
        if (rng.below(20) == 0) plan.slices.pop_back();
        return plan;
    }

    static OrderNotice random_notice(base::Rng& rng, const State& state) {
        const auto number = static_cast<std::uint32_t>(rng.below(4));
        OrderNotice notice = a_notice(number, static_cast<Finality>(rng.below(5)), rng.below(3));
        if (rng.below(3) == 0) {
            notice.refusal = ShardRefusal::price_outside_bound;
            return notice;
        }
        if (notice.finality != Finality::final) return notice;
        const auto units = static_cast<std::int64_t>(rng.below(70));
        notice.gas = Amount{static_cast<std::int64_t>(rng.below(3))};
        notice.given_asset = given_asset_of(state.terms);
        notice.received_asset = received_asset_of(state.terms);
        if (state.terms.is_contract) {
            notice.filled = Amount{-units};
        } else {
            notice.given = Amount{units};
            notice.received = Amount{units};
        }
        return notice;
    }

    static Command random_command(base::Rng& rng, const State& state) {
        const Timestamp now{static_cast<std::int64_t>(rng.below(70))};
        if (state.phase == Phase::unplanned || rng.below(20) == 0) return random_plan(rng);
        if (rng.below(30) == 0) return CancelHedge{.at = now};
        if (rng.below(3) == 0) return Advance{.now = now};
        return NoteOrder{.notice = random_notice(rng, state), .at = now};
    }

    /// Found from the facts alone, not by asking `outstanding`.
    static bool is_answered(const State& state, const Effect& effect) {
        if (const auto* order = std::get_if<SendOrder>(&effect)) {
            const auto status = state.slices.at(order->order.ref.number - 1).status;
            return status == SliceStatus::filled || status == SliceStatus::failed;
        }
        if (const auto* wake = std::get_if<WakeAt>(&effect)) {
            if (state.phase != Phase::working) return true;
            std::int64_t next = INT64_MAX;
            for (std::size_t i = 0; i < state.slices.size(); ++i) {
                if (state.slices[i].status != SliceStatus::planned) continue;
                next = std::min({next, state.terms.slices[i].send_at.us, state.terms.deadline.us});
            }
            return wake->at.us != next;
        }
        return false;  // The report is repeated for ever; netting drops repeats.
    }
};

MACHINE_LAWS(Hedge, HedgeTraits);

}  // namespace
}  // namespace crossclear::ledger::hedge
