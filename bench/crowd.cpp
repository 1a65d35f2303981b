#include "bench/crowd.hpp"

#include "actors/context.hpp"
#include "api/client.hpp"
#include "app/service.hpp"
#include "app/world.hpp"
#include "base/decimal.hpp"
#include "ledger/account/machine.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/netting/machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossclear::bench {
namespace {

namespace journal = ledger::journal;
namespace account = ledger::account;
namespace netting = ledger::netting;
using base::Amount;
using ledger::Entry;

// The shard with the shortest way to final.
constexpr const char* deposit_shard = "perpetuals";
// A ten-thousandth of an ETH at 3,000 USD: small enough that the house holds what it sold to all.
constexpr std::int64_t bought = 100'000;
constexpr base::Price mark{3'000'000'000'000};
constexpr Amount cash{300'000};
constexpr Amount fee{50'000};
// Entries of one record: accounts are whole in one, and one has a handful.
constexpr std::size_t entries_wanted = 512;
// Appends and snapshots on their way, over all partitions.
constexpr std::size_t calls_max = 1'024;
// Deposits that are handed to a chain before its time goes on.
constexpr std::uint64_t deposits_at_once = 4'096;

base::EntityId house_of(base::BrokerId broker) {
    return base::entity_of(base::EntityKind::netting, broker);
}

// What a machine decides, made true there and added to what is written.
template <class State, class Command>
void run(State& state, const base::EntityId& entity, const Command& command,
         std::vector<Entry>& entries) {
    const auto events = decide(state, command);
    CHECK(events.has_value(), "what a crowd asks for is granted");
    for (const auto& event : *events) {
        apply(state, event);
        entries.push_back({entity, event});
    }
}

}  // namespace

app::Config cluster_config(const ClusterPlan& plan) {
    app::DemoOptions demo;
    demo.data_dir = plan.data;
    auto config = app::demo_config(demo);
    config.api.port = 0;
    config.api.ops_port = 0;
    // The limits on one key are for one client; here a key trades for all.
    config.api.limits.credits_per_second = 1'000'000;
    config.api.limits.credits_burst = 1'000'000;
    config.actors.idle_after = base::seconds(3'600);
    for (auto& walk : config.marks.walks) walk.daily_volatility = base::Ppm{1};
    config.journal.mode = plan.redis.size() == 1 ? app::JournalConfig::Mode::single
                                                 : app::JournalConfig::Mode::quorum;
    config.journal.endpoint.socket_path = plan.redis.front();
    for (const auto& socket : plan.redis) {
        config.journal.endpoints.push_back({.socket_path = socket});
    }
    config.world.mode = app::WorldPlace::Mode::remote;
    config.world.endpoint.path = plan.data + "/world.sock";
    add_keys(plan.load, config);
    return config;
}

struct Crowd::Part {
    base::PartitionId id;
    journal::Fence fence;
    journal::Head last;
    ledger::Shadow shadow;
    std::vector<Entry> entries;
};

Crowd::Crowd(const app::Config& config, journal::Journal& journal)
    : config_(config), journal_(journal) {}

Crowd::~Crowd() { wait_for_calls(); }

const ledger::Shadow& Crowd::shadow(base::PartitionId partition) const {
    return parts_.at(partition.v)->shadow;
}

std::optional<std::string> Crowd::make(std::uint64_t accounts) {
    for (std::uint16_t i = 0; i < config_.partitions; ++i) {
        parts_.push_back(std::make_unique<Part>(
            Part{.id = base::PartitionId{i},
                 .fence = {.epoch = 1, .nonce = journal::fresh_nonce()},
                 .last = {},
                 .shadow = ledger::Shadow{base::PartitionId{i}, config_.partitions},
                 .entries = {}}));
        if (!take_over(*parts_.back())) return "a partition could not be prepared";
    }
    // Long ago, so that the chains are not ahead of the clock when they run by it.
    now_ = base::wall_clock_now() - base::seconds(3'600);
    std::filesystem::create_directories(app::shards_directory(config_));
    auto world =
        shards::simulated::SimulatedWorld::open({.listing = config_.listing,
                                                 .chains = app::chains_of(config_),
                                                 .directory = app::shards_directory(config_),
                                                 .clock = shards::simulated::Clock::stepped,
                                                 .start = now_});
    if (!world) return world.error().detail;
    world_ = std::move(*world);
    for (std::size_t i = 0; i < config_.brokers.size(); ++i) {
        found(base::BrokerId{static_cast<std::uint16_t>(i)});
    }
    listen();
    const auto shard = *config_.listing.find_shard(deposit_shard);
    const auto usdc = *config_.listing.find_asset("USDC");
    const Amount amount{crowd_deposit_usdc * base::power_of_ten(config_.listing.asset(usdc).scale)};
    const auto step = base::milliseconds(250);
    for (std::uint64_t i = 0; i < accounts && !has_failed_; ++i) {
        if (!world_->deposit(shard, account_at(i), usdc, amount)) return "a deposit was refused";
        if ((i + 1) % deposits_at_once == 0) world_->advance_to(now_ = now_ + step);
    }
    for (int steps = 0; booked_ < accounts && steps < 1'000 && !has_failed_; ++steps) {
        world_->advance_to(now_ = now_ + step);
    }
    if (booked_ < accounts && !has_failed_) return "the deposits did not become final";
    grant();
    store_rest();
    wait_for_calls();
    if (has_failed_) return "the journal did not take it: " + journal_.trouble();
    return std::nullopt;
}

bool Crowd::take_over(Part& part) {
    bool is_promised = false;
    begin_call();
    journal_.prepare(part.id, part.fence, [this, &is_promised](journal::PrepareOutcome outcome) {
        is_promised = std::holds_alternative<journal::Prepared>(outcome);
        end_call(is_promised);
    });
    wait_for_calls();
    const base::EntityId self{.kind = base::EntityKind::partition, .id = part.id.v, .sub = 0};
    part.entries.push_back(
        {self, ledger::EpochStarted{.epoch = part.fence.epoch, .at = base::wall_clock_now()}});
    return is_promised;
}

void Crowd::found(base::BrokerId broker) {
    auto& house = houses_[broker];
    house.id = house_of(broker);
    house.partitions = config_.partitions;
    const auto profile = app::context_of(config_)->brokers[broker.v]->profile;
    netting::Found command{.lines = profile.capital, .margins = {}, .at = now_};
    for (const auto& policy : profile.margins) {
        command.margins.push_back(
            {.venue = policy.venue, .asset = policy.asset, .amount = policy.floor});
    }
    std::vector<Entry> entries;
    run(house, house.id, command, entries);
    add(base::home_of(broker, config_.partitions), std::move(entries));
}

void Crowd::listen() {
    const auto shard = *config_.listing.find_shard(deposit_shard);
    for (std::size_t i = 0; i < config_.brokers.size(); ++i) {
        shards_.push_back(world_->shard(shard, base::BrokerId{static_cast<std::uint16_t>(i)}));
        shards_.back()->listen([this](const ledger::ShardNotice& notice) {
            const auto* deposit = std::get_if<ledger::DepositNotice>(&notice);
            if (deposit == nullptr || deposit->finality != ledger::Finality::final) return;
            on_deposit(*deposit);
        });
    }
}

// The whole way of one account: seen and final at the house, noted, acknowledged, and a trade.
void Crowd::on_deposit(const ledger::DepositNotice& notice) {
    const auto broker = base::broker_of(notice.account);
    auto& house = houses_.at(broker);
    std::vector<Entry> at_home;
    run(house, house.id, netting::RecordDeposit{.notice = notice, .at = now_}, at_home);
    if (at_home.empty()) return;  // Told before.
    account::State client;
    client.id = notice.account;
    const auto entity = base::entity_of(client.id);
    std::vector<Entry> entries;
    for (const auto finality : {ledger::Finality::seen, ledger::Finality::final}) {
        run(client, entity,
            account::NoteDeposit{.deposit = notice.id,
                                 .shard = notice.shard,
                                 .asset = notice.asset,
                                 .amount = notice.amount,
                                 .finality = finality,
                                 .at = now_},
            entries);
    }
    run(house, house.id,
        netting::AcknowledgeDeposit{
            .deposit = notice.id, .shard = notice.shard, .finality = ledger::Finality::final},
        at_home);
    trade(client, entries);
    add(base::home_of(broker, config_.partitions), std::move(at_home));
    add(base::partition_of(client.id, config_.partitions), std::move(entries));
    ++booked_;
}

void Crowd::trade(account::State& client, std::vector<Entry>& entries) {
    const auto instrument = *config_.listing.find_instrument("ETH");
    const auto& listed = config_.listing.instrument(instrument);
    const auto at = base::wall_clock_now();
    account::Terms terms;
    terms.mark = mark;
    terms.fill = mark;
    terms.is_price_fresh = true;
    terms.base = listed.base;
    terms.settlement = listed.settlement;
    terms.is_offered = true;
    terms.cash = cash;
    terms.does_cash_fit = true;
    terms.fee = fee;
    terms.notional_cents = 30;
    terms.is_within_limits = true;
    terms.has_margin = true;
    terms.settle_by = at + base::seconds(60);
    run(client, base::entity_of(client.id),
        account::SubmitTrade{.id = base::make_command_id(at, client.id.v, booked_),
                             .instrument = instrument,
                             .quantity = Amount{bought},
                             .limit = mark,
                             .received_at = at,
                             .terms = terms},
        entries);
    run(client, base::entity_of(client.id),
        account::CoverClaims{.asset = listed.base, .amount = Amount{bought}, .at = at}, entries);
}

// The cover for what was bought, given by the house to each partition in one piece.
void Crowd::grant() {
    const auto asset = config_.listing.instrument(*config_.listing.find_instrument("ETH")).base;
    for (auto& [broker, house] : houses_) {
        std::vector<Entry> at_home;
        for (const auto& part : parts_) {
            flush(*part);
            const Amount total{static_cast<std::int64_t>(
                ledger::covered(part->shadow.core().book, {broker, asset}))};
            if (total == Amount{0}) continue;
            const netting::Event granted = netting::QuotaGranted{
                .partition = part->id, .asset = asset, .granted_total = total};
            apply(house, granted);
            at_home.push_back({house.id, granted});
            add(part->id, {{base::entity_of(base::EntityKind::cover, broker),
                            ledger::cover::Event{ledger::cover::QuotaArrived{
                                .asset = asset, .granted_total = total}}}});
        }
        add(base::home_of(broker, config_.partitions), std::move(at_home));
    }
}

void Crowd::store_rest() {
    for (const auto& part : parts_) flush(*part);
    wait_for_calls();
    for (const auto& part : parts_) {
        for (const auto& entity : part->shadow.changed()) {
            store(*part, entity, journal::encode_entity(*part->shadow.find(entity)));
        }
        wait_for_calls();
        store(*part, {.kind = base::EntityKind::partition, .id = part->id.v, .sub = 0},
              journal::encode_core(part->shadow.core()));
    }
}

void Crowd::add(base::PartitionId partition, std::vector<Entry> entries) {
    auto& part = *parts_[partition.v];
    for (auto& entry : entries) part.entries.push_back(std::move(entry));
    if (part.entries.size() >= entries_wanted) flush(part);
}

// Writes a record, and the snapshots of the accounts in it: each is whole in one.
void Crowd::flush(Part& part) {
    if (part.entries.empty()) return;
    const auto entries = std::exchange(part.entries, {});
    auto payload = journal::begin_payload();
    for (const auto& entry : entries) journal::append_entry(payload, journal::encode(entry));
    auto record = journal::next_record(config_.cluster, part.id, part.last, part.fence.epoch,
                                       std::move(payload));
    const auto expected = std::exchange(part.last, record.head);
    part.shadow.fold(part.last, entries);
    events_ += entries.size();
    ++records_;
    begin_call();
    journal_.append({.partition = part.id,
                     .fence = part.fence,
                     .expected = expected,
                     .record = std::move(record)},
                    [this](const journal::AppendOutcome& outcome) {
                        end_call(std::holds_alternative<journal::Appended>(outcome));
                    });
    for (const auto& entity : part.shadow.changed()) {
        if (entity.kind != base::EntityKind::account) continue;
        store(part, entity, journal::encode_entity(*part.shadow.find(entity)));
        part.shadow.note_stored(entity, part.last.seq, 0);
    }
}

void Crowd::store(Part& part, const base::EntityId& entity, std::string state) {
    begin_call();
    journal_.store_snapshot(part.id, part.fence,
                            {.entity = entity, .at = part.last, .state = std::move(state)},
                            [this](const journal::StoreSnapshotOutcome& outcome) {
                                end_call(std::holds_alternative<journal::SnapshotStored>(outcome));
                            });
}

void Crowd::begin_call() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_ < calls_max; });
    ++calls_;
}

void Crowd::end_call(bool is_good) {
    const std::scoped_lock lock(mutex_);
    --calls_;
    has_failed_ = has_failed_ || !is_good;
    changed_.notify_all();
}

void Crowd::wait_for_calls() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_ == 0; });
}

}  // namespace crossclear::bench
