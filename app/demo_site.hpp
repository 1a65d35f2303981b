#pragma once

#include "app/audit.hpp"
#include "app/config.hpp"
#include "app/demo.hpp"
#include "ledger/journal/port.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Where a demo's service runs: inside the demo's own process, or as several nodes, a world and
/// redis-servers that the demo starts and ends.

namespace crossclear::app {

/// How all brokers' houses stand together.
struct Figures {
    std::uint64_t hedges_open{};
    std::uint64_t moves_open{};
    std::uint64_t breaks_open{};
    std::uint64_t unsettled_assets{};
    std::uint64_t held_assets{};
    std::uint64_t deposits_final{};  ///< Since the start.
    bool is_founded{true};
    bool is_flat{true};
};

/// What a run came to.
struct RunTotals {
    double gross_usd{};
    double hedged_usd{};
    std::map<std::string, std::uint64_t> settlements;  ///< By outcome.
};

/// How many parts there are, and how many of them run.
struct Strength {
    std::size_t nodes{};
    std::size_t nodes_up{};
    std::size_t redis{};
    std::size_t redis_up{};
};

/// One way to run the service. **Thread:** the demo's own, but for `ports`.
class DemoSite {
public:
    DemoSite() = default;
    DemoSite(const DemoSite&) = delete;
    DemoSite& operator=(const DemoSite&) = delete;
    virtual ~DemoSite() = default;

    /// Starts everything. Returns what is wrong, or nothing. Gives up at the next step, and says
    /// so, once `is_wanted` says no: what was started ends with the site.
    [[nodiscard]] virtual std::optional<std::string> start(
        const std::function<bool()>& is_wanted) = 0;
    /// Where to connect and what to try, a line each.
    [[nodiscard]] virtual std::vector<std::string> directions() const = 0;
    /// Where clients may connect just now. **Thread:** any.
    [[nodiscard]] virtual std::vector<std::uint16_t> ports() const = 0;
    /// Looks after what runs; called every few milliseconds.
    virtual void tend() = 0;
    /// Why it is not ready to trade; empty once it is.
    [[nodiscard]] virtual std::vector<std::string> why_not() = 0;
    /// How the houses stand, over all brokers.
    [[nodiscard]] virtual Figures figures() = 0;
    /// Who lives and who owns what, for the live line; empty where there is only one process.
    [[nodiscard]] virtual std::string standing() = 0;
    /// How many nodes and redis-servers there are, and how many of them run.
    [[nodiscard]] virtual Strength strength() = 0;
    /// A client pays in. Returns whether the shard took it.
    virtual bool deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                         base::Amount amount) = 0;
    /// Ends what writes. The journal can be read until the site is destroyed.
    virtual void stop() = 0;
    /// What the run came to, also after `stop`; and the journal, for the audit.
    [[nodiscard]] virtual RunTotals totals() = 0;
    [[nodiscard]] virtual ledger::journal::Journal& journal() = 0;
};

/// A service in this process.
[[nodiscard]] std::unique_ptr<DemoSite> make_inside_site(const DemoRun& run, const Config& config);

/// `run.nodes` nodes and a world, each a process of its own, on redis-servers of the demo.
[[nodiscard]] std::unique_ptr<DemoSite> make_cluster_site(const DemoRun& run, const Config& config);

}  // namespace crossclear::app
