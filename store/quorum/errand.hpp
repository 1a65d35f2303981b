#pragma once

#include "store/quorum/quorum_journal.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

/// How one acceptor's log of one partition is brought to the log that a majority chose.
///
/// Where the chosen log was trimmed and the acceptor ends before it, its log begins anew with the
/// first record there is. An acceptor that joins, or begins anew, is given the snapshots as well,
/// of a majority: whatever a majority holds, one of them has.
///
/// Promise first, so that nobody else writes there meanwhile. Then find the last record that both
/// logs share: back from the shorter one's end in doubling steps, then on in halving ones, so that
/// no shared record is abandoned even for a moment. Then copy what comes after it, a page at a
/// time; the first copied record abandons whatever else the acceptor had there. Appends that arrive
/// meanwhile wait, only the latest of them, and follow when the copy has reached them: without
/// that, a log that grows as fast as it is copied would never be whole.

namespace crossclear::store {

/// One errand; it owns itself until it ends. Any refusal or doubt ends it: the next append that
/// finds a gap begins another, or the owner when it tends the partition.
///
/// **Thread:** its steps follow each other on the acceptors' threads.
class QuorumJournal::Errand : public std::enable_shared_from_this<Errand> {
public:
    /// Starts an errand for an acceptor that `journal` counts; `is_joining`: it does not vote yet
    /// and is admitted at the end.
    static void begin(QuorumJournal& journal, std::size_t acceptor, base::PartitionId partition,
                      const ledger::journal::Fence& fence, bool is_joining);

    Errand(QuorumJournal& journal, std::size_t acceptor, base::PartitionId partition,
           const ledger::journal::Fence& fence, bool is_joining)
        : journal_(journal),
          acceptor_(acceptor),
          partition_(partition),
          fence_(fence),
          is_joining_(is_joining) {}

private:
    void promise();
    [[nodiscard]] std::optional<ledger::journal::Head> chosen_end() const;
    void find_common();
    void share_nothing(std::uint64_t seq);
    void differ(std::uint64_t seq);
    void compare(const ledger::journal::Head& theirs);
    void copy_after(std::uint64_t seq);
    void copy(const std::vector<ledger::journal::Record>& records);
    void begin_with(const ledger::journal::Record& base);
    [[nodiscard]] bool is_reached(std::uint64_t seq) const;
    void finish(std::uint64_t seq);
    void copy_snapshots(std::uint64_t seq);
    void list(std::uint64_t seq, std::string from);
    void store(std::uint64_t seq, std::shared_ptr<const SnapshotPage> page, std::size_t next);
    void admit(std::uint64_t seq);
    void end();

    QuorumJournal& journal_;
    const std::size_t acceptor_;
    const base::PartitionId partition_;
    const ledger::journal::Fence fence_;
    const bool is_joining_;
    ledger::journal::Head common_;        // The last record that both logs share, as far as known.
    std::optional<std::uint64_t> known_;  // Up to here nothing else needs to be looked at.
    std::uint64_t differs_{};             // From here on the logs are not the same.
    std::uint64_t stride_{1};
    bool is_new_{};                     // Its log begins anew.
    std::vector<std::size_t> sources_;  // Whose snapshots are still to be copied.
    ledger::journal::Head last_;        // What the acceptor's log ends with, as far as known.
};

}  // namespace crossclear::store
