#include "actors/partition_actor.hpp"

#include "actors/account_actor.hpp"
#include "actors/chrono.hpp"
#include "actors/hedge_actor.hpp"
#include "actors/hedge_news.hpp"
#include "actors/instruction_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/lane_actor.hpp"
#include "actors/netting_actor.hpp"
#include "actors/reconciler_actor.hpp"
#include "actors/refusals.hpp"
#include "actors/to_withdrawal.hpp"
#include "actors/withdrawal_actor.hpp"
#include "base/limits.hpp"
#include "ledger/journal/codec.hpp"

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

// Recovered accounts that are put to sleep at once; more would crowd out the commands.
constexpr std::size_t rest_batch = 256;

template <class Machines>
typename Machines::mapped_type state_of(Machines& machines, const base::EntityId& entity) {
    typename Machines::mapped_type state;
    if (const auto found = machines.find(entity); found != machines.end()) {
        state = std::move(found->second);
        machines.erase(found);
    }
    state.id = entity;
    return state;
}

}  // namespace

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
            if (auto refusal = refusal_of_ask()) {
                send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = std::move(*refusal)});
                return;
            }
            to_account(ask);
        },
        [this](AccountFollow& follow) {
            if (is_running_) {
                to_account(follow);
            } else if (status().phase == PartitionStatus::Phase::recovering) {
                early_.emplace_back(std::move(follow));
            }
        },
        [this](AccountOrder& order) {
            if (is_running_) {
                to_account(order);
            } else if (status().phase == PartitionStatus::Phase::recovering) {
                early_.emplace_back(std::move(order));
            }
        },
        [this](ToHome& news) {
            if (is_running_) {
                to_home(news);
            } else if (status().phase == PartitionStatus::Phase::recovering) {
                early_.emplace_back(std::move(news));
            }
        },
        [this](const QuotaTold& told) {
            if (is_running_) {
                send(journal_, told);
            } else if (status().phase == PartitionStatus::Phase::recovering) {
                early_.emplace_back(told);
            }
        },
        [this](const Recovered& recovered) { on_recovered(recovered); },
        [this](const PartitionLost& lost) { on_lost(lost); },
        [this](Passivated& passivated) { on_passivated(passivated); },
        [this](const NotPassivated& kept) { on_not_passivated(kept); },
        [this](SnapshotKept& kept) { on_snapshot_kept(kept); },
        [this](const SnapshotBack& back) { on_snapshot_back(back); },
        [this](const Retire& retire) {
            // Ended, not only forgotten: a wake that is still due would keep it for as long.
            if (const auto found = home_.find(retire.entity); found != home_.end()) {
                send_exit(found->second, caf::exit_reason::kill);
                home_.erase(found);
            }
            retired_.insert(retire.entity);
        },
        [this](PartitionTick) { on_tick(); },
        [this](VariationCycle) {
            if (is_running_) send(journal_, SettleContracts{});
        },
        [this](OperatorAsk& ask) {
            if (auto refusal = refusal_of_ask()) {
                send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = std::move(*refusal)});
                return;
            }
            ToHome news{ask.entity, ask};
            to_home(news);
        },
        [this](HouseFollow& follow) {
            ToHome news{base::entity_of(base::EntityKind::netting, follow.channel.broker),
                        std::move(follow)};
            if (is_running_) {
                to_home(news);
            } else if (status().phase == PartitionStatus::Phase::recovering) {
                early_.emplace_back(std::move(news));
            }
        },
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

// --- Accounts ------------------------------------------------------------------------------------

std::optional<Refusal> PartitionHost::refusal_of_ask() const {
    if (is_leaving_) {
        return Refusal{11050, "not_owner", "the partition is being handed over: retry", true};
    }
    return refusal_at_door(*context_, partition_);
}

template <class News>
void PartitionHost::to_account(News& news) {
    const auto account = news.account;
    if (auto* active = activate(account)) {
        active->used_at = context_->now();
        if (active->is_leaving) {
            active->waiting.emplace_back(std::move(news));
        } else {
            send(active->actor, std::move(news));
        }
        return;
    }
    waking_[account].emplace_back(std::move(news));
}

// The live host of an account; null while its snapshot is being read.
PartitionHost::Active* PartitionHost::activate(base::AccountId account) {
    if (const auto found = active_.find(account); found != active_.end()) return &found->second;
    if (asleep_.contains(account)) {
        wake_account(account);
        return nullptr;
    }
    ledger::account::State state;
    if (const auto rested = resting_.find(account); rested != resting_.end()) {
        state = std::move(rested->second);
        resting_.erase(rested);
    }
    state.id = account;
    start_account(account, std::move(state));
    return &active_.at(account);
}

void PartitionHost::start_account(base::AccountId account, ledger::account::State state) {
    active_[account] =
        Active{.actor = spawn<AccountHost, caf::lazy_init>(context_, std::move(state), journal_,
                                                           caf::actor_cast<PartitionActor>(this)),
               .used_at = context_->now(),
               .is_leaving = false,
               .waiting = {}};
    context_->instruments->cluster.actors.with({"account"}).add(1);
}

