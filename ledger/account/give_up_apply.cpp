#include "base/check.hpp"
#include "ledger/account/applying.hpp"
#include "ledger/account/give_up.hpp"

#include <utility>

/// How the events of give-ups become true, and what they ask of the world.

namespace crossclear::ledger::account {
namespace {

Match& open_match(State& state, std::uint64_t number) {
    const auto found = state.matches.find(number);
    CHECK(found != state.matches.end() && found->second.state == MatchState::reserved,
          "a matched trade is decided once");
    return found->second;
}

/// What the venue is told, if its command is still remembered: its id is too old otherwise.
Answer* remembered(State& state, base::CommandId cause) {
    const auto found = state.answered.find(cause);
    if (found == state.answered.end()) return nullptr;
    found->second.version = state.version;
    return &found->second;
}

void note_end(State& state, base::AccountId buyer, const SaleEnd& end) {
    SaleEnd& known = state.sale_ends[buyer];
    CHECK(end.number > known.number, "a matched trade is over once, and in order");
    known = end;
}

void close_sale(State& state, base::AccountId buyer, std::uint64_t number) {
    const auto open = state.sales.find(buyer);
    CHECK(open != state.sales.end() && open->second.number == number,
          "what is taken from HELD was reserved");
    state.sales.erase(open);
}

/// One effect where the oldest match with a seller has this number.
std::vector<Effect> said_about(const State& after, base::AccountId seller, std::uint64_t number) {
    auto next = next_said_to(after, seller);
    if (!next) return {};
    const auto of = std::visit(
        [](const auto& effect) -> std::uint64_t {
            if constexpr (requires { effect.seller; }) {
                return effect.number;
            } else {
                UNREACHABLE("sellers are told of matched trades alone");
            }
        },
        *next);
    // A younger one waits for the end of what is under way with the same seller.
    if (of != number) return {};
    return {*std::move(next)};
}

// The end of one lets the next one with the same seller go.
std::vector<Effect> said_after(const State& after, base::AccountId seller) {
    auto next = next_said_to(after, seller);
    return next ? std::vector<Effect>{*std::move(next)} : std::vector<Effect>{};
}

}  // namespace

void close_reservation(State& state, const TradeNovated& novated) {
    if (novated.quantity > base::Amount{0}) {
        Match& match = open_match(state, novated.match);
        match.state = MatchState::committed;
        match.trade = novated.number;
        return;
    }
    close_sale(state, novated.counterparty, novated.match);
    note_end(state, novated.counterparty,
             {.number = novated.match, .reject = Reject::none, .trade = novated.number});
}

void apply_one(State& state, const MatchReserved& reserved) {
    state.matches_count += 1;
    CHECK(reserved.number == state.matches_count, "matched trades are numbered without gaps");
    for (const auto& change : reserved.changes) book(state, change);
    state.matches.emplace(reserved.number, Match{.cause = reserved.cause,
                                                 .seller = reserved.seller,
                                                 .reserved = reserved.reserved,
                                                 .deadline = reserved.deadline,
                                                 .state = MatchState::reserved,
                                                 .trade = 0});
    Answer answer;
    answer.body = reserved.body;
    answer.version = state.version;
    remember(state, reserved.cause, answer);
}

void apply_one(State& state, const MatchAborted& aborted) {
    Match& match = open_match(state, aborted.number);
    for (const auto& change : aborted.changes) book(state, change);
    if (Answer* answer = remembered(state, match.cause)) {
        answer->reject = aborted.reason;
        answer->is_of_seller = aborted.is_declined;
    }
    match.state = MatchState::aborted;
    if (aborted.is_declined) state.matches.erase(aborted.number);
}

void apply_one(State& state, const MatchEnded& ended) {
    const auto node = state.matches.extract(ended.number);
    CHECK(!node.empty(), "a matched trade ends once");
    const Match& match = node.mapped();
    CHECK((match.state == MatchState::committed) == (ended.trade != 0),
          "both sides of a matched trade are cleared, or neither");
    if (ended.trade == 0) return;
    if (Answer* answer = remembered(state, match.cause)) {
        answer->number = match.trade;
        answer->price = match.reserved.price;
        answer->fee = match.reserved.fee;
        answer->sale = ended.trade;
    }
}

void apply_one(State& state, const MatchAccepted& accepted) {
    for (const auto& change : accepted.changes) book(state, change);
    const auto [sale, is_first] = state.sales.emplace(
        accepted.buyer,
        Sale{.number = accepted.number, .cause = accepted.cause, .reserved = accepted.reserved});
    CHECK(is_first, "of each buyer one sale is reserved");
}

void apply_one(State& state, const MatchDeclined& declined) {
    note_end(state, declined.buyer,
             {.number = declined.number, .reject = declined.reason, .trade = 0});
}

void apply_one(State& state, const MatchReleased& released) {
    for (const auto& change : released.changes) book(state, change);
    if (state.sales.contains(released.buyer)) close_sale(state, released.buyer, released.number);
    note_end(state, released.buyer,
             {.number = released.number, .reject = Reject::none, .trade = 0});
}

std::vector<Effect> effects(const State& after, const TradeNovated& novated) {
    const bool is_decision = novated.match != 0 && novated.quantity > base::Amount{0};
    if (!is_decision) return {};
    return said_about(after, novated.counterparty, novated.match);
}

std::vector<Effect> effects(const State& after, const MatchReserved& reserved) {
    return said_about(after, reserved.seller, reserved.number);
}

std::vector<Effect> effects(const State& after, const MatchAborted& aborted) {
    if (aborted.is_declined) return said_after(after, aborted.seller);
    return said_about(after, aborted.seller, aborted.number);
}

std::vector<Effect> effects(const State& after, const MatchEnded& ended) {
    return said_after(after, ended.seller);
}

std::vector<Effect> effects(const State&, const MatchAccepted&) { return {}; }
std::vector<Effect> effects(const State&, const MatchDeclined&) { return {}; }
std::vector<Effect> effects(const State&, const MatchReleased&) { return {}; }

}  // namespace crossclear::ledger::account
