#include "shards/simulated/remote_state.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace crossclear::shards::simulated {
namespace {

std::chrono::microseconds span_of(base::Duration duration) {
    return std::chrono::microseconds{duration.us};
}

}  // namespace

RemoteWorld::State::State(RemoteOptions given)
    : options(std::move(given)),
      identity(identity_of(options.name, options.listing, options.chains)),
      io(1),
      work(io.get_executor()),
      resolver(io),
      retry_timer(io),
      attempt_timer(io),
      sweep_timer(io),
      pause(options.retry_min) {}

void RemoteWorld::State::connect() {
    const auto number = ++attempts;
    attempt_timer.expires_after(span_of(options.call_timeout));
    attempt_timer.async_wait([this, number](boost::system::error_code failure) {
        if (failure || number != attempts || is_welcome) return;
        disconnect(LinkState::waiting, "no welcome came in time");
    });
    const auto& where = options.endpoint;
    if (!where.path.empty()) return connect_to({unix_address(where)});
    resolver.async_resolve(where.host, std::to_string(where.port),
                           [this, number](boost::system::error_code failure, const auto& found) {
                               if (number != attempts) return;
                               if (failure)
                                   return disconnect(LinkState::waiting, failure.message());
                               std::vector<Link::Protocol::endpoint> addresses;
                               for (const auto& one : found) addresses.emplace_back(one.endpoint());
                               connect_to(addresses);
                           });
}

void RemoteWorld::State::connect_to(const std::vector<Link::Protocol::endpoint>& addresses) {
    attempt = std::make_shared<Link::Protocol::socket>(io);
    boost::asio::async_connect(
        *attempt, addresses,
        [this, number = attempts, socket = attempt](boost::system::error_code failure,
                                                    const Link::Protocol::endpoint&) {
            if (number != attempts) return;
            if (failure) return disconnect(LinkState::waiting, failure.message());
            attempt.reset();
            greet(std::move(*socket));
        });
}

void RemoteWorld::State::greet(Link::Protocol::socket socket) {
    link = std::make_shared<Link>(std::move(socket));
    link->start(
        {.on_frame = [this, number = attempts](
                         std::string_view payload) { return number == attempts && take(payload); },
         .on_end =
             [this, number = attempts](std::string_view reason) {
                 if (number == attempts) disconnect(LinkState::waiting, reason);
             }});
    link->send(framed(Hello{.version = wire_version, .identity = identity}));
}

void RemoteWorld::State::on_welcome() {
    attempt_timer.cancel();
    is_welcome = true;
    pause = options.retry_min;
    std::erase_if(listeners, [](const auto& entry) {
        const auto& mailboxes = entry.second.mailboxes;
        return std::all_of(mailboxes.begin(), mailboxes.end(),
                           [](const auto& mailbox) { return mailbox.expired(); });
    });
    for (auto& [seat, listener] : listeners) {
        send(ListenCall{seat}, [](const ReplyBody*) {});
        replay(seat, listener);
    }
    change(LinkState::connected, "");
}

void RemoteWorld::State::disconnect(LinkState next, std::string_view reason) {
    ++attempts;
    attempt_timer.cancel();
    resolver.cancel();
    boost::system::error_code ignored;
    if (attempt) attempt->close(ignored);
    attempt.reset();
    if (link) link->close();
    link.reset();
    if (std::exchange(is_welcome, false)) {
        for (auto& [seat, listener] : listeners) {
            const auto asked = listener.asked_from.value_or(0);
            listener.owe(missed_from(seat.shard).value_or(asked));
        }
    }
    for (auto& [number, waiting] : std::exchange(calls, {})) {
        --calls_under_way;
        waiting.done(nullptr);
    }
    change(next, reason);
    if (next == LinkState::refused) pause = options.retry_max;
    retry_timer.expires_after(span_of(pause));
    pause = std::min(pause * 2, options.retry_max);
    retry_timer.async_wait([this](boost::system::error_code failure) {
        if (!failure) connect();
    });
}

void RemoteWorld::State::change(LinkState next, std::string_view reason) {
    bool is_new = false;
    {
        const std::lock_guard lock{mutex};
        is_new = state != next;
        state = next;
        why = reason;
    }
    changed.notify_all();
    if (is_new && options.on_change) options.on_change(next, reason);
}

bool RemoteWorld::State::take(std::string_view payload) {
    const auto message = read_from_world(payload);
    if (!message) return false;
    heard_at = std::chrono::steady_clock::now();
    if (std::holds_alternative<Welcome>(*message)) {
        if (is_welcome) return false;
        on_welcome();
    } else if (const auto* turned = std::get_if<TurnedAway>(&*message)) {
        disconnect(LinkState::refused, to_string(turned->why));
    } else if (!is_welcome) {
        return false;
    } else if (const auto* given = std::get_if<Reply>(&*message)) {
        answer(*given);
    } else {
        const auto& notice = std::get<Notice>(*message);
        const auto found = listeners.find(notice.seat);
        if (found == listeners.end()) return true;
        for (const auto& mailbox : found->second.mailboxes) {
            if (const auto open = mailbox.lock()) open->tell(notice.notice);
        }
    }
    return true;
}

