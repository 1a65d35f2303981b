#pragma once

#include "base/ids.hpp"
#include "ledger/words.hpp"
#include "shards/simulated/archive.hpp"
#include "shards/simulated/parameters.hpp"

/// The fields of what both the chain's log and the wire carry, for the archive, which finds them by
/// argument-dependent lookup; and which numbers their enumerations have.

namespace crossclear::shards::simulated {

template <>
inline constexpr EnumRange enum_range<base::EntityKind>{1, 8};
template <>
inline constexpr EnumRange enum_range<ledger::OrderKind>{1, 6};
template <>
inline constexpr EnumRange enum_range<ledger::Finality>{0, 4};
template <>
inline constexpr EnumRange enum_range<ledger::ShardRefusal>{0, 7};

}  // namespace crossclear::shards::simulated

namespace crossclear::base {

/// Which fields cross, and in which order: both are the format.
void describe(auto& archive, EntityId& x) { archive(x.kind, x.id, x.sub); }
void describe(auto& archive, OrderRef& x) { archive(x.origin, x.number); }

}  // namespace crossclear::base

namespace crossclear::ledger {

/// Which fields cross, and in which order: both are the format.
void describe(auto& archive, ShardOrder& x) {
    archive(x.ref, x.shard, x.kind, x.instrument, x.quantity, x.bound, x.asset, x.amount,
            x.to_shard, x.destination, x.deadline);
}
void describe(auto& archive, OrderNotice& x) {
    archive(x.ref, x.finality, x.block, x.refusal, x.given, x.given_asset, x.received,
            x.received_asset, x.filled, x.price, x.gas);
}

}  // namespace crossclear::ledger
