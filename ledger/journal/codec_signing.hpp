#pragma once

#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/state.pb.h"
#include "ledger/signing/state.hpp"

/// Part of the codec: signing lanes.

namespace crossclear::ledger::journal::codec {

/// Everything about a lane, and back.
void write_lane(const signing::State& from, pb::SigningState& to);
[[nodiscard]] bool read_lane(const pb::SigningState& from, signing::State& to, Reader& reader);

}  // namespace crossclear::ledger::journal::codec
