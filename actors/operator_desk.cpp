#include "actors/operator_desk.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

const char* name_of(PartitionStatus::Phase phase) {
    switch (phase) {
        case PartitionStatus::Phase::recovering:
            return "recovering";
        case PartitionStatus::Phase::running:
            return "running";
        case PartitionStatus::Phase::lost:
            return "lost";
        case PartitionStatus::Phase::broken:
            return "broken";
        case PartitionStatus::Phase::elsewhere:
            return "elsewhere";
        case PartitionStatus::Phase::unowned:
            return "unowned";
    }
    UNREACHABLE("an unlisted phase of a partition");
}

bool is_about(const OperatorRequest& request, base::BrokerId broker, base::ShardId shard) {
    if (const auto* look = std::get_if<Reconcile>(&request)) return look->shard == shard;
    if (const auto* pause = std::get_if<PauseShard>(&request)) return pause->shard == shard;
    if (const auto* resolve = std::get_if<ResolveBreak>(&request)) {
        return resolve->of.shard == shard && resolve->of.broker == broker;
    }
    return std::holds_alternative<GetBreaks>(request);
}

bool is_for_houses(const OperatorRequest& request) {
    return std::holds_alternative<GetHouses>(request) ||
           std::holds_alternative<GetExpiries>(request) ||
           std::holds_alternative<ProposePrice>(request) ||
           std::holds_alternative<DisputePrice>(request);
}

// What several lanes say, as one. A pause is a repeat where it was one for every lane.
void add(Answer& whole, Answer part) {
    if (std::holds_alternative<Refusal>(whole)) return;
    if (std::holds_alternative<Refusal>(part)) {
        whole = std::move(part);
    } else if (auto* lanes = std::get_if<LanesView>(&whole)) {
        auto& more = std::get<LanesView>(part).lanes;
        std::move(more.begin(), more.end(), std::back_inserter(lanes->lanes));
    } else if (auto* houses = std::get_if<HousesView>(&whole)) {
        auto& more = std::get<HousesView>(part).houses;
        std::move(more.begin(), more.end(), std::back_inserter(houses->houses));
    } else if (auto* ends = std::get_if<ExpiriesView>(&whole)) {
        auto& more = std::get<ExpiriesView>(part).expiries;
        std::move(more.begin(), more.end(), std::back_inserter(ends->expiries));
    } else if (auto* pause = std::get_if<ShardPauseSet>(&whole)) {
        pause->is_repeat = pause->is_repeat && std::get<ShardPauseSet>(part).is_repeat;
    }
}

// Where no broker has taken a command.
std::optional<Answer> refusal_of_all(const ExpiriesView& view) {
    const auto is_refused = [](const ExpiryLine& line) { return line.refused_code != 0; };
    const auto& lines = view.expiries;
    if (lines.empty() || !std::all_of(lines.begin(), lines.end(), is_refused)) return std::nullopt;
    return Refusal{.code = lines.front().refused_code,
                   .reason = lines.front().refused,
                   .hint = lines.front().hint,
                   .retryable = false};
}

}  // namespace

std::optional<Answer> OperatorDesk::answer_at_once(const OperatorRequest& request) const {
    if (std::holds_alternative<GetPartitions>(request)) return partitions();
    if (std::holds_alternative<GetNodes>(request)) return nodes();
    return std::nullopt;
}

std::vector<base::EntityId> OperatorDesk::hosts_of(const OperatorRequest& request) const {
    std::vector<base::EntityId> entities;
    if (const auto* resume = std::get_if<ResumeLane>(&request)) {
        const auto lane = context_->shards.find({resume->broker, resume->shard});
        if (lane != context_->shards.end() && lane->second->desk() != nullptr) {
            entities.push_back(
                base::entity_of(base::EntityKind::signing, resume->broker, resume->shard));
        }
        return entities;
    }
    if (is_for_houses(request)) {
        for (const auto& broker : context_->brokers) {
            entities.push_back(base::entity_of(base::EntityKind::netting, broker->profile.id));
        }
        return entities;
    }
    for (const auto& [key, adapter] : context_->shards) {
        if (!is_about(request, key.first, key.second)) continue;
        entities.push_back(base::entity_of(base::EntityKind::reconcile, key.first, key.second));
    }
    return entities;
}

