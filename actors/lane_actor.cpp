#include "actors/lane_actor.hpp"

#include "actors/chrono.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace crossclear::actors {

using shards::Breaker;

namespace {

constexpr base::Duration rescan_every = base::seconds(10);
// What comes so soon after the first order may have been handed over before a restart.
constexpr base::Duration resuming_for = base::seconds(60);
constexpr base::Duration full_told_every = base::seconds(60);

}  // namespace

LaneHost::LaneHost(caf::actor_config& config, const Context* context, base::BrokerId broker,
                   base::ShardId shard, shards::Shard* adapter, PartitionActor home)
    : LaneActor::base(config),
      context_(context),
      adapter_(adapter),
      home_(std::move(home)),
      lane_{.shard = shard,
            .broker = broker,
            .terms = {},
            .scope = {.assets = context->listing.shard(shard).assets,
                      .instruments = context->listing.shard(shard).instruments}},
      name_(context->listing.shard(shard).symbol) {
    const auto& caps = context->broker(broker).profile.caps.shards;
    if (const auto cap = caps.find(shard); cap != caps.end()) {
        lane_.terms.orders_per_second = cap->second.orders_per_second;
    }
    // More would only wait for a nonce.
    if (adapter->desk() != nullptr) {
        lane_.terms.in_flight_max = base::limits::signing_slots_max;
    }
}

LaneActor::behavior_type LaneHost::make_behavior() {
    const auto self = caf::actor_cast<LaneActor>(this);
    adapter_->listen(
        [self](const ledger::ShardNotice& notice) { caf::anon_send(self, LaneNotice{notice}); });
    // What came in while nobody listened is asked for by the reconciler, which knows where to
    // begin.
    rescanned_at_ = context_->now();
    delayed_send(this, std::chrono::microseconds(context_->options.lane_tick.us), LaneTick{});
    return {
        [this](const LaneOrder& message) { take(message.order); },
        [this](const LaneNotice& message) { handle(shards::NoticeArrived{message.notice}); },
        [this](const LaneSubmitted& message) {
            handle(shards::SubmitAnswered{message.ref, message.answer});
        },
        [this](const LaneAsked& message) {
            handle(shards::AskAnswered{message.ref, message.answer});
        },
        [this](const LaneHealth& message) { handle(shards::HealthReported{message.health}); },
        [this](const LaneHold& message) {
            handle(shards::Hold{.is_frozen = message.is_frozen, .is_paused = message.is_paused});
        },
        [this](LaneTick) { on_tick(); },
        [this](LaneInFlight) { return orders_under_way(); },
        [this](const LaneSigner& message) { signer_ = message.signer; },
    };
}

void LaneHost::handle(const shards::LaneCommand& command) {
    for (const auto& effect : shards::handle(lane_, command, context_->now())) carry_out(effect);
}

void LaneHost::carry_out(const shards::LaneEffect& effect) {
    if (const auto* to_submit = std::get_if<shards::Submit>(&effect)) {
        resumed_.erase(to_submit->order.ref);
        submit(to_submit->order);
    } else if (const auto* to_ask = std::get_if<shards::Ask>(&effect)) {
        ask(to_ask->ref);
    } else if (const auto* news = std::get_if<shards::Deliver>(&effect)) {
        deliver(news->notice);
    } else if (const auto* doubt = std::get_if<shards::Distrust>(&effect)) {
        distrust(doubt->why);
    } else if (const auto* report = std::get_if<shards::Report>(&effect)) {
        const char* state = report->breaker == Breaker::closed ? "closed"
                            : report->breaker == Breaker::open ? "open"
                                                               : "half_open";
        context_->log(LogLevel::info, "A lane changed its state.",
                      {{"shard", name_},
                       {"broker", context_->broker(lane_.broker).profile.name},
                       {"circuit", state},
                       {"is_reachable", report->is_reachable ? "true" : "false"}});
    }
}

void LaneHost::take(const ledger::ShardOrder& order) {
    const auto now = context_->now();
    if (begun_at_ == base::Timestamp{}) begun_at_ = now;
    const bool is_here = has(order.ref);
    if (!is_here && !has_passed(resuming_for, begun_at_, now)) resumed_.insert(order.ref);
    // Nobody overtakes those that came before.
    if (!is_here && !rest_.empty()) return keep_for_later(order);
    enqueue(order);
}

