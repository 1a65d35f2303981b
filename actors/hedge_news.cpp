#include "actors/hedge_news.hpp"

#include "base/check.hpp"

namespace crossclear::actors {
namespace {

std::string hex_of(const ledger::journal::Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : digest) {
        const auto value = static_cast<unsigned>(byte);
        text += digits[value >> 4U];
        text += digits[value & 15U];
    }
    return text;
}

}  // namespace

HedgeNews hedge_news(const ledger::hedge::State& task) {
    using ledger::hedge::Phase;
    CHECK(task.phase != Phase::unplanned, "only what is committed to is published");
    const auto& terms = task.terms;
    HedgeNews news{.task = base::number_of(base::AccountId{task.id.id}),
                   .hash = hex_of(terms.commitment),
                   .committed_at = terms.at,
                   .revealed = {}};
    if (task.phase != Phase::finished) return news;
    auto& schedule = news.revealed.emplace();
    schedule.instrument = terms.instrument;
    schedule.shard = terms.shard;
    schedule.quantity = terms.quantity;
    schedule.bound = terms.bound;
    schedule.deadline = terms.deadline;
    for (const auto& slice : terms.slices) {
        schedule.slices.emplace_back(slice.quantity, slice.send_at);
    }
    schedule.salt = terms.salt;
    schedule.text = ledger::hedge::schedule_text(task.id, terms);
    schedule.filled = task.filled;
    return news;
}

}  // namespace crossclear::actors
