#include "actors/session_actor.hpp"

#include "actors/chrono.hpp"
#include "actors/refusals.hpp"
#include "base/limits.hpp"

namespace crossclear::actors {
namespace {

// When a session asks again what found no owner, and when it looks whether the owner of what it
// asked is still the same.
constexpr base::Duration ask_again_after = base::milliseconds(20);
constexpr base::Duration look_after = base::milliseconds(250);

Scope scope_of(const SubmitTrade&) { return Scope::trader; }
Scope scope_of(const Withdraw&) { return Scope::withdraw; }
Scope scope_of(const CancelWithdrawal&) { return Scope::withdraw; }
Scope scope_of(const Transfer&) { return Scope::withdraw; }
Scope scope_of(const SubmitMatchedTrade&) { return Scope::venue; }
Scope scope_of(const PublishMarks&) { return Scope::oracle; }
Scope scope_of(const OperatorRequest&) { return Scope::operate; }
template <class Query>
Scope scope_of(const Query&) {
    return Scope::viewer;
}

base::AccountId account_of(const PublishMarks&) { return {}; }
base::AccountId account_of(const OperatorRequest&) { return {}; }
template <class Query>
base::AccountId account_of(const Query& query) {
    return query.account;
}

// The others go to the oracle, or to several reconcilers; whoever asks those asks again himself.
bool is_for_account(const Request& request) {
    return !std::holds_alternative<PublishMarks>(request) &&
           !std::holds_alternative<OperatorRequest>(request);
}

bool is_public(const Channel& channel) {
    return channel.kind == Channel::Kind::marks || channel.kind == Channel::Kind::shards ||
           channel.kind == Channel::Kind::transparency;
}

Refusal missing_scope(const char* hint) {
    return Refusal{.code = 13011, .reason = "scope", .hint = hint, .retryable = false};
}

}  // namespace

SessionHost::SessionHost(caf::actor_config& config, const Context* context,
                         std::shared_ptr<SessionSink> sink,
                         std::function<DoorActor(base::PartitionId)> doors, OracleActor oracle)
    : SessionActor::base(config),
      context_(context),
      sink_(std::move(sink)),
      doors_(std::move(doors)),
      oracle_(std::move(oracle)),
      desk_(context) {}

SessionActor::behavior_type SessionHost::make_behavior() {
    return {
        [this](SessionAsk& message) { on_ask(message); },
        [this](SessionIdentify& message) { identity_ = std::move(message.identity); },
        [this](const SessionFollow& message) { on_follow(message); },
        [this](const SessionUnfollow& message) { on_unfollow(message); },
        [this](AnswerReady& message) { on_answer(message); },
        [this](const FollowBegun& message) { on_begun(message); },
        [this](const Published& message) { on_published(message); },
        [this](SessionEnd) { on_end(); },
        [this](SessionRetry) { on_retry(); },
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
    if (scope == Scope::oracle || scope == Scope::operate) {
        const bool is_granted = (identity_.service & static_cast<std::uint16_t>(scope)) != 0;
        if (is_granted) return std::nullopt;
        return missing_scope(scope == Scope::oracle ? "the key has no scope oracle"
                                                    : "the key has no scope operate");
    }
    const auto* matched = std::get_if<SubmitMatchedTrade>(&request);
    const bool may_all = may(account, scope) && (matched == nullptr || may(matched->seller, scope));
    if (!may_all) return missing_scope("the key does not grant this on that account");
    if (base::broker_of(account).v >= context_->brokers.size()) {
        return missing_scope("no such broker");
    }
    return std::nullopt;
}

void SessionHost::on_ask(SessionAsk& message) {
    if (auto refusal = refusal_of(message.request)) return message.done(std::move(*refusal));
    if (auto* ask = std::get_if<OperatorRequest>(&message.request)) {
        return ask_operator(std::move(*ask), std::move(message.done));
    }
    const auto ticket = ++tickets_;
    const auto account =
        std::visit([](const auto& one) { return account_of(one); }, message.request);
    Waiting waiting{.done = std::move(message.done),
                    .request = std::move(message.request),
                    .partition = base::partition_of(account, context_->partitions),
                    .since = context_->now()};
    if (auto* marks = std::get_if<PublishMarks>(&waiting.request)) {
        send(oracle_,
             OraclePublish{ticket, std::move(*marks), caf::actor_cast<SessionActor>(this)});
        waiting_.emplace(ticket, std::move(waiting));
        return;
    }
    auto& kept = waiting_.emplace(ticket, std::move(waiting)).first->second;
    // Behind those that wait for the same partition, not past them.
    if (parked_.contains(kept.partition)) return park(kept);
    ask_partition(ticket, kept);
}

void SessionHost::ask_partition(std::uint64_t ticket, Waiting& waiting) {
    const auto account =
        std::visit([](const auto& one) { return account_of(one); }, waiting.request);
    waiting.moves = moves_of(waiting.partition);
    send(doors_(waiting.partition), AccountAsk{.account = account,
                                               .ticket = ticket,
                                               .request = waiting.request,
                                               .from = caf::actor_cast<SessionActor>(this)});
    look_again(look_after);
}

void SessionHost::ask_operator(OperatorRequest request, std::function<void(Answer)> reply) {
    if (auto answer = desk_.answer_at_once(request)) return reply(std::move(*answer));
    const auto entities = desk_.hosts_of(request);
    if (entities.empty()) return reply(desk_.no_host_of(request));
    const auto ticket = ++tickets_;
    waiting_.emplace(ticket, Waiting{.done = std::move(reply),
                                     .request = request,
                                     .partition = {},
                                     .since = context_->now()});
    desk_.expect(ticket, entities.size());
    for (const auto& entity : entities) {
        send(doors_(base::home_of(base::broker_of(entity), context_->partitions)),
             OperatorAsk{.entity = entity,
                         .ticket = ticket,
                         .request = request,
                         .from = caf::actor_cast<SessionActor>(this)});
    }
}

void SessionHost::on_answer(AnswerReady& message) {
    const auto found = waiting_.find(message.ticket);
    // A late answer of a former owner to what has been asked again: the first one counts.
    if (found == waiting_.end()) return;
    auto whole = desk_.gather(message.ticket, std::move(message.answer));
    if (!whole) return;
    if (is_worth_asking_again(found->second, *whole)) {
        if (!found->second.is_parked) park(found->second);
        return;
    }
    if (found->second.is_parked && --parked_[found->second.partition] == 0) {
        parked_.erase(found->second.partition);
    }
    const auto reply = std::move(found->second.done);
    waiting_.erase(found);
    reply(std::move(*whole));
}

// Nothing was decided, or the same id will be told what was.
bool SessionHost::is_worth_asking_again(const Waiting& waiting, const Answer& answer) const {
    if (!is_for_account(waiting.request)) return false;
    const auto* refusal = std::get_if<Refusal>(&answer);
    if (refusal == nullptr) return false;
    const bool has_no_owner = refusal->reason == "not_owner" ||
                              refusal->reason == "partition_recovering" ||
                              refusal->reason == "outcome_unknown";
    return has_no_owner &&
           !has_passed(context_->options.ask_again_for, waiting.since, context_->now());
}

void SessionHost::park(Waiting& waiting) {
    waiting.is_parked = true;
    ++parked_[waiting.partition];
    look_again(ask_again_after);
}

void SessionHost::look_again(base::Duration after) {
    const auto at = context_->now() + after;
    if (look_at_ && *look_at_ <= at) return;
    look_at_ = at;
    delayed_send(this, as_chrono(after), SessionRetry{});
}

void SessionHost::on_retry() {
    look_at_.reset();
    parked_.clear();
    for (auto& [ticket, waiting] : waiting_) {
        if (!is_for_account(waiting.request)) continue;
        // The owner that was asked may have gone without a word.
        const bool has_moved = waiting.moves != moves_of(waiting.partition);
        if (!std::exchange(waiting.is_parked, false) && !has_moved) continue;
        ask_partition(ticket, waiting);
    }
    if (!waiting_.empty()) look_again(look_after);
}

// Number 0 stops it.
void SessionHost::route(const Channel& channel, std::uint64_t number,
                        std::optional<std::uint64_t> from) {
    const auto self = caf::actor_cast<SessionActor>(this);
    const bool is_following = number > 0;
    if (channel.kind == Channel::Kind::transparency) {
        send(doors_(base::home_of(channel.broker, context_->partitions)),
             HouseFollow{.channel = channel, .from = self, .is_following = is_following});
    } else if (is_public(channel)) {
        send(oracle_, OracleFollow{channel, self, is_following});
    } else {
        send(doors_(base::partition_of(channel.account, context_->partitions)),
             AccountFollow{.account = channel.account,
                           .channel = channel,
                           .from_sequence = from,
                           .from = self,
                           .is_following = is_following,
                           .is_routed = false,
                           .number = number});
    }
}

void SessionHost::begin_to_follow(const Channel& channel, std::optional<std::uint64_t> from) {
    const auto number = ++follows_;
    followed_[channel] = {
        .number = number, .asked_from = from, .from = from, .is_awaited = true, .is_left = false};
    route(channel, number, from);
}

void SessionHost::stop_following(const Channel& channel) {
    followed_.erase(channel);
    route(channel, 0, std::nullopt);
}

void SessionHost::on_follow(const SessionFollow& message) {
    const auto& channel = message.channel;
    const bool is_private = !is_public(channel);
    if (is_private && !may(channel.account, Scope::viewer)) {
        return message.done(missing_scope("the key does not grant this on that account"));
    }
    const auto broker = is_private ? base::broker_of(channel.account) : channel.broker;
    if (broker.v >= context_->brokers.size()) {
        return message.done(missing_scope("no such broker"));
    }
    const auto found = followed_.find(channel);
    if (found == followed_.end() && followed_.size() >= base::limits::subscriptions_max) {
        return message.done(Refusal{.code = 11021,
                                    .reason = "too_many_subscriptions",
                                    .hint = "unsubscribe from something first",
                                    .retryable = false});
    }
    message.done(std::nullopt);
    // While the journal does not answer, a session keeps others busy once for each channel and not
    // for each request: where the client wants to begin elsewhere by now, that is asked once the
    // first question is answered.
    if (found != followed_.end() && found->second.is_awaited) {
        found->second.is_left = false;
        found->second.from = message.from;
        return;
    }
    begin_to_follow(channel, message.from);
}

void SessionHost::on_unfollow(const SessionUnfollow& message) {
    const auto found = followed_.find(message.channel);
    if (found == followed_.end()) return;
    if (found->second.is_awaited) {
        found->second.is_left = true;
        return;
    }
    stop_following(message.channel);
}

void SessionHost::on_begun(const FollowBegun& message) {
    const auto found = followed_.find(message.channel);
    if (found == followed_.end() || !found->second.is_awaited) return;
    auto& following = found->second;
    // Who does not count shows everything, wherever the client wants to begin.
    const bool is_whole = message.number == 0;
    if (!is_whole && message.number != following.number) return;
    if (following.is_left) return stop_following(message.channel);
    if (!is_whole && following.from != following.asked_from) {
        return begin_to_follow(message.channel, following.from);
    }
    following.is_awaited = false;
}

void SessionHost::on_published(const Published& message) {
    const auto found = followed_.find(message.publication->channel);
    if (found == followed_.end() || found->second.is_awaited) return;
    sink_->publish(message.publication);
}

void SessionHost::on_end() {
    for (const auto& [channel, following] : std::exchange(followed_, {})) {
        route(channel, 0, std::nullopt);
    }
    waiting_.clear();
    quit();
}

}  // namespace crossclear::actors
