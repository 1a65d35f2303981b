#pragma once

#include "base/ids.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

/// The door to whatever keeps the journal. Everything is asynchronous: a call returns at once and
/// its callback runs later on a thread of the adapter, exactly once, unless the journal is
/// destroyed first. Callbacks must not block; hosts post to themselves.

namespace crossclear::ledger::journal {

/// SHA-256.
using Digest = std::array<std::uint8_t, 32>;
/// Chosen fresh and at random by an owner at takeover; two owners of one epoch number still differ.
using Nonce = std::array<std::uint8_t, 16>;

/// The last entry of a partition's log. `seq` 0 with a zero head is an empty log.
struct Head {
    std::uint64_t record_epoch{};
    std::uint64_t seq{};
    Digest head{};

    friend bool operator==(const Head&, const Head&) = default;
};

/// Who may write: the epoch and the nonce that a majority has promised.
struct Fence {
    std::uint64_t epoch{};
    Nonce nonce{};

    friend bool operator==(const Fence&, const Fence&) = default;
};

/// One record as it stands in the log.
struct Record {
    Head head;            ///< Its own epoch, seq and chain digest.
    std::string payload;  ///< Encoded entries.

    friend bool operator==(const Record&, const Record&) = default;
};

/// One batch to append. Sent again byte for byte while its outcome is unknown.
struct Append {
    base::PartitionId partition;
    Fence fence;
    Head expected;  ///< What the log must end with.
    Record record;  ///< seq = expected.seq + 1.
};

/// Durable on a majority: this call wrote it, or an earlier one had.
struct Appended {
    bool was_duplicate{};
};
/// Another owner has been promised; this one must drop its partition and send nothing.
struct Fenced {
    std::uint64_t epoch{};  ///< The epoch that is promised now.
};
/// The log ends elsewhere. Under a valid fence this is a defect or a lost instance.
struct Gap {
    Head actual;
};
/// Nobody can say whether it was written: resend the same bytes. Never renumber.
struct Unknown {
    std::string reason;
};
/// The store said no and wrote nothing (read-only, out of memory, misconfigured). Resend when the
/// reason has gone; the adapter keeps trying to find out.
struct Declined {
    std::string reason;
    bool is_outdated{};  ///< Of a snapshot: a newer one is kept, nothing is left to do.
};

/// What is stored is not what was written. Asking again does not mend it.
struct Damaged {
    std::string reason;
};

using AppendOutcome = std::variant<Appended, Fenced, Gap, Unknown, Declined>;

/// What a majority knows of a partition's log. `last` is the greatest end among them, which need
/// not be committed.
struct Promised {
    std::uint64_t epoch{};  ///< 0 if none ever was.
    Head last;
};
using PromisedOutcome = std::variant<Promised, Unknown, Declined>;

/// The majority still honours the fence: no later owner has committed anything before this call.
struct Confirmed {};
using ConfirmOutcome = std::variant<Confirmed, Fenced, Unknown, Declined>;

/// A majority promised the fence; `last` is the end of the chosen log.
struct Prepared {
    Head last;
};
using PrepareOutcome = std::variant<Prepared, Fenced, Unknown, Declined>;

/// What was read; `records` is empty past the end.
struct ReadRecords {
    std::vector<Record> records;
};
using ReadOutcome = std::variant<ReadRecords, Unknown, Declined, Damaged>;

/// One entity's folded state, true at `at`. `state` carries its own version byte.
struct EntitySnapshot {
    base::EntityId entity;
    Head at;
    std::string state;

    friend bool operator==(const EntitySnapshot&, const EntitySnapshot&) = default;
};
/// The snapshot is kept, by a majority.
struct SnapshotStored {};
using StoreSnapshotOutcome = std::variant<SnapshotStored, Fenced, Unknown, Declined>;
/// What is kept of an entity.
struct SnapshotRead {
    std::vector<EntitySnapshot> found;  ///< Empty where there is none; otherwise one.
};
using ReadSnapshotOutcome = std::variant<SnapshotRead, Unknown, Declined, Damaged>;

/// The log of a majority begins with the record that was named.
struct Trimmed {};
using TrimOutcome = std::variant<Trimmed, Fenced, Unknown, Declined>;

/// Partitions' logs, one owner each, fenced by epoch and nonce. See docs/durability.md.
///
/// **Thread:** any; calls for one partition are executed in the order in which they were made.
class Journal {
public:
    Journal() = default;
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    virtual ~Journal() = default;

    /// The promised epoch of a partition, for choosing the next one. Promises and changes nothing.
    virtual void promised(base::PartitionId partition,
                          std::function<void(PromisedOutcome)> done) = 0;
    /// Asks a majority to promise `fence` and to refuse every lower one from now on.
    virtual void prepare(base::PartitionId partition, const Fence& fence,
                         std::function<void(PrepareOutcome)> done) = 0;
    /// Appends one batch with one write command.
    virtual void append(Append append, std::function<void(AppendOutcome)> done) = 0;
    /// Reads up to `count` records with seq >= `from`, in order. A log that was trimmed begins with
    /// its base, whatever comes before: nothing can be told of that record but its head.
    virtual void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                      std::function<void(ReadOutcome)> done) = 0;
    /// Asks a majority whether `fence` is still what it promised: what was durable when this was
    /// called, and only that, may then be shown. Writes nothing.
    virtual void confirm(base::PartitionId partition, const Fence& fence,
                         std::function<void(ConfirmOutcome)> done) = 0;
    /// Stores a snapshot; the write checks the fence and keeps the higher seq.
    virtual void store_snapshot(base::PartitionId partition, const Fence& fence,
                                EntitySnapshot snapshot,
                                std::function<void(StoreSnapshotOutcome)> done) = 0;
    /// Reads the snapshot that a majority last stored of an entity, or a later one.
    virtual void read_snapshot(base::PartitionId partition, base::EntityId entity,
                               std::function<void(ReadSnapshotOutcome)> done) = 0;
    /// Drops the records before `base`, which stays. The write checks the fence, and that the log
    /// holds `base`. **Requires:** snapshots on a majority say all that the dropped ones did.
    virtual void trim(base::PartitionId partition, const Fence& fence, const Head& base,
                      std::function<void(TrimOutcome)> done) = 0;
    /// Empty while the journal can be written, else the reason in one sentence.
    [[nodiscard]] virtual std::string trouble() const = 0;
    /// Brings on whoever lags in this partition. Called by its owner, every now and then.
    virtual void tend(base::PartitionId) {}
    /// Whether an instance waits for its logs that only an owner with a newer epoch may give it:
    /// this owner promises itself one at its next quiet moment. See docs/durability.md.
    [[nodiscard]] virtual bool wants_new_epoch(base::PartitionId) const { return false; }
};

}  // namespace crossclear::ledger::journal
