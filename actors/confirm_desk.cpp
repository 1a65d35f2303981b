#include "actors/confirm_desk.hpp"

#include "actors/chrono.hpp"
#include "base/check.hpp"
#include "base/limits.hpp"

#include <utility>

namespace crossclear::actors {

bool ConfirmDesk::add(ConfirmRead read, base::Timestamp now) {
    if (waiting_.size() >= base::limits::reads_waiting_max && !read.is_patient) return false;
    waiting_.push_back({.arrival = ++arrived_, .at = now, .read = std::move(read)});
    return true;
}

bool ConfirmDesk::wants_call() const { return asking_ == Asking::idle && !waiting_.empty(); }

void ConfirmDesk::begin_call() {
    CHECK(wants_call(), "one call at a time, and only for somebody");
    asking_ = Asking::under_way;
    by_call_ = arrived_;
}

std::vector<ConfirmRead> ConfirmDesk::call_confirmed() {
    CHECK(asking_ == Asking::under_way, "an answer belongs to a call");
    asking_ = Asking::idle;
    return release(by_call_);
}

void ConfirmDesk::call_failed() {
    CHECK(asking_ == Asking::under_way, "an answer belongs to a call");
    asking_ = Asking::put_off;
}

void ConfirmDesk::retry() {
    if (asking_ == Asking::put_off) asking_ = Asking::idle;
}

void ConfirmDesk::begin_append() { by_append_ = arrived_; }

std::vector<ConfirmRead> ConfirmDesk::append_committed() { return release(by_append_); }

std::vector<ConfirmRead> ConfirmDesk::release(std::uint64_t until) {
    std::vector<ConfirmRead> released;
    while (!waiting_.empty() && waiting_.front().arrival <= until) {
        released.push_back(std::move(waiting_.front().read));
        waiting_.pop_front();
    }
    return released;
}

std::vector<ConfirmRead> ConfirmDesk::overdue(base::Duration wait, base::Timestamp now) {
    std::vector<ConfirmRead> found;
    // In order of arrival: nobody after the first young one is older.
    std::deque<Waiting> patient;
    while (!waiting_.empty() && has_passed(wait, waiting_.front().at, now)) {
        auto& front = waiting_.front();
        if (front.read.is_patient) {
            patient.push_back(std::move(front));
        } else {
            found.push_back(std::move(front.read));
        }
        waiting_.pop_front();
    }
    waiting_.insert(waiting_.begin(), std::make_move_iterator(patient.begin()),
                    std::make_move_iterator(patient.end()));
    return found;
}

void ConfirmDesk::clear() { waiting_.clear(); }

}  // namespace crossclear::actors
