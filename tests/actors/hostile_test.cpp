#include "tests/support/actors/house.hpp"
#include "tests/support/actors/passing_shard.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <utility>

// Shards that tell what cannot be: huge fills, gas, margin and balances, of others and of nothing.

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace hedge = ledger::hedge;
namespace netting = ledger::netting;
namespace reconcile = ledger::reconcile;

constexpr std::int64_t factor = 1'000'000'000;

void multiply(Amount& figure) {
    const auto product = base::multiply_divide(figure.v, factor, 1, base::Rounding::down);
    figure.v = product ? *product : figure.v < 0 ? int64_min : int64_max;
}

// Multiplies what it tells of fills and variations, for as long as it lies.
class HostileShard final : public PassingShard {
public:
    HostileShard(std::unique_ptr<shards::Shard> behind, const std::atomic<bool>& is_lying)
        : PassingShard(std::move(behind)), is_lying_(is_lying) {}

    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override {
        PassingShard::ask(ref, [this, done = std::move(done)](auto answer) {
            if (auto* notice = std::get_if<ledger::OrderNotice>(&answer)) spoil(*notice);
            done(std::move(answer));
        });
    }
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        PassingShard::balances([this, done = std::move(done)](auto answer) {
            auto* told = std::get_if<shards::Balances>(&answer);
            if (told != nullptr && is_lying_) {
                told->lines.front().held.v = int64_min;
                told->lines.push_back({.asset = base::AssetId{UINT16_MAX},
                                       .held = Amount{1},
                                       .posted = {},
                                       .position = {}});
            }
            done(std::move(answer));
        });
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([this, listener = std::move(listener)](ledger::ShardNotice notice) {
            if (auto* order = std::get_if<ledger::OrderNotice>(&notice)) spoil(*order);
            if (auto* variation = std::get_if<ledger::VariationNotice>(&notice)) {
                if (is_lying_) {
                    multiply(variation->change);
                    multiply(variation->change);
                    variation->closed.v = int64_min;
                    auto other = *variation;
                    other.instrument = base::InstrumentId{UINT16_MAX};
                    listener(other);
                }
            }
            listener(std::move(notice));
        });
    }

private:
    void spoil(ledger::OrderNotice& notice) const {
        if (!is_lying_) return;
        multiply(notice.given);
        multiply(notice.received);
        multiply(notice.filled);
        multiply(notice.gas);
    }

    const std::atomic<bool>& is_lying_;
};

// All shards of alpha lie while this is set; those of beta never do.
HouseOptions with_liars(const std::atomic<bool>& is_lying) {
    HouseOptions options;
    options.between =
        [&is_lying, made = 0](
            std::unique_ptr<shards::Shard> behind) mutable -> std::unique_ptr<shards::Shard> {
        if (++made > 3) return behind;
        return std::make_unique<HostileShard>(std::move(behind), is_lying);
    };
    return options;
}

auto is_of(base::BrokerId broker) {
    return [broker](const ledger::Entry& entry, const auto&) {
        return base::broker_of(entry.entity) == broker;
    };
}

auto is_lane(base::BrokerId broker, base::ShardId shard) {
    return [of = base::entity_of(base::EntityKind::reconcile, broker, shard)](
               const ledger::Entry& entry, const auto&) { return entry.entity == of; };
}

// So many looks at alpha's lane to Uniswap.
auto looks_at(int count) {
    return [of = is_lane(alpha, uniswap), left = count](const ledger::Entry& entry,
                                                        const auto& event) mutable {
        return of(entry, event) && --left == 0;
    };
}

// An operator has looked at every break of alpha that stops a lane.
void explain_all(Client& by) {
    const auto view = by.expect<actors::LanesView>(actors::Request{actors::GetBreaks{}});
    for (const auto& lane : view.lanes) {
        if (lane.broker != alpha) continue;
        for (const auto& open : lane.breaks) {
            // The others close by themselves, perhaps just now.
            if (open.kind != "incredible" && open.kind != "unexplained_outflow") continue;
            (void)by.expect<actors::BreakSettled>(actors::OperatorRequest{
                actors::ResolveBreak{.id = cancel_of(account_in(base::PartitionId{1}), 1).id,
                                     .of = open.id,
                                     .resolution = actors::Resolution::explained,
                                     .reason = "the adapter was mended",
                                     .received_at = {}}});
        }
    }
}

