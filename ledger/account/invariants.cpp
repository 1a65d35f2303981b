#include "base/limits.hpp"
#include "base/wide.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"
#include "ledger/account/machine.hpp"
#include "ledger/account/room.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using Breach = std::optional<std::string>;
namespace limits = base::limits;

Breach claim_breach(const State& state, base::AssetId asset, const Claim& claim) {
    if (claim.amount <= zero) return fmt::format("asset {} has an empty claim", asset.v);
    if (claim.trade == 0) return std::nullopt;
    const auto trade = state.trades.find(claim.trade);
    if (trade == state.trades.end()) {
        return fmt::format("a claim names trade {}, which is not remembered", claim.trade);
    }
    if (trade->second.claimed_asset != asset || trade->second.open != claim.amount) {
        return fmt::format("trade {} and its claim differ", claim.trade);
    }
    return std::nullopt;
}

Breach holding_breach(const State& state, base::AssetId asset, const Holding& holding) {
    if (!is_bookable(holding, {})) {
        return fmt::format("a balance of asset {} is negative or out of range", asset.v);
    }
    if (holding.recv > zero && holding.unsettled > zero) {
        return fmt::format("asset {} is owed to the client and by it at once", asset.v);
    }
    if (holding.claims.size() + places_kept(state, asset) > limits::claims_max) {
        return fmt::format("asset {} has too many claims", asset.v);
    }
    Amount claimed;
    for (const Claim& claim : holding.claims) {
        if (auto breach = claim_breach(state, asset, claim)) return breach;
        const auto sum = base::add(claimed, claim.amount);
        if (!sum) return fmt::format("the claims of asset {} overflow", asset.v);
        claimed = *sum;
    }
    if (claimed != holding.unsettled) {
        return fmt::format("UNSETTLED of asset {} is {} and its claims are {}", asset.v,
                           holding.unsettled.v, claimed.v);
    }
    return std::nullopt;
}

/// Per asset, what open reservations set aside.
std::map<base::AssetId, Amount> reserved_of(const State& state) {
    std::map<base::AssetId, Amount> held;
    for (const Reservation* reservation : open_reservations(state)) {
        for (const auto& change : set_aside(*reservation)) {
            Amount& sum = held[change.asset];
            const auto next = base::add(sum, change.held);
            sum = next ? *next : Amount{-1};  // What overflows is no balance.
        }
    }
    return held;
}

/// Per asset, HELD is what open withdrawals and reservations set aside.
Breach withdrawals_breach(const State& state) {
    if (state.withdrawals.size() > limits::withdrawals_open_max) return "too many withdrawals";
    auto held = reserved_of(state);
    for (const auto& [number, withdrawal] : state.withdrawals) {
        if (number == 0 || number > state.withdrawals_count || withdrawal.amount <= zero) {
            return fmt::format("withdrawal {} was never counted or is empty", number);
        }
        if (withdrawal.cancels.size() > limits::cancels_undecided_max) {
            return fmt::format("withdrawal {} is asked back too often", number);
        }
        Amount& sum = held[withdrawal.asset];
        const auto next = base::add(sum, withdrawal.amount);
        if (!next) return fmt::format("the withdrawals of asset {} overflow", withdrawal.asset.v);
        sum = *next;
    }
    for (const auto& [asset, holding] : state.holdings) held[asset];  // Those without any as well.
    for (const auto& [asset, sum] : held) {
        if (holding_of(state, asset).held != sum) {
            return fmt::format("HELD of asset {} is {}, and {} is set aside", asset.v,
                               holding_of(state, asset).held.v, sum.v);
        }
    }
    return std::nullopt;
}

bool is_seen(Finality finality) {
    return finality != Finality::unseen && finality != Finality::final;
}

/// Per asset, SEEN is what deposits on their way add up to.
Breach deposits_breach(const State& state) {
    std::map<base::AssetId, base::Wide> seen;
    for (const auto& [asset, holding] : state.holdings) seen[asset] -= holding.seen.v;
    for (const auto& [key, deposit] : state.deposits) {
        if (is_seen(deposit.finality)) seen[deposit.asset] += deposit.amount.v;
    }
    for (const auto& [asset, rest] : seen) {
        if (rest != 0) return fmt::format("SEEN of asset {} is not its deposits'", asset.v);
    }
    return std::nullopt;
}

