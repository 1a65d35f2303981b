#include "actors/partition_actor.hpp"

#include "actors/account_actor.hpp"
#include "actors/account_effects.hpp"
#include "actors/chrono.hpp"
#include "actors/hedge_actor.hpp"
#include "actors/hedge_news.hpp"
#include "actors/instruction_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/lane_actor.hpp"
#include "actors/netting_actor.hpp"
#include "actors/reconciler_actor.hpp"
#include "actors/refusals.hpp"
#include "actors/signing_actor.hpp"
#include "actors/withdrawal_actor.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace crossclear::actors {

PartitionHost::PartitionHost(caf::actor_config& config, const Context* context,
                             base::PartitionId partition,
                             std::function<DoorActor(base::PartitionId)> doors, DoorActor door)
    : PartitionActor::base(config),
      context_(context),
      partition_(partition),
      doors_(std::move(doors)),
      door_(std::move(door)) {}

PartitionActor::behavior_type PartitionHost::make_behavior() {
    set_down_handler([this](const caf::down_msg&) {
        if (!end_) on_lost({.is_broken = false, .why = "the host of its journal failed"});
        send(door_, *end_);
    });
    journal_ = spawn<JournalHost, caf::monitored>(context_, partition_,
                                                  caf::actor_cast<PartitionActor>(this));
    delayed_send(this, as_chrono(base::seconds(1)), PartitionTick{});
    return {
        [this](AccountAsk& ask) {
            if (!refuse(ask)) to_account(ask);
        },
        [this](AccountFollow& follow) {
            when_running(follow, [this](auto& news) { to_account(news); });
        },
        [this](AccountOrder& order) {
            when_running(order, [this](auto& news) { route_order(news); });
        },
        [this](ToHome& news) { when_running(news, [this](auto& one) { to_home(one); }); },
        [this](const QuotaTold& told) {
            when_running(told, [this](const auto& news) { send(journal_, news); });
        },
        [this](const PauseTold& told) {
            // The home's own node was told at once, and what is on its way here may be older.
            if (!told.is_routed) return;
            context_->paused.hear(told.broker, told.shard, told.is_paused);
        },
        [this](const HouseTold& told) {
            if (told.broker.v >= context_->brokers.size()) return;
            const auto& broker = context_->broker(told.broker);
            if (told.universe == broker.parameters->fingerprint()) broker.house.hear(told.standing);
        },
        [this](const PriceTold& told) {
            const bool is_new = context_->last_prices.hear(told.broker, told.prices);
            if (is_new && is_running_) send(journal_, SettleContracts{});
        },
        [this](const Recovered& recovered) { on_recovered(recovered); },
        [this](const PartitionLost& lost) { on_lost(lost); },
        [this](Passivated& passivated) { on_passivated(passivated); },
        [this](const NotPassivated& kept) { on_not_passivated(kept); },
        [this](MachineBack& back) { on_machine(back); },
        [this](const Retire& retire) { on_retire(retire); },
        [this](PartitionTick) { on_tick(); },
        [this](VariationCycle) {
            if (is_running_) send(journal_, SettleContracts{});
        },
        [this](OperatorAsk& ask) {
            if (refuse(ask)) return;
            ToHome news{ask.entity, ask};
            to_home(news);
        },
        [this](HouseFollow& follow) { on_house_follow(follow); },
        [this](const LaneOrder& order) {
            const auto lane =
                lanes_.find({base::broker_of(order.order.ref.origin), order.order.shard});
            if (lane != lanes_.end()) send(lane->second, order);
        },
        [this](PartitionLeave) { on_leave(); },
        [this](PartitionRelease) {
            door_ = nullptr;
            quit();
        },
    };
}

// Answers where a request cannot be taken just now. Returns whether it did.
template <class Ask>
bool PartitionHost::refuse(const Ask& ask) {
    auto refusal = refusal_of_ask();
    if (!refusal) return false;
    send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = std::move(*refusal)});
    return true;
}

