#pragma once

#include "base/command_id.hpp"
#include "ledger/account/effects.hpp"
#include "ledger/account/events.hpp"
#include "ledger/account/state.hpp"

#include <vector>

/// How events become true, as far as several files share it. Inside this machine only.

namespace crossclear::ledger::account {

/// Keeps the first answer. Beyond the maximum the smallest id makes room, and ids up to it are too
/// old from then on: at most once, for ever, in bounded memory.
void remember(State& state, base::CommandId cause, const Answer& answer);

/// Moves an amount between two balances that no claim stands behind.
void book(State& state, const BalanceChange& change);

/// Books one asset's change: down takes from the oldest claims, up appends `claim`.
void book(State& state, const BalanceChange& change, Claim claim, base::Timestamp at);

/// A position as it is now; one without quantity has no funding, and without value is forgotten.
void set_contract(State& state, base::AssetId id, Contract contract);

/// Makes what became of a contract true. **Requires:** that it was decided on this state.
void apply_one(State& state, const VariationSettled& settled);
void apply_one(State& state, const ContractExpired& expired);
void apply_one(State& state, const FundingSettled& settled);

/// Makes true that collateral was taken. **Requires:** that it was decided on this state.
void apply_one(State& state, const CollateralTaken& taken);

/// What a matched trade that was cleared leaves of its reservation: nothing.
void close_reservation(State& state, const TradeNovated& novated);

/// Makes an event of a matched trade true. **Requires:** that it was decided on this state.
void apply_one(State& state, const MatchReserved& reserved);
void apply_one(State& state, const MatchAborted& aborted);
void apply_one(State& state, const MatchEnded& ended);
void apply_one(State& state, const MatchAccepted& accepted);
void apply_one(State& state, const MatchDeclined& declined);
void apply_one(State& state, const MatchReleased& released);

/// What such an event asks of the other account; `after` is the state with it applied.
std::vector<Effect> effects(const State& after, const TradeNovated& novated);
std::vector<Effect> effects(const State& after, const MatchReserved& reserved);
std::vector<Effect> effects(const State& after, const MatchAborted& aborted);
std::vector<Effect> effects(const State& after, const MatchEnded& ended);
std::vector<Effect> effects(const State& after, const MatchAccepted& accepted);
std::vector<Effect> effects(const State& after, const MatchDeclined& declined);
std::vector<Effect> effects(const State& after, const MatchReleased& released);

}  // namespace crossclear::ledger::account