// Goal: nothing that a shard tells stops the process or a partition, or is booked where it cannot
// be. Its lane is stopped, and everybody else is served; once it tells what can be, and an operator
// has looked, what it did is booked as it was.
TEST(HostileShard, StopsNobodyButItself) {
    std::atomic<bool> is_lying{false};
    Outside outside;
    House house(outside, with_liars(is_lying));
    const auto alphas = account_in(base::PartitionId{1});
    const auto betas = account_in(base::PartitionId{2}, 0, beta);
    const auto client = house.client({alphas, betas});
    outside.deposit(uniswap, alphas, usdc, 500'000 * one_usdc);
    outside.deposit(uniswap, betas, usdc, 500'000 * one_usdc);
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_of(alpha)).has_value());
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_of(beta)).has_value());

    is_lying = true;
    const auto from = outside.watch.mark();
    (void)client->expect<actors::TradeCleared>(trade_of(alphas, eth_swap, 10 * one_eth));
    (void)client->expect<actors::TradeCleared>(trade_of(alphas, btc_perp, 10 * one_contract));
    for (const auto shard : {uniswap, perpetuals}) {
        ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>(is_lane(alpha, shard), from)
                        .has_value())
            << "shard " << shard.v;
    }
    (void)client->expect<actors::TradeCleared>(trade_of(alphas, eth_swap, one_eth));
    (void)client->expect<actors::TradeCleared>(trade_of(betas, eth_swap, 10 * one_eth));
    (void)client->expect<actors::TradeCleared>(trade_of(betas, btc_perp, 10 * one_contract));
    const auto both = [seen = std::set<base::AssetId>{}](const ledger::Entry& entry,
                                                         const hedge::SliceFilled& fill) mutable {
        if (base::broker_of(entry.entity) == beta) seen.insert(fill.base);
        return seen.size() == 2;
    };
    ASSERT_TRUE(outside.watch.await_event<hedge::SliceFilled>(both, from).has_value());
    for (const auto& entry : outside.watch.seen()) {
        const auto* filled = event_in<hedge::SliceFilled>(entry.entry);
        EXPECT_FALSE(filled != nullptr && base::broker_of(entry.entry.entity) == alpha);
    }
    const auto view = client->expect<actors::LanesView>(actors::Request{actors::GetBreaks{}});
    for (const auto& lane : view.lanes) {
        const bool is_liar = lane.broker == alpha && lane.shard != synthetix;
        EXPECT_TRUE(!is_liar || lane.is_frozen) << lane.shard.v;
        EXPECT_TRUE(lane.broker == alpha || !lane.is_frozen) << lane.shard.v;
        const bool is_told = std::any_of(lane.breaks.begin(), lane.breaks.end(),
                                         [](const auto& one) { return one.kind == "incredible"; });
        EXPECT_TRUE(!is_liar || is_told) << lane.shard.v;
    }
    EXPECT_EQ(house.partitions_running(), town::partitions);
    EXPECT_EQ(outside.audit(), std::nullopt);

    is_lying = false;
    // By then its orders wait in the lane again.
    const auto honest_from = outside.watch.mark();
    ASSERT_TRUE(
        outside.watch.await_event<reconcile::Reconciled>(looks_at(15), honest_from).has_value());
    explain_all(*client);
    const auto is_closed = [](const ledger::Entry& entry, const netting::HedgeClosed& closed) {
        return base::broker_of(entry.entity) == alpha && closed.filled > Amount{0};
    };
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>(is_closed, from).has_value());
    ASSERT_TRUE(outside.watch.await_event<netting::VenueVariation>(is_of(alpha), from).has_value());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: what was refused is asked for again by a new node, which finds the lane frozen.
TEST(HostileShard, IsStillDistrustedAfterARestart) {
    std::atomic<bool> is_lying{false};
    Outside outside;
    const auto alphas = account_in(base::PartitionId{1});
    std::size_t from = 0;
    {
        House house(outside, with_liars(is_lying));
        const auto client = house.client({alphas});
        outside.deposit(uniswap, alphas, usdc, 500'000 * one_usdc);
        from = outside.watch.mark();
        is_lying = true;
        (void)client->expect<actors::TradeCleared>(trade_of(alphas, eth_swap, 10 * one_eth));
        ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>(is_lane(alpha, uniswap), from)
                        .has_value());
    }
    is_lying = false;
    House house(outside, with_liars(is_lying));
    const auto client = house.client({alphas});
    const auto view = client->expect<actors::LanesView>(actors::Request{actors::GetBreaks{}});
    EXPECT_TRUE(std::any_of(view.lanes.begin(), view.lanes.end(), [](const auto& lane) {
        return lane.broker == alpha && lane.shard == uniswap && lane.is_frozen;
    }));
    ASSERT_TRUE(outside.watch.await([&] {
        const auto shards = house.node().context().shard_views.load();
        return std::any_of(shards.begin(), shards.end(), [](const auto& shard) {
            return shard.shard == uniswap && shard.is_frozen && !shard.is_paused;
        });
    }));
    explain_all(*client);
    ASSERT_TRUE(outside.watch.await_event<hedge::SliceFilled>(is_of(alpha), from).has_value());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
