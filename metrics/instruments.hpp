#pragma once

#include "metrics/registry.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

/// Every instrument this service feeds, by name. Names, labels and help are the contract with
/// alerts and dashboards; they are defined in instruments.cpp and nowhere else.

namespace crossclear::metrics {

/// The series of one name that differ in their labels. Handles are remembered by label values, so
/// that asking again costs a lookup under a shared lock. **Thread:** any.
template <class Handle>
class Labelled {
public:
    /// `labels` are the names whose values `with` takes; only histograms have `bounds`.
    Labelled(Registry& registry, std::string name, std::string help,
             std::vector<std::string> labels, std::span<const double> bounds = duration_bounds())
        : registry_(&registry),
          name_(std::move(name)),
          help_(std::move(help)),
          labels_(std::move(labels)),
          bounds_(bounds) {}

    /// The series whose labels have `values`, in the order of the label names.
    [[nodiscard]] Handle with(std::initializer_list<std::string_view> values);

    /// Ends all series whose first labels have `values`, until they are set again. For whoever
    /// leaves: what it told last would stand for ever, beside what its successor elsewhere tells.
    void forget(std::initializer_list<std::string_view> values)
        requires std::same_as<Handle, Gauge>;

private:
    using Values = std::vector<std::string>;
    struct ByValues {
        using is_transparent = void;
        template <class A, class B>
        bool operator()(const A& a, const B& b) const {
            return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
        }
    };
    struct Cache {
        std::shared_mutex mutex;
        std::map<Values, Handle, ByValues> handles;
    };

