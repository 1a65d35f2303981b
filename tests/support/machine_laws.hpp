#pragma once

#include "base/rng.hpp"
#include "ledger/postings.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The laws that every machine obeys, as property tests over random histories.
///
/// A history is one seed: commands are drawn from it while the state grows, so that a failure is
/// replayed by its seed alone. RapidCheck chooses the seeds and finds the shortest failing history.
///
/// A machine joins with a traits struct and one line, `MACHINE_LAWS(Hedge, HedgeTraits);`, in its
/// own test file. The traits derive from `MachineTraits`, whose members look the machine's free
/// functions up in its namespace, and add `initial`, `random_command` and `entity`, under which its
/// events would stand in the journal; see the hedge tests.
/// Optional members, each used where it exists:
///
/// - `encode(event) -> std::string` and `decode(std::string) -> Event`: events survive encoding.
/// - `is_answered(state, effect)`: whether the world has answered an effect, found without
///   `outstanding`; with it, effects not yet answered must equal `outstanding`.
/// - `is_owed_until_answered(effect)`: false for effects that are told once and never again.
/// - `is_idempotent(command)`: false for a command whose repeat means more of the same.

namespace crossclear::tests {

/// The functions of a machine, found in the namespace of its state. A traits struct derives from
/// this and hides whatever its machine does in another way.
template <class StateOf, class CommandOf, class EventOf, class EffectOf>
struct MachineTraits {
    using State = StateOf;
    using Command = CommandOf;
    using Event = EventOf;
    using Effect = EffectOf;

    static auto decide_on(const State& state, const Command& command) {
        return decide(state, command);
    }
    static void apply_to(State& state, const Event& event) { apply(state, event); }
    static std::vector<Effect> effects_after(const State& after, const Event& event) {
        return effects_of(after, event);
    }
    static std::vector<Effect> outstanding_in(const State& state) { return outstanding(state); }
    static std::optional<std::string> breach_in(const State& state) {
        return check_invariants(state);
    }
};

/// Steps of one history, and the histories that one law is tried on.
inline constexpr std::size_t law_steps_max = 50;
inline constexpr std::size_t law_histories_per_case = 3;  ///< RapidCheck runs 100 cases.

/// One law tried on the history of a seed: says what broke, or nothing.
using LawTrial = std::function<std::optional<std::string>(std::uint64_t seed, std::size_t steps)>;

/// Tries a law on random histories and fails the current test where it breaks, naming the seed and
/// how to replay it. With CROSSCLEAR_LAWS_SEED set it tries that history alone.
void expect_law(const LawTrial& trial);

/// A machine growing along the history of one seed.
template <class Traits>
class History {
public:
    using State = typename Traits::State;
    using Command = typename Traits::Command;
    using Event = typename Traits::Event;
    using Effect = typename Traits::Effect;

    explicit History(std::uint64_t seed) : rng_(seed), state_(Traits::initial()) {}

    /// Draws the next command for the state as it is.
    [[nodiscard]] Command next_command() { return Traits::random_command(rng_, state_); }

    /// Decides and applies; remembers the events and the effects they asked for.
    void run(const Command& command) {
        const auto decision = Traits::decide_on(state_, command);
        if (!decision.has_value()) return;
        for (const Event& event : *decision) {
            Traits::apply_to(state_, event);
            events_.push_back(event);
            for (const Effect& effect : Traits::effects_after(state_, event)) note(effect);
        }
    }

