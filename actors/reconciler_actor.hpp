#pragma once

#include "actors/home_parts.hpp"
#include "actors/machine_host.hpp"
#include "actors/operators_waiting.hpp"
#include "ledger/reconcile/doubt.hpp"
#include "ledger/reconcile/machine.hpp"

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace crossclear::actors {

/// Hosts the reconciliation of one broker on one shard: fetches both sides at one finalized block
/// and lets the machine compare.
///
/// A difference that is seen for the first time may be a receipt on its way: it is not compared
/// until it has been seen `patience` times in a row, and counts as explained until so many looks in
/// a row have found no order that can have done it (`explanation_of`). An order whose last word was
/// told is one that can, for a while: its receipt may not be in the books yet, and where there is
/// always some order, such looks must not freeze a lane.
class ReconcilerHost : public HomeActor::base {
public:
    ReconcilerHost(caf::actor_config& config, HomeParts parts, ledger::reconcile::State state,
                   LaneActor lane);

    HomeActor::behavior_type make_behavior() override;
    /// Tells operators who still wait that nobody here can say any more, and ends its figures.
    void on_exit() override;

private:
    void on_news(const HomeNews& news);
    void fetch();
    void ask_books(const shards::Balances& balances);
    void compare(const shards::Balances& balances, const BookLines& book,
                 const std::vector<ledger::reconcile::OrderUnderWay>& orders);
    void decide_and_commit(const ledger::reconcile::Command& command);
    void carry_out(const std::vector<ledger::reconcile::Effect>& effects);
    void look_again();
    /// To every partition, and here at once.
    void tell_pause() const;
    void say_pause_again();

    // reconciler_operator.cpp
    void on_operator(const OperatorAsk& ask);
    void handle(const OperatorAsk& ask, const GetBreaks& request);
    void handle(const OperatorAsk& ask, const Reconcile& request);
    void handle(const OperatorAsk& ask, const ResolveBreak& request);
    void handle(const OperatorAsk& ask, const PauseShard& request);
    void handle(const OperatorAsk& ask, const GetPartitions& request);
    void handle(const OperatorAsk& ask, const GetNodes& request);
    void handle(const OperatorAsk& ask, const GetHouses& request);
    void handle(const OperatorAsk& ask, const GetExpiries& request);
    void handle(const OperatorAsk& ask, const ProposePrice& request);
    void handle(const OperatorAsk& ask, const DisputePrice& request);
    void handle(const OperatorAsk& ask, const ResumeLane& request);
    void refuse_misled(const OperatorAsk& ask);
    void ask_for_means(const ResolveBreak& request);
    void on_means(const ledger::netting::Remedies& remedies);
    void resolve(const OperatorAsk& ask, ledger::reconcile::ResolveBreak command);
    void answer_when_durable(const OperatorAsk& ask, Answer answer);
    void answer_looks(const std::optional<Refusal>& refusal);
    [[nodiscard]] LaneView lane_view() const;
    /// Why not, if it was refused.
    [[nodiscard]] std::optional<ledger::reconcile::Reject> commit_for(
        const ledger::reconcile::Command& command);
    void tell(const ledger::reconcile::Event& event,
              const std::map<base::AssetId, ledger::reconcile::Break>& open_before) const;
    void count_break(base::AssetId asset, double by) const;
    void forget_figures() const;

    HomeParts parts_;
    Crank<ledger::reconcile::State> crank_;
    LaneActor lane_;
    base::ShardId shard_;
    std::map<base::AssetId, ledger::reconcile::Line> lines_;  ///< As of the latest look.
    std::vector<OperatorAsk> looks_;                          ///< Who waits for the next look.
    std::deque<OperatorAsk> resolving_;  ///< Who waits for netting; the first one has asked.
    base::Timestamp pause_said_at_;
    base::Amount asked_for_;  ///< What netting was asked about: missing where positive.
    OperatorsWaiting operators_;
    /// How often a difference was seen in a row.
    struct Looks {
        std::uint32_t any{};
        std::uint32_t not_in_time{};  ///< By no order that may still take effect.
        std::uint32_t unexplained{};  ///< By no order at all.

        void note(ledger::reconcile::Explanation found);
        [[nodiscard]] ledger::reconcile::Explanation explanation() const;
    };
    std::map<base::AssetId, Looks> seen_;
};

}  // namespace crossclear::actors
