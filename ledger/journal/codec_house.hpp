#pragma once

#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/record.pb.h"
#include "ledger/journal/state.pb.h"
#include "ledger/netting/state.hpp"

#include <variant>

/// Part of the codec: a broker's house, and what states of home machines share.

namespace crossclear::ledger::journal::codec {

/// A state keeps some events as they were. They are stored as entries store them, by their tables.
template <class Machine, class Held, class Part>
void keep_event(const Held& event, Part& to, Part* (pb::Entry::*change)()) {
    pb::Entry entry;
    write(Machine{event}, entry);
    to.Swap((entry.*change)());
}

/// The event back; false where it is none of this kind.
template <class Machine, class Held, class Part, class Read>
[[nodiscard]] bool kept_event(const Part& from, Held& event, Part* (pb::Entry::*change)(),
                              Read read, Reader& reader) {
    pb::Entry entry;
    *(entry.*change)() = from;
    Event whole;
    if (!read(entry, whole, reader)) return false;
    event = std::get<Held>(std::get<Machine>(whole));
    return true;
}

/// Everything about a house, and back.
void write_house(const netting::State& from, pb::NettingState& to);
[[nodiscard]] bool read_house(const pb::NettingState& from, netting::State& to, Reader& reader);

}  // namespace crossclear::ledger::journal::codec
