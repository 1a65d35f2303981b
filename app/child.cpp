#include "app/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace crossclear::app {
namespace {

using namespace std::chrono_literals;

constexpr int no_such_program = 127;

// Between fork and exec in a process with threads: only calls that are safe in a signal handler.
[[noreturn]] void become(char* const* words, const char* output, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(no_such_program);  // It ended before that was said.
    ::setpgid(0, 0);
    const int in = ::open("/dev/null", O_RDONLY);
    const int out = ::open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (in < 0 || out < 0) ::_exit(no_such_program);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    // Locks, sockets and logs of ours are not its.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execv(words[0], words);
    ::_exit(no_such_program);
}

}  // namespace

base::Result<std::unique_ptr<Child>, std::string> Child::start(const Options& options) {
    std::vector<std::string> words = options.words;
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const std::string output = options.output.string();
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process == 0) become(pointers.data(), output.c_str(), parent);
    if (process < 0) {
        return base::Failure{fmt::format("cannot start {}: {}", words[0], std::strerror(errno))};
    }
    return std::unique_ptr<Child>(new Child(process));
}

Child::~Child() {
    if (is_running()) static_cast<void>(end({}));
}

bool Child::is_running() {
    if (!has_ended_) has_ended_ = ::waitpid(process_, nullptr, WNOHANG) == process_;
    return !has_ended_;
}

void Child::ask_to_end() {
    if (!is_running()) return;
    ::kill(process_, SIGTERM);
    ::kill(process_, SIGCONT);
}

bool Child::end(base::Duration patience) {
    ask_to_end();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(patience.us);
    while (is_running() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(10ms);
    }
    if (!is_running()) return true;
    ::kill(process_, SIGKILL);
    has_ended_ = ::waitpid(process_, nullptr, 0) == process_;
    return false;
}

std::string own_program() {
    std::error_code failure;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
    return failure ? std::string{"crossclear"} : path.string();
}

}  // namespace crossclear::app