Refusal OperatorDesk::no_host_of(const OperatorRequest& request) const {
    const char* hint = "no broker works on that shard; see operator/get_breaks";
    if (const auto* resume = std::get_if<ResumeLane>(&request)) {
        const bool has_shard = context_->shards.contains({resume->broker, resume->shard});
        hint = has_shard ? "that shard is simulated: nothing is signed there, and no lane halts"
                         : "that broker does not work on that shard; see operator/get_breaks";
    } else if (std::holds_alternative<ResolveBreak>(request)) {
        hint = "that broker does not work on that shard; see operator/get_breaks";
    }
    return {.code = -32602, .reason = "no_such_lane", .hint = hint, .retryable = false};
}

std::optional<Answer> OperatorDesk::gather(std::uint64_t ticket, Answer part) {
    const auto found = gathering_.find(ticket);
    if (found == gathering_.end()) return part;  // Asked of one only.
    auto& gathering = found->second;
    if (gathering.whole) {
        add(*gathering.whole, std::move(part));
    } else {
        gathering.whole = std::move(part);
    }
    if (--gathering.left > 0) return std::nullopt;
    auto whole = std::move(gathering.whole);
    gathering_.erase(found);
    if (auto* lanes = std::get_if<LanesView>(&*whole)) {
        std::sort(lanes->lanes.begin(), lanes->lanes.end(), [](const auto& a, const auto& b) {
            return std::pair{a.shard, a.broker} < std::pair{b.shard, b.broker};
        });
    } else if (auto* ends = std::get_if<ExpiriesView>(&*whole)) {
        std::sort(ends->expiries.begin(), ends->expiries.end(), [](const auto& a, const auto& b) {
            return std::pair{a.instrument, a.broker} < std::pair{b.instrument, b.broker};
        });
        if (auto refusal = refusal_of_all(*ends)) return refusal;
    } else if (auto* houses = std::get_if<HousesView>(&*whole)) {
        std::sort(houses->houses.begin(), houses->houses.end(),
                  [](const auto& a, const auto& b) { return a.broker < b.broker; });
    }
    return whole;
}

PartitionsView OperatorDesk::partitions() const {
    PartitionsView view;
    for (std::size_t i = 0; i < context_->status.size(); ++i) {
        const auto& status = *context_->status[i];
        const auto standing = status.log.load();
        view.partitions.push_back({.partition = base::PartitionId{static_cast<std::uint16_t>(i)},
                                   .phase = name_of(status.phase.load(std::memory_order_relaxed)),
                                   .epoch = standing.fence.epoch,
                                   .sequence = standing.last.seq,
                                   .appends_waiting = status.queued.load(),
                                   .is_stuck = status.is_stuck.load(std::memory_order_relaxed)});
    }
    return view;
}

NodesView OperatorDesk::nodes() const {
    NodeLine line{.name = context_->among ? context_->among->name : std::string{},
                  .cluster = context_->cluster,
                  .partitions_running = 0,
                  .partitions = context_->status.size(),
                  .trouble = context_->journal->trouble(),
                  .at = context_->now()};
    for (const auto& status : context_->status) {
        const bool is_running = status->phase.load() == PartitionStatus::Phase::running;
        line.partitions_running += is_running ? 1U : 0U;
    }
    NodesView view{.nodes = {std::move(line)}};
    // Of the others it is known that they live, and whether they can be reached.
    const auto standing = context_->node.load();
    for (const auto& member : standing.members) {
        if (member.name == view.nodes.front().name) continue;
        const bool is_linked = std::find(standing.linked.begin(), standing.linked.end(),
                                         member.name) != standing.linked.end();
        view.nodes.push_back({.name = member.name,
                              .cluster = context_->cluster,
                              .partitions_running = 0,
                              .partitions = context_->status.size(),
                              .trouble = is_linked ? "" : "not reached from here",
                              .at = context_->now()});
    }
    return view;
}

}  // namespace crossclear::actors
