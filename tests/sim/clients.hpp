#pragma once

#include "actors/gateway.hpp"
#include "tests/sim/owner.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The clients of one simulation. They remember every answer, and everything they do is checked
/// against what is committed.

namespace crossclear::sim {

/// What a client wanted under one id, and what it was told.
struct Wish {
    std::variant<actors::SubmitTrade, actors::Withdraw, actors::Transfer,
                 actors::SubmitMatchedTrade>
        what;
    std::uint64_t asked{};                 ///< Times.
    std::optional<actors::Answer> answer;  ///< The first that is final.
};

/// All clients, and their sessions on one node after the other.
class Clients {
public:
    Clients(Outside& outside, const base::Listing& listing);
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;

    /// Everyone gets a session on this node.
    void join(Owner& owner);
    /// The sessions on this node end; to be called before it does.
    void leave(std::uint64_t owner);
    /// One client does something on one of the nodes.
    void act(Owner& owner);
    /// One that still waits for an answer asks again. Returns whether there was one.
    bool ask_again(Owner& owner);
    /// A client sends tokens to its broker.
    void deposit();
    /// Venues give up a trade of everyone's.
    void give_up_all(Owner& owner);
    /// An operator lets the signing lane go on.
    void resume_lane(Owner& owner);
    /// Everyone looks at its account.
    void look(Owner& owner);
    /// Whether all wishes were answered.
    [[nodiscard]] bool are_content() const;
    /// Every answer is in the log, for good.
    void check_answers();

private:
    using Key = std::pair<base::AccountId, base::CommandId>;

    actors::Session& session_on(Owner& owner);
    [[nodiscard]] base::AccountId some_account();
    [[nodiscard]] base::CommandId fresh_id();
    void trade(Owner& owner, base::AccountId account);
    void withdraw(Owner& owner, base::AccountId account);
    void transfer(Owner& owner, base::AccountId account);
    void give_up(Owner& owner, base::AccountId buyer);
    void tell_early(const Owner& owner);
    void repeat(Owner& owner);
    void query(Owner& owner, base::AccountId account);
    void ask(Owner& owner, const Key& key);
    void on_answer(const Key& key, std::uint64_t owner, actors::Answer answer);
    void check_final(const Key& key, const actors::Answer& answer);
    void check_cleared(const Key& key, const actors::TradeCleared& cleared);
    void check_cleared(const Key& key, const actors::MatchedTradeCleared& cleared);
    template <class Taken>
    void check_taken(const Key& key, const Taken& taken);
    void check_refused(const Key& key, const actors::Refusal& refusal);
    void check_same(const Key& key, const actors::Answer& first, const actors::Answer& now);
    void conflict(Owner& owner, const Key& key);
    void spoil(const Key& key, actors::Answer& answer) const;

    class Sink;
    Outside& outside_;
    Stage& stage_;
    std::vector<base::AccountId> accounts_;
    std::uint64_t ids_{};
    std::map<Key, Wish> wishes_;
    std::vector<Key> order_;  ///< Of the wishes, by age.
    std::map<std::uint64_t, std::pair<std::shared_ptr<Sink>, std::unique_ptr<actors::Session>>>
        sessions_;
};

}  // namespace crossclear::sim
