#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Who the nodes of a cluster are, and which of them should try to own which partition.
///
/// Nothing here makes anything safe: a lease says who should try, never who may write. That is
/// decided by the fence in every append, so clocks and pauses can make a lease wrong at no cost but
/// a takeover that was not needed.
///
/// Everything is asynchronous, as in ledger/journal/port.hpp: a call returns at once and its
/// callback runs on a thread of the adapter, exactly once, unless the directory is stopped or
/// destroyed first. Callbacks must not block; hosts post to themselves.

namespace crossclear::store {

/// One process of the cluster.
struct Member {
    std::string name;             ///< Chosen by configuration, unique among those that live.
    std::string endpoint;         ///< Where other nodes reach it; the directory only passes it on.
    std::uint64_t incarnation{};  ///< Random at each start: tells two processes of one name apart.

    friend bool operator==(const Member&, const Member&) = default;
};

/// Says that a node lives, and what it wants to own. **Requires:** no partition is both wanted and
/// released, and `ttl` is positive.
struct Beat {
    Member self;
    /// How long membership and leases last without another beat; several beats fit into it.
    base::Duration ttl;
    /// Leases to renew, or to take if nobody holds them. One that is held and not named here runs
    /// out.
    std::vector<base::PartitionId> wanted{};
    std::vector<base::PartitionId> released{};  ///< Leases to give up at once.
};

/// The cluster as it was after the beat.
struct View {
    std::vector<Member> members;  ///< Those that live, sorted by name; whoever asked is among them.
    /// By partition: the name of one of `members`, or nobody.
    std::vector<std::optional<std::string>> holders;
    /// When the first of the others is gone if none of them beats again; nothing if there are none.
    std::optional<base::Duration> next_end{};

    friend bool operator==(const View&, const View&) = default;
};
/// Another incarnation of this name lives. If it is a process that crashed, its time runs out; if
/// it does not, two nodes are configured with one name.
struct NameTaken {
    std::string endpoint;  ///< The other one's.
};
/// Nobody, or no majority, answered: the beat may or may not count. Beat again.
struct BeatUnknown {
    std::string reason;
};
/// What answers is not this cluster's directory, or does not take such a beat. Repeating it helps
/// only after somebody has mended that.
struct BeatRefused {
    std::string reason;
};
using BeatOutcome = std::variant<View, NameTaken, BeatUnknown, BeatRefused>;

/// The door to whatever keeps the members and their leases.
///
/// **Thread:** any; calls are executed in the order in which they were made.
class Directory {
public:
    Directory() = default;
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    virtual ~Directory() = default;

    /// Renews the membership and the leases of a node and answers what the cluster looks like.
    virtual void beat(Beat beat, std::function<void(BeatOutcome)> done) = 0;
    /// Ends a membership and drops its leases at once; another incarnation's are left alone.
    /// `done` hears whether a majority noted it; whatever did not forgets it when its time is up.
    virtual void leave(Member self, std::function<void(bool)> done) = 0;
    /// Ends its threads; callbacks that have not run never will. Not from a callback.
    virtual void stop() = 0;
};

}  // namespace crossclear::store
