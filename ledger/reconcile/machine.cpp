#include "ledger/reconcile/machine.hpp"

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ledger/belief.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace crossclear::ledger::reconcile {
namespace {

using base::Amount;
using base::Failure;

// Events of one decision, each proposed on the state that those before it lead to.
class Proposal {
public:
    explicit Proposal(const State& state) : state_(state) {}

    void add(Event event) {
        reconcile::apply(state_, event);  // Qualified: std::apply would fit better.
        events_.push_back(std::move(event));
    }

    [[nodiscard]] const State& state() const { return state_; }

    // No event that breaks an invariant is ever written.
    [[nodiscard]] Decision done() && {
        CHECK(!check_invariants(state_), "a decision keeps the invariants of its reconciler");
        return std::move(events_);
    }

private:
    State state_;
    std::vector<Event> events_;
};

// The difference to report: the first of held, posted and position that went missing, else the
// first that differs, else zero. Nothing where one does not fit.
std::optional<Amount> difference_of(const Line& line) {
    const std::array<base::Math<Amount>, 3> differences = {
        base::subtract(line.shard_held, line.book_held),
        base::subtract(line.shard_posted, line.book_posted),
        base::subtract(line.shard_position, line.book_position),
    };
    Amount reported;
    for (const auto& difference : differences) {
        // What is missing is told as a loss, so the difference must have a negative as well.
        if (!difference || !base::negate(*difference)) return std::nullopt;
        if (reported.v == 0) reported = *difference;
        if (reported.v > 0 && difference->v < 0) reported = *difference;
    }
    return reported;
}

BreakKind kind_of(const Line& line, Amount difference) {
    switch (line.explanation) {
        case Explanation::orders:
            return BreakKind::timing;
        case Explanation::late_orders:
            return BreakKind::missing_receipt;
        case Explanation::none:
            return difference.v > 0 ? BreakKind::unknown_inflow : BreakKind::unexplained_outflow;
    }
    UNREACHABLE("an unlisted explanation");
}

std::optional<Reject> fault_of(const Compare& command) {
    std::set<base::AssetId> listed;
    for (const Line& line : command.lines) {
        if (!listed.insert(line.asset).second) return Reject::asset_listed_twice;
    }
    return std::nullopt;
}

bool is_credible(const Line& line) {
    return ledger::is_credible(line.shard_held) && ledger::is_credible(line.shard_posted) &&
           ledger::is_credible(line.shard_position) && difference_of(line).has_value();
}

// An unexplained outflow stays one: that stops the lane as well.
void distrust(Proposal& proposal, const Distrust& command) {
    const auto known = proposal.state().breaks.find(command.asset);
    if (known == proposal.state().breaks.end()) {
        proposal.add(BreakOpened{.asset = command.asset,
                                 .kind = BreakKind::incredible,
                                 .difference = Amount{0},
                                 .block = proposal.state().block,
                                 .at = command.at});
    } else if (!stops_lane(known->second.kind)) {
        proposal.add(BreakChanged{.asset = command.asset,
                                  .kind = BreakKind::incredible,
                                  .difference = known->second.difference,
                                  .block = proposal.state().block,
                                  .at = command.at});
    }
    if (!proposal.state().is_lane_frozen) {
        proposal.add(LaneFrozen{.asset = command.asset, .at = command.at});
    }
}

// An asset without a break so far.
void compare_agreed(Proposal& proposal, const Line& line, const Compare& command) {
    const Amount difference = *difference_of(line);
    if (difference.v == 0) return;
    proposal.add(BreakOpened{.asset = line.asset,
                             .kind = kind_of(line, difference),
                             .difference = difference,
                             .block = command.block,
                             .at = command.at});
}

// An asset whose break is open: it closes, changes, or stays as it is.
void compare_broken(Proposal& proposal, const Line& line, const Compare& command) {
    const Break known = proposal.state().breaks.at(line.asset);
    const bool is_kept = stops_lane(known.kind);
    const Amount difference = *difference_of(line);
    if (difference.v == 0 && !is_kept) {
        proposal.add(BreakClosed{
            .asset = line.asset, .reason = {}, .block = command.block, .at = command.at});
        return;
    }
    const BreakKind kind = is_kept ? known.kind : kind_of(line, difference);
    if (known.kind == kind && known.difference == difference) return;
    proposal.add(BreakChanged{.asset = line.asset,
                              .kind = kind,
                              .difference = difference,
                              .block = command.block,
                              .at = command.at});
}

void compare_line(Proposal& proposal, const Line& line, const Compare& command) {
    if (!is_credible(line)) {
        return distrust(proposal, Distrust{.asset = line.asset, .at = command.at});
    }
    if (proposal.state().breaks.contains(line.asset)) {
        compare_broken(proposal, line, command);
    } else {
        compare_agreed(proposal, line, command);
    }
    const State& state = proposal.state();
    if (!state.is_lane_frozen && has_stopping_break(state)) {
        proposal.add(LaneFrozen{.asset = line.asset, .at = command.at});
    }
}

void applied(State& state, const Reconciled& event) {
    CHECK(event.block > state.block, "blocks are compared in their order");
    CHECK(event.breaks_open == state.breaks.size(), "a reconciliation counts its breaks");
    state.block = event.block;
}

void applied(State& state, const BreakOpened& event) {
    const bool is_new = state.breaks
                            .emplace(event.asset, Break{.kind = event.kind,
                                                        .difference = event.difference,
                                                        .opened_block = event.block,
                                                        .opened_at = event.at})
                            .second;
    CHECK(is_new, "an asset has one break at a time");
}

void applied(State& state, const BreakChanged& event) {
    const auto known = state.breaks.find(event.asset);
    CHECK(known != state.breaks.end(), "a break is open before it changes");
    known->second.kind = event.kind;
    known->second.difference = event.difference;
}

void applied(State& state, const BreakClosed& event) {
    CHECK(state.breaks.erase(event.asset) == 1, "a break is open before it closes");
}

void applied(State& state, const LaneFrozen&) {
    CHECK(!state.is_lane_frozen, "a lane is frozen once");
    state.is_lane_frozen = true;
    ++state.lane_words_count;
}

void applied(State& state, const LaneThawed&) {
    CHECK(state.is_lane_frozen, "a lane is frozen before it is thawed");
    state.is_lane_frozen = false;
}

void remember(State& state, base::CommandId cause, std::uint64_t body) {
    CHECK(state.answered.emplace(cause, body).second, "a command is answered once");
    while (state.answered.size() > base::limits::operator_commands_max) {
        const auto smallest = state.answered.begin();
        state.floor = std::max(state.floor, smallest->first);
        state.answered.erase(smallest);
    }
}

void applied(State& state, const BreakResolved& event) {
    remember(state, event.cause, event.body);
    const auto open = state.breaks.find(event.asset);
    if (open != state.breaks.end() && open->second.opened_block == event.block) {
        state.breaks.erase(open);
    }
    Suspended& suspended = state.suspended[event.asset];
    const Amount left = base::must_subtract(suspended.missing, event.booked);
    suspended.missing = base::must_subtract(left, event.borne);
    if (event.booked.v != 0) {
        suspended.block = event.block;
        suspended.at = event.at;
    }
    if (suspended.missing.v == 0) state.suspended.erase(event.asset);
}

void applied(State& state, const LanePauseSet& event) {
    remember(state, event.cause, event.body);
    state.is_lane_paused = event.is_paused;
    ++state.lane_words_count;
}

std::vector<Effect> lane_as_it_stands(const State& state) {
    return {SetLane{.is_frozen = state.is_lane_frozen, .is_paused = state.is_lane_paused}};
}

std::vector<Effect> asked_by(const State&, const Reconciled&) { return {}; }
std::vector<Effect> asked_by(const State&, const BreakOpened&) { return {}; }
std::vector<Effect> asked_by(const State&, const BreakChanged&) { return {}; }
std::vector<Effect> asked_by(const State&, const BreakClosed&) { return {}; }
std::vector<Effect> asked_by(const State&, const BreakResolved&) { return {}; }
std::vector<Effect> asked_by(const State& after, const LaneFrozen&) {
    return lane_as_it_stands(after);
}
std::vector<Effect> asked_by(const State& after, const LaneThawed&) {
    return lane_as_it_stands(after);
}
std::vector<Effect> asked_by(const State& after, const LanePauseSet&) {
    return lane_as_it_stands(after);
}

// The decision that identity alone allows: a repeat, a reused id, or one that is too old.
template <class Command>
std::optional<Decision> decide_by_identity(const State& state, const Command& command) {
    const auto known = state.answered.find(command.id);
    if (known != state.answered.end()) {
        if (known->second == body_hash(command)) return std::vector<Event>{};
        return Failure{Reject::id_reused_with_other_body};
    }
    const bool is_full = state.answered.size() >= base::limits::operator_commands_max;
    const bool would_be_evicted = is_full && command.id < state.answered.begin()->first;
    if (command.id <= state.floor || would_be_evicted) return Failure{Reject::id_too_old};
    return std::nullopt;
}

const Break* open_break(const State& state, const ResolveBreak& command) {
    const auto known = state.breaks.find(command.asset);
    const bool is_meant =
        known != state.breaks.end() && known->second.opened_block == command.block;
    return is_meant ? &known->second : nullptr;
}

// What of the asset is suspended, where the command may be about it.
Amount suspended_of(const State& state, base::AssetId asset) {
    const auto known = state.suspended.find(asset);
    return known == state.suspended.end() ? Amount{} : known->second.missing;
}

bool is_about_suspended(const State& state, const ResolveBreak& command) {
    const auto known = state.suspended.find(command.asset);
    return command.resolution == Resolution::borne && known != state.suspended.end() &&
           known->second.block == command.block;
}

struct Outcome {
    Amount booked;
    Amount borne;
};

// What a resolution books, or why it cannot.
base::Result<Outcome, Reject> outcome_of(const State& state, const ResolveBreak& command) {
    const Break* open = open_break(state, command);
    if (open == nullptr && !is_about_suspended(state, command)) {
        return Failure{Reject::no_such_break};
    }
    if (command.resolution == Resolution::explained) return Outcome{};
    Outcome outcome;
    if (open != nullptr) {
        if (!command.is_of_tokens) return Failure{Reject::difference_is_not_of_tokens};
        if (open->difference != command.difference) return Failure{Reject::difference_has_changed};
        if (open->difference.v < 0 && !command.is_bookable) {
            return Failure{Reject::tokens_are_promised};
        }
        outcome.booked = open->difference;
    }
    const auto borne = base::subtract(suspended_of(state, command.asset), outcome.booked);
    if (!borne || !base::negate(*borne)) return Failure{Reject::difference_out_of_range};
    if (command.resolution == Resolution::suspended) return outcome;
    if (borne->v > 0 && !command.is_bearable) return Failure{Reject::loss_is_not_bearable};
    outcome.borne = *borne;
    return outcome;
}

}  // namespace

Decision decide(const State& state, const Compare& command) {
    if (command.block == state.block) return std::vector<Event>{};
    if (command.block < state.block) return Failure{Reject::block_went_backwards};
    if (const auto fault = fault_of(command)) return Failure{*fault};

    Proposal proposal{state};
    for (const Line& line : command.lines) compare_line(proposal, line, command);
    const std::size_t breaks_count = proposal.state().breaks.size();
    if (breaks_count > base::limits::breaks_open_max) return Failure{Reject::too_many_breaks};
    proposal.add(Reconciled{.block = command.block,
                            .breaks_open = static_cast<std::uint32_t>(breaks_count),
                            .at = command.at});
    return std::move(proposal).done();
}

Decision decide(const State& state, const ResolveBreak& command) {
    if (auto known = decide_by_identity(state, command)) return *std::move(known);
    if (command.reason.empty()) return Failure{Reject::reason_is_missing};
    const auto outcome = outcome_of(state, command);
    if (!outcome) return Failure{outcome.error()};

    Proposal proposal{state};
    proposal.add(BreakResolved{.cause = command.id,
                               .body = body_hash(command),
                               .asset = command.asset,
                               .shard = base::ShardId{static_cast<std::uint16_t>(state.id.sub)},
                               .resolution = command.resolution,
                               .booked = outcome->booked,
                               .borne = outcome->borne,
                               .reason = command.reason,
                               .block = command.block,
                               .at = command.at});
    if (state.is_lane_frozen && !has_stopping_break(proposal.state())) {
        proposal.add(LaneThawed{.at = command.at});
    }
    return std::move(proposal).done();
}

Decision decide(const State& state, const Distrust& command) {
    const bool is_new = !state.breaks.contains(command.asset);
    if (is_new && state.breaks.size() >= base::limits::breaks_open_max) {
        return Failure{Reject::too_many_breaks};
    }
    Proposal proposal{state};
    distrust(proposal, command);
    return std::move(proposal).done();
}

Decision decide(const State& state, const PauseLane& command) {
    if (auto known = decide_by_identity(state, command)) return *std::move(known);
    Proposal proposal{state};
    proposal.add(LanePauseSet{.cause = command.id,
                              .body = body_hash(command),
                              .is_paused = command.is_paused,
                              .at = command.at});
    return std::move(proposal).done();
}

std::uint64_t body_hash(const ResolveBreak& command) {
    std::uint64_t hash = base::hash_combine(0, 1);  // The kind of command.
    hash = base::hash_combine(hash, command.asset.v);
    hash = base::hash_combine(hash, command.block);
    hash = base::hash_combine(hash, static_cast<std::uint64_t>(command.resolution));
    return base::hash_combine(hash, base::fnv1a(command.reason));
}

std::uint64_t body_hash(const PauseLane& command) {
    const std::uint64_t hash = base::hash_combine(0, 2);  // The kind of command.
    return base::hash_combine(hash, command.is_paused ? 1 : 0);
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
    if (state.lane_words_count == 0) return {};
    return lane_as_it_stands(state);
}

std::optional<std::string> check_invariants(const State& state) {
    if (state.breaks.size() > base::limits::breaks_open_max) return "too many breaks are open";
    if (state.is_lane_frozen != has_stopping_break(state)) {
        return "a lane is frozen while a break stops it, and only then";
    }
    for (const auto& [asset, suspended] : state.suspended) {
        if (suspended.missing.v == 0) return "nothing is suspended and remembered";
    }
    if (state.answered.size() > base::limits::operator_commands_max) {
        return "too many commands are remembered";
    }
    for (const auto& [asset, open] : state.breaks) {
        if (open.difference.v == 0 && !stops_lane(open.kind)) {
            return "a break without a difference stays open";
        }
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::reconcile
