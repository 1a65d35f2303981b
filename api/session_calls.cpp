#include "api/channels.hpp"
#include "api/session.hpp"
#include "base/check.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include <array>

namespace crossclear::api {
namespace {

constexpr std::size_t unknown_method = static_cast<std::size_t>(-1);

std::string_view label_of(std::size_t method) {
    return method == unknown_method ? "unknown" : method_table()[method].name;
}

// One trade was asked for and an empty list came back.
bool is_missing(const AnswerContext& context, const actors::Answer& answer) {
    const auto* trades = std::get_if<actors::TradesView>(&answer);
    return context.number != 0 && trades != nullptr && trades->trades.empty();
}

std::optional<bool> repeat_of(const actors::Answer& answer) {
    if (const auto* trade = std::get_if<actors::TradeCleared>(&answer)) return trade->is_repeat;
    if (const auto* taken = std::get_if<actors::WithdrawalTaken>(&answer)) return taken->is_repeat;
    if (const auto* given = std::get_if<actors::TransferTaken>(&answer)) return given->is_repeat;
    if (const auto* both = std::get_if<actors::MatchedTradeCleared>(&answer)) {
        return both->is_repeat;
    }
    if (const auto* back = std::get_if<actors::WithdrawalCancelled>(&answer)) {
        return back->is_repeat;
    }
    if (const auto* of = std::get_if<actors::BreakSettled>(&answer)) return of->is_repeat;
    if (const auto* set = std::get_if<actors::ShardPauseSet>(&answer)) return set->is_repeat;
    return std::nullopt;
}

}  // namespace

void Session::on_frame(std::string_view text) {
    last_message_us_ = BufferedStream::steady_now_us();
    test_requested_us_ = 0;
    const auto received_at = base::wall_clock_now();
    std::array<unsigned char, 8 * 1'024>
        space;  // NOLINT(cppcoreguidelines-pro-type-member-init): scratch
    boost::json::monotonic_resource resource{space.data(), space.size()};
    Frame frame{text, &resource};
    std::shared_ptr<Batch> batch;
    if (frame.is_batch) {
        batch = std::make_shared<Batch>();
        batch->waiting = frame.members.size();
    }
    for (auto& member : frame.members) {
        Pending pending;
        pending.method = unknown_method;
        pending.received_at = received_at;
        pending.batch = batch;
        server_.meters.rpc_inflight.add(1);
        ++in_flight_;
        if (auto* bad = std::get_if<BadCall>(&member)) {
            pending.id = std::move(bad->id);
            reply_error(pending, bad->error);
            continue;
        }
        auto& call = std::get<Call>(member);
        pending.id = std::move(call.id);
        pending.is_notification = call.is_notification;
        on_call(call, std::move(pending));
        if (stage_ != Stage::open) return;
    }
}

void Session::on_call(const Call& call, Pending pending) {
    const auto index = find_method(call.method);
    if (!index) {
        reply_error(pending, {.code = ErrorCode::method_not_found,
                              .reason = "unknown_method",
                              .field = "method",
                              .got = std::string{call.method}});
        return;
    }
    pending.method = *index;
    const auto& method = method_table()[*index];
    if (auto refused = charge(method, pending)) {
        reply_error(pending, *refused);
        return;
    }
    if (method.is_private && !state_.key) {
        reply_error(pending, {.code = ErrorCode::auth_required,
                              .reason = "not_authenticated",
                              .expected = "public/auth first"});
        return;
    }
    run(method, call, std::move(pending));
}

// Logins are charged to the address, or a guesser would be stopped by nothing.
std::optional<Error> Session::charge(const Method& method, Pending& pending) {
    auto& credits = method.method_class == MethodClass::login ? *address_credits_ : *credits_;
    const auto spent = credits.spend(method.method_class, last_message_us_);
    pending.credits = spent.remaining;
    if (spent.is_granted) return std::nullopt;
    server_.meters.rate_limited_total.with({name_of(method.method_class)}).increment();
    return Error{.code = ErrorCode::too_many_requests,
                 .reason = "no_credits",
                 .is_retryable = true,
                 .retry_after_ms = spent.retry_after_ms};
}

void Session::run(const Method& method, const Call& call, Pending pending) {
    Caller caller{.catalogue = server_.catalogue,
                  .gateway = server_.gateway,
                  .session = *actor_,
                  .authenticator = server_.authenticator,
                  .state = state_,
                  .place = *ticket_,
                  .received_at = pending.received_at};
    Params params{*call.params};
    const auto key_before = state_.key;
    auto outcome = method.handle(caller, params);
    if (state_.key != key_before) on_login_changed();
    if (method.method_class == MethodClass::login) {
        const auto grant = call.params->if_contains("grant_type");
        const bool is_refresh = grant != nullptr && *grant == "refresh_token";
        server_.meters.auth_attempts_total
            .with({is_refresh ? "refresh_token" : "client_signature",
                   std::holds_alternative<Error>(outcome) ? "refused" : "ok"})
            .increment();
    }
    if (auto* result = std::get_if<Done>(&outcome)) {
        reply_result(pending, result->result);
    } else if (const auto* error = std::get_if<Error>(&outcome)) {
        reply_error(pending, *error);
    } else if (auto* request = std::get_if<Ask>(&outcome)) {
        ask(std::move(*request), std::move(pending));
    } else {
        follow(std::get<Follow>(std::move(outcome)), std::move(pending));
    }
}

void Session::on_login_changed() {
    if (!state_.key) without_login_us_ = BufferedStream::steady_now_us();
    credits_ = state_.key
                   ? server_.credits.of("key " + state_.key->id, BufferedStream::steady_now_us())
                   : address_credits_;
}

void Session::ask(Ask ask, Pending pending) {
    pending.context = std::move(ask.context);
    if (in_flight_ > server_.options.in_flight_max) {
        reply_error(pending, {.code = ErrorCode::overloaded,
                              .reason = "too_many_in_flight",
                              .is_retryable = true,
                              .expected = fmt::format("at most {} requests unanswered",
                                                      server_.options.in_flight_max),
                              .client_id = pending.context.client_id});
        return;
    }
    const auto slot = park(std::move(pending));
    actor_->ask(std::move(ask.request), [inbox = inbox_, slot](actors::Answer answer) {
        inbox->push(Answered{slot, std::move(answer)});
    });
}

void Session::follow(Follow follow, Pending pending) {
    const auto channels = follow.channels;
    pending.following = std::make_unique<Following>();
    pending.following->refusals.resize(channels.size());
    pending.following->waiting = channels.size();
    pending.following->follow = std::move(follow);
    const auto slot = park(std::move(pending));
    for (std::size_t i = 0; i < channels.size(); ++i) {
        actor_->subscribe(channels[i].first, channels[i].second,
                          [inbox = inbox_, slot, i](std::optional<actors::Refusal> refusal) {
                              inbox->push(Followed{slot, i, std::move(refusal)});
                          });
    }
}

void Session::on_deliveries(std::vector<Delivery>& deliveries) {
    for (auto& delivery : deliveries) {
        if (stage_ != Stage::open) return;
        if (auto* answered = std::get_if<Answered>(&delivery)) {
            on_answer(*answered);
        } else if (auto* followed = std::get_if<Followed>(&delivery)) {
            on_followed(*followed);
        } else if (const auto* closed = std::get_if<Closed>(&delivery)) {
            const bool is_slow =
                closed->code == static_cast<std::uint16_t>(CloseCode::slow_consumer);
            if (is_slow) server_.meters.slow_consumer_disconnects_total.increment();
            close(closed->code, closed->reason);
        } else {
            const auto& publication =
                *std::get<std::shared_ptr<const actors::Publication>>(delivery);
            // One that was on its way when its channel was left.
            if (!state_.channels.contains(publication.channel)) continue;
            outbox_.publish(publication);
            pump();
            check_backlog();
        }
    }
}

void Session::on_answer(Answered& answered) {
    auto pending = unpark(answered.slot);
    if (const auto* refusal = std::get_if<actors::Refusal>(&answered.answer)) {
        auto error = error_of(*refusal);
        error.client_id = pending.context.client_id;
        reply_error(pending, error);
        return;
    }
    if (is_missing(pending.context, answered.answer)) {
        reply_error(pending,
                    {.code = ErrorCode::invalid_params,
                     .reason = "unknown_trade",
                     .field = "trade_id",
                     .expected = "the id of a trade",
                     .got = numbered_id(pending.context.account, 't', pending.context.number)});
        return;
    }
    reply_answer(pending, answered.answer);
}

void Session::on_followed(Followed& followed) {
    auto& following = *slots_[followed.slot]->following;
    following.refusals[followed.index] = std::move(followed.refusal);
    if (--following.waiting != 0) return;
    auto pending = unpark(followed.slot);
    const auto& channels = pending.following->follow.channels;
    const auto& refusals = pending.following->refusals;
    std::string granted;
    std::string refused;
    JsonWriter granted_writer{granted};
    JsonWriter refused_writer{refused};
    const actors::Refusal* first = nullptr;
    for (std::size_t i = 0; i < channels.size(); ++i) {
        const auto name = name_of(channels[i].first, server_.gateway.listing());
        if (!refusals[i]) {
            granted_writer.string(name);
            continue;
        }
        state_.channels.erase(channels[i].first);
        if (first == nullptr) first = &*refusals[i];
        refused_writer.begin_object().member("channel", name);
        refused_writer.member("code", refusals[i]->code).member("reason", refusals[i]->reason);
        refused_writer.end_object();
    }
    if (granted.empty() && first != nullptr) {
        reply_error(pending, error_of(*first));
        return;
    }
    reply_result(pending, fmt::format(R"({{"channels":[{}],"refused":[{}]}})", granted, refused));
}

void Session::reply_result(Pending& pending, std::string_view result) {
    count(pending, "ok");
    if (!pending.is_notification) {
        scratch_.clear();
        begin_reply(scratch_, pending.id);
        scratch_ += result;
        end_reply(scratch_, {.received_at = pending.received_at,
                             .sent_at = base::wall_clock_now(),
                             .credits = pending.credits});
    }
    finish_reply(pending);
}

void Session::reply_answer(Pending& pending, const actors::Answer& answer) {
    count(pending, "ok");
    if (const auto is_repeat = repeat_of(answer)) {
        server_.meters.idempotent_requests_total.with({*is_repeat ? "repeat" : "first"})
            .increment();
    }
    if (!pending.is_notification) {
        scratch_.clear();
        begin_reply(scratch_, pending.id);
        JsonWriter writer{scratch_};
        method_table()[pending.method].encode(writer, answer, pending.context,
                                              server_.gateway.listing());
        end_reply(scratch_, {.received_at = pending.received_at,
                             .sent_at = base::wall_clock_now(),
                             .credits = pending.credits});
    }
    finish_reply(pending);
}

void Session::reply_error(Pending& pending, const Error& error) {
    count(pending, fmt::format("{}", static_cast<std::int32_t>(error.code)));
    if (!pending.is_notification) {
        scratch_.clear();
        append_error_reply(scratch_, pending.id, error,
                           {.received_at = pending.received_at,
                            .sent_at = base::wall_clock_now(),
                            .credits = pending.credits});
    }
    finish_reply(pending);
}

void Session::count(const Pending& pending, std::string_view code) {
    --in_flight_;
    server_.meters.rpc_inflight.add(-1);
    if (pending.method != unknown_method) {
        const auto& meters = server_.method_meters[pending.method];
        const auto took_us = (base::wall_clock_now() - pending.received_at).us;
        meters.duration_seconds.observe(static_cast<double>(took_us) / 1e6);
        if (code == "ok") {
            meters.ok.increment();
            return;
        }
    }
    server_.meters.rpc_requests_total.with({label_of(pending.method), code}).increment();
}

// What was written into scratch_ goes out, or into its batch.
void Session::finish_reply(Pending& pending) {
    if (!pending.batch) {
        if (!pending.is_notification) send(scratch_);
        return;
    }
    auto& batch = *pending.batch;
    if (!pending.is_notification) {
        batch.text += batch.text.empty() ? '[' : ',';
        batch.text += scratch_;
    }
    if (--batch.waiting != 0 || batch.text.empty()) return;
    batch.text += ']';
    send(batch.text);
}

std::uint32_t Session::park(Pending pending) {
    if (free_slots_.empty()) {
        slots_.emplace_back(std::move(pending));
        return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const auto slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot].emplace(std::move(pending));
    return slot;
}

Session::Pending Session::unpark(std::uint32_t slot) {
    CHECK(slot < slots_.size() && slots_[slot], "an answer comes once");
    auto pending = std::move(*slots_[slot]);
    slots_[slot].reset();
    free_slots_.push_back(slot);
    return pending;
}

}  // namespace crossclear::api
