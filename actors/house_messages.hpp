#pragma once

#include "actors/session_messages.hpp"
#include "base/ids.hpp"
#include "ledger/netting/shortfall.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/stress_states.hpp"

#include <cstdint>
#include <map>

/// What operators and followers tell a broker's house, and what its hosts tell each other about
/// lost tokens and hedges. Part of routed_messages.hpp.

namespace crossclear::actors {

/// From a session through the partition: an operator's request to one host. Answered to
/// `from` once durable.
struct OperatorAsk {
    base::EntityId entity;
    std::uint64_t ticket{};
    OperatorRequest request;
    SessionActor from;
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, OperatorAsk& x) {
    return inspect_packed(f, x.entity) && inspect_packed(f, x.ticket) &&
           inspect_packed(f, x.request) && f.apply(x.from) && inspect_packed(f, x.is_routed);
}
/// From a reconciler to netting: may these missing tokens be booked, or borne? Answered by
/// ShortfallAnswer; from then until ShortfallDone the house promises nothing.
struct ShortfallAsk {
    base::EntityId reconciler;
    ledger::netting::Shortfall shortfall;
};
/// From netting to a reconciler.
struct ShortfallAnswer {
    ledger::netting::Remedies remedies;
};
/// From a reconciler to netting: it is booked in this home record, or (0) will not be.
struct ShortfallDone {
    base::EntityId reconciler;
    std::uint64_t sequence{};
};

/// From a partition to netting, again and again: what its clients of that broker would leave
/// unpaid, each at the surface it was last looked at on. A later one replaces an earlier one.
struct PartitionRisk {
    base::BrokerId broker;
    base::PartitionId partition{};
    std::uint64_t sequence{};  ///< Of the latest durable record.
    std::uint64_t universe{};  ///< `Parameters::fingerprint`.
    risk::kernel::HouseSums sums{};
    std::uint64_t clients{};          ///< Accounts that could owe something, and have figures.
    std::uint64_t clients_waiting{};  ///< Not looked at since the partition was taken over.
    std::uint64_t clients_below{};    ///< Whose equity does not cover maintenance.
    base::AccountId worst_client{};   ///< Of the largest loss in a stress,
    float worst_usd{};                ///< and that loss; 0: there is none.
    /// What its accounts hold and owe, gross; empty where no CG and no cap asks for it.
    std::map<base::AssetId, base::Amount> open_interest{};
};

/// From a partition to netting, now and then: the same in the states of the stress book.
struct PartitionStress {
    base::BrokerId broker;
    base::PartitionId partition{};
    std::uint64_t sequence{};  ///< Of the latest durable record.
    std::uint64_t universe{};  ///< `Parameters::stress_fingerprint`.
    risk::kernel::StressSums sums{};
};

/// From a hedge task to netting, and from the partition for those that ended before a restart: what
/// may be published of it by now.
struct HedgePublished {
    HedgeNews news;
};
/// From a session to netting: follow or leave the broker's transparency channel.
struct HouseFollow {
    Channel channel;
    SessionActor from;
    bool is_following{};
    bool is_routed{};  ///< As in AccountAsk.
};
template <class Inspector>
bool inspect(Inspector& f, HouseFollow& x) {
    return inspect_packed(f, x.channel) && f.apply(x.from) && inspect_packed(f, x.is_following) &&
           inspect_packed(f, x.is_routed);
}

}  // namespace crossclear::actors
