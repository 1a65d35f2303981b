#include "base/limits.hpp"
#include "bench/load.hpp"
#include "bench/measured_service.hpp"
#include "bench/order_times.hpp"
#include "bench/withdrawals.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

// The whole service in one process on real chains, which somebody else has raised: clients' trades,
// whose claims are settled in batches, and withdrawals, each an order of its own. At the end the
// books are audited, and how long orders took is read from the journal.

namespace crossclear::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t trader_usdc = 25'000;
constexpr const char* trader_shard = "aave-uniswap";
// So many clients share a lane's withdrawals: an account has few under way.
constexpr std::uint64_t clients_per_lane = 10;
constexpr std::int64_t withdrawer_usdc = 50'000;
constexpr std::int64_t withdrawn_usdc = 1;
constexpr base::Duration fill_step = base::seconds(2);
// Beside the traders' numbers.
constexpr std::uint64_t first_withdrawer = 100'001;

struct Options {
    std::string data;
    std::string site;
    double seconds{10};
    double warm_seconds{3};
    double steady_seconds{120};
    LoadOptions load;
    std::uint32_t depth{16};
    std::uint32_t trades_per_second{};
    std::uint32_t open_max{64};  // As many as a lane has nonces.
    std::uint32_t orders_per_second{200};
    std::uint32_t steady_trades_per_second{400};
    std::vector<std::string> phases{"trades", "orders", "paced", "steady"};
};

