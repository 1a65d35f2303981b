#pragma once

#include "actors/machine_host.hpp"
#include "actors/refusals.hpp"

#include <cstdint>
#include <deque>
#include <utility>

namespace crossclear::actors {

/// Operators who wait until what they asked a machine for is durable. Whoever still does when the
/// host ends hears that nobody here can say any more.
///
/// **Thread:** that of the hosting actor.
class OperatorsWaiting {
public:
    /// Answers once all that was committed so far is durable.
    template <class Self, class State>
    void answer_when_durable(Self* self, Crank<State>& crank, const OperatorAsk& ask,
                             Answer ready) {
        add(ask);
        crank.when_durable([this, self, ready = std::move(ready)](std::uint64_t) mutable {
            const auto [from, ticket] = std::move(waiting_.front());
            waiting_.pop_front();
            self->send(from, AnswerReady{.ticket = ticket, .answer = std::move(ready)});
        });
    }
    /// One whose answer is not even known.
    void add(const OperatorAsk& ask) { waiting_.emplace_back(ask.from, ask.ticket); }
    /// The host ends.
    template <class Self>
    void give_up(Self* self) {
        for (const auto& [from, ticket] : std::exchange(waiting_, {})) {
            self->send(from, AnswerReady{.ticket = ticket, .answer = outcome_unknown()});
        }
    }

private:
    std::deque<std::pair<SessionActor, std::uint64_t>> waiting_;
};

}  // namespace crossclear::actors
