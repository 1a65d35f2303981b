#pragma once

#include "app/config.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

/// The demo: a whole service, in one process or in several, and sample clients that trade over real
/// WebSockets.

namespace crossclear::app {

/// How the demo is run and shown.
struct DemoRun {
    DemoOptions options;
    bool has_json{};           ///< Close standard output with one line of JSON.
    bool is_quiet{};           ///< No live summary.
    std::uint16_t port{7400};  ///< 0: any that is free.
    std::uint16_t ops_port{7401};
    std::uint16_t nodes{1};   ///< Above 1, each is a process of its own, and so is the world.
    std::string log_path;     ///< Empty: `demo.log` in the data directory. Of one node only.
    std::uint32_t desks{8};   ///< Client connections.
    std::uint32_t depth{16};  ///< Requests a connection keeps on their way.
    std::uint32_t rate{};     ///< Trades a second over all desks; 0: as fast as answers come.
    base::Duration settle_patience{base::seconds(180)};
};

/// Runs it to its end: until the trades are settled, the duration is over, or a signal comes.
/// Returns the exit status: 0 only if all is settled, the audit holds and no break is open.
[[nodiscard]] int run_demo(const DemoRun& run);

/// The seed that a demo's directory was made with; nothing if it does not say.
[[nodiscard]] std::optional<std::uint64_t> seed_in(const std::filesystem::path& data_dir);

/// Writes the seed into a demo's directory. False where the disk does not take it.
[[nodiscard]] bool keep_seed(const DemoOptions& options);

/// Why the chains in a demo's directory cannot be read with the seed given; nothing if they can, or
/// are not there yet. **Cost:** reads the chains' logs if the directory does not say its seed.
[[nodiscard]] std::optional<std::string> other_seed_in(const DemoOptions& options);

/// Where the log of a service in this process goes.
[[nodiscard]] std::string demo_log_path(const DemoRun& run, const Config& config);

}  // namespace crossclear::app
