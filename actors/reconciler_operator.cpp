// What operators ask of a reconciler: looks, breaks, pauses.
#include "actors/reconciler_actor.hpp"
#include "actors/refusals.hpp"

namespace crossclear::actors {
namespace {

namespace reconcile = ledger::reconcile;
using base::Amount;

static_assert(static_cast<int>(Resolution::explained) ==
              static_cast<int>(reconcile::Resolution::explained));
static_assert(static_cast<int>(Resolution::suspended) ==
              static_cast<int>(reconcile::Resolution::suspended));
static_assert(static_cast<int>(Resolution::borne) ==
              static_cast<int>(reconcile::Resolution::borne));

const char* name_of(reconcile::BreakKind kind) {
    switch (kind) {
        case reconcile::BreakKind::timing:
            return "timing";
        case reconcile::BreakKind::unknown_inflow:
            return "unknown_inflow";
        case reconcile::BreakKind::unexplained_outflow:
            return "unexplained_outflow";
        case reconcile::BreakKind::incredible:
            return "incredible";
        case reconcile::BreakKind::missing_receipt:
            return "missing_receipt";
    }
    UNREACHABLE("an unlisted kind of break");
}

// The wire's number of a reject, and what an operator does about it.
Refusal refusal_of(reconcile::Reject reject) {
    const auto refusal = [reject](std::int32_t code, const char* hint, bool is_retryable = false) {
        return Refusal{code, reconcile::name_of(reject), hint, is_retryable};
    };
    switch (reject) {
        case reconcile::Reject::id_reused_with_other_body:
            return refusal(11010, "repeat an id only with the same body");
        case reconcile::Reject::id_too_old:
            return refusal(11011, "make a new id for a new command");
        case reconcile::Reject::reason_is_missing:
            return refusal(-32602, "say why");
        case reconcile::Reject::no_such_break:
            return refusal(-32602, "see operator/get_breaks for what is open or suspended");
        case reconcile::Reject::difference_is_not_of_tokens:
            return refusal(11021, "margin or a position differs: nothing can be booked");
        case reconcile::Reject::difference_has_changed:
            return refusal(11021, "see operator/get_breaks, then decide again", true);
        case reconcile::Reject::tokens_are_promised:
            return refusal(11021, "tasks, moves or withdrawals have reserved them: wait", true);
        case reconcile::Reject::loss_is_not_bearable:
            return refusal(11021, "too little capital, or clients would not be covered", true);
        case reconcile::Reject::block_went_backwards:
        case reconcile::Reject::asset_listed_twice:
        case reconcile::Reject::difference_out_of_range:
        case reconcile::Reject::too_many_breaks:
            return refusal(-32603, "a defect: see the log");
    }
    UNREACHABLE("an unlisted reject");
}

BreakLine::Sides sides_of(const reconcile::Line& line) {
    return {.shard_held = line.shard_held,
            .book_held = line.book_held,
            .shard_posted = line.shard_posted,
            .book_posted = line.book_posted,
            .shard_position = line.shard_position,
            .book_position = line.book_position};
}

}  // namespace

void ReconcilerHost::on_operator(const OperatorAsk& ask) {
    std::visit([&](const auto& request) { handle(ask, request); }, ask.request);
}

void ReconcilerHost::answer_when_durable(const OperatorAsk& ask, Answer ready) {
    operators_.answer_when_durable(this, crank_, ask, std::move(ready));
}

void ReconcilerHost::on_exit() {
    for (const auto& ask : std::exchange(looks_, {})) operators_.add(ask);
    for (const auto& ask : std::exchange(resolving_, {})) operators_.add(ask);
    operators_.give_up(this);
    forget_figures();
}

LaneView ReconcilerHost::lane_view() const {
    const auto& state = crank_.state();
    LaneView view{.broker = parts_.broker(),
                  .shard = shard_,
                  .block = state.block,
                  .is_frozen = state.is_lane_frozen,
                  .is_paused = state.is_lane_paused,
                  .breaks = {}};
    for (const auto& [asset, open] : state.breaks) {
        BreakLine line{.id = {parts_.broker(), shard_, asset, open.opened_block},
                       .state = "open",
                       .kind = name_of(open.kind),
                       .difference = open.difference,
                       .since = open.opened_at,
                       .sides = {}};
        const auto seen = lines_.find(asset);
        if (seen != lines_.end()) line.sides = sides_of(seen->second);
        view.breaks.push_back(std::move(line));
    }
    for (const auto& [asset, suspended] : state.suspended) {
        view.breaks.push_back({.id = {parts_.broker(), shard_, asset, suspended.block},
                               .state = "suspended",
                               .kind = {},
                               .difference = base::must_subtract(Amount{0}, suspended.missing),
                               .since = suspended.at,
                               .sides = {}});
    }
    return view;
}

void ReconcilerHost::handle(const OperatorAsk& ask, const GetBreaks&) {
    answer_when_durable(ask, LanesView{{lane_view()}});
}

void ReconcilerHost::handle(const OperatorAsk& ask, const Reconcile&) {
    looks_.push_back(ask);
    fetch();
}

void ReconcilerHost::answer_looks(const std::optional<Refusal>& refusal) {
    for (const auto& ask : std::exchange(looks_, {})) {
        if (refusal) {
            answer_when_durable(ask, *refusal);
        } else {
            answer_when_durable(ask, LanesView{{lane_view()}});
        }
    }
}

void ReconcilerHost::handle(const OperatorAsk& ask, const PauseShard& request) {
    const bool is_repeat = crank_.state().answered.contains(request.id);
    const auto reject = commit_for(reconcile::PauseLane{
        .id = request.id, .is_paused = request.is_paused, .at = parts_.context->now()});
    if (reject) return answer_when_durable(ask, refusal_of(*reject));
    crank_.when_durable([this](std::uint64_t) { tell_pause(); });
    answer_when_durable(
        ask,
        ShardPauseSet{.shard = shard_, .is_paused = request.is_paused, .is_repeat = is_repeat});
}

// The desk, the houses and signing lanes answer these. What another node sends here by mistake ends
// no process.
void ReconcilerHost::handle(const OperatorAsk& ask, const GetPartitions&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const GetNodes&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const GetHouses&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const GetExpiries&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const ProposePrice&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const DisputePrice&) { refuse_misled(ask); }
void ReconcilerHost::handle(const OperatorAsk& ask, const ResumeLane&) { refuse_misled(ask); }
void ReconcilerHost::refuse_misled(const OperatorAsk& ask) {
    answer_when_durable(ask, wrong_desk());
}

// What is booked takes tokens away that netting may have promised: it is asked first, and promises
// nothing until it has heard what came of it.
void ReconcilerHost::handle(const OperatorAsk& ask, const ResolveBreak& request) {
    const bool is_repeat = crank_.state().answered.contains(request.id);
    if (is_repeat || request.resolution == Resolution::explained) return resolve(ask, {});
    const auto open = crank_.state().breaks.find(request.of.asset);
    const bool is_open =
        open != crank_.state().breaks.end() && open->second.opened_block == request.of.block;
    if (is_open && !lines_.contains(request.of.asset)) {
        return answer_when_durable(
            ask, Refusal{11031, "not_looked_yet", "call operator/reconcile first", true});
    }
    // Journals of before may hold a difference whose loss cannot be told.
    if (is_open && !base::negate(open->second.difference)) {
        return answer_when_durable(ask, refusal_of(reconcile::Reject::difference_out_of_range));
    }
    resolving_.push_back(ask);
    if (resolving_.size() == 1) ask_for_means(request);
}

void ReconcilerHost::ask_for_means(const ResolveBreak& request) {
    const auto& state = crank_.state();
    ledger::netting::Shortfall shortfall{
        .shard = shard_, .asset = request.of.asset, .missing = {}, .suspended = {}};
    const auto open = state.breaks.find(request.of.asset);
    if (open != state.breaks.end() && open->second.opened_block == request.of.block) {
        shortfall.missing = base::must_subtract(Amount{0}, open->second.difference);
    }
    const auto suspended = state.suspended.find(request.of.asset);
    if (suspended != state.suspended.end()) shortfall.suspended = suspended->second.missing;
    asked_for_ = shortfall.missing;
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                             ShortfallAsk{parts_.entity, shortfall}});
}

