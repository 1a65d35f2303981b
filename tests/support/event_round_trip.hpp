#pragma once

#include "base/check.hpp"
#include "base/ids.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/codec.hpp"

#include <string>
#include <variant>

/// One machine's events through the journal's codec, for the law that they survive encoding.

namespace crossclear::tests {

/// A payload with this one event, under an entity that it fits.
template <class Event>
[[nodiscard]] std::string payload_of(const base::EntityId& entity, const Event& event) {
    auto payload = ledger::journal::begin_payload();
    ledger::journal::append_entry(payload, ledger::journal::encode(ledger::Entry{entity, event}));
    return payload;
}

/// The event of such a payload.
template <class Event>
[[nodiscard]] Event event_of(const std::string& payload) {
    const auto entries = ledger::journal::decode_payload(payload);
    CHECK(entries.has_value() && entries->size() == 1, "what was encoded can be decoded");
    return std::get<Event>(entries->front().event);
}

}  // namespace crossclear::tests
