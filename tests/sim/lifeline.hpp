#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

/// What ties the world to one node. The world holds no callback of a node, only its number here:
/// so a node can be killed at any moment and nothing calls into what is gone.

namespace crossclear::sim {

/// The callbacks that one node waits for. While the node is paused they gather; once it is dead
/// they are gone.
class Lifeline : public std::enable_shared_from_this<Lifeline> {
public:
    /// Keeps a callback that runs at most once; what is returned outlives the node.
    template <class Answer>
    [[nodiscard]] std::function<void(Answer)> hold(std::function<void(Answer)> done) {
        return keep<Answer>(std::move(done), true);
    }
    /// Keeps one that runs again and again.
    template <class Answer>
    [[nodiscard]] std::function<void(Answer)> hold_on(std::function<void(Answer)> done) {
        return keep<Answer>(std::move(done), false);
    }

    [[nodiscard]] bool is_cut() const { return is_cut_; }
    [[nodiscard]] bool is_paused() const { return is_paused_; }
    void pause() { is_paused_ = true; }
    /// Everything that came meanwhile arrives now.
    void wake() {
        is_paused_ = false;
        for (const auto& one : std::exchange(gathered_, {})) one();
    }
    /// The node is dead: nothing reaches it any more, and what it waited for is forgotten.
    void cut() {
        is_cut_ = true;
        gathered_.clear();
        held_.clear();
    }

private:
    template <class Answer>
    std::function<void(Answer)> keep(std::function<void(Answer)> done, bool is_once) {
        const auto number = ++numbered_;
        if (!is_cut_) {
            held_[number] = std::make_shared<std::function<void(Answer)>>(std::move(done));
        }
        return [weak = weak_from_this(), number, is_once](Answer answer) {
            const auto self = weak.lock();
            if (self == nullptr || self->is_cut_) return;
            if (self->is_paused_) {
                self->gathered_.push_back([raw = self.get(), number, is_once, answer] {
                    raw->template run<Answer>(number, is_once, answer);
                });
                return;
            }
            self->template run<Answer>(number, is_once, std::move(answer));
        };
    }
    template <class Answer>
    void run(std::uint64_t number, bool is_once, Answer answer) {
        const auto found = held_.find(number);
        if (found == held_.end()) return;
        const auto done = std::static_pointer_cast<std::function<void(Answer)>>(found->second);
        if (is_once) held_.erase(found);
        (*done)(std::move(answer));
    }

    std::uint64_t numbered_{};
    bool is_cut_{};
    bool is_paused_{};
    std::map<std::uint64_t, std::shared_ptr<void>> held_;
    std::vector<std::function<void()>> gathered_;
};

}  // namespace crossclear::sim
