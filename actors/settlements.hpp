#pragma once

#include "actors/context.hpp"
#include "actors/routed_messages.hpp"

#include <optional>

namespace crossclear::actors {

/// What an account is told about a position in a contract on each cycle: its variation at the mark,
/// or its end where the house has fixed the last price. Nothing while there is neither.
[[nodiscard]] std::optional<AccountOrder> settlement_of(const Context& context, base::AccountId of,
                                                        base::AssetId contract,
                                                        const risk::Surface* surface);

}  // namespace crossclear::actors
