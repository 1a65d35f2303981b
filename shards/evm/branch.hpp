#pragma once

#include "shards/evm/blocks.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

/// Which blocks are the chain right now.
///
/// The problem: a node tells its newest block, now and then, perhaps not each, perhaps one of
/// another branch than before, perhaps an old one. The idea: a block counts once the parents
/// between it and what is known are known as well; then what it replaces is told as dropped, the
/// newest first, and what it brings as added, the oldest first. The subtle thing: a branch is
/// changed only when the way to the new head is whole, so that whoever follows never sees half of
/// one.

namespace crossclear::shards::evm {

/// What a head changed.
struct BranchChange {
    std::vector<Header> dropped;  ///< Not the chain any more, the newest first.
    std::vector<Header> added;    ///< The chain from now on, the oldest first.
    /// A parent that has to be told before the head counts.
    std::optional<Hash> wanted{};
    /// The head contradicts what is final, or itself: another chain, or a node that lies. Or it is
    /// further away than any way.
    bool is_contradiction{};

    friend bool operator==(const BranchChange&, const BranchChange&) = default;
};

/// The end of a chain, from its last final block on.
class Branch {
public:
    /// Parents on the way to a head. Whoever was away for longer begins anew with a final block.
    static constexpr std::size_t way_max = 65'536;

    /// Begins with a block that is final, or taken for it at the start.
    explicit Branch(const Header& final_block);

    /// The newest block of the chain, and the last that is final.
    [[nodiscard]] const Header& head() const { return blocks_.back(); }
    [[nodiscard]] const Header& final_block() const { return blocks_.front(); }
    /// The block of the chain at a height, between both.
    [[nodiscard]] const Header* at(std::uint64_t number) const;
    /// Whether a block is of the chain, as far back as the final one.
    [[nodiscard]] bool has(std::uint64_t number, const Hash& hash) const;

    /// A node says that this is its newest block. One that is known, an ancestor of the head or
    /// below what is final changes nothing: an endpoint may be behind.
    [[nodiscard]] BranchChange follow(const Header& head);
    /// How high a parent that is wanted stands. **Requires:** that one is.
    [[nodiscard]] std::uint64_t wanted_height() const { return way_.back().number - 1; }
    /// A parent that was wanted; then the head that wanted it is looked at again. Others change
    /// nothing.
    [[nodiscard]] BranchChange take_parent(const Header& parent);
    /// A block is final: those before it are forgotten. True where it is of the chain; one below
    /// the last final block is no news and true. False: a contradiction, or one that is not known
    /// yet.
    [[nodiscard]] bool finalize(std::uint64_t number, const Hash& hash);

private:
    [[nodiscard]] BranchChange go_on();
    void forget_way();

    std::deque<Header> blocks_;     // From the final block to the head.
    std::vector<Header> way_;       // A head whose way is not whole, and its parents so far.
    std::map<Hash, Header> loose_;  // Others that were told, which may be on it.
};

}  // namespace crossclear::shards::evm