bool LaneHost::has(const base::OrderRef& ref) const {
    return lane_.flights.contains(ref) ||
           std::ranges::any_of(lane_.waiting, [&](const auto& other) { return other.ref == ref; });
}

void LaneHost::enqueue(const ledger::ShardOrder& order) {
    for (const auto& effect : shards::handle(lane_, shards::Enqueue{order}, context_->now())) {
        const auto* declined = std::get_if<shards::Decline>(&effect);
        if (declined == nullptr) {
            carry_out(effect);
        } else if (declined->why == shards::LaneRefusal::queue_full) {
            keep_for_later(order);
        } else {
            context_->log(LogLevel::warning, "A lane declined an order.",
                          {{"order", base::to_string(order.ref)}, {"shard", name_}});
        }
    }
}

// Whoever sent it waits for its end, and would bring it again only after a restart.
void LaneHost::keep_for_later(const ledger::ShardOrder& order) {
    if (!in_rest_.insert(order.ref).second) return;
    rest_.push_back(order);
    const auto now = context_->now();
    if (!has_passed(full_told_every, full_told_at_, now)) return;
    full_told_at_ = now;
    context_->log(LogLevel::warning, "A lane is full: orders wait for room in it.",
                  {{"shard", name_}, {"broker", context_->broker(lane_.broker).profile.name}});
}

void LaneHost::bring_the_rest() {
    while (!rest_.empty() && lane_.waiting.size() < lane_.terms.waiting_max) {
        const auto order = std::move(rest_.front());
        rest_.pop_front();
        in_rest_.erase(order.ref);
        enqueue(order);
    }
}

// What it is about is nobody's here: the break stands under what the shard's fees are paid in.
void LaneHost::distrust(const std::string& why) {
    context_->instruments->shards.shard_words_refused_total
        .with({context_->broker(lane_.broker).profile.name, name_, why})
        .increment();
    context_->log(
        LogLevel::warning, "A lane refuses what its shard told.",
        {{"shard", name_}, {"broker", context_->broker(lane_.broker).profile.name}, {"why", why}});
    send(home_, ToHome{base::entity_of(base::EntityKind::reconcile, lane_.broker, lane_.shard),
                       Distrusted{context_->listing.shard(lane_.shard).gas}});
}

// Called when the shard answers, on its thread: how long it took.
std::function<void()> LaneHost::timed() const {
    return [context = context_, shard = name_, asked_at = context_->now()] {
        context->instruments->shards.shard_request_duration_seconds.with({shard}).observe(
            static_cast<double>((context->now() - asked_at).us) * 1e-6);
    };
}

void LaneHost::submit(const ledger::ShardOrder& order) {
    if (signer_) return send(signer_, SigningSubmit{order});
    const auto self = caf::actor_cast<LaneActor>(this);
    adapter_->submit(order,
                     [has_answered = timed(), self, ref = order.ref](shards::SubmitAnswer answer) {
                         has_answered();
                         caf::anon_send(self, LaneSubmitted{ref, answer});
                     });
}

void LaneHost::ask(const base::OrderRef& ref) {
    if (signer_) return send(signer_, SigningAsk{ref});
    const auto self = caf::actor_cast<LaneActor>(this);
    adapter_->ask(ref, [has_answered = timed(), self, ref](auto answer) {
        has_answered();
        caf::anon_send(self, LaneAsked{ref, answer});
    });
}

LaneOrders LaneHost::orders_under_way() const {
    LaneOrders told;
    for (const auto& [ref, flight] : lane_.flights) told.orders.push_back({.order = flight.order});
    for (const auto* unsent : {&lane_.waiting, &rest_}) {
        for (const auto& order : *unsent) {
            if (resumed_.contains(order.ref)) told.orders.push_back({.order = order});
        }
    }
    for (const auto& one : lane_.ended) {
        told.orders.push_back({.order = one.order, .is_ended = true});
    }
    return told;
}

ToHome LaneHost::to_house(HomeNews news) const {
    return ToHome{base::entity_of(base::EntityKind::netting, lane_.broker), std::move(news)};
}

void LaneHost::deliver(const ledger::ShardNotice& notice) {
    if (const auto* order = std::get_if<ledger::OrderNotice>(&notice)) {
        send(home_, ToHome{order->ref.origin, *order});
    } else if (const auto* arrival = std::get_if<ledger::ArrivalNotice>(&notice)) {
        send(home_, ToHome{arrival->ref.origin, *arrival});
    } else if (const auto* deposit = std::get_if<ledger::DepositNotice>(&notice)) {
        send(home_, to_house(*deposit));
    } else if (const auto* variation = std::get_if<ledger::VariationNotice>(&notice)) {
        send(home_, to_house(*variation));
    } else if (const auto* rescan = std::get_if<ledger::RescanNotice>(&notice)) {
        send(home_, to_house(*rescan));
    }
}

