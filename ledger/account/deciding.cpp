#include "ledger/account/deciding.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/account/balances.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::ledger::account {

bool is_scale(int scale) { return scale >= 0 && scale <= base::asset_scale_max; }

namespace {

using base::Amount;
using base::Failure;
namespace limits = base::limits;

// Used by a check that is not in every build.
[[maybe_unused]] std::optional<std::string> breach_after(const State& state,
                                                         const std::vector<Event>& events) {
    State after = state;
    for (const Event& event : events) apply(after, event);
    return check_invariants(after);
}

}  // namespace

Decision propose(const State& state, std::vector<Event> events) {
    CHECK_SLOW(!breach_after(state, events), "a decision keeps the invariants");
    static_cast<void>(state);
    return events;
}

Decision propose(const State& state, Event event) {
    std::vector<Event> events;
    events.push_back(std::move(event));
    return propose(state, std::move(events));
}

Decision refuse(const State& state, base::CommandId cause, std::uint64_t body, Reject reason,
                base::Timestamp at) {
    if (!depends_on_the_moment(reason)) return Failure{reason};
    return propose(state, CommandRefused{.cause = cause, .body = body, .reason = reason, .at = at});
}

std::optional<Decision> decide_by_identity(const State& state, base::CommandId id,
                                           std::uint64_t body, base::Timestamp received_at) {
    if (const Answer* first = answer_to(state, id)) {
        if (first->body == body) return std::vector<Event>{};
        return Failure{Reject::id_reused_with_other_body};
    }
    if (id <= state.floor) return Failure{Reject::id_too_old};
    // A full memory evicts the smallest id: this one's own answer could not be kept, so that its
    // repeat would find none.
    const bool is_memory_full = state.answered.size() >= limits::answered_max;
    if (is_memory_full && id < state.answered.begin()->first) return Failure{Reject::id_too_old};
    if (base::made_at(id) - limits::id_ahead_max > received_at) {
        return Failure{Reject::id_too_far_ahead};
    }
    return std::nullopt;
}

base::Result<Amount, Reject> value_of(Amount quantity, int scale, base::Price mark,
                                      int settlement_scale) {
    if (mark.v < 0) return Failure{Reject::price_is_stale};
    if (!is_scale(scale) || !is_scale(settlement_scale)) {
        return Failure{Reject::notional_out_of_range};
    }
    const auto value =
        base::notional(quantity, scale, mark, settlement_scale, base::Rounding::down);
    if (!value) return Failure{Reject::notional_out_of_range};
    return *value;
}

bool has_debt(const State& state) {
    return std::any_of(state.holdings.begin(), state.holdings.end(),
                       [](const auto& entry) { return entry.second.recv > zero; });
}

}  // namespace crossclear::ledger::account
