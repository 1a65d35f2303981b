#include "tests/support/actors/house.hpp"
#include "tests/support/actors/passing_shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>

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

// Of a shard that no order is sent to: margin posted at the venue would explain a little for a
// while.
TEST(Reconciler, ADifferenceThatStaysIsABreakAndFreezesTheLane) {
    Looks looks;
    Outside outside;
    House house(outside, looked_at(looks, 4, 1'000));
    const auto lane = base::entity_of(base::EntityKind::reconcile, alpha, uniswap);
    const auto is_frozen = [lane](const ledger::Entry& entry, const reconcile::LaneFrozen&) {
        return entry.entity == lane;
    };
    ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>(is_frozen).has_value());
    const auto is_opened = [lane](const ledger::Entry& entry, const reconcile::BreakOpened&) {
        return entry.entity == lane;
    };
    const auto opened = outside.watch.await_event<reconcile::BreakOpened>(is_opened);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->kind, reconcile::BreakKind::unexplained_outflow);
    EXPECT_EQ(opened->difference, Amount{-1});
}

// A shard that tells of a little gas less while a payment out is under way, whose last word it
// keeps to itself until it has been looked at so often that everybody believes it.
class SlowToPay final : public PassingShard {
public:
    static constexpr int looks_until_paid = 8;

    explicit SlowToPay(std::unique_ptr<shards::Shard> behind, std::atomic<std::uint64_t>& paid_at)
        : PassingShard(std::move(behind)), paid_at_(paid_at) {}

    void submit(const ledger::ShardOrder& order,
                std::function<void(shards::SubmitAnswer)> done) override {
        if (order.kind == ledger::OrderKind::pay_out) {
            const std::scoped_lock lock(mutex_);
            is_paying_ = true;
        }
        PassingShard::submit(order, std::move(done));
    }
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        PassingShard::balances([this, done = std::move(done)](auto answer) {
            auto* told = std::get_if<shards::Balances>(&answer);
            auto last_words = told != nullptr ? look_at(*told) : nullptr;
            done(std::move(answer));
            if (last_words) last_words();
        });
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            const auto* order = std::get_if<ledger::OrderNotice>(&notice);
            const bool is_last = order != nullptr && order->finality == ledger::Finality::final;
            {
                const std::scoped_lock lock(mutex_);
                if (is_paying_ && is_last) {
                    last_words_ = [listener, notice = std::move(notice)] { listener(notice); };
                    return;
                }
            }
            listener(std::move(notice));
        });
    }

private:
    // What to tell after this look, if it was the last wrong one.
    std::function<void()> look_at(shards::Balances& told) {
        const std::scoped_lock lock(mutex_);
        for (auto& line : told.lines) {
            if (line.asset != eth) continue;
            if (!is_paying_) eth_before_ = line.held;
            if (is_paying_) line.held.v = eth_before_.v - 1;
        }
        if (!is_paying_) return nullptr;
        if (told.block > looked_at_) ++looks_;
        looked_at_ = told.block;
        if (looks_ < looks_until_paid || !last_words_) return nullptr;
        is_paying_ = false;
        paid_at_ = told.block;
        return std::exchange(last_words_, nullptr);
    }

    std::atomic<std::uint64_t>& paid_at_;
    std::mutex mutex_;
    bool is_paying_{};
    Amount eth_before_;
    int looks_{};
    std::uint64_t looked_at_{};
    std::function<void()> last_words_;
};

