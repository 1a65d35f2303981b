#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What became true of one withdrawal. The money is booked by the account and the instruction.

namespace crossclear::ledger::withdrawal {

/// The broker has taken a held withdrawal on; it waits for its delay.
struct WithdrawalQueued {
    base::AccountId account;
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp not_before;
    base::Timestamp at;
    friend bool operator==(const WithdrawalQueued&, const WithdrawalQueued&) = default;
};

/// May be sent: cover and gate held once more at this moment. Its instruction has the withdrawal's
/// own account and number as identity, so that it can only be opened once.
struct WithdrawalApproved {
    base::Timestamp at;
    friend bool operator==(const WithdrawalApproved&, const WithdrawalApproved&) = default;
};

/// Its payment is final on the shard.
struct WithdrawalCompleted {
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const WithdrawalCompleted&, const WithdrawalCompleted&) = default;
};

/// Will not be paid: the shard refused for good, or it was cancelled before it was sent.
struct WithdrawalDropped {
    ShardRefusal reason{ShardRefusal::none};  ///< none: cancelled.
    base::Timestamp at;
    friend bool operator==(const WithdrawalDropped&, const WithdrawalDropped&) = default;
};

/// The account has booked the end.
struct EndAcknowledged {
    friend bool operator==(const EndAcknowledged&, const EndAcknowledged&) = default;
};

using Event = std::variant<WithdrawalQueued, WithdrawalApproved, WithdrawalCompleted,
                           WithdrawalDropped, EndAcknowledged>;

}  // namespace crossclear::ledger::withdrawal
