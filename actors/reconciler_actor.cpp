#include "actors/reconciler_actor.hpp"

#include "actors/chrono.hpp"

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

namespace reconcile = ledger::reconcile;

// A difference must be seen this often in a row before it is a break, and receipts of the block get
// this long to travel from the lane into the books before the books are asked.
constexpr std::uint32_t patience = 5;
constexpr std::chrono::milliseconds travel_time{250};
// Inflows of so many blocks before the last one at which both sides agreed are told again: a
// difference is a break only after `patience` looks, and those blocks count as compared.
constexpr std::uint64_t blocks_told_again = 1'024;
// While a break is open.
constexpr base::Duration told_again_every = base::seconds(10);
// That a lane is not paused is said again so much less often than that it is.
constexpr std::int64_t unpaused_said_every = 10;

bool differs(const reconcile::Line& line) {
    return line.shard_held != line.book_held || line.shard_posted != line.book_posted ||
           line.shard_position != line.book_position;
}

// Where both sides last agreed, less what is told again to be sure.
std::uint64_t agreed_until(const reconcile::State& state) {
    auto block = state.block;
    for (const auto& [asset, open] : state.breaks) block = std::min(block, open.opened_block);
    return block > blocks_told_again ? block - blocks_told_again : 0;
}

// Every inflow before was booked, or both sides would not have agreed: so a start does not hear of
// all there ever were, which may be millions.
void hear_inflows(const HomeParts& parts, base::ShardId shard, const reconcile::State& state) {
    const auto found = parts.context->shards.find({parts.broker(), shard});
    if (found != parts.context->shards.end()) found->second->rescan(agreed_until(state));
}

// An open break may be an inflow that was never told: whether it is time to ask once more.
bool should_hear_again(const reconcile::State& state, base::Timestamp now, base::Duration look) {
    return std::any_of(state.breaks.begin(), state.breaks.end(), [&](const auto& entry) {
        const auto age = (now - entry.second.opened_at).us;
        return age < look.us || age / told_again_every.us != (age - look.us) / told_again_every.us;
    });
}

}  // namespace

void ReconcilerHost::Looks::note(reconcile::Explanation found) {
    ++any;
    not_in_time = found == reconcile::Explanation::orders ? 0 : not_in_time + 1;
    unexplained = found == reconcile::Explanation::none ? unexplained + 1 : 0;
}

reconcile::Explanation ReconcilerHost::Looks::explanation() const {
    if (unexplained >= patience) return reconcile::Explanation::none;
    return not_in_time >= patience ? reconcile::Explanation::late_orders
                                   : reconcile::Explanation::orders;
}

ReconcilerHost::ReconcilerHost(caf::actor_config& config, HomeParts parts, reconcile::State state,
                               LaneActor lane)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal),
      lane_(std::move(lane)),
      shard_{static_cast<std::uint16_t>(parts_.entity.sub)} {}

HomeActor::behavior_type ReconcilerHost::make_behavior() {
    // Breaks that an earlier incarnation left open are open still.
    for (const auto& [asset, open] : crank_.state().breaks) count_break(asset, 1);
    parts_.context->broker(parts_.broker()).figures.breaks_open += crank_.state().breaks.size();
    tell_pause();
    hear_inflows(parts_, shard_, crank_.state());
    look_again();
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) { on_news(message.news); },
    };
}

void ReconcilerHost::on_news(const HomeNews& news) {
    if (std::holds_alternative<Wake>(news)) {
        say_pause_again();
        fetch();
        look_again();
    } else if (const auto* balances = std::get_if<shards::Balances>(&news)) {
        run_delayed(travel_time, [this, shard_side = *balances] { ask_books(shard_side); });
    } else if (std::holds_alternative<shards::NoAnswer>(news)) {
        answer_looks(Refusal{11031, "shard_unavailable", "the shard does not answer: retry", true});
    } else if (const auto* word = std::get_if<Distrusted>(&news)) {
        decide_and_commit(reconcile::Distrust{.asset = word->asset, .at = parts_.context->now()});
    } else if (const auto* ask = std::get_if<OperatorAsk>(&news)) {
        on_operator(*ask);
    } else if (const auto* means = std::get_if<ShortfallAnswer>(&news)) {
        on_means(means->remedies);
    } else if (std::holds_alternative<Resume>(news)) {
        carry_out(reconcile::outstanding(crank_.state()));
    }
}

void ReconcilerHost::look_again() {
    delayed_send(this, std::chrono::microseconds(parts_.context->options.reconcile_every.us),
                 ToHome{parts_.entity, Wake{}});
}

