#pragma once

#include <cstddef>
#include <string>

namespace crossclear::app {

/// Measures the kernel on universes of its own: a what-if of one leg, with the bound and exact, the
/// rebuild of an account, a surface of options, a hundred thousand accounts on a new one. **Cost:**
/// some seconds. Returns a table, or JSON.
[[nodiscard]] std::string measure_kernel(std::size_t rounds, bool is_json);

}  // namespace crossclear::app