void PartitionHost::wake_account(base::AccountId account) {
    if (waking_.contains(account)) return;
    waking_[account];
    const auto self = caf::actor_cast<PartitionActor>(this);
    context_->journal->read_snapshot(
        partition_, base::entity_of(account), [self, account](auto outcome) {
            caf::anon_send(self, SnapshotBack{account, std::move(outcome)});
        });
}

void PartitionHost::on_snapshot_back(const SnapshotBack& back) {
    const auto asleep = asleep_.find(back.account);
    if (asleep == asleep_.end()) return;
    const auto* read = std::get_if<ledger::journal::SnapshotRead>(&back.outcome);
    const bool is_damaged = std::holds_alternative<ledger::journal::Damaged>(back.outcome);
    if (read == nullptr && !is_damaged) {
        // Not known yet: ask again, the commands wait meanwhile.
        const auto account = back.account;
        run_delayed(as_chrono(context_->options.append_retry), [this, account] {
            auto waiting = std::move(waking_[account]);
            waking_.erase(account);
            wake_account(account);
            waking_[account] = std::move(waiting);
        });
        return;
    }
    const bool is_there =
        !is_damaged && !read->found.empty() && read->found.front().at.seq >= asleep->second;
    auto state = is_there ? ledger::journal::decode_state(read->found.front().state)
                          : base::Result<ledger::account::State, ledger::journal::CodecError>{
                                base::Failure{ledger::journal::CodecError{}}};
    if (!state) {
        on_lost({.is_broken = true,
                 .why = "the snapshot of account " + base::to_string(back.account) +
                        " is gone or damaged"});
        return;
    }
    asleep_.erase(asleep);
    start_account(back.account, std::move(*state));
    auto waiting = std::move(waking_[back.account]);
    waking_.erase(back.account);
    for (auto& news : waiting) std::visit([&](auto& one) { to_account(one); }, news);
}

