#pragma once

#include "tests/support/actors/house.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>
#include <variant>
#include <vector>

/// One machine's host alone.

namespace crossclear::tests {

/// A host whose journal and whose partition are the test's own, so that the test says when what
/// becomes durable, and when the host hears of it. Its context is another node's, where nothing
/// goes by the clock: the test says as well when the host looks around.
class LoneHome : public ::testing::Test {
protected:
    explicit LoneHome(base::EntityId of) : id(of) {}
    ~LoneHome() override { caf::anon_send_exit(host_, caf::exit_reason::kill); }

    template <class Host, class State>
    void spawn(State state) {
        const actors::HomeParts parts{
            .context = &elsewhere_.node().context(),
            .entity = id,
            .journal = caf::actor_cast<actors::JournalActor>(journal_),
            .home = caf::actor_cast<actors::PartitionActor>(home_),
            .doors = [door = caf::actor_cast<actors::DoorActor>(home_)](auto) { return door; }};
        host_ = system_.spawn<Host>(parts, std::move(state));
    }
    void tell(actors::HomeNews news) { caf::anon_send(host_, actors::ToHome{id, std::move(news)}); }
    // The host's clock goes on.
    void pass(base::Duration time) { ahead_us_ += time.us; }
    // What the host writes next; it is not durable.
    actors::Append take() {
        actors::Append taken;
        journal_->receive([&](const actors::Append& append) { taken = append; },
                          caf::after(patience) >> [] { ADD_FAILURE() << "nothing is written"; });
        return taken;
    }
    // It becomes durable in this record.
    void write(std::uint64_t sequence) {
        const auto append = take();
        caf::anon_send(append.from, actors::Durable{append.number, sequence});
    }
    // What it says next to the rest of its home, of this kind; what is of another is passed over.
    template <class News>
    News next() {
        for (;;) {
            while (!said_.empty()) {
                const auto message = std::move(said_.front());
                said_.pop_front();
                said_to = message.entity;
                if (const auto* news = std::get_if<News>(&message.news)) return *news;
            }
            if (!hear()) return {};
        }
    }
    // What it tells an account next, and whether it has told any more than was asked for here.
    actors::AccountOrder next_order() {
        while (orders_.empty()) {
            if (!hear()) return {};
        }
        auto order = std::move(orders_.front());
        orders_.pop_front();
        return order;
    }
    [[nodiscard]] bool has_ordered() const { return !orders_.empty(); }
    // What it hands to its lane next, and how much more it has handed over by now.
    ledger::ShardOrder next_sent() {
        while (sent_.empty()) {
            if (!hear()) return {};
        }
        auto order = std::move(sent_.front());
        sent_.pop_front();
        return order;
    }
    [[nodiscard]] std::size_t sent_by_now() {
        while (hear_for({})) {
        }
        return sent_.size();
    }

    const base::EntityId id;
    base::EntityId said_to;  // By the last of what it said.

private:
    static constexpr std::chrono::seconds patience{30};

    // One message more, in the order in which they were sent.
    bool hear() {
        const bool is_heard = hear_for(patience);
        EXPECT_TRUE(is_heard) << "nothing is said";
        return is_heard;
    }
    bool hear_for(std::chrono::seconds time) {
        bool is_late = false;
        home_->receive([&](const actors::ToHome& message) { said_.push_back(message); },
                       [&](const actors::AccountOrder& order) { orders_.push_back(order); },
                       [&](const actors::LaneOrder& order) { sent_.push_back(order.order); },
                       caf::after(time) >> [&] { is_late = true; });
        return !is_late;
    }

    std::atomic<std::int64_t> ahead_us_{};
    Outside outside_;
    House elsewhere_{outside_, {.balance_every = base::seconds(3'600), .now = [this] {
                                    return base::wall_clock_now() +
                                           base::Duration{ahead_us_.load()};
                                }}};
    caf::actor_system_config config_;
    caf::actor_system system_{config_};
    caf::scoped_actor journal_{system_};
    caf::scoped_actor home_{system_};
    actors::HomeActor host_;
    std::deque<actors::ToHome> said_;
    std::deque<actors::AccountOrder> orders_;
    std::deque<ledger::ShardOrder> sent_;
};

}  // namespace crossclear::tests
