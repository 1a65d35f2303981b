#pragma once

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "ledger/account/state.hpp"
#include "ledger/core.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"

#include <cstddef>
#include <vector>

/// Events of every kind for tests of what must work for all of them: codec, replay, journals.
///
/// They are well-formed, not plausible: every member is filled, often with the extremes of its
/// type, and no two need fit together. All draws come from the generator that is passed in.

namespace crossclear::tests {

/// How many different events there are, over all machines.
[[nodiscard]] std::size_t event_alternatives();

/// An entity that has the shape of its kind.
[[nodiscard]] base::EntityId random_entity(base::Rng& rng, base::EntityKind kind);

/// An entry with the event of this number, counted over all machines in the order of
/// `ledger::Event`, under an entity that it fits. **Requires:** `alternative` is below
/// `event_alternatives()`.
[[nodiscard]] ledger::Entry random_entry(base::Rng& rng, std::size_t alternative);

/// An entry with any event.
[[nodiscard]] ledger::Entry random_entry(base::Rng& rng);

/// The same entry in every run and every release: members count up from 1, sequences have two
/// items, optional parts are there. Each integer differs from its neighbours, so that two fields
/// that are swapped show. For golden files.
[[nodiscard]] ledger::Entry counted_entry(std::size_t alternative);

/// An account's state with up to `size` items in each of its maps and sequences.
[[nodiscard]] ledger::account::State random_state(base::Rng& rng, std::size_t size);

/// The state that goes with `counted_entry`.
[[nodiscard]] ledger::account::State counted_state();

/// The kinds of machines that have a state.
[[nodiscard]] std::vector<base::EntityKind> kinds_with_state();

/// A machine's state with up to `size` items in each of its maps and sequences.
[[nodiscard]] ledger::EntityState random_entity_state(base::Rng& rng, base::EntityKind kind,
                                                      std::size_t size);

/// The state of this kind that goes with `counted_entry`.
[[nodiscard]] ledger::EntityState counted_entity_state(base::EntityKind kind);

/// A partition's core with up to `size` items in each of its maps and sequences.
[[nodiscard]] ledger::Core random_core(base::Rng& rng, std::size_t size);

/// The core that goes with `counted_entry`.
[[nodiscard]] ledger::Core counted_core();

}  // namespace crossclear::tests
