#include "base/rng.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

/// A matched trade by its buyer and the buyer's number.
using MatchKey = std::pair<base::AccountId, std::uint64_t>;

// Two accounts, a venue that matches trades between them, and what is said between the two: lost,
// doubled, late and out of order, while time goes by.
struct MatchedPair {
    State left = an_account().with_free(world::eth, 400).with_free(world::usdc, 900);
    State right = other();
    std::vector<Command> to_left;
    std::vector<Command> to_right;
    base::Timestamp now{world::now};
    std::uint64_t ids{};
    std::map<base::CommandId, MatchKey> asked;
    std::set<MatchKey> bought;
    std::set<MatchKey> sold;
    std::set<MatchKey> refused;

    static State other() {
        State state = an_account();
        state.id = another_account();
        run(state, a_deposit(8, world::eth, 300, ledger::Finality::final));
        run(state, a_deposit(9, world::usdc, 700, ledger::Finality::final));
        return state;
    }

    void say(const std::vector<Effect>& effects, bool is_left) {
        for (const auto& effect : effects) {
            auto& out = is_left ? to_right : to_left;
            if (const auto* proposed = std::get_if<ProposeMatch>(&effect)) {
                auto sale =
                    a_sale(proposed->number, proposed->quantity.v, 2 * proposed->quantity.v);
                sale.buyer = proposed->buyer;
                sale.cause = proposed->cause;
                out.push_back(sale);
            } else {
                const auto& told = std::get<TellMatch>(effect);
                out.push_back(ConcludeMatch{.buyer = told.buyer,
                                            .number = told.number,
                                            .is_committed = told.is_committed,
                                            .at = now,
                                            .settle_by = world::settle_by});
            }
        }
    }

    void note(const Event& event, const State& self) {
        if (const auto* trade = std::get_if<TradeNovated>(&event)) {
            const bool is_buyer = trade->quantity > Amount{0};
            const MatchKey key{is_buyer ? self.id : trade->counterparty, trade->match};
            RC_ASSERT((is_buyer ? bought : sold).insert(key).second);
        } else if (const auto* reserved = std::get_if<MatchReserved>(&event)) {
            asked[reserved->cause] = {self.id, reserved->number};
        } else if (const auto* aborted = std::get_if<MatchAborted>(&event)) {
            refused.insert({self.id, aborted->number});
        }
    }

    // What the seller answers, also where nothing was new.
    void answer(const Command& command, const State& self, bool is_left) {
        auto& out = is_left ? to_right : to_left;
        if (const auto* reserve = std::get_if<ReserveMatch>(&command)) {
            if (const auto reason = outcome_of(self, *reserve)) {
                out.push_back(HearMatch{.number = reserve->number,
                                        .reason = *reason,
                                        .at = now,
                                        .settle_by = world::settle_by});
            }
        } else if (const auto* conclude = std::get_if<ConcludeMatch>(&command)) {
            if (const auto trade = outcome_of(self, *conclude)) {
                out.push_back(EndMatch{.number = conclude->number, .trade = *trade, .at = now});
            }
        }
    }

    void hear(bool is_left, const Command& command) {
        State& self = is_left ? left : right;
        const auto decision = decide(self, command);
        RC_ASSERT(decision.has_value());
        for (const auto& event : *decision) {
            ledger::account::apply(self, event);
            note(event, self);
            say(effects_of(self, event), is_left);
        }
        answer(command, self, is_left);
    }

    // It is heard when it is heard: a decision about a deadline takes the buyer's clock.
    void hear_now(bool is_left, Command command) {
        if (auto* word = std::get_if<HearMatch>(&command)) word->at = now;
        hear(is_left, command);
    }

    void step(base::Rng& rng) {
        const bool is_left = rng.below(2) == 0;
        auto& inbox = is_left ? to_left : to_right;
        switch (rng.below(6)) {
            case 0: {
                const auto size = static_cast<std::int64_t>(1 + rng.below(60));
                auto match = a_match(++ids, size, 2 * size);
                match.seller = is_left ? right.id : left.id;
                match.received_at = now;
                match.deadline = now + base::seconds(5);
                return hear(is_left, match);
            }
            case 1:
                return say(outstanding(is_left ? left : right), is_left);
            case 2:
                now = now + base::milliseconds(static_cast<std::int64_t>(rng.below(1'500)));
                return hear(is_left, ExpireMatches{.at = now});
            default:
                if (inbox.empty()) return;
                const auto at = static_cast<std::ptrdiff_t>(rng.below(inbox.size()));
                const auto command = inbox[static_cast<std::size_t>(at)];
                // Most are heard once; some stay for another time, some are lost.
                if (rng.below(4) != 0) inbox.erase(inbox.begin() + at);
                if (rng.below(4) != 0) hear_now(is_left, command);
        }
    }

    void check() const {
        RC_ASSERT(std::includes(bought.begin(), bought.end(), sold.begin(), sold.end()));
        for (const auto& key : refused) RC_ASSERT(!bought.contains(key) && !sold.contains(key));
        for (const State* state : {&left, &right}) {
            RC_ASSERT(!check_invariants(*state));
            for (const auto& [id, first] : state->answered) {
                if (!asked.contains(id) || is_undecided(*state, id)) continue;
                const auto& key = asked.at(id);
                if (key.first != state->id) continue;
                // The venue has been told: so it is, on both sides, whatever is said later.
                const bool is_cleared = first.reject == Reject::none;
                RC_ASSERT(bought.contains(key) == is_cleared);
                RC_ASSERT(sold.contains(key) == is_cleared);
            }
        }
    }

    [[nodiscard]] bool is_at_rest() const {
        return outstanding(left).empty() && outstanding(right).empty();
    }
};

// Goal: whatever becomes of the messages, a matched trade is cleared on both sides or on neither,
// and whoever was told so stays right; and once they get through everything ends.
RC_GTEST_PROP(GiveUp, IsClearedOnBothSidesOrNeitherWhateverBecomesOfMessages, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    MatchedPair pair;
    for (int i = 0; i < 300; ++i) {
        pair.step(rng);
        pair.check();
    }
    for (int i = 0; i < 1'000 && !pair.is_at_rest(); ++i) {
        pair.say(outstanding(pair.left), true);
        pair.say(outstanding(pair.right), false);
        for (const auto& command : std::exchange(pair.to_left, {})) pair.hear_now(true, command);
        for (const auto& command : std::exchange(pair.to_right, {})) {
            pair.hear_now(false, command);
        }
    }
    RC_ASSERT(pair.is_at_rest());
    pair.check();
    RC_ASSERT(pair.bought == pair.sold);
    RC_ASSERT(pair.left.sales.empty() && pair.right.sales.empty());
    for (const State* state : {&pair.left, &pair.right}) {
        for (const auto& [asset, holding] : state->holdings) RC_ASSERT(holding.held == Amount{0});
    }
    RC_CLASSIFY(!pair.bought.empty(), "some were cleared");
    RC_CLASSIFY(!pair.refused.empty(), "some were not");
}

}  // namespace
}  // namespace crossclear::tests
