#include "ledger/book.hpp"

#include "base/check.hpp"
#include "base/saturated.hpp"
#include "ledger/postings.hpp"
#include "ledger/running_total.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::AssetId;
using base::BrokerId;
using base::ShardId;
using base::Wide;

bool is_per_shard(Chart account) {
    switch (account) {
        case Chart::nostro:
        case Chart::posted:
        case Chart::inflight_hedge:
        case Chart::inflight_out:
        case Chart::suspense:
        case Chart::vpos:
            return true;
        case Chart::inflight_in:
        case Chart::recv:
        case Chart::free:
        case Chart::unsettled:
        case Chart::seen:
        case Chart::held:
        case Chart::fund:
        case Chart::capital:
        case Chart::insurance:
        case Chart::fee_income:
        case Chart::hedge_pnl:
        case Chart::gas:
        case Chart::loss:
        case Chart::conv:
        case Chart::vm:
        case Chart::transit:
        case Chart::cpos:
        case Chart::hbook:
        case Chart::venue:
            return false;
    }
    UNREACHABLE("an unlisted account of the chart");
}

Amount narrow(Wide value) {
    CHECK(value <= INT64_MAX && value >= INT64_MIN, "a quota's figures fit 64 bits");
    return Amount{static_cast<std::int64_t>(value)};
}

Amount minus(Amount amount) { return base::must_subtract(Amount{0}, amount); }

// Follows claims: what an event adds to, or takes from, an account's unsettled balance. `terms`
// says whose trade a claim would come from and when it is due.
void follow_claims(Book& book, const BalanceChange& change, ClaimQueue::Claim terms) {
    if (change.unsettled == Amount{0}) return;
    auto& queue = book.claims[{base::broker_of(terms.account), change.asset}];
    if (change.unsettled < Amount{0}) {
        return spend_claims(queue, terms.account, minus(change.unsettled));
    }
    terms.amount = change.unsettled;
    add_claim(queue, terms);
}

ClaimQueue::Claim claim_of(base::AccountId account, std::uint64_t trade, base::Timestamp due) {
    return {.account = account, .trade = trade, .amount = {}, .asked = {}, .settle_by = due};
}

// Contracts stay on the list until the variation after their closing has been settled.
void follow_contract(Book& book, base::AccountId account, const account::TradeNovated& trade) {
    if (!trade.is_contract) return;
    auto& quantity = book.contracts[account][trade.base];
    quantity = base::must_add(quantity, trade.quantity);
}

void forget_closed_contract(Book& book, base::AccountId account, AssetId contract) {
    const auto found = book.contracts.find(account);
    if (found == book.contracts.end()) return;
    const auto position = found->second.find(contract);
    if (position != found->second.end() && position->second == Amount{0}) {
        found->second.erase(position);
    }
    if (found->second.empty()) book.contracts.erase(found);
}

// Who owes what; nobody whose debt is gone.
void follow_debt(Book& book, base::AccountId account, const BalanceChange& change) {
    if (change.recv == Amount{0}) return;
    auto& debts = book.debts[account];
    auto& owed = debts[change.asset];
    owed = base::must_add(owed, change.recv);
    if (owed == Amount{0}) debts.erase(change.asset);
    if (debts.empty()) book.debts.erase(account);
}

void move_quota(Book& book, const BrokerAsset& of, Amount amount) {
    auto& quota = book.quotas[of];
    quota.transferred = total_with(quota.transferred, amount);
}

