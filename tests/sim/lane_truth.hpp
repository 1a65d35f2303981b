#pragma once

#include "ledger/signing/effects.hpp"
#include "ledger/signing/state.hpp"
#include "tests/sim/signed_chain.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

/// What must hold of a signing lane, as an observer knows it who sees both what is committed and
/// the chain itself. It knows every transaction by its nonce and its number under that.

namespace crossclear::sim {

/// One lane, where a world has one.
class LaneTruth {
public:
    explicit LaneTruth(Stage& stage) : stage_(stage) {}

    /// Which chain it is on, and what is called at each step of a transaction, when a node may die.
    /// Without a chain there is no lane.
    void watch(const SignedChain* chain, std::function<void()> on_step) {
        chain_ = chain;
        on_step_ = std::move(on_step);
    }
    /// Something happens that has to do with a transaction.
    void step() const { on_step_(); }
    /// Whether this world has one.
    [[nodiscard]] bool is_there() const { return chain_ != nullptr; }

    /// An event of the lane is committed; `after` contains it.
    void take_in(const ledger::signing::State& after, const ledger::signing::Event& event);
    /// Bytes leave for a node.
    void check_sent(const ledger::signing::Broadcast& sent, const std::string& bytes);
    /// What is to be signed under a nonce, if that is committed.
    [[nodiscard]] std::optional<ledger::signing::Sign> planned(std::uint64_t nonce,
                                                               std::uint32_t number) const;
    /// A node dies: where it leaves what is unfinished.
    void note_crash();
    /// Whether it stands still until an operator has looked.
    [[nodiscard]] bool is_halted() const { return state_.halt != ledger::signing::Halt::none; }
    /// What is not finished, in words; empty where all is.
    [[nodiscard]] std::string restless() const;
    /// What must hold at rest: `ended` are the orders that ended, and whether they took effect, and
    /// `sagas` whether they were settled.
    void check_at_rest(const std::map<base::OrderRef, bool>& ended,
                       const std::map<base::EntityId, bool>& sagas);

private:
    using Name = std::pair<std::uint64_t, std::uint32_t>;
    struct Made {
        ledger::signing::Hash hash{};
        std::string raw;
    };

    void note(const ledger::signing::LaneOpened&) {}
    void note(const ledger::signing::IntentTaken& event);
    void note(const ledger::signing::TransactionPlanned& event);
    void note(const ledger::signing::TransactionSigned& event);
    void note(const ledger::signing::TransactionRefused&) {}
    void note(const ledger::signing::TransactionIncluded& event);
    void note(const ledger::signing::InclusionUndone& event);
    void note(const ledger::signing::NonceFinished& event);
    void note(const ledger::signing::LaneHalted& event);
    void note(const ledger::signing::NonceForfeited& event);
    void note(const ledger::signing::LaneResumed&) { stage_.mark(Mark::lane_resumed); }
    [[nodiscard]] std::map<base::OrderRef, int> final_effects() const;

    Stage& stage_;
    const SignedChain* chain_{};
    std::function<void()> on_step_;
    ledger::signing::State state_;
    std::map<std::uint64_t, ledger::signing::IntentTaken> intents_;
    std::map<base::OrderRef, std::uint64_t> nonces_;  ///< That are not given up.
    std::map<Name, ledger::signing::TransactionPlanned> planned_;
    std::map<Name, Made> signed_;
    std::map<Name, std::uint64_t> sent_at_;  ///< In which life it was sent first.
    std::map<std::uint64_t, ledger::signing::Hash> undone_;
    std::uint64_t lives_{};
};

}  // namespace crossclear::sim
