#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace crossclear::actors {

/// The node's own clockwork: runs the cycles that no single partition owns, and its part in the
/// cluster.
///
/// Every so often it says in the directory that it lives, and learns who else does and who holds
/// which lease. From that, every node computes the same assignment. A partition is opened here once
/// its lease is held, and handed over once another node should have it: nothing more is taken, what
/// is under way becomes durable, then the lease is given up. All of this only says who should try;
/// who may write is decided by the fence in every append.
///
/// What a node owns must be reachable from the others. So every beat also tells whom this node
/// reaches, and partitions are dealt out among the largest company of nodes that reach each other,
/// directly or through third ones. Every node finds the same company in the same view; a node
/// outside of it, refused for its certificate or its release, or cut off, takes nothing.
class NodeHost : public NodeActor::base {
public:
    NodeHost(caf::actor_config& config, const Context* context, std::vector<DoorActor> doors,
             OracleActor oracle);

    NodeActor::behavior_type make_behavior() override;
    void on_exit() override;

private:
    using Where = DoorRoute::Where;

    /// Another node that lives.
    struct Link {
        store::Member member;
        base::Timestamp since;    ///< When it was first seen, or its connection was lost.
        base::Timestamp lost_at;  ///< When a connection that stood was lost; zero without one.
        bool is_connecting{};
        NodeActor node;  ///< Null until it has welcomed this one.
        std::vector<caf::strong_actor_ptr> doors;
    };
    /// What this node does with a partition.
    struct Charge {
        Where where{Where::nowhere};
        caf::strong_actor_ptr there;
        bool is_wanted{};           ///< The lease is taken, or renewed, with the next beat.
        bool is_released{};         ///< The lease is given up with the next beat.
        bool is_broken{};           ///< It is not opened again.
        base::Timestamp closed_at;  ///< When it last was let go of.
    };

    void begin(const NodeBegin& begin);
    void beat();
    void on_beaten(const BeatDone& message);
    void on_view(store::View view);
    void look(const store::View& view);
    void decide(base::PartitionId partition, const std::optional<std::string>& holder,
                const std::string& target);
    void keep(base::PartitionId partition, bool is_target);
    void route(base::PartitionId partition, Where where, caf::strong_actor_ptr there = nullptr);
    void let_everything_go();
    void leave();
    void leave_if_empty();
    void on_gone(const PartitionGone& gone);
    [[nodiscard]] std::string endpoint_and_reach() const;
    [[nodiscard]] store::View company_in(const store::View& view) const;
    [[nodiscard]] std::string why_apart();
    void say(const std::string& trouble);

    void meet(const store::View& view);
    void connect(const store::Member& member);
    void greet(const store::Member& member, const caf::strong_actor_ptr& node);
    void on_welcome(const store::Member& member, const NodeActor& node, const Welcome& welcome);
    void no_link(const store::Member& member, const std::string& why);
    Welcome on_greeting(const Greeting& greeting);
    void link(const store::Member& member, const NodeActor& node,
              const std::vector<caf::strong_actor_ptr>& doors);
    [[nodiscard]] std::vector<caf::strong_actor_ptr> own_doors() const;
    void on_relay(const MarksRelay& relay);
    void tell_marks(const NodeActor& node);

    [[nodiscard]] const ClusterOptions& among() const { return *context_->among; }

    const Context* context_;
    std::vector<DoorActor> doors_;
    OracleActor oracle_;
    store::Member self_;
    std::vector<Charge> charges_;
    std::map<std::string, Link> links_;
    std::optional<store::View> view_;
    std::map<std::string, std::string> reach_;  ///< Whom each member reaches, as it last said.
    std::optional<base::Timestamp> apart_since_;
    bool is_beating_{};
    bool is_beat_planned_{};
    bool is_beat_due_{};
    bool is_leaving_{};
    std::string trouble_;
    std::map<std::string, std::string> told_;  ///< Why a node could not be met, said once.
};

}  // namespace crossclear::actors
