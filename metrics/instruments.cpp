#include "metrics/instruments.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <mutex>

namespace crossclear::metrics {
namespace {

constexpr std::array slippage_bounds{-50.0, -20.0, -10.0, -5.0, -2.0, 0.0,
                                     2.0,   5.0,   10.0,  20.0, 50.0, 100.0};

std::string prefixed(std::string_view name) { return "crossclear_" + std::string{name}; }

// The handle a plain series has, whatever its type.
template <class Handle>
Handle series_of(Registry& registry, const std::string& name, const std::string& help,
                 const Labels& labels, std::span<const double> bounds) {
    if constexpr (std::is_same_v<Handle, Counter>) {
        return registry.counter(name, help, labels);
    } else if constexpr (std::is_same_v<Handle, Gauge>) {
        return registry.gauge(name, help, labels);
    } else {
        return registry.histogram(name, help, labels, bounds);
    }
}

/// Spells out one instrument: its name without the prefix, its help, its label names.
struct Maker {
    Registry& registry;

    template <class Handle>
    Labelled<Handle> labelled(std::string_view name, std::string help,
                              std::vector<std::string> labels) const {
        return {registry, prefixed(name), std::move(help), std::move(labels)};
    }
    auto counters(std::string_view name, std::string help, std::vector<std::string> labels) const {
        return labelled<Counter>(name, std::move(help), std::move(labels));
    }
    auto gauges(std::string_view name, std::string help, std::vector<std::string> labels) const {
        return labelled<Gauge>(name, std::move(help), std::move(labels));
    }
    auto histograms(std::string_view name, std::string help,
                    std::vector<std::string> labels) const {
        return labelled<Histogram>(name, std::move(help), std::move(labels));
    }
    Counter counter(std::string_view name, std::string_view help) const {
        return registry.counter(prefixed(name), help);
    }
    Gauge gauge(std::string_view name, std::string_view help) const {
        return registry.gauge(prefixed(name), help);
    }
    Histogram histogram(std::string_view name, std::string_view help,
                        std::span<const double> bounds = duration_bounds()) const {
        return registry.histogram(prefixed(name), help, {}, bounds);
    }
};

}  // namespace

template <class Handle>
Handle Labelled<Handle>::with(std::initializer_list<std::string_view> values) {
    CHECK(values.size() == labels_.size(), "every label has a value");
    {
        const std::shared_lock lock{cache_->mutex};
        const auto found = cache_->handles.find(values);
        if (found != cache_->handles.end()) return found->second;
    }
    Labels labels;
    auto value = values.begin();
    for (const auto& label : labels_) labels.emplace_back(label, *value++);
    const auto handle = series_of<Handle>(*registry_, name_, help_, labels, bounds_);
    const std::lock_guard lock{cache_->mutex};
    return cache_->handles.emplace(Values{values.begin(), values.end()}, handle).first->second;
}

template <class Handle>
void Labelled<Handle>::forget(std::initializer_list<std::string_view> values)
    requires std::same_as<Handle, Gauge>
{
    CHECK(values.size() <= labels_.size(), "no more values than labels");
    const std::shared_lock lock{cache_->mutex};
    for (const auto& [known, handle] : cache_->handles) {
        if (std::equal(values.begin(), values.end(), known.begin())) handle.forget();
    }
}

template class Labelled<Counter>;
template class Labelled<Gauge>;
template class Labelled<Histogram>;

ApiInstruments::ApiInstruments(Registry& registry)
    : build_info(Maker{registry}.gauges("build_info", "What is running; always 1.",
                                        {"version", "revision"})),
      ws_connections(Maker{registry}.gauge("ws_connections", "Open client sockets.")),
      ws_closed_total(Maker{registry}.counters("ws_closed_total",
                                               "Client sockets closed, by close code.", {"code"})),
      rpc_requests_total(Maker{registry}.counters(
          "rpc_requests_total", "Requests answered, by method and outcome.", {"method", "code"})),
      rpc_request_duration_seconds(Maker{registry}.histograms(
          "rpc_request_duration_seconds", "From a request's arrival to its reply.", {"method"})),
      rpc_inflight(Maker{registry}.gauge("rpc_inflight", "Requests not answered yet.")),
      ws_outbound_queue_bytes(
          Maker{registry}.gauge("ws_outbound_queue_bytes", "Bytes waiting for slow clients.")),
      slow_consumer_disconnects_total(Maker{registry}.counter(
          "slow_consumer_disconnects_total", "Clients closed because they did not read.")),
      auth_attempts_total(Maker{registry}.counters(
          "auth_attempts_total", "Authentications, by grant and result.", {"grant", "result"})),
      rate_limited_total(Maker{registry}.counters(
          "rate_limited_total", "Requests refused for lack of credit, by method class.",
          {"scope"})),
      idempotent_requests_total(Maker{registry}.counters(
          "idempotent_requests_total", "Commands answered: done first now, or a repeat.",
          {"result"})) {}

ClearingInstruments::ClearingInstruments(Registry& registry)
    : trades_total(
          Maker{registry}.counters("trades_total", "Trades decided.", {"broker", "outcome"})),
      give_ups_total(Maker{registry}.counters(
          "give_ups_total", "Matched trades that were begun and are decided, by outcome.",
          {"broker", "outcome"})),
      standings_total(Maker{registry}.counters("standings_total",
                                               "Accounts that came to stand so with their margin.",
                                               {"broker", "standing"})),
      liquidations_total(Maker{registry}.counters(
          "liquidations_total", "Positions, or parts, that were closed for want of margin.",
          {"broker"})),
      default_losses_usd_total(Maker{registry}.counters(
          "default_losses_usd_total", "Dollars that defaulting clients owed.", {"broker"})),
      collateral_taken_usd_total(
          Maker{registry}.counters("collateral_taken_usd_total",
                                   "Dollars of debts that collateral was taken for.", {"broker"})),
      collateral_held_usd(Maker{registry}.gauges(
          "collateral_held_usd", "What was taken for debts and nothing trades, at its mark.",
          {"broker", "asset"})),
      trade_notional_usd_total(Maker{registry}.counters("trade_notional_usd_total",
                                                        "Dollars of trades cleared.", {"broker"})),
      netting_efficiency_ratio(Maker{registry}.gauges(
          "netting_efficiency_ratio", "Share of cleared flow that needed no hedge.", {"broker"})),
      residual_exposure_usd(Maker{registry}.gauges(
          "residual_exposure_usd", "House position not hedged.", {"broker", "instrument"})),
      fee_income_usd_total(Maker{registry}.counters(
          "fee_income_usd_total",
          "Dollars of fees charged, by whose failure what was traded bears.",
          {"broker", "protocol"})),
      funding_usd_total(Maker{registry}.counters(
          "funding_usd_total", "Dollars of perpetuals' funding that clients paid or received.",
          {"broker", "direction"})),
      risk_borne_usd(Maker{registry}.gauges(
          "risk_borne_usd", "What the failure of a protocol would cost the broker itself.",
          {"broker", "protocol"})),
      accounts_below_maintenance(Maker{registry}.gauges(
          "accounts_below_maintenance",
          "Accounts that could owe something and whose equity does not cover maintenance.",
          {"broker"})),
      contracts_without_last_price(Maker{registry}.gauges(
          "contracts_without_last_price",
          "Contracts that have expired and whose positions wait for their last price.",
          {"broker"})),
      cover2_ratio(Maker{registry}.gauges(
          "cover2_ratio", "The waterfall over the two largest shortfalls of one scenario.",
          {"broker"})),
      waterfall_usd(Maker{registry}.gauges(
          "waterfall_usd", "What there is to pay losses with: capital and insurance, less losses.",
          {"broker"})),
      cover_usd(Maker{registry}.gauges(
          "cover_usd", "The largest shortfall of one client, or of two, in one scenario.",
          {"broker", "clients"})),
      protocol_limit_usd(Maker{registry}.gauges(
          "protocol_limit_usd", "What the failure of one protocol may cost the broker at most.",
          {"broker"})),
      stress_loss_usd(Maker{registry}.gauges(
          "stress_loss_usd", "What clients would leave unpaid in the worst state of a stress.",
          {"broker", "stress"})),
      solvency_probability(Maker{registry}.gauges(
          "solvency_probability", "The chance that the waterfall pays for all losses of a year.",
          {"broker"})),
      margin_check_duration_seconds(Maker{registry}.histogram("margin_check_duration_seconds",
                                                              "One margin check of one account.")),
      price_age_seconds(Maker{registry}.gauges("price_age_seconds",
                                               "Age of the newest price of a feed.", {"feed"})) {}

SettlementInstruments::SettlementInstruments(Registry& registry)
    : settlements_total(Maker{registry}.counters("settlements_total",
                                                 "Settlements ended, by outcome.", {"outcome"})),
      transfers_total(Maker{registry}.counters(
          "transfers_total", "Transfers between accounts that have ended, by outcome.",
          {"broker", "outcome"})),
      settlement_duration_seconds(Maker{registry}.histograms(
          "settlement_duration_seconds", "From novation to settled.", {"outcome"})),
      leg_duration_seconds(Maker{registry}.histograms(
          "leg_duration_seconds", "One leg on one shard, by phase.", {"shard", "phase"})),
      settlements_in_flight(Maker{registry}.gauges(
          "settlements_in_flight", "Trades cleared and not settled yet.", {"partition"})),
      oldest_unsettled_seconds(Maker{registry}.gauges(
          "oldest_unsettled_seconds", "Age of the oldest claim not settled, at most.", {"broker"})),
      compensations_total(Maker{registry}.counters(
          "compensations_total", "Steps taken back before their pivot.", {"reason"})),
      hedge_tasks(Maker{registry}.gauges("hedge_tasks", "Hedge tasks open.", {"broker", "state"})),
      hedge_slippage_bps(Maker{registry}.histogram(
          "hedge_slippage_bps", "Fill against the mark when planned.", slippage_bounds)) {}

ShardInstruments::ShardInstruments(Registry& registry)
    : shard_requests_total(Maker{registry}.counters("shard_requests_total", "Requests to a shard.",
                                                    {"shard", "method", "result"})),
      shard_request_duration_seconds(Maker{registry}.histograms(
          "shard_request_duration_seconds", "From a request to its answer.", {"shard"})),
      shard_endpoint_dissents_total(Maker{registry}.counters(
          "shard_endpoint_dissents_total", "Answers that are not what most endpoints say.",
          {"shard", "endpoint", "method"})),
      shard_circuit_state(Maker{registry}.gauges(
          "shard_circuit_state", "0 closed, 1 half open, 2 open.", {"broker", "shard"})),
      shard_block_height(Maker{registry}.gauges("shard_block_height", "Block numbers seen.",
                                                {"broker", "shard", "tag"})),
      shard_head_age_seconds(Maker{registry}.gauges(
          "shard_head_age_seconds", "Age of the newest block.", {"broker", "shard"})),
      shard_reorgs_total(Maker{registry}.counters("shard_reorgs_total",
                                                  "Blocks taken back by a shard.", {"shard"})),
      shard_words_refused_total(Maker{registry}.counters(
          "shard_words_refused_total", "What a shard told and nobody can believe; books nothing.",
          {"broker", "shard", "reason"})),
      shard_exposure_usd(Maker{registry}.gauges(
          "shard_exposure_usd",
          "Dollars held on a shard at marks, margin and what is on its way from there included.",
          {"broker", "shard"})),
      shard_exposure_limit_usd(Maker{registry}.gauges(
          "shard_exposure_limit_usd", "The cap on it, where the broker's profile has one.",
          {"broker", "shard"})),
      tx_broadcast_total(Maker{registry}.counters(
          "tx_broadcast_total", "Transactions sent to a shard.", {"shard", "kind"})),
      tx_pending(
          Maker{registry}.gauges("tx_pending", "Transactions not final yet.", {"broker", "shard"})),
      shard_orders_waiting(Maker{registry}.gauges(
          "shard_orders_waiting", "Orders that were not handed over yet.", {"broker", "shard"})),
      tx_nonce_gap(Maker{registry}.gauges(
          "tx_nonce_gap", "Nonces that were given to orders and that no block has yet.",
          {"broker", "shard"})),
      signer_balance_native(Maker{registry}.gauges(
          "signer_balance_native", "What a key has to pay for transactions, in whole tokens.",
          {"broker", "shard"})),
      signing_lane_halted(Maker{registry}.gauges(
          "signing_lane_halted", "1 while a signing lane waits for an operator, by reason.",
          {"broker", "shard", "reason"})),
      signer_faults_total(Maker{registry}.counters(
          "signer_faults_total", "Transactions that were not signed as asked for, by fault.",
          {"broker", "shard", "fault"})),
      shard_identity_faults_total(Maker{registry}.counters(
          "shard_identity_faults_total",
          "How often a chain, or the vault on it, was found not to be what is configured.",
          {"broker", "shard", "reason"})) {}

LedgerInstruments::LedgerInstruments(Registry& registry)
    : journal_commit_duration_seconds(Maker{registry}.histogram(
          "journal_commit_duration_seconds", "From an append's start to durable.")),
      journal_batch_events(Maker{registry}.histogram("journal_batch_events",
                                                     "Events in one append.", count_bounds())),
      journal_sequence(
          Maker{registry}.gauges("journal_sequence", "Last durable record.", {"partition"})),
      ledger_imbalance_units(Maker{registry}.gauges("ledger_imbalance_units",
                                                    "Sum of all postings; 0 or somebody is paged.",
                                                    {"partition", "asset"})),
      replay_duration_seconds(
          Maker{registry}.histogram("replay_duration_seconds", "Rebuilding a partition.")),
      snapshot_sequence(Maker{registry}.gauges(
          "snapshot_sequence", "Record from which a start goes on.", {"partition"})),
      snapshot_age_seconds(Maker{registry}.gauges(
          "snapshot_age_seconds", "Since a partition was last stored.", {"partition"})),
      journal_tail_records(Maker{registry}.gauges(
          "journal_tail_records", "Records that a start would read.", {"partition"})),
      journal_tail_events(Maker{registry}.gauges("journal_tail_events",
                                                 "Events that a start would fold.", {"partition"})),
      journal_base(Maker{registry}.gauges("journal_base", "Record with which a trimmed log begins.",
                                          {"partition"})) {}

ReconciliationInstruments::ReconciliationInstruments(Registry& registry)
    : breaks(
          Maker{registry}.gauges("breaks", "Open disagreements with a shard.", {"shard", "asset"})),
      last_reconciliation_timestamp_seconds(
          Maker{registry}.gauges("last_reconciliation_timestamp_seconds",
                                 "When book and shard were last compared.", {"broker", "shard"})) {}

ClusterInstruments::ClusterInstruments(Registry& registry)
    : node_ready(Maker{registry}.gauge("node_ready", "1 while /readyz answers 200.")),
      partitions_owned(Maker{registry}.gauge("partitions_owned", "Partitions this node owns.")),
      ownership_changes_total(
          Maker{registry}.counter("ownership_changes_total", "Partitions taken or lost.")),
      fenced_writes_total(
          Maker{registry}.counter("fenced_writes_total", "Appends refused for an old epoch.")),
      actors(Maker{registry}.gauges("actors", "Actors alive.", {"kind"})),
      redis_command_duration_seconds(Maker{registry}.histograms("redis_command_duration_seconds",
                                                                "One command to Redis.", {"op"})),
      redis_reconnects_total(
          Maker{registry}.counter("redis_reconnects_total", "Connections to Redis made again.")),
      redis_connected(Maker{registry}.gauges(
          "redis_connected", "1 while Redis answers whoever looks at it.", {"endpoint"})),
      redis_ping_seconds(Maker{registry}.gauges("redis_ping_seconds",
                                                "How long the last PING took.", {"endpoint"})),
      redis_memory_used_bytes(
          Maker{registry}.gauges("redis_memory_used_bytes", "What Redis uses.", {"endpoint"})),
      redis_memory_max_bytes(Maker{registry}.gauges(
          "redis_memory_max_bytes", "What Redis may use; 0 without a limit.", {"endpoint"})),
      redis_aof_size_bytes(Maker{registry}.gauges("redis_aof_size_bytes",
                                                  "Size of the append-only file.", {"endpoint"})),
      redis_aof_written(Maker{registry}.gauges(
          "redis_aof_written", "1 if the last write to the append-only file went well.",
          {"endpoint"})),
      redis_votes(Maker{registry}.gauges(
          "redis_votes", "1 while Redis counts for the majority; not while it is given its logs.",
          {"endpoint"})),
      redis_partitions_behind(Maker{registry}.gauges(
          "redis_partitions_behind", "Partitions of which Redis does not hold the whole log.",
          {"endpoint"})),
      redis_partitions_damaged(Maker{registry}.gauges(
          "redis_partitions_damaged", "Partitions of which Redis holds an altered record.",
          {"endpoint"})),
      redis_memory_short(Maker{registry}.gauges(
          "redis_memory_short", "1 while Redis uses more than 60 % of the memory it may use.",
          {"endpoint"})),
      redis_settings_trusted(Maker{registry}.gauges(
          "redis_settings_trusted",
          "1 where the configuration vouches for settings that Redis does not tell.",
          {"endpoint"})),
      archive_sequence(Maker{registry}.gauges("archive_sequence",
                                              "The latest record in the archive.", {"partition"})),
      archive_trouble(Maker{registry}.gauges(
          "archive_trouble", "1 while the archive is not written, and so nothing is trimmed.",
          {"partition"})) {}

Instruments::Instruments(Registry& registry)
    : api(registry),
      clearing(registry),
      settlement(registry),
      shards(registry),
      ledger(registry),
      reconciliation(registry),
      cluster(registry) {}

}  // namespace crossclear::metrics
