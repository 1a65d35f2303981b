#include "app/audit_checks.hpp"
#include "ledger/entity.hpp"
#include "ledger/running_total.hpp"

#include <fmt/format.h>

// What two partitions say of one thing: each must hold what the other has told it, no more and,
// once nothing is under way, no less.

namespace crossclear::app {

void check_books(const ledger::Partition& partition, AuditFindings& findings) {
    std::map<ledger::BrokerAsset, base::Wide> sums;
    for (const auto& [key, amount] : partition.book.trial) sums[{key.broker, key.asset}] += amount;
    bool is_balanced = true;
    for (const auto& [of, sum] : sums) {
        if (sum == 0) continue;
        is_balanced = false;
        findings.blame(Invariant::postings_balance,
                       fmt::format("partition {}: the ledger of broker {} in asset {} sums to {}",
                                   partition.id.v, of.broker.v, of.asset.v, base::to_string(sum)));
    }
    findings.look(Invariant::nothing_is_overdrawn, partition.accounts.size());
    if (!is_balanced) return;
    if (const auto breach = ledger::fault_of(partition)) {
        findings.blame(Invariant::nothing_is_overdrawn,
                       fmt::format("partition {}: {}", partition.id.v, *breach));
    }
}

void SagaChecks::add(const ledger::Partition& partition) {
    for (const auto& [id, house] : partition.houses) {
        const auto broker = base::broker_of(id);
        for (const auto& [of, total] : house.granted) granted_[{broker, of}] = total;
        for (const auto& [contract, expiry] : house.expiries) {
            if (expiry.phase != ledger::netting::PricePhase::fixed) continue;
            last_prices_[{broker, contract}] = expiry.price;
        }
    }
    for (const auto& [of, quota] : partition.book.quotas) {
        quotas_[{of.broker, {partition.id, of.asset}}] = quota;
    }
    for (const auto& [id, account] : partition.accounts) {
        for (const auto& [number, withdrawal] : account.withdrawals) held_.insert({id, number});
    }
    for (const auto& [id, state] : partition.withdrawals) {
        withdrawals_.emplace(ledger::HeldWithdrawal{state.terms.account, state.terms.number},
                             state);
    }
}

void SagaChecks::add(const HistoryChecks& history) {
    ends_.insert(history.ends().begin(), history.ends().end());
}

void SagaChecks::finish(bool is_at_rest, AuditReport& report) const {
    // Beside a service both sides are read at different times.
    if (!is_at_rest) return;
    check_quotas(report);
    check_withdrawals(report);
    check_ends(report);
}

// A position ends at the price that its house has fixed, in whichever partition it is.
void SagaChecks::check_ends(AuditReport& report) const {
    for (const auto& [broker, contract, price] : ends_) {
        report.findings.look(Invariant::messages_arrive_once);
        const auto found = last_prices_.find({broker, contract});
        if (found != last_prices_.end() && found->second == price) continue;
        report.blame(Invariant::messages_arrive_once,
                     fmt::format("broker {} contract {}: a position ended at {}, which its house "
                                 "has not fixed",
                                 broker.v, contract.v, price.v));
    }
}

// A grant that is on its way does nobody harm, so a quota may be behind; never ahead.
void SagaChecks::check_quotas(AuditReport& report) const {
    for (const auto& [key, quota] : quotas_) {
        report.findings.look(Invariant::messages_arrive_once);
        const auto found = granted_.find(key);
        const auto told = found == granted_.end() ? base::Amount{} : found->second;
        if (ledger::total_since(told, quota.granted) >= base::Amount{0}) continue;
        const auto& [broker, of] = key;
        report.blame(Invariant::messages_arrive_once,
                     fmt::format("broker {} asset {}: partition {} was granted {}, and its house "
                                 "has granted {}",
                                 broker.v, of.asset.v, of.partition.v, quota.granted.v, told.v));
    }
}

// What the broker's side has ended and its account has acknowledged, the account does not hold.
void SagaChecks::check_withdrawals(AuditReport& report) const {
    for (const auto& [whose, state] : withdrawals_) {
        report.findings.look(Invariant::sagas_end_once);
        if (!state.is_acknowledged || !held_.contains(whose)) continue;
        report.blame(Invariant::sagas_end_once,
                     fmt::format("withdrawal {} of {} has ended, and its account still holds it",
                                 whose.number, base::to_string(whose.account)));
    }
}

}  // namespace crossclear::app
