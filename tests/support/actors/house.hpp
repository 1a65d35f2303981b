#pragma once

#include "actors/node.hpp"
#include "ledger/replay.hpp"
#include "metrics/registry.hpp"
#include "shards/simulated/world.hpp"
#include "store/memory/memory_directory.hpp"
#include "store/memory/memory_journal.hpp"
#include "tests/support/actors/watch.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// A whole node in memory for tests: two brokers, three quick shards without faults, the real
/// actors between them. What survives a node (journal, shards) is apart from what does not.

namespace crossclear::tests {

/// The names of the small world.
namespace town {

inline constexpr base::AssetId usdc{0};
inline constexpr base::AssetId eth{1};
inline constexpr base::AssetId sbtc{2};
inline constexpr base::AssetId btc_contract{3};
inline constexpr base::InstrumentId eth_swap{0};
inline constexpr base::InstrumentId sbtc_swap{1};
inline constexpr base::InstrumentId btc_perp{2};
inline constexpr base::ShardId synthetix{0};   ///< sBTC against USDC, gas in ETH.
inline constexpr base::ShardId uniswap{1};     ///< ETH against USDC, gas in ETH.
inline constexpr base::ShardId perpetuals{2};  ///< BTC-PERP, gas in USDC.
inline constexpr base::BrokerId alpha{0};
inline constexpr base::BrokerId beta{1};
inline constexpr std::uint16_t partitions = 4;
inline constexpr std::int64_t one_usdc = 1'000'000;
inline constexpr std::int64_t one_eth = 1'000'000'000;
inline constexpr std::int64_t one_sbtc = 100'000'000;
inline constexpr std::int64_t one_contract = 1'000'000;
inline constexpr std::int64_t one_dollar = 1'000'000'000;  ///< As a price.

[[nodiscard]] base::Listing listing();

/// What ends, in towns that list it: a future on ETH, traded as BTC-PERP is, and a share of rain.
inline constexpr base::AssetId eth_future{4};
inline constexpr base::AssetId rain{5};
inline constexpr base::InstrumentId future{3};
inline constexpr base::InstrumentId rain_yes{4};
/// The listing with both.
[[nodiscard]] base::Listing listing_with_ends(const base::Expiry& of_future,
                                              const base::Expiry& of_rain);

/// Collateral that no instrument trades, in towns that list it.
inline constexpr base::AssetId dai{4};
inline constexpr base::AssetId pool_share{5};  ///< Of ETH and USDC, of two times their root each.
inline constexpr base::AssetId lent_eth{6};    ///< One ETH a unit.
/// The listing with all of it, on uniswap.
[[nodiscard]] base::Listing listing_with_collateral();

/// Options, in towns that list them: a call and a put on ETH, hedged with ETH.
inline constexpr base::AssetId eth_call{4};
inline constexpr base::AssetId eth_put{5};
inline constexpr base::InstrumentId trade_call{3};
inline constexpr base::InstrumentId trade_put{4};
/// One option: how it ends, and at which strike in dollars.
struct OptionOnEth {
    base::Expiry expiry;
    std::int64_t strike{};
};
/// The listing with both.
[[nodiscard]] base::Listing listing_with_options(const OptionOnEth& of_call,
                                                 const OptionOnEth& of_put);

/// An account of alpha in this partition of `of`; `nth` tells several apart.
[[nodiscard]] base::AccountId account_in(base::PartitionId partition, std::uint64_t nth = 0,
                                         base::BrokerId broker = alpha,
                                         std::uint16_t of = partitions);

}  // namespace town

/// What a test may want otherwise.
struct HouseOptions {
    base::Duration idle_after{base::seconds(600)};
    base::Duration balance_every{base::milliseconds(10)};
    std::int64_t band_usd{1'000};  ///< Of every asset.
    base::Duration hedge_spread{base::milliseconds(60)};
    base::Duration settle_within{base::seconds(60)};
    base::Duration cash_settle_after{base::seconds(300)};
    std::uint64_t snapshot_events{100'000};
    base::Duration snapshot_every{base::seconds(600)};
    std::size_t machines_kept{4'096};
    bool is_log_trimmed{};
    std::int64_t venue_margin_usd{2'000'000};  ///< At least so much is posted.
    /// One of several nodes under this name, which meet through `directory`.
    std::string name{};
    store::Directory* directory{};
    std::optional<actors::ClusterOptions::Tls> tls{};
    base::Duration ask_again_for{};
    base::Duration read_wait{base::seconds(20)};
    base::Duration withdrawal_delay{base::milliseconds(50)};
    base::Ppm withdrawal_gate_hour{base::ppm_one};
    /// What limits trades by what the brokers themselves can lose, if anything does.
    std::optional<actors::HousePolicy> policy{};
    std::optional<actors::Caps> caps{};
    std::uint32_t holding_days_in_kind{10};
    std::optional<std::int64_t> capital_usd{};  ///< In place of all there is.
    /// Makes the town's universe another one.
    std::function<void(risk::kernel::Universe&)> universe{};
    /// The node's clock, if not the wall's.
    std::function<base::Timestamp()> now{};
    /// Puts something between the node and each shard.
    std::function<std::unique_ptr<shards::Shard>(std::unique_ptr<shards::Shard>)> between{};
};

/// What goes on without us: the journal, the shards, the watch. Outlives every node.
class Outside {
public:
    /// A cluster of so many partitions.
    explicit Outside(std::uint16_t partitions = town::partitions,
                     base::Listing listing = town::listing());

    /// A client sends tokens to its broker; returns once the account has them for good.
    void deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                 std::int64_t amount);
    /// Writes what an earlier release, or a defect, left in the log: its first record.
    void write(base::PartitionId partition, const std::vector<ledger::Entry>& entries);
    /// A partition as its journal tells it now.
    [[nodiscard]] ledger::Partition replayed(base::PartitionId partition) const;
    /// What is wrong with the journals: a breach, a ledger that does not add up over partitions, or
    /// clients' settled tokens that nobody holds. Nothing is the right answer.
    [[nodiscard]] std::optional<std::string> audit() const;
    /// The sum of one line of the books over all partitions, debit positive.
    [[nodiscard]] std::int64_t balance(base::BrokerId broker, ledger::Chart account,
                                       base::AssetId asset) const;
    /// An account as its journal tells it now.
    [[nodiscard]] ledger::account::State account(base::AccountId account) const;

    /// Waits until the partition's snapshot holds what is in its log now.
    [[nodiscard]] bool await_round(base::PartitionId partition) const;
    /// Waits until the partition's snapshot is true at the latest record.
    [[nodiscard]] bool await_stored(base::PartitionId partition) const;
    /// Waits until the log begins with its latest record.
    [[nodiscard]] bool await_trimmed(base::PartitionId partition) const;

    const std::uint16_t partitions;
    base::Listing listing;
    Watch watch;
    store::MemoryDirectory directory{partitions, [] { return base::wall_clock_now(); }};
    store::MemoryJournal store{"test"};
    WatchedJournal journal{store, watch};
    std::unique_ptr<shards::simulated::SimulatedWorld> world;
};

/// One client's session: asks and waits.
class Client {
public:
    Client(actors::Node& node, Watch& watch, const std::set<base::AccountId>& accounts);

    /// Asks and goes on. The future fails the test when it is waited for in vain.
    [[nodiscard]] std::future<actors::Answer> send(actors::Request request);
    /// Asks and waits for the answer.
    actors::Answer ask(actors::Request request);
    /// Asks and expects an answer of this kind; fails the test otherwise.
    template <class Kind>
    Kind expect(actors::Request request) {
        const auto answer = ask(std::move(request));
        if (const auto* kind = std::get_if<Kind>(&answer)) return *kind;
        const auto* refusal = std::get_if<actors::Refusal>(&answer);
        ADD_FAILURE() << "another answer than expected: "
                      << (refusal == nullptr ? "of another kind"
                                             : std::to_string(refusal->code) + " " +
                                                   refusal->reason + " " + refusal->hint);
        return {};
    }
    /// The answer's refusal code, 0 where it is none.
    std::int32_t refusal_code(actors::Request request);
    void follow(const actors::Channel& channel, std::optional<std::uint64_t> from = std::nullopt);
    void leave(const actors::Channel& channel);

private:
    class Sink;
    std::shared_ptr<Sink> sink_;
    std::unique_ptr<actors::Session> session_;
};

/// The answer, if there is one by now; none where the node has ended without it.
[[nodiscard]] std::optional<actors::Answer> given_by_now(std::future<actors::Answer>& from);

/// One node from its start to its end. Clients end before it.
class House {
public:
    explicit House(Outside& outside, const HouseOptions& options = {});

    [[nodiscard]] actors::Node& node() { return *node_; }
    [[nodiscard]] const actors::HouseFigures& figures(base::BrokerId broker) const {
        return node_->context().broker(broker).figures;
    }
    [[nodiscard]] std::unique_ptr<Client> client(const std::set<base::AccountId>& accounts);
    /// How many partitions run on this node.
    [[nodiscard]] std::size_t partitions_running() const;
    /// What Prometheus would read of it now.
    [[nodiscard]] std::string scrape() const { return registry_.scrape(); }
    /// Publishes marks, moves the shards' prices along, and waits until both are in force.
    void set_price(base::AssetId asset, std::int64_t dollars);
    void set_price(base::AssetId asset, base::Price price);
    /// The same of several at once: nothing is decided on one without the others.
    void set_prices(const std::vector<actors::PublishMarks::Mark>& marks);
    /// The same of a perpetual's funding index.
    void set_funding(base::AssetId contract, base::Price index);

private:
    Outside& outside_;
    metrics::Registry registry_;
    std::unique_ptr<actors::Node> node_;
    std::unique_ptr<Client> oracle_;
};

/// A trade now, under a fresh id; positive buys, at any price.
[[nodiscard]] actors::SubmitTrade trade_of(base::AccountId account, base::InstrumentId instrument,
                                           std::int64_t quantity);
/// A withdrawal now, under a fresh id.
[[nodiscard]] actors::Withdraw withdrawal_of(base::AccountId account, base::AssetId asset,
                                             std::int64_t amount, base::ShardId shard);

/// Asks for a withdrawal back now, under a fresh id.
[[nodiscard]] actors::CancelWithdrawal cancel_of(base::AccountId account, std::uint32_t number);

/// A transfer now, under a fresh id.
[[nodiscard]] actors::Transfer transfer_of(base::AccountId account, base::AccountId to,
                                           base::AssetId asset, std::int64_t amount);

}  // namespace crossclear::tests
