#include "tests/sim/owner.hpp"

#include "tests/support/actors/house.hpp"
#include "tests/support/town_risk.hpp"

#include <cstdio>
#include <utility>

namespace crossclear::sim {

using namespace tests::town;
using base::Amount;
namespace simulated = shards::simulated;

namespace {

constexpr std::int64_t start_usdc = 5'000'000 * one_usdc;
constexpr std::int64_t start_eth = 1'000 * one_eth;

struct StartLine {
    base::ShardId shard;
    base::AssetId asset;
    std::int64_t amount{};
};
constexpr StartLine start_lines[] = {{synthetix, usdc, start_usdc},
                                     {synthetix, eth, start_eth},
                                     {uniswap, usdc, start_usdc},
                                     {uniswap, eth, start_eth},
                                     {perpetuals, usdc, start_usdc}};

simulated::ChainParameters chain_of(const Stage& stage, base::ShardId shard,
                                    base::InstrumentId instrument, std::int64_t capacity) {
    simulated::ChainParameters made;
    made.shard = shard;
    made.block_time = base::milliseconds(150 + 40 * shard.v);
    made.finality_depth = 3;
    made.bridge_latency = base::milliseconds(200);
    made.gas_per_order = Amount{1'000};
    made.variation_every_blocks = 5;
    made.seed = stage.plan.accounts * 31 + shard.v;
    made.venues = {simulated::VenueTerms{.instrument = instrument,
                                         .half_spread = base::Ppm{500},
                                         .impact_at_capacity = base::Ppm{1'000},
                                         .capacity_per_block = Amount{capacity}}};
    for (std::uint16_t broker = 0; broker < stage.plan.brokers; ++broker) {
        for (const auto& line : start_lines) {
            if (line.shard != shard) continue;
            made.genesis.push_back({base::BrokerId{broker}, line.asset, Amount{line.amount}});
        }
    }
    return made;
}

// A block of a signed chain is final half a minute later, and what waits for it is not late.
void give_time(actors::BrokerProfile& profile) {
    profile.settle_within = base::seconds(60);
    profile.cash_settle_after = base::seconds(180);
    profile.hedge.deadline = base::seconds(40);
}

actors::BrokerProfile profile_of(const Plan& plan, base::BrokerId broker) {
    actors::BrokerProfile profile;
    profile.id = broker;
    profile.name = broker == alpha ? "alpha" : "beta";
    profile.instruments = {eth_swap, sbtc_swap, btc_perp};
    profile.fee = base::Ppm{50};
    profile.fee_floor_cents = 1;
    profile.trade_notional_max_cents = 1'000'000'00;
    profile.account_notional_max_cents = 10'000'000'00;
    profile.unsettled_max_cents = 5'000'000'00;
    profile.settle_within = base::seconds(4);
    profile.cash_settle_after = base::seconds(8);
    profile.withdrawal_delay = base::milliseconds(300);
    profile.hedge = {.band_cents = {},
                     .task_max_cents = 2'000'000'00,
                     .slices_max = 3,
                     .spread = base::milliseconds(300),
                     .deadline = base::seconds(6),
                     .bound = base::Ppm{20'000}};
    for (const auto asset : {eth, sbtc, btc_contract}) {
        profile.hedge.band_cents[asset] = 1'000'00;
    }
    for (const auto& line : start_lines) {
        profile.capital.push_back({.shard = line.shard,
                                   .asset = line.asset,
                                   .amount = Amount{line.amount},
                                   .source = ledger::netting::Source::capital});
    }
    profile.margins = {{.venue = perpetuals,
                        .asset = usdc,
                        .floor = Amount{1'000'000 * one_usdc},
                        .share = base::Ppm{200'000},
                        .slack = base::Ppm{250'000}}};
    if (plan.has_lane) give_time(profile);
    return profile;
}

}  // namespace

std::unique_ptr<simulated::SimulatedWorld> open_world(const Stage& stage,
                                                      const base::Listing& listing) {
    auto world = simulated::SimulatedWorld::open(simulated::WorldConfig{
        .listing = listing,
        .chains = {chain_of(stage, synthetix, sbtc_swap, 100 * one_sbtc),
                   chain_of(stage, uniswap, eth_swap, 1'000 * one_eth),
                   chain_of(stage, perpetuals, btc_perp, 100 * one_contract)},
        .directory = {},
        .clock = simulated::Clock::stepped,
        .start = stage.agenda.now()});
    CHECK(world.has_value(), "a world in memory opens");
    return std::move(*world);
}

shards::Balances Outside::balances(base::ShardId shard, base::BrokerId broker) const {
    const bool is_signed = signed_chain != nullptr && signed_chain->shard() == shard;
    return is_signed ? signed_chain->balances() : world->balances(shard, broker);
}

void Outside::deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                      base::Amount amount) {
    if (signed_chain != nullptr && signed_chain->shard() == shard) {
        return signed_chain->deposit(account, asset, amount);
    }
    world->advance_to(stage.agenda.now());
    // A chain whose mempool is full takes none; then the client still has its tokens.
    static_cast<void>(world->deposit(shard, account, asset, amount));
}

Owner::Owner(Outside& outside, std::uint64_t number)
    : outside_(outside), number_(number), stepped_to_(outside.stage.agenda.now()) {
    outside_.stage.note("node starts", number_);
    journal_ =
        std::make_unique<ObservedJournal>(outside_.stage, outside_.truth, life_, outside_.disks);
    auto node = actors::Node::start(make_context());
    CHECK(node.has_value(), "a node that is alone starts");
    node_ = std::move(*node);
    stepper_ = node_->stepper();
    CHECK(stepper_ != nullptr, "a simulated node is run by hand");
}

Owner::~Owner() {
    outside_.stage.note("node ends", number_);
    life_->cut();
    node_.reset();
}

std::unique_ptr<actors::Context> Owner::make_context() {
    const auto& stage = outside_.stage;
    auto context = std::make_unique<actors::Context>();
    context->listing = listing();
    context->cluster = cluster;
    context->partitions = stage.plan.partitions;
    const auto tick = stage.plan.tick;
    context->options = {.threads = 1,
                        .scheduler = "testing",
                        .idle_after = tick * 5,
                        .balance_every = tick,
                        .variation_every = tick * 5,
                        .reconcile_every = tick * 3,
                        .result_every = tick * 10,
                        .lane_tick = tick,
                        .append_retry = base::milliseconds(50),
                        // Some tell their clients at once that they own nothing; others ask again.
                        .ask_again_for = number_ % 2 == 0 ? base::Duration{} : base::seconds(2),
                        .snapshot_records = 40,
                        .snapshot_every = tick * 20,
                        .machines_kept = 4,
                        .seed = number_};
    const auto parameters = tests::town_parameters(context->listing);
    for (std::uint16_t b = 0; b < stage.plan.brokers; ++b) {
        const base::BrokerId broker{b};
        auto made = std::make_unique<actors::Broker>();
        made->profile = profile_of(stage.plan, broker);
        made->parameters = parameters;
        context->brokers.push_back(std::move(made));
        for (const auto shard : {synthetix, uniswap, perpetuals}) {
            context->shards[{broker, shard}] = make_door(shard, broker);
        }
    }
    context->model = risk::make_portfolio_model();
    context->journal = journal_.get();
    context->own_instruments = std::make_unique<metrics::Instruments>(registry_);
    context->instruments = context->own_instruments.get();
    context->log = [this](actors::LogLevel level, std::string_view sentence,
                          const actors::LogFields& fields) {
        std::string line(sentence);
        for (const auto& [name, value] : fields) line += ' ' + std::string(name) + '=' + value;
        if (outside_.stage.is_loud) {
            std::fprintf(stderr, "%14.6f  node %llu: %s\n",
                         static_cast<double>(outside_.stage.agenda.now().us) * 1e-6,
                         static_cast<unsigned long long>(number_), line.c_str());
        }
        if (level >= actors::LogLevel::warning) last_error_ = std::move(line);
    };
    context->now = [this] { return now(); };
    return context;
}

std::unique_ptr<shards::Shard> Owner::make_door(base::ShardId shard, base::BrokerId broker) {
    auto& signed_chain = outside_.signed_chain;
    if (signed_chain != nullptr && signed_chain->shard() == shard) {
        return std::make_unique<SigningDoor>(outside_.stage, outside_.truth, life_, *signed_chain);
    }
    auto door = std::make_unique<ShardDoor>(outside_.stage, outside_.truth, life_, *outside_.world,
                                            shard, broker);
    doors_.push_back(door.get());
    return door;
}

void Owner::run_one() {
    auto& rng = outside_.stage.rng;
    const auto waiting = stepper_->ready();
    // Half the time in order, or long queues would never be seen to their end.
    const auto nth = rng.below(2) == 0 ? 0 : rng.below(waiting);
    outside_.stage.note("message", number_, stepper_->run(nth));
}

std::optional<base::Timestamp> Owner::next_timer_at() const {
    if (is_paused()) return std::nullopt;
    const auto left = stepper_->until_timer();
    if (!left) return std::nullopt;
    return stepped_to_ + *left;
}

void Owner::catch_up() {
    if (is_paused()) return;
    const auto now = outside_.stage.agenda.now();
    if (now <= stepped_to_) return;
    stepper_->advance(now - stepped_to_);
    stepped_to_ = now;
}

void Owner::wake() {
    life_->wake();
    catch_up();
}

void Owner::reconnect() {
    for (auto* door : doors_) door->reconnect();
}

std::size_t Owner::count(actors::PartitionStatus::Phase phase) const {
    std::size_t count = 0;
    for (const auto& status : node_->context().status) {
        if (status->phase.load() == phase) ++count;
    }
    return count;
}

}  // namespace crossclear::sim
