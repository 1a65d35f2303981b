#pragma once

#include "base/result.hpp"
#include "shards/evm/branch.hpp"
#include "shards/evm/chain.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Follows a chain from its last final block on.

namespace crossclear::shards::evm {

/// A block that is new.
struct AddedBlock {
    Header header;
    std::optional<std::vector<Hash>> transactions;  ///< Nothing: it has to be asked for.
};

/// What is new since the last time.
struct ChainStep {
    std::vector<Header> dropped;    ///< Not the chain any more, the newest first.
    std::vector<AddedBlock> added;  ///< The chain from now on, the oldest first.
};

/// Why there was no step.
enum class StepFault : std::uint8_t {
    no_answer,             ///< Or one that contradicts another: ask again.
    final_block_replaced,  ///< Most endpoints say that what was final is not in the chain.
};

/// When a block is final.
struct FinalityRule {
    /// So many blocks behind the newest one, and safe at half of that. None: as the nodes say by
    /// their tags `safe` and `finalized`.
    std::optional<std::uint64_t> depth;
};

/// Where a chain stands. Nothing is known before the first step.
///
/// **Thread:** that of the chain.
class Follower {
public:
    /// **Requires:** that `chain` outlives it.
    Follower(Chain& chain, FinalityRule rule) : chain_(chain), rule_(rule) {}

    /// Asks once where the chain stands, and for all that is between there and here. One at a time.
    /// What the newest block is and which is final, most endpoints have to say.
    [[nodiscard]] Awaited<base::Result<ChainStep, StepFault>> advance();

    /// Whether there was a step.
    [[nodiscard]] bool is_anchored() const { return branch_.has_value(); }
    /// The newest block, the last that is final, and the height until which all are safe.
    /// **Requires:** `is_anchored()`.
    [[nodiscard]] const Header& head() const { return branch_->head(); }
    [[nodiscard]] const Header& final_block() const { return branch_->final_block(); }
    [[nodiscard]] std::uint64_t safe_height() const { return safe_; }
    /// Whether a block is of the chain, as far back as the final one.
    [[nodiscard]] bool has(std::uint64_t number, const Hash& hash) const {
        return branch_->has(number, hash);
    }

private:
    struct Stand {
        Block head;
        std::uint64_t final_height{};
        std::uint64_t safe{};
        std::optional<Header> final_block{};  // Where most endpoints have said it.
    };
    [[nodiscard]] Awaited<std::optional<Stand>> ask();
    [[nodiscard]] Awaited<std::optional<Header>> final_block_of(Stand stand);
    [[nodiscard]] Awaited<bool> anchor(const Stand& stand);
    [[nodiscard]] Awaited<BranchChange> follow(Header head);
    [[nodiscard]] Awaited<std::map<Hash, Block>> way_below(std::uint64_t height);
    [[nodiscard]] Awaited<void> finalize(const Stand& stand);
    [[nodiscard]] Awaited<bool> is_final_block_replaced();

    Chain& chain_;
    FinalityRule rule_;
    std::optional<Branch> branch_;
    std::uint64_t safe_{};
    // Of blocks that were told and are not added yet, as far as they are still known.
    std::map<Hash, std::vector<Hash>> bodies_;
};

}  // namespace crossclear::shards::evm
