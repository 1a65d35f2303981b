#include "store/memory/memory_directory.hpp"

#include "base/check.hpp"
#include "store/directory/limits.hpp"
#include "store/directory/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace crossclear::store {

// A lease names its holder's incarnation, so that a successor of the same name inherits nothing.
struct MemoryDirectory::Shared {
    struct Presence {
        Member member;
        base::Timestamp until;
    };
    struct Lease {
        std::string name;
        std::uint64_t incarnation{};
        base::Timestamp until;
    };

    Shared(std::uint16_t count, std::function<base::Timestamp()> clock)
        : now(std::move(clock)), leases(count) {}

    [[nodiscard]] static bool is_of(const std::optional<Lease>& lease, const Member& member) {
        return lease && lease->name == member.name && lease->incarnation == member.incarnation;
    }

    void forget_what_is_over() {
        const base::Timestamp at = now();
        std::erase_if(members, [&](const auto& entry) { return entry.second.until <= at; });
        for (auto& lease : leases) {
            if (lease && lease->until <= at) lease.reset();
        }
    }

    [[nodiscard]] View view_of(const Member& self) const {
        View view;
        for (const auto& [name, presence] : members) {
            view.members.push_back(presence.member);
            if (name == self.name) continue;
            const base::Duration left = presence.until - now();
            view.next_end = std::min(view.next_end.value_or(left), left);
        }
        for (const auto& lease : leases) {
            auto& holder = view.holders.emplace_back();
            if (!lease) continue;
            const auto found = members.find(lease->name);
            if (found != members.end() && is_of(lease, found->second.member)) holder = lease->name;
        }
        return view;
    }

    std::mutex mutex;
    const std::function<base::Timestamp()> now;
    std::map<std::string, Presence> members;
    std::vector<std::optional<Lease>> leases;  // By partition.
};

MemoryDirectory::MemoryDirectory(std::uint16_t partition_count,
                                 std::function<base::Timestamp()> now)
    : MemoryDirectory(std::make_shared<Shared>(partition_count, std::move(now))) {}

MemoryDirectory::MemoryDirectory(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

MemoryDirectory::~MemoryDirectory() = default;

std::unique_ptr<MemoryDirectory> MemoryDirectory::for_another_node() const {
    return std::unique_ptr<MemoryDirectory>(new MemoryDirectory(shared_));
}

void MemoryDirectory::beat(Beat beat, std::function<void(BeatOutcome)> done) {
    BeatOutcome outcome;
    {
        const std::lock_guard lock(shared_->mutex);
        if (is_stopped_) return;
        outcome = do_beat(beat);
    }
    done(std::move(outcome));
}

void MemoryDirectory::leave(Member self, std::function<void(bool)> done) {
    bool is_noted = false;
    {
        const std::lock_guard lock(shared_->mutex);
        if (is_stopped_) return;
        is_noted = trouble_.empty();
        if (is_noted) {
            const auto found = shared_->members.find(self.name);
            const bool is_same = found != shared_->members.end() &&
                                 found->second.member.incarnation == self.incarnation;
            if (is_same) shared_->members.erase(found);
            for (auto& lease : shared_->leases) {
                if (Shared::is_of(lease, self)) lease.reset();
            }
        }
    }
    done(is_noted);
}

void MemoryDirectory::stop() {
    const std::lock_guard lock(shared_->mutex);
    is_stopped_ = true;
}

void MemoryDirectory::set_trouble(std::string reason) {
    const std::lock_guard lock(shared_->mutex);
    trouble_ = std::move(reason);
}

BeatOutcome MemoryDirectory::do_beat(const Beat& beat) {
    const auto count = static_cast<std::uint16_t>(shared_->leases.size());
    if (std::string refusal = refusal_of(beat, count); !refusal.empty()) {
        return BeatRefused{std::move(refusal)};
    }
    if (!trouble_.empty()) return BeatUnknown{trouble_};
    shared_->forget_what_is_over();

    const Member& self = beat.self;
    const auto known = shared_->members.find(self.name);
    if (known == shared_->members.end() && shared_->members.size() >= limits::members_max) {
        return BeatRefused{fmt::format("the cluster has {} nodes already", limits::members_max)};
    }
    if (known != shared_->members.end() && known->second.member.incarnation != self.incarnation) {
        return NameTaken{known->second.member.endpoint};
    }
    const base::Timestamp until = shared_->now() + beat.ttl;
    shared_->members.insert_or_assign(self.name, Shared::Presence{self, until});
    for (const base::PartitionId partition : beat.wanted) {
        auto& lease = shared_->leases[partition.v];
        const bool is_free = !lease || Shared::is_of(lease, self);
        if (is_free) lease = Shared::Lease{self.name, self.incarnation, until};
    }
    for (const base::PartitionId partition : beat.released) {
        auto& lease = shared_->leases[partition.v];
        if (Shared::is_of(lease, self)) lease.reset();
    }
    return shared_->view_of(self);
}

}  // namespace crossclear::store
