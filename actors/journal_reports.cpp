#include "actors/chrono.hpp"
#include "actors/journal_actor.hpp"
#include "base/saturated.hpp"

#include <algorithm>
#include <ranges>

/// What a partition's books tell others: the brokers' netting, and the figures.

namespace crossclear::actors {

using base::Amount;

namespace {

// One broker's part of a map whose keys begin with the broker: figures are told every second, and
// must not cost what all the others have.
template <class Map>
auto of_broker(const Map& map, base::BrokerId broker) {
    typename Map::key_type first{};
    first.broker = broker;
    if constexpr (requires { first.account; }) first.account = ledger::Chart{};
    const auto begin = map.lower_bound(first);
    const auto end = std::find_if(
        begin, map.end(), [broker](const auto& entry) { return entry.first.broker != broker; });
    return std::ranges::subrange(begin, end);
}

// Owed to clients in tokens, or by them.
bool is_clients(ledger::Chart account) {
    using ledger::Chart;
    return account == Chart::free || account == Chart::unsettled || account == Chart::seen ||
           account == Chart::held || account == Chart::recv;
}

}  // namespace

void JournalHost::report() {
    for (const auto& broker : std::exchange(changed_, {})) {
        send(owner_, ToHome{base::entity_of(base::EntityKind::netting, broker), report_of(broker)});
    }
}

// A house waits for every partition, also for one where it has no business yet.
void JournalHost::note_all_changed() {
    for (std::size_t i = 0; i < context_->brokers.size(); ++i) {
        changed_.insert(base::BrokerId{static_cast<std::uint16_t>(i)});
    }
}

// A house that was lost with what it was told knows nothing of a partition in which nothing happens
// any more; and while nobody owns the home, what is told is told to nobody.
void JournalHost::say_figures_again() {
    const auto now = context_->now();
    if (!has_passed(context_->options.say_again_every, figures_said_at_, now)) return;
    figures_said_at_ = now;
    note_all_changed();
    for (const auto& broker : changed_) {
        auto risk = margins_.risk_of(broker);
        risk.partition = partition_;
        risk.sequence = last_.seq;
        risk.open_interest = open_interest_of(broker);
        send(owner_, ToHome{base::entity_of(base::EntityKind::netting, broker), std::move(risk)});
        if (auto stress = margins_.take_stress(broker)) {
            stress->partition = partition_;
            stress->sequence = last_.seq;
            send(owner_,
                 ToHome{base::entity_of(base::EntityKind::netting, broker), *std::move(stress)});
        }
    }
}

// Positions in contracts by their size, and tokens that are owed to clients or by them.
std::map<base::AssetId, Amount> JournalHost::open_interest_of(base::BrokerId broker) const {
    std::map<base::AssetId, Amount> open;
    if (!context_->broker(broker).counts_exposure()) return open;
    std::map<base::AssetId, base::Wide> sums;
    for (const auto& [key, amount] : of_broker(book_.trial, broker)) {
        if (is_clients(key.account)) sums[key.asset] += amount < 0 ? -amount : amount;
    }
    auto of = book_.contracts.lower_bound(base::account_id(broker, 0));
    for (; of != book_.contracts.end() && base::broker_of(of->first) == broker; ++of) {
        for (const auto& [contract, quantity] : of->second) {
            sums[contract] += base::magnitude(quantity).v;
        }
    }
    for (const auto& [asset, sum] : sums) open[asset] = base::saturated(sum);
    return open;
}

// Every event was checked when it was folded; this is the sum that an alert can see.
void JournalHost::publish_imbalance() const {
    if (changed_.empty()) return;
    std::map<base::AssetId, base::Wide> sums;
    for (const auto& [key, amount] : book_.trial) sums[key.asset] += amount;
    const auto partition = std::to_string(partition_.v);
    for (const auto& [asset, sum] : sums) {
        context_->instruments->ledger.ledger_imbalance_units
            .with({partition, context_->listing.asset(asset).symbol})
            .set(static_cast<double>(sum));
    }
}

PartitionReport JournalHost::report_of(base::BrokerId broker) const {
    PartitionReport report{.broker = broker,
                           .partition = partition_,
                           .sequence = last_.seq,
                           .assets = {},
                           .shards = {},
                           .hedged = {}};
    const auto now = context_->now();
    for (const auto& [key, wide] : of_broker(book_.trial, broker)) {
        // Of many accounts: each fits 64 bits, their sum need not.
        const Amount amount = base::saturated(wide);
        auto& line = report.assets[key.asset];
        if (key.account == ledger::Chart::conv) line.conv = amount;
        if (key.account == ledger::Chart::hbook) line.hbook = amount;
        if (key.account == ledger::Chart::vm) line.vm = amount;
        if (key.account == ledger::Chart::unsettled) line.unsettled = *base::negate(amount);
        if (key.account == ledger::Chart::held) line.held = *base::negate(amount);
        if (key.account == ledger::Chart::capital) line.capital = *base::negate(amount);
        if (key.account == ledger::Chart::insurance) line.insurance = *base::negate(amount);
        if (key.account == ledger::Chart::loss) line.loss = amount;
        if (key.account == ledger::Chart::free || key.account == ledger::Chart::held) {
            line.covered = base::saturated(base::Wide{line.covered.v} - amount.v);
        }
    }
    for (const auto& [of, quota] : of_broker(book_.quotas, broker)) {
        auto& line = report.assets[of.asset];
        line.deposited = quota.deposited;
        line.returned = quota.returned;
        line.transferred = quota.transferred;
    }
    for (const auto& [of, queue] : of_broker(book_.claims, broker)) {
        const auto first = ledger::first_deadline(queue);
        if (!first) continue;
        auto& line = report.assets[of.asset];
        line.oldest_due = *first;
        line.overdue = ledger::overdue_at(queue, now).amount;
    }
    if (base::home_of(broker, context_->partitions) == partition_) add_shard_lines(report);
    return report;
}

void JournalHost::add_shard_lines(PartitionReport& report) const {
    std::map<std::pair<base::ShardId, base::AssetId>, PartitionReport::ShardLine> lines;
    for (const auto& [key, wide] : of_broker(book_.trial, report.broker)) {
        const bool is_wanted =
            key.account == ledger::Chart::nostro || key.account == ledger::Chart::inflight_out ||
            key.account == ledger::Chart::suspense || key.account == ledger::Chart::vpos ||
            key.account == ledger::Chart::posted;
        if (!is_wanted) continue;
        auto& line = lines[{key.shard, key.asset}];
        line.shard = key.shard;
        line.asset = key.asset;
        const Amount amount = base::saturated(wide);
        if (key.account == ledger::Chart::nostro) line.nostro = amount;
        if (key.account == ledger::Chart::inflight_out) line.inflight_out = amount;
        if (key.account == ledger::Chart::suspense) line.suspense = amount;
        if (key.account == ledger::Chart::vpos) line.position = amount;
        if (key.account == ledger::Chart::posted) line.posted = amount;
    }
    for (const auto& [key, line] : lines) report.shards.push_back(line);
    auto next =
        book_.hedged.lower_bound(base::entity_of(base::EntityKind::hedge, report.broker, 0));
    for (; next != book_.hedged.end() && base::broker_of(next->first) == report.broker; ++next) {
        report.hedged.emplace(base::number_of(base::AccountId{next->first.id}), next->second);
    }
}

}  // namespace crossclear::actors
