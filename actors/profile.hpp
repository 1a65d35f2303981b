#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/listing.hpp"
#include "base/time.hpp"
#include "ledger/netting/commands.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
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

/// How much of its waterfall a broker lets one protocol or one client stand for.
struct HousePolicy {
    base::Ppm protocol_share{250'000};  ///< ΣSF of one protocol.
    base::Ppm client_share{100'000};    ///< One client's loss in its worst stress.
};

/// How much of all its clients' business a broker takes on. **Units:** USD cents; 0: no cap.
struct Caps {
    /// On one shard.
    struct Shard {
        std::int64_t unsettled_cents{};  ///< Claims on tokens that are traded there.
        std::int64_t exposure_cents{};   ///< The broker's own holdings, posted margin among them.
        std::uint32_t orders_per_second{};  ///< That are handed over to it.
    };
    std::int64_t unsettled_cents{};  ///< Claims of all accounts.
    /// What all accounts hold and owe, gross: contracts and tokens, but those that others are paid
    /// in. An option is what it stands for.
    std::int64_t exposure_cents{};
    std::map<base::ShardId, Shard> shards;
    /// By name: the same as `exposure_cents`, of what that protocol issues or hosts.
    std::map<std::string, std::int64_t> protocols{};
};

/// One broker's terms.
struct BrokerProfile {
    base::BrokerId id;
    std::string name;
    std::set<base::InstrumentId> instruments;  ///< What its clients may trade.
    base::Ppm fee;                             ///< Of notional, at least.
    std::int64_t fee_floor_cents{};
    /// For so long a trade's risk is expected to stay, by what is traded.
    std::array<std::uint32_t, base::instrument_kinds> holding_days{10, 10, 10, 10, 10};
    std::int64_t trade_notional_max_cents{};
    std::int64_t account_notional_max_cents{};  ///< Of all its positions.
    std::int64_t unsettled_max_cents{};         ///< Per account, provisional credit.
    base::Duration settle_within;               ///< Claims are due after this.
    base::Duration cash_settle_after;           ///< Claims overdue by this are paid at the mark.
    base::Duration withdrawal_delay;
    base::Ppm withdrawal_gate_hour{ppm_none};  ///< Of an asset's holdings per hour.
    base::Ppm withdrawal_gate_day{ppm_none};   ///< The same per day.
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
    bool is_close_only{};                            ///< Only trades that reduce risk are accepted.
    Caps caps;
    std::optional<HousePolicy> house;  ///< None: what it can lose limits no trade.

    static constexpr base::Ppm ppm_none{base::ppm_one};
};

/// How a node runs its hosts.
struct ActorOptions {
    std::size_t threads{2};
    std::string scheduler{"sharing"};              ///< `testing`: none, a Stepper runs the actors.
    base::Duration idle_after{base::seconds(60)};  ///< Then an account is passivated.
    base::Duration balance_every{base::milliseconds(50)};
    base::Duration variation_every{base::seconds(2)};
    base::Duration reconcile_every{base::seconds(1)};
    base::Duration result_every{base::seconds(10)};
    base::Duration lane_tick{base::milliseconds(50)};
    base::Duration append_retry{base::milliseconds(100)};
    /// What was said to another partition and has had no effect is said again after so long.
    base::Duration say_again_every{base::seconds(1)};
    /// A request that meets no owner is asked again for so long, unseen by its client.
    base::Duration ask_again_for{base::seconds(10)};
    base::Duration read_wait{base::seconds(5)};  ///< For the journal's word; then it is refused.
    /// What changed is stored after so many records, or so many events, or after so long.
    std::uint64_t snapshot_records{10'000};
    std::uint64_t snapshot_events{100'000};
    base::Duration snapshot_every{base::seconds(60)};
    std::size_t machines_kept{4'096};  ///< Unchanged ones, beside their hosts, of a partition.
    bool is_log_trimmed{};             ///< Records that all snapshots have passed are dropped.
    /// What schedules of hedges are drawn from. None: from true chance, so that nobody foresees
    /// them; simulation gives one. Nonces are always fresh.
    std::optional<std::uint64_t> seed;
};

/// How a node takes part in a cluster of several.
struct ClusterOptions {
    std::string name;        ///< Unique among the nodes.
    std::string address;     ///< Where it listens for the others.
    std::uint16_t port{};    ///< 0: any that is free.
    std::string advertised;  ///< host:port for the others; empty: the two above.
    base::Duration lease{
        base::seconds(2)};  ///< Without a sign of life for so long, it is replaced.
    base::Duration beat_every{base::milliseconds(400)};
    /// PEM files. With a certificate the nodes speak TLS, and only with those whose certificate the
    /// authority has signed.
    struct Tls {
        std::string certificate;
        std::string key;
        std::string authority;
    };
    std::optional<Tls> tls;
};

}  // namespace crossclear::actors
