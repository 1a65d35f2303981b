#include "shards/simulated/world.hpp"

#include "base/hash.hpp"
#include "base/rng.hpp"
#include "shards/simulated/codec.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.
using ledger::Finality;
using ledger::OrderKind;
using ledger::OrderNotice;

WorldConfig config(std::uint64_t seed, std::filesystem::path directory = {}) {
    return {.listing = listing(),
            .chains = {parameters(swaps, seed), parameters(perpetuals, seed + 1)},
            .directory = std::move(directory),
            .clock = Clock::stepped,
            .start = start};
}

std::unique_ptr<SimulatedWorld> opened(WorldConfig with) {
    auto world = SimulatedWorld::open(std::move(with));
    EXPECT_TRUE(world.has_value());
    (*world)->set_price(eth, eth_price);
    (*world)->set_price(btc_perp, btc_price);
    return std::move(*world);
}

// Everything told to one broker on one shard.
struct Ear {
    explicit Ear(SimulatedWorld& world, base::ShardId of, base::BrokerId broker = alpha)
        : shard(world.shard(of, broker)) {
        shard->listen([this](const ledger::ShardNotice& notice) { heard.push_back(notice); });
    }
    template <class Notice>
    [[nodiscard]] std::vector<Notice> only() const {
        std::vector<Notice> found;
        for (const auto& one : heard) {
            if (const auto* notice = std::get_if<Notice>(&one)) found.push_back(*notice);
        }
        return found;
    }
    std::unique_ptr<Shard> shard;
    std::vector<ledger::ShardNotice> heard;
};

struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "worldXXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

TEST(World, CarriesTokensOverABridgeUnderTheSameReference) {
    const auto world = opened(config(1));
    Ear here{*world, swaps};
    Ear there{*world, perpetuals};
    here.shard->submit(move_order(1, OrderKind::bridge_out, swaps, usdc, 500), [](auto) {});
    world->advance_to(at(30));
    const auto arrivals = there.only<ledger::ArrivalNotice>();
    ASSERT_EQ(arrivals.size(), 3U);
    EXPECT_EQ(arrivals.back().ref, ref(1));
    EXPECT_EQ(arrivals.back().finality, Finality::final);
    EXPECT_EQ(arrivals.back().amount.v, 500);
    EXPECT_EQ(world->balances(perpetuals, alpha).lines[0].held.v, 1'000'000 * one_usdc + 500);
    EXPECT_TRUE(world->chain(swaps).departures().empty());
}

// Goal: the tokens of a bridge arrive once, whenever the process dies in between.
TEST(World, FinishesABridgeAfterARestartAtAnySecond) {
    for (std::int64_t crash = 1; crash < 16; ++crash) {
        const Folder folder;
        {
            const auto world = opened(config(1, folder.path));
            Ear here{*world, swaps};
            here.shard->submit(move_order(1, OrderKind::bridge_out, swaps, usdc, 500), [](auto) {});
            world->advance_to(at(crash));
        }
        auto later = config(1, folder.path);
        later.start = at(100);
        const auto world = opened(later);
        world->advance_to(at(130));
        EXPECT_EQ(world->balances(swaps, alpha).lines[0].held.v, 1'000'000 * one_usdc - 500);
        EXPECT_EQ(world->balances(perpetuals, alpha).lines[0].held.v, 1'000'000 * one_usdc + 500)
            << "crash after " << crash;
    }
}