// The other partitions' nodes take clients' trades, and may have begun since it was told last.
void ReconcilerHost::tell_pause() const {
    const bool is_paused = crank_.state().is_lane_paused;
    parts_.context->paused.hear(parts_.broker(), shard_, is_paused);
    for (std::uint16_t i = 0; i < parts_.context->partitions; ++i) {
        caf::anon_send(
            parts_.doors(base::PartitionId{i}),
            PauseTold{.broker = parts_.broker(), .shard = shard_, .is_paused = is_paused});
    }
}

// The end of a pause as well, less often: whoever was cut off when it was told takes no trades.
void ReconcilerHost::say_pause_again() {
    const auto now = parts_.context->now();
    auto every = parts_.context->options.say_again_every;
    if (!crank_.state().is_lane_paused) every = base::Duration{every.us * unpaused_said_every};
    if (!has_passed(every, pause_said_at_, now)) return;
    pause_said_at_ = now;
    crank_.when_durable([this](std::uint64_t) { tell_pause(); });
}

void ReconcilerHost::fetch() {
    const auto found = parts_.context->shards.find({parts_.broker(), shard_});
    if (found == parts_.context->shards.end()) return;
    const auto self = caf::actor_cast<HomeActor>(this);
    found->second->balances([self, entity = parts_.entity](auto answer) {
        std::visit([&](const auto& one) { caf::anon_send(self, ToHome{entity, HomeNews{one}}); },
                   answer);
    });
}

void ReconcilerHost::ask_books(const shards::Balances& balances) {
    const auto on_error = [](const caf::error&) {};  // The partition is going: nothing to compare.
    request(lane_, caf::infinite, LaneInFlight{})
        .then(
            [this, balances, on_error](const LaneOrders& sent) {
                request(parts_.journal, caf::infinite,
                        BookAt{.broker = parts_.broker(), .shard = shard_, .block = balances.block})
                    .then([this, balances,
                           sent](const BookLines& book) { compare(balances, book, sent.orders); },
                          on_error);
            },
            on_error);
}

void ReconcilerHost::compare(const shards::Balances& balances, const BookLines& book,
                             const std::vector<reconcile::OrderUnderWay>& orders) {
    // What the shard says of a time whose receipts are not booked yet is compared with nothing: an
    // outage of the journal must not look like missing tokens.
    if (book.is_behind || balances.block <= crank_.state().block) {
        return answer_looks(std::nullopt);
    }
    reconcile::Compare command{.block = balances.block, .lines = {}, .at = parts_.context->now()};
    const auto& listed = parts_.context->listing.shard(shard_);
    for (const auto& line : balances.lines) {
        if (std::ranges::find(listed.assets, line.asset) == listed.assets.end()) {
            decide_and_commit(reconcile::Distrust{.asset = listed.gas, .at = command.at});
            continue;
        }
        const auto booked = book.lines.find(line.asset);
        const auto ours = booked == book.lines.end() ? ledger::ShardLine{} : booked->second;
        reconcile::Line compared{.asset = line.asset,
                                 .shard_held = line.held,
                                 .book_held = ours.held,
                                 .shard_posted = line.posted,
                                 .book_posted = ours.posted,
                                 .shard_position = line.position,
                                 .book_position = ours.position,
                                 .explanation = reconcile::Explanation::orders};
        lines_[line.asset] = compared;
        auto& seen = seen_[line.asset];
        if (differs(compared)) {
            seen.note(reconcile::explanation_of(compared, orders, parts_.context->listing,
                                                {.at = balances.at, .gas_max = balances.gas_max}));
            if (seen.any < patience) continue;  // Perhaps only on its way.
            compared.explanation = seen.explanation();
        } else {
            seen = {};
        }
        command.lines.push_back(compared);
    }
    decide_and_commit(command);
    if (should_hear_again(crank_.state(), command.at, parts_.context->options.reconcile_every)) {
        hear_inflows(parts_, shard_, crank_.state());
    }
    answer_looks(std::nullopt);
    auto& metrics = parts_.context->instruments->reconciliation;
    const auto& name = parts_.context->listing.shard(shard_).symbol;
    const auto& broker = parts_.context->broker(parts_.broker()).profile.name;
    metrics.last_reconciliation_timestamp_seconds.with({broker, name})
        .set(static_cast<double>(parts_.context->now().us) * 1e-6);
}

void ReconcilerHost::decide_and_commit(const reconcile::Command& command) {
    const auto reject = commit_for(command);
    if (!reject) return;
    parts_.context->log(
        LogLevel::error, "A reconciliation refused a command.",
        {{"reconciler", base::to_string(parts_.entity)}, {"reject", reconcile::name_of(*reject)}});
}

