#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <map>

/// Machines by the million: every one that ever was, for as long as a partition lives.

namespace crossclear::ledger {

/// A set of machines in which those that were numbered one after the other take the room of one.
///
/// The machines of one line are those with the same `id` by their `sub` from 1, and those with the
/// `sub` 0 by their `id`. Equal sets have equal runs, in whatever order machines were added.
/// **Cost:** logarithmic in the runs.
class EntitySet {
public:
    using value_type = base::EntityId;

    /// By kind, machines with `sub` 0 first, then by `id` and `sub`: so a line is in one piece.
    struct InLines {
        bool operator()(const base::EntityId& a, const base::EntityId& b) const;
    };
    /// How many there are in a row, by the first of them.
    using Runs = std::map<base::EntityId, std::uint64_t, InLines>;

    /// Adds one; false where it was there.
    bool insert(const base::EntityId& entity);
    /// Adds a row. False, and nothing is added, where it is empty, longer than a broker has
    /// numbers, leaves its line, or one of it is there or would continue another row: of a set's
    /// own rows, none does.
    [[nodiscard]] bool insert_run(const base::EntityId& first, std::uint64_t count);
    [[nodiscard]] bool contains(const base::EntityId& entity) const;
    /// All of them, in rows as long as can be.
    [[nodiscard]] const Runs& runs() const { return runs_; }
    /// Calls `each` with every machine, line by line.
    template <class Each>
    void for_each(Each each) const {
        for (const auto& [first, count] : runs_) {
            for (std::uint64_t i = 0; i < count; ++i) each(in_row(first, i));
        }
    }

    /// The machine so many places after the first. **Requires:** it is in the line.
    [[nodiscard]] static base::EntityId in_row(const base::EntityId& first, std::uint64_t place);

    friend bool operator==(const EntitySet& a, const EntitySet& b) { return a.runs_ == b.runs_; }

private:
    Runs runs_;
};

}  // namespace crossclear::ledger
