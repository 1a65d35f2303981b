#include "actors/caf_stepper.hpp"

#include "base/check.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

class TestedSystem final : public CafStepper {
public:
    explicit TestedSystem(caf::scheduler::test_coordinator& coordinator)
        : coordinator_(coordinator) {}

    std::size_t ready() const override { return coordinator_.jobs.size(); }

    std::uint64_t run(std::size_t nth) override {
        auto& jobs = coordinator_.jobs;
        CHECK(nth < jobs.size(), "one of those that wait");
        // The others keep their order.
        const auto begin = jobs.begin();
        std::rotate(begin, begin + static_cast<std::ptrdiff_t>(nth),
                    begin + static_cast<std::ptrdiff_t>(nth) + 1);
        const auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs.front());
        const auto id = actor == nullptr ? 0 : actor->id();
        coordinator_.run_once();
        return id;
    }

    std::optional<base::Duration> until_timer() const override {
        const auto& clock = coordinator_.clock();
        if (clock.schedule.empty()) return std::nullopt;
        const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
            clock.schedule.begin()->first - clock.current_time);
        return base::Duration{std::max<std::int64_t>(left.count(), 0)};
    }

    void advance(base::Duration by) override {
        coordinator_.clock().advance_time(std::chrono::microseconds(by.us));
    }

    void run_out() override {
        while (coordinator_.has_job() || !coordinator_.clock().schedule.empty()) {
            coordinator_.clock().schedule.clear();
            while (coordinator_.has_job()) coordinator_.run_once();
        }
    }

private:
    caf::scheduler::test_coordinator& coordinator_;
};

}  // namespace

std::unique_ptr<CafStepper> make_stepper(caf::actor_system& system) {
    auto* tested = dynamic_cast<caf::scheduler::test_coordinator*>(&system.scheduler());
    if (tested == nullptr) return nullptr;
    return std::make_unique<TestedSystem>(*tested);
}

}  // namespace crossclear::actors
