#include "tests/support/app/collapse_books.hpp"

#include "ledger/account/balances.hpp"
#include "ledger/book.hpp"
#include "ledger/journal/codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <utility>
#include <variant>

namespace crossclear::tests {
namespace {

using ledger::Chart;
namespace account = ledger::account;
namespace netting = ledger::netting;

void count(Week& week, Expected& expected, const account::TradeNovated& trade) {
    if (trade.is_liquidation) ++week.liquidations;
    expected.usdc -= trade.fee.v;
    if (trade.is_contract) {
        expected.contract_cash -= trade.cash.v;
        week.lowest = std::min(week.lowest, trade.price);
    } else {
        expected.usdc += trade.cash.v;
    }
}

void count(Week& week, base::PartitionId partition, const ledger::Entry& entry,
           base::AssetId usdc) {
    if (const auto* event = std::get_if<netting::Event>(&entry.event)) {
        if (std::holds_alternative<netting::VenueVariation>(*event)) {
            ++week.venue_variations;
        } else if (const auto* paid = std::get_if<netting::CapitalPaidIn>(event)) {
            const bool is_capital = paid->source == netting::Source::capital;
            if (is_capital && paid->asset == usdc) week.capital_paid_in += paid->amount.v;
        } else if (const auto* move = std::get_if<netting::MoveOpened>(event)) {
            if (move->purpose != ledger::instruction::Purpose::move) ++week.margin_moves;
        } else if (const auto* borne = std::get_if<netting::LossBorne>(event)) {
            EXPECT_EQ(borne->asset, usdc);
            week.borne_by_capital += borne->from_capital.v;
            const bool is_capital_left = week.borne_by_capital < week.capital_paid_in;
            EXPECT_TRUE(borne->from_insurance.v == 0 || !is_capital_left)
                << "insurance pays where capital does not reach";
            week.borne += base::Wide{borne->from_capital.v} + borne->from_insurance.v;
        }
    }
    const auto* event = std::get_if<account::Event>(&entry.event);
    if (event == nullptr) return;
    auto& expected = week.expected[base::AccountId{entry.entity.id}];
    if (const auto* trade = std::get_if<account::TradeNovated>(event)) {
        count(week, expected, *trade);
    } else if (const auto* settled = std::get_if<account::VariationSettled>(event)) {
        ++week.variations;
        expected.variation += settled->change.v;
        expected.usdc += settled->change.v;
    } else if (const auto* cash = std::get_if<account::ClaimsCashSettled>(event)) {
        expected.usdc += cash->cash.v;
    } else if (const auto* noted = std::get_if<account::DepositNoted>(event)) {
        const bool is_paid_in = noted->finality == ledger::Finality::final && noted->asset == usdc;
        if (is_paid_in) expected.usdc += noted->amount.v;
    } else if (const auto* changed = std::get_if<account::StandingChanged>(event)) {
        ++week.standings[changed->to];
    } else if (const auto* allocated = std::get_if<account::LossAllocated>(event)) {
        EXPECT_EQ(allocated->asset, usdc);
        const auto& before =
            week.partitions.at(partition).accounts.at(base::AccountId{entry.entity.id});
        EXPECT_TRUE(before.contracts.empty()) << "something was left to close";
        EXPECT_TRUE(std::all_of(before.holdings.begin(), before.holdings.end(),
                                [&](const auto& line) {
                                    return line.first == usdc ||
                                           account::sellable(line.second) == base::Amount{0};
                                }))
            << "something was left to sell";
        week.lost += allocated->loss.v;
        expected.usdc += allocated->loss.v;
    }
}

}  // namespace

Week read_back(ledger::journal::Journal& journal, const app::Config& config,
               base::BrokerId broker) {
    Week week;
    const auto usdc = *config.listing.find_asset("USDC");
    const auto venue = *config.listing.find_shard("perpetuals");
    for (std::uint16_t i = 0; i < config.partitions; ++i) {
        const base::PartitionId id{i};
        auto& partition = week.partitions[id];
        partition.id = id;
        partition.partitions = config.partitions;
        std::uint64_t next = 1;
        while (true) {
            std::promise<ledger::journal::ReadOutcome> promise;
            journal.read(id, next, 512, [&](ledger::journal::ReadOutcome outcome) {
                promise.set_value(std::move(outcome));
            });
            const auto outcome = promise.get_future().get();
            const auto* read = std::get_if<ledger::journal::ReadRecords>(&outcome);
            CHECK(read != nullptr, "the journal can be read");
            if (read->records.empty()) break;
            for (const auto& record : read->records) {
                next = record.head.seq + 1;
                const auto entries = ledger::journal::decode_payload(record.payload);
                CHECK(entries.has_value(), "what was written can be read");
                for (const auto& entry : *entries) {
                    count(week, id, entry, usdc);
                    ledger::replay(partition, entry);
                }
                week.posted_min = std::min(
                    week.posted_min,
                    ledger::balance_at(partition.book, broker, Chart::posted, venue, usdc));
            }
        }
    }
    return week;
}

void expect_losses_to_end_with_the_broker(const Week& week, const app::Config& config,
                                          base::BrokerId broker, const std::string& symbol) {
    const auto usdc = *config.listing.find_asset("USDC");
    const auto contract = *config.listing.find_asset(symbol);
    for (const auto& [id, expected] : week.expected) {
        const auto& state =
            week.partitions.at(base::partition_of(id, config.partitions)).accounts.at(id);
        const auto& holding = account::holding_of(state, usdc);
        EXPECT_TRUE(holding.free.v + holding.unsettled.v + holding.held.v - holding.recv.v ==
                    expected.usdc)
            << base::to_string(id);
        EXPECT_TRUE(holding.recv.v == 0 || (holding.free.v == 0 && holding.unsettled.v == 0))
            << base::to_string(id) << " holds and owes at once";
        const auto position = state.contracts.find(contract);
        const std::int64_t value =
            position == state.contracts.end() ? 0 : position->second.settled_value.v;
        EXPECT_TRUE(expected.variation == value - expected.contract_cash) << base::to_string(id);
        const bool has_assets = position != state.contracts.end() || state.holdings.size() > 1;
        EXPECT_TRUE(holding.recv.v == 0 || has_assets)
            << base::to_string(id) << " owes, and is forgotten";
        EXPECT_TRUE(holding.recv.v == 0 || state.standing != account::Standing::defaulted)
            << base::to_string(id) << " has defaulted, and owes";
    }
    EXPECT_TRUE(week.lost > week.capital_paid_in) << "who bets all loses more than it has";
    base::Wide unpaid = 0;
    for (const auto& [id, partition] : week.partitions) {
        unpaid += ledger::balance(partition.book, broker, Chart::loss, usdc);
    }
    EXPECT_TRUE(unpaid == 0) << "the waterfall reaches for all of it";
    EXPECT_TRUE(week.borne == week.lost);
    EXPECT_TRUE(week.borne_by_capital == week.capital_paid_in) << "capital is spent first";
}

}  // namespace crossclear::tests
