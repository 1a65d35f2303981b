#pragma once

#include "ledger/journal/port.hpp"

#include <cstdint>
#include <functional>
#include <string>

/// One independent keeper of the logs: a Redis instance, or a piece of memory in simulation. A
/// quorum of acceptors is a journal; a single acceptor is one, too.

namespace crossclear::store {

/// How an acceptor takes part.
struct Standing {
    enum class Kind : std::uint8_t {
        voting,   ///< It answers and counts.
        joining,  ///< It answers, but lost or never had its logs: it must be given them first.
        away,     ///< It does not answer, or must not be asked.
    };
    Kind kind{Kind::away};
    std::string why{};  ///< Empty while it votes.

    friend bool operator==(const Standing&, const Standing&) = default;
};

/// A journal of one, with what a quorum needs beside: an append may carry any record whose
/// `expected` is what the log really ends with. A record at or below that end abandons the tail
/// from its own number on; so a log is brought to what a majority chose.
class Acceptor : public ledger::journal::Journal {
public:
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual Standing standing() const = 0;
    /// Lets `changed` run, on any thread, whenever the standing may have changed. Called once,
    /// before anything else.
    virtual void watch(std::function<void()> changed) = 0;
    /// Notes that a joining acceptor holds all of a partition up to its commit point. The last of
    /// its partitions makes it vote. `done` hears whether that was written.
    virtual void admit(base::PartitionId partition, std::function<void(bool)> done) = 0;
    /// Ends its threads; callbacks that have not run never will.
    virtual void stop() = 0;
    /// Why writes fail although it answers; empty while they do not.
    [[nodiscard]] std::string trouble() const override { return standing().why; }
};

}  // namespace crossclear::store
