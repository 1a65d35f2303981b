#pragma once

#include "app/demo_site.hpp"
#include "base/ids.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the demo knows of nodes in other processes: what they have written.
///
/// The journal is read as it grows and folded by the real machines, so that figures and totals are
/// those of the store, whoever wrote them and whoever has been killed since. The subtle thing: the
/// end of a log may be a record that no majority holds, and a later owner abandons it. Then the
/// next record does not follow what was read, and the partition is read again from its start.

namespace crossclear::app {

/// Follows every partition's log. **Thread:** one.
class JournalFollower {
public:
    /// `journal` outlives it.
    JournalFollower(ledger::journal::Journal& journal, std::string cluster,
                    std::uint16_t partitions, std::size_t brokers);

    /// Reads what has come. Returns why it cannot, or nothing; what was read before stays.
    std::optional<std::string> follow();
    /// What is counted from now on counts for this run.
    void begin_run();

    /// How the houses stand, and what the run has come to, as of what was read last.
    [[nodiscard]] Figures figures() const;
    [[nodiscard]] RunTotals totals() const;

private:
    struct Log {
        ledger::Partition partition;
        ledger::journal::Head last;
        std::uint64_t run_begins_after{};  ///< The last record of earlier runs.
        std::int64_t gross_cents{};        ///< Of this run, as what follows.
        std::int64_t hedged_cents{};
        std::uint64_t novated{};
        std::uint64_t cash_settled{};
    };

    std::optional<std::string> follow(Log& log);
    void begin_again(Log& log) const;
    static void count(Log& log, const ledger::Entry& entry);
    [[nodiscard]] std::uint64_t deposits_final() const;
    [[nodiscard]] std::uint64_t trades_open() const;

    ledger::journal::Journal& journal_;
    const std::string cluster_;
    const std::size_t brokers_;
    std::vector<Log> logs_;
    std::uint64_t deposits_before_{};
    std::uint64_t trades_open_before_{};
};

}  // namespace crossclear::app
