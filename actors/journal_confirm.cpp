// How a partition's owner makes sure, for those who read, that it is the owner still.
#include "actors/chrono.hpp"
#include "actors/journal_actor.hpp"
#include "actors/refusals.hpp"

namespace crossclear::actors {

namespace journal = ledger::journal;

void JournalHost::on_confirm_read(ConfirmRead& read) {
    if (phase_ == Phase::ended) return;  // Its sender is being dropped as well.
    const auto from = read.from;
    const auto number = read.number;
    if (!confirms_.add(std::move(read), context_->now())) {
        send(from, ReadConfirmed{number, overloaded("too many reads wait for the journal: retry")});
        return;
    }
    confirm_fence();
}

void JournalHost::confirm_fence() {
    // While a record flies the next one may do, and one that is gathered does; if none follows, the
    // journal is asked then. An owner that takes over from itself ends with a record.
    const bool is_record_near = is_flying_ || is_gathering_;
    if (phase_ != Phase::running || is_record_near || !confirms_.wants_call()) return;
    confirms_.begin_call();
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->confirm(partition_, fence_,
                               [self, fence = fence_](journal::ConfirmOutcome outcome) {
                                   caf::anon_send(self, ConfirmDone{fence, std::move(outcome)});
                               });
}

void JournalHost::on_confirm_done(const ConfirmDone& message) {
    if (phase_ == Phase::ended) return;
    // Before it serves, an owner asks for itself alone.
    if (phase_ == Phase::reading) return on_ahead_confirmed(message.outcome);
    if (std::holds_alternative<journal::Confirmed>(message.outcome)) {
        if (!is_flying_) trouble_.clear();
        answer_reads(confirms_.call_confirmed());
        return confirm_fence();
    }
    confirms_.call_failed();
    if (const auto* fenced = std::get_if<journal::Fenced>(&message.outcome)) {
        if (end_if_replaced(message.fence, *fenced)) return;
    } else if (const auto* unknown = std::get_if<journal::Unknown>(&message.outcome)) {
        on_trouble("Whether reads may be answered is in doubt.", unknown->reason);
    } else if (const auto* declined = std::get_if<journal::Declined>(&message.outcome)) {
        on_trouble("The journal declines to confirm its owner.", declined->reason);
    }
    delayed_send(this, as_chrono(context_->options.append_retry), ConfirmRetry{});
}

// The fence that was refused may be one that this owner has replaced itself, and an epoch below it
// belongs to an instance that was not there when it was promised.
bool JournalHost::end_if_replaced(const journal::Fence& fence, const journal::Fenced& by) {
    const bool is_rival = fence == fence_ && by.epoch >= fence_.epoch;
    if (phase_ != Phase::running || !is_rival) return false;
    end(false, "epoch " + std::to_string(by.epoch) + " owns the partition");
    return true;
}

void JournalHost::answer_reads(const std::vector<ConfirmRead>& reads) {
    for (const auto& read : reads) send(read.from, ReadConfirmed{read.number, std::nullopt});
}

void JournalHost::refuse_overdue_reads() {
    const auto overdue = confirms_.overdue(context_->options.read_wait, context_->now());
    if (overdue.empty()) return;
    const auto refusal = journal_unavailable(context_->journal->trouble());
    for (const auto& read : overdue) send(read.from, ReadConfirmed{read.number, refusal});
}

}  // namespace crossclear::actors
