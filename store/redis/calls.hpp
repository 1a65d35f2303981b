#pragma once

#include "ledger/journal/port.hpp"
#include "store/acceptor.hpp"
#include "store/redis/scripts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct redisReply;

/// The journal's requests as scripts with keys and arguments, and the answers back.

namespace crossclear::store {

/// One script call, ready for the wire; shared by all instances it is sent to.
struct Call {
    Script script{Script::probe};
    std::vector<std::string> keys;
    std::vector<std::string> arguments;
    bool is_urgent{};  ///< A partition stands still until it is answered.
};

/// Redis answered; valid during the callback only.
struct Answered {
    const redisReply* reply{};
};
/// Redis answered with an error, or the instance may not vote; nothing was written.
struct Refused {
    std::string reason;
};
/// Sent, and then no answer: it may have been executed.
struct Lost {
    std::string reason;
};
/// Never sent; certainly not executed.
struct NotSent {
    std::string reason;
};
using CallResult = std::variant<Answered, Refused, Lost, NotSent>;

/// The calls of the journal. `id` is what the mark must hold: an instance of another cluster
/// refuses.
[[nodiscard]] Call promised_call(const std::string& id, base::PartitionId partition);
[[nodiscard]] Call prepare_call(const std::string& id, base::PartitionId partition,
                                const ledger::journal::Fence& fence);
[[nodiscard]] Call append_call(const std::string& id, ledger::journal::Append append);
[[nodiscard]] Call read_call(const std::string& id, base::PartitionId partition, std::uint64_t from,
                             std::size_t count);
/// The value carries the record it is true at and a SHA-256 over cluster, partition, entity,
/// record and state, so that neither damage nor a swap of fields passes.
[[nodiscard]] Call snapshot_call(const std::string& id, std::string_view cluster,
                                 base::PartitionId partition, const ledger::journal::Fence& fence,
                                 const ledger::journal::EntitySnapshot& snapshot);
/// What is kept of one entity.
[[nodiscard]] Call snapshot_read_call(const std::string& id, base::PartitionId partition,
                                      const base::EntityId& entity);
/// A page of snapshots; `from` is empty at first, then what the last page says.
[[nodiscard]] Call snapshot_list_call(const std::string& id, base::PartitionId partition,
                                      const std::string& from);
/// Those that change what a log begins with: anew with `base`, or without what stands before it.
[[nodiscard]] Call begin_at_call(const std::string& id, base::PartitionId partition,
                                 const ledger::journal::Fence& fence,
                                 const ledger::journal::Record& base);
[[nodiscard]] Call trim_call(const std::string& id, base::PartitionId partition,
                             const ledger::journal::Fence& fence,
                             const ledger::journal::Head& base);
/// Whether the instance still honours the fence; and whether it takes writes at all.
[[nodiscard]] Call confirm_call(const std::string& id, base::PartitionId partition,
                                const ledger::journal::Fence& fence);
[[nodiscard]] Call probe_call(const std::string& id);
/// `joining` and `id` are what the mark holds before and after the last partition is given.
[[nodiscard]] Call admit_call(const std::string& joining, const std::string& id,
                              base::PartitionId partition, std::uint16_t partition_count);

/// What came of a call. One that was refused or never sent is declined; one that was lost is
/// unknown, for it may have been executed.
[[nodiscard]] ledger::journal::PromisedOutcome parse_promised(const CallResult& result);
[[nodiscard]] ledger::journal::ConfirmOutcome parse_confirm(const CallResult& result);
/// What became of giving a joining instance a partition.
enum class Admitted : std::uint8_t { no, noted, votes };
/// What came of it; anything but a clear yes is `no`.
[[nodiscard]] Admitted parse_admit(const CallResult& result);
/// The others, as above. A snapshot that fails its checksum is damaged when it is read, and left
/// out of a list.
[[nodiscard]] ledger::journal::PrepareOutcome parse_prepare(const CallResult& result);
[[nodiscard]] ledger::journal::AppendOutcome parse_append(const CallResult& result);
[[nodiscard]] ledger::journal::ReadOutcome parse_read(const CallResult& result);
[[nodiscard]] ledger::journal::StoreSnapshotOutcome parse_snapshot(const CallResult& result);
[[nodiscard]] ledger::journal::ReadSnapshotOutcome parse_snapshot_read(
    const CallResult& result, std::string_view cluster, base::PartitionId partition,
    const base::EntityId& entity);
[[nodiscard]] ListOutcome parse_snapshot_list(const CallResult& result, std::string_view cluster,
                                              base::PartitionId partition);
[[nodiscard]] ledger::journal::TrimOutcome parse_trim(const CallResult& result);

/// Whether an answer says that the instance has lost its mark.
[[nodiscard]] bool says_unmarked(const redisReply& reply);

/// Appends one command in Redis' protocol to `out`.
void write_command(std::string& out, const std::vector<std::string_view>& words);

}  // namespace crossclear::store