    Registry* registry_;
    std::string name_;
    std::string help_;
    std::vector<std::string> labels_;
    std::span<const double> bounds_;
    std::unique_ptr<Cache> cache_ = std::make_unique<Cache>();
};

extern template class Labelled<Counter>;
extern template class Labelled<Gauge>;
extern template class Labelled<Histogram>;

/// The wire.
struct ApiInstruments {
    explicit ApiInstruments(Registry& registry);
    Labelled<Gauge> build_info;  ///< version, revision; always 1.
    Gauge ws_connections;
    Labelled<Counter> ws_closed_total;                 ///< code.
    Labelled<Counter> rpc_requests_total;              ///< method, code ("ok" or the number).
    Labelled<Histogram> rpc_request_duration_seconds;  ///< method.
    Gauge rpc_inflight;
    Gauge ws_outbound_queue_bytes;
    Counter slow_consumer_disconnects_total;
    Labelled<Counter> auth_attempts_total;        ///< grant, result.
    Labelled<Counter> rate_limited_total;         ///< scope.
    Labelled<Counter> idempotent_requests_total;  ///< result (first, repeat).
};

/// Trades and what they leave behind.
struct ClearingInstruments {
    explicit ClearingInstruments(Registry& registry);
    Labelled<Counter> trades_total;                ///< broker, outcome.
    Labelled<Counter> give_ups_total;              ///< broker, outcome.
    Labelled<Counter> standings_total;             ///< broker, standing: accounts that came to it.
    Labelled<Counter> liquidations_total;          ///< broker: positions closed, or parts.
    Labelled<Counter> default_losses_usd_total;    ///< broker, at the marks of the moment.
    Labelled<Counter> collateral_taken_usd_total;  ///< broker, at the marks of the moment.
    Labelled<Gauge> collateral_held_usd;           ///< broker, asset.
    Labelled<Counter> trade_notional_usd_total;    ///< broker.
    Labelled<Gauge> netting_efficiency_ratio;      ///< broker.
    Labelled<Gauge> residual_exposure_usd;         ///< broker, instrument.
    Labelled<Counter> fee_income_usd_total;        ///< broker, protocol or none.
    Labelled<Counter> funding_usd_total;         ///< broker, direction (paid, received): clients'.
    Labelled<Gauge> risk_borne_usd;              ///< broker, protocol: ΣSF, the broker's own loss.
    Labelled<Gauge> accounts_below_maintenance;  ///< broker.
    Labelled<Gauge> contracts_without_last_price;  ///< broker: expired ones.
    Labelled<Gauge> cover2_ratio;                  ///< broker: waterfall over cover-2.
    Labelled<Gauge> waterfall_usd;                 ///< broker: capital and insurance, less loss.
    Labelled<Gauge> cover_usd;                     ///< broker, clients (1, 2): cover-1 and cover-2.
    Labelled<Gauge> protocol_limit_usd;            ///< broker: so much each protocol may cost.
    Labelled<Gauge> stress_loss_usd;               ///< broker, stress: what clients leave unpaid.
    Labelled<Gauge> solvency_probability;          ///< broker.
    Histogram margin_check_duration_seconds;
    Labelled<Gauge> price_age_seconds;  ///< feed.
};

/// Deliveries and hedges.
struct SettlementInstruments {
    explicit SettlementInstruments(Registry& registry);
    Labelled<Counter> settlements_total;              ///< outcome.
    Labelled<Counter> transfers_total;                ///< broker, outcome.
    Labelled<Histogram> settlement_duration_seconds;  ///< outcome.
    Labelled<Histogram> leg_duration_seconds;         ///< shard, phase (included, final, failed).
    Labelled<Gauge> settlements_in_flight;            ///< partition.
    Labelled<Gauge> oldest_unsettled_seconds;         ///< broker.
    Labelled<Counter> compensations_total;            ///< reason.
    Labelled<Gauge> hedge_tasks;                      ///< broker, state.
    Histogram hedge_slippage_bps;
};

/// The protocol shards.
struct ShardInstruments {
    explicit ShardInstruments(Registry& registry);
    Labelled<Counter> shard_requests_total;              ///< shard, method, result.
    Labelled<Histogram> shard_request_duration_seconds;  ///< shard.
    /// shard, endpoint (from 1, in the order of the configuration), method.
    Labelled<Counter> shard_endpoint_dissents_total;
    /// broker, shard; 0 closed, 1 half open, 2 open.
    Labelled<Gauge> shard_circuit_state;
    Labelled<Gauge> shard_block_height;      ///< broker, shard, tag (head, final).
    Labelled<Gauge> shard_head_age_seconds;  ///< broker, shard.
    Labelled<Counter> shard_reorgs_total;    ///< shard.
    /// broker, shard, reason: what was told, is not believed and books nothing.
    Labelled<Counter> shard_words_refused_total;
    Labelled<Gauge> shard_exposure_usd;        ///< broker, shard.
    Labelled<Gauge> shard_exposure_limit_usd;  ///< broker, shard.
    Labelled<Counter> tx_broadcast_total;      ///< shard, kind.
    Labelled<Gauge> tx_pending;                ///< broker, shard.
    Labelled<Gauge> shard_orders_waiting;      ///< broker, shard.
    Labelled<Gauge> tx_nonce_gap;              ///< broker, shard: nonces that no block has yet.
    Labelled<Gauge> signer_balance_native;     ///< broker, shard: what pays for transactions.
    Labelled<Gauge> signing_lane_halted;       ///< broker, shard, reason; 1 while it stands still.
    Labelled<Counter> signer_faults_total;     ///< broker, shard, fault.
    /// broker, shard, reason: a chain was not what is configured.
    Labelled<Counter> shard_identity_faults_total;
};

/// The book and its journal.
struct LedgerInstruments {
    explicit LedgerInstruments(Registry& registry);
    Histogram journal_commit_duration_seconds;
    Histogram journal_batch_events;
    Labelled<Gauge> journal_sequence;        ///< partition.
    Labelled<Gauge> ledger_imbalance_units;  ///< partition, asset; anything but 0 pages.
    Histogram replay_duration_seconds;
    Labelled<Gauge> snapshot_sequence;     ///< partition.
    Labelled<Gauge> snapshot_age_seconds;  ///< partition.
    Labelled<Gauge> journal_tail_records;  ///< partition.
    Labelled<Gauge> journal_tail_events;   ///< partition.
    Labelled<Gauge> journal_base;          ///< partition.
};

/// Book against shard.
struct ReconciliationInstruments {
    explicit ReconciliationInstruments(Registry& registry);
    Labelled<Gauge> breaks;                                 ///< shard, asset.
    Labelled<Gauge> last_reconciliation_timestamp_seconds;  ///< broker, shard.
};

/// The process among its peers.
struct ClusterInstruments {
    explicit ClusterInstruments(Registry& registry);
    Gauge node_ready;  ///< 1 or 0, as /readyz says.
    Gauge partitions_owned;
    Counter ownership_changes_total;
    Counter fenced_writes_total;
    Labelled<Gauge> actors;                              ///< kind.
    Labelled<Histogram> redis_command_duration_seconds;  ///< op.
    Counter redis_reconnects_total;
    Labelled<Gauge> redis_connected;           ///< endpoint; 1 or 0.
    Labelled<Gauge> redis_ping_seconds;        ///< endpoint.
    Labelled<Gauge> redis_memory_used_bytes;   ///< endpoint.
    Labelled<Gauge> redis_memory_max_bytes;    ///< endpoint; 0 without a limit.
    Labelled<Gauge> redis_aof_size_bytes;      ///< endpoint.
    Labelled<Gauge> redis_aof_written;         ///< endpoint; 1 or 0.
    Labelled<Gauge> redis_votes;               ///< endpoint; 1 or 0.
    Labelled<Gauge> redis_partitions_behind;   ///< endpoint.
    Labelled<Gauge> redis_partitions_damaged;  ///< endpoint.
    Labelled<Gauge> redis_memory_short;        ///< endpoint; 1 or 0.
    Labelled<Gauge> redis_settings_trusted;    ///< endpoint; 1 or 0.
    Labelled<Gauge> archive_sequence;          ///< partition.
    Labelled<Gauge> archive_trouble;           ///< partition; 1 or 0.
};

/// All of them. Unlabelled series exist from the start; labelled ones once they are first used.
struct Instruments {
    explicit Instruments(Registry& registry);
    ApiInstruments api;
    ClearingInstruments clearing;
    SettlementInstruments settlement;
    ShardInstruments shards;
    LedgerInstruments ledger;
    ReconciliationInstruments reconciliation;
    ClusterInstruments cluster;
};

}  // namespace crossclear::metrics
