#pragma once

#include <string_view>

/// Assertions that stay on in every build, and the slow ones that only tests and simulation pay
/// for.
///
/// A failed check stops the process after printing the claim, its place and why it matters: a book
/// that is known to be wrong must not answer one more command. Replay brings the process back.

namespace crossclear::base {

/// Prints `claim`, `why` and the place, then aborts. Never returns.
[[noreturn]] void check_failed(std::string_view claim, std::string_view why, const char* file,
                               int line) noexcept;

}  // namespace crossclear::base

/// States what must be true in every build. `why` is a constant sentence for whoever reads the log.
#define CHECK(claim, why)                            \
    (static_cast<bool>(claim) ? static_cast<void>(0) \
                              : ::crossclear::base::check_failed(#claim, why, __FILE__, __LINE__))

#ifdef CROSSCLEAR_CHECK_SLOW
/// A check too dear for production; on in tests, simulation and fuzzing.
#define CHECK_SLOW(claim, why) CHECK(claim, why)
#else
/// A check too dear for production; here it only keeps its expression compiling.
#define CHECK_SLOW(claim, why) static_cast<void>(sizeof((claim) ? 1 : 0))
#endif

/// Marks a branch that closed sets rule out.
#define UNREACHABLE(why) ::crossclear::base::check_failed("unreachable", why, __FILE__, __LINE__)
