#include "store/redis/directory_calls.hpp"

#include "store/directory/limits.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace crossclear::store {
namespace {

std::string milliseconds_of(base::Duration span) {
    return std::to_string(std::max<std::int64_t>(span.us / 1'000, 1));
}

std::string list_of(const std::vector<base::PartitionId>& partitions) {
    std::string list;
    for (const base::PartitionId partition : partitions) list += fmt::format("{:02},", partition.v);
    return list;
}

Call directory_call(std::vector<std::string> arguments) {
    return Call{.script = Script::directory,
                .keys = {std::string(mark_key), std::string(directory_key)},
                .arguments = std::move(arguments)};
}

std::string_view word_at(const redisReply& reply, std::size_t i) {
    if (reply.type != REDIS_REPLY_ARRAY || i >= reply.elements) return {};
    const redisReply& word = *reply.element[i];
    return word.str == nullptr ? std::string_view{} : std::string_view(word.str, word.len);
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

// `<incarnation>|<endpoint>|<end>`: an endpoint may hold anything.
std::optional<Member> parse_member(std::string_view name, std::string_view value) {
    const std::size_t first = value.find('|');
    const std::size_t last = value.rfind('|');
    if (first == std::string_view::npos || first == last) return {};
    const auto incarnation = number_in<std::uint64_t>(value.substr(0, first));
    if (!incarnation) return {};
    return Member{.name = std::string(name),
                  .endpoint = std::string(value.substr(first + 1, last - first - 1)),
                  .incarnation = *incarnation};
}

// `<name>|<incarnation>|<end>`: a name may hold anything.
std::optional<Holder> parse_holder(std::string_view value) {
    const std::string_view claim = value.substr(0, value.rfind('|'));
    const std::size_t middle = claim.rfind('|');
    if (middle == std::string_view::npos) return {};
    const auto incarnation = number_in<std::uint64_t>(claim.substr(middle + 1));
    if (!incarnation) return {};
    return Holder{.name = std::string(claim.substr(0, middle)), .incarnation = *incarnation};
}

// What this program did not write is no member and no lease.
Noted parse_entries(const redisReply& reply, std::uint16_t partition_count) {
    Noted noted;
    noted.holders.resize(partition_count);
    if (const auto end = number_in<std::int64_t>(word_at(reply, 2))) {
        noted.next_end = base::milliseconds(*end);
    }
    for (std::size_t i = 3; i + 1 < reply.elements; i += 2) {
        const std::string_view field = word_at(reply, i);
        const std::string_view value = word_at(reply, i + 1);
        if (field.starts_with("n:")) {
            if (auto member = parse_member(field.substr(2), value)) {
                noted.members.push_back(std::move(*member));
            }
        } else if (field.starts_with("p:")) {
            const auto partition = number_in<std::uint16_t>(field.substr(2));
            if (partition && *partition < partition_count) {
                noted.holders[*partition] = parse_holder(value);
            }
        }
    }
    return noted;
}

}  // namespace

Call beat_call(const std::string& id, const Beat& beat) {
    return directory_call({id, "beat", beat.self.name, std::to_string(beat.self.incarnation),
                           beat.self.endpoint, milliseconds_of(beat.ttl), list_of(beat.wanted),
                           list_of(beat.released), std::to_string(limits::members_max),
                           milliseconds_of(limits::member_kept)});
}

Call yield_call(const std::string& id, const Member& self,
                const std::vector<base::PartitionId>& yielded) {
    return directory_call(
        {id, "yield", self.name, std::to_string(self.incarnation), list_of(yielded)});
}

Call leave_call(const std::string& id, const Member& self) {
    return directory_call({id, "leave", self.name, std::to_string(self.incarnation)});
}

Call sweep_call(const std::string& id) {
    return directory_call({id, "sweep", milliseconds_of(limits::member_kept)});
}

Ballot parse_beat(const CallResult& result, std::uint16_t partition_count) {
    if (const auto* refused = std::get_if<Refused>(&result)) return Opposed{refused->reason};
    if (const auto* lost = std::get_if<Lost>(&result)) return Silent{lost->reason};
    if (const auto* not_sent = std::get_if<NotSent>(&result)) return Silent{not_sent->reason};
    const redisReply& reply = *std::get<Answered>(result).reply;
    const std::string_view word = word_at(reply, 0);
    if (word == "OK") return parse_entries(reply, partition_count);
    if (word == "FULL") {
        return Opposed{fmt::format("the cluster has {} nodes already", limits::members_max)};
    }
    const auto incarnation = number_in<std::uint64_t>(word_at(reply, 1));
    if (word == "OCCUPIED" && incarnation) {
        return Occupied{.incarnation = *incarnation, .endpoint = std::string(word_at(reply, 2))};
    }
    return Opposed{"an entry of the directory is unreadable: it was not written by this program"};
}

bool wants_sweep(const CallResult& result) {
    const auto* answered = std::get_if<Answered>(&result);
    if (answered == nullptr || word_at(*answered->reply, 0) != "OK") return false;
    return word_at(*answered->reply, 1) != "0";
}

bool says_ok(const CallResult& result) {
    const auto* answered = std::get_if<Answered>(&result);
    return answered != nullptr && word_at(*answered->reply, 0) == "OK";
}

}  // namespace crossclear::store
