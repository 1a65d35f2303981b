#include "actors/node_actor.hpp"

#include "actors/chrono.hpp"
#include "ledger/journal/chain.hpp"
#include "store/directory/assignment.hpp"
#include "store/directory/rules.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::actors {
namespace {

std::uint64_t fresh_incarnation() {
    const auto nonce = ledger::journal::fresh_nonce();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | nonce[i];
    return number;
}

}  // namespace

NodeHost::NodeHost(caf::actor_config& config, const Context* context, std::vector<DoorActor> doors,
                   OracleActor oracle)
    : NodeActor::base(config),
      context_(context),
      doors_(std::move(doors)),
      oracle_(std::move(oracle)),
      charges_(doors_.size()) {}

NodeActor::behavior_type NodeHost::make_behavior() {
    const auto every = as_chrono(context_->options.variation_every);
    delayed_send(this, every, VariationCycle{});
    set_down_handler([this](const caf::down_msg& gone) {
        for (auto& [name, link] : links_) {
            if (!link.node || link.node.address() != gone.source) continue;
            link.lost_at = context_->now();
            no_link(link.member, "the connection is lost");
            link.node = nullptr;
            link.doors.clear();
        }
        if (view_) look(*view_);
    });
    return {
        [this, every](VariationCycle) {
            for (const auto& door : doors_) send(door, VariationCycle{});
            delayed_send(this, every, VariationCycle{});
        },
        [this](const PartitionGone& gone) { on_gone(gone); },
        [this](const NodeBegin& message) { begin(message); },
        [this](NodeBeat) {
            is_beat_planned_ = false;
            beat();
        },
        [this](const BeatDone& message) { on_beaten(message); },
        [this](const Greeting& greeting) { return on_greeting(greeting); },
        [this](const MarksRelay& relay) { on_relay(relay); },
        [this](NodeLeave) { leave(); },
    };
}

void NodeHost::on_exit() {
    doors_.clear();
    oracle_ = nullptr;
    links_.clear();
    charges_.clear();
}

void NodeHost::begin(const NodeBegin& begin) {
    send(oracle_, OracleMeet{caf::actor_cast<NodeActor>(this)});
    if (!context_->among) {
        for (std::size_t i = 0; i < doors_.size(); ++i) {
            route(base::PartitionId{static_cast<std::uint16_t>(i)}, Where::here);
        }
        return;
    }
    self_ = {.name = among().name, .endpoint = begin.endpoint, .incarnation = fresh_incarnation()};
    for (std::size_t i = 0; i < doors_.size(); ++i) {
        context_->status[i]->phase.store(PartitionStatus::Phase::unowned);
    }
    beat();
}

void NodeHost::beat() {
    if (is_leaving_) return;
    // One at a time; what is due meanwhile goes with the next.
    if (is_beating_) {
        is_beat_due_ = true;
        return;
    }
    is_beating_ = true;
    is_beat_due_ = false;
    store::Beat beat{.self = self_, .ttl = among().lease};
    beat.self.endpoint = endpoint_and_reach();
    for (std::size_t i = 0; i < charges_.size(); ++i) {
        const base::PartitionId partition{static_cast<std::uint16_t>(i)};
        if (charges_[i].is_wanted) beat.wanted.push_back(partition);
        if (charges_[i].is_released) beat.released.push_back(partition);
    }
    const auto self = caf::actor_cast<NodeActor>(this);
    context_->directory->beat(std::move(beat), [self](store::BeatOutcome outcome) {
        caf::anon_send(self, BeatDone{std::move(outcome)});
    });
}

void NodeHost::on_beaten(const BeatDone& message) {
    is_beating_ = false;
    if (const auto* view = std::get_if<store::View>(&message.outcome)) {
        on_view(*view);
    } else if (const auto* taken = std::get_if<store::NameTaken>(&message.outcome)) {
        say("another node is called " + self_.name + " and lives at " +
            taken->endpoint.substr(0, taken->endpoint.find('|')) + ": give each its own node.name");
        let_everything_go();
    } else if (const auto* refused = std::get_if<store::BeatRefused>(&message.outcome)) {
        say(refused->reason);
    } else {
        // What is owned stays owned: whoever else may write would fence this node first.
        say(std::get<store::BeatUnknown>(message.outcome).reason);
    }
    if (is_beat_due_) return beat();
    // One that was due earlier may be on its way already: of two chains neither would end.
    if (std::exchange(is_beat_planned_, true)) return;
    delayed_send(this, as_chrono(store::wait_after(message.outcome, among().beat_every)),
                 NodeBeat{});
}