std::optional<reconcile::Reject> ReconcilerHost::commit_for(const reconcile::Command& command) {
    const auto open_before = crank_.state().breaks;
    const auto decision = reconcile::decide(crank_.state(), command);
    if (!decision) return decision.error();
    if (decision->empty()) return std::nullopt;
    auto effects = crank_.commit(this, *decision);
    const auto before = open_before.size();
    const auto after = crank_.state().breaks.size();
    auto& figures = parts_.context->broker(parts_.broker()).figures;
    if (after > before) figures.breaks_open += after - before;
    if (after < before) figures.breaks_open -= before - after;
    for (const auto& event : *decision) tell(event, open_before);
    crank_.when_durable(
        [this, effects = std::move(effects)](std::uint64_t) { carry_out(effects); });
    return std::nullopt;
}

void ReconcilerHost::count_break(base::AssetId asset, double by) const {
    parts_.context->instruments->reconciliation.breaks
        .with({parts_.context->listing.shard(shard_).symbol,
               parts_.context->listing.asset(asset).symbol})
        .add(by);
}

// Its successor, perhaps on another node, tells them.
void ReconcilerHost::forget_figures() const {
    const auto& open = crank_.state().breaks;
    for (const auto& [asset, one] : open) count_break(asset, -1);
    auto& broker = parts_.context->broker(parts_.broker());
    broker.figures.breaks_open -= open.size();
    parts_.context->instruments->reconciliation.last_reconciliation_timestamp_seconds.forget(
        {broker.profile.name, parts_.context->listing.shard(shard_).symbol});
}

// The log and the figures.
void ReconcilerHost::tell(const reconcile::Event& event,
                          const std::map<base::AssetId, reconcile::Break>& open_before) const {
    const auto& name = parts_.context->listing.shard(shard_).symbol;
    const auto tell_incredible = [&](base::AssetId asset) {
        parts_.context->log(LogLevel::error, "A shard tells what cannot be: its lane is frozen.",
                            {{"shard", name},
                             {"broker", std::to_string(parts_.broker().v)},
                             {"asset", parts_.context->listing.asset(asset).symbol}});
    };
    if (const auto* opened = std::get_if<reconcile::BreakOpened>(&event)) {
        const auto& asset = parts_.context->listing.asset(opened->asset).symbol;
        count_break(opened->asset, 1);
        if (opened->kind == reconcile::BreakKind::incredible) return tell_incredible(opened->asset);
        parts_.context->log(LogLevel::error, "Book and shard disagree.",
                            {{"shard", name},
                             {"broker", std::to_string(parts_.broker().v)},
                             {"asset", asset},
                             {"difference", std::to_string(opened->difference.v)},
                             {"block", std::to_string(opened->block)}});
    } else if (const auto* changed = std::get_if<reconcile::BreakChanged>(&event)) {
        const auto before = open_before.find(changed->asset);
        const bool was_incredible =
            before != open_before.end() && before->second.kind == reconcile::BreakKind::incredible;
        const bool is_incredible = changed->kind == reconcile::BreakKind::incredible;
        if (is_incredible && !was_incredible) tell_incredible(changed->asset);
    } else if (const auto* closed = std::get_if<reconcile::BreakClosed>(&event)) {
        count_break(closed->asset, -1);
    } else if (const auto* resolved = std::get_if<reconcile::BreakResolved>(&event)) {
        const auto open = open_before.find(resolved->asset);
        const bool was_open =
            open != open_before.end() && open->second.opened_block == resolved->block;
        if (was_open) count_break(resolved->asset, -1);
        parts_.context->log(LogLevel::warning, "An operator has resolved a break.",
                            {{"shard", name},
                             {"broker", std::to_string(parts_.broker().v)},
                             {"asset", parts_.context->listing.asset(resolved->asset).symbol},
                             {"booked", std::to_string(resolved->booked.v)},
                             {"borne", std::to_string(resolved->borne.v)}});
    } else if (const auto* pause = std::get_if<reconcile::LanePauseSet>(&event)) {
        parts_.context->log(
            LogLevel::warning,
            pause->is_paused ? "An operator has paused a lane." : "An operator has resumed a lane.",
            {{"shard", name}, {"broker", std::to_string(parts_.broker().v)}});
    }
}

void ReconcilerHost::carry_out(const std::vector<reconcile::Effect>& effects) {
    for (const auto& effect : effects) {
        const auto& lane = std::get<reconcile::SetLane>(effect);
        send(lane_, LaneHold{.is_frozen = lane.is_frozen, .is_paused = lane.is_paused});
    }
}

}  // namespace crossclear::actors