    [[nodiscard]] const State& state() const { return state_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    /// What was ever asked of the world, each once.
    [[nodiscard]] const std::vector<Effect>& asked() const { return asked_; }
    [[nodiscard]] bool has_asked(const Effect& effect) const { return contains(asked_, effect); }

    [[nodiscard]] static bool contains(const std::vector<Effect>& effects, const Effect& wanted) {
        for (const Effect& effect : effects) {
            if (effect == wanted) return true;
        }
        return false;
    }

private:
    void note(const Effect& effect) {
        if (!has_asked(effect)) asked_.push_back(effect);
    }

    base::Rng rng_;
    State state_;
    std::vector<Event> events_;
    std::vector<Effect> asked_;
};

/// Where in a history a law broke, for the report.
[[nodiscard]] std::string breach_at(std::size_t step, std::size_t command_index,
                                    std::string_view what);

/// `decide` leaves its state alone and gives the same answer again.
template <class Traits>
std::optional<std::string> decide_is_pure(std::uint64_t seed, std::size_t steps) {
    History<Traits> history{seed};
    for (std::size_t step = 0; step < steps; ++step) {
        const auto before = history.state();
        const auto command = history.next_command();
        const auto first = Traits::decide_on(history.state(), command);
        if (!(history.state() == before)) {
            return breach_at(step, command.index(), "decide changed its state");
        }
        const auto second = Traits::decide_on(history.state(), command);
        if (!(first == second)) {
            return breach_at(step, command.index(), "decide gave another answer the second time");
        }
        history.run(command);
    }
    return std::nullopt;
}

/// Applying the events again leads to the same state.
template <class Traits>
std::optional<std::string> replay_equals_live(std::uint64_t seed, std::size_t steps) {
    History<Traits> history{seed};
    for (std::size_t step = 0; step < steps; ++step) history.run(history.next_command());
    auto replayed = Traits::initial();
    for (const auto& event : history.events()) Traits::apply_to(replayed, event);
    if (!(replayed == history.state())) return "a replay leads to another state";
    return std::nullopt;
}

/// A command that comes twice in a row adds nothing the second time.
template <class Traits>
std::optional<std::string> repeat_adds_nothing(std::uint64_t seed, std::size_t steps) {
    History<Traits> history{seed};
    for (std::size_t step = 0; step < steps; ++step) {
        const auto command = history.next_command();
        history.run(command);
        if constexpr (requires { Traits::is_idempotent(command); }) {
            if (!Traits::is_idempotent(command)) continue;
        }
        const auto repeated = Traits::decide_on(history.state(), command);
        if (repeated.has_value() && !repeated->empty()) {
            return breach_at(step, command.index(), "a repeated command added an event");
        }
    }
    return std::nullopt;
}

/// The invariants hold at the start and after every command.
template <class Traits>
std::optional<std::string> invariants_hold(std::uint64_t seed, std::size_t steps) {
    History<Traits> history{seed};
    if (const auto breach = Traits::breach_in(history.state())) return "at the start: " + *breach;
    for (std::size_t step = 0; step < steps; ++step) {
        const auto command = history.next_command();
        history.run(command);
        if (const auto breach = Traits::breach_in(history.state())) {
            return breach_at(step, command.index(), *breach);
        }
    }
    return std::nullopt;
}

/// What is outstanding was asked for when it became true, and nothing that was asked for and has
/// no answer is forgotten by a restart.
template <class Traits>
std::optional<std::string> unanswered_is_outstanding(std::uint64_t seed, std::size_t steps) {
    using H = History<Traits>;
    H history{seed};
    for (std::size_t step = 0; step < steps; ++step) {
        const auto command = history.next_command();
        history.run(command);
        const auto owed = Traits::outstanding_in(history.state());
        for (const auto& effect : owed) {
            if (!history.has_asked(effect)) {
                return breach_at(step, command.index(),
                                 "an effect is owed but was never asked for");
            }
        }
        if constexpr (requires { Traits::is_answered(history.state(), owed.front()); }) {
            for (const auto& effect : history.asked()) {
                if constexpr (requires { Traits::is_owed_until_answered(effect); }) {
                    if (!Traits::is_owed_until_answered(effect)) continue;
                }
                const bool is_answered = Traits::is_answered(history.state(), effect);
                if (is_answered == H::contains(owed, effect)) {
                    return breach_at(step, command.index(),
                                     is_answered ? "an answered effect is still outstanding"
                                                 : "an unanswered effect is not outstanding");
                }
            }
        }
    }
    return std::nullopt;
}

/// What the codec writes, it reads back as the same event.
template <class Traits>
std::optional<std::string> events_survive_encoding(std::uint64_t seed, std::size_t steps) {
    if constexpr (requires(const typename Traits::Event& event) {
                      Traits::decode(Traits::encode(event));
                  }) {
        History<Traits> history{seed};
        for (std::size_t step = 0; step < steps; ++step) history.run(history.next_command());
        for (const auto& event : history.events()) {
            if (!(Traits::decode(Traits::encode(event)) == event)) {
                return "event kind " + std::to_string(event.index()) + " came back changed";
            }
        }
    }
    return std::nullopt;
}

/// Whatever an event books sums to zero in every asset.
template <class Traits>
std::optional<std::string> postings_balance(std::uint64_t seed, std::size_t steps) {
    History<Traits> history{seed};
    for (std::size_t step = 0; step < steps; ++step) history.run(history.next_command());
    for (const auto& event : history.events()) {
        const auto lines = ledger::postings_of({Traits::entity(), event});
        if (const auto asset = ledger::imbalance_of(lines)) {
            return "event kind " + std::to_string(event.index()) + " does not balance in asset " +
                   std::to_string(asset->v);
        }
    }
    return std::nullopt;
}

/// Random histories reach every kind of event, so that the laws are not about nothing. Fixed seeds:
/// this judges the traits' `random_command`, not the machine.
template <class Traits>
void expect_every_event_reached() {
    using Event = typename Traits::Event;
    std::set<std::size_t> reached;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        History<Traits> history{seed};
        for (std::size_t step = 0; step < law_steps_max; ++step) {
            history.run(history.next_command());
        }
        for (const auto& event : history.events()) reached.insert(event.index());
    }
    for (std::size_t kind = 0; kind < std::variant_size_v<Event>; ++kind) {
        EXPECT_TRUE(reached.contains(kind)) << "no random history reaches event kind " << kind;
    }
}

}  // namespace crossclear::tests

