#include "tests/support/machine_laws.hpp"

#include <fmt/format.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace crossclear::tests {
namespace {

// A failed CHECK aborts before anything can be reported, so the way to replay waits in a buffer
// that a signal handler may write out.
std::string& replay_hint() {
    static std::string hint;
    return hint;
}

extern "C" void print_replay_hint(int) {
    const std::string& hint = replay_hint();
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, hint.data(), hint.size());
}

std::string replay_line(std::uint64_t seed) {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    const std::string test =
        info == nullptr ? "*" : fmt::format("{}.{}", info->test_suite_name(), info->name());
    return fmt::format("seed {}; replay: CROSSCLEAR_LAWS_SEED={} <program> --gtest_filter={}\n",
                       seed, seed, test);
}

std::optional<std::string> tried(const LawTrial& trial, std::uint64_t seed, std::size_t steps) {
    replay_hint() = replay_line(seed);
    const auto breach = trial(seed, steps);
    if (!breach) return std::nullopt;
    return fmt::format("{}\n{}", *breach, replay_hint());
}

}  // namespace

std::string breach_at(std::size_t step, std::size_t command_index, std::string_view what) {
    return fmt::format("step {}, command kind {}: {}", step, command_index, what);
}

void expect_law(const LawTrial& trial) {
    const auto previous = std::signal(SIGABRT, print_replay_hint);
    if (const char* seed = std::getenv("CROSSCLEAR_LAWS_SEED")) {
        const auto breach = tried(trial, std::strtoull(seed, nullptr, 10), law_steps_max);
        EXPECT_FALSE(breach.has_value()) << *breach;
    } else {
        std::optional<std::string> found;
        const bool holds = rc::check([&trial, &found] {
            // Only the length shrinks: another seed is another history, not a simpler one.
            const auto first = *rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>());
            const auto steps = *rc::gen::shrink(rc::gen::just(law_steps_max), [](std::size_t n) {
                return rc::shrink::towards(n, std::size_t{1});
            });
            base::Rng seeds{first};
            for (std::size_t i = 0; i < law_histories_per_case; ++i) {
                if (const auto breach = tried(trial, seeds.next(), steps)) {
                    found = breach;
                    RC_FAIL(*breach);
                }
            }
        });
        EXPECT_TRUE(holds) << found.value_or("");
    }
    std::signal(SIGABRT, previous);
}

}  // namespace crossclear::tests
