#pragma once

#include "actors/home_parts.hpp"
#include "ledger/belief.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

/// What the hosts of machines know of a shard's figures, and what they do where one cannot be.

namespace crossclear::actors {

/// After so long an order that was told of in vain is handed to its lane again, where it waits
/// while that is frozen: before looks at book and shard would miss it.
inline constexpr base::Duration asked_again_after = base::seconds(1);

/// Has the lane frozen: somebody has to look at the shard.
template <class Self>
void distrust(Self* self, const HomeParts& parts, base::ShardId shard, base::AssetId about,
              std::string_view why) {
    const auto& context = *parts.context;
    context.instruments->shards.shard_words_refused_total
        .with({context.broker(parts.broker()).profile.name, context.listing.shard(shard).symbol,
               std::string(why)})
        .increment();
    self->send(parts.home,
               ToHome{base::entity_of(base::EntityKind::reconcile, parts.broker(), shard),
                      Distrusted{about}});
}

/// What the books say about a final word from `shard`, of an order that receives `received`.
[[nodiscard]] inline ledger::Belief belief_of(const HomeParts& parts, const BookLines& book,
                                              base::ShardId shard, base::AssetId received) {
    const auto held = [&](base::AssetId asset) {
        const auto line = book.lines.find(asset);
        return line == book.lines.end() ? base::Amount{} : line->second.held;
    };
    const auto gas = parts.context->listing.shard(shard).gas;
    const auto& reserves = parts.context->broker(parts.broker()).profile.reserves;
    const auto reserve = reserves.find(gas);
    return ledger::belief_from(
        {.gas_held = held(gas),
         .gas_reserve = reserve == reserves.end() ? base::Amount{} : reserve->second,
         .received_held = held(received)});
}

/// Asks the books, and then runs `then` with what they say.
template <class Self, class Then>
void with_belief(Self* self, const HomeParts& parts, base::ShardId shard, base::AssetId received,
                 Then then) {
    self->request(parts.journal, caf::infinite,
                  BookAt{.broker = parts.broker(),
                         .shard = shard,
                         .block = std::numeric_limits<std::uint64_t>::max()})
        .then([parts, shard, received, then = std::move(then)](
                  const BookLines& book) { then(belief_of(parts, book, shard, received)); },
              [](const caf::error&) {});  // The partition is going, and the word is told again.
}

}  // namespace crossclear::actors
