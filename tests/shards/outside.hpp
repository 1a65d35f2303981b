#pragma once

#include "shards/simulated/remote.hpp"
#include "shards/simulated/server.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// A sample world that runs by the clock, and what listens to it from near and far.

namespace crossclear::shards::simulated::sample {

inline constexpr auto patience = std::chrono::seconds(20);
inline constexpr const char* cluster = "test";

/// A new empty directory, removed with the object.
struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "outsideXXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }

    [[nodiscard]] Endpoint endpoint() const {
        return {.path = (path / "world.sock").string(), .host = {}, .port = 0};
    }

    std::filesystem::path path;
};

/// Both chains with blocks so fast that a test need not wait.
inline std::vector<ChainParameters> fast_chains() {
    std::vector<ChainParameters> chains{parameters(swaps), parameters(perpetuals)};
    for (auto& chain : chains) chain.block_time = base::milliseconds(10);
    return chains;
}

/// A world by the wall clock, with prices; in memory where no directory is given.
inline std::unique_ptr<SimulatedWorld> running_world(std::filesystem::path directory = {}) {
    auto world = SimulatedWorld::open({.listing = listing(),
                                       .chains = fast_chains(),
                                       .directory = std::move(directory),
                                       .clock = Clock::wall,
                                       .start = {}});
    EXPECT_TRUE(world.has_value());
    (*world)->set_price(eth, eth_price);
    (*world)->set_price(btc_perp_units, btc_price);
    return std::move(*world);
}

inline WorldIdentity identity() { return identity_of(cluster, listing(), fast_chains()); }

inline std::unique_ptr<WorldServer> served(SimulatedWorld& world, const Endpoint& at) {
    auto server = WorldServer::start(world, {.endpoint = at, .identity = identity()});
    EXPECT_TRUE(server.has_value()) << (server ? "" : server.error());
    return std::move(*server);
}

inline RemoteOptions remote_options(const Endpoint& at) {
    return {.endpoint = at, .name = cluster, .listing = listing(), .chains = fast_chains()};
}

/// A node's end, connected.
inline std::unique_ptr<RemoteWorld> connected(RemoteOptions options) {
    auto remote = std::make_unique<RemoteWorld>(std::move(options));
    EXPECT_EQ(remote->wait(base::seconds(20)), LinkState::connected) << remote->reason();
    return remote;
}

/// Everything told to one broker on one shard, to be waited for.
class Listener {
public:
    explicit Listener(OutsideWorld& world, base::ShardId of, base::BrokerId broker = alpha)
        : shard(world.shard(of, broker)) {
        shard->listen([this](const ledger::ShardNotice& notice) {
            const std::lock_guard lock{mutex_};
            heard_.push_back(notice);
            is_told_.notify_all();
        });
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { shard.reset(); }

    /// Notices of one kind so far, in order.
    template <class Kind>
    [[nodiscard]] std::vector<Kind> only() const {
        const std::lock_guard lock{mutex_};
        return only_locked<Kind>();
    }
    /// Waits until one of a kind is as wanted, and returns it.
    template <class Kind>
    [[nodiscard]] Kind wait_for(const std::function<bool(const Kind&)>& is_wanted) {
        Kind found{};
        std::unique_lock lock{mutex_};
        const bool is_told = is_told_.wait_for(lock, patience, [&] {
            for (const auto& notice : only_locked<Kind>()) {
                if (!is_wanted(notice)) continue;
                found = notice;
                return true;
            }
            return false;
        });
        EXPECT_TRUE(is_told) << "the notice never came";
        return found;
    }
    /// Waits until the order's last notice is final.
    ledger::OrderNotice wait_until_final(const base::OrderRef& of) {
        return wait_for<ledger::OrderNotice>([&](const auto& notice) {
            return notice.ref == of && notice.finality == ledger::Finality::final;
        });
    }
    ledger::DepositNotice wait_until_final_deposit(std::int64_t amount) {
        return wait_for<ledger::DepositNotice>([&](const auto& notice) {
            return notice.amount.v == amount && notice.finality == ledger::Finality::final;
        });
    }

    // Calls of the port, waited for.
    [[nodiscard]] SubmitAnswer submit(const ledger::ShardOrder& order) const {
        return answer<SubmitAnswer>([&](auto done) { shard->submit(order, done); });
    }
    [[nodiscard]] OrderAnswer ask(const base::OrderRef& ref) const {
        return answer<OrderAnswer>([&](auto done) { shard->ask(ref, done); });
    }
    [[nodiscard]] BalancesAnswer balances() const {
        return answer<BalancesAnswer>([&](auto done) { shard->balances(done); });
    }
    [[nodiscard]] Health health() const {
        return answer<Health>([&](auto done) { shard->health(done); });
    }

    std::unique_ptr<Shard> shard;

private:
    template <class Kind>
    [[nodiscard]] std::vector<Kind> only_locked() const {
        std::vector<Kind> found;
        for (const auto& one : heard_) {
            if (const auto* notice = std::get_if<Kind>(&one)) found.push_back(*notice);
        }
        return found;
    }
    template <class Given>
    [[nodiscard]] static Given answer(const std::function<void(std::function<void(Given)>)>& call) {
        const auto promise = std::make_shared<std::promise<Given>>();
        auto told = promise->get_future();
        call([promise](Given given) { promise->set_value(std::move(given)); });
        EXPECT_EQ(told.wait_for(patience), std::future_status::ready)
            << "a call is always answered";
        return told.get();
    }

    mutable std::mutex mutex_;
    std::condition_variable is_told_;
    std::vector<ledger::ShardNotice> heard_;
};

/// An order of the sample world that has a minute by the wall clock.
inline ledger::ShardOrder in_time(ledger::ShardOrder order) {
    order.deadline = base::wall_clock_now() + base::seconds(60);
    return order;
}

}  // namespace crossclear::shards::simulated::sample
