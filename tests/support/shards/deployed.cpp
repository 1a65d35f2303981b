#include "tests/support/shards/deployed.hpp"

#include "base/check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>
#include <utility>

namespace crossclear::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ready = "ready ";

bool has_node() {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (::access((folder + "/node").c_str(), X_OK) == 0) return true;
    }
    return false;
}

fs::path fresh_folder() {
    auto name = (fs::temp_directory_path() / "crossclear-site-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr, "a folder is made");
    return name;
}

std::vector<std::string> words_for(const std::vector<std::string>& shards, Blocks blocks,
                                   std::uint64_t states, const fs::path& folder) {
    const fs::path scripts = fs::path(CROSSCLEAR_SOURCE_DIR) / "deploy/chain";
    std::vector<std::string> words{"node", scripts / "site.mjs", "--out", folder,
                                   // The compiler takes longer than all the rest.
                                   "--cache", fs::path(CROSSCLEAR_BINARY_DIR) / "artifacts",
                                   "--block-time", blocks == Blocks::at_once ? "now" : "never"};
    if (states > 0) {
        words.emplace_back("--states");
        words.push_back(std::to_string(states));
    }
    for (const auto& shard : shards) {
        words.emplace_back("--description");
        words.emplace_back(scripts / (shard + ".json"));
    }
    return words;
}

}  // namespace

struct DeployedSite::State {
    ~State() {
        // It stays as long as its input is open.
        ::close(input);
        ::waitpid(process, nullptr, 0);
        reader.join();
        ::close(output);
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    void start(std::vector<std::string> words) {
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        CHECK(::pipe2(in.data(), O_CLOEXEC) == 0, "a pipe is made");
        CHECK(::pipe2(out.data(), O_CLOEXEC) == 0, "a pipe is made");
        const pid_t parent = ::getpid();
        process = ::fork();
        CHECK(process >= 0, "a process is started");
        if (process == 0) {
            // It ends with the test, however that ends, and its chains with it.
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() != parent) ::_exit(1);
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(out[1], STDERR_FILENO);
            ::execvp(arguments.front(), arguments.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input = in[1];
        output = out[0];
        await_ready();
    }

    void await_ready() {
        std::string said;
        std::array<char, 4'096> bytes{};
        const auto is_ready = [&] {
            const auto at = said.rfind(ready);
            return at != std::string::npos && said.find('\n', at) != std::string::npos;
        };
        while (!is_ready()) {
            const auto count = ::read(output, bytes.data(), bytes.size());
            if (count <= 0) std::fputs(said.c_str(), stderr);
            CHECK(count > 0, "site.mjs deploys, and says what is in its way");
            said.append(bytes.data(), static_cast<std::size_t>(count));
        }
        reader = std::thread([output = output] {
            std::array<char, 4'096> more{};
            while (::read(output, more.data(), more.size()) > 0) {
            }
        });
    }

    pid_t process{-1};
    int input{-1};
    int output{-1};
    fs::path folder;
    std::thread reader;
    std::vector<shards::evm::ChainSite> chains;
    std::map<std::string, std::unique_ptr<Asker>, std::less<>> askers;
};

std::string DeployedSite::obstacle() {
    if (anvil_program().empty()) return "CROSSCLEAR_NPM names no anvil";
    return has_node() ? "" : "there is no node on the PATH";
}

DeployedSite::DeployedSite(const std::vector<std::string>& shards, Blocks blocks,
                           std::uint64_t states)
    : state_(std::make_unique<State>()) {
    state_->folder = fresh_folder();
    state_->start(words_for(shards, blocks, states, state_->folder));
    auto sites = shards::evm::read_sites(file());
    if (!sites) std::fputs((sites.error() + "\n").c_str(), stderr);
    CHECK(sites.has_value(), "what site.mjs writes is read");
    state_->chains = *std::move(sites);
    for (const auto& chain : state_->chains) {
        state_->askers.emplace(chain.shard, std::make_unique<Asker>(chain.url));
    }
}

DeployedSite::~DeployedSite() = default;

const std::vector<shards::evm::ChainSite>& DeployedSite::chains() const { return state_->chains; }

const shards::evm::ChainSite& DeployedSite::chain(std::string_view shard) const {
    const auto* found = shards::evm::site_of(state_->chains, shard);
    CHECK(found != nullptr, "a test asks for chains that it has started");
    return *found;
}

std::string DeployedSite::file() const { return state_->folder / "site.json"; }

Asker& DeployedSite::asker(std::string_view shard) {
    const auto found = state_->askers.find(shard);
    CHECK(found != state_->askers.end(), "a test asks chains that it has started");
    return *found->second;
}

void DeployedSite::mine(std::string_view shard, std::uint64_t blocks) {
    (void)asker(shard).ask("anvil_mine", {shards::evm::to_quantity(blocks)});
}

void DeployedSite::make_blocks(std::string_view shard, Blocks when) {
    (void)asker(shard).ask("evm_setAutomine", {when == Blocks::at_once});
    if (when == Blocks::at_once) mine(shard);
}

}  // namespace crossclear::tests
