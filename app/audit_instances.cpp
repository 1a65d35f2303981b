#include "app/audit_instances.hpp"

#include "app/audit_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <utility>

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;
using journal::Head;

// What one instance holds of a partition.
struct Held {
    std::string name;
    std::map<std::uint64_t, Head> heads;  // By number.
    std::uint64_t end{};                  // The last number when the audit began to look.
    std::uint64_t base{};                 // The first number it has.
    std::uint64_t core_at{};              // The record of its snapshot of the partition; 0: none.
};

std::optional<journal::Promised> promise_of(journal::Journal& from, base::PartitionId partition) {
    std::promise<journal::PromisedOutcome> promise;
    auto future = promise.get_future();
    from.promised(partition, [&promise](const journal::PromisedOutcome& outcome) {
        promise.set_value(outcome);
    });
    const auto outcome = future.get();
    const auto* found = std::get_if<journal::Promised>(&outcome);
    return found == nullptr ? std::nullopt : std::optional(*found);
}

class InstanceCheck {
public:
    InstanceCheck(const std::string& cluster, const ChosenLog& chosen, std::size_t count,
                  AuditFindings& findings)
        : cluster_(cluster),
          chosen_(chosen),
          majority_(count / 2 + 1),
          count_(count),
          findings_(findings) {}

    void read(const InstanceLog& instance);
    void compare();

private:
    void compare_chosen();
    void compare_others();
    void compare_prefix(const Held& held);
    void compare_pairs();
    void check_trim();
    [[nodiscard]] const Head* chosen_at(std::uint64_t seq) const;
    [[nodiscard]] std::size_t missing() const { return count_ - held_.size(); }
    void blame(Invariant invariant, std::uint64_t seq, const std::string& what) {
        findings_.blame(invariant,
                        fmt::format("partition {} record {}: {}", chosen_.partition.v, seq, what));
    }

    const std::string& cluster_;
    const ChosenLog& chosen_;
    const std::size_t majority_;
    const std::size_t count_;
    AuditFindings& findings_;
    std::vector<Held> held_;
};

// What its log says at fault is told, and the log is compared as far as it could be read.
void InstanceCheck::read(const InstanceLog& instance) {
    const auto promised = promise_of(*instance.journal, chosen_.partition);
    if (!promised) {
        for (const auto invariant : {Invariant::acknowledged_stays, Invariant::one_value_a_number,
                                     Invariant::one_prefix, Invariant::promises_hold}) {
            findings_.miss(invariant,
                           instance.name + " cannot be read: " + instance.journal->trouble());
        }
        return;
    }
    Held held{.name = instance.name, .heads = {}, .end = promised->last.seq};
    findings_.look(Invariant::promises_hold);
    if (promised->epoch < promised->last.record_epoch) {
        blame(Invariant::promises_hold, promised->last.seq,
              fmt::format("{} has promised epoch {} and ends with a record of epoch {}",
                          instance.name, promised->epoch, promised->last.record_epoch));
    }
    const auto fault = walk(*instance.journal, cluster_, chosen_.partition,
                            [&](const journal::Record& record, const auto&, bool is_base) {
                                if (is_base) held.base = record.head.seq;
                                held.heads.emplace(record.head.seq, record.head);
                            });
    if (fault && fault->breaks) {
        findings_.blame(*fault->breaks, instance.name + ": " + fault->says);
    } else if (fault) {
        findings_.miss(Invariant::acknowledged_stays, instance.name + ": " + fault->says);
    }
    const auto core = read_snapshot_of(
        *instance.journal, chosen_.partition,
        {.kind = base::EntityKind::partition, .id = chosen_.partition.v, .sub = 0});
    if (const auto* found = std::get_if<journal::SnapshotRead>(&core)) {
        if (!found->found.empty()) held.core_at = found->found.front().at.seq;
    }
    // A log that was not read to its end holds nothing against anybody beyond that.
    held.end = held.heads.empty() ? 0 : std::min(held.end, held.heads.rbegin()->first);
    if (!fault) held_.push_back(std::move(held));
}

