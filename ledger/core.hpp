#pragma once

#include "base/ids.hpp"
#include "ledger/book.hpp"
#include "ledger/entity_set.hpp"
#include "ledger/event.hpp"

#include <compare>
#include <cstdint>
#include <set>

/// What a partition says that belongs to no machine of it: the books, and a register of machines.
/// A partition starts from its core and the tail of its log; machines are folded when wanted.

namespace crossclear::ledger {

/// A withdrawal for which its account still sets money aside.
struct HeldWithdrawal {
    base::AccountId account;
    std::uint32_t number{};

    friend constexpr auto operator<=>(const HeldWithdrawal&, const HeldWithdrawal&) = default;
};

/// A transfer whose sender does not know its end.
struct PendingTransfer {
    base::AccountId account;
    std::uint64_t number{};

    friend constexpr auto operator<=>(const PendingTransfer&, const PendingTransfer&) = default;
};

/// A matched trade that its buyer's account has not heard the end of.
struct OpenMatch {
    base::AccountId account;
    std::uint64_t number{};

    friend constexpr auto operator<=>(const OpenMatch&, const OpenMatch&) = default;
};

/// Which machines there are, and which have something left to do after a restart.
struct Register {
    /// Every machine that ever had an event: one that is here and has no snapshot has lost it.
    EntitySet known;
    std::set<base::EntityId> open;  ///< Hedges, instructions and withdrawals that are not over.
    std::set<HeldWithdrawal> held;
    std::set<PendingTransfer> transfers;
    std::set<OpenMatch> matches;

    friend bool operator==(const Register&, const Register&) = default;
};

/// One partition's core.
struct Core {
    base::PartitionId id;
    std::uint64_t epoch{};  ///< The latest that was started.
    Register machines;
    Book book;

    friend bool operator==(const Core&, const Core&) = default;
};

/// Adds one entry.
void fold(Core& core, const Entry& entry);
/// The same, but the caller sees to it that the register knows the machine.
void fold_known(Core& core, const Entry& entry);

}  // namespace crossclear::ledger
