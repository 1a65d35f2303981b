#include "store/directory/rules.hpp"

#include "base/check.hpp"
#include "store/directory/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossclear::store {
namespace {

// Beyond the end itself: instances count in milliseconds, and answer one after the other.
constexpr base::Duration end_is_seen_after = base::milliseconds(5);

}  // namespace

std::string refusal_of(const Beat& beat, std::uint16_t partition_count) {
    CHECK(beat.ttl.us > 0, "a membership lasts");
    for (const base::PartitionId partition : beat.released) {
        CHECK(std::find(beat.wanted.begin(), beat.wanted.end(), partition) == beat.wanted.end(),
              "a partition is wanted or given up, not both");
    }
    const Member& self = beat.self;
    if (self.name.empty() || self.name.size() > limits::member_name_bytes_max) {
        return fmt::format("a node's name has 1 to {} bytes, this one {}",
                           limits::member_name_bytes_max, self.name.size());
    }
    if (self.endpoint.size() > limits::member_endpoint_bytes_max) {
        return fmt::format("a node's endpoint has at most {} bytes, this one {}",
                           limits::member_endpoint_bytes_max, self.endpoint.size());
    }
    if (beat.ttl > limits::lease_max) {
        return fmt::format("a lease lasts at most {} s, not {} s", limits::lease_max.us / 1'000'000,
                           beat.ttl.us / 1'000'000);
    }
    for (const auto* list : {&beat.wanted, &beat.released}) {
        for (const base::PartitionId partition : *list) {
            if (partition.v < partition_count) continue;
            return fmt::format("partition {} is not one of the cluster's {}", partition.v,
                               partition_count);
        }
    }
    return {};
}

base::Duration wait_after(const BeatOutcome& outcome, base::Duration every) {
    const auto* view = std::get_if<View>(&outcome);
    if (view == nullptr || !view->next_end) return every;
    return std::min(every, base::Duration{view->next_end->us + end_is_seen_after.us});
}

}  // namespace crossclear::store
