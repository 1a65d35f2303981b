#pragma once

#include "actors/home_parts.hpp"
#include "actors/machine_host.hpp"
#include "actors/operators_waiting.hpp"
#include "actors/time_average.hpp"
#include "base/rng.hpp"
#include "ledger/netting/machine.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace crossclear::actors {

/// Hosts one broker's house: gathers the partitions' figures, lets the machine grant cover, open
/// hedges and keep margin at venues, and sets up what it opens.
class NettingHost : public HomeActor::base {
public:
    NettingHost(caf::actor_config& config, HomeParts parts, ledger::netting::State state);

    HomeActor::behavior_type make_behavior() override;
    /// Tells operators who still wait that nobody here can say any more, and ends its figures.
    void on_exit() override;

private:
    void on_news(const HomeNews& news);
    void on_deposit(const ledger::DepositNotice& deposit);
    void look_for_deposits();
    void on_rescan(const ledger::RescanNotice& rescan);
    void on_report(const PartitionReport& report);
    void on_variation(const ledger::VariationNotice& variation);
    void distrust_shard(ledger::netting::Reject reject, base::ShardId shard, base::AssetId about);
    void record_variations(base::ShardId shard);
    void hear_variations(base::ShardId shard);
    void close_move(const MoveEnded& ended);
    void on_wake();
    void act_on_figures();
    void found_house();
    void balance();
    void keep_margins();
    void level_shards();
    void book_result();
    void bear_losses();
    void answer_reviews();
    void review(const ReviewAsk& ask);
    void on_left(const ReviewDone& over);
    void close_departures();
    void publish_hedge(const HedgeNews& news);
    void on_follow(const HouseFollow& follow);
    void on_risk(const PartitionRisk& risk);
    void on_stress(const PartitionStress& stress);
    [[nodiscard]] std::vector<HouseLine::Stress> stress_lines(const risk::Surface& surface);
    [[nodiscard]] std::vector<base::Amount> open_interest(const risk::Surface& surface) const;
    void look_at_house();
    [[nodiscard]] std::int64_t waterfall_cents(const risk::Surface& surface) const;
    [[nodiscard]] const risk::kernel::HouseReport* report_on(const risk::Surface& surface,
                                                             risk::kernel::HouseSums sums,
                                                             double waterfall);
    [[nodiscard]] HouseStanding standing_of(HouseLine& line,
                                            const risk::kernel::HouseReport& report) const;
    [[nodiscard]] base::Price bound_of(base::InstrumentId instrument, base::Price mark,
                                       bool is_up) const;
    [[nodiscard]] std::int64_t exposure_cents(const risk::Surface& surface,
                                              std::optional<std::string_view> protocol = {}) const;
    void note_caps(HouseStanding& standing, HouseLine& line, const risk::Surface& surface) const;
    void complain_of(const HouseStanding& standing) const;
    [[nodiscard]] std::map<base::ShardId, double> held_by_shard(const risk::Surface& surface) const;
    void tell_house(HouseStanding standing);
    void publish_house(const risk::kernel::HouseReport& report, double waterfall) const;
    void answer_operator(const OperatorAsk& ask);
    void answer(const OperatorAsk& ask, const GetHouses& request);

    // netting_expiry.cpp
    void look_at_expiries();
    void complain_of_prices();
    void note_average(base::InstrumentId instrument, const base::Expiry& expiry);
    void propose_average(base::InstrumentId instrument, const base::Expiry& expiry);
    void tell_prices(const std::map<base::AssetId, base::Price>& prices);
    [[nodiscard]] std::vector<ledger::netting::FixPrices::Together> events() const;
    [[nodiscard]] ExpiryLine expiry_line(base::InstrumentId instrument) const;
    void answer(const OperatorAsk& ask, const GetExpiries& request);
    void answer(const OperatorAsk& ask, const ProposePrice& request);
    void answer(const OperatorAsk& ask, const DisputePrice& request);
    void answer_decided(const OperatorAsk& ask, base::InstrumentId about,
                        const ledger::netting::Decision& decision);

    void answer_shortfall();
    void on_shortfall_done(const ShortfallDone& booked);
    [[nodiscard]] ledger::netting::Means means_for(
        const ledger::netting::Shortfall& shortfall) const;
    /// The number of an asset's open task, 0 if it has none.
    [[nodiscard]] std::uint64_t task_on(base::AssetId asset) const;
    void note_task(ledger::netting::Exposure& exposure) const;

