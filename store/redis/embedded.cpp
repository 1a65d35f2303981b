#include "store/redis/embedded.hpp"

#include "base/check.hpp"
#include "store/redis/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

extern char** environ;

namespace crossclear::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr base::Duration poll_interval = base::milliseconds(5);
constexpr base::Duration stop_interval = base::milliseconds(500);
constexpr base::Duration ask_timeout = base::milliseconds(1'000);

// What a server says about itself.
struct Identity {
    pid_t process{};
    std::string run_id;

    friend bool operator==(const Identity&, const Identity&) = default;
};

std::string line_of(std::string_view info, std::string_view label) {
    const std::size_t at = info.find(label);
    if (at == std::string_view::npos) return {};
    info.remove_prefix(at + label.size());
    return std::string(info.substr(0, info.find_first_of("\r\n")));
}

base::Result<Identity, StoreError> identity_of(Connection& connection) {
    const auto answer = connection.command({"INFO", "server"});
    if (!answer) return base::Failure{answer.error()};
    const std::string_view info((*answer)->str, (*answer)->len);
    Identity identity{.process = 0, .run_id = line_of(info, "run_id:")};
    const std::string process = line_of(info, "process_id:");
    std::from_chars(process.data(), process.data() + process.size(), identity.process);
    return identity;
}

std::optional<Identity> read_run_file(const std::string& path) {
    std::ifstream file(path);
    Identity identity;
    if (!(file >> identity.process >> identity.run_id)) return {};
    return identity;
}

// The C library's own declarations lack extern "C" in Debian 12.
int open_pidfd(pid_t process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0)); }

void send_signal(int pidfd, int number) {
    ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

// Whether the server works in `directory`, whatever both paths are spelled like.
base::Result<bool, StoreError> works_in(Connection& connection, const std::string& directory) {
    const auto answer = connection.command({"CONFIG", "GET", "dir"});
    if (!answer) return base::Failure{answer.error()};
    const redisReply& reply = **answer;
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return false;
    const std::string found(reply.element[1]->str, reply.element[1]->len);
    std::error_code error;
    return std::filesystem::equivalent(found, directory, error) && !error;
}

}  // namespace

EmbeddedRedis::Descriptor::Descriptor(Descriptor&& other) noexcept
    : value_(std::exchange(other.value_, -1)) {}

EmbeddedRedis::Descriptor& EmbeddedRedis::Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
}

EmbeddedRedis::Descriptor::~Descriptor() {
    if (value_ >= 0) ::close(value_);
}

EmbeddedRedis::EmbeddedRedis(std::string directory, EmbeddedOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {
    endpoint_.socket_path = path_of("redis.sock");
}

EmbeddedRedis::~EmbeddedRedis() { stop(); }

base::Result<std::unique_ptr<EmbeddedRedis>, StoreError> EmbeddedRedis::start(
    const std::string& directory, const EmbeddedOptions& options) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const std::string whole = std::filesystem::weakly_canonical(directory, error).string();
    std::unique_ptr<EmbeddedRedis> embedded(new EmbeddedRedis(error ? directory : whole, options));
    if (const auto taken = embedded->take_directory(); !taken) {
        return base::Failure{taken.error()};
    }
    if (const auto started = embedded->start_or_adopt(); !started) {
        return base::Failure{started.error()};
    }
    return embedded;
}

