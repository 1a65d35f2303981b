#pragma once

#include "ledger/journal/codec.hpp"

#include <string>
#include <vector>

namespace crossclear::tests {

/// The payload of a record that holds these entries.
[[nodiscard]] inline std::string payload_of(const std::vector<ledger::Entry>& entries) {
    std::string payload = ledger::journal::begin_payload();
    for (const auto& entry : entries) {
        ledger::journal::append_entry(payload, ledger::journal::encode(entry));
    }
    return payload;
}

}  // namespace crossclear::tests
