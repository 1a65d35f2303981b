#include "ledger/withdrawal/gate.hpp"

namespace crossclear::ledger::withdrawal {
namespace {

using base::Amount;

constexpr base::Duration window = base::seconds(3'600);

}  // namespace

Findings look(const Gate& gate, const Departure& departure, const Standing& standing,
              base::Ppm hour_max, base::Timestamp now) {
    Amount leaving = departure.amount;
    for (const auto& outflow : gate.outflows) {
        if (outflow.asset != departure.asset || now - outflow.at > window) continue;
        leaving = base::must_add(leaving, outflow.amount);
    }
    Amount promised = departure.amount;
    for (const auto& [entity, other] : gate.approved) {
        if (entity == departure.withdrawal) continue;
        if (other.asset != departure.asset || other.shard != departure.shard) continue;
        promised = base::must_add(promised, other.amount);
    }
    const auto allowed = base::portion(standing.holdings, hour_max, base::Rounding::down);
    return Findings{
        .is_gate_open = allowed && leaving <= *allowed && standing.suspended <= Amount{0},
        .is_covered = standing.is_current && promised <= standing.on_shard};
}

void let_through(Gate& gate, const Departure& departure, base::Timestamp now) {
    while (!gate.outflows.empty() && now - gate.outflows.front().at > window) {
        gate.outflows.pop_front();
    }
    if (!gate.approved.emplace(departure.withdrawal, departure).second) return;
    gate.outflows.push_back({now, departure.asset, departure.amount});
}

Amount leaving(const Gate& gate, base::ShardId shard, base::AssetId asset) {
    Amount sum;
    for (const auto& [entity, departure] : gate.approved) {
        if (departure.asset != asset || departure.shard != shard) continue;
        sum = base::must_add(sum, departure.amount);
    }
    return sum;
}

void forget(Gate& gate, const base::EntityId& withdrawal) { gate.approved.erase(withdrawal); }

}  // namespace crossclear::ledger::withdrawal
