#pragma once

#include "actors/home_parts.hpp"
#include "actors/machine_host.hpp"
#include "ledger/reconcile/machine.hpp"

#include <map>

namespace crossclear::actors {

/// Hosts the reconciliation of one broker on one shard: fetches both sides at one finalized block
/// and lets the machine compare.
///
/// A difference that is seen for the first time may be a receipt on its way: it is not compared
/// until it has been seen `patience` times in a row, and counts as explained while orders are in
/// doubt.
class ReconcilerHost : public HomeActor::base {
public:
    ReconcilerHost(caf::actor_config& config, HomeParts parts, ledger::reconcile::State state,
                   LaneActor lane);

    HomeActor::behavior_type make_behavior() override;

private:
    void on_news(const HomeNews& news);
    void fetch();
    void ask_books(const shards::Balances& balances);
    void compare(const shards::Balances& balances, const BookLines& book,
                 std::uint64_t orders_in_doubt);
    void decide_and_commit(const ledger::reconcile::Command& command);
    void carry_out(const std::vector<ledger::reconcile::Effect>& effects);
    void look_again();

    HomeParts parts_;
    Crank<ledger::reconcile::State> crank_;
    LaneActor lane_;
    base::ShardId shard_;
    std::map<base::AssetId, std::uint32_t> seen_;  ///< How often a difference was seen in a row.
};

}  // namespace crossclear::actors
