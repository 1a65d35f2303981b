#include "shards/evm/outsiders.hpp"

#include "shards/evm/dev_node.hpp"
#include "shards/evm/relayer.hpp"
#include "shards/evm/vault.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using base::Failure;
using ledger::ShardRefusal;

DepositEnd not_taken(ShardRefusal why) {
    return Failure{simulated::DepositFault{Refused{.why = why}}};
}

}  // namespace

struct Outsiders::State {
    // What other threads want of one chain's.
    struct Inbox {
        std::map<base::AssetId, base::Price> prices;
        std::vector<DepositWish> deposits;
        std::vector<std::pair<Passage, base::Timestamp>> passages;

        [[nodiscard]] bool is_empty() const {
            return prices.empty() && deposits.empty() && passages.empty();
        }
    };
    struct Worker {
        Worker(const ChainSite& of, State& all)
            : site(of),
              node(of.url, all.is_over),
              maker(of, all.options.listing, all.options.log),
              clients(of, all.options.receipt_patience, all.options.log),
              departures(of),
              arrivals(of, all.options.log) {}

        template <class Put>
        void tell(const Put& put) {
            {
                const std::lock_guard lock{mutex};
                put(inbox);
            }
            woken.notify_one();
        }

        const ChainSite& site;
        DevNode node;
        VenueMaker maker;
        DevClients clients;
        Departures departures;
        Arrivals arrivals;
        std::mutex mutex;
        std::condition_variable woken;
        Inbox inbox;
        std::thread thread;
    };

    explicit State(OutsidersOptions given) : options(std::move(given)) {
        if (!options.log) options.log = [](std::string_view, std::string_view) {};
        for (const auto& site : options.sites) workers.emplace_back(site, *this);
        // Threads last: each knows all the others.
        for (auto& worker : workers) {
            worker.thread = std::thread([this, &worker] { run(worker); });
        }
    }
    ~State() {
        is_over = true;
        for (auto& worker : workers) worker.tell([](Inbox&) {});
        for (auto& worker : workers) worker.thread.join();
        for (auto& worker : workers) {
            // Its clients end them.
            for (auto& wish : worker.inbox.deposits) worker.clients.add(std::move(wish));
        }
    }

    void run(Worker& worker) {
        while (!is_over) {
            for (auto& wish : take(worker)) worker.clients.add(std::move(wish));
            worker.clients.work(worker.node);
            worker.maker.work(worker.node);
            if (is_relaying) relay(worker);
            std::unique_lock lock{worker.mutex};
            worker.woken.wait_for(lock, std::chrono::microseconds(options.poll.us),
                                  [&] { return is_over || !worker.inbox.is_empty(); });
        }
    }

    std::vector<DepositWish> take(Worker& worker) {
        Inbox taken;
        {
            const std::lock_guard lock{worker.mutex};
            std::swap(taken, worker.inbox);
        }
        for (const auto& [asset, price] : taken.prices) worker.maker.want(asset, price);
        for (const auto& [passage, due] : taken.passages) worker.arrivals.add(passage, due);
        return std::move(taken.deposits);
    }

    void relay(Worker& worker) {
        if (const auto departed = worker.departures.take(worker.node)) {
            const auto due = base::wall_clock_now() + options.relay_latency;
            for (const auto& passage : *departed) send(worker, passage, due);
        }
        worker.arrivals.work(worker.node);
    }

    void send(const Worker& from, const Passage& passage, base::Timestamp due) {
        const auto there = std::find_if(workers.begin(), workers.end(), [&](const Worker& one) {
            return one.site.chain_id == passage.to_chain;
        });
        if (there == workers.end()) {
            options.log("What a bridge has sent is for no chain of the site.", from.site.shard);
            return;
        }
        there->tell([&](Inbox& inbox) { inbox.passages.emplace_back(passage, due); });
    }

    OutsidersOptions options;
    std::atomic<bool> is_over{false};
    std::atomic<bool> is_relaying{true};
    std::list<Worker> workers;
};

Outsiders::Outsiders(OutsidersOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

Outsiders::~Outsiders() = default;

DepositEnd Outsiders::deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                              base::Amount amount) {
    const auto& options = state_->options;
    const auto& listing = options.listing;
    const std::size_t broker = base::broker_of(account).v;
    const bool is_known = shard.v < listing.shards.size() && asset.v < listing.assets.size() &&
                          broker < options.brokers.size() && amount.v > 0;
    if (!is_known) return not_taken(ShardRefusal::unsupported);
    auto& workers = state_->workers;
    const auto worker = std::find_if(workers.begin(), workers.end(), [&](const State::Worker& one) {
        return one.site.shard == listing.shard(shard).symbol;
    });
    if (worker == workers.end()) return not_taken(ShardRefusal::unsupported);
    const auto* token = worker->site.token_of(listing.asset(asset).symbol);
    const auto* vault = worker->site.vault(options.brokers[broker]);
    if (token == nullptr || vault == nullptr) return not_taken(ShardRefusal::unsupported);
    const auto unit = unit_of({asset, token->contract, token->decimals}, listing);
    if (!unit) return not_taken(ShardRefusal::unsupported);

    // Its end may come after nobody waits any more.
    const auto end = std::make_shared<std::promise<DepositEnd>>();
    auto ended = end->get_future();
    worker->tell([&](State::Inbox& inbox) {
        inbox.deposits.push_back(
            {.vault = vault->contract,
             .symbol = token->symbol,
             .amount = static_cast<std::uint64_t>(amount.v) * *unit,
             .account = account.v,
             .until = base::wall_clock_now() + options.deposit_patience,
             .done = [end](DepositEnd how) { end->set_value(std::move(how)); }});
    });
    // Longer than the clients themselves: what they say is worth more.
    const auto patience = options.deposit_patience + options.receipt_patience + base::seconds(10);
    const auto status = ended.wait_for(std::chrono::microseconds(patience.us));
    if (status == std::future_status::ready) return ended.get();
    return Failure{simulated::DepositFault{NoAnswer{}}};
}

void Outsiders::set_price(base::AssetId asset, base::Price price) {
    for (auto& worker : state_->workers) {
        worker.tell([&](State::Inbox& inbox) { inbox.prices[asset] = price; });
    }
}

void Outsiders::set_funding(base::AssetId, base::Price) {}

void Outsiders::relay(bool is_on) { state_->is_relaying = is_on; }

}  // namespace crossclear::shards::evm
