#include "ledger/netting/shortfall.hpp"

#include "base/wide.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/netting/reserved.hpp"

namespace crossclear::ledger::netting {

using base::Amount;

Remedies look(const State& state, const Shortfall& shortfall, const Means& means) {
    if (!means.is_current) return {};
    const Amount kept = reserved_at(state, shortfall.shard, shortfall.asset);
    const auto loss = base::add(shortfall.missing, shortfall.suspended);
    const auto promises = promised(state, means.cover);
    const auto left = loss ? base::subtract(means.cover.backing, *loss) : loss;
    return {.is_bookable = shortfall.missing.v <= base::Wide{means.on_shard.v} - kept.v,
            .is_bearable = promises && left && *promises <= *left && *loss <= means.capital};
}

Decision decide(const State&, const BearLoss& command) {
    const auto part = [](Amount wanted, Amount there) {
        return std::clamp(wanted, Amount{0}, std::max(there, Amount{0}));
    };
    const Amount from_capital = part(command.loss, command.capital);
    const Amount from_insurance =
        part(base::must_subtract(command.loss, from_capital), command.insurance);
    if (from_capital == Amount{0} && from_insurance == Amount{0}) return std::vector<Event>{};
    return std::vector<Event>{LossBorne{.asset = command.asset,
                                        .from_capital = from_capital,
                                        .from_insurance = from_insurance,
                                        .at = command.at}};
}

}  // namespace crossclear::ledger::netting
