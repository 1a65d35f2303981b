#include "store/quorum/majority.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <variant>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

// All votes of one kind, in the order of the instances.
template <class Kind, class Outcome>
std::vector<const Kind*> all_of(const Votes<Outcome>& votes) {
    std::vector<const Kind*> found;
    for (const auto& vote : votes) {
        if (!vote) continue;
        if (const auto* kind = std::get_if<Kind>(&*vote)) found.push_back(kind);
    }
    return found;
}

template <class Outcome>
bool is_complete(const Votes<Outcome>& votes) {
    return std::all_of(votes.begin(), votes.end(),
                       [](const auto& vote) { return vote.has_value(); });
}

// The highest promise that excludes `fence`. One below it is an instance that was not there when
// the fence was promised: it withholds its vote and takes nobody's right away.
template <class Outcome>
std::optional<Fenced> rival_of(const Votes<Outcome>& votes, const Fence& fence) {
    std::optional<Fenced> highest;
    for (const Fenced* fenced : all_of<Fenced>(votes)) {
        if (fenced->epoch < fence.epoch) continue;
        if (!highest || fenced->epoch > highest->epoch) highest = *fenced;
    }
    return highest;
}

// What a write without a majority means. `consents` instances hold it nevertheless.
template <class Outcome>
std::optional<Outcome> without_majority(const Votes<Outcome>& votes, const Fence& fence,
                                        std::size_t consents) {
    if (!is_complete(votes)) return {};
    if (const auto rival = rival_of(votes, fence)) return Outcome{*rival};
    if (const auto unknown = all_of<Unknown>(votes); !unknown.empty()) return *unknown.front();
    if (consents > 0)
        return Unknown{"a minority of the instances has it, the others do not answer"};
    if constexpr (std::is_same_v<Outcome, AppendOutcome>) {
        // Only all of them can say so: whoever does not answer may hold what the others lack.
        const auto gaps = all_of<Gap>(votes);
        if (gaps.size() == votes.size()) return *gaps.front();
        if (!gaps.empty()) return Declined{"the instances that answer lack an earlier record"};
    }
    // Whoever was not there when the fence was promised takes it away only with all the others.
    const auto fenced = all_of<Fenced>(votes);
    if (fenced.size() == votes.size()) return *fenced.front();
    const auto declined = all_of<Declined>(votes);
    CHECK(!declined.empty(), "every other kind of vote was looked for");
    return *declined.front();
}

// What a question without a majority means: nothing can have been written.
template <class Outcome>
std::optional<Outcome> no_majority_to_ask(const Votes<Outcome>& votes) {
    if (!is_complete(votes)) return {};
    if (const auto declined = all_of<Declined>(votes); !declined.empty()) return *declined.front();
    const auto unknown = all_of<Unknown>(votes);
    CHECK(!unknown.empty(), "without a majority somebody did not answer");
    return *unknown.front();
}

// `Told` is the answer that tells an end.
template <class Told, class Outcome>
Votes<Outcome> counting(Votes<Outcome> votes, const Claims<Outcome>& claims) {
    const auto proven = votes;
    std::size_t silent = 0;
    for (std::size_t i = 0; i < votes.size(); ++i) {
        if (!claims[i]) {
            silent += votes[i] && !std::holds_alternative<Told>(*votes[i]) ? 1U : 0U;
            continue;
        }
        const Head& end = std::get<Told>(*claims[i]).last;
        for (const Told* told : all_of<Told>(proven)) {
            if (told->last == end) votes[i] = claims[i];
        }
    }
    const bool is_decided = all_of<Told>(votes).size() >= majority_of(votes.size());
    if (is_decided || silent > 0 || !is_complete(votes)) return votes;
    for (std::size_t i = 0; i < votes.size(); ++i) {
        if (claims[i]) votes[i] = claims[i];
    }
    return votes;
}

}  // namespace

Votes<PrepareOutcome> with_claims(Votes<PrepareOutcome> votes,
                                  const Claims<PrepareOutcome>& claims) {
    return counting<Prepared>(std::move(votes), claims);
}

