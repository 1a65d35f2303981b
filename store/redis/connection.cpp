#include "store/redis/connection.hpp"

#include "base/check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

namespace crossclear::store {
namespace {

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

timeval to_timeval(base::Duration span) {
    return timeval{.tv_sec = span.us / 1'000'000, .tv_usec = span.us % 1'000'000};
}

StoreError unreachable(const std::string& name, std::string found) {
    return StoreError{
        .fault = StoreFault::unreachable,
        .subject = name,
        .expected = "a Redis that answers",
        .found = std::move(found),
        .remedy = "Start redis-server there, or correct the endpoint; it is tried again."};
}

// Opens the directory of a socket, so that /proc/self/fd/N/name is short whatever the path is.
class ShortPath {
public:
    explicit ShortPath(const std::string& path) : text_(path) {
        if (path.size() <= socket_path_max) return;
        const std::size_t slash = path.rfind('/');
        CHECK(slash != std::string::npos, "a socket path is absolute");
        directory_ = ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_ >= 0) {
            text_ = fmt::format("/proc/self/fd/{}/{}", directory_, path.substr(slash + 1));
        }
    }
    ~ShortPath() {
        if (directory_ >= 0) ::close(directory_);
    }
    ShortPath(const ShortPath&) = delete;
    ShortPath& operator=(const ShortPath&) = delete;

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    int directory_{-1};
};

// hiredis writes without MSG_NOSIGNAL. What a broken socket raised is taken back before the
// thread's own mask returns; a SIGPIPE that was pending before is left alone.
class NoSigpipe {
public:
    NoSigpipe() {
        sigemptyset(&sigpipe_);
        sigaddset(&sigpipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    ~NoSigpipe() {
        const timespec now{};
        if (!was_pending_) sigtimedwait(&sigpipe_, nullptr, &now);
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

private:
    sigset_t sigpipe_{};
    sigset_t before_{};
    bool was_pending_{};
};

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

void HiredisFree::operator()(redisContext* context) const noexcept { redisFree(context); }
void HiredisFree::operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }

Connection::Connection(std::unique_ptr<redisContext, HiredisFree> context, std::string name)
    : context_(std::move(context)), name_(std::move(name)) {}

base::Result<Connection, StoreError> Connection::open(const Endpoint& endpoint,
                                                      base::Duration timeout) {
    std::string name = to_string(endpoint);
    std::unique_ptr<redisContext, HiredisFree> context;
    if (endpoint.socket_path.empty()) {
        context.reset(
            redisConnectWithTimeout(endpoint.host.c_str(), endpoint.port, to_timeval(timeout)));
    } else {
        const ShortPath path(endpoint.socket_path);
        if (path.text().size() > socket_path_max) {
            return base::Failure{StoreError{
                .fault = StoreFault::socket_path_too_long,
                .subject = std::move(name),
                .expected = fmt::format("a directory that opens and a name that fits {} bytes",
                                        socket_path_max),
                .found = fmt::format("{} bytes", endpoint.socket_path.size()),
                .remedy = "Move the socket to a shorter path."}};
        }
        context.reset(redisConnectUnixWithTimeout(path.text().c_str(), to_timeval(timeout)));
    }
    CHECK(context != nullptr, "memory for a connection can be allocated");
    if (context->err != 0) return base::Failure{unreachable(name, context->errstr)};
    if (redisSetTimeout(context.get(), to_timeval(timeout)) != REDIS_OK) {
        return base::Failure{unreachable(name, context->errstr)};
    }
    Connection connection(std::move(context), std::move(name));
    connection.is_trusted_ = endpoint.is_trusted;
    if (const auto answer = connection.authenticate(endpoint); !answer) {
        return base::Failure{answer.error()};
    }
    return connection;
}

base::Result<Reply, StoreError> Connection::authenticate(const Endpoint& endpoint) {
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
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    Reply reply;
    bool is_late = false;
    {
        const NoSigpipe no_sigpipe;
        reply.reset(static_cast<redisReply*>(redisCommandArgv(
            context_.get(), static_cast<int>(texts.size()), texts.data(), sizes.data())));
        is_late = reply == nullptr && (errno == EAGAIN || errno == EINTR);
    }
    if (reply == nullptr) {
        return base::Failure{
            unreachable(name_, is_late ? "no answer in time" : std::string(context_->errstr))};
    }
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

int Connection::descriptor() const noexcept { return context_->fd; }

void Connection::stop_blocking() noexcept {
    const int flags = ::fcntl(descriptor(), F_GETFL);
    CHECK(flags >= 0 && ::fcntl(descriptor(), F_SETFL, flags | O_NONBLOCK) == 0,
          "an open socket can be made non-blocking");
}

}  // namespace crossclear::store
