#pragma once

namespace crossclear::app {

/// This release.
inline constexpr const char* version = "0.1.0";

}  // namespace crossclear::app
