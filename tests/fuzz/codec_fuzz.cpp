#include "base/check.hpp"
#include "ledger/journal/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Any bytes are refused with a reason, or are exactly what would be written for what they mean.

namespace base = crossclear::base;
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

// What stands alone in a payload: an entry, as events are written one by one.
void check_entry(std::string_view bytes) {
    std::string payload = journal::begin_payload();
    journal::append_entry(payload, bytes);
    check_payload(payload);
}

void check_machines(std::string_view bytes) {
    using base::EntityKind;
    for (const auto kind : {EntityKind::netting, EntityKind::hedge, EntityKind::instruction,
                            EntityKind::withdrawal, EntityKind::reconcile, EntityKind::signing}) {
        const auto state = journal::decode_entity({.kind = kind, .id = 1, .sub = 1}, bytes);
        if (!state) continue;
        CHECK(journal::encode_entity(*state) == bytes, "a machine is written as it was read");
    }
    if (const auto core = journal::decode_core(bytes)) {
        CHECK(journal::encode_core(*core) == bytes, "a core is written as it was read");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_payload(bytes);
    check_entry(bytes);
    check_state(bytes);
    check_machines(bytes);
    return 0;
}
