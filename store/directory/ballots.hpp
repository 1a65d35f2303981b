#pragma once

#include "store/directory/directory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What a beat comes to when several independent instances were told of it.

namespace crossclear::store {

/// A lease as one instance has it: of a process, for its successor of the same name inherits
/// nothing.
struct Holder {
    std::string name;
    std::uint64_t incarnation{};

    friend auto operator<=>(const Holder&, const Holder&) = default;
};

/// The instance noted the beat; this is what it holds since.
struct Noted {
    std::vector<Member> members;
    std::vector<std::optional<Holder>> holders;  ///< By partition.
    std::optional<base::Duration> next_end{};    ///< As in View, for all that this one knows.
};
/// Another incarnation lives there under the name. Nothing was noted.
struct Occupied {
    std::uint64_t incarnation{};
    std::string endpoint;
};
/// It said no, or is not one to be asked. Nothing was noted.
struct Opposed {
    std::string reason;
};
/// It did not answer; the beat may have been noted.
struct Silent {
    std::string reason;
};
using Ballot = std::variant<Noted, Occupied, Opposed, Silent>;

/// What to tell whoever beat, and what to take back.
struct Verdict {
    BeatOutcome outcome;
    /// Leases that this node got from too few, and that somebody else has the better claim to.
    /// Given back, or two nodes would keep each other from a majority for as long as they live.
    std::vector<base::PartitionId> yielded{};
    bool must_withdraw{};  ///< Whether the membership itself is taken back, for the same reason.
};

/// Decides by a majority of all instances, those that were silent included. A member lives where
/// any instance says so; a partition is held where a majority names the same process. Since each
/// has to forget it, the instance that says longest says when the first member ends.
/// **Requires:** one ballot per instance.
[[nodiscard]] Verdict count_ballots(const Beat& beat, const std::vector<Ballot>& ballots,
                                    std::uint16_t partition_count);

}  // namespace crossclear::store
