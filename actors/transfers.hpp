#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The gateway's words about transfers between accounts of one broker.

namespace crossclear::actors {

/// Scope withdraw, on the account that gives. Answer: TransferTaken.
struct Transfer {
    base::AccountId account;
    base::CommandId id;
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp received_at;
};
/// What the account gave: what is on its way, and the latest that ended. Scope viewer.
struct GetTransfers {
    base::AccountId account;
};
/// Tokens have left for another account; durable. They arrive later, or come back.
struct TransferTaken {
    std::uint64_t number{};
    std::uint64_t sequence{};
    bool is_repeat{};
};
/// One transfer, as its sender sees it.
struct TransferView {
    std::uint64_t number{};
    base::AccountId to;
    base::AssetId asset;
    base::Amount amount;
    std::string state;   ///< pending, delivered, returned.
    std::string reason;  ///< Why it was returned; otherwise empty.
    base::Timestamp at;
    base::Timestamp ended_at;  ///< Zero until then.
};
/// Newest first.
struct TransfersView {
    std::uint64_t sequence{};
    std::vector<TransferView> transfers;
};

}  // namespace crossclear::actors
