#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace crossclear::base {

void check_failed(std::string_view claim, std::string_view why, const char* file,
                  int line) noexcept {
    std::fprintf(stderr, "%s:%d: CHECK failed: %.*s (%.*s)\n", file, line,
                 static_cast<int>(claim.size()), claim.data(), static_cast<int>(why.size()),
                 why.data());
    std::fflush(stderr);
    std::abort();
}

}  // namespace crossclear::base
