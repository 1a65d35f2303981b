#include "store/redis/calls.hpp"

#include "base/check.hpp"
#include "ledger/journal/chain.hpp"
#include "store/redis/limits.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

std::string key_of(base::PartitionId partition, char kind) {
    return fmt::format("{{p{:02}}}:{}", partition.v, kind);
}

template <std::size_t size>
std::string bytes_of(const std::array<std::uint8_t, size>& bytes) {
    return std::string(bytes.begin(), bytes.end());
}

std::string field_of(const base::EntityId& entity) {
    return fmt::format("{}/{}/{}", static_cast<unsigned>(entity.kind), entity.id, entity.sub);
}

// Everything but the checksum, in the order in which it is stored and hashed.
std::string snapshot_text(const EntitySnapshot& snapshot) {
    std::string text = fmt::format("{}:{}:", snapshot.at.seq, snapshot.at.record_epoch);
    text += bytes_of(snapshot.at.head);
    text += snapshot.state;
    return text;
}

Digest snapshot_digest(std::string_view cluster, base::PartitionId partition,
                       const base::EntityId& entity, std::string_view text) {
    std::string input =
        fmt::format("{}:{}:{}:{}:", cluster.size(), cluster, partition.v, field_of(entity));
    input += text;
    return sha256(input);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

// The field that `field_of` made.
std::optional<base::EntityId> entity_of_field(std::string_view field) {
    const std::size_t first = field.find('/');
    const std::size_t second = field.find('/', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return {};
    const auto kind = parse_number(field.substr(0, first));
    const auto id = parse_number(field.substr(first + 1, second - first - 1));
    const auto sub = parse_number(field.substr(second + 1));
    if (!kind || *kind > UINT8_MAX || !id || !sub || *sub > UINT32_MAX) return {};
    return base::EntityId{.kind = static_cast<base::EntityKind>(*kind),
                          .id = *id,
                          .sub = static_cast<std::uint32_t>(*sub)};
}

// What was stored, or nothing if it is damaged.
std::optional<EntitySnapshot> snapshot_of(std::string_view value, std::string_view cluster,
                                          base::PartitionId partition,
                                          const base::EntityId& entity) {
    EntitySnapshot snapshot{.entity = entity, .at = {}, .state = {}};
    Digest digest{};
    if (value.size() < digest.size()) return {};
    const std::string_view text = value.substr(0, value.size() - digest.size());
    std::copy(value.begin() + static_cast<std::ptrdiff_t>(text.size()), value.end(),
              digest.begin());
    if (digest != snapshot_digest(cluster, partition, entity, text)) return {};

    // The checksum holds, so the layout is ours; a failed parse is still no reason to guess.
    const std::size_t first = text.find(':');
    const std::size_t second = text.find(':', first + 1);
    if (second == std::string_view::npos) return {};
    const auto seq = parse_number(text.substr(0, first));
    const auto epoch = parse_number(text.substr(first + 1, second - first - 1));
    const std::string_view rest = text.substr(second + 1);
    if (!seq || !epoch || rest.size() < snapshot.at.head.size()) return {};
    snapshot.at.seq = *seq;
    snapshot.at.record_epoch = *epoch;
    std::copy_n(rest.begin(), snapshot.at.head.size(), snapshot.at.head.begin());
    snapshot.state = rest.substr(snapshot.at.head.size());
    return snapshot;
}

// The words of an answer: our scripts answer arrays of texts, the first naming the outcome.
class Words {
public:
    explicit Words(const redisReply& reply) : reply_(reply) {}

    [[nodiscard]] std::size_t size() const {
        return reply_.type == REDIS_REPLY_ARRAY ? reply_.elements : 0;
    }
    [[nodiscard]] std::string_view operator[](std::size_t i) const {
        if (i >= size() || reply_.element[i]->str == nullptr) return {};
        return {reply_.element[i]->str, reply_.element[i]->len};
    }
    // Epoch, seq and head from position `i` on.
    [[nodiscard]] std::optional<Head> head_at(std::size_t i) const {
        const auto epoch = parse_number((*this)[i]);
        const auto seq = parse_number((*this)[i + 1]);
        const std::string_view digest = (*this)[i + 2];
        Head head;
        if (!epoch || !seq || digest.size() != head.head.size()) return {};
        head.record_epoch = *epoch;
        head.seq = *seq;
        std::copy(digest.begin(), digest.end(), head.head.begin());
        return head;
    }

private:
    const redisReply& reply_;
};

Declined unreadable() {
    return Declined{"an entry of the log is unreadable: it was not written by this program"};
}

// Turns whatever is no answer into its outcome, and hands an answer's words to `parse`.
template <class Outcome, class Parse>
Outcome parse_with(const CallResult& result, Parse parse) {
    if (const auto* refused = std::get_if<Refused>(&result)) return Declined{refused->reason};
    if (const auto* lost = std::get_if<Lost>(&result)) return Unknown{lost->reason};
    if (const auto* not_sent = std::get_if<NotSent>(&result)) return Declined{not_sent->reason};
    const redisReply& reply = *std::get<Answered>(result).reply;
    return parse(Words(reply));
}

template <class Outcome>
Outcome fenced_by(const Words& words) {
    const auto epoch = parse_number(words[1]);
    if (!epoch) return unreadable();
    return Fenced{*epoch};
}

}  // namespace

Call promised_call(const std::string& id, base::PartitionId partition) {
    return Call{.script = Script::promised,
                .keys = {std::string(mark_key), key_of(partition, 'm'), key_of(partition, 's')},
                .arguments = {id}};
}

Call prepare_call(const std::string& id, base::PartitionId partition, const Fence& fence) {
    return Call{.script = Script::prepare,
                .keys = {std::string(mark_key), key_of(partition, 'm'), key_of(partition, 's')},
                .arguments = {id, std::to_string(fence.epoch), bytes_of(fence.nonce)}};
}

Call append_call(const std::string& id, Append append) {
    Call call{
        .script = Script::append,
        .keys = {std::string(mark_key), key_of(append.partition, 'm'),
                 key_of(append.partition, 's')},
        .arguments = {id, std::to_string(append.fence.epoch), bytes_of(append.fence.nonce),
                      std::to_string(append.expected.seq), bytes_of(append.expected.head),
                      std::to_string(append.record.head.seq), bytes_of(append.record.head.head),
                      std::to_string(append.record.head.record_epoch)}};
    call.arguments.push_back(std::move(append.record.payload));
    return call;
}

Call read_call(const std::string& id, base::PartitionId partition, std::uint64_t from,
               std::size_t count) {
    return Call{.script = Script::read,
                .keys = {std::string(mark_key), key_of(partition, 's')},
                .arguments = {id, std::to_string(from),
                              std::to_string(std::min(count, limits::page_records_max)),
                              std::to_string(limits::page_bytes_max)}};
}

Call snapshot_call(const std::string& id, std::string_view cluster, base::PartitionId partition,
                   const Fence& fence, const EntitySnapshot& snapshot) {
    std::string value = snapshot_text(snapshot);
    value += bytes_of(snapshot_digest(cluster, partition, snapshot.entity, value));
    return Call{.script = Script::snapshot,
                .keys = {std::string(mark_key), key_of(partition, 'm'), key_of(partition, 'e')},
                .arguments = {id, std::to_string(fence.epoch), bytes_of(fence.nonce),
                              field_of(snapshot.entity), std::to_string(snapshot.at.seq),
                              std::move(value)}};
}

Call snapshot_read_call(const std::string& id, base::PartitionId partition,
                        const base::EntityId& entity) {
    return Call{.script = Script::snapshot_read,
                .keys = {std::string(mark_key), key_of(partition, 'e')},
                .arguments = {id, field_of(entity)},
                .is_urgent = entity.kind == base::EntityKind::partition};
}

Call snapshot_list_call(const std::string& id, base::PartitionId partition,
                        const std::string& from) {
    return Call{
        .script = Script::snapshot_list,
        .keys = {std::string(mark_key), key_of(partition, 'e')},
        .arguments = {id, from.empty() ? "0" : from, std::to_string(limits::page_snapshots)}};
}

Call begin_at_call(const std::string& id, base::PartitionId partition, const Fence& fence,
                   const Record& base) {
    return Call{.script = Script::begin_at,
                .keys = {std::string(mark_key), key_of(partition, 'm'), key_of(partition, 's')},
                .arguments = {id, std::to_string(fence.epoch), bytes_of(fence.nonce),
                              std::to_string(base.head.seq), bytes_of(base.head.head),
                              std::to_string(base.head.record_epoch), base.payload}};
}

Call trim_call(const std::string& id, base::PartitionId partition, const Fence& fence,
               const Head& base) {
    return Call{.script = Script::trim,
                .keys = {std::string(mark_key), key_of(partition, 'm'), key_of(partition, 's')},
                .arguments = {id, std::to_string(fence.epoch), bytes_of(fence.nonce),
                              std::to_string(base.seq), bytes_of(base.head)}};
}

Call probe_call(const std::string& id) {
    return Call{.script = Script::probe, .keys = {std::string(mark_key)}, .arguments = {id}};
}

Call confirm_call(const std::string& id, base::PartitionId partition, const Fence& fence) {
    return Call{.script = Script::confirm,
                .keys = {std::string(mark_key), key_of(partition, 'm')},
                .arguments = {id, std::to_string(fence.epoch), bytes_of(fence.nonce)}};
}

Call admit_call(const std::string& joining, const std::string& id, base::PartitionId partition,
                std::uint16_t partition_count) {
    return Call{
        .script = Script::admit,
        .keys = {std::string(mark_key)},
        .arguments = {joining, id, std::to_string(partition.v), std::to_string(partition_count)}};
}

PromisedOutcome parse_promised(const CallResult& result) {
    return parse_with<PromisedOutcome>(result, [](const Words& words) -> PromisedOutcome {
        const auto epoch = parse_number(words[1]);
        const auto last = words.head_at(2);
        if (words[0] != "OK" || !epoch || !last) return unreadable();
        return Promised{.epoch = *epoch, .last = *last};
    });
}

ConfirmOutcome parse_confirm(const CallResult& result) {
    return parse_with<ConfirmOutcome>(result, [](const Words& words) -> ConfirmOutcome {
        if (words[0] == "OK") return Confirmed{};
        if (words[0] == "FENCED") return fenced_by<ConfirmOutcome>(words);
        return unreadable();
    });
}

Admitted parse_admit(const CallResult& result) {
    const auto* answered = std::get_if<Answered>(&result);
    if (answered == nullptr) return Admitted::no;
    const Words words(*answered->reply);
    if (words[0] == "VOTING") return Admitted::votes;
    return words[0] == "OK" ? Admitted::noted : Admitted::no;
}

PrepareOutcome parse_prepare(const CallResult& result) {
    return parse_with<PrepareOutcome>(result, [](const Words& words) -> PrepareOutcome {
        if (words[0] == "FENCED") return fenced_by<PrepareOutcome>(words);
        const auto last = words.head_at(1);
        if (words[0] != "OK" || !last) return unreadable();
        return Prepared{*last};
    });
}

AppendOutcome parse_append(const CallResult& result) {
    return parse_with<AppendOutcome>(result, [](const Words& words) -> AppendOutcome {
        if (words[0] == "OK") return Appended{.was_duplicate = false};
        if (words[0] == "DUPLICATE") return Appended{.was_duplicate = true};
        if (words[0] == "FENCED") return fenced_by<AppendOutcome>(words);
        const auto actual = words.head_at(1);
        if (words[0] != "GAP" || !actual) return unreadable();
        return Gap{*actual};
    });
}

ReadOutcome parse_read(const CallResult& result) {
    return parse_with<ReadOutcome>(result, [](const Words& words) -> ReadOutcome {
        if (words[0] != "OK") return unreadable();
        ReadRecords read;
        read.records.reserve(words.size() / 4);
        for (std::size_t i = 1; i + 3 < words.size(); i += 4) {
            const auto head = words.head_at(i);
            if (!head) return Damaged{unreadable().reason};
            read.records.push_back(Record{.head = *head, .payload = std::string(words[i + 3])});
        }
        return read;
    });
}

StoreSnapshotOutcome parse_snapshot(const CallResult& result) {
    return parse_with<StoreSnapshotOutcome>(result, [](const Words& words) -> StoreSnapshotOutcome {
        if (words[0] == "OK") return SnapshotStored{};
        if (words[0] == "FENCED") return fenced_by<StoreSnapshotOutcome>(words);
        if (words[0] != "OLDER") return unreadable();
        return Declined{
            .reason = fmt::format("a snapshot at record {} is kept, this one is older", words[1]),
            .is_outdated = true};
    });
}

ReadSnapshotOutcome parse_snapshot_read(const CallResult& result, std::string_view cluster,
                                        base::PartitionId partition, const base::EntityId& entity) {
    const auto parse = [&](const Words& words) -> ReadSnapshotOutcome {
        if (words[0] != "OK") return unreadable();
        if (words.size() == 1) return SnapshotRead{};
        auto snapshot = snapshot_of(words[1], cluster, partition, entity);
        if (snapshot) return SnapshotRead{.found = {std::move(*snapshot)}};
        return Damaged{
            fmt::format("the snapshot of {} fails its checksum", base::to_string(entity))};
    };
    return parse_with<ReadSnapshotOutcome>(result, parse);
}

ListOutcome parse_snapshot_list(const CallResult& result, std::string_view cluster,
                                base::PartitionId partition) {
    return parse_with<ListOutcome>(result, [&](const Words& words) -> ListOutcome {
        if (words[0] != "OK" || words.size() < 2) return unreadable();
        SnapshotPage page;
        if (words[1] != "0") page.next = words[1];
        for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
            const auto entity = entity_of_field(words[i]);
            if (!entity) continue;
            auto snapshot = snapshot_of(words[i + 1], cluster, partition, *entity);
            if (snapshot) page.snapshots.push_back(std::move(*snapshot));
        }
        return page;
    });
}

TrimOutcome parse_trim(const CallResult& result) {
    return parse_with<TrimOutcome>(result, [](const Words& words) -> TrimOutcome {
        if (words[0] == "OK") return Trimmed{};
        if (words[0] == "FENCED") return fenced_by<TrimOutcome>(words);
        if (words[0] == "ABSENT") return Declined{"the log does not hold its new base"};
        return unreadable();
    });
}

bool says_unmarked(const redisReply& reply) { return Words(reply)[0] == "UNMARKED"; }

void write_command(std::string& out, const std::vector<std::string_view>& words) {
    fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
    for (const std::string_view word : words) {
        fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
        out.append(word);
        out.append("\r\n");
    }
}

}  // namespace crossclear::store
