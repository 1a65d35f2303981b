#include "ledger/account/balances.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/account/give_up.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace crossclear::ledger::account {
namespace {

using base::Amount;

base::Math<BalanceChange> bookable(const Holding& holding, const BalanceChange& change) {
    if (!is_bookable(holding, change)) return base::Failure{base::MathError::overflow};
    return change;
}

}  // namespace

const Holding& holding_of(const State& state, base::AssetId asset) {
    static const Holding empty;
    const auto found = state.holdings.find(asset);
    return found == state.holdings.end() ? empty : found->second;
}

Amount sellable(const Holding& holding) { return base::must_add(holding.free, holding.unsettled); }

Amount net_debt(const Holding& holding) {
    return base::must_subtract(holding.recv, std::min(holding.recv, holding.free));
}

Amount spare(const Holding& holding) {
    return base::must_subtract(sellable(holding), std::min(holding.recv, holding.free));
}

bool is_bookable(const Holding& holding, const BalanceChange& change) {
    const std::array<std::pair<Amount, Amount>, 4> balances{{{holding.seen, change.seen},
                                                             {holding.free, change.free},
                                                             {holding.unsettled, change.unsettled},
                                                             {holding.held, change.held}}};
    Amount total;
    for (const auto& [balance, delta] : balances) {
        const auto after = base::add(balance, delta);
        if (!after || *after < zero) return false;
        const auto sum = base::add(total, *after);
        if (!sum) return false;
        total = *sum;
    }
    const auto owed = base::add(holding.recv, change.recv);
    return owed && *owed >= zero;
}

base::Math<BalanceChange> debit(const Holding& holding, base::AssetId asset, Amount amount) {
    CHECK(amount >= zero, "a debit takes");
    const Amount unsettled = std::min(amount, holding.unsettled);
    const Amount free = std::min(base::must_subtract(amount, unsettled), holding.free);
    const Amount recv = base::must_subtract(base::must_subtract(amount, unsettled), free);
    return bookable(holding, BalanceChange{.asset = asset,
                                           .seen = {},
                                           .free = base::must_subtract(zero, free),
                                           .unsettled = base::must_subtract(zero, unsettled),
                                           .held = {},
                                           .recv = recv});
}

base::Math<BalanceChange> credit(const Holding& holding, base::AssetId asset, Amount amount) {
    CHECK(amount >= zero, "a credit gives");
    const Amount recv = std::min(amount, holding.recv);
    return bookable(holding, BalanceChange{.asset = asset,
                                           .seen = {},
                                           .free = {},
                                           .unsettled = base::must_subtract(amount, recv),
                                           .held = {},
                                           .recv = base::must_subtract(zero, recv)});
}

base::Math<BalanceChange> move(const Holding& holding, base::AssetId asset, Amount signed_amount) {
    if (signed_amount >= zero) return credit(holding, asset, signed_amount);
    const auto taken = base::negate(signed_amount);
    if (!taken) return base::Failure{taken.error()};
    return debit(holding, asset, *taken);
}

std::vector<ClaimsCovered::Part> oldest_parts(const std::deque<Claim>& claims, Amount amount) {
    std::vector<ClaimsCovered::Part> parts;
    Amount left = amount;
    for (const Claim& claim : claims) {
        if (left <= zero) break;
        const Amount part = std::min(left, claim.amount);
        parts.push_back({.trade = claim.trade, .amount = part, .is_last = part == claim.amount});
        left = base::must_subtract(left, part);
    }
    CHECK(left == zero, "only what is claimed is taken from claims");
    return parts;
}

std::vector<ClaimsCovered::Part> take_oldest(std::deque<Claim>& claims, Amount amount) {
    auto parts = oldest_parts(claims, amount);
    for (const auto& part : parts) {
        if (part.is_last) {
            claims.pop_front();
        } else {
            claims.front().amount = base::must_subtract(claims.front().amount, part.amount);
        }
    }
    return parts;
}

void append_claim(std::deque<Claim>& claims, const Claim& claim) {
    CHECK(claim.amount > zero, "a claim is for something");
    if (claim.trade == 0 && !claims.empty() && claims.back().trade == 0) {
        Claim& newest = claims.back();
        newest.amount = base::must_add(newest.amount, claim.amount);
        newest.settle_by = std::min(newest.settle_by, claim.settle_by);
        return;
    }
    claims.push_back(claim);
}

bool has_room_for_claim(const State& state, base::AssetId asset) {
    const auto claims = holding_of(state, asset).claims.size();
    return claims + places_kept(state, asset) + 1 < base::limits::claims_max;
}

bool has_room_for_reservation(const State& state, base::AssetId asset) {
    const auto claims = holding_of(state, asset).claims.size();
    return claims + places_kept(state, asset) + 2 < base::limits::claims_max;
}

base::Amount credit_of(const Deposit& deposit) {
    const auto share = [&]() -> base::Ppm {
        switch (deposit.finality) {
            case Finality::unseen:
            case Finality::seen:
            case Finality::final:
                return {};
            case Finality::included:
                return base::Ppm{500'000};
            case Finality::safe:
                return base::Ppm{900'000};
        }
        UNREACHABLE("an unlisted finality");
    }();
    const auto credit = base::portion(deposit.amount, share, base::Rounding::down);
    CHECK(credit.has_value(), "a share of an amount fits");
    return *credit;
}

void add_balances(Holding& holding, const BalanceChange& change) {
    CHECK(is_bookable(holding, change), "an event leaves no balance negative or out of range");
    holding.seen = base::must_add(holding.seen, change.seen);
    holding.free = base::must_add(holding.free, change.free);
    holding.unsettled = base::must_add(holding.unsettled, change.unsettled);
    holding.held = base::must_add(holding.held, change.held);
    holding.recv = base::must_add(holding.recv, change.recv);
}

}  // namespace crossclear::ledger::account
