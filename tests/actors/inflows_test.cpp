#include "tests/support/actors/house.hpp"
#include "tests/support/actors/passing_shard.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;
using ledger::Finality;
namespace netting = ledger::netting;
namespace reconcile = ledger::reconcile;

// What was asked of the shards, and whether their news gets through.
class Ear {
public:
    void note_rescan(std::uint64_t from) {
        const std::scoped_lock lock(mutex_);
        rescans_.push_back(from);
        happened_.notify_all();
    }
    // Waits for so many, and returns those.
    std::vector<std::uint64_t> await_rescans(std::size_t count) {
        std::unique_lock lock(mutex_);
        const auto are_here = [&] { return rescans_.size() >= count; };
        EXPECT_TRUE(happened_.wait_for(lock, Watch::patience, are_here));
        return {rescans_.begin(),
                rescans_.begin() + static_cast<std::ptrdiff_t>(std::min(count, rescans_.size()))};
    }
    void note_look() {
        const std::scoped_lock lock(mutex_);
        ++looks_;
        happened_.notify_all();
    }
    // Waits until all shards together were looked at so many times more.
    void await_looks(std::size_t more) {
        std::unique_lock lock(mutex_);
        const auto until = looks_ + more;
        EXPECT_TRUE(happened_.wait_for(lock, Watch::patience, [&] { return looks_ >= until; }));
    }
    void await_first_look() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(happened_.wait_for(lock, Watch::patience, [&] { return looks_ > 0; }));
    }
    [[nodiscard]] std::ptrdiff_t count_full_rescans() {
        const std::scoped_lock lock(mutex_);
        return std::count(rescans_.begin(), rescans_.end(), 0U);
    }
    // Waits until everything there ever was has been asked for so often.
    [[nodiscard]] bool await_full_rescans(std::ptrdiff_t count) {
        std::unique_lock lock(mutex_);
        return happened_.wait_for(lock, Watch::patience, [&] {
            return std::count(rescans_.begin(), rescans_.end(), 0U) >= count;
        });
    }
    std::atomic<bool> is_deaf{};

private:
    std::mutex mutex_;
    std::condition_variable happened_;
    std::vector<std::uint64_t> rescans_;
    std::size_t looks_{};
};

// A shard whose deposits are not heard of while the ear is deaf. It opens when everything is asked
// for, as reconcilers do in a young world; lanes ask for what is new.
class HeardShard final : public PassingShard {
public:
    HeardShard(std::unique_ptr<shards::Shard> behind, Ear& ear)
        : PassingShard(std::move(behind)), ear_(ear) {}

    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        ear_.note_look();
        PassingShard::balances(std::move(done));
    }
    void rescan(std::uint64_t from_block) override {
        // First: who has waited for this may make the ear deaf at once.
        if (from_block == 0) ear_.is_deaf = false;
        ear_.note_rescan(from_block);
        PassingShard::rescan(from_block);
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen(
            [&ear = ear_, listener = std::move(listener)](ledger::ShardNotice notice) {
                const bool is_deposit = std::holds_alternative<ledger::DepositNotice>(notice);
                if (!is_deposit || !ear.is_deaf) listener(std::move(notice));
            });
    }

private:
    Ear& ear_;
};

// A shard that forgets to tell one settlement of its venue, until it is asked for.
class ForgetfulShard final : public PassingShard {
public:
    ForgetfulShard(std::unique_ptr<shards::Shard> behind, Ear& ear)
        : PassingShard(std::move(behind)), ear_(ear) {}

    void rescan(std::uint64_t from_block) override {
        ear_.note_rescan(from_block);
        PassingShard::rescan(from_block);
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            const auto* variation = std::get_if<ledger::VariationNotice>(&notice);
            const bool is_second = variation != nullptr && variation->number == 2;
            if (is_second && !std::exchange(has_forgotten_, true)) return ear_.note_look();
            listener(std::move(notice));
        });
    }

private:
    Ear& ear_;
    bool has_forgotten_{};
};

// A shard that has told a second deposit beside each in a block, of which it knows nothing any
// more: its block was replaced, and it never came again.
class ChangedShard final : public PassingShard {
public:
    explicit ChangedShard(std::unique_ptr<shards::Shard> behind)
        : PassingShard(std::move(behind)) {}

    void rescan(std::uint64_t from_block) override {
        PassingShard::rescan(from_block);
        // Reconcilers ask for everything at their start, before there is any deposit, and lanes for
        // what is new: then it is the house that asks.
        const std::scoped_lock lock(mutex_);
        if (!final_ || from_block != 0) return;
        listener_(
            ledger::RescanNotice{.shard = final_->shard, .from_block = 0, .block = final_->block});
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        listener_ = listener;
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            const std::scoped_lock lock(mutex_);
            const auto* deposit = std::get_if<ledger::DepositNotice>(&notice);
            if (deposit != nullptr && deposit->finality == Finality::included) {
                auto gone = *deposit;
                gone.id += 1'000'000;
                listener(gone);
            }
            if (deposit != nullptr && deposit->finality == Finality::final) final_ = *deposit;
            listener(std::move(notice));
        });
    }

