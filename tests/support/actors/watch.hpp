#pragma once

#include "actors/gateway.hpp"
#include "base/ids.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

/// What happened in a node, seen from outside: everything that became durable, every line it logged
/// and everything it published. Tests wait here for what they expect, without sleeping.

namespace crossclear::tests {

/// One durable event and where it stands.
struct Seen {
    base::PartitionId partition;
    std::uint64_t sequence{};
    ledger::Entry entry;
};

/// The event of type `Event` inside an entry, or null.
template <class Event, class... Events>
const Event* event_in(const std::variant<Events...>& machine) {
    if constexpr ((std::is_same_v<Event, Events> || ...)) {
        return std::get_if<Event>(&machine);
    } else {
        return nullptr;
    }
}
template <class Event>
const Event* event_in(const ledger::EpochStarted&) {
    return nullptr;
}
template <class Event>
const Event* event_in(const ledger::Entry& entry) {
    return std::visit([](const auto& machine) { return event_in<Event>(machine); }, entry.event);
}

/// The notice board. **Thread:** any.
class Watch {
public:
    /// Waiting for longer than this fails a test; nothing ordinary comes near it.
    static constexpr std::chrono::seconds patience{30};

    void note(Seen seen);
    void note_line(std::string line, bool is_error);
    void note(std::shared_ptr<const actors::Publication> publication);

    /// Waits until `holds`, which is tried whenever something happens, and may ask whatever it
    /// likes. False: it never did.
    [[nodiscard]] bool await(const std::function<bool()>& holds) const;

    /// Waits for a durable event that `fits`, after the first `skip` events of any kind.
    template <class Event>
    [[nodiscard]] std::optional<Event> await_event(
        const std::function<bool(const ledger::Entry&, const Event&)>& fits,
        std::size_t skip = 0) const {
        std::optional<Event> found;
        std::size_t next = skip;
        const bool is_found = await_noted([&] {
            for (; next < seen_.size(); ++next) {
                const auto* event = event_in<Event>(seen_[next].entry);
                if (event != nullptr && fits(seen_[next].entry, *event)) {
                    found = *event;
                    return true;
                }
            }
            return false;
        });
        return is_found ? found : std::nullopt;
    }
    /// Waits for any event of this type.
    template <class Event>
    [[nodiscard]] std::optional<Event> await_event(std::size_t skip = 0) const {
        return await_event<Event>([](const auto&, const auto&) { return true; }, skip);
    }
    /// All events of a type so far.
    template <class Event>
    [[nodiscard]] std::vector<Event> all() const {
        const std::scoped_lock lock(mutex_);
        std::vector<Event> found;
        for (const auto& seen : seen_) {
            if (const auto* event = event_in<Event>(seen.entry)) found.push_back(*event);
        }
        return found;
    }
    /// Everything durable so far.
    [[nodiscard]] std::vector<Seen> seen() const;
    /// How many events there are: a place to look from.
    [[nodiscard]] std::size_t mark() const;

    /// Waits until a line with this sentence was logged `times` times.
    [[nodiscard]] bool await_line(const std::string& sentence, std::size_t times = 1) const;
    [[nodiscard]] std::size_t lines_with(const std::string& sentence) const;
    /// Lines of the levels warning and error.
    [[nodiscard]] std::vector<std::string> complaints() const;
    /// Everything published so far.
    [[nodiscard]] std::vector<std::shared_ptr<const actors::Publication>> publications() const;
    /// Waits for a publication that fits, after the first `skip`.
    [[nodiscard]] std::shared_ptr<const actors::Publication> await_publication(
        const std::function<bool(const actors::Publication&)>& fits, std::size_t skip = 0) const;

private:
    // As `await`, of what was noted.
    [[nodiscard]] bool await_noted(const std::function<bool()>& holds) const;
    [[nodiscard]] std::size_t count_lines(const std::string& sentence) const;

    mutable std::mutex mutex_;
    mutable std::condition_variable happened_;
    std::uint64_t happenings_{};
    std::vector<Seen> seen_;
    std::vector<std::string> lines_;
    std::vector<std::string> complaints_;
    std::vector<std::shared_ptr<const actors::Publication>> publications_;
};

/// A journal that shows the watch what became durable, and otherwise is the one behind it.
class WatchedJournal final : public ledger::journal::Journal {
public:
    WatchedJournal(ledger::journal::Journal& behind, Watch& watch)
        : behind_(behind), watch_(watch) {}

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override;
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override;
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override;
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override;
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override;
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override;
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;
    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override;
    [[nodiscard]] std::string trouble() const override { return behind_.trouble(); }
    [[nodiscard]] bool wants_new_epoch(base::PartitionId partition) const override;

    /// Keeps back calls of `confirm` from now on. The watch hears of each when it is made.
    void hold_confirms();
    /// Makes those that were kept back, and keeps back no more.
    void release_confirms();
    /// Keeps back answers to `read` from now on. The watch hears of each call.
    void hold_reads();
    /// Gives those that were kept back, and keeps back no more.
    void release_reads();
    /// Keeps back the reading of the partition's machines' snapshots from now on.
    void hold_machines(base::PartitionId partition);
    /// Reads those that were kept back, and keeps back no more.
    void release_machines();
    /// How many are kept back.
    [[nodiscard]] std::size_t machines_held() const;
    /// Takes no record from now on that holds an entry of which this is true; nothing: takes all.
    /// The watch hears of the first.
    void decline(std::function<bool(const ledger::Entry&)> is_unwanted);
    /// Lets this happen, once, before the snapshot of the partition itself is read.
    void before_core(base::PartitionId partition, std::function<void()> happens);
    /// Asks the owner of a partition, once, to take it over from itself.
    void want_new_epoch(base::PartitionId partition);
    /// The most records that anybody ever asked for at once.
    [[nodiscard]] std::size_t asked_max() const { return asked_max_; }

private:
    ledger::journal::Journal& behind_;
    Watch& watch_;
    mutable std::mutex mutex_;
    mutable std::set<base::PartitionId> wanted_epochs_;
    std::map<base::PartitionId, std::function<void()>> before_core_;
    bool is_holding_{};
    std::function<bool(const ledger::Entry&)> is_unwanted_;
    bool has_declined_{};
    std::vector<std::function<void()>> held_;
    bool is_holding_reads_{};
    std::vector<std::function<void()>> held_reads_;
    std::optional<base::PartitionId> holding_machines_;
    std::vector<std::function<void()>> held_machines_;
    std::atomic<std::size_t> asked_max_{};
};

}  // namespace crossclear::tests
