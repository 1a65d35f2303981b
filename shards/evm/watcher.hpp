#pragma once

#include "shards/evm/desk.hpp"
#include "shards/evm/follower.hpp"
#include "shards/evm/inflows.hpp"
#include "shards/evm/reader.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

/// Reads each new block of a chain once, and tells what it has of ours.

namespace crossclear::shards::evm {

/// What transactions may offer.
struct FeeRule {
    ledger::signing::Fees max;   ///< What none offers more than.
    std::uint64_t tip_min{};     ///< Wei.
    std::uint64_t cancel_gas{};  ///< What a transfer of nothing takes.
};

/// One broker's view of one chain, from a final block on.
///
/// **Thread:** that of the chain.
class Watcher {
public:
    /// **Requires:** that both outlive it.
    Watcher(Chain& chain, Reader& reader, FinalityRule finality, FeeRule fees)
        : chain_(chain), reader_(reader), fees_(fees), follower_(chain, finality) {}

    /// A transaction to look for.
    void watch(const Watched& transaction);
    /// All below this nonce are finished.
    void forget_below(std::uint64_t nonce);

    /// What came of a round.
    struct Round {
        std::optional<StepFault> fault;  ///< Why it was none, or not a whole one.
        std::optional<HeadNews> news;    ///< None where nothing is new.
        std::vector<ledger::ShardNotice> inflows;
    };
    /// Asks once where the chain stands and reads what is new. One at a time.
    [[nodiscard]] Awaited<Round> look();

    /// The inflows of blocks that are not final yet, as they were told.
    [[nodiscard]] std::vector<ledger::ShardNotice> inflows() const;
    /// The newest block and the last final one of which everything is read; nothing before the
    /// first news.
    [[nodiscard]] const std::optional<Header>& head() const { return head_; }
    [[nodiscard]] const std::optional<Header>& final_block() const { return final_; }

private:
    struct Read {
        std::uint64_t number{};
        ledger::Finality told{ledger::Finality::included};
        std::vector<ledger::ShardNotice> inflows;
    };

    void take(ChainStep step);
    [[nodiscard]] Awaited<bool> read_blocks();
    [[nodiscard]] Awaited<bool> find_bodies(std::size_t blocks);
    [[nodiscard]] std::vector<Hash> ours_in(const std::vector<Hash>& transactions) const;
    void take_inflows(const Header& header, std::vector<ledger::ShardNotice> inflows);
    [[nodiscard]] Awaited<bool> read_heads();
    [[nodiscard]] Awaited<void> ask_for_tip();
    [[nodiscard]] Awaited<bool> find_missed(std::uint64_t final_nonce);
    void tell_finality(std::vector<ledger::ShardNotice>& to);
    void add_found(std::vector<Found> found);
    [[nodiscard]] std::vector<Hash> all_watched() const;

    Chain& chain_;
    Reader& reader_;
    FeeRule fees_;
    Follower follower_;
    std::deque<AddedBlock> unread_;
    std::map<Hash, Read> read_;                 // Blocks that are not final.
    std::map<Hash, std::uint64_t> watched_;     // The nonce.
    std::map<std::uint64_t, Hash> found_;       // By nonce: the block.
    HeadNews news_;                             // What the next one has.
    std::vector<ledger::ShardNotice> inflows_;  // Likewise.
    std::optional<Header> head_;
    std::optional<Header> final_;
    std::optional<Chain::Account> account_;  // The key's at the follower's final block, if asked.
    std::uint64_t safe_{};
    std::uint64_t tip_{};  // Wei, as told last; 0: not told.
    std::optional<std::chrono::steady_clock::time_point> tip_asked_at_;
};

}  // namespace crossclear::shards::evm
