#include "shards/simulated/world.hpp"

#include "base/check.hpp"
#include "base/thread_name.hpp"
#include "shards/simulated/adapter.hpp"
#include "shards/simulated/codec.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <system_error>

namespace crossclear::shards::simulated {

SimulatedWorld::SimulatedWorld(WorldConfig config)
    : config_(std::move(config)), stepped_now_(config_.start) {}

SimulatedWorld::~SimulatedWorld() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        is_stopping_ = true;
    }
    wakes_.notify_all();
    thread_.join();
}

base::Result<std::unique_ptr<SimulatedWorld>, LogFault> SimulatedWorld::open(WorldConfig config) {
    std::unique_ptr<SimulatedWorld> world{new SimulatedWorld{std::move(config)}};
    for (const ChainParameters& parameters : world->config_.chains) {
        if (auto fault = world->open_site(parameters)) return base::Failure{std::move(*fault)};
    }
    if (world->config_.clock == Clock::wall) {
        world->thread_ = std::thread{[raw = world.get()] {
            base::name_this_thread("chains");
            raw->run_by_the_clock();
        }};
    }
    return world;
}

std::optional<LogFault> SimulatedWorld::open_site(const ChainParameters& parameters) {
    Site& opened = sites_[parameters.shard];
    CHECK(opened.chain == nullptr, "each shard is one chain");
    if (config_.directory.empty()) {
        opened.chain = std::make_unique<Chain>(parameters, config_.listing, now());
        return std::nullopt;
    }
    std::error_code error;
    std::filesystem::create_directories(config_.directory, error);
    if (error) return LogFault{LogError::not_openable, error.message()};
    const auto& symbol = config_.listing.shard(parameters.shard).symbol;
    auto log = Log::open(
        config_.directory / (symbol + ".chain"),
        Genesis{.at = now(), .identity = identity_of(parameters, config_.listing)},
        [&](base::Timestamp at) {
            opened.chain = std::make_unique<Chain>(parameters, config_.listing, at);
        },
        [&](const Record& record) { return opened.chain->restore(record); });
    if (!log) return log.error();
    opened.log.emplace(std::move(*log));
    opened.chain->skip_to(now());
    commit(opened);
    if (opened.is_stopped) return fault_;
    return std::nullopt;
}

std::unique_ptr<Shard> SimulatedWorld::shard(base::ShardId shard, base::BrokerId broker) {
    CHECK(sites_.contains(shard), "a shard of this world");
    return std::make_unique<SimulatedShard>(*this, shard, broker);
}

SimulatedWorld::Site& SimulatedWorld::site(base::ShardId shard) {
    const auto found = sites_.find(shard);
    CHECK(found != sites_.end(), "a shard of this world");
    return found->second;
}

const Chain& SimulatedWorld::chain(base::ShardId shard) const {
    const auto found = sites_.find(shard);
    CHECK(found != sites_.end(), "a shard of this world");
    return *found->second.chain;
}

base::Timestamp SimulatedWorld::now() const {
    return config_.clock == Clock::wall ? base::wall_clock_now() : stepped_now_;
}

bool SimulatedWorld::post(Call call) {
    {
        const std::lock_guard lock{mutex_};
        if (calls_.size() >= calls_waiting_max) return false;
        calls_.push_back(std::move(call));
    }
    wakes_.notify_one();
    return true;
}

template <class Answer>
Answer SimulatedWorld::run_and_wait(std::function<Answer()> call) {
    // With a stepped clock the caller is the world's thread; so is a callback on the world's own.
    if (config_.clock == Clock::stepped || std::this_thread::get_id() == thread_.get_id()) {
        return call();
    }
    const auto task = std::make_shared<std::packaged_task<Answer()>>(std::move(call));
    auto answer = task->get_future();
    while (!post([task] { (*task)(); })) std::this_thread::yield();
    return answer.get();
}

void SimulatedWorld::at_venues_of(base::InstrumentId instrument,
                                  const std::function<void(Chain&)>& act) {
    run_and_wait<bool>([&] {
        for (const auto venue : config_.listing.venues_of(instrument)) {
            if (sites_.contains(venue)) act(*site(venue).chain);
        }
        return true;
    });
}

void SimulatedWorld::set_price(base::InstrumentId instrument, base::Price price) {
    at_venues_of(instrument, [&](Chain& chain) { chain.set_price(instrument, price); });
}

void SimulatedWorld::set_price(base::AssetId asset, base::Price price) {
    if (const auto instrument = config_.listing.instrument_of(asset)) set_price(*instrument, price);
}

void SimulatedWorld::set_funding(base::AssetId asset, base::Price index) {
    const auto instrument = config_.listing.instrument_of(asset);
    if (!instrument) return;
    at_venues_of(*instrument, [&](Chain& chain) { chain.set_funding(*instrument, index); });
}

