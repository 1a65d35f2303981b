#pragma once

#include "base/time.hpp"
#include "store/redis/options.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

/// Looks at one Redis while it is in use, beside the pipeline that writes to it.
///
/// The problem: a setting can be changed under a connection that stands, and from then on Redis
/// acknowledges what is not on the disk, without a word. Scripts may not ask for settings, and the
/// pipeline must not wait for anybody; so they are asked for here, on a second connection.

namespace crossclear::store {

/// Examines an instance once per `limits::examine_interval` for as long as it lives.
/// **Thread:** one of its own; both functions are called there.
class Watch {
public:
    /// `on_fault` hears of every examination that an instance in use may not fail; silence is no
    /// such fault, for the pipeline notices that by itself.
    Watch(Endpoint endpoint, base::Duration timeout, std::function<void()> on_fault,
          std::function<void(const RedisVitals&)> on_vitals);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

private:
    void run();

    const Endpoint endpoint_;
    const base::Duration timeout_;
    const std::function<void()> on_fault_;
    const std::function<void(const RedisVitals&)> on_vitals_;
    std::mutex mutex_;
    std::condition_variable wakes_;
    bool is_stopping_{};
    std::thread thread_;
};

}  // namespace crossclear::store
