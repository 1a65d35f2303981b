#include "app/audit_invariants.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace crossclear::app {

const char* claim_of(Invariant invariant) {
    switch (invariant) {
        case Invariant::postings_balance:
            return "postings sum to zero per asset after every event";
        case Invariant::books_agree:
            return "books, machines, receipts and shards agree per broker, shard and asset";
        case Invariant::acknowledged_stays:
            return "what a majority holds is in the log, and what is in the log a majority holds";
        case Invariant::one_value_a_number:
            return "one owner writes one record under one number";
        case Invariant::one_prefix:
            return "every record follows the one before it, on every instance";
        case Invariant::owners_go_on:
            return "every owner begins with a record that says so, after all that was committed";
        case Invariant::promises_hold:
            return "epochs never fall, and no promise is below what was written under it";
        case Invariant::nothing_leaves_early:
            return "no order is on a shard that the journal does not know";
        case Invariant::messages_arrive_once:
            return "what one partition tells another takes effect once, and in the end";
        case Invariant::one_answer_an_id:
            return "a command has one answer";
        case Invariant::snapshots_tell_the_log:
            return "a snapshot says what the log says up to its record, byte for byte";
        case Invariant::trims_are_covered:
            return "a log is trimmed only behind a snapshot that a majority holds";
        case Invariant::nothing_is_overdrawn:
            return "no balance is on its wrong side, and no more is settled than is held";
        case Invariant::effects_happen_once:
            return "an order, a deposit and a result of a venue end once";
        case Invariant::sagas_end_once:
            return "a saga ends settled or compensated, never both";
        case Invariant::reads_are_committed:
            return "nobody is shown what is not committed";
        case Invariant::nothing_is_overdue:
            return "nothing is under way long after its deadline";
    }
    UNREACHABLE("an unlisted invariant");
}

const char* InvariantFinding::verdict() const {
    if (!violations.empty()) return "broken";
    return looked_at == 0 && !unseen.empty() ? "not visible in what is stored" : "ok";
}

void AuditFindings::miss(Invariant invariant, std::string why) {
    auto& unseen = at(invariant).unseen;
    if (std::find(unseen.begin(), unseen.end(), why) == unseen.end()) {
        unseen.push_back(std::move(why));
    }
}

void AuditFindings::add(const AuditFindings& other) {
    for (const auto invariant : all_invariants()) {
        const auto& theirs = other.of(invariant);
        auto& ours = at(invariant);
        ours.looked_at += theirs.looked_at;
        ours.violations.insert(ours.violations.end(), theirs.violations.begin(),
                               theirs.violations.end());
        for (const auto& why : theirs.unseen) miss(invariant, why);
    }
}

std::vector<std::string> AuditFindings::violations() const {
    std::vector<std::string> all;
    for (const auto& finding : all_) {
        all.insert(all.end(), finding.violations.begin(), finding.violations.end());
    }
    return all;
}

std::array<Invariant, invariants_count> all_invariants() {
    std::array<Invariant, invariants_count> all{};
    for (std::size_t i = 0; i < invariants_count; ++i) all[i] = static_cast<Invariant>(i + 1);
    return all;
}

}  // namespace crossclear::app
