#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What may be asked of one withdrawal, on the broker's side.

namespace crossclear::ledger::withdrawal {

/// Takes a held withdrawal on. Sent by the account's effect; repeats add nothing.
struct StartWithdrawal {
    base::AccountId account;
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp not_before;  ///< Held time plus the profile's delay.
    base::Timestamp at;
};

/// Looks whether it may be sent. `is_gate_open` and `is_covered` are the host's findings: the rate
/// gate of the asset, no debit SUSPENSE in it, and enough NOSTRO on the shard.
struct Review {
    base::Timestamp now;
    bool is_gate_open{};
    bool is_covered{};
};

/// How its instruction ended. Sent by the instruction.
struct NoteInstruction {
    bool is_settled{};
    ShardRefusal reason{ShardRefusal::none};
    std::uint64_t block{};
    base::Timestamp at;
};

/// Takes it back before it is sent. Sent by a client through its account.
struct CancelWithdrawal {
    base::Timestamp at;
};

/// The account has booked the end. Sent by the account's host; after it nothing is outstanding.
struct AcknowledgeEnd {};

using Command =
    std::variant<StartWithdrawal, Review, NoteInstruction, CancelWithdrawal, AcknowledgeEnd>;

}  // namespace crossclear::ledger::withdrawal
