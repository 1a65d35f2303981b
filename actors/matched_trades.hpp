#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>

/// The gateway's words about give-ups: trades that a venue has matched.

namespace crossclear::actors {

/// Scope venue, on both accounts. Clears the trade on both or on neither. Answer:
/// MatchedTradeCleared, once that is certain.
struct SubmitMatchedTrade {
    base::AccountId account;  ///< The buyer.
    base::AccountId seller;
    base::CommandId id;
    base::InstrumentId instrument;
    base::Amount quantity;  ///< Positive.
    base::Price price;
    base::Timestamp received_at;
};
/// The broker is the counterparty of both; durable on both sides.
struct MatchedTradeCleared {
    base::AccountId buyer;
    std::uint64_t buyer_number{};
    base::AccountId seller;
    std::uint64_t seller_number{};
    base::Price price;
    std::uint64_t sequence{};  ///< Of the buyer's account.
    bool is_repeat{};
};

}  // namespace crossclear::actors
