#include "store/redis/redis_directory.hpp"

#include "store/directory/limits.hpp"
#include "store/directory/rules.hpp"
#include "store/quorum/majority.hpp"
#include "store/redis/creation.hpp"
#include "store/redis/limits.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

namespace crossclear::store {
namespace {

// For what is only tidied up: whoever missed it forgets when the time is up.
void ignore(const CallResult&) {}

}  // namespace

// Gathers one word of each instance and hands them on when the last has come.
class RedisDirectory::Round {
public:
    using Done = std::function<void(const std::vector<Ballot>&)>;

    Round(std::size_t instances, Done done)
        : ballots_(instances), missing_(instances), done_(std::move(done)) {}

    void enter(std::size_t instance, Ballot ballot) {
        {
            const std::lock_guard lock(mutex_);
            ballots_[instance] = std::move(ballot);
            if (--missing_ > 0) return;
        }
        done_(ballots_);
    }

private:
    std::mutex mutex_;
    std::vector<Ballot> ballots_;
    std::size_t missing_;
    const Done done_;
};

base::Result<std::unique_ptr<RedisDirectory>, StoreError> RedisDirectory::open(
    const RedisOptions& options) {
    const auto id = join_or_create_cluster(options);
    if (!id) return base::Failure{id.error()};
    auto directory = std::make_unique<RedisDirectory>(options, *id);
    // All of them, if they are there: what is decided without one may have to be taken back.
    if (directory->wait_for(options.endpoints.size(), options.connect_timeout)) return directory;
    if (directory->wait_for(majority_of(options.endpoints.size()), options.open_timeout)) {
        return directory;
    }
    return base::Failure{StoreError{.fault = StoreFault::unreachable,
                                    .subject = to_string(options.endpoints.front()),
                                    .expected = "a majority that stays reachable",
                                    .found = directory->instances_.front()->standing().why,
                                    .remedy = "See what stops the instances; then try again."}};
}

RedisDirectory::RedisDirectory(const RedisOptions& options, std::string id)
    : id_(std::move(id)), partition_count_(options.partition_count) {
    for (const Endpoint& endpoint : options.endpoints) {
        instances_.push_back(std::make_unique<Instance>(
            Instance::Options{.endpoint = endpoint,
                              .wanted = wanted_mark(options, id_),
                              .may_join = false,
                              .may_be_replaced = true,
                              .connect_timeout = options.connect_timeout,
                              .call_timeout = std::min(options.call_timeout, limits::beat_timeout),
                              .listener = {}}));
    }
}

RedisDirectory::~RedisDirectory() { stop(); }

void RedisDirectory::stop() {
    is_stopped_ = true;
    for (const auto& instance : instances_) instance->stop();
}

bool RedisDirectory::wait_for(std::size_t instances, base::Duration timeout) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout.us);
    const auto votes = [](const auto& instance) {
        return instance->standing().kind == Standing::Kind::voting;
    };
    while (static_cast<std::size_t>(std::ranges::count_if(instances_, votes)) < instances) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        for (const auto& instance : instances_) {
            static_cast<void>(instance->wait_until_ready(limits::backoff_min));
        }
    }
    return true;
}

void RedisDirectory::beat(Beat beat, std::function<void(BeatOutcome)> done) {
    if (is_stopped_) return;
    if (std::string refusal = refusal_of(beat, partition_count_); !refusal.empty()) {
        return done(BeatRefused{std::move(refusal)});
    }
    const auto call = std::make_shared<const Call>(beat_call(id_, beat));
    const auto round = std::make_shared<Round>(
        instances_.size(),
        [this, beat = std::move(beat), done = std::move(done)](const std::vector<Ballot>& ballots) {
            conclude(beat, ballots, done);
        });
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        Instance& instance = *instances_[i];
        const Standing standing = instance.standing();
        if (standing.kind == Standing::Kind::away) {
            const bool is_silent = instance.fault() == StoreFault::unreachable;
            round->enter(i, is_silent ? Ballot{Silent{standing.why}} : Opposed{standing.why});
            continue;
        }
        instance.submit(call, [this, i, round](const CallResult& result) {
            if (wants_sweep(result)) {
                instances_[i]->submit(std::make_shared<const Call>(sweep_call(id_)), &ignore);
            }
            round->enter(i, parse_beat(result, partition_count_));
        });
    }
}

void RedisDirectory::conclude(const Beat& beat, const std::vector<Ballot>& ballots,
                              const std::function<void(BeatOutcome)>& done) {
    Verdict verdict = count_ballots(beat, ballots, partition_count_);
    // Before the answer, so that the next beat follows what is taken back.
    if (verdict.must_withdraw) {
        tell_all(leave_call(id_, beat.self));
    } else if (!verdict.yielded.empty()) {
        tell_all(yield_call(id_, beat.self, verdict.yielded));
    }
    if (!is_stopped_) done(std::move(verdict.outcome));
}

void RedisDirectory::tell_all(const Call& call) {
    const auto shared = std::make_shared<const Call>(call);
    for (const auto& instance : instances_) {
        if (instance->standing().kind != Standing::Kind::away) instance->submit(shared, &ignore);
    }
}

void RedisDirectory::leave(Member self, std::function<void(bool)> done) {
    if (is_stopped_) return;
    const auto call = std::make_shared<const Call>(leave_call(id_, self));
    const auto round = std::make_shared<Round>(
        instances_.size(), [this, done = std::move(done)](const std::vector<Ballot>& ballots) {
            const auto noted = std::count_if(ballots.begin(), ballots.end(), [](const auto& one) {
                return std::holds_alternative<Noted>(one);
            });
            if (is_stopped_) return;
            done(static_cast<std::size_t>(noted) >= majority_of(ballots.size()));
        });
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        if (instances_[i]->standing().kind == Standing::Kind::away) {
            round->enter(i, Silent{});
            continue;
        }
        instances_[i]->submit(call, [i, round](const CallResult& result) {
            round->enter(i, says_ok(result) ? Ballot{Noted{}} : Silent{});
        });
    }
}

}  // namespace crossclear::store
