// What a partition does about claims that nothing covers.
#include "actors/chrono.hpp"
#include "actors/journal_actor.hpp"

namespace crossclear::actors {
namespace {

// How often overdue claims are looked for; an account that has been asked has answered by then.
constexpr base::Duration look_every = base::seconds(1);

}  // namespace

// A claim becomes overdue by time alone: netting has to hear of it although nothing was written.
// Those that nothing has covered for longer than the broker allows are paid at the mark.
void JournalHost::look_at_overdue() {
    const auto now = context_->now();
    if (!has_passed(look_every, overdue_looked_at_, now)) return;
    overdue_looked_at_ = now;
    for (const auto& [of, queue] : book_.claims) {
        const auto first = ledger::first_deadline(queue);
        if (!first || *first > now) continue;
        changed_.insert(of.broker);
        const auto& broker = context_->broker(of.broker);
        const auto instrument = context_->listing.instrument_of(of.asset);
        const auto surface = broker.surface.load();
        if (!instrument || surface == nullptr) continue;
        const auto mark = surface->instrument_mark(*instrument);
        if (!mark || !surface->is_instrument_fresh(*instrument, now)) continue;
        const auto settlement = context_->listing.instrument(*instrument).settlement;
        const auto due_by = now - broker.profile.cash_settle_after;
        for (const auto account : ledger::overdue_at(queue, due_by).accounts) {
            send(owner_,
                 AccountOrder{.account = account,
                              .command =
                                  ledger::account::CashSettleClaims{
                                      .asset = of.asset,
                                      .settlement = settlement,
                                      .mark = *mark,
                                      .asset_scale = context_->listing.asset(of.asset).scale,
                                      .settlement_scale = context_->listing.asset(settlement).scale,
                                      .due_by = due_by,
                                      .at = now},
                              .acknowledge = {}});
        }
    }
}

}  // namespace crossclear::actors
