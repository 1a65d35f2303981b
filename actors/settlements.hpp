#pragma once

#include "actors/context.hpp"
#include "actors/routed_messages.hpp"
#include "ledger/account/state.hpp"

#include <optional>
#include <vector>

namespace crossclear::actors {

/// What an account is told about a position in a contract on each cycle: its variation at the mark,
/// or its end where the house has fixed the last price. Nothing while there is neither.
[[nodiscard]] std::optional<AccountOrder> settlement_of(const Context& context, base::AccountId of,
                                                        base::AssetId contract,
                                                        const risk::Surface* surface);

/// What an account's positions in perpetuals are to settle of their funding before anything else is
/// done with them: those whose index has moved since, or who have not heard of one yet.
[[nodiscard]] std::vector<ledger::account::SettleFunding> funding_of(
    const Context& context, const ledger::account::State& state, const risk::Surface& surface,
    base::Timestamp now);

}  // namespace crossclear::actors