void SimulatedWorld::set_faults(base::ShardId shard, Faults faults) {
    run_and_wait<bool>([this, shard, faults = std::move(faults)] {
        site(shard).chain->set_faults(faults);
        commit(site(shard));
        return true;
    });
}

Faults SimulatedWorld::faults(base::ShardId shard) {
    return run_and_wait<Faults>([this, shard] { return site(shard).chain->faults(); });
}

base::Result<void, DepositFault> SimulatedWorld::deposit(base::ShardId shard,
                                                         base::AccountId account,
                                                         base::AssetId asset, base::Amount amount) {
    using Answer = base::Result<void, ledger::ShardRefusal>;
    const auto taken = run_and_wait<Answer>([this, shard, account, asset, amount] {
        return site(shard).chain->deposit(account, asset, amount, now());
    });
    if (!taken) return base::Failure{DepositFault{Refused{taken.error()}}};
    return {};
}

void SimulatedWorld::fail_protocol(base::ShardId shard, base::AssetId asset, base::Ppm share) {
    run_and_wait<bool>([this, shard, asset, share] {
        site(shard).chain->fail_protocol(asset, share, now());
        return true;
    });
}

Balances SimulatedWorld::balances(base::ShardId shard, base::BrokerId broker) {
    return run_and_wait<Balances>(
        [this, shard, broker] { return site(shard).chain->final_balances(broker); });
}

std::optional<LogFault> SimulatedWorld::fault() {
    return run_and_wait<std::optional<LogFault>>([this] { return fault_; });
}

void SimulatedWorld::advance_to(base::Timestamp now) {
    CHECK(config_.clock == Clock::stepped, "only a stepped world is moved by hand");
    run_queue();
    make_blocks(now);
    stepped_now_ = std::max(stepped_now_, now);
    run_queue();
}

void SimulatedWorld::run_calls() {
    CHECK(config_.clock == Clock::stepped, "a world with a clock runs its own calls");
    run_queue();
}

void SimulatedWorld::run_queue() {
    while (true) {
        Call call;
        {
            const std::lock_guard lock{mutex_};
            if (calls_.empty()) return;
            call = std::move(calls_.front());
            calls_.pop_front();
        }
        call();
    }
}

void SimulatedWorld::run_by_the_clock() {
    while (true) {
        // The wall clock may jump, so no wait is longer than a second.
        const auto due = next_slot_at().value_or(now() + base::seconds(1));
        const auto wait = std::clamp(due - now(), base::Duration{0}, base::seconds(1));
        {
            std::unique_lock lock{mutex_};
            wakes_.wait_for(lock, std::chrono::microseconds{wait.us},
                            [this] { return is_stopping_ || !calls_.empty(); });
            if (is_stopping_) return;
        }
        run_queue();
        make_blocks(now());
    }
}

std::optional<base::Timestamp> SimulatedWorld::next_slot_at() const {
    std::optional<base::Timestamp> next;
    for (const auto& [shard, one] : sites_) {
        if (one.is_stopped) continue;
        const auto at = one.chain->next_slot_at();
        if (!next || at < *next) next = at;
    }
    return next;
}

void SimulatedWorld::make_blocks(base::Timestamp now) {
    for (auto next = next_slot_at(); next && *next <= now; next = next_slot_at()) {
        stepped_now_ = std::max(stepped_now_, *next);
        for (auto& [shard, one] : sites_) {
            if (one.is_stopped || one.chain->next_slot_at() > *next) continue;
            one.chain->advance_to(*next);
            commit(one);
        }
        carry_over_bridges(*next);
        run_queue();
    }
}

void SimulatedWorld::commit(Site& site) {
    if (site.is_stopped) return;
    const auto records = site.chain->take_records();
    if (site.log) {
        const auto written = site.log->append(records);
        if (!written) {
            // What is in memory may be more than what is on disk: nothing of it may leave.
            site.is_stopped = true;
            fault_ = written.error();
            return;
        }
    }
    for (const Told& told : site.chain->take_notices()) {
        const auto found = site.mailboxes.find(told.to);
        if (found == site.mailboxes.end()) continue;
        // A copy: a listener may call back into the world and lead here again.
        const auto mailboxes = found->second;
        for (const auto& mailbox : mailboxes) {
            if (const auto open = mailbox.lock()) open->tell(told.notice);
        }
    }
}

void SimulatedWorld::carry_over_bridges(base::Timestamp now) {
    for (auto& [shard, from] : sites_) {
        if (from.is_stopped) continue;
        const auto latency = from.chain->parameters().bridge_latency;
        const auto departures = from.chain->departures();
        for (const auto& [ref, departure] : departures) {
            const auto to = sites_.find(departure.to_shard);
            if (to == sites_.end() || to->second.is_stopped) continue;
            if (to->second.chain->has_final_arrival(ref)) {
                from.chain->forget_departure(ref);
            } else if (departure.final_at + latency <= now) {
                to->second.chain->arrive(ref, departure.asset, departure.amount, now);
            }
        }
    }
}

}  // namespace crossclear::shards::simulated
