#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

/// How a node is run by hand: one message at a time, in a time that somebody else moves. For
/// simulation; free of CAF.

namespace crossclear::actors {

/// The hand on a node whose `ActorOptions::scheduler` is `testing`. Its actors run on the caller's
/// thread and on no other, and their timers follow `advance`. The node ends what is left to run.
///
/// **Thread:** one.
class Stepper {
public:
    Stepper() = default;
    Stepper(const Stepper&) = delete;
    Stepper& operator=(const Stepper&) = delete;
    virtual ~Stepper() = default;

    /// Actors that have a message waiting.
    [[nodiscard]] virtual std::size_t ready() const = 0;
    /// Lets one of them handle one message; returns its number, for a trace.
    /// **Requires:** `nth < ready()`.
    virtual std::uint64_t run(std::size_t nth) = 0;
    /// How long until the next timer is due; nothing without timers.
    [[nodiscard]] virtual std::optional<base::Duration> until_timer() const = 0;
    /// Lets time pass; what is due becomes messages that wait.
    virtual void advance(base::Duration by) = 0;
};

}  // namespace crossclear::actors
