#pragma once

#include "base/ids.hpp"
#include "ledger/account/state.hpp"
#include "ledger/book.hpp"
#include "ledger/event.hpp"
#include "ledger/hedge/state.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/netting/state.hpp"
#include "ledger/reconcile/state.hpp"
#include "ledger/signing/state.hpp"
#include "ledger/withdrawal/state.hpp"

#include <map>
#include <optional>
#include <string>

/// A partition as its journal tells it: every machine's state and the books, folded from events and
/// nothing else. Recovery, audit and tests share it, so that they cannot disagree.

namespace crossclear::ledger {

/// Everything one partition's journal says.
struct Partition {
    base::PartitionId id;
    std::uint16_t partitions{};  ///< How many the cluster has.
    std::uint64_t epoch{};       ///< The latest that was started.
    std::map<base::AccountId, account::State> accounts;
    std::map<base::EntityId, hedge::State> hedges;
    std::map<base::EntityId, instruction::State> instructions;
    std::map<base::EntityId, withdrawal::State> withdrawals;
    std::map<base::EntityId, reconcile::State> reconcilers;
    std::map<base::EntityId, signing::State> signers;
    std::map<base::EntityId, netting::State> houses;
    Book book;
};

/// Applies one entry to its machine and to the books.
void replay(Partition& partition, const Entry& entry);

/// The first breach of any machine or of the books, with the entity's name.
/// **Cost:** linear in the partition.
[[nodiscard]] std::optional<std::string> fault_of(const Partition& partition);

/// Whether a home machine still has something to do. One that has not is dropped from memory; its
/// events stay in the journal.
[[nodiscard]] bool is_over(const Partition& partition, const hedge::State& task);
[[nodiscard]] bool is_over(const Partition& partition, const instruction::State& duty);
[[nodiscard]] bool is_over(const withdrawal::State& withdrawal);

}  // namespace crossclear::ledger