// Goal: an order that has just ended is in doubt no longer, and its receipt may not be booked yet.
// A difference that lasted while it was under way, and some looks longer, freezes nothing.
TEST(Reconciler, TheEndOfTheLastOrderFreezesNoLane) {
    std::atomic<std::uint64_t> paid_at{};
    Outside outside;
    HouseOptions options;
    options.between = [&](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<SlowToPay>(std::move(behind), paid_at);
    };
    House house(outside, options);
    const auto client = account_in(base::PartitionId{1});
    outside.deposit(uniswap, client, usdc, 1'000 * one_usdc);
    (void)house.client({client})->expect<actors::WithdrawalTaken>(
        withdrawal_of(client, usdc, 400 * one_usdc, uniswap));
    ASSERT_TRUE(outside.watch.await_event<ledger::account::WithdrawalPaid>().has_value());

    const auto lane = base::entity_of(base::EntityKind::reconcile, alpha, uniswap);
    const auto is_later = [&](const ledger::Entry& entry, const reconcile::Reconciled& both) {
        return entry.entity == lane && both.block > paid_at;
    };
    ASSERT_TRUE(outside.watch.await_event<reconcile::Reconciled>(is_later).has_value());
    const auto opened = outside.watch.all<reconcile::BreakOpened>();
    ASSERT_FALSE(opened.empty()) << "nobody believed the difference";
    EXPECT_EQ(opened.front().kind, reconcile::BreakKind::timing);
    EXPECT_TRUE(outside.watch.all<reconcile::LaneFrozen>().empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// A shard that keeps every last word of a payment out to itself until it is told to go on, and that
// changes what it says of its balances meanwhile.
class Mute final : public PassingShard {
public:
    struct Knobs {
        std::atomic<std::int64_t> usdc_aside{};  ///< So much less is there than there is.
        std::atomic<bool> is_late{};             ///< Blocks say that they are a day younger.
        std::atomic<bool> is_mute{true};
    };
    Mute(std::unique_ptr<shards::Shard> behind, Knobs& knobs)
        : PassingShard(std::move(behind)), knobs_(knobs) {}

    void submit(const ledger::ShardOrder& order,
                std::function<void(shards::SubmitAnswer)> done) override {
        if (order.kind == ledger::OrderKind::pay_out) is_paying_ = true;
        PassingShard::submit(order, std::move(done));
    }
    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override {
        if (keeps_silent()) return done(shards::NoAnswer{});
        PassingShard::ask(ref, std::move(done));
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            const auto* order = std::get_if<ledger::OrderNotice>(&notice);
            const bool is_last = order != nullptr && order->finality == ledger::Finality::final;
            if (!is_last || !keeps_silent()) listener(std::move(notice));
        });
    }
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        PassingShard::balances([this, done = std::move(done)](auto answer) {
            if (auto* told = std::get_if<shards::Balances>(&answer)) {
                if (is_paying_) told->lines.front().held.v -= knobs_.usdc_aside;
                if (knobs_.is_late) told->at = told->at + base::seconds(86'400);
            }
            done(std::move(answer));
        });
    }

private:
    [[nodiscard]] bool keeps_silent() const { return is_paying_ && knobs_.is_mute; }

    Knobs& knobs_;
    std::atomic<bool> is_paying_{};
};

HouseOptions muted(Mute::Knobs& knobs) {
    HouseOptions options;
    options.between = [&knobs](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<Mute>(std::move(behind), knobs);
    };
    return options;
}

// Asks for 400 dollars, whose payment nobody hears the end of.
void withdraw_in_silence(House& house, Outside& outside) {
    const auto client = account_in(base::PartitionId{1});
    outside.deposit(uniswap, client, usdc, 1'000 * one_usdc);
    (void)house.client({client})->expect<actors::WithdrawalTaken>(
        withdrawal_of(client, usdc, 400 * one_usdc, uniswap));
}

bool is_of_dollars(const ledger::Entry& entry, const reconcile::BreakOpened& opened) {
    return entry.entity == base::entity_of(base::EntityKind::reconcile, alpha, uniswap) &&
           opened.asset == usdc;
}

// Goal: a lane that always has an order under way hides no theft: no order takes more than it was
// sent with.
TEST(Reconciler, MoreIsGoneThanOrdersUnderWayCanTake) {
    Mute::Knobs knobs;
    knobs.usdc_aside = 400 * one_usdc + 1;
    Outside outside;
    House house(outside, muted(knobs));
    withdraw_in_silence(house, outside);
    const auto opened = outside.watch.await_event<reconcile::BreakOpened>(is_of_dollars);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->kind, reconcile::BreakKind::unexplained_outflow);
    EXPECT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>().has_value());
}

