#include "ledger/withdrawal/machine.hpp"

#include "ledger/proposal.hpp"

#include <utility>

namespace crossclear::ledger::withdrawal {
namespace {

using base::Failure;

// The one event of a decision.
Decision decided(const State& state, Event event) {
    Proposal<State, Event> proposal{state};
    proposal.add(std::move(event));
    return std::move(proposal).done();
}

Decision nothing_new() { return std::vector<Event>{}; }

bool asks_the_same(const WithdrawalQueued& terms, const StartWithdrawal& command) {
    return terms.account == command.account && terms.number == command.number &&
           terms.asset == command.asset && terms.amount == command.amount &&
           terms.shard == command.shard && terms.destination == command.destination;
}

void applied(State& state, const WithdrawalQueued& event) {
    CHECK(state.phase == Phase::unstarted, "a withdrawal starts once");
    state.phase = Phase::queued;
    state.terms = event;
}

void applied(State& state, const WithdrawalApproved&) {
    CHECK(state.phase == Phase::queued, "only a waiting withdrawal is approved");
    state.phase = Phase::approved;
}

void applied(State& state, const WithdrawalCompleted& event) {
    CHECK(state.phase == Phase::approved, "only an approved withdrawal is paid");
    state.phase = Phase::completed;
    state.block = event.block;
}

void applied(State& state, const WithdrawalDropped& event) {
    CHECK(state.phase == Phase::queued || state.phase == Phase::approved, "a withdrawal ends once");
    state.phase = Phase::dropped;
    state.reason = event.reason;
}

void applied(State& state, const EndAcknowledged&) {
    CHECK(state.phase == Phase::completed || state.phase == Phase::dropped,
          "an end is acknowledged after it");
    CHECK(!state.is_acknowledged, "an end is acknowledged once");
    state.is_acknowledged = true;
}

std::vector<Effect> asked_by(const State& after, const WithdrawalQueued&) {
    return {ReviewAt{.at = after.terms.not_before}};
}

std::vector<Effect> asked_by(const State& after, const WithdrawalApproved&) {
    const WithdrawalQueued& terms = after.terms;
    return {OpenInstruction{.instruction = instruction_of(after),
                            .withdrawal = after.id,
                            .asset = terms.asset,
                            .amount = terms.amount,
                            .shard = terms.shard,
                            .destination = terms.destination}};
}

std::vector<Effect> asked_by(const State& after, const WithdrawalCompleted& event) {
    return {TellPaid{
        .account = after.terms.account, .number = after.terms.number, .block = event.block}};
}

std::vector<Effect> asked_by(const State& after, const WithdrawalDropped& event) {
    return {TellDropped{
        .account = after.terms.account, .number = after.terms.number, .reason = event.reason}};
}

std::vector<Effect> asked_by(const State&, const EndAcknowledged&) { return {}; }

}  // namespace

Decision decide(const State& state, const StartWithdrawal& command) {
    if (state.phase != Phase::unstarted) {
        if (asks_the_same(state.terms, command)) return nothing_new();
        return Failure{Reject::started_differently};
    }
    if (state.id.id != command.account.v || state.id.sub != command.number) {
        return Failure{Reject::identity_must_match};
    }
    if (command.amount.v <= 0) return Failure{Reject::amount_must_be_positive};
    if (command.destination.empty()) return Failure{Reject::destination_is_missing};

    return decided(state, WithdrawalQueued{.account = command.account,
                                           .number = command.number,
                                           .asset = command.asset,
                                           .amount = command.amount,
                                           .shard = command.shard,
                                           .destination = command.destination,
                                           .not_before = command.not_before,
                                           .at = command.at});
}

Decision decide(const State& state, const Review& command) {
    if (state.phase == Phase::unstarted) return Failure{Reject::withdrawal_is_not_started};
    if (state.phase != Phase::queued) return nothing_new();
    if (command.now < state.terms.not_before) return Failure{Reject::not_yet_due};
    if (!command.is_gate_open) return Failure{Reject::gate_is_closed};
    if (!command.is_covered) return Failure{Reject::not_covered};

    return decided(state, WithdrawalApproved{.at = command.now});
}

Decision decide(const State& state, const NoteInstruction& command) {
    const Phase told = command.is_settled ? Phase::completed : Phase::dropped;
    switch (state.phase) {
        case Phase::unstarted:
            return Failure{Reject::withdrawal_is_not_started};
        case Phase::queued:
            return Failure{Reject::instruction_was_not_asked_for};
        case Phase::completed:
        case Phase::dropped:
            if (state.phase == told) return nothing_new();
            return Failure{Reject::ended_differently};
        case Phase::approved:
            break;
    }
    if (command.is_settled) {
        return decided(state, WithdrawalCompleted{.block = command.block, .at = command.at});
    }
    return decided(state, WithdrawalDropped{.reason = command.reason, .at = command.at});
}

Decision decide(const State& state, const CancelWithdrawal& command) {
    switch (state.phase) {
        case Phase::unstarted:
            return Failure{Reject::withdrawal_is_not_started};
        case Phase::approved:
            return Failure{Reject::already_approved};
        case Phase::completed:
            return Failure{Reject::already_ended};
        case Phase::dropped:
            return nothing_new();
        case Phase::queued:
            break;
    }
    return decided(state, WithdrawalDropped{.reason = ShardRefusal::none, .at = command.at});
}

Decision decide(const State& state, const AcknowledgeEnd&) {
    if (state.phase == Phase::unstarted) return Failure{Reject::withdrawal_is_not_started};
    if (state.phase == Phase::queued || state.phase == Phase::approved) {
        return Failure{Reject::not_ended_yet};
    }
    if (state.is_acknowledged) return nothing_new();
    return decided(state, EndAcknowledged{});
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&state](const auto& each) { return decide(state, each); }, command);
}

void apply(State& state, const Event& event) {
    std::visit([&state](const auto& each) { applied(state, each); }, event);
}

std::vector<Effect> effects_of(const State& after, const Event& event) {
    return std::visit([&after](const auto& each) { return asked_by(after, each); }, event);
}

std::vector<Effect> outstanding(const State& state) {
    if (state.is_acknowledged) return {};
    switch (state.phase) {
        case Phase::unstarted:
            return {};
        case Phase::queued:
            return asked_by(state, state.terms);
        case Phase::approved:
            return asked_by(state, WithdrawalApproved{});
        case Phase::completed:
            return asked_by(state, WithdrawalCompleted{.block = state.block, .at = {}});
        case Phase::dropped:
            return asked_by(state, WithdrawalDropped{.reason = state.reason, .at = {}});
    }
    UNREACHABLE("an unlisted phase");
}

std::optional<std::string> check_invariants(const State& state) {
    const bool has_ended = state.phase == Phase::completed || state.phase == Phase::dropped;
    if (state.is_acknowledged && !has_ended) return "an end is acknowledged that there is not";
    if (state.phase == Phase::unstarted) return std::nullopt;
    if (state.terms.amount.v <= 0) return "a withdrawal is of a positive amount";
    if (state.terms.account.v != state.id.id || state.terms.number != state.id.sub) {
        return "a withdrawal is known by its account and number";
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::withdrawal
