#include "app/demo.hpp"

#include "app/audit.hpp"
#include "app/demo_bet.hpp"
#include "app/demo_carry.hpp"
#include "app/demo_site.hpp"
#include "app/desk.hpp"
#include "app/prices.hpp"
#include "app/service.hpp"
#include "app/world.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <future>
#include <iostream>
#include <thread>

namespace crossclear::app {
namespace {

using namespace std::chrono_literals;

// What each sample client pays in, in whole units; on the shard where the demo's dollars live.
constexpr std::int64_t deposit_usdc = 25'000;
constexpr std::uint64_t show_trades_min = 100;  // Shorter runs show clients' trades alone.
constexpr std::uint64_t carry_number = 1, bet_number = 2;  // Accounts that no desk trades for.
constexpr const char* show_key = "show";
constexpr const char* show_secret = "demo-show-not-a-secret";
constexpr const char* deposit_shard = "aave-uniswap";

std::atomic<bool> was_interrupted{};
void on_signal(int) { was_interrupted = true; }

// How long a demo that was told to stop waits for answers that are still on their way.
constexpr auto stop_patience = 20s;
// What a shell says of a program that SIGINT ended.
constexpr int stopped_status = 130;

double dollars(std::int64_t cents) { return static_cast<double>(cents) / 100; }

class Demo {
public:
    explicit Demo(const DemoRun& run) : run_(run), config_(demo_config(run.options)) {
        config_.api.port = run.port;
        config_.api.ops_port = run.ops_port;
        config_.api.limits.connections_per_key_max = 1'024;
    }

    int run();

private:
    [[nodiscard]] bool start();
    [[nodiscard]] bool wait_until(const char* what, const std::function<bool()>& is_so,
                                  base::Duration patience);
    [[nodiscard]] bool open_desks();
    void deposit(const std::vector<base::AccountId>& accounts);
    [[nodiscard]] bool wait_for_deposits(const std::vector<base::AccountId>& accounts);
    [[nodiscard]] base::AccountId show_account(std::uint64_t number) const {
        return base::account_id(base::BrokerId{0}, run_.options.accounts + number);
    }
    void show_trades();
    [[nodiscard]] TraderOptions trader_for(base::AccountId account, std::uint16_t port);
    void tally_shown(std::uint32_t cleared, std::uint32_t refused, const char* what);
    void trade();
    [[nodiscard]] bool settle();
    [[nodiscard]] bool is_settled();
    void show();
    void say(const std::string& line) const;
    [[nodiscard]] std::vector<std::vector<base::AccountId>> accounts_by_desk() const;
    void add_desk_keys();
    int finish(bool is_settled);
    int give_up();
    void print_json(const AuditReport& report, const Figures& figures,
                    const Strength& strength) const;
    void stop_clients();

