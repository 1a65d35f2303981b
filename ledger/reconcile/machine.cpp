#include "ledger/reconcile/machine.hpp"

#include "base/limits.hpp"

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
        if (!difference) return std::nullopt;
        if (reported.v == 0) reported = *difference;
        if (reported.v > 0 && difference->v < 0) reported = *difference;
    }
    return reported;
}

BreakKind kind_of(const Line& line, Amount difference) {
    if (line.is_explained) return BreakKind::timing;
    return difference.v > 0 ? BreakKind::unknown_inflow : BreakKind::unexplained_outflow;
}

std::optional<Reject> fault_of(const Compare& command) {
    std::set<base::AssetId> listed;
    for (const Line& line : command.lines) {
        if (!listed.insert(line.asset).second) return Reject::asset_listed_twice;
    }
    for (const Line& line : command.lines) {
        if (!difference_of(line)) return Reject::difference_out_of_range;
    }
    return std::nullopt;
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
    const bool is_outflow = known.kind == BreakKind::unexplained_outflow;
    const Amount difference = *difference_of(line);
    if (difference.v == 0 && !is_outflow) {
        proposal.add(BreakClosed{
            .asset = line.asset, .reason = {}, .block = command.block, .at = command.at});
        return;
    }
    const BreakKind kind = is_outflow ? known.kind : kind_of(line, difference);
    if (known.kind == kind && known.difference == difference) return;
    proposal.add(BreakChanged{.asset = line.asset,
                              .kind = kind,
                              .difference = difference,
                              .block = command.block,
                              .at = command.at});
}

void compare_line(Proposal& proposal, const Line& line, const Compare& command) {
    if (proposal.state().breaks.contains(line.asset)) {
        compare_broken(proposal, line, command);
    } else {
        compare_agreed(proposal, line, command);
    }
    const State& state = proposal.state();
    if (!state.is_lane_frozen && has_unexplained_outflow(state)) {
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
    ++state.freezes_count;
}

void applied(State& state, const LaneThawed&) {
    CHECK(state.is_lane_frozen, "a lane is frozen before it is thawed");
    state.is_lane_frozen = false;
}

std::vector<Effect> asked_by(const Reconciled&) { return {}; }
std::vector<Effect> asked_by(const BreakOpened&) { return {}; }
std::vector<Effect> asked_by(const BreakChanged&) { return {}; }
std::vector<Effect> asked_by(const BreakClosed&) { return {}; }
std::vector<Effect> asked_by(const LaneFrozen&) { return {SetLaneFrozen{.is_frozen = true}}; }
std::vector<Effect> asked_by(const LaneThawed&) { return {SetLaneFrozen{.is_frozen = false}}; }

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
    if (command.reason.empty()) return Failure{Reject::reason_is_missing};
    if (!state.breaks.contains(command.asset)) return Failure{Reject::no_such_break};

    Proposal proposal{state};
    proposal.add(BreakClosed{
        .asset = command.asset, .reason = command.reason, .block = state.block, .at = command.at});
    if (state.is_lane_frozen && !has_unexplained_outflow(proposal.state())) {
        proposal.add(LaneThawed{.at = command.at});
    }
    return std::move(proposal).done();
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&state](const auto& each) { return decide(state, each); }, command);
}

void apply(State& state, const Event& event) {
    std::visit([&state](const auto& each) { applied(state, each); }, event);
}

std::vector<Effect> effects_of(const State&, const Event& event) {
    return std::visit([](const auto& each) { return asked_by(each); }, event);
}

std::vector<Effect> outstanding(const State& state) {
    if (state.freezes_count == 0) return {};
    return {SetLaneFrozen{.is_frozen = state.is_lane_frozen}};
}

std::optional<std::string> check_invariants(const State& state) {
    if (state.breaks.size() > base::limits::breaks_open_max) return "too many breaks are open";
    if (state.is_lane_frozen != has_unexplained_outflow(state)) {
        return "a lane is frozen while an outflow is unexplained, and only then";
    }
    for (const auto& [asset, open] : state.breaks) {
        if (open.difference.v == 0 && open.kind != BreakKind::unexplained_outflow) {
            return "a break without a difference stays open";
        }
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::reconcile
