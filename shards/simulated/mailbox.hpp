#pragma once

#include "ledger/words.hpp"

#include <functional>
#include <mutex>
#include <utility>

namespace crossclear::shards::simulated {

/// Where notices and answers for one adapter go. Its mutex is held while a callback runs, so that
/// an adapter's end waits for the callback. **Thread:** any.
class Mailbox {
public:
    /// Puts a listener in place of the one before.
    void listen(std::function<void(ledger::ShardNotice)> listener) {
        const std::lock_guard lock{mutex_};
        listener_ = std::move(listener);
    }

    /// Hands a notice to the listener, on the calling thread; nobody hears it where there is none.
    void tell(const ledger::ShardNotice& notice) {
        const std::lock_guard lock{mutex_};
        if (is_open_ && listener_) listener_(notice);
    }

    /// Runs a callback of the adapter's, unless it has gone.
    template <class Callback>
    void run(const Callback& callback) {
        const std::lock_guard lock{mutex_};
        if (is_open_) callback();
    }

    /// Nothing runs after this.
    void close() {
        const std::lock_guard lock{mutex_};
        is_open_ = false;
        listener_ = nullptr;
    }

private:
    std::recursive_mutex mutex_;  ///< A callback may call back into the world.
    bool is_open_{true};
    std::function<void(ledger::ShardNotice)> listener_;
};

}  // namespace crossclear::shards::simulated
