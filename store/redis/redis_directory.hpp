#pragma once

#include "base/result.hpp"
#include "store/directory/directory.hpp"
#include "store/error.hpp"
#include "store/redis/directory_calls.hpp"
#include "store/redis/instance.hpp"
#include "store/redis/options.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// The directory on the journal's own Redis instances: what a majority of them holds is so. Its
/// connections are its own, so that beats do not wait for appends nor appends for beats.

namespace crossclear::store {

/// One node's door.
///
/// A beat goes to every instance that is connected, and waits for those; one that does not answer
/// in time is left out of the next beats until it is connected again.
///
/// **Thread:** any; callbacks run on the instances' threads, and on the caller's if there is nobody
/// to ask.
class RedisDirectory final : public Directory {
public:
    /// Examines the instances as `open_redis_journal` does, and waits for a majority; a little for
    /// all of them.
    /// **Errors:** as there; the first found.
    [[nodiscard]] static base::Result<std::unique_ptr<RedisDirectory>, StoreError> open(
        const RedisOptions& options);

    /// `id` is what the instances' marks hold. Connects without waiting.
    RedisDirectory(const RedisOptions& options, std::string id);
    ~RedisDirectory() override;

    void beat(Beat beat, std::function<void(BeatOutcome)> done) override;
    void leave(Member self, std::function<void(bool)> done) override;
    void stop() override;

private:
    class Round;
    void conclude(const Beat& beat, const std::vector<Ballot>& ballots,
                  const std::function<void(BeatOutcome)>& done);
    void tell_all(const Call& call);
    [[nodiscard]] bool wait_for(std::size_t instances, base::Duration timeout) const;

    const std::string id_;
    const std::uint16_t partition_count_;
    std::atomic<bool> is_stopped_{};
    std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace crossclear::store
