#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/operator_desk.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace crossclear::actors {

/// One client's session inside: who speaks, what it may do, what it follows, and which answers it
/// still waits for. The socket lives in `api`.
///
/// A partition may move while it is asked. What its owner could not answer any more is asked again
/// under the same id, in the order in which the client asked, until there is an owner or too much
/// time has passed; a command takes effect once however often it is asked.
class SessionHost : public SessionActor::base {
public:
    SessionHost(caf::actor_config& config, const Context* context,
                std::shared_ptr<SessionSink> sink,
                std::function<DoorActor(base::PartitionId)> doors, OracleActor oracle);

    SessionActor::behavior_type make_behavior() override;

private:
    void on_ask(SessionAsk& message);
    void ask_operator(OperatorRequest request, std::function<void(Answer)> done);
    void on_follow(const SessionFollow& message);
    void on_unfollow(const SessionUnfollow& message);
    void on_begun(const FollowBegun& message);
    void on_published(const Published& message);
    void on_answer(AnswerReady& message);
    void on_end();
    void on_retry();
    void begin_to_follow(const Channel& channel, std::optional<std::uint64_t> from);
    void stop_following(const Channel& channel);
    void route(const Channel& channel, std::uint64_t number, std::optional<std::uint64_t> from);
    [[nodiscard]] bool may(base::AccountId account, Scope scope) const;
    [[nodiscard]] std::optional<Refusal> refusal_of(const Request& request) const;

    /// A channel that is followed, or was until its answer begins. Nothing of it is passed on
    /// before: what is told until then belongs to an earlier question.
    struct Following {
        std::uint64_t number{};                   ///< Of the question.
        std::optional<std::uint64_t> asked_from;  ///< Where that wants to begin.
        std::optional<std::uint64_t> from;        ///< Where the client wants to begin by now.
        bool is_awaited{};                        ///< The answer has not begun.
        bool is_left{};  ///< The client has left it; whoever tells it hears so once it begins.
    };
    /// A request that is not answered yet.
    struct Waiting {
        std::function<void(Answer)> done;
        Request request;
        base::PartitionId partition;
        base::Timestamp since;
        std::uint64_t moves{};  ///< The partition's count when it was sent.
        bool is_parked{};       ///< Not sent: it is asked again later.
    };
    using Tickets = std::map<std::uint64_t, Waiting>;  ///< In the client's order.

    void ask_partition(std::uint64_t ticket, Waiting& waiting);
    void park(Waiting& waiting);
    void look_again(base::Duration after);
    [[nodiscard]] bool is_worth_asking_again(const Waiting& waiting, const Answer& answer) const;
    [[nodiscard]] std::uint64_t moves_of(base::PartitionId partition) const {
        return context_->status[partition.v]->moves.load(std::memory_order_relaxed);
    }

    const Context* context_;
    std::shared_ptr<SessionSink> sink_;
    std::function<DoorActor(base::PartitionId)> doors_;
    OracleActor oracle_;
    Identity identity_;
    OperatorDesk desk_;
    std::uint64_t tickets_{};
    Tickets waiting_;
    std::map<base::PartitionId, std::size_t> parked_;  ///< How many are parked; none is absent.
    std::optional<base::Timestamp> look_at_;           ///< When the next look is due.
    std::uint64_t follows_{};                          ///< Counts questions.
    std::map<Channel, Following> followed_;
};

}  // namespace crossclear::actors