void ReconcilerHost::on_means(const ledger::netting::Remedies& remedies) {
    const auto ask = std::move(resolving_.front());
    resolving_.pop_front();
    const auto& request = std::get<ResolveBreak>(ask.request);
    const auto line = lines_.find(request.of.asset);
    reconcile::ResolveBreak found;
    found.is_of_tokens = line != lines_.end() &&
                         line->second.shard_posted == line->second.book_posted &&
                         line->second.shard_position == line->second.book_position;
    found.difference = base::must_subtract(Amount{0}, asked_for_);
    found.is_bookable = remedies.is_bookable;
    found.is_bearable = remedies.is_bearable;
    resolve(ask, std::move(found));
    crank_.when_durable([this](std::uint64_t sequence) {
        send(parts_.home, ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                                 ShortfallDone{parts_.entity, sequence}});
    });
    if (!resolving_.empty()) ask_for_means(std::get<ResolveBreak>(resolving_.front().request));
}

// `command` has the findings; the rest is what was asked for.
void ReconcilerHost::resolve(const OperatorAsk& ask, reconcile::ResolveBreak command) {
    const auto& request = std::get<ResolveBreak>(ask.request);
    const bool is_repeat = crank_.state().answered.contains(request.id);
    command.id = request.id;
    command.asset = request.of.asset;
    command.block = request.of.block;
    command.resolution = static_cast<reconcile::Resolution>(request.resolution);
    command.reason = request.reason;
    command.at = parts_.context->now();
    if (const auto reject = commit_for(command)) {
        return answer_when_durable(ask, refusal_of(*reject));
    }
    // What was seen of the old difference says nothing about the next.
    if (!is_repeat) seen_[request.of.asset] = {};
    answer_when_durable(ask, BreakSettled{.of = request.of,
                                          .resolution = request.resolution,
                                          .is_frozen = crank_.state().is_lane_frozen,
                                          .is_paused = crank_.state().is_lane_paused,
                                          .is_repeat = is_repeat});
}

}  // namespace crossclear::actors