private:
    std::mutex mutex_;
    std::function<void(ledger::ShardNotice)> listener_;
    std::optional<ledger::DepositNotice> final_;
};

HouseOptions heard_by(Ear& ear) {
    HouseOptions options;
    options.between = [&ear](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<HeardShard>(std::move(behind), ear);
    };
    return options;
}

base::EntityId reconciler_of(base::BrokerId broker, base::ShardId shard) {
    return base::entity_of(base::EntityKind::reconcile, broker, shard);
}

// Goal: a start costs what is new, not what there ever was. Both sides agreed at block 5,000.
TEST(Inflows, AreHeardSinceBothSidesAgreed) {
    Ear ear;
    Outside outside;
    outside.write(
        base::home_of(alpha, partitions),
        {{reconciler_of(alpha, synthetix),
          reconcile::Event{reconcile::Reconciled{.block = 5'000, .breaks_open = 0, .at = {}}}}});
    House house(outside, heard_by(ear));
    // Two brokers on three shards; one of the six was compared before.
    const auto asked = ear.await_rescans(6);
    EXPECT_EQ(std::count(asked.begin(), asked.end(), 5'000U - 1'024U), 1);
    EXPECT_EQ(std::count(asked.begin(), asked.end(), 0U), 5);
}

// What an earlier node left: a break that was opened there, and both sides compared up to `until`.
std::vector<ledger::Entry> with_break(reconcile::BreakKind kind, std::uint64_t opened,
                                      base::Timestamp at, std::uint64_t until) {
    const auto id = reconciler_of(alpha, synthetix);
    std::vector<ledger::Entry> entries{
        {id, reconcile::Event{reconcile::BreakOpened{.asset = usdc,
                                                     .kind = kind,
                                                     .difference = base::Amount{-5},
                                                     .block = opened,
                                                     .at = at}}}};
    if (kind == reconcile::BreakKind::unexplained_outflow) {
        entries.push_back({id, reconcile::Event{reconcile::LaneFrozen{.asset = usdc, .at = at}}});
    }
    entries.push_back(
        {id, reconcile::Event{reconcile::Reconciled{.block = until, .breaks_open = 1, .at = at}}});
    return entries;
}

// Goal: what a break is about came before it was opened, however long ago that is.
TEST(Inflows, AreHeardSinceBeforeABreakThatIsOpen) {
    Ear ear;
    Outside outside;
    outside.write(base::home_of(alpha, partitions),
                  with_break(reconcile::BreakKind::timing, 3'000, {}, 5'000));
    House house(outside, heard_by(ear));
    const auto asked = ear.await_rescans(6);
    EXPECT_EQ(std::count(asked.begin(), asked.end(), 3'000U - 1'024U), 1);
}

// Goal: while a break stays open they are asked for again and again. This one has been open for
// almost ten seconds, and each ten seconds it is time.
TEST(Inflows, AreAskedForAgainWhileABreakStaysOpen) {
    Ear ear;
    Outside outside;
    outside.write(base::home_of(alpha, partitions),
                  with_break(reconcile::BreakKind::unexplained_outflow, 1,
                             base::wall_clock_now() - base::seconds(9), 1));
    House house(outside, heard_by(ear));
    // By each of the six at its start, and once more by the one. Lanes ask for what is new.
    EXPECT_TRUE(ear.await_full_rescans(7));
}

// Goal: what a venue did not tell is asked for since the last settlement that is booked, and not
// all there ever was.
TEST(Inflows, OfAVenueAreAskedForSinceTheLastOneThatIsBooked) {
    Ear ear;
    Outside outside;
    HouseOptions options{.venue_margin_usd = 20'000};
    options.between = [&ear](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<ForgetfulShard>(std::move(behind), ear);
    };
    House house(outside, options);
    EXPECT_TRUE(ear.await_full_rescans(6)) << "by each reconciler at its start";
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 500'000 * one_usdc);
    // Until then the house looks for the deposit, and in a young world that is everything.
    const auto is_final = [](const auto&, const netting::DepositRecorded& deposit) {
        return deposit.finality == Finality::final;
    };
    ASSERT_TRUE(outside.watch.await_event<netting::DepositRecorded>(is_final).has_value());
    const auto asked = ear.count_full_rescans();
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, 10 * one_contract));
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>().has_value());
    const auto is_number = [](std::uint64_t number) {
        return [number](const ledger::Entry& entry, const netting::VenueVariation& variation) {
            return base::broker_of(entry.entity) == alpha && variation.number == number;
        };
    };
    for (std::uint64_t number = 1; number <= 3; ++number) {
        house.set_price(btc_contract, 30'000 + static_cast<std::int64_t>(number) * 100);
        // The second is told only because the third finds that it is missing.
        if (number == 2) {
            ear.await_first_look();
            continue;
        }
        ASSERT_TRUE(
            outside.watch.await_event<netting::VenueVariation>(is_number(number)).has_value());
    }
    EXPECT_EQ(ear.count_full_rescans(), asked);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: an inflow that was never told is found by the comparison, and heard without a restart.
TEST(Inflows, AreAskedForWhileABreakIsOpen) {
    Ear ear;
    Outside outside;
    House house(outside, heard_by(ear));
    ear.await_rescans(6);
    ear.is_deaf = true;
    const auto client = account_in(base::PartitionId{1});
    ASSERT_TRUE(
        outside.world->deposit(uniswap, client, usdc, base::Amount{7 * one_usdc}).has_value());
    ASSERT_TRUE(outside.watch.await_event<reconcile::BreakOpened>().has_value());
    const auto is_final = [](const auto&, const netting::DepositRecorded& deposit) {
        return deposit.finality == Finality::final;
    };
    EXPECT_TRUE(outside.watch.await_event<netting::DepositRecorded>(is_final).has_value());
    EXPECT_TRUE(outside.watch.await_event<reconcile::BreakClosed>().has_value());
}

// Goal: what counts for something and will never be told again is looked for, and taken back.
TEST(Inflows, ThatAreGoneWhileNobodyListenedAreTakenBack) {
    Outside outside;
    HouseOptions options;
    options.between = [](std::unique_ptr<shards::Shard> behind) {
        return std::make_unique<ChangedShard>(std::move(behind));
    };
    House house(outside, options);
    const auto client = account_in(base::PartitionId{1});
    outside.deposit(uniswap, client, usdc, 7 * one_usdc);
    const auto gone = outside.watch.await_event<netting::DepositRecorded>(
        [](const auto&, const netting::DepositRecorded& deposit) {
            return deposit.finality == Finality::unseen;
        });
    ASSERT_TRUE(gone.has_value());
    EXPECT_GT(gone->deposit, 1'000'000U);
    EXPECT_EQ(gone->amount, base::Amount{7 * one_usdc});
    // The account has let go of it as well, and keeps the one that is there.
    const auto is_let_go = [&](const auto&, const netting::DepositAcknowledged& booked) {
        return booked.deposit == gone->deposit && booked.finality == Finality::unseen;
    };
    EXPECT_TRUE(outside.watch.await_event<netting::DepositAcknowledged>(is_let_go).has_value());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Lets an owner wait for the promise of a newer epoch, between two records.
void stop_renewal(Outside& outside, base::PartitionId partition) {
    const std::string any = "The journal declines";
    const auto lines_of = [&](std::string_view what) {
        return outside.watch.lines_with(fmt::format("{}{} partition={}", any, what, partition.v));
    };
    for (;;) {
        const auto appends = lines_of(" to append.");
        outside.store.set_trouble("the others are away");
        outside.journal.want_new_epoch(partition);
        while (lines_of(" to append.") == appends) {
            const auto told = outside.watch.lines_with(any);
            if (lines_of(".") > 0) return;
            if (lines_of(" to append.") > appends) break;
            ASSERT_TRUE(outside.watch.await_line(any, told + 1));
        }
        // A record was under way: that is another case. Once it is through, once more.
        const auto epoch = outside.replayed(partition).epoch;
        outside.store.set_trouble("");
        const auto has_renewed = [&] { return outside.replayed(partition).epoch > epoch; };
        ASSERT_TRUE(outside.watch.await(has_renewed));
    }
}

// Goal: what the shard has and the books have not, because an owner waits for its newer epoch and
// its receipts with it, is no difference: a lane must not be frozen over it.
TEST(Inflows, ThatWaitForANewerEpochAreNoBreak) {
    Ear ear;
    Outside outside;
    House house(outside, heard_by(ear));
    ear.await_rescans(6);
    const auto home = base::home_of(alpha, partitions);
    ASSERT_NO_FATAL_FAILURE(stop_renewal(outside, home));
    const auto client = account_in(base::PartitionId{1});
    const auto heard = outside.watch.seen().size();
    ASSERT_TRUE(
        outside.world->deposit(uniswap, client, usdc, base::Amount{7 * one_usdc}).has_value());
    // Six reconcilers; each believes a difference that it has seen five times in a row.
    ear.await_looks(std::size_t{6} * 12);
    outside.store.set_trouble("");
    const auto is_final = [](const auto&, const netting::DepositRecorded& deposit) {
        return deposit.finality == Finality::final;
    };
    ASSERT_TRUE(outside.watch.await_event<netting::DepositRecorded>(is_final, heard).has_value());
    const auto compared = outside.watch.seen().size();
    ASSERT_TRUE(outside.watch.await_event<reconcile::Reconciled>(compared).has_value());
    EXPECT_TRUE(outside.watch.all<reconcile::BreakOpened>().empty());
}

}  // namespace
}  // namespace crossclear::tests
