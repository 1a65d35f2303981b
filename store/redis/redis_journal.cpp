#include "store/redis/redis_journal.hpp"

#include "store/redis/creation.hpp"
#include "store/redis/limits.hpp"
#include "store/redis/redis_acceptor.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::store {
namespace {

// Whether a majority took part before the time-out; whoever else is missing may come later.
bool wait_until_ready(const QuorumJournal& journal, const std::vector<RedisAcceptor*>& acceptors,
                      base::Duration timeout) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout.us);
    while (!journal.trouble().empty()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        for (const auto* acceptor : acceptors) {
            static_cast<void>(acceptor->wait_until_ready(limits::backoff_min));
        }
    }
    return true;
}

}  // namespace

base::Result<std::unique_ptr<QuorumJournal>, StoreError> open_redis_journal(
    const RedisOptions& options) {
    const auto id = join_or_create_cluster(options);
    if (!id) return base::Failure{id.error()};
    std::vector<RedisAcceptor*> redis;
    std::vector<std::unique_ptr<Acceptor>> acceptors;
    for (const Endpoint& endpoint : options.endpoints) {
        auto acceptor = std::make_unique<RedisAcceptor>(
            Instance::Options{.endpoint = endpoint,
                              .wanted = wanted_mark(options, *id),
                              .may_join = options.may_join && options.endpoints.size() > 1,
                              .connect_timeout = options.connect_timeout,
                              .call_timeout = options.call_timeout,
                              .listener = options.listener},
            options.cluster, *id, options.partition_count);
        redis.push_back(acceptor.get());
        acceptors.push_back(std::move(acceptor));
    }
    auto journal = std::make_unique<QuorumJournal>(options.cluster, options.partition_count,
                                                   std::move(acceptors));
    if (!wait_until_ready(*journal, redis, options.open_timeout)) {
        return base::Failure{StoreError{.fault = StoreFault::unreachable,
                                        .subject = to_string(options.endpoints.front()),
                                        .expected = "a majority that stays reachable",
                                        .found = journal->trouble(),
                                        .remedy = "See what stops the instances; then try again."}};
    }
    return journal;
}

}  // namespace crossclear::store
