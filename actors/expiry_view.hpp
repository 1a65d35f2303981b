#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// How contracts end, for operators. Part of gateway.hpp.

namespace crossclear::actors {

/// Scope operate, each of them. The contracts that end, of every broker. Answer: ExpiriesView.
struct GetExpiries {};
/// What the last price of a contract shall be, for every broker. Answer: ExpiriesView of that
/// contract.
struct ProposePrice {
    base::CommandId id;
    base::InstrumentId instrument;
    base::Price price;  ///< In the settlement token.
    base::Timestamp received_at;
};
/// What was proposed is wrong. Answer: ExpiriesView of that contract.
struct DisputePrice {
    base::CommandId id;
    base::InstrumentId instrument;
    std::string reason;
    base::Timestamp received_at;
};

/// One contract at one broker.
struct ExpiryLine {
    base::BrokerId broker{};
    base::InstrumentId instrument{};
    std::string state;  ///< trading, waiting, proposed, mismatched, disputed, fixed.
    base::Timestamp expires_at{};
    base::Price price{};           ///< Proposed, disputed or fixed; else zero.
    base::Timestamp fixed_from{};  ///< Unless it is disputed by then; zero before a proposal.
    base::Timestamp since{};       ///< Of a proposal, dispute or the end; else zero.
    std::int32_t refused_code{};   ///< Of a command that this broker refused; 0: none.
    std::string refused{};         ///< Why,
    std::string hint{};            ///< and what was expected.
};
/// By instrument and broker.
struct ExpiriesView {
    std::vector<ExpiryLine> expiries;
};

}  // namespace crossclear::actors
