#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// The invariants of docs/durability.md by number, and what an audit says of each.

namespace crossclear::app {

/// One invariant; the number is the public one.
enum class Invariant : std::uint8_t {
    postings_balance = 1,
    books_agree = 2,
    acknowledged_stays = 3,
    one_value_a_number = 4,
    one_prefix = 5,
    owners_go_on = 6,
    promises_hold = 7,
    nothing_leaves_early = 8,
    messages_arrive_once = 9,
    one_answer_an_id = 10,
    snapshots_tell_the_log = 11,
    trims_are_covered = 12,
    nothing_is_overdrawn = 13,
    effects_happen_once = 14,
    sagas_end_once = 15,
    reads_are_committed = 16,
    nothing_is_overdue = 17,
};

inline constexpr std::size_t invariants_count = 17;

/// Its number.
[[nodiscard]] constexpr int number_of(Invariant invariant) { return static_cast<int>(invariant); }

/// The claim, as one line.
[[nodiscard]] const char* claim_of(Invariant invariant);

/// What an audit says of one invariant.
struct InvariantFinding {
    std::uint64_t looked_at{};            ///< How much was held against it.
    std::vector<std::string> violations;  ///< What is wrong, and where.
    std::vector<std::string> unseen;      ///< What could not be looked at, and why.

    /// `ok`, `broken`, or `not visible in what is stored`.
    [[nodiscard]] const char* verdict() const;
};

/// The findings of one audit.
class AuditFindings {
public:
    /// So much was held against it.
    void look(Invariant invariant, std::uint64_t count = 1) { at(invariant).looked_at += count; }
    /// It does not hold: what is wrong, and where.
    void blame(Invariant invariant, std::string what) {
        at(invariant).violations.push_back(std::move(what));
    }
    /// Something of it could not be looked at.
    void miss(Invariant invariant, std::string why);
    /// Takes over what another one found.
    void add(const AuditFindings& other);

    /// What was found of one.
    [[nodiscard]] const InvariantFinding& of(Invariant invariant) const {
        return all_[static_cast<std::size_t>(number_of(invariant) - 1)];
    }
    /// Everything that is wrong, by invariant.
    [[nodiscard]] std::vector<std::string> violations() const;

private:
    [[nodiscard]] InvariantFinding& at(Invariant invariant) {
        return all_[static_cast<std::size_t>(number_of(invariant) - 1)];
    }

    std::array<InvariantFinding, invariants_count> all_;
};

/// All invariants, in order.
[[nodiscard]] std::array<Invariant, invariants_count> all_invariants();

}  // namespace crossclear::app
