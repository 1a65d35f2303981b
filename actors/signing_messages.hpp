#pragma once

#include "actors/routed_messages.hpp"
#include "base/ids.hpp"
#include "ledger/words.hpp"

#include <caf/all.hpp>

#include <functional>

/// Messages of the host of a signing lane. None leaves its node.

namespace crossclear::actors {

class SigningHost;

/// From the lane: have this order signed and sent. Safe to repeat. Answered by LaneSubmitted, and
/// by LaneNotice for what becomes of it.
struct SigningSubmit {
    ledger::ShardOrder order;
};
/// From the lane: what is known of an order. Answered by LaneAsked.
struct SigningAsk {
    base::OrderRef ref;
};
/// From the desk, through the host to itself: something to take on the host's own thread.
struct SigningWord {
    std::function<void(SigningHost&)> take;
};

/// A home machine that lanes and desks talk to as well.
using SigningActor =
    caf::typed_actor<caf::result<void>(Durable), caf::result<void>(ToHome),
                     caf::result<void>(SigningSubmit), caf::result<void>(SigningAsk),
                     caf::result<void>(SigningWord)>;

/// From the partition to the lane, before any order: who signs for it.
struct LaneSigner {
    SigningActor signer;
};

}  // namespace crossclear::actors
