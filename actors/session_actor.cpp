#include "actors/session_actor.hpp"

#include "base/limits.hpp"

namespace crossclear::actors {
namespace {

Scope scope_of(const SubmitTrade&) { return Scope::trader; }
Scope scope_of(const Withdraw&) { return Scope::withdraw; }
Scope scope_of(const PublishMarks&) { return Scope::oracle; }
template <class Query>
Scope scope_of(const Query&) {
    return Scope::viewer;
}

base::AccountId account_of(const PublishMarks&) { return {}; }
template <class Query>
base::AccountId account_of(const Query& query) {
    return query.account;
}

Refusal missing_scope(const char* hint) {
    return Refusal{.code = 13011, .reason = "scope", .hint = hint, .retryable = false};
}

}  // namespace

SessionHost::SessionHost(caf::actor_config& config, const Context* context,
                         std::shared_ptr<SessionSink> sink,
                         std::function<PartitionActor(base::PartitionId)> partitions,
                         OracleActor oracle)
    : SessionActor::base(config),
      context_(context),
      sink_(std::move(sink)),
      partitions_(std::move(partitions)),
      oracle_(std::move(oracle)) {}

SessionActor::behavior_type SessionHost::make_behavior() {
    return {
        [this](SessionAsk& message) { on_ask(message); },
        [this](SessionIdentify& message) { identity_ = std::move(message.identity); },
        [this](const SessionFollow& message) { on_follow(message); },
        [this](const SessionUnfollow& message) { on_unfollow(message); },
        [this](AnswerReady& message) { on_answer(message); },
        [this](const Published& message) {
            if (followed_.contains(message.publication->channel)) {
                sink_->publish(message.publication);
            }
        },
        [this](SessionEnd) { on_end(); },
    };
}

bool SessionHost::may(base::AccountId account, Scope scope) const {
    const auto granted = identity_.accounts.find(account);
    const std::uint16_t bits =
        granted == identity_.accounts.end() ? std::uint16_t{0} : granted->second;
    const auto wanted = static_cast<std::uint16_t>(scope);
    // Who may act may also look.
    if (scope == Scope::viewer) {
        const bool is_auditor =
            (identity_.service & static_cast<std::uint16_t>(Scope::auditor)) != 0;
        return bits != 0 || is_auditor;
    }
    return (bits & wanted) != 0;
}

std::optional<Refusal> SessionHost::refusal_of(const Request& request) const {
    const auto scope = std::visit([](const auto& one) { return scope_of(one); }, request);
    const auto account = std::visit([](const auto& one) { return account_of(one); }, request);
    if (std::holds_alternative<PublishMarks>(request)) {
        const bool is_granted = (identity_.service & static_cast<std::uint16_t>(scope)) != 0;
        if (is_granted) return std::nullopt;
        return missing_scope("the key has no scope oracle");
    }
    if (!may(account, scope)) return missing_scope("the key does not grant this on that account");
    if (base::broker_of(account).v >= context_->brokers.size()) {
        return missing_scope("no such broker");
    }
    return std::nullopt;
}

void SessionHost::on_ask(SessionAsk& message) {
    if (auto refusal = refusal_of(message.request)) return message.done(std::move(*refusal));
    const auto ticket = ++tickets_;
    waiting_.emplace(ticket, std::move(message.done));
    const auto self = caf::actor_cast<SessionActor>(this);
    if (auto* marks = std::get_if<PublishMarks>(&message.request)) {
        send(oracle_, OraclePublish{ticket, std::move(*marks), self});
        return;
    }
    const auto account =
        std::visit([](const auto& one) { return account_of(one); }, message.request);
    send(partitions_(base::partition_of(account, context_->partitions)),
         AccountAsk{account, ticket, std::move(message.request), self});
}

void SessionHost::on_answer(AnswerReady& message) {
    const auto found = waiting_.find(message.ticket);
    if (found == waiting_.end()) return;
    const auto reply = std::move(found->second);
    waiting_.erase(found);
    reply(std::move(message.answer));
}

void SessionHost::route(const Channel& channel, std::optional<std::uint64_t> from,
                        bool is_following) {
    const auto self = caf::actor_cast<SessionActor>(this);
    const bool is_public =
        channel.kind == Channel::Kind::marks || channel.kind == Channel::Kind::shards;
    if (is_public) {
        send(oracle_, OracleFollow{channel, self, is_following});
    } else {
        send(partitions_(base::partition_of(channel.account, context_->partitions)),
             AccountFollow{channel.account, channel, from, self, is_following});
    }
}

void SessionHost::on_follow(const SessionFollow& message) {
    const auto& channel = message.channel;
    const bool is_public =
        channel.kind == Channel::Kind::marks || channel.kind == Channel::Kind::shards;
    if (!is_public && !may(channel.account, Scope::viewer)) {
        return message.done(missing_scope("the key does not grant this on that account"));
    }
    if (!is_public && base::broker_of(channel.account).v >= context_->brokers.size()) {
        return message.done(missing_scope("no such broker"));
    }
    if (followed_.size() >= base::limits::subscriptions_max && !followed_.contains(channel)) {
        return message.done(Refusal{.code = 11021,
                                    .reason = "too_many_subscriptions",
                                    .hint = "unsubscribe from something first",
                                    .retryable = false});
    }
    followed_.insert(channel);
    message.done(std::nullopt);
    route(channel, message.from, true);
}

void SessionHost::on_unfollow(const SessionUnfollow& message) {
    if (followed_.erase(message.channel) > 0) route(message.channel, std::nullopt, false);
}

void SessionHost::on_end() {
    for (const auto& channel : std::exchange(followed_, {})) route(channel, std::nullopt, false);
    waiting_.clear();
    quit();
}

}  // namespace crossclear::actors
