#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// Programs that this one starts and ends.

namespace crossclear::app {

/// A process that ends with this one, whatever ends it: if we are killed, the kernel kills it.
///
/// It has a process group of its own, so that Ctrl-C reaches us first and we end it in order, and
/// none of our descriptors. **Thread:** start it where this process began: the kernel takes the end
/// of the thread that started it for ours.
class Child {
public:
    /// What to run.
    struct Options {
        std::vector<std::string> words;  ///< The program's path and its arguments.
        std::filesystem::path output;    ///< What it prints is appended there.
    };

    /// **Errors:** one sentence, where it cannot be started at all; a program that is not there
    /// ends at once with status 127.
    [[nodiscard]] static base::Result<std::unique_ptr<Child>, std::string> start(
        const Options& options);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    /// Kills it if it still runs.
    ~Child();

    /// Its number; another process may have it once this one has ended.
    [[nodiscard]] pid_t process() const noexcept { return process_; }
    /// Whether it has not ended yet.
    [[nodiscard]] bool is_running();
    /// Asks it to end, with SIGTERM. One that was stopped is continued, so that it hears.
    void ask_to_end();
    /// Waits for its end, and kills it after `patience`. Returns whether it ended by itself.
    bool end(base::Duration patience);

private:
    explicit Child(pid_t process) : process_(process) {}

    pid_t process_;
    bool has_ended_{};
};

/// The path of the program that runs here.
[[nodiscard]] std::string own_program();

}  // namespace crossclear::app
