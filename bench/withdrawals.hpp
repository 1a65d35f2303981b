#pragma once

#include "actors/node.hpp"
#include "base/rng.hpp"
#include "bench/lane_meter.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// Instructions by the hundred: clients that withdraw a little, again and again. Each withdrawal is
/// one order of one lane.

namespace crossclear::bench {

/// One lane, and the clients who withdraw through it.
struct WithdrawalLane {
    base::BrokerId broker;
    base::ShardId shard;
    MeteredShard* meter{};  ///< Outlives whoever withdraws.
    std::vector<base::AccountId> accounts;
    std::string destination;
};

/// How many there are.
struct WithdrawalPlan {
    std::uint32_t open_max{};    ///< Withdrawals under way in each lane, at most.
    std::uint32_t per_second{};  ///< In all lanes together; 0: as fast as others end.
};

/// Asks from a thread of its own. **Thread:** the one that made it.
class Withdrawals {
public:
    /// **Requires:** the node outlives it.
    Withdrawals(actors::Node& node, std::vector<WithdrawalLane> lanes, base::AssetId asset,
                base::Amount amount);
    Withdrawals(const Withdrawals&) = delete;
    Withdrawals& operator=(const Withdrawals&) = delete;
    ~Withdrawals();

    /// Each client asks so often for more than it has, and is refused: an account remembers these
    /// answers as well. False where they have not come within two minutes.
    [[nodiscard]] bool ask_in_vain(std::size_t times);
    void start(const WithdrawalPlan& plan);
    /// Asks no more. False where what was asked for has not ended within two minutes.
    [[nodiscard]] bool stop();
    /// Orders that were final since the start, and refusals by their reason.
    [[nodiscard]] std::uint64_t finished() const;
    [[nodiscard]] std::map<std::string, std::uint64_t> refused() const;

private:
    struct Standing {
        WithdrawalLane lane;
        std::uint64_t asked{};
        std::uint64_t finished_before{};
        std::uint64_t turns{};
    };
    [[nodiscard]] std::uint64_t open_in(const Standing& of) const;
    void run();
    void ask(std::size_t lane);
    [[nodiscard]] actors::Withdraw next_of(Standing& of, base::Amount amount);

    actors::Node& node_;
    base::AssetId asset_;
    base::Amount amount_;
    std::unique_ptr<actors::Session> session_;
    // Lanes ring it when something has ended, and outlive whoever waits.
    struct Bell {
        std::mutex mutex;
        std::condition_variable rings;
    };
    std::shared_ptr<Bell> bell_{std::make_shared<Bell>()};
    WithdrawalPlan plan_;
    std::vector<Standing> lanes_;
    std::map<std::string, std::uint64_t> refused_;
    std::size_t in_vain_{};  // What was asked for in vain and is not answered yet.
    base::Rng rng_{1};
    bool is_asking_{};
    bool is_over_{};
    std::thread thread_;
};

}  // namespace crossclear::bench
