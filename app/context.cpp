#include "app/service.hpp"

#include <algorithm>

// A configuration in the actors' words. The parts that run are added by the service.

namespace crossclear::app {
namespace {

using ledger::netting::Found;
using ledger::netting::Source;

Source source_of(CapitalSource source) {
    switch (source) {
        case CapitalSource::capital:
            return Source::capital;
        case CapitalSource::insurance:
            return Source::insurance;
        case CapitalSource::fund:
            return Source::fund;
    }
    UNREACHABLE("an unlisted source of capital");
}

base::Amount share_of(base::Amount amount, std::int64_t ppm) {
    const auto share = base::portion(amount, base::Ppm{ppm}, base::Rounding::down);
    CHECK(share.has_value(), "a share of an amount fits");
    return *share;
}

actors::HedgePolicy hedge_of(const HedgeProfile& profile) {
    actors::HedgePolicy policy;
    for (const auto& band : profile.bands) policy.band_cents[band.asset] = band.band_cents;
    policy.task_max_cents =
        profile.slice_max_cents * static_cast<std::int64_t>(std::max(1U, profile.slices));
    policy.slices_max = profile.slices;
    policy.spread = profile.spread_time;
    policy.deadline = profile.deadline;
    policy.bound = profile.price_bound;
    return policy;
}

// A settlement token that has fallen below a quarter of what its shard began with, after margin, is
// filled up to a half; a hundredth of what pays gas is never granted as cover.
void add_levels(const Config& config, const BrokerProfile& profile, actors::BrokerProfile& broker) {
    std::map<std::pair<base::ShardId, base::AssetId>, base::Amount> held;
    for (const auto& line : profile.capital) {
        auto& sum = held[{line.shard, line.asset}];
        sum = base::must_add(sum, line.amount);
    }
    for (const auto& line : profile.venue_margin) {
        auto& sum = held[{line.shard, line.asset}];
        sum = base::must_subtract(sum, line.amount);
    }
    for (const auto& [where, amount] : held) {
        const bool is_settlement = std::any_of(
            config.listing.instruments.begin(), config.listing.instruments.end(),
            [&](const auto& instrument) { return instrument.settlement == where.second; });
        if (is_settlement) {
            broker.levels.push_back({.shard = where.first,
                                     .asset = where.second,
                                     .low = share_of(amount, 250'000),
                                     .target = share_of(amount, 500'000)});
        }
        if (config.listing.shard(where.first).gas == where.second) {
            auto& reserve = broker.reserves[where.second];
            reserve = base::must_add(reserve, share_of(amount, 10'000));
        }
    }
}

std::unique_ptr<actors::Broker> broker_of(const Config& config, std::size_t index,
                                          std::shared_ptr<const risk::Parameters> parameters) {
    const auto& profile = config.brokers[index];
    auto broker = std::make_unique<actors::Broker>();
    broker->parameters = std::move(parameters);
    auto& terms = broker->profile;
    terms.id = base::BrokerId{static_cast<std::uint16_t>(index)};
    terms.name = profile.name;
    terms.instruments = {profile.instruments.begin(), profile.instruments.end()};
    terms.fee = profile.fee;
    terms.fee_floor_cents = profile.fee_floor_cents;
    terms.holding_days = profile.holding_days;
    terms.trade_notional_max_cents = profile.trade_notional_max_cents;
    terms.account_notional_max_cents = profile.account_notional_max_cents;
    terms.unsettled_max_cents = profile.account_unsettled_max_cents;
    terms.settle_within = profile.settle_within;
    terms.cash_settle_after = profile.cash_settle_after;
    terms.withdrawal_delay = profile.withdrawal_delay;
    terms.withdrawal_gate_hour = profile.withdrawal_gate_per_hour;
    terms.withdrawal_gate_day = profile.withdrawal_gate_per_day;
    terms.is_close_only = profile.is_close_only;
    terms.house = actors::HousePolicy{.protocol_share = profile.house_protocol_share,
                                      .client_share = profile.house_client_share};
    if (profile.caps) {
        terms.caps.unsettled_cents = profile.caps->unsettled_cents;
        terms.caps.exposure_cents = profile.caps->exposure_cents;
        for (const auto& cap : profile.caps->protocols) {
            if (cap.exposure_cents > 0) terms.caps.protocols[cap.name] = cap.exposure_cents;
        }
        for (const auto& cap : profile.caps->shards) {
            terms.caps.shards[cap.shard] = {.unsettled_cents = cap.unsettled_cents,
                                            .exposure_cents = cap.exposure_cents,
                                            .orders_per_second = cap.orders_per_second};
        }
    }
    terms.hedge = hedge_of(profile.hedge);
    for (const auto& line : profile.capital) {
        terms.capital.push_back(
            Found::Line{line.shard, line.asset, line.amount, source_of(line.source)});
    }
    for (const auto& line : profile.venue_margin) {
        terms.margins.push_back({.venue = line.shard,
                                 .asset = line.asset,
                                 .floor = line.amount,
                                 .share = line.share,
                                 .slack = line.slack});
    }
    add_levels(config, profile, terms);
    return broker;
}

}  // namespace

std::unique_ptr<actors::Context> context_of(const Config& config) {
    auto parameters = risk_parameters_of(config, StressPaths::left_out);
    CHECK(parameters.has_value(), "a configuration is without fault");
    return context_of(config, *parameters);
}

std::unique_ptr<actors::Context> context_of(
    const Config& config, const std::vector<std::shared_ptr<const risk::Parameters>>& parameters) {
    auto context = std::make_unique<actors::Context>();
    context->listing = config.listing;
    context->cluster = config.cluster;
    context->partitions = config.partitions;
    context->options.threads = config.actors.threads == 0
                                   ? std::max(1U, std::thread::hardware_concurrency())
                                   : config.actors.threads;
    context->options.scheduler =
        config.actors.policy == ActorsConfig::Policy::sharing ? "sharing" : "stealing";
    context->options.idle_after = config.actors.idle_after;
    context->options.snapshot_records = config.journal.snapshot_records;
    context->options.snapshot_events = config.journal.snapshot_events;
    context->options.snapshot_every = config.journal.snapshot_every;
    context->options.is_log_trimmed = config.journal.is_trimmed;
    for (std::size_t i = 0; i < config.brokers.size(); ++i) {
        context->brokers.push_back(broker_of(config, i, parameters.at(i)));
    }
    context->model = risk::make_portfolio_model();
    context->now = base::wall_clock_now;
    return context;
}

}  // namespace crossclear::app