void follow(Book& book, base::AccountId account, const account::Event& event) {
    const auto broker = base::broker_of(account);
    if (const auto* trade = std::get_if<account::TradeNovated>(&event)) {
        follow_contract(book, account, *trade);
        for (const auto& change : trade->changes) {
            follow_debt(book, account, change);
            follow_claims(book, change, claim_of(account, trade->number, trade->settle_by));
        }
    } else if (const auto* variation = std::get_if<account::VariationSettled>(&event)) {
        follow_debt(book, account, variation->balance);
        follow_claims(book, variation->balance, claim_of(account, 0, variation->settle_by));
        forget_closed_contract(book, account, variation->contract);
    } else if (const auto* funding = std::get_if<account::FundingSettled>(&event)) {
        follow_debt(book, account, funding->balance);
        follow_claims(book, funding->balance, claim_of(account, 0, funding->settle_by));
    } else if (const auto* expired = std::get_if<account::ContractExpired>(&event)) {
        follow_debt(book, account, expired->balance);
        follow_claims(book, expired->balance, claim_of(account, 0, expired->settle_by));
        auto& quantity = book.contracts[account][expired->contract];
        quantity = base::must_subtract(quantity, expired->quantity);
        forget_closed_contract(book, account, expired->contract);
    } else if (const auto* cash = std::get_if<account::ClaimsCashSettled>(&event)) {
        drop_claims(book.claims[{broker, cash->asset}], account, cash->due_by);
        for (const auto& change : cash->changes) {
            follow_debt(book, account, change);
            if (change.asset != cash->asset) {
                follow_claims(book, change, claim_of(account, 0, cash->at));
            }
        }
    } else if (const auto* taken = std::get_if<account::CollateralTaken>(&event)) {
        for (const auto& change : taken->changes) {
            follow_debt(book, account, change);
            follow_claims(book, change, claim_of(account, 0, taken->settle_by));
        }
    } else if (const auto* changed = std::get_if<account::StandingChanged>(&event)) {
        const bool is_below = changed->to == account::Standing::called ||
                              changed->to == account::Standing::liquidating;
        if (is_below) {
            book.below_margin.insert(account);
        } else {
            book.below_margin.erase(account);
        }
    } else if (const auto* allocated = std::get_if<account::LossAllocated>(&event)) {
        follow_debt(book, account, allocated->change);
    } else if (const auto* covered = std::get_if<account::ClaimsCovered>(&event)) {
        cover_claims(book.claims[{broker, covered->asset}], account, covered->amount);
    } else if (const auto* deposit = std::get_if<account::DepositNoted>(&event)) {
        auto& quota = book.quotas[{broker, deposit->asset}];
        quota.deposited = total_with(quota.deposited, deposit->change.free);
    } else if (const auto* paid = std::get_if<account::WithdrawalPaid>(&event)) {
        // The tokens have left: their cover must leave in the same event, or it would be lent to
        // another claim before the home partition hears of it.
        auto& quota = book.quotas[{broker, paid->asset}];
        quota.returned = total_with(quota.returned, paid->amount);
    } else if (const auto* sent = std::get_if<account::TransferSent>(&event)) {
        // Cover travels with the tokens: nobody may lend it to a claim while they are on their way.
        move_quota(book, {broker, sent->asset}, minus(sent->amount));
    } else if (const auto* received = std::get_if<account::TransferReceived>(&event)) {
        move_quota(book, {broker, received->asset}, received->amount);
    } else if (const auto* back = std::get_if<account::TransferReturned>(&event)) {
        move_quota(book, {broker, back->asset}, back->amount);
    }
}

void follow(Book& book, BrokerId broker, const cover::Event& event) {
    if (const auto* arrived = std::get_if<cover::QuotaArrived>(&event)) {
        book.quotas[{broker, arrived->asset}].granted = arrived->granted_total;
    } else if (const auto* returned = std::get_if<cover::QuotaReturned>(&event)) {
        book.quotas[{broker, returned->asset}].returned = returned->returned_total;
    }
}

void effect(ShardBook& book, std::uint64_t block, AssetId asset, const ShardLine& change) {
    if (change == ShardLine{}) return;
    auto& line = book.now[asset];
    line.held += change.held.v;
    line.posted += change.posted.v;
    line.position += change.position.v;
    book.recent.push_back({block, asset, change});
    if (book.recent.size() > recent_effects_max) book.recent.pop_front();
}

// Nobody looks back beyond the blocks that are remembered.
void look(ShardBook& book, std::uint64_t block) {
    book.looks.push_back(block);
    if (book.looks.size() <= looks_max) return;
    while (book.looks.size() > looks_max) book.looks.pop_front();
    std::erase_if(book.recent, [first = book.looks.front()](const ShardEffect& past) {
        return past.block <= first;
    });
}

ShardLine held(Amount amount) { return {.held = amount, .posted = {}, .position = {}}; }

void follow(Book& book, BrokerId broker, const hedge::Event& event) {
    if (const auto* filled = std::get_if<hedge::SliceFilled>(&event)) {
        auto& shard = book.shards[{broker, filled->shard}];
        effect(shard, filled->block, filled->gas_asset, held(minus(filled->gas)));
        if (filled->is_contract) {
            effect(shard, filled->block, filled->base,
                   {.held = {}, .posted = {}, .position = filled->filled});
        } else {
            effect(shard, filled->block, filled->given_asset, held(minus(filled->given)));
            effect(shard, filled->block, filled->received_asset, held(filled->received));
        }
    } else if (const auto* failed = std::get_if<hedge::SliceFailed>(&event)) {
        effect(book.shards[{broker, failed->shard}], failed->block, failed->gas_asset,
               held(minus(failed->gas)));
    }
}

