#include "tests/support/shards/viem.hpp"

#include "base/check.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>
#include <utility>

namespace crossclear::tests {
namespace {

using shards::evm::Address;
using shards::evm::Bytes;
using shards::evm::Hash;
using shards::evm::Uint256;

constexpr int exit_skipped = 77;
constexpr int exit_not_found = 127;
constexpr std::size_t shown_max = 2'000;

std::uint32_t any_seed() {
    const char* given = std::getenv("CROSSCLEAR_SEED");
    if (given != nullptr) return static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
    return std::random_device{}();
}

struct Said {
    int status{};
    std::string text;
};

Said said_by_viem(const std::string& kind, std::uint32_t seed, std::size_t count) {
    // Of our own words, but for the paths: those have no quotes in them.
    const auto command = fmt::format(
        "exec node '{0}/tests/support/shards/viem.mjs' --kind {2} --seed {3} "
        "--count {4} --cache '{1}/artifacts'",
        CROSSCLEAR_SOURCE_DIR, CROSSCLEAR_BINARY_DIR, kind, seed, count);
    std::FILE* output = ::popen(command.c_str(), "r");
    CHECK(output != nullptr, "a process is started");
    Said said;
    std::array<char, 65'536> bytes{};
    while (const auto got = std::fread(bytes.data(), 1, bytes.size(), output)) {
        said.text.append(bytes.data(), got);
    }
    const int status = ::pclose(output);
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return said;
}

template <class Value>
Value demanded(std::optional<Value> value, std::string_view name) {
    if (!value) std::fprintf(stderr, "%.*s\n", static_cast<int>(name.size()), name.data());
    CHECK(value.has_value(), "viem.mjs writes what is read here");
    return *std::move(value);
}

}  // namespace

const boost::json::value& ViemCase::at(std::string_view name) const {
    const auto* found = fields_.if_contains(name);
    if (found == nullptr) std::fprintf(stderr, "%.*s\n", int(name.size()), name.data());
    CHECK(found != nullptr, "a case has the fields that are read of it");
    return *found;
}

ViemCase ViemCase::inner(std::string_view name) const { return ViemCase(at(name).as_object()); }

const boost::json::array& ViemCase::list(std::string_view name) const {
    return at(name).as_array();
}

std::string ViemCase::text(std::string_view name) const {
    return std::string(at(name).as_string());
}

bool ViemCase::flag(std::string_view name) const { return at(name).as_bool(); }

Bytes ViemCase::bytes(std::string_view name) const {
    return demanded(shards::evm::parse_hex(text(name)), name);
}

Hash ViemCase::hash(std::string_view name) const {
    return demanded(shards::evm::parse_fixed<Hash>(text(name)), name);
}

Address ViemCase::address(std::string_view name) const {
    return demanded(shards::evm::parse_fixed<Address>(text(name)), name);
}

Uint256 ViemCase::number(std::string_view name) const {
    return demanded(shards::evm::parse_quantity(text(name)), name);
}

std::uint64_t ViemCase::number64(std::string_view name) const {
    return demanded(shards::evm::parse_quantity64(text(name)), name);
}

std::int64_t ViemCase::signed64(std::string_view name) const { return std::stoll(text(name)); }

int ViemCase::small(std::string_view name) const { return static_cast<int>(at(name).as_int64()); }

void for_each_viem_case(const std::string& kind, std::size_t count,
                        const std::function<void(const ViemCase&)>& compare) {
    const auto seed = any_seed();
    const auto replay = fmt::format("seed {}; replay with CROSSCLEAR_SEED={}", seed, seed);
    std::printf("%s\n", replay.c_str());
    const auto said = said_by_viem(kind, seed, count);
    if (said.status == exit_skipped) GTEST_SKIP() << "CROSSCLEAR_NPM has no viem";
    if (said.status == exit_not_found) GTEST_SKIP() << "there is no node on the PATH";
    ASSERT_EQ(said.status, 0) << replay;
    std::istringstream lines(said.text);
    std::size_t compared = 0;
    for (std::string line; std::getline(lines, line); ++compared) {
        SCOPED_TRACE(fmt::format("{}, case {}: {}", replay, compared, line.substr(0, shown_max)));
        compare(ViemCase(boost::json::parse(line).as_object()));
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GE(compared, count);
}

}  // namespace crossclear::tests
