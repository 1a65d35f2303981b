#include "ledger/hedge/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace crossclear::ledger::hedge {

bool is_in_flight(SliceStatus status) {
    return status == SliceStatus::sent || status == SliceStatus::included;
}

bool has_orders_in_flight(const State& state) {
    return std::any_of(state.slices.begin(), state.slices.end(),
                       [](const SliceProgress& slice) { return is_in_flight(slice.status); });
}

std::optional<base::Timestamp> next_wake(const State& state) {
    if (state.phase != Phase::working) return std::nullopt;
    std::optional<base::Timestamp> earliest;
    for (std::size_t i = 0; i < state.slices.size(); ++i) {
        if (state.slices[i].status != SliceStatus::planned) continue;
        const base::Timestamp due = std::min(state.terms.slices[i].send_at, state.terms.deadline);
        if (!earliest || due < *earliest) earliest = due;
    }
    return earliest;
}

std::optional<base::Timestamp> wake_still_owed(const State& state, base::Timestamp now) {
    const auto at = next_wake(state);
    return at && *at >= now ? at : std::nullopt;
}

base::AssetId given_asset_of(const HedgeCommitted& terms) {
    return terms.quantity.v > 0 ? terms.settlement : terms.base;
}

base::AssetId received_asset_of(const HedgeCommitted& terms) {
    return terms.quantity.v > 0 ? terms.base : terms.settlement;
}

base::Amount given_max_of(const HedgeCommitted& terms, std::uint32_t number) {
    CHECK(number >= 1 && number <= terms.cost_max.size(), "a slice is one of the schedule's");
    return terms.is_contract ? base::Amount{0} : terms.cost_max[number - 1];
}

ShardOrder order_of(const State& state, std::uint32_t number) {
    const HedgeCommitted& terms = state.terms;
    CHECK(number >= 1 && number <= terms.slices.size(), "a slice is one of the schedule's");
    return ShardOrder{.ref = {.origin = state.id, .number = number},
                      .shard = terms.shard,
                      .kind = terms.is_contract ? OrderKind::contract : OrderKind::swap,
                      .instrument = terms.instrument,
                      .quantity = terms.slices[number - 1].quantity,
                      .bound = terms.bound,
                      .asset = {},
                      .amount = {},
                      .to_shard = {},
                      .destination = {},
                      .deadline = terms.deadline};
}

std::string schedule_text(const base::EntityId& task, const HedgeCommitted& terms) {
    fmt::memory_buffer text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "crossclear hedge schedule 1\ntask {}\n", to_string(task));
    fmt::format_to(out, "instrument {}\nshard {}\nquantity {}\nbound {}\ndeadline_us {}\n",
                   terms.instrument.v, terms.shard.v, terms.quantity.v, terms.bound.v,
                   terms.deadline.us);
    for (const Slice& slice : terms.slices) {
        fmt::format_to(out, "slice {} at_us {}\n", slice.quantity.v, slice.send_at.us);
    }
    fmt::format_to(out, "salt {:016x}\n", terms.salt);
    return fmt::to_string(text);
}

}  // namespace crossclear::ledger::hedge