// Goal: what an order was sent for is gone, and it is too late for any other order to have taken
// it: the receipt is missing, which freezes nothing and ends with the receipt.
TEST(Reconciler, AReceiptThatNeverCameIsMissing) {
    Mute::Knobs knobs;
    knobs.is_late = true;
    Outside outside;
    House house(outside, muted(knobs));
    withdraw_in_silence(house, outside);
    const auto opened = outside.watch.await_event<reconcile::BreakOpened>(is_of_dollars);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->kind, reconcile::BreakKind::missing_receipt);
    EXPECT_EQ(opened->difference, Amount{-(400 * one_usdc)});
    knobs.is_mute = false;
    ASSERT_TRUE(outside.watch.await_event<reconcile::BreakClosed>().has_value());
    ASSERT_TRUE(outside.watch.await_event<ledger::account::WithdrawalPaid>().has_value());
    EXPECT_TRUE(outside.watch.all<reconcile::LaneFrozen>().empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: what was sent before a restart may have taken effect, also while its turn to be sent again
// has not come: that tokens are gone says nothing of the shard.
TEST(Reconciler, WhatWasSentBeforeARestartExplainsWhatIsGone) {
    constexpr int payments = 16;
    Mute::Knobs knobs;
    Outside outside;
    {
        House house(outside, muted(knobs));
        const auto client = account_in(base::PartitionId{1});
        outside.deposit(uniswap, client, usdc, 1'000 * one_usdc);
        const auto session = house.client({client});
        for (int i = 0; i < payments; ++i) {
            (void)session->expect<actors::WithdrawalTaken>(
                withdrawal_of(client, usdc, 10 * one_usdc, uniswap));
        }
        const auto is_all = [](const auto& told) {
            return told.asset == usdc && told.difference == Amount{-(payments * 10 * one_usdc)};
        };
        ASSERT_TRUE(outside.watch.await([&] {
            return std::ranges::any_of(outside.watch.all<reconcile::BreakOpened>(), is_all) ||
                   std::ranges::any_of(outside.watch.all<reconcile::BreakChanged>(), is_all);
        }));
    }
    HouseOptions options;
    options.caps.emplace().shards[uniswap].orders_per_second = 4;
    House house(outside, options);
    ASSERT_TRUE(outside.watch.await_event<reconcile::BreakClosed>().has_value());
    ASSERT_TRUE(outside.watch.await(
        [&] { return outside.watch.all<ledger::account::WithdrawalPaid>().size() == payments; }));
    EXPECT_TRUE(outside.watch.all<reconcile::LaneFrozen>().empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// What could not be booked while the journal was down is not missing anywhere, whatever the clock
// says meanwhile.
void expect_no_break_in_outage(base::Duration set_back) {
    Looks looks;
    Outside outside;
    std::atomic<std::int64_t> behind_us{};
    auto options = looked_at(looks, 0, 0);
    options.now = [&behind_us] {
        return base::wall_clock_now() - base::Duration{behind_us.load()};
    };
    House house(outside, options);
    const auto client = account_in(base::PartitionId{1});
    outside.deposit(uniswap, client, usdc, one_usdc);
    outside.store.set_trouble("the disk is full");
    ASSERT_TRUE(outside.world->deposit(uniswap, client, usdc, Amount{7 * one_usdc}).has_value());
    // The homes of both brokers have a record under way: reconcilers write of every look.
    for (const auto* home : {"0", "1"}) {
        ASSERT_TRUE(outside.watch.await_line(
            std::string{"The journal declines to append. partition="} + home));
    }
    behind_us = set_back.us;
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

TEST(Reconciler, AnOutageOfTheJournalIsNoBreak) { expect_no_break_in_outage({}); }

// Goal: how long a record has been under way is not known to a clock that was set back.
TEST(Reconciler, AnOutageInWhichTheClockIsSetBackIsNoBreak) {
    expect_no_break_in_outage(base::seconds(3'600));
}

}  // namespace
}  // namespace crossclear::tests