/// Declares the law tests of one machine: `MACHINE_LAWS(Hedge, HedgeTraits);`.
#define MACHINE_LAWS(Suite, Traits)                                                              \
    TEST(Suite##Laws, DecideLeavesItsStateAloneAndRepeatsItself) {                               \
        ::crossclear::tests::expect_law(::crossclear::tests::decide_is_pure<Traits>);            \
    }                                                                                            \
    TEST(Suite##Laws, ReplayEqualsLive) {                                                        \
        ::crossclear::tests::expect_law(::crossclear::tests::replay_equals_live<Traits>);        \
    }                                                                                            \
    TEST(Suite##Laws, ARepeatedCommandAddsNoEvent) {                                             \
        ::crossclear::tests::expect_law(::crossclear::tests::repeat_adds_nothing<Traits>);       \
    }                                                                                            \
    TEST(Suite##Laws, InvariantsHoldThroughout) {                                                \
        ::crossclear::tests::expect_law(::crossclear::tests::invariants_hold<Traits>);           \
    }                                                                                            \
    TEST(Suite##Laws, EffectsNotYetAnsweredEqualOutstanding) {                                   \
        ::crossclear::tests::expect_law(::crossclear::tests::unanswered_is_outstanding<Traits>); \
    }                                                                                            \
    TEST(Suite##Laws, EventsSurviveEncoding) {                                                   \
        ::crossclear::tests::expect_law(::crossclear::tests::events_survive_encoding<Traits>);   \
    }                                                                                            \
    TEST(Suite##Laws, EveryEventsPostingsBalance) {                                              \
        ::crossclear::tests::expect_law(::crossclear::tests::postings_balance<Traits>);          \
    }                                                                                            \
    TEST(Suite##Laws, RandomHistoriesReachEveryEvent) {                                          \
        ::crossclear::tests::expect_every_event_reached<Traits>();                               \
    }                                                                                            \
    static_assert(true, "a semicolon follows")
