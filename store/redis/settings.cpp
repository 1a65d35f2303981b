#include "store/redis/settings.hpp"

#include "base/check.hpp"
#include "ledger/journal/chain.hpp"
#include "store/redis/scripts.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace crossclear::store {
namespace {

struct Required {
    std::string_view name;
    std::string_view value;
};

// appendonly first: without it the others say nothing.
constexpr std::array<Required, 6> required_settings{{
    {"appendonly", "yes"},
    {"appendfsync", "always"},
    {"no-appendfsync-on-rewrite", "no"},
    {"aof-load-truncated", "yes"},
    {"maxmemory-policy", "noeviction"},
    {"save", ""},
}};

std::string_view text_of(const redisReply* reply) {
    const bool is_text = reply != nullptr && reply->str != nullptr;
    return is_text ? std::string_view(reply->str, reply->len) : std::string_view{};
}

std::string quoted(std::string_view value) { return value.empty() ? "\"\"" : std::string(value); }

// Managed services rename CONFIG, take the right to it away, or know nothing of some settings.
StoreError unreadable_setting(StoreError error, const Required& required) {
    error.expected = fmt::format("{} {}", required.name, quoted(required.value));
    error.remedy =
        "Allow CONFIG GET (+config|get). Where a managed service keeps its settings to itself, and "
        "writes every command to a disk or to replicas in other places before it answers, say "
        "`settings: trusted` in a journal of mode single.";
    if (error.fault == StoreFault::server_failed) error.fault = StoreFault::settings_unreadable;
    return error;
}

base::Result<void, StoreError> check_setting(Connection& connection, const Required& required) {
    const auto answer = connection.command({"CONFIG", "GET", required.name});
    if (!answer && answer.error().fault == StoreFault::unreachable) {
        return base::Failure{answer.error()};
    }
    if (!answer && connection.is_trusted()) return {};
    if (!answer) return base::Failure{unreadable_setting(answer.error(), required)};
    const redisReply& reply = **answer;
    const bool is_known = reply.type == REDIS_REPLY_ARRAY && reply.elements == 2;
    if (!is_known && connection.is_trusted()) return {};
    const std::string_view found = is_known ? text_of(reply.element[1]) : "nothing";
    if (is_known && found == required.value) return {};
    return base::Failure{
        StoreError{.fault = StoreFault::setting_differs,
                   .subject = connection.name(),
                   .expected = fmt::format("{} {}", required.name, quoted(required.value)),
                   .found = fmt::format("{} {}", required.name, quoted(found)),
                   .remedy = fmt::format("Run CONFIG SET {} {} and write it into redis.conf.",
                                         required.name, quoted(required.value))}};
}

base::Result<void, StoreError> check_role(Connection& connection) {
    const auto answer = connection.command({"ROLE"});
    if (!answer) return base::Failure{answer.error()};
    const redisReply& reply = **answer;
    const std::string_view role =
        reply.type == REDIS_REPLY_ARRAY && reply.elements > 0 ? text_of(reply.element[0]) : "";
    if (role == "master") return {};
    return base::Failure{
        StoreError{.fault = StoreFault::not_a_primary,
                   .subject = connection.name(),
                   .expected = "a primary",
                   .found = fmt::format("role {}", quoted(role)),
                   .remedy = "Point the endpoint at the primary; a replica can lose what it "
                             "acknowledged."}};
}

// Exclusive ranges in streams came with 6.2.
base::Result<void, StoreError> check_version(Connection& connection) {
    const auto answer = connection.command({"INFO", "server"});
    if (!answer) return base::Failure{answer.error()};
    const std::string_view info = text_of(answer->get());
    constexpr std::string_view label = "redis_version:";
    const std::size_t at = info.find(label);
    const std::string_view version =
        at == std::string_view::npos ? "none" : info.substr(at + label.size(), 16);
    int major = 0;
    int minor = 0;
    const char* const end = version.data() + version.size();
    const auto [dot, status] = std::from_chars(version.data(), end, major);
    if (status == std::errc{} && dot != end) std::from_chars(dot + 1, end, minor);
    if (major > 6 || (major == 6 && minor >= 2)) return {};
    return base::Failure{
        StoreError{.fault = StoreFault::server_too_old,
                   .subject = connection.name(),
                   .expected = "Redis 6.2 or newer",
                   .found = std::string(version.substr(0, version.find_first_of("\r\n"))),
                   .remedy = "Install a newer redis-server there."}};
}

bool parse_u16(std::string_view text, std::uint16_t& value) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    return status == std::errc{} && end == text.data() + text.size();
}

// Unknown fields are skipped: a probe and later versions may add some.
bool parse_mark(const redisReply& reply, Mark& mark) {
    bool is_numeric = true;
    for (std::size_t i = 0; i + 1 < reply.elements; i += 2) {
        const std::string_view field = text_of(reply.element[i]);
        const std::string_view value = text_of(reply.element[i + 1]);
        if (field == "cluster") mark.cluster = value;
        if (field == "id") mark.id = value;
        if (field == "instance") mark.instance = value;
        if (field == "partitions") is_numeric &= parse_u16(value, mark.partition_count);
        if (field == "format") is_numeric &= parse_u16(value, mark.format);
    }
    return is_numeric && mark.format > 0 && !mark.id.empty() && !mark.instance.empty();
}