// Notices may change order: one that a deposit is in a block can come after the word that this
// block was replaced, and then nothing would ever be told of it again.
void LaneHost::rescan_sometimes() {
    const auto now = context_->now();
    if (!lane_.health.is_reachable) return;
    if (rescan_from_ == 0) rescan_from_ = lane_.health.final_block;
    if (!has_passed(rescan_every, rescanned_at_, now)) return;
    rescanned_at_ = now;
    adapter_->rescan(std::exchange(rescan_from_, lane_.health.final_block));
}

void LaneHost::on_tick() {
    handle(shards::Tick{});
    bring_the_rest();
    rescan_sometimes();
    const auto self = caf::actor_cast<LaneActor>(this);
    adapter_->health([self](shards::Health health) { caf::anon_send(self, LaneHealth{health}); });
    publish_metrics();
    delayed_send(this, std::chrono::microseconds(context_->options.lane_tick.us), LaneTick{});
}

void LaneHost::on_exit() {
    auto& metrics = context_->instruments->shards;
    const auto& broker = context_->broker(lane_.broker).profile.name;
    for (auto* gauge :
         {&metrics.shard_circuit_state, &metrics.tx_pending, &metrics.shard_orders_waiting,
          &metrics.shard_block_height, &metrics.shard_head_age_seconds}) {
        gauge->forget({broker, name_});
    }
}

void LaneHost::publish_metrics() {
    auto& metrics = context_->instruments->shards;
    const auto& now = lane_.counters;
    const auto grown = [&](std::uint64_t shards::LaneCounters::* counter, const char* method,
                           const char* result) {
        const auto by = now.*counter - told_.*counter;
        if (by > 0) {
            metrics.shard_requests_total.with({name_, method, result})
                .increment(static_cast<double>(by));
        }
    };
    grown(&shards::LaneCounters::accepted, "submit", "accepted");
    grown(&shards::LaneCounters::refused, "submit", "refused");
    grown(&shards::LaneCounters::unanswered, "any", "no_answer");
    grown(&shards::LaneCounters::asked, "ask", "sent");
    if (now.reorganised > told_.reorganised) {
        metrics.shard_reorgs_total.with({name_}).increment(
            static_cast<double>(now.reorganised - told_.reorganised));
    }
    // The host of a signing lane counts what it sends itself.
    if (!signer_ && now.submitted > told_.submitted) {
        metrics.tx_broadcast_total.with({name_, "order"})
            .increment(static_cast<double>(now.submitted - told_.submitted));
    }
    told_ = now;
    const double circuit = lane_.breaker == Breaker::closed      ? 0
                           : lane_.breaker == Breaker::half_open ? 1
                                                                 : 2;
    const auto& broker = context_->broker(lane_.broker).profile.name;
    metrics.shard_circuit_state.with({broker, name_}).set(circuit);
    metrics.tx_pending.with({broker, name_}).set(static_cast<double>(lane_.flights.size()));
    metrics.shard_orders_waiting.with({broker, name_})
        .set(static_cast<double>(lane_.waiting.size() + rest_.size()));
    metrics.shard_block_height.with({broker, name_, "head"})
        .set(static_cast<double>(lane_.health.head_block));
    metrics.shard_block_height.with({broker, name_, "final"})
        .set(static_cast<double>(lane_.health.final_block));
    metrics.shard_head_age_seconds.with({broker, name_})
        .set(static_cast<double>((context_->now() - lane_.health.head_at).us) * 1e-6);
    context_->shard_views.store(lane_.broker,
                                ShardView{.shard = lane_.shard,
                                          .is_reachable = lane_.health.is_reachable,
                                          .is_paused = lane_.health.is_paused || lane_.is_paused,
                                          .is_frozen = lane_.is_frozen,
                                          .circuit = lane_.breaker == Breaker::closed ? "closed"
                                                     : lane_.breaker == Breaker::open ? "open"
                                                                                      : "half_open",
                                          .head_block = lane_.health.head_block,
                                          .final_block = lane_.health.final_block,
                                          .head_at = lane_.health.head_at});
}

}  // namespace crossclear::actors
