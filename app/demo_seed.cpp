#include "app/demo.hpp"
#include "app/world.hpp"
#include "shards/simulated/history.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

// What a demo's directory was made with.

namespace crossclear::app {
namespace {

std::filesystem::path seed_file(const std::filesystem::path& data_dir) {
    return data_dir / "demo.seed";
}

}  // namespace

// Chains, prices and clients all follow from the seed, so whoever reads the chains has to know it.
bool keep_seed(const DemoOptions& options) {
    const auto path = seed_file(options.data_dir);
    auto fresh = path;
    fresh += ".new";
    std::ofstream out(fresh, std::ios::trunc);
    out << options.seed << '\n';
    out.close();
    std::error_code failure;
    if (out) std::filesystem::rename(fresh, path, failure);
    return out && !failure;
}

std::optional<std::uint64_t> seed_in(const std::filesystem::path& data_dir) {
    std::ifstream in(seed_file(data_dir));
    std::uint64_t seed = 0;
    return in >> seed ? std::optional(seed) : std::nullopt;
}

std::optional<std::string> other_seed_in(const DemoOptions& options) {
    const auto config = demo_config(options);
    const auto directory = shards_directory(config);
    for (const auto& chain : chains_of(config)) {
        const auto log = directory / (config.listing.shard(chain.shard).symbol + ".chain");
        if (!std::filesystem::exists(log)) continue;
        const auto kept = seed_in(options.data_dir);
        if (kept == options.seed) return std::nullopt;
        if (kept) {
            return fmt::format(
                "{} was made with --seed {}, not {}; give that one, or another directory "
                "with --data",
                options.data_dir.string(), *kept, options.seed);
        }
        const auto orders = shards::simulated::orders_in(log, chain, config.listing);
        if (orders) continue;
        // What cannot be read does not say its seed, and a guess must not be kept as one.
        if (orders.error().error != shards::simulated::LogError::other_parameters) {
            return orders.error().detail;
        }
        return fmt::format(
            "{}: the chain was made with another seed than {}; give the demo's own with --seed, or "
            "another directory with --data",
            log.string(), options.seed);
    }
    return std::nullopt;
}

}  // namespace crossclear::app
