#pragma once

#include "app/service.hpp"
#include "base/amount.hpp"
#include "base/ids.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The whole service in the process of who measures it: founded and paid into before anything
/// counts, and audited at the end, for a figure counts only if the work behind it is right.

namespace crossclear::bench {

/// What a client pays in.
struct PayIn {
    base::ShardId shard;
    base::AccountId account;
    std::int64_t usdc{};  ///< Whole units.
};

/// The demo's configuration, on ports of its own, and with credits for hundreds of clients of one
/// key.
[[nodiscard]] app::Config measured_config(const app::DemoOptions& options);

/// A service that runs. **Thread:** the one that made it; `marks` any.
class MeasuredService {
public:
    /// **Requires:** `config` outlives it.
    explicit MeasuredService(const app::Config& config) : config_(config) {}

    /// Starts it, with its log beside its data, and waits until every broker is founded. Returns
    /// why it could not, or nothing.
    [[nodiscard]] std::optional<std::string> start(app::StartOptions options = {});
    /// Pays in, and waits until all of it is final. Returns why it could not, or nothing.
    [[nodiscard]] std::optional<std::string> pay_in(const std::vector<PayIn>& deposits);
    /// Stops it, and holds the journal against what clients were told; the verdict joins the line.
    /// Returns what is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> audit(std::uint64_t cleared,
                                                   boost::json::object& line);

    /// Marks in USD by symbol, as they are now.
    [[nodiscard]] std::map<std::string, base::Price> marks() const;
    /// So many whole units of an asset.
    [[nodiscard]] base::Amount whole(base::AssetId asset, std::int64_t units) const;
    /// What clients pay with.
    [[nodiscard]] base::AssetId usdc() const { return *config_.listing.find_asset("USDC"); }

    /// The service. **Requires:** it was started.
    [[nodiscard]] app::Service& operator*() const { return *service_; }
    [[nodiscard]] app::Service* operator->() const { return service_.get(); }

private:
    const app::Config& config_;
    std::unique_ptr<app::Service> service_;
};

/// Memory of this process that is resident, in bytes.
[[nodiscard]] std::int64_t resident_bytes();

}  // namespace crossclear::bench
