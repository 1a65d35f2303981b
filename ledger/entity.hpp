#pragma once

#include "base/ids.hpp"
#include "ledger/account/state.hpp"
#include "ledger/event.hpp"
#include "ledger/hedge/state.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/netting/state.hpp"
#include "ledger/reconcile/state.hpp"
#include "ledger/signing/state.hpp"
#include "ledger/withdrawal/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

/// One machine's state whatever its kind, for whoever keeps states without asking what they mean:
/// snapshots, recovery, audit.

namespace crossclear::ledger {

using EntityState = std::variant<account::State, netting::State, hedge::State, instruction::State,
                                 withdrawal::State, reconcile::State, signing::State>;

/// Whether entities of this kind have a state of their own. Quotas and the partition's own entries
/// are folded into the partition's core.
[[nodiscard]] bool has_state(base::EntityKind kind);

/// The state before the first event. **Requires:** `has_state`.
[[nodiscard]] EntityState fresh_state(const base::EntityId& entity, std::uint16_t partitions);

/// Whose state it is.
[[nodiscard]] base::EntityId entity_of(const EntityState& state);

/// Makes an event true. **Requires:** it is one of the state's machine.
void apply(EntityState& state, const Event& event);

/// The first breach of the machine's invariants, with the entity's name.
[[nodiscard]] std::optional<std::string> fault_of(const EntityState& state);

}  // namespace crossclear::ledger