TEST(World, ContinuesAfterARestartAndRescans) {
    const Folder folder;
    {
        const auto world = opened(config(1, folder.path));
        ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
        world->advance_to(at(2));
    }
    auto later = config(1, folder.path);
    later.start = at(50'000);
    const auto world = opened(later);
    EXPECT_EQ(world->chain(swaps).head_height(), 50'000U);
    Ear ear{*world, swaps};
    ear.shard->rescan(0);
    Health health;
    ear.shard->health([&](Health told) { health = told; });
    world->run_calls();
    EXPECT_EQ(health.final_block, 49'996U);
    ASSERT_EQ(ear.only<ledger::DepositNotice>().size(), 1U);
    EXPECT_EQ(ear.only<ledger::DepositNotice>()[0].finality, Finality::final);
    EXPECT_EQ(ear.only<ledger::DepositNotice>()[0].block, 1U);
}

Faults everything() {
    return {.submission_latency_max = base::seconds(2),
            .lost_request_ppm = 50'000,
            .lost_answer_ppm = 50'000,
            .drop_ppm = 50'000,
            .refuse_ppm = 10'000,
            .revert_ppm = 50'000,
            .reorg_ppm = 100'000,
            .vanish_ppm = 200'000,
            .duplicate_notice_ppm = 100'000,
            .reorder_notice_ppm = 100'000,
            .pause_ppm = 10'000,
            .pause_blocks = 3};
}

ledger::ShardOrder some_order(base::Rng& rng, std::uint32_t number, std::int64_t second) {
    const auto signed_size = static_cast<std::int64_t>(rng.below(2'000'000'000)) - 1'000'000'000;
    const auto size = static_cast<std::int64_t>(rng.below(20'000)) * one_usdc + 1;
    auto order = [&] {
        switch (rng.below(6)) {
            case 0:
                return contract_order(number, signed_size / 1'000);
            case 1:
                return move_order(number, OrderKind::post_margin, perpetuals, usdc, size);
            case 2:
                return move_order(number, OrderKind::take_margin, perpetuals, usdc, size);
            case 3:
                return move_order(number, OrderKind::pay_out, swaps, usdc, size);
            case 4:
                return move_order(number, OrderKind::bridge_out,
                                  rng.below(2) == 0 ? swaps : perpetuals, usdc, size);
            default:
                return swap_order(number, signed_size);
        }
    }();
    order.deadline = at(second + 20);
    return order;
}

// Replays final notices into the holdings they explain.
struct Explained {
    std::map<base::AssetId, std::int64_t> held;
    std::int64_t posted{};

    void add(const OrderNotice& notice, const ledger::ShardOrder& order) {
        if (notice.finality != Finality::final) return;
        held[eth] -= notice.gas.v;
        if (notice.refusal != ledger::ShardRefusal::none) return;
        held[notice.given_asset] -= notice.given.v;
        held[notice.received_asset] += notice.received.v;
        if (order.kind == OrderKind::post_margin) posted += notice.given.v;
        if (order.kind == OrderKind::take_margin) posted -= notice.received.v;
    }
};

// What alpha holds on a chain at its newest final block is what its final receipts and inflows say.
void expect_explained(SimulatedWorld& world, base::ShardId shard, Ear& ear,
                      const std::map<base::OrderRef, ledger::ShardOrder>& orders,
                      std::uint64_t seed) {
    ear.shard->rescan(0);
    Explained explained;
    explained.held[usdc] = 1'000'000 * one_usdc;
    explained.held[eth] = 1'000 * one_eth;
    for (const auto& [one, order] : orders) {
        if (order.shard != shard) continue;
        ear.shard->ask(one, [&explained, &order = order](auto answer) {
            explained.add(std::get<OrderNotice>(answer), order);
        });
    }
    ear.heard.clear();
    world.run_calls();
    std::uint64_t numbered = 0;
    for (const auto& variation : ear.only<ledger::VariationNotice>()) {
        EXPECT_EQ(variation.number, ++numbered) << "seed " << seed;
        explained.posted += variation.change.v;
    }
    for (const auto& deposit : ear.only<ledger::DepositNotice>()) {
        if (deposit.finality == Finality::final) explained.held[usdc] += deposit.amount.v;
    }
    for (const auto& arrival : ear.only<ledger::ArrivalNotice>()) {
        if (arrival.finality == Finality::final) explained.held[usdc] += arrival.amount.v;
    }
    const auto balances = world.balances(shard, alpha);
    EXPECT_EQ(balances.lines[0].held.v, explained.held[usdc]) << "seed " << seed;
    EXPECT_EQ(balances.lines[0].posted.v, explained.posted) << "seed " << seed;
    EXPECT_EQ(balances.lines[1].held.v, explained.held[eth]) << "seed " << seed;
}

// One seeded run with every fault on, against both chains; returns a hash of all that was told.
std::uint64_t run_stormy_world(std::uint64_t seed) {
    const auto world = opened(config(seed));
    std::map<base::ShardId, std::unique_ptr<Ear>> ears;
    for (const auto shard : {swaps, perpetuals}) {
        ears[shard] = std::make_unique<Ear>(*world, shard);
        world->set_faults(shard, everything());
    }
    base::Rng rng{seed};
    std::map<base::OrderRef, ledger::ShardOrder> orders;
    for (std::int64_t second = 0; second < 200; ++second) {
        if (second == 150) {
            for (const auto shard : {swaps, perpetuals}) world->set_faults(shard, {});
        }
        const auto number = static_cast<std::uint32_t>(second);
        if (second < 150) orders[ref(number)] = some_order(rng, number, second);
        for (const auto& [one, order] : orders) {
            // The same order again and again, as a lane would when it hears nothing.
            if (rng.below(4) == 0) ears[order.shard]->shard->submit(order, [](auto) {});
        }
        (void)world->deposit(swaps, base::account_id(alpha, number), usdc, base::Amount{3});
        world->set_price(
            btc_perp,
            base::Price{btc_price.v + static_cast<std::int64_t>(rng.below(1'000'000'000'000))});
        world->advance_to(at(second));
        for (const auto shard : {swaps, perpetuals}) {
            for (const auto asset : {usdc, eth}) {
                EXPECT_EQ(sum_of(world->chain(shard).head_book(), asset), 0) << "seed " << seed;
            }
        }
    }
    // Nothing is on its way any more: what left one chain is on the other.
    const Place bridge{.kind = PlaceKind::bridge, .broker = {}};
    EXPECT_EQ(world->chain(swaps).final_book().balance(bridge, usdc).v +
                  world->chain(perpetuals).final_book().balance(bridge, usdc).v,
              0)
        << "seed " << seed;

    std::uint64_t hash = seed;
    for (const auto shard : {swaps, perpetuals}) {
        expect_explained(*world, shard, *ears[shard], orders, seed);
        hash = base::hash_combine(hash, world->chain(shard).head_hash());
    }
    return hash;
}

TEST(WorldProperty, BalancesAtAFinalBlockAreTheSumOfFinalReceipts) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        (void)run_stormy_world(seed);
        if (HasFailure()) FAIL() << "seed " << seed;
    }
}

TEST(WorldProperty, TheSameSeedMakesTheSameBlocks) {
    EXPECT_EQ(run_stormy_world(42), run_stormy_world(42));
    EXPECT_NE(run_stormy_world(42), run_stormy_world(43));
}

// Goal: with the wall clock and its thread, an order goes all the way without anyone stepping.
TEST(World, RunsByTheWallClock) {
    auto with = config(1);
    with.clock = Clock::wall;
    for (auto& chain : with.chains) chain.block_time = base::milliseconds(20);
    const auto world = opened(with);
    std::mutex mutex;
    std::condition_variable is_told;
    Finality last{};
    bool has_deposit = false;
    auto shard = world->shard(swaps, alpha);
    shard->listen([&](const ledger::ShardNotice& notice) {
        const std::lock_guard lock{mutex};
        if (const auto* order = std::get_if<OrderNotice>(&notice)) last = order->finality;
        has_deposit = has_deposit || std::holds_alternative<ledger::DepositNotice>(notice);
        is_told.notify_all();
    });
    auto order = swap_order(1, one_eth);
    order.deadline = base::wall_clock_now() + base::seconds(60);
    bool is_accepted = false;
    shard->submit(order, [&](const SubmitAnswer& answer) {
        const std::lock_guard lock{mutex};
        is_accepted = std::holds_alternative<Accepted>(answer);
    });
    EXPECT_TRUE(world->deposit(swaps, base::account_id(alpha, 1), usdc, base::Amount{5}));
    std::unique_lock lock{mutex};
    EXPECT_TRUE(is_told.wait_for(lock, std::chrono::seconds{10}, [&] {
        return last == Finality::final && has_deposit && is_accepted;
    }));
    lock.unlock();
    shard.reset();
}

}  // namespace
}  // namespace crossclear::shards::simulated