ShardLine effect_of(const instruction::LegFinal& leg) {
    if (leg.kind == instruction::LegKind::arrival) return held(leg.amount);
    switch (leg.order) {
        case OrderKind::pay_out:
        case OrderKind::bridge_out:
            return held(minus(leg.amount));
        case OrderKind::post_margin:
            return {.held = minus(leg.amount), .posted = leg.amount, .position = {}};
        case OrderKind::take_margin:
            return {.held = leg.amount, .posted = minus(leg.amount), .position = {}};
        case OrderKind::swap:
        case OrderKind::contract:
            UNREACHABLE("an instruction does not trade");
    }
    UNREACHABLE("an unlisted order kind");
}

void follow(Book& book, BrokerId broker, const instruction::Event& event) {
    if (const auto* leg = std::get_if<instruction::LegFinal>(&event)) {
        auto& shard = book.shards[{broker, leg->shard}];
        effect(shard, leg->block, leg->asset, effect_of(*leg));
        effect(shard, leg->block, leg->gas_asset, held(minus(leg->gas)));
    } else if (const auto* failed = std::get_if<instruction::LegFailed>(&event)) {
        effect(book.shards[{broker, failed->shard}], failed->block, failed->gas_asset,
               held(minus(failed->gas)));
    }
}

void follow(Book& book, BrokerId broker, const netting::Event& event) {
    if (const auto* paid = std::get_if<netting::CapitalPaidIn>(&event)) {
        effect(book.shards[{broker, paid->shard}], 0, paid->asset, held(paid->amount));
    } else if (const auto* deposit = std::get_if<netting::DepositRecorded>(&event)) {
        if (deposit->finality != Finality::final) return;
        effect(book.shards[{broker, deposit->shard}], deposit->block, deposit->asset,
               held(deposit->amount));
    } else if (const auto* variation = std::get_if<netting::VenueVariation>(&event)) {
        auto& shard = book.shards[{broker, variation->shard}];
        effect(shard, variation->block, variation->settlement,
               {.held = {}, .posted = variation->change, .position = {}});
        effect(shard, variation->block, variation->contract,
               {.held = {}, .posted = {}, .position = variation->closed});
    }
}

// The house hears of a task's end after the last fill is booked: until then both are here.
void follow_tasks(Book& book, const Entry& entry) {
    if (const auto* task = std::get_if<hedge::Event>(&entry.event)) {
        const auto* filled = std::get_if<hedge::SliceFilled>(task);
        if (filled == nullptr) return;
        auto& sum = book.hedged[entry.entity];
        sum = base::must_add(sum, filled->filled);
    } else if (const auto* house = std::get_if<netting::Event>(&entry.event)) {
        const auto* closed = std::get_if<netting::HedgeClosed>(house);
        if (closed == nullptr) return;
        book.hedged.erase(base::entity_of(base::EntityKind::hedge, base::broker_of(entry.entity),
                                          closed->number));
    }
}

// The book follows the shard whatever block is looked at.
void follow(Book& book, BrokerShard of, const reconcile::Event& event) {
    if (const auto* resolved = std::get_if<reconcile::BreakResolved>(&event)) {
        effect(book.shards[{of.broker, resolved->shard}], 0, resolved->asset,
               held(resolved->booked));
    } else if (const auto* compared = std::get_if<reconcile::Reconciled>(&event)) {
        look(book.shards[of], compared->block);
    }
}

// Gas is what a shard says it is, and may be more than was kept for it: then tokens are missing,
// and the books are whole.
bool is_gas_missing(const Book& book, const TrialKey& key, Wide amount) {
    if (key.account != Chart::nostro) return false;
    return amount + balance(book, key.broker, Chart::gas, key.asset) >= 0;
}

void follow(Book& book, const Entry& entry) {
    if (std::holds_alternative<EpochStarted>(entry.event)) return;
    const auto broker = base::broker_of(entry.entity);
    if (const auto* event = std::get_if<account::Event>(&entry.event)) {
        follow(book, base::AccountId{entry.entity.id}, *event);
    } else if (const auto* quota = std::get_if<cover::Event>(&entry.event)) {
        follow(book, broker, *quota);
    } else if (const auto* house = std::get_if<netting::Event>(&entry.event)) {
        follow(book, broker, *house);
    } else if (const auto* task = std::get_if<hedge::Event>(&entry.event)) {
        follow(book, broker, *task);
    } else if (const auto* duty = std::get_if<instruction::Event>(&entry.event)) {
        follow(book, broker, *duty);
    } else if (const auto* found = std::get_if<reconcile::Event>(&entry.event)) {
        const base::ShardId shard{static_cast<std::uint16_t>(entry.entity.sub)};
        follow(book, {broker, shard}, *found);
    }
    follow_tasks(book, entry);
}

}  // namespace

Amount size_of(const Quota& quota) {
    const Amount given = total_with(quota.granted, quota.deposited);
    return total_with(total_since(given, quota.returned), quota.transferred);
}

