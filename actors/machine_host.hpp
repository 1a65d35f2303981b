#pragma once

#include "actors/messages.hpp"
#include "base/ids.hpp"
#include "ledger/journal/codec.hpp"

#include <deque>
#include <functional>
#include <utility>
#include <vector>

/// The crank that every host of a machine turns: decide, apply, append, and only then answers and
/// effects. Memory may run ahead of the disk; nothing leaves ahead of it but what has no effect (a
/// question to a signer, 0034).

namespace crossclear::actors {

/// One machine's state, what it has sent to the journal, and what waits for that to be durable.
///
/// **Thread:** that of the hosting actor.
template <class State>
class Crank {
public:
    using Continuation = std::function<void(std::uint64_t sequence)>;

    Crank(base::EntityId entity, State state, JournalActor journal)
        : entity_(entity), state_(std::move(state)), journal_(std::move(journal)) {}

    /// The machine in memory, which may be ahead of the journal; and how many continuations wait
    /// for that.
    [[nodiscard]] const State& state() const { return state_; }
    [[nodiscard]] const base::EntityId& entity() const { return entity_; }
    [[nodiscard]] std::size_t held() const { return held_.size(); }
    /// Whether everything sent to the journal is durable.
    [[nodiscard]] bool is_durable() const { return durable_ == appended_; }
    /// The record of the latest durable append, 0 before any.
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }

    /// Makes events true in memory and sends them on; returns what they ask of the world, which the
    /// caller hands to `when_durable`.
    template <class Self, class Event>
    auto commit(Self* self, const std::vector<Event>& events) {
        decltype(effects_of(state_, events.front())) effects;
        if (events.empty()) return effects;
        Append append;
        append.entries.reserve(events.size());
        for (const auto& event : events) {
            apply(state_, event);
            for (auto& effect : effects_of(state_, event)) effects.push_back(std::move(effect));
            append.entries.push_back(ledger::Entry{entity_, event});
            ledger::journal::append_entry(append.bytes,
                                          ledger::journal::encode(append.entries.back()));
        }
        append.number = ++appended_;
        append.from = caf::actor_cast<DurableActor>(self);
        self->send(journal_, std::move(append));
        return effects;
    }

    /// Runs `then` once everything sent so far is durable; at once if it is.
    void when_durable(Continuation then) {
        if (durable_ == appended_) {
            then(sequence_);
        } else {
            held_.emplace_back(appended_, std::move(then));
        }
    }

    /// The journal's word. Continuations run in the order in which they were held.
    void on_durable(const Durable& durable) {
        durable_ = std::max(durable_, durable.number);
        sequence_ = std::max(sequence_, durable.sequence);
        while (!held_.empty() && held_.front().first <= durable_) {
            auto then = std::move(held_.front().second);
            held_.pop_front();
            then(sequence_);
        }
    }

private:
    base::EntityId entity_;
    State state_;
    JournalActor journal_;
    std::uint64_t appended_{};
    std::uint64_t durable_{};
    std::uint64_t sequence_{};
    std::deque<std::pair<std::uint64_t, Continuation>> held_;
};

}  // namespace crossclear::actors