// After `appendonly yes`, and after a replica was made a primary, the file is written anew; until
// that has ended, what is acknowledged is not in the file a restart would read.
base::Result<void, StoreError> check_file(Connection& connection) {
    const auto answer = connection.command({"INFO", "persistence"});
    if (!answer) return base::Failure{answer.error()};
    const std::string_view info = text_of(answer->get());
    const bool is_whole = info.find("\naof_rewrite_in_progress:0") != std::string_view::npos &&
                          info.find("\naof_rewrite_scheduled:0") != std::string_view::npos;
    const bool is_told = info.find("\naof_rewrite_in_progress:") != std::string_view::npos;
    if (is_whole || (!is_told && connection.is_trusted())) return {};
    return base::Failure{StoreError{.fault = StoreFault::unreachable,
                                    .subject = connection.name(),
                                    .expected = "a whole append-only file",
                                    .found = "one that is being written anew",
                                    .remedy = "Wait until it has been; it is tried again."}};
}

}  // namespace

std::string joining_id(const std::string& id) { return "joining " + id; }

bool is_joining(const Mark& mark) { return mark.id.starts_with(joining_id({})); }

base::Result<void, StoreError> check_settings(Connection& connection) {
    if (auto version = check_version(connection); !version) return version;
    if (auto role = check_role(connection); !role) return role;
    for (const Required& required : required_settings) {
        if (auto setting = check_setting(connection, required); !setting) return setting;
    }
    return check_file(connection);
}

base::Result<std::optional<Mark>, StoreError> read_mark(Connection& connection) {
    const auto answer = connection.command({"HGETALL", mark_key});
    if (!answer) return base::Failure{answer.error()};
    const redisReply& reply = **answer;
    if (reply.type == REDIS_REPLY_ARRAY && reply.elements == 0) return std::optional<Mark>{};
    Mark mark;
    if (parse_mark(reply, mark)) return std::optional<Mark>{std::move(mark)};
    return base::Failure{
        StoreError{.fault = StoreFault::wrong_format,
                   .subject = connection.name(),
                   .expected = fmt::format("a readable {}", mark_key),
                   .found = "one with missing or damaged fields",
                   .remedy = "Use the Redis of this cluster; do not repair the mark by hand."}};
}

base::Result<bool, StoreError> is_blank(Connection& connection) {
    const auto size = connection.command({"DBSIZE"});
    if (!size) return base::Failure{size.error()};
    const auto mark = connection.command({"EXISTS", mark_key});
    if (!mark) return base::Failure{mark.error()};
    return (*size)->integer == (*mark)->integer;
}

base::Result<void, StoreError> write_mark(Connection& connection, const Mark& mark) {
    const std::string partitions = std::to_string(mark.partition_count);
    const std::string format = std::to_string(mark.format);
    const auto answer = connection.command({"EVAL", scripts::create_mark, "1", mark_key, "cluster",
                                            mark.cluster, "id", mark.id, "partitions", partitions,
                                            "format", format, "instance", mark.instance});
    if (!answer) return base::Failure{answer.error()};
    const redisReply& reply = **answer;
    CHECK(reply.type == REDIS_REPLY_ARRAY && reply.elements == 1, "our script answers a word");
    if (text_of(reply.element[0]) != "FOREIGN") return {};
    return base::Failure{
        StoreError{.fault = StoreFault::not_empty,
                   .subject = connection.name(),
                   .expected = "an empty Redis, or one of this cluster",
                   .found = fmt::format("other keys and no {}", mark_key),
                   .remedy = "Give the journal a Redis of its own. If this one may be emptied: "
                             "FLUSHALL."}};
}

base::Result<void, StoreError> match_mark(const std::string& subject, const Mark& wanted,
                                          const Mark& found) {
    if (found.format != wanted.format) {
        return base::Failure{StoreError{.fault = StoreFault::wrong_format,
                                        .subject = subject,
                                        .expected = fmt::format("journal format {}", wanted.format),
                                        .found = fmt::format("format {}", found.format),
                                        .remedy = "Run the version of crossclear that wrote it."}};
    }
    const bool is_other_id = !wanted.id.empty() && wanted.id != found.id;
    if (found.cluster != wanted.cluster || is_other_id) {
        return base::Failure{
            StoreError{.fault = StoreFault::wrong_cluster,
                       .subject = subject,
                       .expected = fmt::format("cluster \"{}\"{}", wanted.cluster,
                                               is_other_id ? fmt::format(" ({})", wanted.id) : ""),
                       .found = fmt::format("cluster \"{}\"{}", found.cluster,
                                            is_other_id ? fmt::format(" ({})", found.id) : ""),
                       .remedy = "Correct the cluster's name or the endpoint."}};
    }
    if (found.partition_count != wanted.partition_count) {
        return base::Failure{StoreError{
            .fault = StoreFault::wrong_partition_count,
            .subject = subject,
            .expected = fmt::format("{} partitions", wanted.partition_count),
            .found = fmt::format("{} partitions", found.partition_count),
            .remedy = fmt::format("Configure {} partitions: the number is fixed at creation.",
                                  found.partition_count)}};
    }
    if (!wanted.instance.empty() && wanted.instance != found.instance) {
        return base::Failure{unmarked_error(subject)};
    }
    return {};
}

StoreError unmarked_error(const std::string& subject) {
    return StoreError{.fault = StoreFault::unmarked,
                      .subject = subject,
                      .expected = "the instance that made this cluster's promises",
                      .found = "one that was wiped or replaced",
                      .remedy =
                          "Restore its append-only file as it was, or let the other "
                          "instances copy to it; it must not vote before."};
}

std::string random_mark_id() {
    std::string text;
    for (const unsigned char byte : ledger::journal::fresh_nonce())
        text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace crossclear::store
