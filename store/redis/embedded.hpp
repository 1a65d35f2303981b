#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

/// A private redis-server for development and the demo: on a unix socket, in one directory.
///
/// The problem: after a kill -9 of its owner the server lives on, and a second one on the same
/// directory would acknowledge the same sequence again. The idea: two locks. `owner.lock` is ours
/// and dies with this process; `redis.lock` is inherited by redis-server and held until it has
/// ended. So "no owner, but a server" is an orphan, and an orphan is adopted, never doubled.
/// The subtle thing: the orphan must prove to be the one that was started here. `redis.run` holds
/// its process id and run id; where that file is missing because the owner died before writing it,
/// the server's own working directory is the proof.

namespace crossclear::store {

/// How an embedded server is started.
struct EmbeddedOptions {
    std::string program{"redis-server"};               ///< Looked up in PATH.
    base::Duration ready_timeout{base::seconds(120)};  ///< Includes reading the append-only file.
    base::Duration stop_timeout{base::seconds(30)};
};

/// A running redis-server that this process owns; it is stopped with the object.
class EmbeddedRedis {
public:
    /// Starts a server in `directory`, which is created if missing, or adopts the one that an
    /// earlier owner left behind; returns when it answers.
    /// **Errors:** `directory_unusable`, `directory_in_use`, `server_missing`, `server_failed`.
    [[nodiscard]] static base::Result<std::unique_ptr<EmbeddedRedis>, StoreError> start(
        const std::string& directory, const EmbeddedOptions& options = {});

    /// Stops the server as `stop` does.
    ~EmbeddedRedis();
    EmbeddedRedis(const EmbeddedRedis&) = delete;
    EmbeddedRedis& operator=(const EmbeddedRedis&) = delete;

    /// Ends the server with SIGTERM and waits for it; after the stop time-out with SIGKILL, which
    /// loses nothing that was acknowledged. Does nothing the second time.
    void stop();

    /// Whether the server still runs.
    [[nodiscard]] bool is_running();

    /// Starts the server again if it has ended by itself or was killed; returns whether it had.
    /// **Errors:** as `start`.
    [[nodiscard]] base::Result<bool, StoreError> revive();

    /// Where it listens.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// The server's process.
    [[nodiscard]] pid_t process() const noexcept { return process_; }
    /// Whether an earlier owner had started it.
    [[nodiscard]] bool was_adopted() const noexcept { return was_adopted_; }

private:
    // A descriptor that is closed with its owner.
    class Descriptor {
    public:
        explicit Descriptor(int value = -1) noexcept : value_(value) {}
        Descriptor(Descriptor&& other) noexcept;
        Descriptor& operator=(Descriptor&& other) noexcept;
        ~Descriptor();
        [[nodiscard]] int get() const noexcept { return value_; }

    private:
        int value_;
    };

    explicit EmbeddedRedis(std::string directory, EmbeddedOptions options);
    [[nodiscard]] base::Result<void, StoreError> take_directory();
    [[nodiscard]] base::Result<void, StoreError> start_or_adopt();
    [[nodiscard]] base::Result<void, StoreError> spawn();
    [[nodiscard]] base::Result<void, StoreError> wait_until_ready();
    [[nodiscard]] base::Result<bool, StoreError> adopt();
    [[nodiscard]] base::Result<void, StoreError> watch(pid_t process);
    [[nodiscard]] bool has_ended(base::Duration patience);
    [[nodiscard]] std::string path_of(const char* name) const;
    [[nodiscard]] std::string log_tail() const;
    [[nodiscard]] StoreError failure(StoreFault fault, std::string expected, std::string found,
                                     std::string remedy) const;
    void write_run_file(const std::string& run_id) const;

    const std::string directory_;
    const EmbeddedOptions options_;
    Endpoint endpoint_;
    Descriptor owner_lock_;
    Descriptor server_lock_;
    Descriptor watched_;  // A pidfd: it cannot come to mean another process.
    pid_t process_{-1};
    bool is_child_{};
    bool was_adopted_{};
};

}  // namespace crossclear::store
