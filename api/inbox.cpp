#include "api/inbox.hpp"

#include "api/errors.hpp"

#include <boost/asio/post.hpp>

namespace crossclear::api {

void Inbox::push(Delivery delivery) {
    const std::lock_guard lock{mutex_};
    push_locked(std::move(delivery));
}

void Inbox::publish(const std::shared_ptr<const actors::Publication>& publication) {
    const std::lock_guard lock{mutex_};
    if (is_overrun_) return;
    is_overrun_ = waiting_.size() >= waiting_max;
    if (is_overrun_) {
        push_locked(Closed{static_cast<std::uint16_t>(CloseCode::slow_consumer), {}});
    } else {
        push_locked(publication);
    }
}

void Inbox::push_locked(Delivery delivery) {
    if (context_ == nullptr) return;
    waiting_.push_back(std::move(delivery));
    if (is_scheduled_) return;
    is_scheduled_ = true;
    // Under the lock: detach() must not let the context go between the check and this.
    boost::asio::post(*context_, [self = shared_from_this()] { self->drain(); });
}

void Inbox::detach() {
    {
        const std::lock_guard lock{mutex_};
        context_ = nullptr;
        waiting_.clear();
    }
    handler_ = nullptr;
}

void Inbox::drain() {
    {
        const std::lock_guard lock{mutex_};
        is_scheduled_ = false;
        std::swap(waiting_, draining_);
    }
    // The handler may detach this inbox, so a copy of it is called.
    if (const auto handler = handler_) (*handler)(draining_);
    draining_.clear();
}

}  // namespace crossclear::api
