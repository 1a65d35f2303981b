#pragma once

#include "ledger/journal/port.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

/// How the answers of several instances become one. Pure, apart from the `Tally` that gathers them.

namespace crossclear::store {

/// One instance's answer, or nothing while it has not answered. The position is the instance.
template <class Outcome>
using Votes = std::vector<std::optional<Outcome>>;

/// How many of `count` instances decide.
[[nodiscard]] constexpr std::size_t majority_of(std::size_t count) noexcept {
    return count / 2 + 1;
}

/// Each of these returns the common outcome as soon as there is one. Without a majority of
/// consents it waits for everyone and then names the gravest finding: a fence that was passed to
/// another owner; doubt, where anything may have been written; else why nothing was.
[[nodiscard]] std::optional<ledger::journal::AppendOutcome> decide_append(
    const Votes<ledger::journal::AppendOutcome>& votes, const ledger::journal::Fence& fence);
/// As above. The chosen log is the one with the greatest (record epoch, seq).
[[nodiscard]] std::optional<ledger::journal::PrepareOutcome> decide_prepare(
    const Votes<ledger::journal::PrepareOutcome>& votes, const ledger::journal::Fence& fence);
/// As above. The highest epoch and the greatest end that one of a majority knows.
[[nodiscard]] std::optional<ledger::journal::PromisedOutcome> decide_promised(
    const Votes<ledger::journal::PromisedOutcome>& votes);
/// As above.
[[nodiscard]] std::optional<ledger::journal::ConfirmOutcome> decide_confirm(
    const Votes<ledger::journal::ConfirmOutcome>& votes, const ledger::journal::Fence& fence);
/// As above.
[[nodiscard]] std::optional<ledger::journal::StoreSnapshotOutcome> decide_snapshot(
    const Votes<ledger::journal::StoreSnapshotOutcome>& votes, const ledger::journal::Fence& fence);
/// As above.
[[nodiscard]] std::optional<ledger::journal::TrimOutcome> decide_trim(
    const Votes<ledger::journal::TrimOutcome>& votes, const ledger::journal::Fence& fence);
/// As above. The snapshot with the highest seq that one of a majority has. A damaged one does not
/// vote; without a majority of others it is the answer.
[[nodiscard]] std::optional<ledger::journal::ReadSnapshotOutcome> decide_read_snapshot(
    const Votes<ledger::journal::ReadSnapshotOutcome>& votes);

/// Ends of logs that instances told and could not prove by their last record: an answer for each.
template <class Outcome>
using Claims = Votes<Outcome>;

/// The votes with those claims that may count beside them: one that somebody else proves, for then
/// it is only the record itself that was altered there; and, once everybody has answered and too
/// few prove theirs, all of them: whoever reads the log finds out what is left of it.
[[nodiscard]] Votes<ledger::journal::PrepareOutcome> with_claims(
    Votes<ledger::journal::PrepareOutcome> votes,
    const Claims<ledger::journal::PrepareOutcome>& claims);
[[nodiscard]] Votes<ledger::journal::PromisedOutcome> with_claims(
    Votes<ledger::journal::PromisedOutcome> votes,
    const Claims<ledger::journal::PromisedOutcome>& claims);

/// Gathers the votes on one call and tells its caller once. **Thread:** any.
template <class Outcome>
class Tally {
public:
    using Decide = std::function<std::optional<Outcome>(const Votes<Outcome>&)>;
    using Done = std::function<void(Outcome)>;

    Tally(std::size_t instances, Decide decide, Done done)
        : votes_(instances), decide_(std::move(decide)), done_(std::move(done)) {}

    /// Counts the answer of one instance; answers after the decision change nothing.
    void vote(std::size_t instance, Outcome outcome) {
        std::optional<Outcome> decision;
        {
            const std::lock_guard lock(mutex_);
            if (is_decided_) return;
            votes_[instance] = std::move(outcome);
            decision = decide_(votes_);
            is_decided_ = decision.has_value();
        }
        if (decision) done_(std::move(*decision));
    }

private:
    std::mutex mutex_;
    Votes<Outcome> votes_;
    bool is_decided_{};
    Decide decide_;
    Done done_;
};

}  // namespace crossclear::store
