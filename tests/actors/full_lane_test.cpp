#include "actors/lane_actor.hpp"
#include "tests/support/actors/house.hpp"
#include "tests/support/actors/passing_shard.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;
namespace account = ledger::account;

// A shard that keeps every last word of a payment to itself, until it is let go on.
class Withholding final : public PassingShard {
public:
    using PassingShard::PassingShard;

    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override {
        PassingShard::ask(ref, [this, done = std::move(done)](auto answer) {
            auto* told = std::get_if<ledger::OrderNotice>(&answer);
            if (told != nullptr && is_withheld(*told)) {
                told->finality = ledger::Finality::included;
            }
            done(std::move(answer));
        });
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            const auto* order = std::get_if<ledger::OrderNotice>(&notice);
            {
                const std::scoped_lock lock(mutex_);
                if (order != nullptr && is_withheld(*order)) {
                    kept_.push_back([listener, notice] { listener(notice); });
                    return;
                }
            }
            listener(std::move(notice));
        });
    }
    void let_go() {
        std::vector<std::function<void()>> kept;
        {
            const std::scoped_lock lock(mutex_);
            is_withholding_ = false;
            kept.swap(kept_);
        }
        for (const auto& tell : kept) tell();
    }

private:
    [[nodiscard]] bool is_withheld(const ledger::OrderNotice& notice) const {
        return is_withholding_ && notice.finality == ledger::Finality::final &&
               notice.ref.origin.kind == base::EntityKind::instruction;
    }

    std::atomic<bool> is_withholding_{true};
    std::mutex mutex_;
    std::vector<std::function<void()>> kept_;
};

// A shard that takes every order, and ends them when it is told to.
class Taking final : public shards::Shard {
public:
    void submit(const ledger::ShardOrder& order,
                std::function<void(shards::SubmitAnswer)> done) override {
        {
            const std::scoped_lock lock(mutex_);
            taken_.push_back(order.ref);
        }
        done(shards::Accepted{});
    }
    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override {
        done(ledger::OrderNotice{.ref = ref, .finality = ledger::Finality::seen});
    }
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        done(shards::NoAnswer{});
    }
    void rescan(std::uint64_t) override {}
    void health(std::function<void(shards::Health)> done) override {
        done(shards::Health{.is_reachable = true});
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        listener_ = std::move(listener);
    }
    void end(const base::OrderRef& ref) {
        listener_(ledger::OrderNotice{.ref = ref, .finality = ledger::Finality::final, .block = 1});
    }
    [[nodiscard]] std::vector<base::OrderRef> taken() const {
        const std::scoped_lock lock(mutex_);
        return taken_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<base::OrderRef> taken_;
    std::function<void(ledger::ShardNotice)> listener_;
};

// Goal: whoever waits for an order may ask for it again and again. It is sent once, in its turn,
// and counts once where a difference is held against it.
TEST(FullLane, KeepsEachOrderOnceAndInItsTurn) {
    Outside outside;
    House house(outside);
    Taking shard;
    caf::actor_system_config config;
    caf::actor_system system(config);
    caf::scoped_actor home(system);
    const auto lane =
        system.spawn<actors::LaneHost>(&house.node().context(), alpha, uniswap, &shard,
                                       caf::actor_cast<actors::PartitionActor>(home));
    constexpr std::size_t more_than_it_has_room_for = 256 + 1'024 + 100;
    std::vector<base::OrderRef> asked;
    for (std::uint64_t i = 1; i <= more_than_it_has_room_for; ++i) {
        const auto origin = base::entity_of(base::EntityKind::instruction, alpha, i);
        asked.push_back({.origin = origin, .number = 1});
    }
    const auto ask_for_all = [&] {
        for (const auto& ref : asked) {
            caf::anon_send(lane, actors::LaneOrder{{.ref = ref,
                                                    .shard = uniswap,
                                                    .kind = ledger::OrderKind::pay_out,
                                                    .asset = usdc,
                                                    .amount = base::Amount{1}}});
        }
    };
    for (int i = 0; i < 3; ++i) ask_for_all();
    std::vector<base::OrderRef> told;
    home->request(lane, caf::infinite, actors::LaneInFlight{})
        .receive(
            [&](const actors::LaneOrders& orders) {
                for (const auto& one : orders.orders) told.push_back(one.order.ref);
            },
            [](const caf::error& why) { ADD_FAILURE() << to_string(why); });
    std::ranges::sort(told);
    EXPECT_EQ(told, asked) << "each of them once";
    EXPECT_EQ(shard.taken().size(), 256U);
    for (const auto& ref : asked) {
        ASSERT_TRUE(outside.watch.await([&] {
            const auto taken = shard.taken();
            return std::ranges::find(taken, ref) != taken.end();
        }));
        shard.end(ref);
    }
    EXPECT_EQ(shard.taken(), asked) << "in the order in which they came";
    caf::anon_send_exit(lane, caf::exit_reason::kill);
}

// Goal: a lane has room for so many orders. What comes when it is full waits for its turn and is
// sent as soon as there is room, once.
TEST(FullLane, TakesTheRestWhenThereIsRoom) {
    std::vector<Withholding*> shards;
    HouseOptions options;
    options.between = [&shards](std::unique_ptr<shards::Shard> behind) {
        auto between = std::make_unique<Withholding>(std::move(behind));
        shards.push_back(between.get());
        return between;
    };
    Outside outside;
    House house(outside, options);
    // 256 in flight, 1,024 in the lane, and 64 more.
    constexpr std::size_t clients = 21;
    constexpr std::size_t each = base::limits::withdrawals_open_max;
    std::set<base::AccountId> accounts;
    for (std::uint64_t i = 0; i < clients; ++i) {
        accounts.insert(account_in(base::PartitionId{1}, i));
    }
    for (const auto client : accounts) outside.deposit(uniswap, client, usdc, 100 * one_usdc);
    const auto session = house.client(accounts);
    std::vector<std::future<actors::Answer>> answers;
    for (std::size_t i = 0; i < each; ++i) {
        for (const auto client : accounts) {
            answers.push_back(session->send(withdrawal_of(client, usdc, one_usdc, uniswap)));
        }
    }
    for (auto& answer : answers) {
        ASSERT_TRUE(std::holds_alternative<actors::WithdrawalTaken>(answer.get()));
    }
    ASSERT_TRUE(outside.watch.await_line("A lane is full: orders wait for room in it."));
    ASSERT_TRUE(outside.watch.await([&] {
        return house.scrape().find(
                   "shard_orders_waiting{broker=\"alpha\",shard=\"uniswap\"} "
                   "1088") != std::string::npos;
    })) << house.scrape();
    EXPECT_EQ(outside.watch.lines_with("A lane is full: orders wait for room in it."), 1U);

    for (auto* shard : shards) shard->let_go();
    ASSERT_TRUE(outside.watch.await(
        [&] { return outside.watch.all<account::WithdrawalPaid>().size() == clients * each; }));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
