#include "base/check.hpp"
#include "ledger/journal/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Any bytes are refused with a reason, or are exactly what would be written for what they mean.

namespace journal = crossclear::ledger::journal;

namespace {

void check_payload(std::string_view bytes) {
    const auto entries = journal::decode_payload(bytes);
    if (!entries) return;
    std::string again = journal::begin_payload();
    for (const auto& entry : *entries) journal::append_entry(again, journal::encode(entry));
    CHECK(again == bytes, "accepted entries are written as they were read");
}

void check_state(std::string_view bytes) {
    const auto state = journal::decode_state(bytes);
    if (!state) return;
    CHECK(journal::encode_state(*state) == bytes, "an accepted state is written as it was read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_payload(bytes);
    check_state(bytes);
    return 0;
}
