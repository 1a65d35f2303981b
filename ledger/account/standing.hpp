#pragma once

#include "base/check.hpp"

#include <cstdint>

/// How an account stands with its margin.

namespace crossclear::ledger::account {

/// How an account stands with its margin, and where that leads: good, called, liquidating, good
/// again or defaulted.
enum class Standing : std::uint8_t {
    good = 0,
    called = 1,       ///< Below IM.
    liquidating = 2,  ///< Was below MM: positions are closed until it has IM, or nothing is left.
    defaulted = 3,    ///< Nothing was left but debt, which its broker has borne. For good.
};

/// Its name, as the wire and logs have it.
[[nodiscard]] constexpr const char* name_of(Standing standing) noexcept {
    switch (standing) {
        case Standing::good:
            return "good";
        case Standing::called:
            return "called";
        case Standing::liquidating:
            return "liquidating";
        case Standing::defaulted:
            return "defaulted";
    }
    UNREACHABLE("an unlisted standing");
}

}  // namespace crossclear::ledger::account
