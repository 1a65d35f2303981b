#pragma once

#include "actors/gateway.hpp"
#include "ledger/hedge/state.hpp"

namespace crossclear::actors {

/// What may be published of a task: its hash while it works, all of its schedule once it has ended.
/// **Requires:** it is planned.
[[nodiscard]] HedgeNews hedge_news(const ledger::hedge::State& task);

}  // namespace crossclear::actors
