#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

/// Virtual time: what happens when. Nothing in a simulation looks at another clock.

namespace crossclear::sim {

/// Everything that is going to happen outside the nodes, in the order of time.
class Agenda {
public:
    explicit Agenda(base::Timestamp start) : now_(start) {}

    [[nodiscard]] base::Timestamp now() const { return now_; }
    [[nodiscard]] std::optional<base::Timestamp> next_at() const {
        if (entries_.empty()) return std::nullopt;
        return entries_.top().at;
    }
    /// Lets time pass. An earlier time does nothing.
    void move_to(base::Timestamp at) { now_ = std::max(now_, at); }
    /// Plans something; of two at one time the first planned is the first done.
    void after(base::Duration delay, std::function<void()> what) {
        at(now_ + delay, std::move(what));
    }
    void at(base::Timestamp when, std::function<void()> what) {
        entries_.push({.at = std::max(when, now_), .number = ++planned_, .what = std::move(what)});
    }
    /// Does what is next, at its time. **Requires:** that there is something.
    void run_next() {
        const auto what = std::move(entries_.top().what);
        move_to(entries_.top().at);
        entries_.pop();
        what();
    }

private:
    struct Entry {
        base::Timestamp at;
        std::uint64_t number{};
        mutable std::function<void()> what;
        bool operator<(const Entry& other) const {
            return at == other.at ? number > other.number : at > other.at;
        }
    };
    base::Timestamp now_;
    std::uint64_t planned_{};
    std::priority_queue<Entry> entries_;
};

}  // namespace crossclear::sim