// What comes while the journal is still being read waits for that.
template <class Message, class Then>
void PartitionHost::when_running(Message& message, Then then) {
    if (is_running_) {
        then(message);
    } else if (status().phase == PartitionStatus::Phase::recovering) {
        early_.emplace_back(std::move(message));
    }
}

void PartitionHost::on_retire(const Retire& retire) {
    // Ended, not only forgotten: a wake that is still due would keep it for as long.
    if (const auto found = home_.find(retire.entity); found != home_.end()) {
        send_exit(found->second, caf::exit_reason::kill);
        home_.erase(found);
    }
    waking_.erase(retire.entity);
}

void PartitionHost::on_house_follow(HouseFollow& follow) {
    ToHome news{base::entity_of(base::EntityKind::netting, follow.channel.broker),
                std::move(follow)};
    if (is_running_ && to_publish_.empty()) {
        to_home(news);
    } else if (is_running_ || status().phase == PartitionStatus::Phase::recovering) {
        follows_.push_back(std::move(news));
    }
}

std::optional<Refusal> PartitionHost::refusal_of_ask() const {
    if (is_leaving_) return not_owner("the partition is being handed over: retry");
    return refusal_at_door(*context_, partition_);
}

template <class One>
void PartitionHost::to_account(One& news) {
    const auto found = active_.find(news.account);
    if (found == active_.end()) {
        wake(base::entity_of(news.account)).emplace_back(std::move(news));
        return;
    }
    auto& active = found->second;
    active.used_at = context_->now();
    if (active.is_leaving) {
        active.waiting.emplace_back(std::move(news));
    } else {
        send(active.actor, std::move(news));
    }
}

// Accounts speak to their own partition; the other account may live in another one.
void PartitionHost::route_order(AccountOrder& order) {
    const auto partition = base::partition_of(order.account, context_->partitions);
    if (partition != partition_) return send(doors_(partition), std::move(order));
    to_account(order);
}

void PartitionHost::start_account(base::AccountId account, ledger::account::State state) {
    const auto self = caf::actor_cast<PartitionActor>(this);
    // One that owes something begins by itself: it says so again until it has been heard.
    const bool is_owing = !ledger::account::outstanding(state).empty();
    active_[account] =
        Active{.actor = is_owing ? spawn<AccountHost>(context_, std::move(state), journal_, self)
                                 : spawn<AccountHost, caf::lazy_init>(context_, std::move(state),
                                                                      journal_, self),
               .used_at = context_->now(),
               .is_leaving = false,
               .waiting = {}};
    context_->instruments->cluster.actors.with({"account"}).add(1);
}

// After a restart others hear again of what they may not have heard.
void PartitionHost::tell_owed(const ledger::account::State& account) {
    for (const auto& effect : ledger::account::outstanding(account)) {
        if (auto order = order_from(effect, context_->now())) {
            route_order(*order);
        } else {
            send(doors_(base::home_of(base::broker_of(account.id), context_->partitions)),
                 to_withdrawal(effect, context_->now()));
        }
    }
}

void PartitionHost::on_passivated(Passivated& passivated) {
    const auto found = active_.find(passivated.account);
    if (found == active_.end()) return;
    auto waiting = std::move(found->second.waiting);
    active_.erase(found);
    context_->instruments->cluster.actors.with({"account"}).add(-1);
    context_->log(LogLevel::debug, "An account sleeps.",
                  {{"account", base::to_string(passivated.account)}});
    for (auto& news : waiting) std::visit([&](auto& one) { to_account(one); }, news);
}

void PartitionHost::on_not_passivated(const NotPassivated& kept) {
    const auto found = active_.find(kept.account);
    if (found == active_.end()) return;
    auto waiting = std::move(found->second.waiting);
    found->second.is_leaving = false;
    found->second.waiting.clear();
    found->second.used_at = context_->now();
    for (auto& news : waiting) std::visit([&](auto& one) { to_account(one); }, news);
}

std::deque<PartitionHost::News>& PartitionHost::wake(const base::EntityId& entity) {
    const auto [found, is_first] = waking_.try_emplace(entity);
    if (is_first) send(snapshots_, WantMachine{entity});
    return found->second;
}

