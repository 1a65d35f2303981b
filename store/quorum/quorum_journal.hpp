#pragma once

#include "ledger/journal/port.hpp"
#include "store/acceptor.hpp"
#include "store/quorum/majority.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A majority of acceptors as one journal.
///
/// The problem: acceptors fail, miss records, come back with less than they had, or with nothing.
/// The idea: every call goes to all of them and counts when a majority says so; whoever is found
/// behind is given what it misses, in the background, by the owner of the partition. The subtle
/// thing is which log is *the* log. It is the one that the promise chose, followed by what this
/// owner appended; an acceptor is read from only if it is known to hold that one, for its own may
/// end in records that nobody chose.

namespace crossclear::store {

/// How one acceptor of the quorum stands, for metrics and operators.
struct AcceptorView {
    std::string name;
    Standing standing;
    std::size_t partitions_behind{};  ///< Owned here, and not known to hold their whole log.
    std::vector<std::string> damage;  ///< What it was found to hold altered: one a partition.
};

/// The journal of a quorum; with one acceptor, of that one.
///
/// **Thread:** any. Callbacks run on the acceptors' threads.
class QuorumJournal final : public ledger::journal::Journal {
public:
    /// **Requires:** an odd number of acceptors.
    QuorumJournal(std::string cluster, std::uint16_t partitions,
                  std::vector<std::unique_ptr<Acceptor>> acceptors);
    ~QuorumJournal() override;
    /// Ends the acceptors' threads: what is under way is never answered, later calls are declined
    /// at once. For whoever is about to end what the callbacks speak to.
    void stop();

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override;
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override;
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override;
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override;
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override;
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override;
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;
    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override;
    [[nodiscard]] std::string trouble() const override;
    [[nodiscard]] bool wants_new_epoch(base::PartitionId partition) const override;
    void tend(base::PartitionId partition) override;

    /// Of the partitions that were prepared here only those count that `is_owned_here` still: what
    /// was handed over since is known by its new owner.
    [[nodiscard]] std::vector<AcceptorView> acceptors(
        const std::function<bool(base::PartitionId)>& is_owned_here = {}) const;

private:
    class Errand;  // Brings one acceptor's log of one partition up to date.

    using Vote = std::function<void(ledger::journal::AppendOutcome)>;
    // An append that waits until its acceptor has what comes before it.
    struct Waiting {
        ledger::journal::Append append;
        Vote vote;
    };
    // What is known of one acceptor's log of one partition.
    struct Replica {
        std::optional<std::uint64_t> holds;      // The chosen log up to here; nothing if unknown.
        std::optional<std::uint64_t> lagged_at;  // Where it was a record behind when last tended.
        std::string damage;                      // What of it was found altered.
        bool is_on_errand{};
        bool is_admitted{};      // Joining, and given all of this partition.
        std::uint64_t outbid{};  // The epoch above ours that it promised somebody; 0 is none.
        std::uint64_t outbid_before{};  // The same when the partition was last tended.
        bool is_abandoned{};            // Promised so through two of them: nobody follows it up.
        std::optional<Waiting> waiting;
    };
    struct Log {
        ledger::journal::Fence fence;  // The latest promise asked for here; epoch 0 is none.
        std::uint64_t prepared_at{};   // On the journal's own count of events.
        std::optional<ledger::journal::Head> chosen;
        std::vector<Replica> replicas;
    };

    struct Reading;  // A page that is being read, from one after the other.

    template <class Outcome, class Ask>
    void ask(typename Tally<Outcome>::Decide decide, typename Tally<Outcome>::Done done, Ask ask);
    void read_chosen(base::PartitionId partition, std::uint64_t from, std::size_t count,
                     std::function<void(ledger::journal::ReadOutcome)> done);
    void read_next(const std::shared_ptr<Reading>& reading);
    void on_read(const std::shared_ptr<Reading>& reading, std::size_t source,
                 ledger::journal::ReadOutcome outcome);
    [[nodiscard]] bool may_be_told(base::PartitionId partition);
    void note_damage(std::size_t acceptor, base::PartitionId partition, const std::string& what);
    void forget_damage(std::size_t acceptor);
    void append_to(std::size_t acceptor, const ledger::journal::Append& append, Vote vote);
    [[nodiscard]] bool wait_behind_errand(std::size_t acceptor,
                                          const ledger::journal::Append& append, const Vote& vote);
    void send_to(std::size_t acceptor, const ledger::journal::Append& append, Vote vote);
    [[nodiscard]] static bool is_behind(const ledger::journal::Append& append,
                                        const ledger::journal::AppendOutcome& outcome);
    // What acceptors said of their ends while a promise is asked for.
    template <class Outcome>
    struct Ends {
        explicit Ends(std::size_t count) : proven(count), claims(count) {}
        Votes<ledger::journal::Head> proven;  // Guarded by mutex_, like the next.
        Claims<Outcome> claims;
    };
    template <class Told, class Outcome>
    void vote_end(std::size_t acceptor, base::PartitionId partition, const Outcome& outcome,
                  const std::shared_ptr<Ends<Outcome>>& ends, std::function<void(Outcome)> vote);
    void prove_end(
        std::size_t acceptor, base::PartitionId partition, const ledger::journal::Head& end,
        std::function<void(const ledger::journal::Declined* doubt, bool is_altered)> done);
    template <class Told, class Outcome>
    void choose_from(base::PartitionId partition, const ledger::journal::Head& last,
                     const Ends<Outcome>& ends);
    void choose(base::PartitionId partition, const ledger::journal::Head& last,
                const Votes<ledger::journal::Head>& ends);
    void note_append(std::size_t acceptor, const ledger::journal::Append& append,
                     const ledger::journal::AppendOutcome& outcome);
    void note_fence(std::size_t acceptor, base::PartitionId partition,
                    const ledger::journal::Fence& ours, const ledger::journal::Fenced& theirs);
    void on_committed(const ledger::journal::Append& append);
    void on_standing(std::size_t acceptor);
    bool begin_errand(std::size_t acceptor, base::PartitionId partition,
                      std::optional<Waiting> waiting);
    void end_errand(std::size_t acceptor, base::PartitionId partition);
    [[nodiscard]] bool may_be_given(std::size_t acceptor, const Log& log) const;
    [[nodiscard]] std::vector<std::size_t> sources_of(base::PartitionId partition,
                                                      std::uint64_t from) const;
    [[nodiscard]] bool has_source(base::PartitionId partition, std::size_t but) const;
    [[nodiscard]] bool is_in_step(std::size_t acceptor, base::PartitionId partition);
    void look_for_abandoned(base::PartitionId partition);
    [[nodiscard]] std::uint64_t outbid_in(base::PartitionId partition) const;
    [[nodiscard]] bool is_owned(base::PartitionId partition) const;
    [[nodiscard]] std::optional<std::uint64_t> end_at(std::size_t acceptor,
                                                      base::PartitionId partition) const;
    void check_partition(base::PartitionId partition) const;

    const std::string cluster_;
    mutable std::mutex mutex_;
    std::uint64_t events_{};                // Guarded by mutex_, like the next three.
    std::vector<std::uint64_t> joined_at_;  // 0: was not seen to join.
    std::vector<std::size_t> errands_;      // Under way, by acceptor.
    std::vector<Log> logs_;
    // Last, so that their threads end before what their callbacks use.
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace crossclear::store
