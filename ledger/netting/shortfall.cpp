#include "ledger/netting/shortfall.hpp"

#include "ledger/netting/machine.hpp"
#include "ledger/netting/reserved.hpp"

namespace crossclear::ledger::netting {

using base::Amount;

Remedies look(const State& state, const Shortfall& shortfall, const Means& means) {
    if (!means.is_current) return {};
    const Amount reserved = reserved_at(state, shortfall.shard, shortfall.asset);
    const Amount kept = base::must_add(reserved, leaving(state, shortfall.shard, shortfall.asset));
    const Amount spare = base::must_subtract(means.on_shard, kept);
    const auto loss = base::add(shortfall.missing, shortfall.suspended);
    const auto promises = promised(state, means.cover);
    const auto left = loss ? base::subtract(means.cover.backing, *loss) : loss;
    return {.is_bookable = shortfall.missing <= spare,
            .is_bearable = promises && left && *promises <= *left && *loss <= means.capital};
}

}  // namespace crossclear::ledger::netting
