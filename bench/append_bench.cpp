#include "base/command_id.hpp"
#include "base/rng.hpp"
#include "bench/latencies.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "store/redis/embedded.hpp"
#include "store/redis/redis_journal.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// What the journal alone carries: records of real trades, chained and appended by the service's own
// script, one on its way for each of eight partitions, on an embedded redis-server that syncs
// every write.

namespace crossclear::bench {
namespace {

namespace journal = ledger::journal;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t partitions = 8;
constexpr const char* cluster = "bench";
// Enough different events that nothing is measured twice from a cache.
constexpr std::size_t events_made = 1'024;

std::vector<std::string> make_events() {
    base::Rng rng{1};
    std::vector<std::string> events;
    for (std::size_t i = 0; i < events_made; ++i) {
        const auto account = base::account_id(base::BrokerId{0}, rng.below(2'000) + 1);
        const auto quantity = static_cast<std::int64_t>(rng.below(900'000'000) + 100'000'000);
        const auto cash = -3 * quantity;
        const auto now = base::wall_clock_now();
        ledger::account::TradeNovated trade;
        trade.cause = base::make_command_id(now, rng.next(), rng.next());
        trade.body = rng.next();
        trade.number = i + 1;
        trade.instrument = base::InstrumentId{2};
        trade.base = base::AssetId{3};
        trade.settlement = base::AssetId{1};
        trade.quantity = base::Amount{quantity};
        trade.price = base::Price{3'000'900'000'000};
        trade.cash = base::Amount{cash};
        trade.fee = base::Amount{-cash / 20'000};
        trade.notional_cents = -cash / 10'000;
        auto& paid = trade.changes.emplace_back();
        paid.asset = trade.settlement;
        paid.free = base::Amount{cash};
        auto& received = trade.changes.emplace_back();
        received.asset = trade.base;
        received.unsettled = trade.quantity;
        trade.at = now;
        trade.settle_by = now + base::seconds(60);
        events.push_back(
            journal::encode({base::entity_of(account), ledger::account::Event{trade}}));
    }
    return events;
}

/// One partition's log and the append that is on its way.
struct Lane {
    base::PartitionId partition;
    journal::Fence fence;
    journal::Head last;
    journal::Append in_flight;
    Clock::time_point sent_at;
};

class Appender {
public:
    explicit Appender(journal::Journal& journal) : journal_(journal), events_(make_events()) {}

    /// Promises every partition to this owner; returns why not, or nothing.
    std::string take_over() {
        for (std::uint16_t i = 0; i < partitions; ++i) {
            Lane lane{.partition = base::PartitionId{i},
                      .fence = {.epoch = 1, .nonce = journal::fresh_nonce()},
                      .last = {},
                      .in_flight = {},
                      .sent_at = {}};
            bool is_promised = false;
            bool is_answered = false;
            journal_.prepare(lane.partition, lane.fence, [&](journal::PrepareOutcome outcome) {
                const std::scoped_lock lock(mutex_);
                is_promised = std::holds_alternative<journal::Prepared>(outcome);
                is_answered = true;
                changed_.notify_all();
            });
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return is_answered; });
            if (!is_promised) return "a partition could not be prepared; " + journal_.trouble();
            lanes_.push_back(std::move(lane));
        }
        return {};
    }

    /// Appends records of `batch` events for a while, one per partition at a time.
    boost::json::object run(std::size_t batch, double seconds) {
        Latencies latencies;
        std::uint64_t appends = 0;
        const auto begun = Clock::now();
        const auto until = begun + std::chrono::duration<double>(seconds);
        for (std::size_t i = 0; i < lanes_.size(); ++i) send(i, batch);
        std::size_t open = lanes_.size();
        while (open > 0) {
            const auto done = wait_for_one();
            auto& lane = lanes_[done];
            const auto now = Clock::now();
            lane.last = lane.in_flight.record.head;
            latencies.add(
                std::chrono::duration_cast<std::chrono::microseconds>(now - lane.sent_at).count());
            ++appends;
            if (now < until) {
                send(done, batch);
            } else {
                --open;
            }
        }
        const std::chrono::duration<double> took = Clock::now() - begun;
        boost::json::object line;
        line["appends_per_second"] = static_cast<double>(appends) / took.count();
        line["per_second"] = static_cast<double>(appends * batch) / took.count();
        line["record_bytes"] = lanes_.front().in_flight.record.payload.size();
        latencies.write(line);
        return line;
    }

    [[nodiscard]] bool has_failed() const { return has_failed_; }

private:
    void send(std::size_t index, std::size_t batch) {
        auto& lane = lanes_[index];
        auto payload = journal::begin_payload();
        for (std::size_t i = 0; i < batch; ++i) {
            journal::append_entry(payload, events_[next_event_++ % events_.size()]);
        }
        lane.in_flight = {.partition = lane.partition,
                          .fence = lane.fence,
                          .expected = lane.last,
                          .record = journal::next_record(cluster, lane.partition, lane.last,
                                                         lane.fence.epoch, std::move(payload))};
        lane.sent_at = Clock::now();
        journal_.append(lane.in_flight, [this, index](journal::AppendOutcome outcome) {
            const std::scoped_lock lock(mutex_);
            if (!std::holds_alternative<journal::Appended>(outcome)) has_failed_ = true;
            finished_.push_back(index);
            changed_.notify_all();
        });
    }

    std::size_t wait_for_one() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !finished_.empty(); });
        const auto index = finished_.back();
        finished_.pop_back();
        return index;
    }

    journal::Journal& journal_;
    std::vector<std::string> events_;
    std::vector<Lane> lanes_;
    std::size_t next_event_{};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::size_t> finished_;
    bool has_failed_{};
};

int complain(const std::string& why) {
    std::cerr << why << '\n';
    return 1;
}

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"Appends to an embedded Redis journal, by events in a record."};
    double seconds = 4;
    std::string data;
    std::vector<std::size_t> batches{1, 8, 64, 256};
    app.add_option("--seconds", seconds, "Length of each measurement");
    app.add_option("--data", data, "An empty directory on the disk to be measured")->required();
    app.add_option("--batches", batches, "Events in a record")->delimiter(',');
    CLI11_PARSE(app, argc, argv);

    const auto redis = store::EmbeddedRedis::start(data);
    if (!redis) return bench::complain(store::to_string(redis.error()));
    const auto opened = store::open_redis_journal({.cluster = bench::cluster,
                                                   .partition_count = bench::partitions,
                                                   .endpoints = {(*redis)->endpoint()}});
    if (!opened) return bench::complain(store::to_string(opened.error()));
    bench::Appender appender(**opened);
    if (const auto why = appender.take_over(); !why.empty()) return bench::complain(why);
    boost::json::object line;
    for (const auto batch : batches) {
        line[std::to_string(batch)] = appender.run(batch, seconds);
    }
    if (appender.has_failed()) return bench::complain("an append was not taken");
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