void RemoteWorld::State::call(CallBody body, OnAnswer done) {
    if (calls_under_way.fetch_add(1) >= remote_calls_max) {
        --calls_under_way;
        return done(nullptr);
    }
    boost::asio::post(io, [this, body = std::move(body), done = std::move(done)]() mutable {
        --calls_under_way;
        send(std::move(body), std::move(done));
    });
}

void RemoteWorld::State::send(CallBody body, OnAnswer done) {
    if (!is_welcome) return done(nullptr);
    ++calls_under_way;
    const auto number = ++numbered;
    const auto until = std::chrono::steady_clock::now() + span_of(options.call_timeout);
    calls.emplace(number, Waiting{.until = until, .done = std::move(done)});
    watch_calls();
    link->send(framed(Call{.number = number, .body = std::move(body)}));
}

void RemoteWorld::State::answer(const Reply& given) {
    auto found = calls.extract(given.number);
    if (found.empty()) return;  // It came too late.
    --calls_under_way;
    found.mapped().done(&given.body);
}

void RemoteWorld::State::watch_calls() {
    if (is_watching || calls.empty()) return;
    is_watching = true;
    sweep_timer.expires_at(calls.begin()->second.until);
    sweep_timer.async_wait([this](boost::system::error_code) {
        is_watching = false;
        sweep();
        watch_calls();
    });
}

void RemoteWorld::State::sweep() {
    const auto now = std::chrono::steady_clock::now();
    bool is_late = false;
    while (!calls.empty() && calls.begin()->second.until <= now) {
        auto expired = calls.extract(calls.begin());
        --calls_under_way;
        is_late = true;
        expired.mapped().done(nullptr);
    }
    // A host that is gone says nothing, and the kernel would wait for it for a quarter of an hour.
    if (is_late && is_welcome && now - heard_at > span_of(options.silence_max)) {
        disconnect(LinkState::waiting, "the world has been silent for too long");
    }
}

void RemoteWorld::State::Listener::owe(std::uint64_t from_block) {
    owed_from = std::min(owed_from.value_or(from_block), from_block);
}

void RemoteWorld::State::join(const Seat& seat, std::shared_ptr<Mailbox> mailbox) {
    boost::asio::post(io, [this, seat, mailbox = std::move(mailbox)] {
        const auto [found, is_new] = listeners.try_emplace(seat);
        auto& listener = found->second;
        std::erase_if(listener.mailboxes, [](const auto& other) { return other.expired(); });
        listener.mailboxes.push_back(mailbox);
        if (!is_new) return;
        if (is_welcome) {
            send(ListenCall{seat}, [](const ReplyBody*) {});
        } else {
            // Of a chain that nothing is known of yet, it says itself what it wants to hear.
            if (const auto from_block = missed_from(seat.shard)) listener.owe(*from_block);
        }
    });
}

void RemoteWorld::State::rescan(const Seat& seat, std::uint64_t from_block) {
    boost::asio::post(io, [this, seat, from_block] {
        auto& listener = listeners[seat];
        listener.owe(from_block);
        replay(seat, listener);
    });
}

void RemoteWorld::State::replay(const Seat& seat, Listener& listener) {
    if (!is_welcome || listener.is_replaying || !listener.owed_from) return;
    const auto from_block = *std::exchange(listener.owed_from, std::nullopt);
    listener.asked_from = from_block;
    listener.is_replaying = true;
    send(RescanCall{seat, from_block}, [this, seat, from_block](const ReplyBody* given) {
        auto& asked = listeners[seat];
        asked.is_replaying = false;
        const auto* health = given == nullptr ? nullptr : std::get_if<Health>(given);
        // A chain that is unreachable has told nothing. Its next sign of life brings us back here.
        if (health == nullptr || !health->is_reachable) return asked.owe(from_block);
        observe(seat.shard, *health);
    });
}

void RemoteWorld::State::observe(base::ShardId shard, const Health& health) {
    if (!health.is_reachable) return;
    auto& head = heads[shard];
    // A chain that has lost its memory, or its clock: what was heard of it says nothing any more.
    const bool is_younger = health.head_block < head;
    head = health.head_block;
    for (auto& [seat, listener] : listeners) {
        if (seat.shard != shard) continue;
        if (is_younger) listener.owe(0);
        replay(seat, listener);
    }
}

std::optional<std::uint64_t> RemoteWorld::State::missed_from(base::ShardId shard) const {
    const auto known = heads.find(shard);
    const auto chain = std::find_if(options.chains.begin(), options.chains.end(),
                                    [&](const auto& one) { return one.shard == shard; });
    if (known == heads.end() || chain == options.chains.end()) return std::nullopt;
    // As far back as Chain::set_faults goes, and for its reasons.
    const std::uint64_t overlap = std::uint64_t{2} * chain->finality_depth;
    return known->second > overlap ? known->second - overlap : 0;
}

}  // namespace crossclear::shards::simulated
