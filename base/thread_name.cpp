#include "base/thread_name.hpp"

#include <sys/prctl.h>

namespace crossclear::base {

void name_this_thread(const char* name) noexcept {
    // It fails only where the name cannot be read.
    ::prctl(PR_SET_NAME, name, 0, 0, 0);
}

}  // namespace crossclear::base
