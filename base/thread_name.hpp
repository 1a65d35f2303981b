#pragma once

/// Names for threads, so that who asks the system where the time goes gets an answer.

namespace crossclear::base {

/// Names the calling thread, as `top -H`, `ps -L` and `./dev bench` show it. At most 15 characters;
/// the rest is cut off.
void name_this_thread(const char* name) noexcept;

}  // namespace crossclear::base
