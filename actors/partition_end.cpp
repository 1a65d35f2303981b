// How a partition ends on this node: handed over, lost to another owner, or found broken.
#include "actors/chrono.hpp"
#include "actors/partition_actor.hpp"
#include "actors/refusals.hpp"

namespace crossclear::actors {
namespace {

// What is under way may take this long to become durable before a partition is handed over. It is
// unknown to its clients then, and they ask the new owner.
constexpr base::Duration leave_look = base::milliseconds(5);
constexpr int leave_looks_max = 100;

}  // namespace

void PartitionHost::on_lost(const PartitionLost& lost) {
    if (end_) return;
    end_ = PartitionEnded{.is_broken = lost.is_broken, .is_stopping = lost.is_stopping};
    if (!lost.is_stopping) {
        context_->log(LogLevel::error,
                      lost.is_broken ? "A partition is stopped: its journal or books are not whole."
                                     : "A partition belongs to another owner now.",
                      {{"partition", std::to_string(partition_.v)}, {"why", lost.why}});
    }
    if (is_running_) context_->instruments->cluster.partitions_owned.add(-1);
    context_->instruments->settlement.settlements_in_flight.with({std::to_string(partition_.v)})
        .set(0);
    context_->instruments->cluster.ownership_changes_total.increment();
    status().phase.store(
        lost.is_broken ? PartitionStatus::Phase::broken : PartitionStatus::Phase::lost,
        std::memory_order_relaxed);
    drop_everything();
}

void PartitionHost::on_leave() {
    if (is_leaving_ || end_) return;
    is_leaving_ = true;
    let_go_when_durable(leave_looks_max);
}

void PartitionHost::let_go_when_durable(int looks_left) {
    if (end_) return;
    if (looks_left > 0 && is_running_ && status().queued.load(std::memory_order_relaxed) > 0) {
        run_delayed(as_chrono(leave_look),
                    [this, looks_left] { let_go_when_durable(looks_left - 1); });
        return;
    }
    context_->log(LogLevel::info, "A partition is handed over.",
                  {{"partition", std::to_string(partition_.v)}});
    on_lost({.is_broken = false, .is_stopping = true, .why = {}});
}

// Nothing was decided about what still waited for its account.
void PartitionHost::refuse_waiting() {
    const auto refuse = [this](auto& waiting) {
        for (auto& news : waiting) {
            const auto* ask = std::get_if<AccountAsk>(&news);
            if (ask == nullptr) continue;
            auto refusal = refusal_of_dropped(*context_, partition_);
            send(ask->from, AnswerReady{.ticket = ask->ticket, .answer = std::move(refusal)});
        }
    };
    for (auto& [account, active] : active_) refuse(active.waiting);
    for (auto& [entity, waiting] : waking_) refuse(waiting);
}

void PartitionHost::drop_everything() {
    is_running_ = false;
    refuse_waiting();
    const auto kill = [this](const auto& actor) { send_exit(actor, caf::exit_reason::kill); };
    for (const auto& [account, active] : active_) kill(active.actor);
    for (const auto& [entity, host] : home_) kill(host);
    for (const auto& [key, lane] : lanes_) kill(lane);
    kill(journal_);
    journal_ = nullptr;  // It holds us as well.
    snapshots_ = nullptr;
    active_.clear();
    waking_.clear();
    home_.clear();
    lanes_.clear();
    to_wake_.clear();
    to_tell_.clear();
    to_publish_.clear();
    follows_.clear();
    early_.clear();
}

}  // namespace crossclear::actors
