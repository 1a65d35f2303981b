#include "actors/door_actor.hpp"

#include "actors/partition_actor.hpp"
#include "actors/refusals.hpp"

namespace crossclear::actors {

using Phase = PartitionStatus::Phase;

DoorHost::DoorHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
                   std::function<DoorActor(base::PartitionId)> doors)
    : DoorActor::base(config), context_(context), partition_(partition), doors_(std::move(doors)) {}

DoorActor::behavior_type DoorHost::make_behavior() {
    return {
        [this](AccountAsk& ask) {
            if (bring(ask)) return;
            send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = refusal()});
        },
        [this](OperatorAsk& ask) {
            if (bring(ask)) return;
            send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = refusal()});
        },
        [this](AccountFollow& follow) { on_follow(follow); },
        [this](HouseFollow& follow) { on_follow(follow); },
        [this](AccountOrder& order) { bring(order); },
        [this](ToHome& news) { bring(news); },
        [this](QuotaTold& told) { bring(told); },
        [this](PauseTold& told) { bring(told); },
        [this](HouseTold& told) { bring(told); },
        [this](PriceTold& told) { bring(told); },
        [this](VariationCycle cycle) {
            if (where_ == Where::here) send(here_, cycle);
        },
        [this](const DoorRoute& route) { on_route(route); },
        [this](const PartitionEnded& ended) { on_ended(ended); },
    };
}

void DoorHost::on_exit() {
    if (here_) {
        caf::anon_send(here_, PartitionLost{.is_broken = false, .is_stopping = true, .why = {}});
        caf::anon_send(here_, PartitionRelease{});
    }
    here_ = nullptr;
    there_ = nullptr;
    node_ = nullptr;
    followers_.clear();
}

template <class Message>
bool DoorHost::bring(Message& message) {
    if (where_ == Where::here) {
        send(here_, std::move(message));
        return true;
    }
    // The other node's door may be wrong about it as well: nothing is sent on twice.
    if (where_ != Where::there || message.is_routed) return false;
    message.is_routed = true;
    send(there_, std::move(message));
    return true;
}

Refusal DoorHost::refusal() const {
    if (is_broken_) return partition_stopped();
    if (where_ == Where::leaving) return not_owner("the partition is being handed over: retry");
    return not_owner("another node owns the partition, or none: retry");
}

void DoorHost::on_route(const DoorRoute& route) {
    node_ = current_sender();
    if (is_broken_) return;
    status().moves.fetch_add(1, std::memory_order_relaxed);
    there_ = caf::actor_cast<DoorActor>(route.there);
    const bool was_here = where_ == Where::here;
    where_ = route.where;
    switch (where_) {
        case Where::here:
            // One that is still letting go is replaced once it has.
            if (!here_) open();
            break;
        case Where::leaving:
            if (was_here) send(here_, PartitionLeave{});
            break;
        case Where::there:
            // One that has nothing to write would hear of no fence.
            if (was_here) send(here_, PartitionLeave{});
            if (!here_) status().phase.store(Phase::elsewhere, std::memory_order_relaxed);
            follow_again();
            break;
        case Where::nowhere:
            if (was_here) send(here_, PartitionLeave{});
            if (!here_) status().phase.store(Phase::unowned, std::memory_order_relaxed);
            break;
    }
}

void DoorHost::open() {
    auto& standing = status();
    standing.queued.store(0, std::memory_order_relaxed);
    standing.is_stuck.store(false, std::memory_order_relaxed);
    standing.phase.store(Phase::recovering, std::memory_order_relaxed);
    here_ = spawn<PartitionHost>(context_, partition_, doors_, caf::actor_cast<DoorActor>(this));
    follow_again();
}

void DoorHost::on_ended(const PartitionEnded& ended) {
    // Whatever was brought to it before this has been refused by it; now it may go.
    send(here_, PartitionRelease{});
    here_ = nullptr;
    status().moves.fetch_add(1, std::memory_order_relaxed);
    is_broken_ = ended.is_broken;
    // Another one may have been named before this one has ended.
    const auto phase = where_ == Where::there ? Phase::elsewhere : Phase::lost;
    status().phase.store(is_broken_ ? Phase::broken : phase, std::memory_order_relaxed);
    if (where_ == Where::here || where_ == Where::leaving) where_ = Where::nowhere;
    if (node_) {
        send(caf::actor_cast<NodeActor>(node_),
             PartitionGone{.partition = partition_, .is_broken = is_broken_});
    }
}

// If it cannot be brought anywhere, it is told again once there is somewhere.
void DoorHost::on_follow(AccountFollow& follow) {
    if (!follow.is_routed) note_follower(follow.from, follow.channel, follow.is_following);
    bring(follow);
}

void DoorHost::on_follow(HouseFollow& follow) {
    if (!follow.is_routed) note_follower(follow.from, follow.channel, follow.is_following);
    bring(follow);
}

void DoorHost::note_follower(const SessionActor& from, const Channel& channel, bool is_following) {
    const std::pair key{caf::actor_cast<caf::actor_addr>(from), channel};
    if (is_following) {
        followers_[key] = from;
    } else {
        followers_.erase(key);
    }
}

void DoorHost::follow_again() {
    for (const auto& [key, from] : followers_) {
        const auto& channel = key.second;
        if (channel.kind == Channel::Kind::transparency) {
            HouseFollow follow{.channel = channel, .from = from, .is_following = true};
            bring(follow);
        } else {
            AccountFollow follow{.account = channel.account,
                                 .channel = channel,
                                 .from_sequence = std::nullopt,
                                 .from = from,
                                 .is_following = true};
            bring(follow);
        }
    }
}

}  // namespace crossclear::actors
