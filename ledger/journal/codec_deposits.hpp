#pragma once

#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/state.pb.h"
#include "ledger/netting/deposit_set.hpp"

/// Part of the codec: the deposits that a house is done with, a bit each.

namespace crossclear::ledger::journal::codec {

using DepositPages = google::protobuf::RepeatedPtrField<pb::NettingState::DepositsDone>;

/// A message for each page, in order; no page ends in zeros.
void write_pages(const netting::DepositSet& from, DepositPages& to);

/// Pages that do not ascend, or end in zeros, are found when encodings are compared.
[[nodiscard]] bool read_pages(const DepositPages& from, netting::DepositSet& to, Reader& reader);

}  // namespace crossclear::ledger::journal::codec
