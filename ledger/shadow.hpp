#pragma once

#include "base/ids.hpp"
#include "ledger/core.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/// What a partition's log says, followed record by record beside the hosts that wrote it.
///
/// The problem: hosts run ahead of the disk and batches end where they like, so no host knows its
/// state at the end of a record. The idea: fold what was committed once more, here. The subtle
/// thing is what is not folded: a machine that did not change since it was stored may be left out,
/// and what happens to it afterwards waits until its snapshot has been read. So a partition is
/// taken over by its core and the tail of its log, whatever the number of its accounts.

namespace crossclear::ledger {

/// One partition's shadow.
class Shadow {
public:
    /// Before the first record.
    Shadow(base::PartitionId partition, std::uint16_t partitions);
    /// From a stored core, true at `at`.
    Shadow(Core core, std::uint16_t partitions, const journal::Head& at);

    /// Follows one record. **Requires:** it comes after `last`.
    void fold(const journal::Head& last, const std::vector<Entry>& entries);
    void fold(const journal::Head& last, std::vector<Entry>&& entries);

    /// The books and the register of machines after the record `last`.
    [[nodiscard]] const Core& core() const { return core_; }
    [[nodiscard]] const journal::Head& last() const { return last_; }
    /// Where the core was stored from which this one goes on; 0 from the first record.
    [[nodiscard]] std::uint64_t core_at() const { return core_at_; }
    /// How many events were folded on top of that core.
    [[nodiscard]] std::uint64_t events() const { return events_; }
    /// Whether the machine has ever had an event in this partition.
    [[nodiscard]] bool is_known(const base::EntityId& entity) const;
    /// Whether a hedge, an instruction or a withdrawal has nothing left to do.
    [[nodiscard]] bool is_over(const base::EntityId& entity) const;
    /// The state at `last`. Null for a machine that never had an event, and while only its snapshot
    /// knows what came before.
    [[nodiscard]] const EntityState* find(const base::EntityId& entity) const;
    /// Up to where a machine's events are not here and have to be found elsewhere.
    [[nodiscard]] std::uint64_t missing_until(const base::EntityId& entity) const;
    /// Completes a machine by its state as it was after record `at`.
    void complete(EntityState state, std::uint64_t at);

    /// Machines that changed since they were stored: those that are over before the others, since
    /// they make room, each in order.
    [[nodiscard]] std::vector<base::EntityId> changed() const;
    /// What `find` gave at record `at` is stored. If the machine is over, or more than `kept_max`
    /// are here, it is forgotten: its snapshot is read again when it is wanted.
    void note_stored(const base::EntityId& entity, std::uint64_t at, std::size_t kept_max);
    /// Forgets machines that are stored and over by what another machine said since.
    void drop_ended();
    /// Calls `each` with every machine whose state is here, in no order.
    template <class Each>
    void for_each_here(Each each) const {
        for (const auto& [entity, machine] : machines_) {
            if (machine.state) each(entity, *machine.state);
        }
    }
    /// How many machines are kept or waited for; what `kept_max` is held against.
    [[nodiscard]] std::size_t machines_here() const { return machines_.size(); }

    /// The first breach of the books or of a machine that is here.
    [[nodiscard]] std::optional<std::string> fault() const;

private:
    struct Waiting {
        std::uint64_t seq{};
        Event event;
    };
    struct Machine {
        std::optional<EntityState> state;
        std::list<Waiting> waiting;  // For the state. Tails are long: nothing is moved again.
        std::uint64_t changed_at{};  // The latest; 0: it is stored.
    };

    Machine& machine_of(const base::EntityId& entity);
    template <class From>
    void fold_one(std::uint64_t seq, From&& entry);

    std::uint16_t partitions_;
    journal::Head last_;
    std::uint64_t core_at_{};
    std::uint64_t events_{};
    Core core_;
    std::unordered_map<base::EntityId, Machine> machines_;
};

}  // namespace crossclear::ledger
