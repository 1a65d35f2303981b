#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/account/state.hpp"

#include <cstdint>

/// An account's state as clients see it.

namespace crossclear::actors {

/// Balances with the current margin; and positions at current marks, worth 0 where one is missing.
[[nodiscard]] AccountView account_view(const Context& context, const ledger::account::State& state);
[[nodiscard]] PositionsView positions_view(const Context& context,
                                           const ledger::account::State& state);
/// The current margin, zero where a mark is missing.
[[nodiscard]] MarginView margin_view_of(const Context& context,
                                        const ledger::account::State& state);
/// One trade. **Requires:** it is remembered.
[[nodiscard]] TradeView trade_view(const ledger::account::State& state, std::uint64_t number);
/// Trades in one answer, at most.
inline constexpr std::uint32_t trades_page_max = 100;

/// The latest `count` trades before `before` (0: from the newest), newest first.
[[nodiscard]] TradesView trades_view(const ledger::account::State& state, std::uint64_t before,
                                     std::uint32_t count);
/// Those that are under way, and transfers as far as they are remembered.
[[nodiscard]] WithdrawalsView withdrawals_view(const ledger::account::State& state);
[[nodiscard]] TransfersView transfers_view(const ledger::account::State& state);

/// A machine's refusal as the wire tells it.
[[nodiscard]] Refusal refusal_of(ledger::account::Reject reject);

}  // namespace crossclear::actors