Breach trades_breach(const State& state) {
    std::size_t claims = 0;
    std::size_t claims_of_trades = 0;
    for (const auto& [asset, holding] : state.holdings) {
        claims += holding.claims.size();
        for (const Claim& claim : holding.claims) claims_of_trades += claim.trade == 0 ? 0 : 1;
    }
    std::size_t open = 0;
    for (const auto& [number, trade] : state.trades) {
        const bool is_ended =
            trade.state == TradeState::settled || trade.state == TradeState::cash_settled;
        if (number == 0 || number > state.trades_count) {
            return fmt::format("trade {} was never counted", number);
        }
        if (trade.open < zero || trade.open > trade.claimed || is_ended != (trade.open == zero)) {
            return fmt::format("trade {} is open by {} of {}", number, trade.open.v,
                               trade.claimed.v);
        }
        open += is_ended ? 0 : 1;
    }
    if (open != claims_of_trades) return "an open trade has no claim, or two";
    if (state.trades.size() > limits::trades_remembered_max + claims) {
        return "too many trades are remembered";
    }
    return std::nullopt;
}

Breach transfers_breach(const State& state) {
    std::size_t pending = 0;
    for (const auto& [number, transfer] : state.transfers) {
        const bool is_known = number > 0 && number <= state.transfers_count;
        if (!is_known || transfer.amount <= zero || transfer.to == state.id) {
            return fmt::format("transfer {} was never counted, is empty or goes nowhere", number);
        }
        const bool is_returned = transfer.state == TransferState::returned;
        if (is_returned != (transfer.reason != Reject::none)) {
            return fmt::format("transfer {} came back for no reason", number);
        }
        pending += transfer.state == TransferState::pending ? 1 : 0;
    }
    if (pending > limits::transfers_open_max) return "too many transfers are on their way";
    if (state.transfers.size() - pending > limits::transfers_remembered_max) {
        return "too many transfers are remembered";
    }
    if (state.arrivals.size() > limits::senders_max) return "too many senders are remembered";
    return std::nullopt;
}

Breach matches_breach(const State& state) {
    for (const auto& [number, match] : state.matches) {
        const bool is_known = number > 0 && number <= state.matches_count;
        if (!is_known || match.seller == state.id || match.reserved.quantity <= zero) {
            return fmt::format("match {} was never counted, or buys nothing from anybody", number);
        }
        if ((match.state == MatchState::committed) != (match.trade != 0)) {
            return fmt::format("match {} has a trade without being cleared, or none", number);
        }
    }
    if (state.matches.size() > limits::matches_open_max) return "too many matched trades are open";
    for (const auto& [buyer, sale] : state.sales) {
        const auto end = state.sale_ends.find(buyer);
        const std::uint64_t ended = end == state.sale_ends.end() ? 0 : end->second.number;
        if (sale.number <= ended || sale.reserved.quantity >= zero || buyer == state.id) {
            return fmt::format("what is reserved for match {} is over or no sale", sale.number);
        }
    }
    for (const auto& [buyer, end] : state.sale_ends) {
        if (end.trade != 0 && end.reject != Reject::none) {
            return fmt::format("match {} was declined and cleared", end.number);
        }
    }
    return std::nullopt;
}

}  // namespace

Breach check_invariants(const State& state) {
    for (const auto& [asset, holding] : state.holdings) {
        if (auto breach = holding_breach(state, asset, holding)) return breach;
    }
    if (auto breach = withdrawals_breach(state)) return breach;
    if (auto breach = deposits_breach(state)) return breach;
    if (auto breach = trades_breach(state)) return breach;
    if (auto breach = transfers_breach(state)) return breach;
    if (auto breach = matches_breach(state)) return breach;
    if (auto breach = room_breach(state)) return breach;
    for (const auto& [asset, contract] : state.contracts) {
        if (contract == Contract{}) return fmt::format("contract {} is empty", asset.v);
    }
    if (state.answered.size() > limits::answered_max) return "too many answers are remembered";
    if (!state.answered.empty() && state.answered.begin()->first <= state.floor) {
        return "an answer is remembered below the floor";
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::account
