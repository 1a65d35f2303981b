#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/time.hpp"
#include "ledger/netting/commands.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

/// What a broker decides for itself, and how a node runs its hosts. Filled from the configuration.

namespace crossclear::actors {

/// How one asset's residual is hedged.
struct HedgePolicy {
    std::map<base::AssetId, std::int64_t> band_cents;  ///< Residuals worth up to this stay.
    std::int64_t task_max_cents{};                     ///< One task's worth at most.
    std::uint32_t slices_max{4};
    base::Duration spread;    ///< Slices are drawn over this time.
    base::Duration deadline;  ///< From opening; no order takes effect later.
    base::Ppm bound{10'000};  ///< How far from the mark an order may trade.
};

/// One broker's terms.
struct BrokerProfile {
    base::BrokerId id;
    std::string name;
    std::set<base::InstrumentId> instruments;  ///< What its clients may trade.
    base::Ppm fee;                             ///< Of notional.
    std::int64_t fee_floor_cents{};
    std::int64_t trade_notional_max_cents{};
    std::int64_t account_notional_max_cents{};  ///< Of all its positions.
    std::int64_t unsettled_max_cents{};         ///< Per account, provisional credit.
    base::Duration settle_within;               ///< Claims are due after this.
    base::Duration cash_settle_after;           ///< Claims overdue by this are paid at the mark.
    base::Duration withdrawal_delay;
    base::Ppm withdrawal_gate_hour{ppm_none};  ///< Of an asset's holdings per hour.
    HedgePolicy hedge;
    std::vector<ledger::netting::Found::Line> capital;
    std::vector<ledger::netting::MarginPolicy> margins;
    /// Per shard and asset: refill below, up to.
    struct Level {
        base::ShardId shard;
        base::AssetId asset;
        base::Amount low;
        base::Amount target;
    };
    std::vector<Level> levels;
    std::map<base::AssetId, base::Amount> reserves;  ///< Kept back for gas.
    bool is_paused{};

    static constexpr base::Ppm ppm_none{base::ppm_one};
};

/// How a node runs its hosts.
struct ActorOptions {
    std::size_t threads{2};
    std::string scheduler{"sharing"};
    base::Duration idle_after{base::seconds(60)};  ///< Then an account is passivated.
    base::Duration balance_every{base::milliseconds(50)};
    base::Duration variation_every{base::seconds(2)};
    base::Duration reconcile_every{base::seconds(1)};
    base::Duration result_every{base::seconds(10)};
    base::Duration lane_tick{base::milliseconds(50)};
    base::Duration append_retry{base::milliseconds(100)};
    std::uint64_t seed{1};  ///< For schedules; nonces are always fresh.
};

}  // namespace crossclear::actors