ShardLine seen(const ShardHolding& holding) {
    return {.held = base::saturated(holding.held),
            .posted = base::saturated(holding.posted),
            .position = base::saturated(holding.position)};
}

std::map<AssetId, ShardLine> at_block(const ShardBook& book, std::uint64_t block) {
    auto holdings = book.now;
    // Blocks are the shard's to tell: any part of the effects may be later, and sum up to anything.
    for (const auto& past : book.recent) {
        if (past.block <= block) continue;
        auto& holding = holdings[past.asset];
        holding.held -= past.change.held.v;
        holding.posted -= past.change.posted.v;
        holding.position -= past.change.position.v;
    }
    std::map<AssetId, ShardLine> lines;
    for (const auto& [asset, holding] : holdings) lines.emplace(asset, seen(holding));
    return lines;
}

void fold(Book& book, const Entry& entry) {
    const auto postings = postings_of(entry);
    CHECK(!imbalance_of(postings).has_value(), "every event's postings sum to zero per asset");
    if (!postings.empty()) {
        const auto broker = base::broker_of(entry.entity);
        for (const auto& posting : postings) {
            const auto shard = is_per_shard(posting.account)
                                   ? ShardId{static_cast<std::uint16_t>(posting.sub)}
                                   : ShardId{};
            book.trial[{broker, posting.account, shard, posting.asset}] += posting.amount.v;
        }
    }
    follow(book, entry);
    ++book.events;
}

Wide balance(const Book& book, BrokerId broker, Chart account, AssetId asset) {
    Wide sum = 0;
    auto line = book.trial.lower_bound({broker, account, ShardId{0}, AssetId{0}});
    for (; line != book.trial.end(); ++line) {
        if (line->first.broker != broker || line->first.account != account) break;
        if (line->first.asset == asset) sum += line->second;
    }
    return sum;
}

Wide balance_at(const Book& book, BrokerId broker, Chart account, ShardId shard, AssetId asset) {
    const auto line = book.trial.find({broker, account, shard, asset});
    return line == book.trial.end() ? Wide{0} : line->second;
}

Wide covered(const Book& book, BrokerAsset of) {
    return -(balance(book, of.broker, Chart::free, of.asset) +
             balance(book, of.broker, Chart::held, of.asset));
}

Amount room(const Book& book, BrokerAsset of) {
    const auto quota = book.quotas.find(of);
    const Wide size = quota == book.quotas.end() ? Wide{0} : Wide{size_of(quota->second).v};
    return narrow(size - covered(book, of));
}

namespace {

// Who owes what has to be what is owed.
std::optional<std::string> fault_of_debts(const Book& book) {
    std::map<BrokerAsset, Wide> sums;
    for (const auto& [account, debts] : book.debts) {
        for (const auto& [asset, owed] : debts) {
            sums[{base::broker_of(account), asset}] += owed.v;
            if (owed > Amount{0}) continue;
            return fmt::format("account {} owes {} of asset {}", base::to_string(account), owed.v,
                               asset.v);
        }
    }
    for (const auto& [key, amount] : book.trial) {
        if (key.account == Chart::recv) sums[{key.broker, key.asset}] -= amount;
    }
    for (const auto& [of, difference] : sums) {
        if (difference == 0) continue;
        return fmt::format("broker {} is owed asset {} otherwise than by its clients: {} more",
                           of.broker.v, of.asset.v, base::to_string(difference));
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_of(const Book& book) {
    std::map<BrokerAsset, Wide> sums;
    for (const auto& [key, amount] : book.trial) {
        sums[{key.broker, key.asset}] += amount;
        if (side_of(key.account) * amount < 0 && !is_gas_missing(book, key, amount)) {
            return fmt::format("broker {} {} of shard {} in asset {} stands at {}, its wrong side",
                               key.broker.v, name_of(key.account), key.shard.v, key.asset.v,
                               base::to_string(amount));
        }
    }
    for (const auto& [of, sum] : sums) {
        if (sum != 0) {
            return fmt::format("the ledger of broker {} in asset {} sums to {} instead of 0",
                               of.broker.v, of.asset.v, base::to_string(sum));
        }
    }
    // Also where nobody ever granted anything: without a quota nothing is covered.
    for (const auto& [of, quota] : book.quotas) sums.try_emplace(of);
    for (const auto& [of, sum] : sums) {
        const Amount left = room(book, of);
        if (left >= Amount{0}) continue;
        const Wide used = covered(book, of);
        return fmt::format("broker {} covers {} of asset {} with a quota of {}", of.broker.v,
                           base::to_string(used), of.asset.v, base::to_string(used + left.v));
    }
    return fault_of_debts(book);
}

}  // namespace crossclear::ledger
