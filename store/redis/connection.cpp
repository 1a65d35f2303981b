#include "store/redis/connection.hpp"

#include "base/check.hpp"
#include "store/redis/calls.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace crossclear::store {
namespace {

constexpr std::size_t answer_bytes = 16 * 1'024;
constexpr std::string_view late_answer = "no answer in time";

struct Explanation {
    std::string_view code;
    std::string_view remedy;
};

constexpr std::array<Explanation, 10> explanations{{
    {"OOM", "Raise maxmemory (CONFIG SET maxmemory ...) or free memory on that machine."},
    {"READONLY", "Point the endpoint at the primary, or make it one: REPLICAOF NO ONE."},
    {"MISCONF", "Free the disk or repair it; redis-server's log says what failed."},
    {"NOREPLICAS",
     "Set min-replicas-to-write 0: durability rests on the majority, not on replicas."},
    {"NOAUTH", "Configure the user and password of the journal."},
    {"WRONGPASS", "Correct the user and password of the journal."},
    {"NOPERM",
     "Allow the journal's user ~{p* ~crossclear:mark ~crossclear:directory and +eval +evalsha "
     "+script|load +config|get +role +info +dbsize +exists +ping +time +hget +hmget +hset +hdel "
     "+hgetall +hscan +xadd +xtrim +xrange +xrevrange."},
    {"LOADING", "Wait: it is reading its append-only file."},
    {"BUSY", "A foreign script blocks this Redis: SCRIPT KILL."},
    {"MASTERDOWN", "Point the endpoint at the primary."},
}};

}  // namespace

std::string explain_refusal(std::string_view error_reply) {
    const std::string_view code = error_reply.substr(0, error_reply.find(' '));
    for (const Explanation& explanation : explanations) {
        if (explanation.code == code) {
            return fmt::format("Redis refused: {} - {}", error_reply, explanation.remedy);
        }
    }
    return fmt::format("Redis refused: {}", error_reply);
}

void HiredisFree::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
void HiredisFree::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

Reader make_reader() {
    Reader reader(redisReaderCreate());
    CHECK(reader != nullptr, "memory for a reader can be allocated");
    return reader;
}

Connection::Connection(Transport transport, const Endpoint& endpoint, base::Duration timeout)
    : transport_(std::move(transport)),
      endpoint_(endpoint),
      name_(to_string(endpoint)),
      timeout_(timeout),
      reader_(make_reader()) {}

base::Result<Connection, StoreError> Connection::open(const Endpoint& endpoint,
                                                      base::Duration timeout) {
    auto transport = Transport::open(endpoint, timeout);
    if (!transport) return base::Failure{transport.error()};
    Connection connection(std::move(transport).value(), endpoint, timeout);
    if (const auto answer = connection.authenticate(); !answer) {
        // A server that wants TLS hangs up on whoever greets it without, and does not say why.
        const bool is_plain = !endpoint.tls && endpoint.socket_path.empty();
        const auto& broken = connection.broken_;
        const bool was_hung_up_on =
            broken && broken->reason != late_answer && !connection.has_answered_;
        if (is_plain && was_hung_up_on && speaks_tls(endpoint)) {
            return base::Failure{
                tls_error(endpoint, StoreFault::tls_demanded, "one that speaks nothing else")};
        }
        return base::Failure{answer.error()};
    }
    return connection;
}

base::Result<Reply, StoreError> Connection::authenticate() {
    const Endpoint& endpoint = endpoint_;
    if (endpoint.password.empty()) return command({"PING"});
    const auto answer = endpoint.username.empty()
                            ? command({"AUTH", endpoint.password})
                            : command({"AUTH", endpoint.username, endpoint.password});
    if (answer) return command({"PING"});
    StoreError error = answer.error();
    if (error.fault == StoreFault::server_failed) error.fault = StoreFault::not_authorised;
    return base::Failure{error};
}

base::Result<Reply, StoreError> Connection::command(std::initializer_list<std::string_view> words) {
    std::string question;
    write_command(question, words);
    auto answer = exchange(question);
    if (!answer) return base::Failure{error_of(answer.error())};
    Reply reply = std::move(answer).value();
    if (reply->type != REDIS_REPLY_ERROR) return reply;

    const std::string_view text(reply->str, reply->len);
    const std::string_view code = text.substr(0, text.find(' '));
    StoreError error{.fault = StoreFault::server_failed,
                     .subject = name_,
                     .expected = fmt::format("an answer to {}", *words.begin()),
                     .found = std::string(text),
                     .remedy = explain_refusal(text)};
    if (code == "LOADING" || code == "BUSY") error.fault = StoreFault::unreachable;
    if (code == "NOAUTH" || code == "WRONGPASS" || code == "NOPERM") {
        error.fault = StoreFault::not_authorised;
    }
    return base::Failure{error};
}

std::optional<Broken> Connection::send(std::string_view question, Deadline deadline) {
    while (!question.empty()) {
        const auto taken = transport_.write(question);
        if (!taken) {
            // What it said before it hung up tells more than that it did.
            std::array<char, answer_bytes> received{};
            const auto last = transport_.read(received);
            const bool is_said = !last && last.error().fault != StoreFault::unreachable;
            return is_said ? last.error() : taken.error();
        }
        question.remove_prefix(*taken);
        if (*taken == 0 && !wait_for(transport_.descriptor(), transport_.events(true), deadline)) {
            return Broken{.reason = std::string(late_answer)};
        }
    }
    return std::nullopt;
}

base::Result<Reply, Broken> Connection::exchange(std::string_view question) {
    const Deadline deadline =
        std::chrono::steady_clock::now() + std::chrono::microseconds(timeout_.us);
    if (!broken_) broken_ = send(question, deadline);
    std::array<char, answer_bytes> received{};
    while (!broken_) {
        void* raw = nullptr;
        if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
            broken_ =
                Broken{.reason = fmt::format("Redis sent what is no answer: {}", reader_->errstr)};
        } else if (raw != nullptr) {
            has_answered_ = true;
            return Reply(static_cast<redisReply*>(raw));
        } else if (const auto given = transport_.read(received); !given) {
            broken_ = given.error();
        } else if (*given > 0) {
            redisReaderFeed(reader_.get(), received.data(), *given);
        } else if (!wait_for(transport_.descriptor(), transport_.events(false), deadline)) {
            // An answer that comes later would be taken for that of the next question.
            broken_ = Broken{.reason = std::string(late_answer)};
        }
    }
    return base::Failure{*broken_};
}

StoreError Connection::error_of(Broken broken) const {
    if (broken.fault == StoreFault::unreachable) {
        return unreachable_error(name_, std::move(broken.reason));
    }
    return tls_error(endpoint_, broken.fault, std::move(broken.reason));
}

}  // namespace crossclear::store
