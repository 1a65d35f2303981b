#include "ledger/entity.hpp"

#include "base/check.hpp"
#include "ledger/account/machine.hpp"
#include "ledger/hedge/machine.hpp"
#include "ledger/instruction/machine.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/reconcile/machine.hpp"
#include "ledger/signing/machine.hpp"
#include "ledger/withdrawal/machine.hpp"

#include <fmt/format.h>

#include <type_traits>

namespace crossclear::ledger {
namespace {

// The variant of events that goes with a state.
template <class State>
struct EventsOf;
template <>
struct EventsOf<account::State> {
    using Type = account::Event;
};
template <>
struct EventsOf<netting::State> {
    using Type = netting::Event;
};
template <>
struct EventsOf<hedge::State> {
    using Type = hedge::Event;
};
template <>
struct EventsOf<instruction::State> {
    using Type = instruction::Event;
};
template <>
struct EventsOf<withdrawal::State> {
    using Type = withdrawal::Event;
};
template <>
struct EventsOf<reconcile::State> {
    using Type = reconcile::Event;
};
template <>
struct EventsOf<signing::State> {
    using Type = signing::Event;
};

template <class State>
EntityState fresh(const base::EntityId& entity) {
    State state;
    state.id = entity;
    return state;
}

}  // namespace

bool has_state(base::EntityKind kind) {
    switch (kind) {
        case base::EntityKind::account:
        case base::EntityKind::netting:
        case base::EntityKind::hedge:
        case base::EntityKind::instruction:
        case base::EntityKind::withdrawal:
        case base::EntityKind::reconcile:
        case base::EntityKind::signing:
            return true;
        case base::EntityKind::cover:
        case base::EntityKind::partition:
            return false;
    }
    UNREACHABLE("an unlisted kind of machine");
}

EntityState fresh_state(const base::EntityId& entity, std::uint16_t partitions) {
    switch (entity.kind) {
        case base::EntityKind::account: {
            account::State state;
            state.id = base::AccountId{entity.id};
            return state;
        }
        case base::EntityKind::netting: {
            netting::State state;
            state.id = entity;
            state.partitions = partitions;
            return state;
        }
        case base::EntityKind::hedge:
            return fresh<hedge::State>(entity);
        case base::EntityKind::instruction:
            return fresh<instruction::State>(entity);
        case base::EntityKind::withdrawal:
            return fresh<withdrawal::State>(entity);
        case base::EntityKind::reconcile:
            return fresh<reconcile::State>(entity);
        case base::EntityKind::signing:
            return fresh<signing::State>(entity);
        case base::EntityKind::cover:
        case base::EntityKind::partition:
            break;
    }
    UNREACHABLE("quotas and partitions have no state of their own");
}

base::EntityId entity_of(const EntityState& state) {
    return std::visit(
        [](const auto& one) {
            if constexpr (std::is_same_v<std::decay_t<decltype(one)>, account::State>) {
                return base::entity_of(one.id);
            } else {
                return one.id;
            }
        },
        state);
}

void apply(EntityState& state, const Event& event) {
    std::visit(
        [&](auto& one) {
            using Events = typename EventsOf<std::decay_t<decltype(one)>>::Type;
            const auto* own = std::get_if<Events>(&event);
            CHECK(own != nullptr, "an event is folded by its own machine");
            apply(one, *own);
        },
        state);
}

std::optional<std::string> fault_of(const EntityState& state) {
    return std::visit(
        [&](const auto& one) -> std::optional<std::string> {
            const auto fault = check_invariants(one);
            if (!fault) return std::nullopt;
            return fmt::format("{}: {}", base::to_string(entity_of(state)), *fault);
        },
        state);
}

}  // namespace crossclear::ledger
