#include "store/redis/creation.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "store/quorum/majority.hpp"
#include "store/redis/connection.hpp"
#include "store/redis/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace crossclear::store {
namespace {

using Clock = std::chrono::steady_clock;

// One instance that answered and is configured as it must be.
struct Examined {
    Connection connection;
    std::optional<Mark> mark;
    bool is_blank{};
};

using Candidates = std::vector<std::optional<Examined>>;

base::Result<void, StoreError> check_options(const RedisOptions& options) {
    const auto invalid = [&](std::string expected, std::string found) {
        return base::Failure{StoreError{.fault = StoreFault::options_invalid,
                                        .subject = fmt::format("journal \"{}\"", options.cluster),
                                        .expected = std::move(expected),
                                        .found = std::move(found),
                                        .remedy = "Correct the configuration of the journal."}};
    };
    const std::size_t count = options.endpoints.size();
    if (count % 2 == 0 || count > limits::instances_max) {
        return invalid(fmt::format("an odd number of instances up to {}", limits::instances_max),
                       std::to_string(count));
    }
    if (options.partition_count == 0 || options.partition_count > base::limits::partitions_max) {
        return invalid(fmt::format("1 to {} partitions", base::limits::partitions_max),
                       std::to_string(options.partition_count));
    }
    if (options.cluster.empty()) return invalid("a name for the cluster", "none");
    return {};
}

base::Result<Examined, StoreError> examine(const Endpoint& endpoint, base::Duration timeout) {
    auto connection = Connection::open(endpoint, timeout);
    if (!connection) return base::Failure{connection.error()};
    if (const auto settings = check_settings(*connection); !settings) {
        return base::Failure{settings.error()};
    }
    const auto mark = read_mark(*connection);
    if (!mark) return base::Failure{mark.error()};
    const auto blank = is_blank(*connection);
    if (!blank) return base::Failure{blank.error()};
    return Examined{.connection = std::move(connection).value(), .mark = *mark, .is_blank = *blank};
}

bool is_voter(const std::optional<Examined>& candidate) {
    return candidate && candidate->mark && !is_joining(*candidate->mark);
}

bool has_marked_majority(const Candidates& candidates) {
    const auto voters = std::count_if(candidates.begin(), candidates.end(), is_voter);
    return static_cast<std::size_t>(voters) >= majority_of(candidates.size());
}

bool is_complete(const Candidates& candidates) {
    for (const auto& candidate : candidates) {
        if (!candidate) return false;
    }
    return true;
}

// Asks everyone in rounds until all have answered, or a majority of a cluster that exists, or the
// time is up. Only silence is waited out: a refusal is reported at once.
base::Result<Candidates, StoreError> gather(const RedisOptions& options) {
    const auto deadline = Clock::now() + std::chrono::microseconds(options.open_timeout.us);
    Candidates candidates(options.endpoints.size());
    std::optional<StoreError> silence;
    while (true) {
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            if (candidates[i]) continue;
            auto examined = examine(options.endpoints[i], options.connect_timeout);
            if (examined) {
                candidates[i].emplace(std::move(examined).value());
            } else if (examined.error().fault == StoreFault::unreachable) {
                silence = examined.error();
            } else {
                return base::Failure{examined.error()};
            }
        }
        if (is_complete(candidates) || has_marked_majority(candidates)) return candidates;
        if (Clock::now() >= deadline) {
            CHECK(silence.has_value(), "whoever is missing did not answer");
            return base::Failure{*silence};
        }
        std::this_thread::sleep_for(std::chrono::microseconds(limits::backoff_min.us));
    }
}

// Whether no instance can have promised or recorded anything yet.
bool may_be_marked(const Candidates& candidates) {
    for (const auto& candidate : candidates) {
        if (!candidate || (candidate->mark && !candidate->is_blank)) return false;
    }
    return true;
}

// Marks those that are not; someone else may be doing the same, so what stands there is read back.
base::Result<void, StoreError> mark_all(Candidates& candidates, Mark mark) {
    for (auto& candidate : candidates) {
        if (candidate->mark) continue;
        mark.instance = random_mark_id();
        if (const auto written = write_mark(candidate->connection, mark); !written) {
            return base::Failure{written.error()};
        }
        const auto standing = read_mark(candidate->connection);
        if (!standing) return base::Failure{standing.error()};
        if (!standing->has_value()) {
            return base::Failure{unmarked_error(candidate->connection.name())};
        }
        Mark wanted = mark;
        wanted.instance.clear();
        if (candidates.size() == 1) wanted.id.clear();
        const auto match = match_mark(candidate->connection.name(), wanted, **standing);
        if (!match) return base::Failure{match.error()};
        candidate->mark = *standing;
    }
    return {};
}

// Two votes of one log are one vote.
StoreError copy_error(const std::string& subject) {
    return StoreError{.fault = StoreFault::wrong_cluster,
                      .subject = subject,
                      .expected = "an instance of its own",
                      .found = "the same one as at another endpoint, or a copy of its data",
                      .remedy =
                          "Correct the endpoints. If it is a copy: FLUSHALL there, and it "
                          "is given its logs again."};
}

// The id of the cluster that the marked instances belong to; nothing if none is marked.
base::Result<std::string, StoreError> common_id(const Candidates& candidates,
                                                const RedisOptions& options) {
    std::string id;
    std::set<std::string> instances;
    for (const auto& candidate : candidates) {
        if (!is_voter(candidate)) continue;
        const auto& name = candidate->connection.name();
        const auto match = match_mark(name, wanted_mark(options, id), *candidate->mark);
        if (!match) return base::Failure{match.error()};
        id = candidate->mark->id;
        if (!instances.insert(candidate->mark->instance).second) {
            return base::Failure{copy_error(name)};
        }
    }
    return id;
}

}  // namespace

Mark wanted_mark(const RedisOptions& options, const std::string& id) {
    return Mark{.cluster = options.cluster,
                .id = id,
                .partition_count = options.partition_count,
                .format = mark_format,
                .instance = {}};
}

base::Result<std::string, StoreError> join_or_create_cluster(const RedisOptions& options) {
    if (const auto valid = check_options(options); !valid) return base::Failure{valid.error()};
    auto candidates = gather(options);
    if (!candidates) return base::Failure{candidates.error()};
    auto id = common_id(*candidates, options);
    if (!id) return id;
    if (options.may_create && may_be_marked(*candidates)) {
        const std::string chosen = id->empty() ? random_mark_id() : *id;
        if (const auto marked = mark_all(*candidates, wanted_mark(options, chosen)); !marked) {
            return base::Failure{marked.error()};
        }
        return common_id(*candidates, options);
    }
    if (has_marked_majority(*candidates)) return id;
    for (const auto& candidate : *candidates) {
        if (candidate && !is_voter(candidate)) {
            return base::Failure{unmarked_error(candidate->connection.name())};
        }
    }
    UNREACHABLE("whoever is missing was reported, whoever is unmarked as well");
}

}  // namespace crossclear::store
