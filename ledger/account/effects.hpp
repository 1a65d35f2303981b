#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What the world owes an account's events.

namespace crossclear::ledger::account {

/// Asks the home partition to carry out a withdrawal. Repeats are dropped there by account and
/// number; asked again after a restart until it is paid or returned.
struct StartWithdrawal {
    base::AccountId account;
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp held_at;

    friend bool operator==(const StartWithdrawal&, const StartWithdrawal&) = default;
};

/// Asks the withdrawal machine to take a withdrawal back; repeated until it has said what came of
/// it.
struct StopWithdrawal {
    base::AccountId account;
    std::uint32_t number{};

    friend bool operator==(const StopWithdrawal&, const StopWithdrawal&) = default;
};

/// Asks the receiver of a transfer to take it. Repeats are dropped there by sender and number;
/// repeated until its end is known. Of several to one receiver the oldest alone is asked for: so
/// the receiver has to remember the latest number of each sender, and nothing more.
struct DeliverTransfer {
    base::AccountId from;
    base::AccountId to;
    std::uint64_t number{};
    base::AssetId asset;
    base::Amount amount;

    friend bool operator==(const DeliverTransfer&, const DeliverTransfer&) = default;
};

/// Asks the seller of a matched trade to reserve its side. Like a transfer: one at a time to each
/// seller, repeated until its answer is known or is not waited for any more.
struct ProposeMatch {
    base::AccountId buyer;
    base::AccountId seller;
    std::uint64_t number{};
    base::CommandId cause;
    base::InstrumentId instrument;
    base::Amount quantity;
    base::Price price;

    friend bool operator==(const ProposeMatch&, const ProposeMatch&) = default;
};

/// Tells the seller of a matched trade what was decided; repeated until it has done so.
struct TellMatch {
    base::AccountId buyer;
    base::AccountId seller;
    std::uint64_t number{};
    bool is_committed{};

    friend bool operator==(const TellMatch&, const TellMatch&) = default;
};

using Effect =
    std::variant<StartWithdrawal, StopWithdrawal, DeliverTransfer, ProposeMatch, TellMatch>;

}  // namespace crossclear::ledger::account
