#include "actors/margin_desk.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <variant>

namespace crossclear::actors {
namespace {

namespace account = ledger::account;

// Adding up what a hundred thousand levered accounts say of hundreds of states takes a tenth of a
// second: with so many, it is done every so often.
constexpr std::uint64_t figures_an_asking = 1'000'000;
constexpr std::uint64_t stress_waits_max = 30;

bool is_listed(const ledger::Book& book, base::AccountId account) {
    return book.contracts.contains(account) || book.debts.contains(account) ||
           book.below_margin.contains(account);
}

// Whether equity or what is held may be otherwise after it.
bool may_matter(const account::Event& event) {
    // Of little: who is looked at in time anyway. A debt is looked at now.
    if (const auto* funding = std::get_if<account::FundingSettled>(&event)) {
        return funding->balance.recv > base::Amount{0};
    }
    return !std::holds_alternative<account::VariationSettled>(event) &&
           !std::holds_alternative<account::ClaimsCovered>(event) &&
           !std::holds_alternative<account::StandingChanged>(event) &&
           !std::holds_alternative<account::CommandRefused>(event);
}

// One that margin let pass.
bool is_client_trade(const account::Event& event) {
    const auto* trade = std::get_if<account::TradeNovated>(&event);
    return trade != nullptr && !trade->is_liquidation;
}

bool settles(const account::Event& event) {
    return std::holds_alternative<account::VariationSettled>(event) ||
           std::holds_alternative<account::FundingSettled>(event);
}

}  // namespace

void MarginDesk::start(const ledger::Book& book) {
    brokers_.clear();
    std::map<base::BrokerId, std::set<base::AccountId>> listed;
    const auto add = [&](base::AccountId account) {
        listed[base::broker_of(account)].insert(account);
    };
    for (const auto& [account, contracts] : book.contracts) add(account);
    for (const auto& [account, debts] : book.debts) add(account);
    for (const auto account : book.below_margin) add(account);
    for (const auto& [broker, accounts] : listed) {
        // First those who stand below already.
        std::vector<base::AccountId> order(book.below_margin.begin(), book.below_margin.end());
        const auto is_other = [&](base::AccountId account) {
            return base::broker_of(account) != broker;
        };
        order.erase(std::remove_if(order.begin(), order.end(), is_other), order.end());
        std::copy_if(accounts.begin(), accounts.end(), std::back_inserter(order),
                     [&](base::AccountId account) { return !book.below_margin.contains(account); });
        auto& clients = brokers_[broker];
        clients.waiting = {order.begin(), order.end()};
        clients.watch.start(order, context_->now());
    }
}

void MarginDesk::note(const ledger::Book& book, const ledger::Entry& entry) {
    const auto* event = std::get_if<account::Event>(&entry.event);
    if (event == nullptr) return;
    const base::AccountId account{entry.entity.id};
    auto& [watch, said, waiting, stress_waits] = brokers_[base::broker_of(account)];
    // Who is being liquidated waits for what its contracts leave.
    const bool is_below = book.below_margin.contains(account);
    if (!is_listed(book, account)) {
        watch.forget(account);
        said.erase(account);
        waiting.erase(account);
    } else if (is_client_trade(*event) && !is_below) {
        watch.touch_lightly(account, context_->now());
    } else if (may_matter(*event) || (is_below && settles(*event))) {
        watch.touch(account);
    }
}

void MarginDesk::keep(const MarginKept& kept) {
    const auto found = brokers_.find(base::broker_of(kept.account));
    if (found == brokers_.end()) return;
    auto& [watch, said, waiting, stress_waits] = found->second;
    waiting.erase(kept.account);
    watch.keep({kept.account, kept.ticket}, kept.safe_move, context_->now());
    // Where nobody knows any more, what was known last stands.
    if (std::isnan(kept.safe_move) || !watch.knows(kept.account)) return;
    auto& figures = said[kept.account];
    figures.shortfalls = kept.shortfalls;
    figures.stress = kept.stress;
    figures.is_below_maintenance = kept.is_below_maintenance;
    figures.worst_usd = 0;
    for (const auto& [state, usd] : kept.stress.states) {
        figures.worst_usd = std::max(figures.worst_usd, usd);
    }
}

std::vector<MarginKept> MarginDesk::take_due() {
    std::vector<MarginKept> due;
    for (auto& [broker, clients] : brokers_) {
        auto& watch = clients.watch;
        const auto surface = context_->broker(broker).surface.load();
        if (surface == nullptr) continue;
        watch.move_to(*surface);
        for (const auto& ask : watch.take_due(context_->now())) {
            due.push_back({.account = ask.account, .ticket = ask.ticket});
        }
    }
    return due;
}

PartitionRisk MarginDesk::risk_of(base::BrokerId broker) const {
    PartitionRisk risk{.broker = broker,
                       .universe = context_->broker(broker).parameters->fingerprint()};
    const auto found = brokers_.find(broker);
    if (found == brokers_.end()) return risk;
    const auto& said = found->second.said;
    risk.clients = said.size();
    risk.clients_waiting = found->second.waiting.size();
    for (const auto& [account, one] : said) {
        risk.sums.add(one.shortfalls);
        if (one.is_below_maintenance) ++risk.clients_below;
        if (one.worst_usd <= risk.worst_usd) continue;
        risk.worst_client = account;
        risk.worst_usd = one.worst_usd;
    }
    return risk;
}

std::optional<PartitionStress> MarginDesk::take_stress(base::BrokerId broker) {
    PartitionStress stress{.broker = broker,
                           .universe = context_->broker(broker).parameters->stress_fingerprint()};
    const auto found = brokers_.find(broker);
    if (found == brokers_.end()) return stress;
    auto& clients = found->second;
    if (clients.stress_waits > 0) {
        --clients.stress_waits;
        return std::nullopt;
    }
    std::uint64_t figures = 0;
    for (const auto& [account, one] : clients.said) {
        stress.sums.add(one.stress);
        figures += one.stress.states.size();
    }
    clients.stress_waits = std::min(figures / figures_an_asking, stress_waits_max);
    return stress;
}

}  // namespace crossclear::actors
