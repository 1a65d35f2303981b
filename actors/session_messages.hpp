#pragma once

#include "actors/gateway.hpp"
#include "actors/pack.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Messages to sessions, and to whoever waits for the journal. Part of routed_messages.hpp.

namespace crossclear::actors {

/// The journal tells that an entity's appends up to `number` are durable, in record `sequence`.
struct Durable {
    std::uint64_t number{};
    std::uint64_t sequence{};
};

/// Whoever waits for durability.
using DurableActor = caf::typed_actor<caf::result<void>(Durable)>;

/// From the gateway: a request of the client, and where its answer goes.
struct SessionAsk {
    Request request;
    std::function<void(Answer)> done;
};
/// From the gateway: who speaks from now on.
struct SessionIdentify {
    Identity identity;
};
/// From the gateway: follow a channel, or stop.
struct SessionFollow {
    Channel channel;
    std::optional<std::uint64_t> from;
    std::function<void(std::optional<Refusal>)> done;
};
/// From the gateway: stop following.
struct SessionUnfollow {
    Channel channel;
};
/// From an account or the oracle: the answer to the request under `ticket`.
struct AnswerReady {
    std::uint64_t ticket{};
    Answer answer;
};
template <class Inspector>
bool inspect(Inspector& f, AnswerReady& x) {
    return inspect_packed(f, x);
}
/// From an account, the oracle or a shard: news of a channel that the session follows.
struct Published {
    std::shared_ptr<const Publication> publication;
};
template <class Inspector>
bool inspect(Inspector& f, Published& x) {
    return inspect_packed(f, x.publication);
}
/// From an account, the oracle or a house, before what it shows a follower first: the answer to the
/// session's follow under `number` begins here; 0 where nobody counted.
struct FollowBegun {
    Channel channel;
    std::uint64_t number{};
};
template <class Inspector>
bool inspect(Inspector& f, FollowBegun& x) {
    return inspect_packed(f, x);
}
/// From the gateway: the client has gone.
struct SessionEnd {};
/// From the session to itself: ask again what nobody could answer yet.
struct SessionRetry {};

using SessionActor =
    caf::typed_actor<caf::result<void>(SessionAsk), caf::result<void>(SessionIdentify),
                     caf::result<void>(SessionFollow), caf::result<void>(SessionUnfollow),
                     caf::result<void>(AnswerReady), caf::result<void>(Published),
                     caf::result<void>(SessionEnd), caf::result<void>(SessionRetry),
                     caf::result<void>(FollowBegun)>;

namespace packing {

/// A handle is no bytes. A message that holds one crosses by an `inspect` of its own; inside a
/// value that is packed as a whole it stays behind.
template <>
inline void put(std::string&, const SessionActor&) {}
template <>
inline bool take(std::string_view&, SessionActor& handle) {
    handle = nullptr;
    return true;
}
template <>
inline void spell<SessionActor>(std::string& out) {
    out += 'h';
}

}  // namespace packing

}  // namespace crossclear::actors