void PartitionHost::on_passivated(Passivated& passivated) {
    const auto found = active_.find(passivated.account);
    if (found == active_.end()) return;
    const auto self = caf::actor_cast<PartitionActor>(this);
    // All that the account ever appended is durable, so its state is true at the latest record.
    const auto standing = status().log.load();
    const auto sequence = standing.last.seq;
    ledger::journal::EntitySnapshot snapshot{.entity = base::entity_of(passivated.account),
                                             .at = standing.last,
                                             .state = passivated.state};
    context_->journal->store_snapshot(
        partition_, standing.fence, std::move(snapshot),
        [self, account = passivated.account, state = passivated.state, sequence](auto outcome) {
            const bool is_kept = std::holds_alternative<ledger::journal::SnapshotStored>(outcome);
            caf::anon_send(self, SnapshotKept{account, is_kept, state, sequence});
        });
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

void PartitionHost::on_snapshot_kept(SnapshotKept& kept) {
    const auto found = active_.find(kept.account);
    if (found == active_.end()) return;
    auto waiting = std::move(found->second.waiting);
    active_.erase(found);
    context_->instruments->cluster.actors.with({"account"}).add(-1);
    auto state = ledger::journal::decode_state(kept.state);
    CHECK(state.has_value(), "a state that was just written can be read");
    if (kept.is_kept && waiting.empty()) {
        asleep_[kept.account] = kept.sequence;
        return;
    }
    // Wanted again meanwhile, or the store did not take it: the state is still here.
    resting_[kept.account] = std::move(*state);
    for (auto& news : waiting) std::visit([&](auto& one) { to_account(one); }, news);
}

// --- Home machines -------------------------------------------------------------------------------

void PartitionHost::to_home(ToHome& news) {
    // Accounts and journals speak to their own partition; the machine may live in another one.
    const auto home = base::home_of(base::broker_of(news.entity), context_->partitions);
    if (home != partition_) return send(doors_(home), std::move(news));
    if (retired_.contains(news.entity)) return;
    const auto host = home_host(news.entity);
    if (host) send(host, std::move(news));
}

HomeActor PartitionHost::home_host(const base::EntityId& entity) {
    if (const auto found = home_.find(entity); found != home_.end()) return found->second;
    auto host = start_home(entity);
    if (host) home_.emplace(entity, host);
    return host;
}

HomeActor PartitionHost::start_home(const base::EntityId& entity) {
    const HomeParts parts{.context = context_,
                          .entity = entity,
                          .journal = journal_,
                          .home = caf::actor_cast<PartitionActor>(this),
                          .doors = doors_};
    switch (entity.kind) {
        case base::EntityKind::netting: {
            auto state = state_of(recovered_.houses, entity);
            state.partitions = context_->partitions;
            return spawn<NettingHost>(parts, std::move(state));
        }
        case base::EntityKind::hedge:
            return spawn<HedgeHost>(parts, state_of(recovered_.hedges, entity));
        case base::EntityKind::instruction:
            return spawn<InstructionHost>(parts, state_of(recovered_.instructions, entity));
        case base::EntityKind::withdrawal:
            return spawn<WithdrawalHost>(parts, state_of(recovered_.withdrawals, entity));
        case base::EntityKind::reconcile: {
            const auto broker = base::broker_of(entity);
            const base::ShardId shard{static_cast<std::uint16_t>(entity.sub)};
            return spawn<ReconcilerHost>(parts, state_of(recovered_.reconcilers, entity),
                                         lanes_.at({broker, shard}));
        }
        case base::EntityKind::account:
        case base::EntityKind::cover:
        case base::EntityKind::partition:
            break;
    }
    context_->log(LogLevel::error, "News for a machine that has no host.",
                  {{"entity", base::to_string(entity)}});
    return {};
}

void PartitionHost::start_lanes() {
    for (const auto& [key, shard] : context_->shards) {
        if (base::home_of(key.first, context_->partitions) != partition_) continue;
        lanes_[key] = spawn<LaneHost>(context_, key.first, key.second, shard.get(),
                                      caf::actor_cast<PartitionActor>(this));
    }
}

// --- Life of the partition -----------------------------------------------------------------------

void PartitionHost::on_recovered(const Recovered& recovered) {
    recovered_ = std::move(*recovered.partition);
    publish_in_flight();
    for (auto& [account, state] : recovered_.accounts) {
        for (const auto& effect : ledger::account::outstanding(state)) {
            send(doors_(base::home_of(base::broker_of(account), context_->partitions)),
                 to_withdrawal(effect, context_->now()));
        }
        resting_.emplace(account, std::move(state));
    }
    recovered_.accounts.clear();
    status().phase.store(PartitionStatus::Phase::running, std::memory_order_relaxed);
    is_running_ = true;
    context_->instruments->cluster.partitions_owned.add(1);
    context_->log(LogLevel::info, "A partition is running.",
                  {{"partition", std::to_string(partition_.v)},
                   {"epoch", std::to_string(status().log.load().fence.epoch)},
                   {"accounts", std::to_string(resting_.size())}});
    start_lanes();
    note_ended_hedges();
    for (const auto& [id, state] : recovered_.hedges) {
        (ledger::is_over(recovered_, state) ? retired_ : to_wake_).insert(id);
    }
    for (const auto& [id, state] : recovered_.instructions) {
        (ledger::is_over(recovered_, state) ? retired_ : to_wake_).insert(id);
    }
    for (const auto& [id, state] : recovered_.withdrawals) {
        (ledger::is_over(state) ? retired_ : to_wake_).insert(id);
    }
    for (const auto& [key, lane] : lanes_) {
        to_wake_.insert(base::entity_of(base::EntityKind::reconcile, key.first, key.second));
        to_wake_.insert(base::entity_of(base::EntityKind::netting, key.first));
    }
    // Reconcilers first: a lane that is frozen must know it before any order is asked for again.
    const auto woken = std::exchange(to_wake_, {});
    for (const bool is_first_round : {true, false}) {
        for (const auto& entity : woken) {
            if ((entity.kind == base::EntityKind::reconcile) != is_first_round) continue;
            ToHome news{entity, Resume{}};
            to_home(news);
        }
    }
    republish_hedges();
    recovered_ = {};
    for (auto& news : std::exchange(early_, {})) {
        std::visit([this](auto& one) { send(this, std::move(one)); }, news);
    }
}

// Those that have ended have no host any more; the latest are told again, as their channel shows
// them.
void PartitionHost::republish_hedges() {
    for (const auto& [task, ended] : std::exchange(told_hedges_, {})) {
        ToHome news{base::entity_of(base::EntityKind::netting, base::broker_of(task)),
                    HedgePublished{ended}};
        to_home(news);
    }
}

void PartitionHost::note_ended_hedges() {
    std::map<base::BrokerId, std::size_t> noted;
    for (auto task = recovered_.hedges.rbegin(); task != recovered_.hedges.rend(); ++task) {
        if (task->second.phase != ledger::hedge::Phase::finished) continue;
        if (++noted[base::broker_of(task->first)] > base::limits::hedges_published_max) continue;
        told_hedges_.emplace(task->first, hedge_news(task->second));
    }
}

// From here on the accounts count it up and down.
void PartitionHost::publish_in_flight() const {
    std::size_t open = 0;
    for (const auto& [id, account] : recovered_.accounts) {
        for (const auto& [number, trade] : account.trades) {
            if (trade.open > base::Amount{0}) ++open;
        }
    }
    context_->instruments->settlement.settlements_in_flight.with({std::to_string(partition_.v)})
        .set(static_cast<double>(open));
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
    rest_some();
}

// Folded accounts that nobody has asked for go to the store, a few at a time.
void PartitionHost::rest_some() {
    std::vector<base::AccountId> chosen;
    for (const auto& [account, state] : resting_) {
        if (chosen.size() == rest_batch) break;
        chosen.push_back(account);
    }
    for (const auto& account : chosen) {
        // The same way as every passivation: an actor for a moment, then its snapshot.
        if (auto* active = activate(account)) {
            active->is_leaving = true;
            send(active->actor, Passivate{});
        }
    }
}

}  // namespace crossclear::actors