    DemoRun run_;
    Config config_;
    std::unique_ptr<DemoSite> site_;
    boost::asio::io_context io_;
    std::future<void> io_ended_;  // Waited for after work_ has let go.
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::vector<std::shared_ptr<Desk>> desks_;
    Budget budget_;
    Tally tally_;
    std::chrono::steady_clock::time_point started_{};
    std::chrono::steady_clock::time_point trading_until_{};
    std::chrono::steady_clock::time_point covered_at_{};
    std::uint64_t shown_answers_{};
    std::optional<CarryReport> carry_;  ///< None where it was not tried.
    bool has_show_{};
};

void Demo::say(const std::string& line) const {
    if (!run_.is_quiet) std::cerr << line << '\n' << std::flush;
}

std::vector<std::vector<base::AccountId>> Demo::accounts_by_desk() const {
    const auto desks =
        std::max<std::uint64_t>(1, std::min<std::uint64_t>(run_.desks, run_.options.accounts));
    std::vector<std::vector<base::AccountId>> table(desks);
    for (std::uint64_t i = 0; i < run_.options.accounts; ++i) {
        // Two in three are the first broker's clients.
        const base::BrokerId broker{static_cast<std::uint16_t>(i % 3 == 2 ? 1 : 0)};
        table[i % desks].push_back(base::account_id(broker, i + 1));
    }
    return table;
}

// A desk trades for many clients: its key grants each of them.
void Demo::add_desk_keys() {
    const auto table = accounts_by_desk();
    for (std::size_t i = 0; i < table.size(); ++i) {
        KeyConfig key{.id = fmt::format("desk-{}", i),
                      .secret = fmt::format("demo-desk-{}-not-a-secret", i),
                      .accounts = {},
                      .service = 0};
        for (const auto& account : table[i]) {
            key.accounts[account] = static_cast<std::uint16_t>(actors::Scope::viewer) |
                                    static_cast<std::uint16_t>(actors::Scope::trader) |
                                    static_cast<std::uint16_t>(actors::Scope::withdraw);
        }
        config_.keys.push_back(std::move(key));
    }
    const auto scopes = static_cast<std::uint16_t>(actors::Scope::viewer) |
                        static_cast<std::uint16_t>(actors::Scope::trader);
    config_.keys.push_back(
        {.id = show_key,
         .secret = show_secret,
         .accounts = {{show_account(carry_number), static_cast<std::uint16_t>(scopes)},
                      {show_account(bet_number), static_cast<std::uint16_t>(scopes)}},
         .service = 0});
}

bool Demo::start() {
    if (const auto prices = open_prices(config_, base::wall_clock_now()); !prices) {
        std::cerr << prices.error().says << '\n';
        return false;
    }
    std::error_code failure;
    std::filesystem::create_directories(config_.data_dir, failure);
    if (failure) {
        std::cerr << "cannot create " << config_.data_dir << ": " << failure.message()
                  << "; choose another place with --data\n";
        return false;
    }
    if (const auto why = other_seed_in(run_.options)) {
        std::cerr << *why << '\n';
        return false;
    }
    add_desk_keys();
    const bool is_inside = run_.nodes <= 1;
    say(fmt::format("Starting in {} (log{}) ...", config_.data_dir.string(),
                    is_inside ? ": " + demo_log_path(run_, config_)
                              : "s: " + (config_.data_dir / "cluster").string()));
    site_ = is_inside ? make_inside_site(run_, config_) : make_cluster_site(run_, config_);
    // Before there are chains, so that a demo killed at any moment leaves none without its seed.
    if (!keep_seed(run_.options)) {
        std::cerr << "cannot keep the seed in " << config_.data_dir
                  << "; free the disk or choose another place with --data\n";
        return false;
    }
    if (const auto why = site_->start([] { return !was_interrupted; })) {
        if (!was_interrupted) std::cerr << *why << '\n';
        return false;
    }
    for (const auto& line : site_->directions()) say(line);
    return wait_until(
        "the journal to be read and the brokers to be founded",
        [this] { return site_->why_not().empty(); }, base::seconds(120));
}

bool Demo::wait_until(const char* what, const std::function<bool()>& is_so,
                      base::Duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(patience.us);
    auto said = std::chrono::steady_clock::now();
    while (!is_so()) {
        site_->tend();
        if (was_interrupted) return false;
        if (std::chrono::steady_clock::now() > deadline) {
            std::cerr << "Gave up waiting for " << what << ".\n";
            for (const auto& why : site_->why_not()) {
                std::cerr << "  " << why << '\n';
            }
            return false;
        }
        if (std::chrono::steady_clock::now() - said > 5s) {
            say(fmt::format("Waiting for {} ...", what));
            said = std::chrono::steady_clock::now();
        }
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

bool Demo::open_desks() {
    work_.emplace(io_.get_executor());
    io_ended_ = std::async(std::launch::async, [this] { io_.run(); });
    // Shared with the desks: one that answers late may outlive this function.
    struct Opening {
        std::atomic<std::size_t> open{};
        std::mutex mutex;
        std::string why_not;
        std::vector<base::AccountId> empty;
    };
    const auto opening = std::make_shared<Opening>();
    const auto table = accounts_by_desk();
    for (std::size_t i = 0; i < table.size(); ++i) {
        Desk::Options options{
            .ports = [this] { return site_->ports(); },
            .number = i,
            .key_id = fmt::format("desk-{}", i),
            .secret = fmt::format("demo-desk-{}-not-a-secret", i),
            .accounts = table[i],
            .depth = run_.depth,
            .per_second = run_.rate == 0
                              ? 0
                              : std::max(1U, run_.rate / static_cast<std::uint32_t>(table.size())),
            .seed = base::hash_combine(run_.options.seed, i)};
        desks_.push_back(std::make_shared<Desk>(io_, std::move(options), config_, budget_, tally_));
        boost::asio::post(io_, [opening, desk = desks_.back()] {
            desk->open(
                [opening](const std::string& why, const std::vector<base::AccountId>& unfunded) {
                    const std::scoped_lock lock(opening->mutex);
                    if (!why.empty()) opening->why_not = why;
                    opening->empty.insert(opening->empty.end(), unfunded.begin(), unfunded.end());
                    ++opening->open;
                });
        });
    }
    const bool are_open = wait_until(
        "the sample clients to connect", [&] { return opening->open == table.size(); },
        base::seconds(60));
    if (was_interrupted) return false;
    const std::scoped_lock lock(opening->mutex);
    if (!are_open || !opening->why_not.empty()) {
        std::cerr << "A sample client could not connect: " << opening->why_not << '\n';
        return false;
    }
    const bool is_long = run_.options.trades == 0 || run_.options.trades >= show_trades_min;
    // What is shown trades perpetuals, which no real chain here has.
    has_show_ =
        is_long && run_.options.chains.empty() && opening->empty.size() == run_.options.accounts;
    if (has_show_)
        opening->empty.insert(opening->empty.end(),
                              {show_account(carry_number), show_account(bet_number)});
    if (!opening->empty.empty()) deposit(opening->empty);
    return wait_for_deposits(opening->empty);
}

void Demo::deposit(const std::vector<base::AccountId>& accounts) {
    say(fmt::format("{} clients pay in {} USDC each on {} ...", accounts.size(), deposit_usdc,
                    deposit_shard));
    const auto usdc = *config_.listing.find_asset("USDC");
    const auto shard = *config_.listing.find_shard(deposit_shard);
    const base::Amount amount{deposit_usdc * base::power_of_ten(config_.listing.asset(usdc).scale)};
    for (const auto& account : accounts) {
        if (!site_->deposit(shard, account, usdc, amount)) {
            std::cerr << "A deposit was refused by the shard.\n";
        }
    }
}

bool Demo::wait_for_deposits(const std::vector<base::AccountId>& accounts) {
    return wait_until(
        "the deposits to become final",
        [&] { return site_->figures().deposits_final >= accounts.size(); }, base::seconds(120));
}

TraderOptions Demo::trader_for(base::AccountId account, std::uint16_t port) {
    return {.address = config_.api.address,
            .port = port,
            .key_id = show_key,
            .secret = show_secret,
            .account = account,
            .seed = base::hash_combine(run_.options.seed, account.v),
            .is_wanted = [this] {
                site_->tend();
                return !was_interrupted;
            }};
}

void Demo::tally_shown(std::uint32_t cleared, std::uint32_t refused, const char* what) {
    tally_.asked += cleared + refused;
    tally_.answered += cleared + refused;
    tally_.cleared += cleared;
    for (std::uint32_t i = 0; i < refused; ++i) tally_.refuse(what);
}

// Once, and not again when the demo is resumed.
void Demo::show_trades() {
    if (!has_show_) return;
    const auto ports = site_->ports();
    if (ports.empty()) return;
    carry_ = make_carry(io_, trader_for(show_account(carry_number), ports.front()));
    tally_shown(carry_->cleared, carry_->refused, "carry");
    say(carry_->sentence());
    const auto bet =
        make_bet(io_, trader_for(show_account(bet_number), ports.front()), deposit_usdc * 100);
    tally_shown(bet.cleared, bet.refused, "bet");
    say(bet.sentence());
}

void Demo::trade() {
    const bool is_endless = run_.options.trades == 0;
    budget_.left = is_endless ? INT64_MAX : static_cast<std::int64_t>(run_.options.trades);
    if (!is_endless) budget_.left -= static_cast<std::int64_t>(tally_.asked);
    started_ = std::chrono::steady_clock::now();
    // Shared with the desks: one that never finishes may outlive this function.
    const auto finished = std::make_shared<std::atomic<std::size_t>>(0);
    for (const auto& desk : desks_) {
        boost::asio::post(io_, [finished, desk] { desk->trade([finished] { ++*finished; }); });
    }
    const bool has_end = run_.options.duration.us > 0;
    const auto until = started_ + std::chrono::microseconds(run_.options.duration.us);
    auto shown = started_;
    std::optional<std::chrono::steady_clock::time_point> interrupted;
    while (*finished < desks_.size()) {
        const auto now = std::chrono::steady_clock::now();
        site_->tend();
        if (was_interrupted && !interrupted) interrupted = now;
        if (interrupted || (has_end && now >= until)) budget_.is_stopped = true;
        if (interrupted && now - *interrupted > stop_patience) {
            std::cerr << "Gave up waiting for answers to the sample clients.\n";
            break;
        }
        if (now - shown >= 1s) {
            show();
            shown = now;
        }
        std::this_thread::sleep_for(10ms);
    }
    trading_until_ = std::chrono::steady_clock::now();
    show();
}

void Demo::show() {
    const auto figures = site_->figures();
    const auto answered = tally_.answered.load();
    const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::steady_clock::now() - started_)
                             .count();
    const auto line = fmt::format(
        "{:>6}.{:01} s  {:>8} answered  {:>8} cleared  {:>6} refused  {:>6}/s  "
        "p50 {:>5} us  p99 {:>6} us  {:>2} hedges  {:>2} assets unsettled  {} breaks",
        seconds / 1'000, seconds % 1'000 / 100, answered, tally_.cleared.load(), tally_.refused(),
        answered - shown_answers_, tally_.latency_us(500'000), tally_.latency_us(990'000),
        figures.hedges_open, figures.unsettled_assets, figures.breaks_open);
    say(line + site_->standing());
    shown_answers_ = answered;
}

// Variation leaves claims for a moment on every cycle; only those that stay are unsettled.
bool Demo::is_settled() {
    const auto figures = site_->figures();
    const auto now = std::chrono::steady_clock::now();
    if (figures.unsettled_assets == 0) covered_at_ = now;
    return figures.hedges_open == 0 && figures.moves_open == 0 && figures.held_assets == 0 &&
           figures.is_flat && now - covered_at_ < 1s;
}

bool Demo::settle() {
    say("Trading has ended; waiting until everything is settled and reconciled ...");
    std::optional<std::chrono::steady_clock::time_point> quiet_since;
    auto shown = std::chrono::steady_clock::now();
    return wait_until(
        "all claims to be settled and all residuals to be hedged",
        [&] {
            const auto now = std::chrono::steady_clock::now();
            if (now - shown >= 2s) {
                show();
                shown = now;
            }
            if (!is_settled()) {
                quiet_since.reset();
                return false;
            }
            if (!quiet_since) quiet_since = now;
            // Long enough for a withdrawal's delay and a reconciliation on every shard.
            return now - *quiet_since > 3s && site_->figures().breaks_open == 0;
        },
        run_.settle_patience);
}

void Demo::stop_clients() {
    boost::asio::post(io_, [this] {
        for (const auto& desk : desks_) desk->close();
    });
    work_.reset();
    if (io_ended_.valid()) {
        // A client that never answers the goodbye must not hold up the end.
        if (io_ended_.wait_for(2s) == std::future_status::timeout) io_.stop();
        io_ended_.get();
    }
}

int Demo::finish(bool is_settled) {
    const auto figures = site_->figures();
    const auto strength = site_->strength();
    stop_clients();
    site_->stop();
    const auto instances = open_instances(config_);
    auto options = audit_options_of(config_);
    options.is_at_rest = is_settled;
    options.instances = instances.logs;
    options.instances_count = instances.count;
    const auto report = audit(site_->journal(), config_.cluster, config_.partitions, options);
    say(fmt::format("Audit of {} records, {} accounts, {} liquidations, {} defaults: {}",
                    report.records, report.accounts, report.liquidations, report.defaults,
                    report.verdict()));
    for (const auto& violation : report.violations) std::cerr << "  " << violation << '\n';
    if (run_.has_json) print_json(report, figures, strength);
    return is_settled && report.violations.empty() && figures.breaks_open == 0 ? 0 : 1;
}

void Demo::print_json(const AuditReport& report, const Figures& figures,
                      const Strength& strength) const {
    const auto totals = site_->totals();
    boost::json::object refused;
    for (const auto& [reason, count] : tally_.refusals()) refused[reason] = count;
    boost::json::object settlements;
    for (const auto& [outcome, count] : totals.settlements) settlements[outcome] = count;
    const double gross = totals.gross_usd;
    const double hedged = totals.hedged_usd;
    boost::json::object line;
    line["trades"] = tally_.answered.load();
    line["cleared"] = tally_.cleared.load();
    line["refused"] = std::move(refused);
    line["gross_notional_usd"] = gross;
    line["hedged_notional_usd"] = hedged;
    line["netting_efficiency"] = gross > 0 ? 1 - hedged / gross : 0.0;
    line["settlements"] = std::move(settlements);
    line["withdrawals"] = tally_.withdrawals.load();
    if (carry_ && carry_->why_not.empty()) {
        line["carry"] = {{"initial_usd", dollars(carry_->together_cents)},
                         {"apart_usd", dollars(carry_->long_cents + carry_->short_cents)}};
    }
    line["liquidations"] = report.liquidations;
    line["defaults"] = report.defaults;
    line["breaks"] = figures.breaks_open;
    line["seconds"] = static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                              trading_until_ - started_)
                                              .count()) /
                      1'000;
    line["p50_us"] = tally_.latency_us(500'000);
    line["p99_us"] = tally_.latency_us(990'000);
    line["journal_events"] = report.events;
    line["nodes"] = strength.nodes;
    line["nodes_up"] = strength.nodes_up;
    line["redis"] = strength.redis;
    line["redis_up"] = strength.redis_up;
    line["repeated"] = tally_.repeated.load();
    line["audit"] = report.verdict();
    std::cout << boost::json::serialize(line) << '\n' << std::flush;
}

// Nobody has traded.
int Demo::give_up() {
    const bool is_stopped = was_interrupted;
    stop_clients();
    site_.reset();
    if (!is_stopped) return 1;
    std::cerr << "Stopped while it was starting; all its parts have ended.\n";
    return stopped_status;
}

int Demo::run() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    if (!start() || !open_desks()) return give_up();
    show_trades();
    say("Trading. Stop with Ctrl-C; kill it any other way and start it again on the same --data.");
    trade();
    was_interrupted = false;
    return finish(settle());
}

}  // namespace

std::string demo_log_path(const DemoRun& run, const Config& config) {
    return run.log_path.empty() ? (config.data_dir / "demo.log").string() : run.log_path;
}

int run_demo(const DemoRun& run) {
    Demo demo(run);
    return demo.run();
}

}  // namespace crossclear::app
