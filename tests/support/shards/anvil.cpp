#include "tests/support/shards/anvil.hpp"

#include "base/check.hpp"
#include "tests/support/run_until.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace crossclear::tests {
namespace {

constexpr std::string_view listening = "Listening on ";

}  // namespace

std::string anvil_program() {
    const char* packages = std::getenv("CROSSCLEAR_NPM");
    if (packages == nullptr) return {};
    // The package's own starter is a script that runs this one, of the machine's architecture.
    for (const char* machine : {"amd64", "arm64"}) {
        const auto program = std::filesystem::path(packages) / "node_modules/@foundry-rs" /
                             (std::string("anvil-linux-") + machine) / "bin/anvil";
        if (std::filesystem::exists(program)) return program;
    }
    return {};
}

struct Anvil::State {
    pid_t process{-1};
    int output{-1};
    std::string where;
    std::thread reader;

    // What it prints until it says where it listens; then everything else is read and dropped, or
    // a full pipe would stop it.
    void await_listening() {
        std::string said;
        std::array<char, 4'096> bytes{};
        while (where.empty()) {
            const auto count = ::read(output, bytes.data(), bytes.size());
            CHECK(count > 0, "anvil starts and says where it listens");
            said.append(bytes.data(), static_cast<std::size_t>(count));
            const auto at = said.find(listening);
            const auto end = at == std::string::npos ? at : said.find('\n', at);
            if (end == std::string::npos) continue;
            where = said.substr(at + listening.size(), end - at - listening.size());
        }
        reader = std::thread([output = output] {
            std::array<char, 4'096> more{};
            while (::read(output, more.data(), more.size()) > 0) {
            }
        });
    }
};

Anvil::Anvil(std::vector<std::string> options) : state_(std::make_unique<State>()) {
    // States of old blocks are forgotten: on disk they would stay there for ever.
    std::vector<std::string> words{anvil_program(), "--port", "0", "--max-persisted-states", "0"};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    std::array<int, 2> ends{};
    CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe is made");
    const pid_t parent = ::getpid();
    state_->process = ::fork();
    CHECK(state_->process >= 0, "a process is started");
    if (state_->process == 0) {
        // It ends with the test, however that ends.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    state_->output = ends[0];
    state_->await_listening();
}

Anvil::~Anvil() {
    ::kill(state_->process, SIGKILL);
    ::waitpid(state_->process, nullptr, 0);
    state_->reader.join();
    ::close(state_->output);
}

std::string Anvil::http_url() const { return "http://" + state_->where; }
std::string Anvil::websocket_url() const { return "ws://" + state_->where; }

Asker::Asker(const std::string& url)
    : Asker(shards::evm::RpcOptions{.endpoints = {*shards::evm::parse_endpoint(url)}}) {}

Asker::Asker(const shards::evm::RpcOptions& options)
    : client_(std::make_unique<shards::evm::RpcClient>(io_, options)) {}

shards::evm::RpcResult Asker::call(const std::string& method, boost::json::array params) {
    std::optional<shards::evm::RpcResult> given;
    client_->call({.method = method, .params = std::move(params)},
                  [&](shards::evm::RpcResult result) { given = std::move(result); });
    EXPECT_TRUE(run_until([&] { return given.has_value(); })) << method;
    return *given;
}

boost::json::value Asker::ask(const std::string& method, boost::json::array params) {
    auto result = call(method, std::move(params));
    EXPECT_TRUE(result.has_value()) << method << ": " << result.error().message;
    return result.has_value() ? *result : boost::json::value{};
}

bool Asker::run_until(const std::function<bool()>& is_so) { return tests::run_until(io_, is_so); }

}  // namespace crossclear::tests
