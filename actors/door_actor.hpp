#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <functional>
#include <map>
#include <utility>

namespace crossclear::actors {

/// This node's door to one partition. The node says where the partition is owned; the door brings
/// what comes to it there, makes the host of a partition that is owned here, and replaces it when
/// it is owned here again. What one host leaves behind can therefore never reach the next.
///
/// What cannot be brought anywhere is lost, but for requests, which are refused: whoever asked for
/// it asks again, as after any lost message.
class DoorHost : public DoorActor::base {
public:
    DoorHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
             std::function<DoorActor(base::PartitionId)> doors);

    DoorActor::behavior_type make_behavior() override;
    void on_exit() override;

private:
    using Where = DoorRoute::Where;
    /// Whoever follows, from this node, and what.
    using Followers = std::map<std::pair<caf::actor_addr, Channel>, SessionActor>;

    void on_route(const DoorRoute& route);
    void on_ended(const PartitionEnded& ended);
    void open();
    void on_follow(AccountFollow& follow);
    void on_follow(HouseFollow& follow);
    void note_follower(const SessionActor& from, const Channel& channel, bool is_following);
    void follow_again();
    [[nodiscard]] Refusal refusal() const;
    template <class Message>
    bool bring(Message& message);

    [[nodiscard]] PartitionStatus& status() const { return *context_->status[partition_.v]; }

    const Context* context_;
    base::PartitionId partition_;
    std::function<DoorActor(base::PartitionId)> doors_;
    Where where_{Where::nowhere};
    bool is_broken_{};     ///< It stays closed until an operator has looked at it.
    PartitionActor here_;  ///< While it is owned here, and until it has let go.
    DoorActor there_;
    caf::strong_actor_ptr node_;
    Followers followers_;
};

}  // namespace crossclear::actors
