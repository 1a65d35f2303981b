#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/signing/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What may be asked of one signing lane. All of it is sent by the lane's host, which tells what
/// it has heard from the chain and from the signer.

namespace crossclear::ledger::signing {

/// Names the chain and the key, as found at the start. Sent each time the host starts.
struct OpenLane {
    std::uint64_t chain_id{};
    Hash genesis{};
    Address key{};
    std::uint64_t final_nonce{};    ///< Transactions of the key in the last final block,
    std::uint64_t pending_nonce{};  ///< and with all that wait.
    base::Timestamp at;
};

/// Gives an order a nonce. Sent when the order came and its call was made; a repeat adds nothing.
struct TakeIntent {
    base::OrderRef ref;
    std::uint64_t body{};
    Address to{};
    std::string data;
    std::uint64_t gas_limit{};
    base::Timestamp deadline;
    Fees fees;
    base::Timestamp at;
};

/// The signer's answer, decoded and compared with what was asked.
struct NoteSigned {
    std::uint64_t nonce{};
    std::uint32_t number{};
    Hash hash{};
    std::string raw;
    base::Timestamp at;
};

/// The signer says no, for good: its rules forbid it.
struct NoteSignerRefused {
    std::uint64_t nonce{};
    std::uint32_t number{};
    std::uint64_t cancel_gas{};  ///< What a transfer of nothing takes on this chain.
    base::Timestamp at;
};

/// One of our transactions is in a block of the chain.
struct NoteIncluded {
    Hash hash{};
    std::uint64_t block{};
    Hash block_hash{};
    base::Amount gas{};  ///< What it cost, in units of the gas asset.
    base::Timestamp at;
};

/// The block that held it is not in the chain any more.
struct NoteUndone {
    std::uint64_t nonce{};
    Hash block_hash{};
    base::Timestamp at;
};

/// A block is final, and so are all before it. The host has told of all of ours in them before.
struct NoteFinal {
    std::uint64_t block{};
    std::uint64_t final_nonce{};  ///< Transactions of the key in it and before.
    base::Timestamp at;
};

/// What the market for blocks asks, and how far the lane may go along.
struct Review {
    Fees enough;                   ///< With less no block takes it soon.
    Fees offer;                    ///< What a new transaction offers.
    Fees max;                      ///< What is never exceeded.
    base::Duration patience{};     ///< So long a transaction waits before it offers more.
    base::Timestamp block_time{};  ///< Of the newest block, as its maker says.
    std::uint64_t cancel_gas{};    ///< What a transfer of nothing takes on this chain.
    base::Timestamp at;
};

/// Something is so wrong that the lane must stand still.
struct HaltLane {
    Halt reason{Halt::none};
    std::uint64_t nonce{};
    base::Timestamp at;
};

/// An operator lets it go on. The host has told of all of ours in final blocks before.
struct ResumeLane {
    std::uint64_t final_block{};  ///< The last one.
    std::uint64_t final_nonce{};  ///< Transactions of the key in it and before.
    std::string reason;
    base::Timestamp at;
};

using Command = std::variant<OpenLane, TakeIntent, NoteSigned, NoteSignerRefused, NoteIncluded,
                             NoteUndone, NoteFinal, Review, HaltLane, ResumeLane>;

}  // namespace crossclear::ledger::signing
