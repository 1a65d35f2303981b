#include "bench/withdrawals.hpp"

#include "base/check.hpp"
#include "base/thread_name.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace crossclear::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(120);
constexpr std::size_t in_vain_max = 1'024;  // On their way, before it is the next round's turn.
constexpr base::Amount more_than_there_is{INT64_MAX / 2};

class DeafSink final : public actors::SessionSink {
public:
    void publish(const std::shared_ptr<const actors::Publication>&) override {}
    void close(std::uint16_t, std::string) override {}
};

}  // namespace

Withdrawals::Withdrawals(actors::Node& node, std::vector<WithdrawalLane> lanes, base::AssetId asset,
                         base::Amount amount)
    : node_(node),
      asset_(asset),
      amount_(amount),
      session_(node_.open_session(std::make_shared<DeafSink>())) {
    actors::Identity identity{.key = "bench", .accounts = {}, .service = 0};
    for (auto& lane : lanes) {
        for (const auto account : lane.accounts) {
            identity.accounts[account] = static_cast<std::uint16_t>(actors::Scope::withdraw);
        }
        lane.meter->on_final = [bell = bell_] {
            // Whoever looks holds it while it does, or would miss this.
            {
                const std::scoped_lock lock(bell->mutex);
            }
            bell->rings.notify_all();
        };
        lanes_.push_back({.lane = std::move(lane)});
    }
    session_->identify(std::move(identity));
    thread_ = std::thread([this] {
        base::name_this_thread("clients");
        run();
    });
}

Withdrawals::~Withdrawals() {
    {
        const std::scoped_lock lock(bell_->mutex);
        is_over_ = true;
    }
    bell_->rings.notify_all();
    thread_.join();
}

void Withdrawals::start(const WithdrawalPlan& plan) {
    const std::scoped_lock lock(bell_->mutex);
    plan_ = plan;
    for (auto& of : lanes_) {
        of.asked = 0;
        of.finished_before = of.lane.meter->finished();
    }
    is_asking_ = true;
    bell_->rings.notify_all();
}

bool Withdrawals::stop() {
    std::unique_lock lock(bell_->mutex);
    is_asking_ = false;
    return bell_->rings.wait_for(lock, patience, [this] {
        return std::all_of(lanes_.begin(), lanes_.end(),
                           [this](const Standing& of) { return open_in(of) == 0; });
    });
}

// Others' orders end in the same lane: as many are asked for too much, for a moment.
std::uint64_t Withdrawals::open_in(const Standing& of) const {
    const auto ended = of.lane.meter->finished() - of.finished_before;
    return of.asked > ended ? of.asked - ended : 0;
}

std::uint64_t Withdrawals::finished() const {
    const std::scoped_lock lock(bell_->mutex);
    std::uint64_t sum = 0;
    for (const auto& of : lanes_) sum += of.lane.meter->finished() - of.finished_before;
    return sum;
}

std::map<std::string, std::uint64_t> Withdrawals::refused() const {
    const std::scoped_lock lock(bell_->mutex);
    return refused_;
}

void Withdrawals::run() {
    std::unique_lock lock(bell_->mutex);
    std::size_t next = 0;
    auto due = Clock::now();
    while (!is_over_) {
        const bool is_paced = plan_.per_second > 0;
        const bool is_due = is_asking_ && (!is_paced || Clock::now() >= due);
        std::size_t looked_at = 0;
        while (is_due && looked_at < lanes_.size() && open_in(lanes_[next]) >= plan_.open_max) {
            next = (next + 1) % lanes_.size();
            ++looked_at;
        }
        if (!is_due || looked_at == lanes_.size()) {
            // What is not asked for now is not made up for.
            if (is_due) due = Clock::now();
            if (is_asking_ && is_paced && !is_due) {
                bell_->rings.wait_until(lock, due);
            } else {
                bell_->rings.wait(lock);
                if (due < Clock::now()) due = Clock::now();
            }
            continue;
        }
        if (is_paced) due += std::chrono::microseconds(1'000'000 / plan_.per_second);
        const auto lane = std::exchange(next, (next + 1) % lanes_.size());
        ++lanes_[lane].asked;
        lock.unlock();
        ask(lane);
        lock.lock();
    }
}

// The account whose turn it is.
actors::Withdraw Withdrawals::next_of(Standing& of, base::Amount amount) {
    const auto now = base::wall_clock_now();
    return {.account = of.lane.accounts[of.turns++ % of.lane.accounts.size()],
            .id = base::make_command_id(now, rng_.next(), rng_.next()),
            .asset = asset_,
            .amount = amount,
            .shard = of.lane.shard,
            .destination = of.lane.destination,
            .received_at = now};
}

void Withdrawals::ask(std::size_t lane) {
    session_->ask(next_of(lanes_[lane], amount_), [this, lane](const actors::Answer& answer) {
        const auto* refusal = std::get_if<actors::Refusal>(&answer);
        if (refusal == nullptr) return;
        const std::scoped_lock held(bell_->mutex);
        ++refused_[refusal->reason];
        --lanes_[lane].asked;
        bell_->rings.notify_all();
    });
}

bool Withdrawals::ask_in_vain(std::size_t times) {
    std::unique_lock lock(bell_->mutex);
    CHECK(!is_asking_, "its thread asks for nothing meanwhile");
    for (std::size_t round = 0; round < times; ++round) {
        const auto has_room = [this] { return in_vain_ < in_vain_max; };
        if (!bell_->rings.wait_for(lock, patience, has_room)) return false;
        for (const auto& of : lanes_) in_vain_ += of.lane.accounts.size();
        lock.unlock();
        for (auto& of : lanes_) {
            for (std::size_t i = 0; i < of.lane.accounts.size(); ++i) {
                session_->ask(next_of(of, more_than_there_is), [this](const actors::Answer&) {
                    const std::scoped_lock held(bell_->mutex);
                    --in_vain_;
                    bell_->rings.notify_all();
                });
            }
        }
        lock.lock();
    }
    return bell_->rings.wait_for(lock, patience, [this] { return in_vain_ == 0; });
}

}  // namespace crossclear::bench
