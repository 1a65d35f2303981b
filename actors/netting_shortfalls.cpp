// Tokens that a shard has lost, and what the house can do about them.
#include "actors/netting_actor.hpp"

#include <algorithm>

namespace crossclear::actors {

// Between this answer and the reconciler's word nothing is promised: a task that was opened on
// tokens which are being written off would overdraw the shard.
void NettingHost::answer_shortfall() {
    if (shortfalls_.empty() || !is_at_rest()) return;
    const auto& [reconciler, shortfall] = shortfalls_.front();
    const auto remedies = ledger::netting::look(crank_.state(), shortfall, means_for(shortfall));
    is_booking_ = true;
    send(parts_.home, ToHome{reconciler, ShortfallAnswer{remedies}});
}

void NettingHost::on_shortfall_done(const ShortfallDone& booked) {
    if (shortfalls_.empty() || shortfalls_.front().reconciler != booked.reconciler) return;
    shortfalls_.pop_front();
    is_booking_ = false;
    needed_sequence_ = std::max(needed_sequence_, booked.sequence);
    answer_reviews();
    answer_shortfall();
}

ledger::netting::Means NettingHost::means_for(const ledger::netting::Shortfall& shortfall) const {
    ledger::netting::Means means{
        .on_shard = on_shard(shortfall.shard, shortfall.asset),
        .capital = total(shortfall.asset, &PartitionReport::AssetLine::capital),
        .cover = {},
        .is_current = true};
    means.cover.asset = shortfall.asset;
    for (auto& line : cover_lines()) {
        if (line.asset == shortfall.asset) means.cover = std::move(line);
    }
    return means;
}

}  // namespace crossclear::actors