// Both files are opened with CLOEXEC, so that no other child of ours inherits a lock by accident;
// redis-server gets its copy by name, in `spawn`.
base::Result<void, StoreError> EmbeddedRedis::take_directory() {
    constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC;
    owner_lock_ = Descriptor(::open(path_of("owner.lock").c_str(), flags, 0600));
    server_lock_ = Descriptor(::open(path_of("redis.lock").c_str(), flags, 0600));
    if (owner_lock_.get() < 0 || server_lock_.get() < 0) {
        return base::Failure{failure(StoreFault::directory_unusable, "a directory to write in",
                                     std::strerror(errno),
                                     "Create it with the right owner, or name another one.")};
    }
    if (::flock(owner_lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
    return base::Failure{failure(StoreFault::directory_in_use, "no other crossclear in it",
                                 "one that is running", "Stop it, or use another directory.")};
}

base::Result<void, StoreError> EmbeddedRedis::start_or_adopt() {
    const auto deadline = Clock::now() + std::chrono::microseconds(options_.ready_timeout.us);
    while (::flock(server_lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        const auto adopted = adopt();
        if (!adopted) return base::Failure{adopted.error()};
        if (*adopted) return {};
        // It is starting, loading or ending; it will answer or give up the lock.
        if (Clock::now() >= deadline) {
            return base::Failure{failure(
                StoreFault::directory_in_use, "the redis-server that holds redis.lock to answer",
                "silence", "Find it with `fuser " + path_of("redis.lock") + "` and stop it.")};
        }
        ::poll(nullptr, 0, static_cast<int>(poll_interval.us / 1'000));
    }
    if (const auto spawned = spawn(); !spawned) return spawned;
    return wait_until_ready();
}

base::Result<bool, StoreError> EmbeddedRedis::adopt() {
    auto connection = Connection::open(endpoint_, ask_timeout);
    if (!connection) return false;
    const auto identity = identity_of(*connection);
    const auto is_here = works_in(*connection, directory_);
    if (!identity || !is_here) return false;
    const auto recorded = read_run_file(path_of("redis.run"));
    if (!*is_here || (recorded && *recorded != *identity)) {
        return base::Failure{
            failure(StoreFault::directory_in_use, "the redis-server that was started here",
                    fmt::format("another one, process {}", identity->process),
                    "Stop it; it serves this directory's socket but was not started for it.")};
    }
    if (const auto watched = watch(identity->process); !watched) {
        return base::Failure{watched.error()};
    }
    write_run_file(identity->run_id);
    was_adopted_ = true;
    return true;
}

base::Result<void, StoreError> EmbeddedRedis::spawn() {
    ::unlink(path_of("redis.run").c_str());
    ::unlink(endpoint_.socket_path.c_str());
    // The socket's name is relative to the server's directory, which therefore may be long.
    std::vector<std::string> words{options_.program,
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   "redis.sock",
                                   "--unixsocketperm",
                                   "600",
                                   "--dir",
                                   ".",
                                   "--appendonly",
                                   "yes",
                                   "--appendfsync",
                                   "always",
                                   "--no-appendfsync-on-rewrite",
                                   "no",
                                   "--aof-load-truncated",
                                   "yes",
                                   "--maxmemory-policy",
                                   "noeviction",
                                   "--save",
                                   "",
                                   "--daemonize",
                                   "no"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addchdir_np(&actions, directory_.c_str());
    // Duplicated onto itself, a descriptor loses CLOEXEC: the server holds the lock until it ends.
    posix_spawn_file_actions_adddup2(&actions, server_lock_.get(), server_lock_.get());
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "redis.log",
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    // A group of its own: Ctrl-C in a terminal reaches us first, and we end the server in order.
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    pid_t process = -1;
    const int status = ::posix_spawnp(&process, options_.program.c_str(), &actions, &attributes,
                                      arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (status == 0) {
        is_child_ = true;
        return watch(process);
    }
    return base::Failure{failure(StoreFault::server_missing,
                                 fmt::format("to run {}", options_.program), std::strerror(status),
                                 "Install it: apt-get install redis-server.")};
}

base::Result<void, StoreError> EmbeddedRedis::wait_until_ready() {
    const auto deadline = Clock::now() + std::chrono::microseconds(options_.ready_timeout.us);
    while (!has_ended(poll_interval)) {
        if (auto connection = Connection::open(endpoint_, ask_timeout)) {
            if (const auto identity = identity_of(*connection);
                identity && identity->process == process_) {
                write_run_file(identity->run_id);
                return {};
            }
        }
        if (Clock::now() >= deadline) {
            return base::Failure{failure(StoreFault::server_failed,
                                         fmt::format("redis-server to be ready in {} s",
                                                     options_.ready_timeout.us / 1'000'000),
                                         "silence; its log ends: " + log_tail(),
                                         "Read redis.log in that directory.")};
        }
    }
    process_ = -1;
    return base::Failure{failure(StoreFault::server_failed, "redis-server to keep running",
                                 "its end; its log ends: " + log_tail(),
                                 "Read redis.log in that directory.")};
}

base::Result<void, StoreError> EmbeddedRedis::watch(pid_t process) {
    process_ = process;
    watched_ = Descriptor(open_pidfd(process));
    if (watched_.get() >= 0) return {};
    return base::Failure{failure(StoreFault::server_failed, "to watch redis-server",
                                 std::strerror(errno), "Read redis.log in that directory.")};
}

// A child that has ended is also taken off the process table.
bool EmbeddedRedis::has_ended(base::Duration patience) {
    pollfd ended{.fd = watched_.get(), .events = POLLIN, .revents = 0};
    int ready = 0;
    do {
        ready = ::poll(&ended, 1, static_cast<int>(patience.us / 1'000));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return false;
    if (is_child_) ::waitpid(process_, nullptr, 0);
    return true;
}

// One that has ended is forgotten at once: its number may be another process' tomorrow.
bool EmbeddedRedis::is_running() {
    if (process_ < 0) return false;
    if (!has_ended(base::Duration{0})) return true;
    process_ = -1;
    is_child_ = false;
    was_adopted_ = false;
    return false;
}

base::Result<bool, StoreError> EmbeddedRedis::revive() {
    if (is_running()) return false;
    if (const auto started = start_or_adopt(); !started) return base::Failure{started.error()};
    return true;
}

void EmbeddedRedis::stop() {
    if (process_ < 0 || watched_.get() < 0) return;
    const auto deadline = Clock::now() + std::chrono::microseconds(options_.stop_timeout.us);
    bool is_gone = false;
    while (!is_gone && Clock::now() < deadline) {
        // Repeated, because a server refuses to end while it writes its first append-only file; a
        // paused one does not hear at all before it is continued.
        send_signal(watched_.get(), SIGTERM);
        send_signal(watched_.get(), SIGCONT);
        is_gone = has_ended(stop_interval);
    }
    if (!is_gone) {
        send_signal(watched_.get(), SIGKILL);
        static_cast<void>(has_ended(options_.stop_timeout));
    }
    process_ = -1;
}

std::string EmbeddedRedis::path_of(const char* name) const {
    return (std::filesystem::path(directory_) / name).string();
}

std::string EmbeddedRedis::log_tail() const {
    constexpr std::size_t tail_bytes = 400;
    std::ifstream file(path_of("redis.log"));
    std::ostringstream text;
    text << file.rdbuf();
    const std::string whole = text.str();
    return whole.size() <= tail_bytes ? whole : whole.substr(whole.size() - tail_bytes);
}

StoreError EmbeddedRedis::failure(StoreFault fault, std::string expected, std::string found,
                                  std::string remedy) const {
    return StoreError{.fault = fault,
                      .subject = directory_,
                      .expected = std::move(expected),
                      .found = std::move(found),
                      .remedy = std::move(remedy)};
}

// Renamed into place, so that a reader never sees half of it.
void EmbeddedRedis::write_run_file(const std::string& run_id) const {
    const std::string path = path_of("redis.run");
    {
        std::ofstream file(path + ".new", std::ios::trunc);
        file << process_ << ' ' << run_id << '\n';
    }
    std::error_code error;
    std::filesystem::rename(path + ".new", path, error);
}

}  // namespace crossclear::store
