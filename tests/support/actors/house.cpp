#include "tests/support/actors/house.hpp"

#include "base/wide.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "tests/support/payload.hpp"
#include "tests/support/town_risk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <utility>

namespace crossclear::tests {

using namespace town;
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

simulated::VenueTerms terms_of(base::InstrumentId instrument, std::int64_t capacity) {
    return {.instrument = instrument,
            .half_spread = base::Ppm{500},
            .impact_at_capacity = base::Ppm{1'000},
            .capacity_per_block = Amount{capacity}};
}

simulated::ChainParameters chain_of(base::ShardId shard, base::InstrumentId instrument,
                                    std::int64_t capacity) {
    simulated::ChainParameters made;
    made.shard = shard;
    made.block_time = base::milliseconds(20);
    made.finality_depth = 2;
    made.bridge_latency = base::milliseconds(40);
    made.gas_per_order = Amount{1'000};
    made.variation_every_blocks = 5;
    made.seed = 7;
    made.venues = {terms_of(instrument, capacity)};
    for (const auto broker : {alpha, beta}) {
        for (const auto& line : start_lines) {
            if (line.shard == shard) {
                made.genesis.push_back({broker, line.asset, Amount{line.amount}});
            }
        }
    }
    return made;
}

std::unique_ptr<simulated::SimulatedWorld> open_world(const base::Listing& listing) {
    auto venue = chain_of(perpetuals, btc_perp, 100 * one_contract);
    for (const auto instrument : listing.shard(perpetuals).instruments) {
        if (instrument == btc_perp) continue;
        venue.venues.push_back(terms_of(instrument, 100'000 * one_contract));
    }
    auto world = simulated::SimulatedWorld::open(simulated::WorldConfig{
        .listing = listing,
        .chains = {chain_of(synthetix, sbtc_swap, 100 * one_sbtc),
                   chain_of(uniswap, eth_swap, 1'000 * one_eth), std::move(venue)},
        .directory = {},
        .clock = simulated::Clock::wall,
        .start = {}});
    CHECK(world.has_value(), "a world in memory opens");
    return std::move(*world);
}

actors::BrokerProfile profile_of(base::BrokerId broker, const HouseOptions& options,
                                 const base::Listing& listing) {
    actors::BrokerProfile profile;
    profile.id = broker;
    profile.name = broker == alpha ? "alpha" : "beta";
    for (std::uint16_t i = 0; i < listing.instruments.size(); ++i) {
        profile.instruments.insert(base::InstrumentId{i});
    }
    profile.fee = base::Ppm{50};
    profile.fee_floor_cents = 1;
    profile.holding_days[static_cast<std::size_t>(base::InstrumentKind::in_kind)] =
        options.holding_days_in_kind;
    profile.trade_notional_max_cents = 1'000'000'00;
    profile.account_notional_max_cents = 10'000'000'00;
    profile.unsettled_max_cents = 5'000'000'00;
    profile.settle_within = options.settle_within;
    profile.cash_settle_after = options.cash_settle_after;
    profile.withdrawal_delay = options.withdrawal_delay;
    profile.withdrawal_gate_hour = options.withdrawal_gate_hour;
    profile.hedge = {.band_cents = {},
                     .task_max_cents = 2'000'000'00,
                     .slices_max = 3,
                     .spread = options.hedge_spread,
                     .deadline = base::seconds(20),
                     .bound = base::Ppm{20'000}};
    for (const auto& instrument : listing.instruments) {
        profile.hedge.band_cents[instrument.base] = options.band_usd * 100;
    }
    profile.house = options.policy;
    if (options.caps) profile.caps = *options.caps;
    if (options.capital_usd) {
        profile.capital.push_back({.shard = perpetuals,
                                   .asset = usdc,
                                   .amount = Amount{*options.capital_usd * one_usdc},
                                   .source = ledger::netting::Source::capital});
    }
    for (const auto& line : start_lines) {
        if (options.capital_usd) break;
        profile.capital.push_back({.shard = line.shard,
                                   .asset = line.asset,
                                   .amount = Amount{line.amount},
                                   .source = ledger::netting::Source::capital});
    }
    profile.margins = {{.venue = perpetuals,
                        .asset = usdc,
                        .floor = Amount{options.venue_margin_usd * one_usdc},
                        .share = base::Ppm{200'000},
                        .slack = base::Ppm{250'000}}};
    return profile;
}

actors::Log log_into(Watch& watch) {
    return [&watch](actors::LogLevel level, std::string_view sentence,
                    const actors::LogFields& fields) {
        std::string line(sentence);
        for (const auto& [name, value] : fields) {
            line += ' ' + std::string(name) + '=' + value;
        }
        watch.note_line(std::move(line), level >= actors::LogLevel::warning);
    };
}

}  // namespace

Outside::Outside(std::uint16_t count, base::Listing listed)
    : partitions(count), listing(std::move(listed)), world(open_world(listing)) {}

void Outside::deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                      std::int64_t amount) {
    const auto from = watch.mark();
    ASSERT_TRUE(world->deposit(shard, account, asset, Amount{amount}).has_value());
    const auto noted = watch.await_event<ledger::account::DepositNoted>(
        [&](const ledger::Entry& entry, const auto& event) {
            return entry.entity == base::entity_of(account) && event.asset == asset &&
                   event.finality == ledger::Finality::final;
        },
        from);
    ASSERT_TRUE(noted.has_value()) << "a deposit never became final";
}

void Outside::write(base::PartitionId partition, const std::vector<ledger::Entry>& entries) {
    namespace journal = ledger::journal;
    const journal::Fence fence{.epoch = 1, .nonce = {1}};
    store.prepare(partition, fence, [](const auto&) {});
    store.append({.partition = partition,
                  .fence = fence,
                  .expected = {},
                  .record = journal::next_record("test", partition, {}, 1, payload_of(entries))},
                 [](const auto& outcome) {
                     EXPECT_TRUE(std::holds_alternative<journal::Appended>(outcome));
                 });
}

ledger::Partition Outside::replayed(base::PartitionId partition) const {
    ledger::Partition state;
    state.id = partition;
    state.partitions = partitions;
    for (const auto& record : store.records_of(partition)) {
        const auto entries = ledger::journal::decode_payload(record.payload);
        CHECK(entries.has_value(), "what was appended can be read");
        for (const auto& entry : *entries) ledger::replay(state, entry);
    }
    return state;
}

bool Outside::await_round(base::PartitionId partition) const {
    const base::EntityId core{.kind = base::EntityKind::partition, .id = partition.v, .sub = 0};
    const auto line = "Snapshot stored. " + base::to_string(core);
    const auto now = store.records_of(partition).back().head.seq;
    while (true) {
        const auto times = watch.lines_with(line);
        for (const auto& snapshot : store.snapshots_of(partition)) {
            if (snapshot.entity == core && snapshot.at.seq >= now) return true;
        }
        if (!watch.await_line(line, times + 1)) return false;
    }
}

bool Outside::await_stored(base::PartitionId partition) const {
    const base::EntityId core{.kind = base::EntityKind::partition, .id = partition.v, .sub = 0};
    const auto line = "Snapshot stored. " + base::to_string(core);
    while (true) {
        const auto times = watch.lines_with(line);
        const auto last = store.records_of(partition).back().head;
        for (const auto& snapshot : store.snapshots_of(partition)) {
            if (snapshot.entity == core && snapshot.at == last) return true;
        }
        if (!watch.await_line(line, times + 1)) return false;
    }
}

bool Outside::await_trimmed(base::PartitionId partition) const {
    const auto line = "Log trimmed. partition=" + std::to_string(partition.v);
    while (true) {
        const auto times = watch.lines_with(line);
        if (store.records_of(partition).size() == 1) return true;
        if (!watch.await_line(line, times + 1)) return false;
    }
}

std::int64_t Outside::balance(base::BrokerId broker, ledger::Chart account,
                              base::AssetId asset) const {
    base::Wide sum = 0;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        sum += ledger::balance(replayed(base::PartitionId{i}).book, broker, account, asset);
    }
    return static_cast<std::int64_t>(sum);
}

std::optional<std::string> Outside::audit() const {
    using ledger::Chart;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        if (auto fault = ledger::fault_of(replayed(base::PartitionId{i}))) {
            return "partition " + std::to_string(i) + ": " + *fault;
        }
    }
    for (const auto broker : {alpha, beta}) {
        for (const auto asset : {usdc, eth, sbtc}) {
            const auto covered =
                -balance(broker, Chart::free, asset) - balance(broker, Chart::held, asset);
            const auto backing =
                balance(broker, Chart::nostro, asset) + balance(broker, Chart::inflight_out, asset);
            if (covered > backing) {
                return "broker " + std::to_string(broker.v) + " owes " + std::to_string(covered) +
                       " settled of asset " + std::to_string(asset.v) + " and holds " +
                       std::to_string(backing);
            }
        }
        if (balance(broker, Chart::cpos, btc_contract) +
                balance(broker, Chart::hbook, btc_contract) !=
            0) {
            return "contracts of clients and house do not match";
        }
    }
    return std::nullopt;
}

ledger::account::State Outside::account(base::AccountId account) const {
    auto state = replayed(base::partition_of(account, partitions));
    return state.accounts[account];
}

class Client::Sink : public actors::SessionSink {
public:
    explicit Sink(Watch& watch) : watch_(watch) {}
    void publish(const std::shared_ptr<const actors::Publication>& publication) override {
        watch_.note(publication);
    }
    void close(std::uint16_t, std::string) override {}

private:
    Watch& watch_;
};

Client::Client(actors::Node& node, Watch& watch, const std::set<base::AccountId>& accounts)
    : sink_(std::make_shared<Sink>(watch)), session_(node.open_session(sink_)) {
    actors::Identity identity{.key = "test", .accounts = {}, .service = 0xFFFF};
    for (const auto account : accounts) identity.accounts[account] = 0xFFFF;
    session_->identify(std::move(identity));
}

std::future<actors::Answer> Client::send(actors::Request request) {
    auto promise = std::make_shared<std::promise<actors::Answer>>();
    auto future = promise->get_future();
    session_->ask(std::move(request),
                  [promise](actors::Answer answer) { promise->set_value(std::move(answer)); });
    return future;
}

actors::Answer Client::ask(actors::Request request) {
    auto answer = send(std::move(request));
    if (answer.wait_for(Watch::patience) != std::future_status::ready) {
        ADD_FAILURE() << "no answer came";
        return actors::Refusal{.code = -1, .reason = "no answer", .hint = {}, .retryable = false};
    }
    return answer.get();
}

std::int32_t Client::refusal_code(actors::Request request) {
    const auto answer = ask(std::move(request));
    const auto* refusal = std::get_if<actors::Refusal>(&answer);
    return refusal == nullptr ? 0 : refusal->code;
}

void Client::follow(const actors::Channel& channel, std::optional<std::uint64_t> from) {
    std::promise<std::optional<actors::Refusal>> promise;
    session_->subscribe(channel, from, [&promise](std::optional<actors::Refusal> refusal) {
        promise.set_value(std::move(refusal));
    });
    EXPECT_FALSE(promise.get_future().get().has_value());
}

void Client::leave(const actors::Channel& channel) { session_->unsubscribe(channel); }

std::optional<actors::Answer> given_by_now(std::future<actors::Answer>& from) {
    if (from.wait_for(std::chrono::seconds{0}) != std::future_status::ready) return std::nullopt;
    try {
        return from.get();
    } catch (const std::future_error&) {
        return std::nullopt;  // Nobody is left who could give it.
    }
}

House::House(Outside& outside, const HouseOptions& options) : outside_(outside) {
    auto context = std::make_unique<actors::Context>();
    context->listing = outside.listing;
    context->cluster = "test";
    context->partitions = outside.partitions;
    context->options = {.threads = 2,
                        .scheduler = "stealing",
                        .idle_after = options.idle_after,
                        .balance_every = options.balance_every,
                        .variation_every = base::milliseconds(200),
                        .reconcile_every = base::milliseconds(100),
                        .result_every = base::milliseconds(500),
                        .lane_tick = base::milliseconds(20),
                        .append_retry = base::milliseconds(20),
                        .say_again_every = base::milliseconds(100),
                        .ask_again_for = options.ask_again_for,
                        .read_wait = options.read_wait,
                        .snapshot_events = options.snapshot_events,
                        .snapshot_every = options.snapshot_every,
                        .machines_kept = options.machines_kept,
                        .is_log_trimmed = options.is_log_trimmed,
                        .seed = std::nullopt};
    const auto parameters = town_parameters(context->listing, options.universe);
    for (const auto broker : {alpha, beta}) {
        auto made = std::make_unique<actors::Broker>();
        made->profile = profile_of(broker, options, context->listing);
        made->parameters = parameters;
        context->brokers.push_back(std::move(made));
        for (const auto shard : {synthetix, uniswap, perpetuals}) {
            auto adapter = outside.world->shard(shard, broker);
            if (options.between) adapter = options.between(std::move(adapter));
            context->shards[{broker, shard}] = std::move(adapter);
        }
    }
    context->model = risk::make_portfolio_model();
    context->journal = &outside.journal;
    context->own_instruments = std::make_unique<metrics::Instruments>(registry_);
    context->instruments = context->own_instruments.get();
    context->log = log_into(outside.watch);
    context->now = options.now ? options.now : [] { return base::wall_clock_now(); };
    if (options.directory != nullptr) {
        context->directory = options.directory;
        context->among = actors::ClusterOptions{.name = options.name,
                                                .address = "127.0.0.1",
                                                .port = 0,
                                                .advertised = {},
                                                .lease = base::milliseconds(500),
                                                .beat_every = base::milliseconds(100),
                                                .tls = options.tls};
    }
    const auto running = outside.watch.lines_with("A partition is running.");
    auto node = actors::Node::start(std::move(context));
    CHECK(node.has_value(), "a node that is alone starts");
    node_ = std::move(*node);
    const std::size_t awaited = options.directory == nullptr ? outside.partitions : 0;
    EXPECT_TRUE(outside.watch.await_line("A partition is running.", running + awaited));
    oracle_ = client({});
    set_price(usdc, 1);
    set_price(eth, 2'000);
    set_price(sbtc, 30'000);
    set_price(btc_contract, 30'000);
}

std::size_t House::partitions_running() const {
    const auto& status = node_->context().status;
    return static_cast<std::size_t>(
        std::count_if(status.begin(), status.end(), [](const auto& partition) {
            return partition->phase.load() == actors::PartitionStatus::Phase::running;
        }));
}

std::unique_ptr<Client> House::client(const std::set<base::AccountId>& accounts) {
    return std::make_unique<Client>(*node_, outside_.watch, accounts);
}

void House::set_price(base::AssetId asset, std::int64_t dollars) {
    set_price(asset, base::Price{dollars * one_dollar});
}

void House::set_funding(base::AssetId contract, base::Price index) {
    outside_.world->set_funding(contract, index);
    (void)oracle_->expect<actors::MarksTaken>(
        actors::PublishMarks{.marks = {},
                             .at = base::wall_clock_now(),
                             .funding = {{.contract = contract, .index = index}}});
}

void House::set_price(base::AssetId asset, base::Price price) { set_prices({{asset, price}}); }

void House::set_prices(const std::vector<actors::PublishMarks::Mark>& marks) {
    for (const auto& mark : marks) outside_.world->set_price(mark.asset, mark.price);
    (void)oracle_->expect<actors::MarksTaken>(
        actors::PublishMarks{.marks = marks, .at = base::wall_clock_now()});
}

namespace {

base::CommandId fresh_id() {
    static std::atomic<std::uint64_t> count{0};
    // Counted in the upper bits: of these, those that the text has no room for are the lowest.
    return base::make_command_id(base::wall_clock_now(), 0, ++count << 16);
}

}  // namespace

actors::SubmitTrade trade_of(base::AccountId account, base::InstrumentId instrument,
                             std::int64_t quantity) {
    const base::Price any{quantity > 0 ? INT64_MAX : 0};
    return actors::SubmitTrade{.account = account,
                               .id = fresh_id(),
                               .instrument = instrument,
                               .quantity = Amount{quantity},
                               .limit = any,
                               .received_at = base::wall_clock_now()};
}

actors::Withdraw withdrawal_of(base::AccountId account, base::AssetId asset, std::int64_t amount,
                               base::ShardId shard) {
    return actors::Withdraw{.account = account,
                            .id = fresh_id(),
                            .asset = asset,
                            .amount = Amount{amount},
                            .shard = shard,
                            .destination = "0xclient",
                            .received_at = base::wall_clock_now()};
}

actors::CancelWithdrawal cancel_of(base::AccountId account, std::uint32_t number) {
    return actors::CancelWithdrawal{.account = account,
                                    .id = fresh_id(),
                                    .number = number,
                                    .received_at = base::wall_clock_now()};
}

actors::Transfer transfer_of(base::AccountId account, base::AccountId to, base::AssetId asset,
                             std::int64_t amount) {
    return actors::Transfer{.account = account,
                            .id = fresh_id(),
                            .to = to,
                            .asset = asset,
                            .amount = Amount{amount},
                            .received_at = base::wall_clock_now()};
}

}  // namespace crossclear::tests
