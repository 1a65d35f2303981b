#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How `api` tells what happened: it logs nothing itself. Whoever assembles the process decides
/// where records go.

namespace crossclear::api {

/// How much a record matters.
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One thing that happened. Never holds a secret or a body.
struct LogRecord {
    LogLevel level{LogLevel::info};
    std::string_view message;  ///< A constant sentence.
    std::vector<std::pair<std::string_view, std::string>> fields;
};

/// Takes records. **Thread:** any, several at once; must not block. May be empty.
using LogHook = std::function<void(const LogRecord&)>;

}  // namespace crossclear::api
