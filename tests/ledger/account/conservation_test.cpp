#include "base/rng.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <variant>

namespace crossclear::tests {
namespace {

using namespace ledger::account;

using PerAsset = std::map<base::AssetId, std::int64_t>;

/// What the broker owes the client on balance, by asset.
PerAsset owed_to_client(const State& state) {
    PerAsset owed;
    for (const auto& [asset, holding] : state.holdings) {
        owed[asset] =
            holding.seen.v + holding.free.v + holding.unsettled.v + holding.held.v - holding.recv.v;
    }
    return owed;
}

/// What an event says comes in from or goes out to others: told from its own figures, not from the
/// changes of balances that it carries.
struct Exchanged {
    PerAsset& sum;

    void operator()(const TradeNovated& novated) const {
        sum[novated.settlement] -= novated.fee.v;
        if (novated.is_contract) return;
        sum[novated.settlement] += novated.cash.v;
        sum[novated.base] += novated.quantity.v;
    }
    void operator()(const CommandRefused&) const {}
    void operator()(const WithdrawalHeld&) const {}
    void operator()(const WithdrawalReturned&) const {}
    void operator()(const CancelRequested&) const {}
    void operator()(const CancelRefused&) const {}
    void operator()(const WithdrawalPaid& paid) const { sum[paid.asset] -= paid.amount.v; }
    void operator()(const DepositNoted& noted) const {
        if (noted.change.seen.v > 0) sum[noted.asset] += noted.amount.v;
        if (noted.finality == ledger::Finality::unseen) sum[noted.asset] -= noted.amount.v;
    }
    void operator()(const TransferSent& sent) const { sum[sent.asset] -= sent.amount.v; }
    void operator()(const TransferReceived& received) const {
        sum[received.asset] += received.amount.v;
    }
    void operator()(const TransferReturned& back) const { sum[back.asset] += back.amount.v; }
    void operator()(const TransferDeclined&) const {}
    void operator()(const TransferDelivered&) const {}
    void operator()(const MatchReserved&) const {}
    void operator()(const MatchAborted&) const {}
    void operator()(const MatchEnded&) const {}
    void operator()(const MatchAccepted&) const {}
    void operator()(const MatchDeclined&) const {}
    void operator()(const MatchReleased&) const {}
    void operator()(const StandingChanged&) const {}
    void operator()(const LossAllocated& lost) const { sum[lost.asset] += lost.loss.v; }
    void operator()(const ClaimsCovered&) const {}
    void operator()(const ClaimsCashSettled& settled) const {
        sum[settled.asset] -= settled.amount.v;
        sum[settled.settlement] += settled.cash.v;
    }
    void operator()(const CollateralTaken& taken) const {
        sum[taken.asset] -= taken.amount.v;
        sum[taken.owed] += taken.cash.v;
    }
    void operator()(const VariationSettled& settled) const {
        sum[settled.settlement] += settled.change.v;
    }
    void operator()(const FundingSettled& settled) const {
        sum[settled.settlement] += settled.change.v;
    }
    void operator()(const ContractExpired& expired) const {
        sum[expired.settlement] += expired.change.v;
    }
};

void drop_zeros(PerAsset& sums) {
    std::erase_if(sums, [](const auto& entry) { return entry.second == 0; });
}

// Goal: no event creates or loses a minor unit: what balances gain is what the event says was
// exchanged, asset by asset.
RC_GTEST_PROP(AccountConservation, BalancesChangeByWhatAnEventSaysWasExchanged, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    State state = an_account().with_free(world::usdc, 5'000).with_free(world::eth, 500);
    for (int step = 0; step < 200; ++step) {
        const auto decision = decide(state, random_account_command(rng, state));
        if (!decision) continue;
        for (const Event& event : *decision) {
            PerAsset expected = owed_to_client(state);
            std::visit(Exchanged{expected}, event);
            ledger::account::apply(state, event);
            PerAsset actual = owed_to_client(state);
            drop_zeros(expected);
            drop_zeros(actual);
            RC_ASSERT(actual == expected);
        }
    }
}

/// What a contract's trades cost and its settlements paid.
struct Booked {
    std::int64_t bought{};
    std::int64_t paid_out{};

    void operator()(const TradeNovated& novated) {
        if (novated.is_contract) bought -= novated.cash.v;
    }
    void operator()(const VariationSettled& settled) { paid_out += settled.change.v; }
    void operator()(const ContractExpired&) { bought = paid_out = 0; }
    template <class Other>
    void operator()(const Other&) {}
};

// Goal: a position's settled value is what it cost and what was paid on it since, to the unit.
RC_GTEST_PROP(AccountConservation, AContractsValueIsItsCostAndWhatWasPaidOnIt, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    State state = an_account();
    Booked booked;
    for (int step = 0; step < 200; ++step) {
        for (const Event& event : run(state, random_account_command(rng, state))) {
            std::visit(booked, event);
        }
        const auto found = state.contracts.find(world::eth_perp);
        const std::int64_t settled =
            found == state.contracts.end() ? 0 : found->second.settled_value.v;
        RC_ASSERT(settled == booked.bought + booked.paid_out);
    }
}

// Goal: a position has paid how far the index has moved since the first one it heard, for each
// contract as long as it was held: within a unit for each time it was another quantity.
RC_GTEST_PROP(AccountConservation, FundingIsWhatWasHeldTimesHowFarTheIndexMoved, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    State state = an_account().with_free(world::usdc, 5'000);
    for (int step = 0; step < 200; ++step) {
        const auto found = state.contracts.find(world::eth_perp);
        const auto before = found == state.contracts.end() ? Contract{} : found->second;
        for (const Event& event : run(state, random_account_command(rng, state))) {
            const auto* settled = std::get_if<FundingSettled>(&event);
            if (settled == nullptr) continue;
            RC_ASSERT(before.quantity != base::Amount{0});
            if (!before.funding) {
                RC_ASSERT(settled->change == base::Amount{0});
                continue;
            }
            const double moved = static_cast<double>(settled->index.v - before.funding->v) * 1e-9;
            const double due = -static_cast<double>(before.quantity.v) * moved;
            RC_ASSERT(std::abs(static_cast<double>(settled->change.v) - due) < 1.001);
        }
    }
}

// Goal: the histories that the laws are tried on come by what is rare.
TEST(RandomHistories, TakeCollateralAndBearLosses) {
    std::map<std::size_t, int> seen;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        base::Rng rng(seed);
        State state = an_account().with_free(world::usdc, 5'000).with_free(world::eth, 500);
        for (int step = 0; step < 400; ++step) {
            for (const auto& event : run(state, random_account_command(rng, state))) {
                ++seen[event.index()];
            }
        }
    }
    const Event rare[] = {CollateralTaken{}, LossAllocated{}, ContractExpired{}};
    for (const auto& event : rare) EXPECT_GT(seen[event.index()], 3) << event.index();
}

}  // namespace
}  // namespace crossclear::tests