void PartitionHost::on_machine(MachineBack& back) {
    if (back.is_over && back.state) on_ended(*back.state);
    const auto found = waking_.find(back.entity);
    if (found == waking_.end()) return;
    auto waiting = std::move(found->second);
    waking_.erase(found);
    // Late news of what is over: nobody waits for an answer to them.
    if (back.is_over) return;
    if (back.entity.kind == base::EntityKind::account) {
        auto& state = std::get<ledger::account::State>(*back.state);
        const auto id = state.id;
        const bool is_owing = to_tell_.erase(id) > 0;
        if (is_owing) tell_owed(state);
        if (is_owing || !waiting.empty()) start_account(id, std::move(state));
    } else if (const auto host = start_home(std::move(*back.state))) {
        home_.emplace(back.entity, host);
    }
    for (auto& news : waiting) {
        std::visit(
            [&](auto& one) {
                if constexpr (std::is_same_v<std::decay_t<decltype(one)>, ToHome>) {
                    to_home(one);
                } else {
                    to_account(one);
                }
            },
            news);
    }
    if (!is_running_) go_on();
}

void PartitionHost::to_home(ToHome& news) {
    // Accounts and journals speak to their own partition; the machine may live in another one.
    const auto home = base::home_of(base::broker_of(news.entity), context_->partitions);
    if (home != partition_) return send(doors_(home), std::move(news));
    if (!has_host(news.entity)) return refuse_hostless(news);
    if (const auto host = home_.find(news.entity); host != home_.end()) {
        send(host->second, std::move(news));
    } else {
        wake(base::EntityId{news.entity}).emplace_back(std::move(news));
    }
}

// A node that is configured otherwise may take a shard for one whose orders are signed.
bool PartitionHost::has_host(const base::EntityId& entity) const {
    if (entity.kind != base::EntityKind::signing) return true;
    const base::ShardId shard{static_cast<std::uint16_t>(entity.sub)};
    const auto found = context_->shards.find({base::broker_of(entity), shard});
    return found != context_->shards.end() && found->second->desk() != nullptr;
}

void PartitionHost::refuse_hostless(const ToHome& news) {
    const auto* ask = std::get_if<OperatorAsk>(&news.news);
    if (ask != nullptr) {
        send(ask->from, AnswerReady{.ticket = ask->ticket, .answer = wrong_desk()});
    }
}

HomeActor PartitionHost::start_home(ledger::EntityState state) {
    const auto entity = ledger::entity_of(state);
    const HomeParts parts{.context = context_,
                          .entity = entity,
                          .journal = journal_,
                          .home = caf::actor_cast<PartitionActor>(this),
                          .doors = doors_};
    if (auto* house = std::get_if<ledger::netting::State>(&state)) {
        return spawn<NettingHost>(parts, std::move(*house));
    }
    if (auto* task = std::get_if<ledger::hedge::State>(&state)) {
        return spawn<HedgeHost>(parts, std::move(*task));
    }
    if (auto* duty = std::get_if<ledger::instruction::State>(&state)) {
        return spawn<InstructionHost>(parts, std::move(*duty));
    }
    if (auto* payment = std::get_if<ledger::withdrawal::State>(&state)) {
        return spawn<WithdrawalHost>(parts, std::move(*payment));
    }
    const base::ShardId shard{static_cast<std::uint16_t>(entity.sub)};
    const std::pair key{base::broker_of(entity), shard};
    if (auto* lane = std::get_if<ledger::signing::State>(&state)) {
        auto signer = spawn<SigningHost>(parts, std::move(*lane), lanes_.at(key),
                                         context_->shards.at(key)->desk());
        // From here, not by the signer once it runs: no order passes this on its way.
        send(lanes_.at(key), LaneSigner{signer});
        return signer;
    }
    auto& reconciler = std::get<ledger::reconcile::State>(state);
    return spawn<ReconcilerHost>(parts, std::move(reconciler), lanes_.at(key));
}

void PartitionHost::start_lanes() {
    for (const auto& [key, shard] : context_->shards) {
        if (base::home_of(key.first, context_->partitions) != partition_) continue;
        lanes_[key] = spawn<LaneHost>(context_, key.first, key.second, shard.get(),
                                      caf::actor_cast<PartitionActor>(this));
    }
}

