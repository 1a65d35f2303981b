#pragma once

#include "actors/context.hpp"

#include <cstdint>
#include <map>
#include <string_view>

namespace crossclear::actors {

/// Times orders from their sending to what their shard makes of them. For figures only: an order
/// that was sent before a restart is not timed, because half of a time is worse than none.
class LegTimer {
public:
    /// An order was sent just now.
    void start(std::uint32_t order, base::Timestamp at) { sent_[order] = at; }

    /// Observes how long ago the order was sent. With `is_over` nothing more is expected of it.
    void observe(const Context& context, base::ShardId shard, std::uint32_t order,
                 std::string_view phase, bool is_over) {
        const auto sent = sent_.find(order);
        if (sent == sent_.end()) return;
        context.instruments->settlement.leg_duration_seconds
            .with({context.listing.shard(shard).symbol, phase})
            .observe(static_cast<double>((context.now() - sent->second).us) * 1e-6);
        if (is_over) sent_.erase(sent);
    }

private:
    std::map<std::uint32_t, base::Timestamp> sent_;
};

}  // namespace crossclear::actors