const Head* InstanceCheck::chosen_at(std::uint64_t seq) const {
    if (chosen_.heads.empty() || seq < chosen_.heads.front().seq) return nullptr;
    const auto index = seq - chosen_.heads.front().seq;
    return index < chosen_.heads.size() ? &chosen_.heads[index] : nullptr;
}

void InstanceCheck::compare() {
    if (held_.empty()) return;
    compare_chosen();
    compare_others();
    for (const auto& held : held_) compare_prefix(held);
    compare_pairs();
    check_trim();
}

// What was committed is held by a majority; only the last record may be under way.
void InstanceCheck::compare_chosen() {
    for (std::size_t i = 0; i + 1 < chosen_.heads.size(); ++i) {
        const auto& head = chosen_.heads[i];
        findings_.look(Invariant::acknowledged_stays);
        const auto holders = std::count_if(held_.begin(), held_.end(), [&](const Held& held) {
            const auto found = held.heads.find(head.seq);
            return head.seq < held.base || (found != held.heads.end() && found->second == head);
        });
        if (static_cast<std::size_t>(holders) + missing() >= majority_) continue;
        return blame(Invariant::acknowledged_stays, head.seq,
                     fmt::format("only {} of {} instances hold it", holders, count_));
    }
}

// What a majority holds and the chosen log has otherwise, under no later owner, was lost.
void InstanceCheck::compare_others() {
    std::map<std::uint64_t, std::vector<Head>> others;
    for (const auto& held : held_) {
        for (const auto& [seq, head] : held.heads) {
            const auto* chosen = chosen_at(seq);
            if (chosen != nullptr && head != *chosen) others[seq].push_back(head);
        }
    }
    for (const auto& [seq, heads] : others) {
        for (const auto& head : heads) {
            const auto alike =
                static_cast<std::size_t>(std::count(heads.begin(), heads.end(), head));
            if (alike < majority_ || head.record_epoch >= chosen_at(seq)->record_epoch) continue;
            return blame(Invariant::acknowledged_stays, seq,
                         fmt::format("{} of {} instances hold one of epoch {} that is not in the "
                                     "log",
                                     alike, count_, head.record_epoch));
        }
    }
}

// From the last record that both hold, back to the first: all must be shared.
void InstanceCheck::compare_prefix(const Held& held) {
    bool is_shared = false;
    for (auto at = held.heads.rbegin(); at != held.heads.rend(); ++at) {
        const auto* chosen = chosen_at(at->first);
        if (chosen == nullptr) continue;
        findings_.look(Invariant::one_prefix);
        const bool is_same = *chosen == at->second;
        if (is_shared && !is_same) {
            return blame(Invariant::one_prefix, at->first,
                         held.name + " shares a later record with the log and not this one");
        }
        is_shared = is_shared || is_same;
    }
}

void InstanceCheck::compare_pairs() {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::pair<Head, const Held*>> known;
    for (const auto& held : held_) {
        for (const auto& [seq, head] : held.heads) {
            findings_.look(Invariant::one_value_a_number);
            const auto [found, is_new] =
                known.try_emplace({seq, head.record_epoch}, std::pair{head, &held});
            if (is_new || found->second.first == head) continue;
            return blame(Invariant::one_value_a_number, seq,
                         fmt::format("{} and {} hold different ones of epoch {}",
                                     found->second.second->name, held.name, head.record_epoch));
        }
    }
}

void InstanceCheck::check_trim() {
    for (const auto& held : held_) {
        if (held.base <= 1) continue;
        findings_.look(Invariant::trims_are_covered);
        const auto covered = std::count_if(held_.begin(), held_.end(), [&](const Held& other) {
            return other.core_at >= held.base;
        });
        if (static_cast<std::size_t>(covered) + missing() >= majority_) continue;
        blame(
            Invariant::trims_are_covered, held.base,
            fmt::format("{} begins with it, and only {} of {} instances hold a snapshot that says "
                        "what came before",
                        held.name, covered, count_));
    }
}

}  // namespace

void check_instances(const std::string& cluster, const ChosenLog& chosen,
                     const std::vector<InstanceLog>& instances, std::size_t instances_count,
                     AuditFindings& findings) {
    InstanceCheck check(cluster, chosen, instances_count, findings);
    for (const auto& instance : instances) check.read(instance);
    check.compare();
}

}  // namespace crossclear::app
