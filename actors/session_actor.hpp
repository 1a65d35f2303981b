#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <unordered_map>

namespace crossclear::actors {

/// One client's session inside: who speaks, what it may do, what it follows, and which answers it
/// still waits for. The socket lives in `api`.
class SessionHost : public SessionActor::base {
public:
    SessionHost(caf::actor_config& config, const Context* context,
                std::shared_ptr<SessionSink> sink,
                std::function<PartitionActor(base::PartitionId)> partitions, OracleActor oracle);

    SessionActor::behavior_type make_behavior() override;

private:
    void on_ask(SessionAsk& message);
    void on_follow(const SessionFollow& message);
    void on_unfollow(const SessionUnfollow& message);
    void on_answer(AnswerReady& message);
    void on_end();
    void route(const Channel& channel, std::optional<std::uint64_t> from, bool is_following);
    [[nodiscard]] bool may(base::AccountId account, Scope scope) const;
    [[nodiscard]] std::optional<Refusal> refusal_of(const Request& request) const;

    const Context* context_;
    std::shared_ptr<SessionSink> sink_;
    std::function<PartitionActor(base::PartitionId)> partitions_;
    OracleActor oracle_;
    Identity identity_;
    std::uint64_t tickets_{};
    std::unordered_map<std::uint64_t, std::function<void(Answer)>> waiting_;
    std::set<Channel> followed_;
};

}  // namespace crossclear::actors