void PartitionHost::on_recovered(const Recovered& recovered) {
    if (end_) return;
    snapshots_ = recovered.snapshots;
    // From here on the accounts count it up and down.
    context_->instruments->settlement.settlements_in_flight.with({std::to_string(partition_.v)})
        .set(static_cast<double>(recovered.claims));
    context_->log(LogLevel::info, "A partition is read.",
                  {{"partition", std::to_string(partition_.v)},
                   {"epoch", std::to_string(status().log.load().fence.epoch)},
                   {"accounts", std::to_string(recovered.accounts)}});
    start_lanes();
    to_wake_ = {recovered.open.begin(), recovered.open.end()};
    to_tell_ = {recovered.owing.begin(), recovered.owing.end()};
    to_publish_ = {recovered.ended.begin(), recovered.ended.end()};
    // Reconcilers and signers first: a lane that is frozen must know it, and one whose orders are
    // signed must know by whom, before any order is asked for again.
    for (const auto& [key, lane] : lanes_) {
        const auto wake_host = [&](base::EntityKind kind) {
            const auto entity = base::entity_of(kind, key.first, key.second);
            wake(entity).emplace_back(ToHome{entity, Resume{}});
        };
        wake_host(base::EntityKind::reconcile);
        if (context_->shards.at(key)->desk() != nullptr) wake_host(base::EntityKind::signing);
        to_wake_.insert(base::entity_of(base::EntityKind::netting, key.first));
    }
    go_on();
}

// Once the reconcilers are here.
void PartitionHost::go_on() {
    if (!waking_.empty()) return;
    status().phase.store(PartitionStatus::Phase::running, std::memory_order_relaxed);
    is_running_ = true;
    context_->instruments->cluster.partitions_owned.add(1);
    context_->log(LogLevel::info, "A partition is running.",
                  {{"partition", std::to_string(partition_.v)}});
    const auto to_wake = std::exchange(to_wake_, {});
    for (const auto& entity : to_wake) {
        Resume resume;
        if (entity.kind == base::EntityKind::netting) {
            std::ranges::copy_if(to_wake, std::back_inserter(resume.withdrawals),
                                 [&](const base::EntityId& other) {
                                     return other.kind == base::EntityKind::withdrawal &&
                                            base::broker_of(other) == base::broker_of(entity);
                                 });
        }
        ToHome news{entity, std::move(resume)};
        to_home(news);
    }
    for (const auto& account : to_tell_) wake(base::entity_of(account));
    for (const auto& task : to_publish_) {
        send(snapshots_, WantMachine{.entity = task, .is_ended_told = true});
    }
    let_follow();
    for (auto& news : std::exchange(early_, {})) {
        std::visit([this](auto& one) { send(this, std::move(one)); }, news);
    }
}

// Their channel shows the latest, which have no host any more.
void PartitionHost::on_ended(const ledger::EntityState& state) {
    const auto& task = std::get<ledger::hedge::State>(state);
    to_publish_.erase(task.id);
    if (task.phase == ledger::hedge::Phase::finished) {
        ToHome news{base::entity_of(base::EntityKind::netting, base::broker_of(task.id)),
                    HedgePublished{hedge_news(task)}};
        to_home(news);
    }
    let_follow();
}

// Who follows a house begins with all that it has told.
void PartitionHost::let_follow() {
    if (!is_running_ || !to_publish_.empty()) return;
    for (auto& news : std::exchange(follows_, {})) to_home(news);
}

void PartitionHost::on_tick() {
    delayed_send(this, as_chrono(base::seconds(1)), PartitionTick{});
    if (!is_running_ || status().is_stuck.load(std::memory_order_relaxed)) return;
    const auto now = context_->now();
    for (auto& [account, active] : active_) {
        if (active.is_leaving || now - active.used_at < context_->options.idle_after) continue;
        active.is_leaving = true;
        send(active.actor, Passivate{});
    }
}

}  // namespace crossclear::actors
