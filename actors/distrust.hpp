#pragma once

#include "actors/home_parts.hpp"
#include "base/saturated.hpp"
#include "ledger/belief.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
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
        return line == book.lines.end() ? base::Wide{0} : base::Wide{line->second.held.v};
    };
    const auto gas = parts.context->listing.shard(shard).gas;
    const auto& reserves = parts.context->broker(parts.broker()).profile.reserves;
    const auto kept = reserves.find(gas);
    // What came in may be told later than what was paid out of it: a reserve is there in any case.
    const base::Wide gas_max =
        std::max(held(gas), base::Wide{0}) + (kept == reserves.end() ? 0 : kept->second.v);
    return {.gas_max = base::saturated(std::min(gas_max, base::Wide{ledger::figure_max.v})),
            .received_max = base::saturated(
                std::max(base::Wide{ledger::figure_max.v} - held(received), base::Wide{0})),
            .scales = std::nullopt};
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