void NodeHost::say(const std::string& trouble) {
    NodeBoard::Standing standing{.trouble = trouble, .members = {}, .linked = {}};
    if (view_) standing.members = view_->members;
    for (const auto& [name, link] : links_) {
        if (link.node) standing.linked.push_back(name);
    }
    context_->node.store(std::move(standing));
    if (trouble == trouble_) return;
    trouble_ = trouble;
    if (trouble.empty()) {
        context_->log(LogLevel::info, "The node takes part in the cluster.",
                      {{"name", self_.name}, {"endpoint", self_.endpoint}});
    } else {
        context_->log(LogLevel::warning, "The node takes no part in the cluster.",
                      {{"name", self_.name}, {"reason", trouble}});
    }
}

void NodeHost::look(const store::View& view) {
    view_ = view;
    meet(view);
    const auto targets = store::assign(company_in(view), context_->partitions);
    for (std::size_t i = 0; i < charges_.size(); ++i) {
        decide(base::PartitionId{static_cast<std::uint16_t>(i)}, view.holders[i], targets[i]);
    }
}

void NodeHost::decide(base::PartitionId partition, const std::optional<std::string>& holder,
                      const std::string& target) {
    auto& charge = charges_[partition.v];
    charge.is_wanted = false;
    charge.is_released = false;
    const bool is_target = target == self_.name && !charge.is_broken && !is_leaving_;
    if (holder == self_.name) return keep(partition, is_target);
    if (holder) {
        const auto link = links_.find(*holder);
        if (link == links_.end() || link->second.doors.empty()) {
            return route(partition, Where::nowhere);
        }
        return route(partition, Where::there, link->second.doors[partition.v]);
    }
    charge.is_wanted = is_target;
    is_beat_due_ = is_beat_due_ || is_target;
    // One that was owned here and whose lease ran out is only taken again.
    const bool is_here = charge.where == Where::here;
    if (!is_here || !is_target) route(partition, is_here ? Where::leaving : Where::nowhere);
}

// The lease is this node's.
void NodeHost::keep(base::PartitionId partition, bool is_target) {
    auto& charge = charges_[partition.v];
    const bool is_open = charge.where == Where::here || charge.where == Where::leaving;
    charge.is_wanted = is_target || is_open;
    charge.is_released = !charge.is_wanted;
    is_beat_due_ = is_beat_due_ || charge.is_released;
    if (!is_target) {
        if (charge.where == Where::here) route(partition, Where::leaving);
        return;
    }
    // Whoever fenced this node may do so again at once: not faster than leases change hands.
    if (is_open || has_passed(among().beat_every, charge.closed_at, context_->now())) {
        route(partition, Where::here);
    }
}

void NodeHost::route(base::PartitionId partition, Where where, caf::strong_actor_ptr there) {
    auto& charge = charges_[partition.v];
    if (charge.where == where && charge.there == there) return;
    charge.where = where;
    charge.there = there;
    send(doors_[partition.v], DoorRoute{.where = where, .there = std::move(there)});
}

void NodeHost::let_everything_go() {
    for (std::size_t i = 0; i < charges_.size(); ++i) {
        route(base::PartitionId{static_cast<std::uint16_t>(i)}, Where::nowhere);
    }
}

void NodeHost::leave() {
    is_leaving_ = true;
    if (view_) look(*view_);
    leave_if_empty();
}

// The leases go with the membership, and the others see both in their next look.
void NodeHost::leave_if_empty() {
    if (!is_leaving_) return;
    const bool is_empty = std::none_of(charges_.begin(), charges_.end(), [](const Charge& charge) {
        return charge.where == Where::here || charge.where == Where::leaving;
    });
    if (is_empty) context_->directory->leave(self_, [](bool) {});
}

void NodeHost::on_gone(const PartitionGone& gone) {
    auto& charge = charges_[gone.partition.v];
    charge.is_broken = gone.is_broken;
    charge.closed_at = context_->now();
    if (charge.where == Where::here || charge.where == Where::leaving) {
        charge.where = Where::nowhere;
    }
    if (!context_->among || !view_) return;
    look(*view_);
    if (is_leaving_) return leave_if_empty();
    beat();
}

}  // namespace crossclear::actors
