#include "store/directory/ballots.hpp"

#include "base/check.hpp"
#include "store/quorum/majority.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace crossclear::store {
namespace {

template <class Kind>
std::vector<const Kind*> ballots_of(const std::vector<Ballot>& ballots) {
    std::vector<const Kind*> found;
    for (const Ballot& ballot : ballots) {
        if (const auto* kind = std::get_if<Kind>(&ballot)) found.push_back(kind);
    }
    return found;
}

// Of two processes with one name, the one that more instances know; then the lower incarnation.
std::vector<Member> members_of(const std::vector<const Noted*>& noted, const Member& self) {
    std::map<std::string, std::map<std::uint64_t, std::pair<std::size_t, const Member*>>> known;
    for (const Noted* ballot : noted) {
        for (const Member& member : ballot->members) {
            auto& [count, first] = known[member.name][member.incarnation];
            ++count;
            if (first == nullptr) first = &member;
        }
    }
    std::vector<Member> members;
    for (const auto& [name, incarnations] : known) {
        std::pair<std::size_t, const Member*> best;
        for (const auto& [incarnation, candidate] : incarnations) {
            if (candidate.first > best.first) best = candidate;
        }
        members.push_back(name == self.name ? self : *best.second);
    }
    return members;
}

using Backing = std::map<Holder, std::size_t>;  // How many instances name whom.

Backing backing_on(const std::vector<const Noted*>& noted, std::size_t partition) {
    Backing backing;
    for (const Noted* ballot : noted) {
        if (const auto& holder = ballot->holders[partition]) ++backing[*holder];
    }
    return backing;
}

// The claim that prevails: most instances, then the lowest name. Everyone who sees the same split
// comes to the same one, so that just one stays.
const Backing::value_type* best_of(const Backing& backing) {
    const Backing::value_type* best = nullptr;
    for (const auto& claim : backing) {
        if (best == nullptr || claim.second > best->second) best = &claim;
    }
    return best;
}

bool is_living(const Holder& holder, const std::vector<Member>& members) {
    for (const Member& member : members) {
        if (member.name == holder.name) return member.incarnation == holder.incarnation;
    }
    return false;
}

Verdict accepted(const Beat& beat, const std::vector<const Noted*>& noted, std::size_t majority,
                 std::uint16_t partition_count) {
    View view{.members = members_of(noted, beat.self), .holders = {}};
    for (const Noted* ballot : noted) view.next_end = std::max(view.next_end, ballot->next_end);
    view.holders.resize(partition_count);
    Verdict verdict;
    const Holder self{.name = beat.self.name, .incarnation = beat.self.incarnation};
    for (std::uint16_t p = 0; p < partition_count; ++p) {
        const Backing backing = backing_on(noted, p);
        const auto* best = best_of(backing);
        if (best == nullptr) continue;
        if (best->second >= majority && is_living(best->first, view.members)) {
            view.holders[p] = best->first.name;
        }
        if (best->first != self && backing.contains(self)) {
            verdict.yielded.push_back(base::PartitionId{p});
        }
    }
    verdict.outcome = std::move(view);
    return verdict;
}

}  // namespace

Verdict count_ballots(const Beat& beat, const std::vector<Ballot>& ballots,
                      std::uint16_t partition_count) {
    const std::size_t majority = majority_of(ballots.size());
    const auto noted = ballots_of<Noted>(ballots);
    const auto occupied = ballots_of<Occupied>(ballots);
    const auto opposed = ballots_of<Opposed>(ballots);
    for (const Noted* ballot : noted) {
        CHECK(ballot->holders.size() == partition_count, "each partition is held or free");
    }
    if (noted.size() >= majority) return accepted(beat, noted, majority, partition_count);
    if (occupied.size() >= majority) {
        return Verdict{.outcome = NameTaken{occupied.front()->endpoint}, .must_withdraw = true};
    }
    if (opposed.size() >= majority) return Verdict{.outcome = BeatRefused{opposed.front()->reason}};

    Verdict verdict;
    std::string why;
    if (!occupied.empty()) {
        const Occupied& other = *occupied.front();
        why = fmt::format("{} at {} claims the name as well", beat.self.name, other.endpoint);
        // Both sides see the same split and must not both stay: fewer instances give way, and of
        // equally many the higher incarnation.
        const bool is_fewer = noted.size() < occupied.size();
        const bool is_tied = noted.size() == occupied.size();
        verdict.must_withdraw = is_fewer || (is_tied && beat.self.incarnation > other.incarnation);
    } else if (!opposed.empty()) {
        why = opposed.front()->reason;
    } else {
        why = ballots_of<Silent>(ballots).front()->reason;
    }
    verdict.outcome = BeatUnknown{
        fmt::format("{} of {} instances noted the beat: {}", noted.size(), ballots.size(), why)};
    return verdict;
}

}  // namespace crossclear::store