Votes<PromisedOutcome> with_claims(Votes<PromisedOutcome> votes,
                                   const Claims<PromisedOutcome>& claims) {
    return counting<Promised>(std::move(votes), claims);
}

std::optional<AppendOutcome> decide_append(const Votes<AppendOutcome>& votes, const Fence& fence) {
    const auto appended = all_of<Appended>(votes);
    if (appended.size() < majority_of(votes.size())) {
        return without_majority(votes, fence, appended.size());
    }
    const bool was_duplicate = std::any_of(
        appended.begin(), appended.end(), [](const Appended* vote) { return vote->was_duplicate; });
    return Appended{was_duplicate};
}

std::optional<PrepareOutcome> decide_prepare(const Votes<PrepareOutcome>& votes,
                                             const Fence& fence) {
    const auto prepared = all_of<Prepared>(votes);
    if (prepared.size() < majority_of(votes.size())) {
        return without_majority(votes, fence, prepared.size());
    }
    const auto chosen = std::max_element(prepared.begin(), prepared.end(),
                                         [](const Prepared* a, const Prepared* b) {
                                             return std::tie(a->last.record_epoch, a->last.seq) <
                                                    std::tie(b->last.record_epoch, b->last.seq);
                                         });
    return **chosen;
}

std::optional<PromisedOutcome> decide_promised(const Votes<PromisedOutcome>& votes) {
    const auto found = all_of<Promised>(votes);
    if (found.size() < majority_of(votes.size())) return no_majority_to_ask(votes);
    Promised highest;
    for (const Promised* one : found) {
        highest.epoch = std::max(highest.epoch, one->epoch);
        const auto end = [](const Head& head) { return std::tie(head.record_epoch, head.seq); };
        if (end(one->last) > end(highest.last)) highest.last = one->last;
    }
    return highest;
}

std::optional<ConfirmOutcome> decide_confirm(const Votes<ConfirmOutcome>& votes,
                                             const Fence& fence) {
    const auto confirmed = all_of<Confirmed>(votes);
    if (confirmed.size() >= majority_of(votes.size())) return Confirmed{};
    if (!is_complete(votes)) return {};
    if (const auto rival = rival_of(votes, fence)) return *rival;
    if (const auto unknown = all_of<Unknown>(votes); !unknown.empty()) return *unknown.front();
    // Whoever was not there when the fence was promised takes it away only with all the others.
    const auto fenced = all_of<Fenced>(votes);
    if (fenced.size() == votes.size()) return *fenced.front();
    const auto declined = all_of<Declined>(votes);
    if (declined.empty()) return Unknown{"a minority of the instances honours the fence"};
    return *declined.front();
}

std::optional<StoreSnapshotOutcome> decide_snapshot(const Votes<StoreSnapshotOutcome>& votes,
                                                    const Fence& fence) {
    const auto stored = all_of<SnapshotStored>(votes);
    if (stored.size() >= majority_of(votes.size())) return SnapshotStored{};
    return without_majority(votes, fence, stored.size());
}

std::optional<TrimOutcome> decide_trim(const Votes<TrimOutcome>& votes, const Fence& fence) {
    const auto trimmed = all_of<Trimmed>(votes);
    if (trimmed.size() >= majority_of(votes.size())) return Trimmed{};
    return without_majority(votes, fence, trimmed.size());
}

std::optional<ReadSnapshotOutcome> decide_read_snapshot(const Votes<ReadSnapshotOutcome>& votes) {
    const auto reads = all_of<SnapshotRead>(votes);
    if (reads.size() < majority_of(votes.size())) {
        const auto damaged = all_of<Damaged>(votes);
        if (is_complete(votes) && !damaged.empty()) return *damaged.front();
        return no_majority_to_ask(votes);
    }
    const auto seq_of = [](const SnapshotRead* read) {
        return read->found.empty() ? 0 : read->found.front().at.seq;
    };
    return **std::max_element(reads.begin(), reads.end(),
                              [&](const auto* a, const auto* b) { return seq_of(a) < seq_of(b); });
}

}  // namespace crossclear::store
