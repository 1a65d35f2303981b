#pragma once

#include "actors/context.hpp"

#include <memory>
#include <string>

namespace crossclear::app {

/// A log of JSON lines: a time, a level, a constant sentence and fields. To standard error, or to a
/// file if a path is given. Lines below `level` are dropped. **Thread:** the log may be called by
/// any.
[[nodiscard]] actors::Log make_log(const std::string& path, actors::LogLevel level);

}  // namespace crossclear::app
