#include "tests/support/actors/house.hpp"
#include "tests/support/actors/passing_shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace netting = ledger::netting;
namespace reconcile = ledger::reconcile;

// How often each shard was looked at by each broker.
class Looks {
public:
    // Which look of this shard it is, from 1.
    int note(const shards::Shard* shard) {
        const std::scoped_lock lock(mutex_);
        happened_.notify_all();
        return ++looks_[shard];
    }
    // Waits until each of the six was looked at so many times more.
    [[nodiscard]] bool await_more(int count) {
        std::unique_lock lock(mutex_);
        const auto before = looks_;
        return happened_.wait_for(lock, Watch::patience, [&] {
            return looks_.size() == 6 && std::all_of(looks_.begin(), looks_.end(), [&](auto& one) {
                       const auto known = before.find(one.first);
                       const int start = known == before.end() ? 0 : known->second;
                       return one.second >= start + count;
                   });
        });
    }

private:
    std::mutex mutex_;
    std::condition_variable happened_;
    std::map<const shards::Shard*, int> looks_;
};

// A shard that tells of a token too few at its looks `from` to `until`.
class MisreadShard final : public PassingShard {
public:
    MisreadShard(std::unique_ptr<shards::Shard> behind, Looks& looks, int from, int until)
        : PassingShard(std::move(behind)), looks_(looks), from_(from), until_(until) {}

    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        const int look = looks_.note(this);
        const bool is_wrong = look >= from_ && look <= until_;
        PassingShard::balances([is_wrong, done = std::move(done)](auto answer) {
            auto* told = std::get_if<shards::Balances>(&answer);
            if (told != nullptr && is_wrong) told->lines.front().held.v -= 1;
            done(std::move(answer));
        });
    }

private:
    Looks& looks_;
    int from_;
    int until_;
};

HouseOptions looked_at(Looks& looks, int wrong_from, int wrong_until) {
    HouseOptions options;
    options.between = [&looks, wrong_from, wrong_until](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<MisreadShard>(std::move(behind), looks, wrong_from, wrong_until);
    };
    return options;
}

// Goal: what is only on its way stops no lane: a difference is a break at the fifth look in a row.
TEST(Reconciler, ADifferenceAtFourLooksIsNoBreak) {
    Looks looks;
    Outside outside;
    House house(outside, looked_at(looks, 4, 7));
    ASSERT_TRUE(looks.await_more(12));
    EXPECT_TRUE(outside.watch.all<reconcile::BreakOpened>().empty());
}

TEST(Reconciler, ADifferenceThatStaysIsABreakAndFreezesTheLane) {
    Looks looks;
    Outside outside;
    House house(outside, looked_at(looks, 4, 1'000));
    ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>().has_value());
    const auto opened = outside.watch.all<reconcile::BreakOpened>();
    ASSERT_FALSE(opened.empty());
    EXPECT_EQ(opened.front().kind, reconcile::BreakKind::unexplained_outflow);
    EXPECT_EQ(opened.front().difference, Amount{-1});
}

// Goal: what could not be booked while the journal was down is not missing anywhere.
TEST(Reconciler, AnOutageOfTheJournalIsNoBreak) {
    Looks looks;
    Outside outside;
    House house(outside, looked_at(looks, 0, 0));
    const auto client = account_in(base::PartitionId{1});
    outside.deposit(uniswap, client, usdc, one_usdc);
    outside.store.set_trouble("the disk is full");
    ASSERT_TRUE(outside.world->deposit(uniswap, client, usdc, Amount{7 * one_usdc}).has_value());
    ASSERT_TRUE(looks.await_more(12));
    const auto from = outside.watch.mark();
    outside.store.set_trouble("");
    const auto is_final = [](const auto&, const netting::DepositRecorded& deposit) {
        return deposit.finality == ledger::Finality::final;
    };
    ASSERT_TRUE(outside.watch.await_event<netting::DepositRecorded>(is_final, from).has_value());
    ASSERT_TRUE(looks.await_more(8));
    EXPECT_TRUE(outside.watch.all<reconcile::BreakOpened>().empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