    [[nodiscard]] std::vector<ledger::netting::CoverLine> cover_lines() const;
    [[nodiscard]] std::vector<ledger::netting::Exposure> exposures() const;
    [[nodiscard]] std::optional<ledger::netting::Exposure> exposure_of(
        base::InstrumentId instrument, const risk::Surface& surface) const;
    [[nodiscard]] std::optional<ledger::netting::KeepMargins::Line> margin_line(
        const ledger::netting::MarginPolicy& policy, const risk::Surface& surface) const;
    /// A venue's contracts that settle in an asset, at marks and without their signs.
    [[nodiscard]] std::optional<base::Amount> value_at_venue(base::ShardId venue,
                                                             base::AssetId asset,
                                                             const risk::Surface& surface) const;
    [[nodiscard]] base::Amount position_at(base::ShardId venue, base::AssetId contract) const;
    void limit_to_margin(ledger::netting::Exposure& exposure, const risk::Surface& surface) const;
    [[nodiscard]] base::Amount total(base::AssetId asset,
                                     base::Amount PartitionReport::AssetLine::* figure) const;
    [[nodiscard]] base::Amount on_shard(base::ShardId shard, base::AssetId asset) const;
    [[nodiscard]] bool has_all_reports() const;
    void tell_whom_it_waits_for();
    [[nodiscard]] std::uint64_t home_sequence() const;
    [[nodiscard]] bool is_home_current() const;
    [[nodiscard]] bool are_decisions_known() const;
    [[nodiscard]] bool is_at_rest() const;

    /// The refusal, if there was one.
    std::optional<ledger::netting::Reject> decide_and_commit(
        const ledger::netting::Command& command);
    void commit(const std::vector<ledger::netting::Event>& events);
    void carry_out(const std::vector<ledger::netting::Effect>& effects);
    void tell_deposit(const ledger::netting::TellDeposit& deposit);
    void on_booked(const DepositBooked& booked);
    void say_again();
    void open_hedge(const ledger::netting::HedgeOpened& task);
    void open_move(const ledger::netting::MoveOpened& move);
    void publish_figures();
    void publish_metrics() const;
    void publish_oldest_claim() const;
    void publish_collateral(const risk::Surface& surface) const;
    void publish_exposures() const;

    [[nodiscard]] const BrokerProfile& profile() const {
        return parts_.context->broker(parts_.broker()).profile;
    }

    HomeParts parts_;
    Crank<ledger::netting::State> crank_;
    base::Rng rng_;
    std::map<base::PartitionId, PartitionReport> reports_;
    std::map<base::PartitionId, PartitionRisk> risks_;
    std::map<base::PartitionId, PartitionStress> stresses_;
    risk::kernel::HouseSums sums_;  ///< What the report is of,
    double waterfall_usd_{};        ///< and what there was to pay with.
    std::optional<risk::kernel::HouseReport> report_;
    std::optional<HouseLine> house_;  ///< As it was last looked at.
    HouseStanding standing_;          ///< As it was last said; at first as this node has heard it.
    base::Timestamp standing_told_at_;
    bool is_stress_told_{};
    bool is_universe_told_{};
    bool is_fault_told_{};
    /// What was needed of an asset at the last look, for the next one.
    struct Look {
        base::Amount need;
        std::uint64_t task{};               ///< Open then, 0: none.
        std::optional<base::Amount> whole;  ///< The need and what that task had filled.
    };
    std::map<base::AssetId, Look> looks_;
    std::deque<ShortfallAsk> shortfalls_;  ///< The first one is answered, or waits for figures.
    bool is_booking_{};                    ///< A reconciler books: nothing is promised meanwhile.
    std::uint64_t needed_sequence_{};  ///< Home figures older than this record are not acted on.
    std::size_t unbooked_{};           ///< Commits under way that they will have to know.
    std::deque<ReviewAsk> reviews_;    ///< Wait for them.
    std::vector<ReviewDone> over_;     ///< Departures, until they know what left.
    bool is_action_due_{};             ///< As soon as they know all of it.
    bool has_acted_{};                 ///< On them, since it woke last.
    base::Timestamp started_at_;
    bool is_wait_told_{};
    base::Timestamp result_at_;
    base::Timestamp said_at_;
    /// What accounts refused of deposits, so that it is not said to them again and again.
    std::set<std::tuple<base::ShardId, std::uint64_t, ledger::Finality>> refused_;
    /// What venues settled and is not recorded yet, by number.
    std::map<base::ShardId, std::map<std::uint64_t, ledger::netting::RecordVariations::Line>>
        variations_;
    std::map<base::ShardId, std::uint64_t> recorded_until_;  ///< Their block, since the start.
    std::map<base::ShardId, base::Timestamp> variations_asked_at_;
    base::Timestamp deposits_looked_for_at_;
    std::map<base::InstrumentId, TimeAverage> averages_;  ///< Of coins, before contracts end.
    std::set<base::InstrumentId> missed_;                 ///< Said to have none.
    /// Last prices that are due and not fixed, of which it was said.
    std::set<std::pair<base::AssetId, base::Timestamp>> held_up_;
    OperatorsWaiting operators_;
    std::map<std::uint64_t, HedgeNews> hedge_news_;  ///< Of the latest tasks.
    std::uint64_t news_told_{};
    std::map<caf::actor_addr, SessionActor> followers_;  ///< Of the transparency channel.
};

}  // namespace crossclear::actors
