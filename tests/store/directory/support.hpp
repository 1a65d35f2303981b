#pragma once

#include "store/directory/directory.hpp"
#include "store/redis/redis_directory.hpp"
#include "tests/store/support.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// What the tests of the directories share: nodes, beats made to wait, and who holds what.

namespace crossclear::store::test {

/// A node whose endpoint follows from its name.
inline Member node(const std::string& name, std::uint64_t incarnation = 1) {
    return Member{.name = name, .endpoint = name + ":4711|a", .incarnation = incarnation};
}

inline std::vector<base::PartitionId> partitions(std::initializer_list<std::uint16_t> numbers) {
    std::vector<base::PartitionId> result;
    for (const std::uint16_t number : numbers) result.push_back(base::PartitionId{number});
    return result;
}

/// Longer than any test waits, so that nothing runs out by itself.
inline constexpr base::Duration long_ttl = base::seconds(600);

inline BeatOutcome beat(Directory& directory, Beat given) {
    return await<BeatOutcome>([&](auto done) { directory.beat(std::move(given), done); });
}
inline BeatOutcome beat(Directory& directory, const Member& self,
                        std::initializer_list<std::uint16_t> wanted = {},
                        std::initializer_list<std::uint16_t> released = {},
                        base::Duration ttl = long_ttl) {
    return beat(directory, Beat{.self = self,
                                .ttl = ttl,
                                .wanted = partitions(wanted),
                                .released = partitions(released)});
}
inline bool leave(Directory& directory, const Member& self) {
    return await<bool>([&](auto done) { directory.leave(self, done); });
}

inline std::unique_ptr<RedisDirectory> open_directory_or_fail(const RedisOptions& options) {
    auto opened = RedisDirectory::open(options);
    if (!opened) {
        ADD_FAILURE() << to_string(opened.error());
        std::abort();
    }
    return std::move(opened).value();
}

/// What kind of outcome it is, and why, for a test that expected another.
inline std::string explain(const BeatOutcome& outcome) {
    if (const auto* taken = std::get_if<NameTaken>(&outcome)) return "taken by " + taken->endpoint;
    if (const auto* unknown = std::get_if<BeatUnknown>(&outcome)) {
        return "unknown: " + unknown->reason;
    }
    if (const auto* refused = std::get_if<BeatRefused>(&outcome)) {
        return "refused: " + refused->reason;
    }
    return "a view";
}

inline View view_of(const BeatOutcome& outcome) {
    if (const auto* view = std::get_if<View>(&outcome)) return *view;
    ADD_FAILURE() << explain(outcome);
    return {};
}

/// Who holds something, by partition.
using Held = std::map<std::uint16_t, std::string>;
inline Held held(const View& view) {
    Held result;
    for (std::size_t i = 0; i < view.holders.size(); ++i) {
        if (view.holders[i]) result[static_cast<std::uint16_t>(i)] = *view.holders[i];
    }
    return result;
}
inline Held held(const BeatOutcome& outcome) { return held(view_of(outcome)); }

inline std::vector<std::string> names(const BeatOutcome& outcome) {
    std::vector<std::string> result;
    for (const Member& member : view_of(outcome).members) result.push_back(member.name);
    return result;
}

}  // namespace crossclear::store::test
