#pragma once

#include "ledger/journal/port.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

/// One independent keeper of the logs: a Redis instance, or a piece of memory in simulation. A
/// quorum of acceptors is a journal; a single acceptor is one, too.

namespace crossclear::store {

/// How an acceptor takes part.
struct Standing {
    /// Whether it counts.
    enum class Kind : std::uint8_t {
        voting,   ///< It answers and counts.
        joining,  ///< It answers, but lost or never had its logs: it must be given them first.
        away,     ///< It does not answer, or must not be asked.
    };
    Kind kind{Kind::away};
    std::string why{};  ///< Empty while it votes.

    friend bool operator==(const Standing&, const Standing&) = default;
};

/// Some of an acceptor's snapshots, and where the next page begins. Damaged ones are left out.
struct SnapshotPage {
    std::vector<ledger::journal::EntitySnapshot> snapshots;
    std::string next{};  ///< Empty: these were the last.
};
using ListOutcome = std::variant<SnapshotPage, ledger::journal::Unknown, ledger::journal::Declined>;

/// A journal of one, with what a quorum needs beside: an append may carry any record whose
/// `expected` is what the log really ends with. A record at or below that end abandons the tail
/// from its own number on; so a log is brought to what a majority chose.
class Acceptor : public ledger::journal::Journal {
public:
    /// What it is called in logs and figures.
    [[nodiscard]] virtual std::string name() const = 0;
    /// How it takes part just now. **Thread:** any.
    [[nodiscard]] virtual Standing standing() const = 0;
    /// Lets `changed` run, on any thread, whenever the standing may have changed. Called once,
    /// before anything else.
    virtual void watch(std::function<void()> changed) = 0;
    /// A page of a partition's snapshots. `from` is empty at first, then what the last page says.
    virtual void list_snapshots(base::PartitionId partition, std::string from,
                                std::function<void(ListOutcome)> done) = 0;
    /// Lets the log begin with `base` instead of whatever it holds, with one write: for an acceptor
    /// that ends before the first record that the others still have. Refused with a gap if this
    /// fence has already written that far.
    virtual void begin_at(base::PartitionId partition, const ledger::journal::Fence& fence,
                          const ledger::journal::Record& base,
                          std::function<void(ledger::journal::AppendOutcome)> done) = 0;
    /// Notes that a joining acceptor holds all of a partition up to its commit point. The last of
    /// its partitions makes it vote. `done` hears whether that was written.
    virtual void admit(base::PartitionId partition, std::function<void(bool)> done) = 0;
    /// Ends its threads; callbacks that have not run never will.
    virtual void stop() = 0;
    /// Why writes fail although it answers; empty while they do not.
    [[nodiscard]] std::string trouble() const override { return standing().why; }
};

}  // namespace crossclear::store
