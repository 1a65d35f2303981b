#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "base/ids.hpp"

#include <optional>
#include <string>

namespace crossclear::actors {

/// 11050: this node does not own the partition, or not for long; another one may. Retryable.
[[nodiscard]] Refusal not_owner(std::string hint);
/// 11031: what keeps the account failed a check and is stopped. Retryable once it is mended.
[[nodiscard]] Refusal partition_stopped();
/// 11032: it may or may not have been taken; the same id will tell.
[[nodiscard]] Refusal outcome_unknown();
/// 11070: nothing was decided, and later it may be; `trouble` is the journal's own. Retryable.
[[nodiscard]] Refusal journal_unavailable(std::string trouble);
/// 11070: a bounded queue is full. Retryable.
[[nodiscard]] Refusal overloaded(std::string hint);

/// -32603: another node sent an operator's request to a host that does not answer it: a defect.
[[nodiscard]] Refusal wrong_desk();

/// Whether asking again under the same id may find an owner that decides, or has decided.
[[nodiscard]] bool is_without_owner(const Refusal& refusal);

/// Why a partition takes no requests just now, if so: nothing was decided, the same id may be sent
/// again. **Thread:** any.
[[nodiscard]] std::optional<Refusal> refusal_at_door(const Context& context,
                                                     base::PartitionId partition);
/// Why a request that waited inside is given back undecided: its partition was dropped.
[[nodiscard]] Refusal refusal_of_dropped(const Context& context, base::PartitionId partition);

}  // namespace crossclear::actors
