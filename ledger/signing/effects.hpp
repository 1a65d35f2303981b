#pragma once

#include "ledger/signing/events.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What the world owes a signing lane's events.

namespace crossclear::ledger::signing {

/// Have this transaction signed. Asked again after a restart: a second signature over the same
/// fields is no second effect, and none was sent.
struct Sign {
    std::uint64_t nonce{};
    std::uint32_t number{};
    std::uint64_t chain_id{};
    Address to{};
    std::string data;
    std::uint64_t gas_limit{};
    Fees fees;
    friend bool operator==(const Sign&, const Sign&) = default;
};

/// Hand these bytes to the chain, until a block holds them or others took their place.
struct Broadcast {
    std::uint64_t nonce{};
    std::uint32_t number{};
    Hash hash{};
    std::string raw;
    friend bool operator==(const Broadcast&, const Broadcast&) = default;
};

using Effect = std::variant<Sign, Broadcast>;

}  // namespace crossclear::ledger::signing