base::Duration span_of(double seconds) {
    return base::Duration{static_cast<std::int64_t>(seconds * 1e6)};
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// What one phase of orders was, to be found again in the journal.
struct Window {
    std::string phase;
    base::Timestamp from;
    base::Timestamp until;
    std::uint64_t finished{};
    double in_flight{};  // In each lane, on average.
};

boost::json::object quantiles(const std::vector<OrderTimes>& orders,
                              const std::function<base::Duration(const OrderTimes&)>& span) {
    Latencies latencies;
    for (const auto& order : orders) latencies.add(span(order).us);
    boost::json::object line;
    latencies.write(line);
    return line;
}

class Run {
public:
    explicit Run(Options options) : options_(std::move(options)) {
        app::DemoOptions demo;
        demo.data_dir = options_.data;
        demo.chains = options_.site;
        config_ = measured_config(demo);
        // What clients wait for to be on the safe side is not what is measured.
        for (auto& broker : config_.brokers) {
            broker.withdrawal_delay = {};
            broker.withdrawal_gate_per_hour = base::Ppm{base::ppm_one};
            broker.withdrawal_gate_per_day = base::Ppm{base::ppm_one};
        }
        add_keys(options_.load, config_);
    }

    /// Runs every phase and the audit. Returns why it could not, or nothing.
    std::optional<std::string> run(boost::json::object& line) {
        if (auto why = start()) return why;
        options_.load.ports = {service_->port()};
        Load load(config_, options_.load, [this] { return service_.marks(); });
        if (auto why = load.open()) return why;
        if (auto why = run_phases(load, line)) return why;
        return check(load.cleared(), line);
    }

private:
    // Who withdraws has a session, which ends before the service does.
    std::optional<std::string> run_phases(Load& load, boost::json::object& line) {
        Withdrawals withdrawals(service_->node(), lanes_, service_.usdc(),
                                service_.whole(service_.usdc(), withdrawn_usdc));
        for (const auto& phase : options_.phases) {
            if (phase == "trades") line[phase] = trade(load);
            if (phase == "orders" || phase == "paced") {
                if (auto why = order(withdrawals, phase)) return why;
            }
        }
        take_outside_times();
        if (has_phase("steady")) {
            if (auto why = hold_steady(load, withdrawals, line)) return why;
        }
        boost::json::object refused;
        for (const auto& [reason, count] : withdrawals.refused()) refused[reason] = count;
        line["withdrawals_refused"] = std::move(refused);
        return std::nullopt;
    }

    [[nodiscard]] bool has_phase(const char* name) const {
        return std::find(options_.phases.begin(), options_.phases.end(), name) !=
               options_.phases.end();
    }

    std::optional<std::string> start() {
        const auto sites = shards::evm::read_sites(options_.site);
        if (!sites) return sites.error();
        for (const auto& site : *sites) {
            blocks_.emplace(*config_.listing.find_shard(site.shard),
                            std::make_unique<BlockWatch>(site));
        }
        auto why = service_.start(
            {.between = [&](std::unique_ptr<shards::Shard> behind, base::BrokerId broker,
                            base::ShardId shard) -> std::unique_ptr<shards::Shard> {
                auto meter = std::make_unique<MeteredShard>(std::move(behind));
                const auto& site =
                    *shards::evm::site_of(*sites, config_.listing.shard(shard).symbol);
                add_lane(broker, shard, *meter, shards::evm::to_hex(site.clients.front()));
                return meter;
            }});
        if (why) return why;
        return fund();
    }

    void add_lane(base::BrokerId broker, base::ShardId shard, MeteredShard& meter,
                  std::string destination) {
        WithdrawalLane lane{.broker = broker,
                            .shard = shard,
                            .meter = &meter,
                            .accounts = {},
                            .destination = std::move(destination)};
        for (std::uint64_t i = 0; i < clients_per_lane; ++i) {
            lane.accounts.push_back(
                base::account_id(broker, first_withdrawer + shard.v * clients_per_lane + i));
        }
        lanes_.push_back(std::move(lane));
    }

    std::optional<std::string> fund() {
        std::vector<PayIn> deposits;
        const auto shard = *config_.listing.find_shard(trader_shard);
        for (std::uint64_t i = 0; i < options_.load.accounts; ++i) {
            deposits.push_back({.shard = shard, .account = account_at(i), .usdc = trader_usdc});
        }
        for (const auto& lane : lanes_) {
            for (const auto account : lane.accounts) {
                deposits.push_back(
                    {.shard = lane.shard, .account = account, .usdc = withdrawer_usdc});
            }
        }
        return service_.pay_in(deposits);
    }

    [[nodiscard]] double settled() const {
        return service_->instruments().settlement.settlements_total.with({"settled"}).value();
    }
    [[nodiscard]] std::uint64_t finished() const {
        std::uint64_t sum = 0;
        for (const auto& lane : lanes_) sum += lane.meter->finished();
        return sum;
    }

    boost::json::object trade(Load& load) {
        double settled_before = 0;
        double settled_after = 0;
        std::uint64_t finished_before = 0;
        std::uint64_t finished_after = 0;
        auto result = load.run(
            {.depth = options_.depth,
             .per_second = options_.trades_per_second,
             .warm = span_of(options_.warm_seconds),
             .measured = span_of(options_.seconds)},
            [&] {
                settled_before = settled();
                finished_before = finished();
            },
            [&] {
                settled_after = settled();
                finished_after = finished();
            });
        boost::json::object line;
        line["per_second"] = (settled_after - settled_before) / result.seconds;
        line["cleared_per_second"] = static_cast<double>(result.cleared) / result.seconds;
        line["orders_per_second"] =
            static_cast<double>(finished_after - finished_before) / result.seconds;
        return line;
    }

    // Withdrawals alone, for the journal to tell later how long they took.
    std::optional<std::string> order(Withdrawals& withdrawals, const std::string& phase) {
        const bool is_paced = phase == "paced";
        withdrawals.start({.open_max = options_.open_max,
                           .per_second = is_paced ? options_.orders_per_second : 0});
        std::this_thread::sleep_for(std::chrono::microseconds(span_of(options_.warm_seconds).us));
        Window window{.phase = phase, .from = base::wall_clock_now(), .until = {}};
        const auto before = withdrawals.finished();
        const auto until = window.from + span_of(options_.seconds);
        std::uint64_t looks = 0;
        double in_flight = 0;
        while (base::wall_clock_now() < until) {
            std::this_thread::sleep_for(10ms);
            ++looks;
            for (const auto& lane : lanes_) {
                in_flight += static_cast<double>(lane.meter->in_flight());
            }
        }
        window.finished = withdrawals.finished() - before;
        window.until = base::wall_clock_now();
        window.in_flight = in_flight / static_cast<double>(looks * lanes_.size());
        windows_.push_back(window);
        if (!withdrawals.stop()) return "withdrawals did not end within 120 s";
        return std::nullopt;
    }

    void take_outside_times() {
        for (const auto& lane : lanes_) {
            outside_.left.merge(lane.meter->sent());
            lane.meter->forget();
        }
        for (const auto& [shard, watch] : blocks_) {
            outside_.blocks[shard] = watch->seen();
            watch->forget();
        }
    }

    // An account remembers its latest answers. Until it has so many memory grows, and has to.
    std::optional<std::string> fill(Load& load, Withdrawals& withdrawals) const {
        const auto remembered = options_.load.accounts * base::limits::answered_max;
        while (load.cleared() < remembered + remembered / 10) {
            (void)load.run(
                {.depth = options_.depth, .per_second = 0, .warm = {}, .measured = fill_step},
                [] {}, [] {});
        }
        if (!withdrawals.ask_in_vain(base::limits::answered_max)) {
            return "refusals of withdrawals did not come within 120 s";
        }
        return std::nullopt;
    }

    // Both at a pace, for long: what is resident in the end is what was when all was warm.
    std::optional<std::string> hold_steady(Load& load, Withdrawals& withdrawals,
                                           boost::json::object& line) {
        if (auto why = fill(load, withdrawals)) return why;
        withdrawals.start(
            {.open_max = options_.open_max, .per_second = options_.orders_per_second});
        std::vector<double> resident;
        std::atomic<bool> is_over{};
        std::thread looking([&] {
            while (!is_over) {
                resident.push_back(static_cast<double>(resident_bytes()));
                std::this_thread::sleep_for(250ms);
            }
        });
        const auto settled_before = settled();
        const auto finished_before = finished();
        const auto begun = base::wall_clock_now();
        (void)load.run(
            {.depth = options_.depth,
             .per_second = options_.steady_trades_per_second,
             .warm = {},
             .measured = span_of(options_.steady_seconds)},
            [] {}, [] {});
        const auto seconds = static_cast<double>((base::wall_clock_now() - begun).us) / 1e6;
        is_over = true;
        looking.join();
        const auto quarter = [&](std::size_t number) {
            const auto size = resident.size() / 4;
            const auto first = resident.begin() + static_cast<std::ptrdiff_t>((number - 1) * size);
            return median({first, first + static_cast<std::ptrdiff_t>(size)});
        };
        boost::json::object steady;
        steady["per_second"] = (settled() - settled_before) / seconds;
        steady["orders_per_second"] = static_cast<double>(finished() - finished_before) / seconds;
        for (std::size_t i = 1; i <= 4; ++i) {
            steady[fmt::format("quarter_{}_bytes", i)] = quarter(i);
        }
        steady["growth"] = quarter(4) / quarter(2) - 1;
        line["steady"] = std::move(steady);
        if (!withdrawals.stop()) return "withdrawals did not end within 120 s";
        return std::nullopt;
    }

    std::optional<std::string> check(std::uint64_t cleared, boost::json::object& line) {
        line["trades_cleared"] = cleared;
        if (auto why = service_.audit(cleared, line)) return why;
        const auto read =
            read_orders(service_->journal(), config_.cluster, config_.partitions, outside_);
        if (!read) return read.error();
        for (const auto& window : windows_) line[window.phase] = line_of(window, read->orders);
        return std::nullopt;
    }

    boost::json::object line_of(const Window& window, const std::vector<OrderTimes>& all) const {
        std::vector<OrderTimes> orders;
        for (const auto& order : all) {
            if (order.handed >= window.from && order.handed < window.until) orders.push_back(order);
        }
        boost::json::object line;
        const auto seconds = static_cast<double>((window.until - window.from).us) / 1e6;
        line["per_second"] = static_cast<double>(window.finished) / seconds;
        line["in_flight"] = window.in_flight;
        line["orders"] = orders.size();
        const auto add = [&](const char* name, auto span) { line[name] = quantiles(orders, span); };
        add("ours_included", [](const OrderTimes& of) { return of.ours_included(); });
        add("ours_final", [](const OrderTimes& of) { return of.ours_final(); });
        add("handed_to_left", [](const OrderTimes& of) { return of.left - of.handed; });
        add("left_to_block", [](const OrderTimes& of) { return of.block - of.left; });
        add("block_to_told", [](const OrderTimes& of) { return of.told_included - of.block; });
        add("final_to_told", [](const OrderTimes& of) { return of.told_final - of.final_block; });
        add("handed_to_final", [](const OrderTimes& of) { return of.told_final - of.handed; });
        return line;
    }

    Options options_;
    app::Config config_;
    std::vector<WithdrawalLane> lanes_;
    std::map<base::ShardId, std::unique_ptr<BlockWatch>> blocks_;
    OutsideTimes outside_;
    std::vector<Window> windows_;
    MeasuredService service_{config_};
};

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"The service on real chains: settlements, orders, and what it adds to them."};
    bench::Options options;
    options.load.accounts = 60;
    app.add_option("--data", options.data, "An empty directory on a disk")->required();
    app.add_option("--site", options.site, "What deploy/chain/site.mjs has written")->required();
    app.add_option("--seconds", options.seconds, "Length of each measurement but the last");
    app.add_option("--warm", options.warm_seconds, "Seconds before each that do not count");
    app.add_option("--steady-seconds", options.steady_seconds, "Length of phase steady");
    app.add_option("--open", options.open_max, "Withdrawals under way in each lane, at most");
    app.add_option("--rate", options.orders_per_second,
                   "Withdrawals a second in phases paced and steady");
    app.add_option("--trades", options.trades_per_second,
                   "Trades a second in phase trades; 0: as fast as answers come");
    app.add_option("--steady-trades", options.steady_trades_per_second,
                   "Trades a second in phase steady");
    app.add_option("--phases", options.phases,
                   "What to measure: trades, orders (as many as may be open), paced, steady (both "
                   "at a pace, for memory)")
        ->delimiter(',')
        ->check(CLI::IsMember({"trades", "orders", "paced", "steady"}));
    app.add_option("--seed", options.load.seed, "What the clients' choices begin with");
    CLI11_PARSE(app, argc, argv);

    boost::json::object line;
    const auto why = bench::Run(options).run(line);
    if (why) {
        std::cerr << *why << '\n';
        return 1;
    }
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
