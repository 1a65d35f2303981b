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
[[nodiscard]] Call snapshot_read_call(const std::string& id, base::PartitionId partition,
                                      const base::EntityId& entity);
[[nodiscard]] Call snapshot_list_call(const std::string& id, base::PartitionId partition,
                                      const std::string& from);
[[nodiscard]] Call begin_at_call(const std::string& id, base::PartitionId partition,
                                 const ledger::journal::Fence& fence,
                                 const ledger::journal::Record& base);
[[nodiscard]] Call trim_call(const std::string& id, base::PartitionId partition,
                             const ledger::journal::Fence& fence,
                             const ledger::journal::Head& base);
[[nodiscard]] Call confirm_call(const std::string& id, base::PartitionId partition,
                                const ledger::journal::Fence& fence);
[[nodiscard]] Call probe_call(const std::string& id);
/// `joining` and `id` are what the mark holds before and after the last partition is given.
[[nodiscard]] Call admit_call(const std::string& joining, const std::string& id,
                              base::PartitionId partition, std::uint16_t partition_count);

[[nodiscard]] ledger::journal::PromisedOutcome parse_promised(const CallResult& result);
[[nodiscard]] ledger::journal::ConfirmOutcome parse_confirm(const CallResult& result);
/// What became of giving a joining instance a partition.
enum class Admitted : std::uint8_t { no, noted, votes };
[[nodiscard]] Admitted parse_admit(const CallResult& result);
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
