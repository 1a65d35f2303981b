#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of a broker's house. Figures that live in the partitions' books arrive in the
/// command; the house itself remembers only what it has promised.

namespace crossclear::ledger::netting {

/// Pays in what the configuration says the broker starts with, once.
struct Found {
    /// What it holds of one asset on one shard.
    struct Line {
        base::ShardId shard;
        base::AssetId asset;
        base::Amount amount;  ///< Positive.
        Source source{Source::capital};
    };
    /// What of it is posted at a venue.
    struct Margin {
        base::ShardId venue;
        base::AssetId asset;
        base::Amount amount;  ///< Out of the capital on the same shard.
    };
    std::vector<Line> lines;
    std::vector<Margin> margins;
    base::Timestamp at;
};

/// What a shard tells of a deposit. Sent by the lane; repeats add nothing.
struct RecordDeposit {
    DepositNotice notice;
    base::Timestamp at;
};

/// What a shard has found again in its final blocks. Sent by the lane, after the deposits.
struct EndRescan {
    RescanNotice notice;
    base::Timestamp at;
};

/// The account has booked it. Sent by the account's host.
struct AcknowledgeDeposit {
    std::uint64_t deposit{};
    base::ShardId shard;
    Finality finality{Finality::unseen};
};

/// What a venue settled and is not recorded yet, in the order of its numbers. Sent by the host,
/// which gathers what the lane tells; repeats add nothing.
struct RecordVariations {
    /// One variation, with what its contract is paid in.
    struct Line {
        VariationNotice notice;
        base::AssetId contract;
        base::AssetId settlement;
        bool has_expired{};  ///< The contract: the venue may end the position with a gain.
    };
    base::ShardId shard;
    std::vector<Line> lines;
    base::Timestamp at;
};

/// One asset's house position and what may be done about it.
struct Exposure {
    base::AssetId base;
    base::InstrumentId instrument;
    base::ShardId shard;  ///< Where it would be hedged.
    bool is_contract{};
    base::AssetId settlement;
    base::Amount need;         ///< Signed: positive must be bought. CONV, or HBOOK - VPOS.
    base::Amount need_before;  ///< What it was at the look before this one.
    base::Amount overdue;      ///< Claims that must be covered whatever the band says, >= 0.
    base::Amount band;         ///< Residuals up to here stay.
    base::Amount task_max;     ///< One task's size at most.
    base::Price mark;
    base::Price bound_buy;
    base::Price bound_sell;
    base::Amount cost_at_bound;            ///< Of buying `task_max` at `bound_buy`, rounded up.
    std::int64_t notional_cents_of_max{};  ///< USD cents of `task_max` at the mark.
    base::Amount given_on_shard;           ///< Settlement (to buy) on that shard.
    base::Amount base_on_shard;            ///< Base (to sell) on that shard.
    base::Amount position;                 ///< Contracts at the venue, signed.
    base::Amount position_max;             ///< Contracts that what is posted there bears, >= 0.
    base::Amount hedged{};                 ///< Filled by its open task, signed; `need` knows of it.
    /// `need` and `hedged` together at the look before, if the same task was open then.
    std::optional<base::Amount> whole_before{};
};

/// What is known of one asset's cover, over all partitions.
struct CoverLine {
    /// What one partition lacks.
    struct Want {
        base::PartitionId partition;
        base::Amount amount;    ///< Claims beyond the room it has, positive.
        base::Amount returned;  ///< Its quota's `returned` total, as last reported.
    };
    base::AssetId asset;
    base::Amount backing;          ///< NOSTRO + INFLIGHT_OUT of withdrawals and moves + SUSPENSE.
    base::Amount reserve;          ///< Kept back for gas.
    std::vector<Want> partitions;  ///< Every partition that reported, oldest claim first.
};

/// Looks at everything and does what is due: hedges and grants. Sent by the host at intervals.
struct Balance {
    std::vector<CoverLine> cover;
    std::vector<Exposure> exposures;
    bool is_market_orderly{};  ///< Marks are fresh; otherwise nothing is opened.
    base::Timestamp now;
};

/// How much margin a broker keeps at a venue.
struct MarginPolicy {
    base::ShardId venue;
    base::AssetId asset;
    base::Amount floor;  ///< Kept whatever the position.
    base::Ppm share;     ///< Of the position's value; positive.
    base::Ppm slack;     ///< How far from what is wanted it may stray before tokens move.
};

/// Moves tokens into venues that run short of margin and out of those that have too much. Sent by
/// the host at intervals.
struct KeepMargins {
    /// One asset at one venue.
    struct Line {
        MarginPolicy policy;
        base::Amount value;  ///< Of the contracts there at marks, without their signs.
        base::Amount due;    ///< What clients have lost and the venue has yet to take, >= 0.
        base::Amount held;   ///< NOSTRO there.
    };
    std::vector<Line> lines;
    std::vector<CoverLine> cover;  ///< Of every asset in `lines`.
    base::Timestamp now;
};

/// Moves tokens to where they run short. Sent by the host at intervals.
struct LevelShards {
    /// One asset on one shard.
    struct Line {
        base::ShardId shard;
        base::AssetId asset;
        base::Amount held;    ///< NOSTRO there.
        base::Amount low;     ///< Below it the shard is refilled.
        base::Amount target;  ///< Up to this.
    };
    std::vector<Line> lines;
    base::Timestamp now;
};

/// A task has ended. Sent by the hedge task; repeats add nothing.
struct CloseHedge {
    std::uint64_t number{};
    base::Amount filled;
    base::Timestamp at;
};

/// A move has ended. Sent by the instruction; repeats add nothing.
struct CloseMove {
    std::uint64_t number{};
    bool is_settled{};
    base::Timestamp at;
};

/// Takes the epoch's result out of CONV and VM. Sent by the host at intervals.
struct BookResult {
    base::AssetId settlement;
    base::Amount conv;
    base::Amount vm;
    base::Timestamp at;
};

/// Pays what defaulting clients owed, as far as the waterfall reaches. Sent by the host when there
/// is any.
struct BearLoss {
    base::AssetId asset;
    base::Amount loss;       ///< LOSS over all partitions: debit.
    base::Amount capital;    ///< CAPITAL: credit.
    base::Amount insurance;  ///< INSURANCE: credit.
    base::Timestamp at;
};

/// Says what the last price of a contract that has expired shall be. Sent by an operator, who may
/// say so again until it is fixed, and once by the host, which has its average. Safe to repeat with
/// the same `id`.
struct ProposePrice {
    base::CommandId id;  ///< Zeros: of the host, in whose stead an operator may have spoken.
    base::AssetId contract;
    base::Price price;
    base::Price price_max;  ///< That a contract of its kind can have.
    base::Timestamp expires_at;
    base::Duration dispute_for;  ///< How long it can be disputed.
    base::Timestamp at;
};

/// Says that what was proposed is wrong. Sent by an operator. Safe to repeat with the same `id`.
struct DisputePrice {
    base::CommandId id;
    base::AssetId contract;
    std::string reason;
    base::Timestamp at;
};

/// Fixes what nobody has disputed in time. Sent by the host at intervals.
struct FixPrices {
    /// Outcomes that belong together: they are fixed together, at prices that add up.
    struct Together {
        /// The contracts on each outcome: one price for all of them.
        std::vector<std::vector<base::AssetId>> outcomes{};
        bool is_all{};  ///< One of them comes true.
        base::Price sum{};
    };
    base::Timestamp at;
    std::vector<Together> events{};
};

/// May a withdrawal leave? Sent by the host when the withdrawal asks; a repeat counts once, but is
/// looked at again.
struct ReviewDeparture {
    DepartureKey withdrawal;
    Departure departure;
    base::Amount holdings;   ///< NOSTRO over all shards.
    base::Amount suspended;  ///< SUSPENSE over all shards: debit where tokens are missing.
    base::Amount on_shard;   ///< NOSTRO where it is to be paid,
    base::Amount in_flight;  ///< and INFLIGHT_OUT.
    std::map<std::uint64_t, base::Amount> hedged;  ///< What open tasks have filled, signed.
    bool is_current{};   ///< The figures know of everything decided so far.
    base::Ppm hour_max;  ///< Share of the holdings that may leave in an hour.
    base::Ppm day_max;   ///< The same in a day.
    base::Timestamp at;
};

/// A withdrawal is over. Sent by the withdrawal; repeats add nothing.
struct CloseDeparture {
    DepartureKey withdrawal;
    base::Timestamp at;
};

/// Closes the departures of all withdrawals that are over. Sent by the host after a restart, which
/// may have swallowed that one was.
struct KeepDepartures {
    std::set<DepartureKey> open;  ///< Withdrawals that have something left to do.
    base::Timestamp at;
};

using Command =
    std::variant<Found, RecordDeposit, EndRescan, AcknowledgeDeposit, RecordVariations, Balance,
                 KeepMargins, LevelShards, CloseHedge, CloseMove, BookResult, ReviewDeparture,
                 CloseDeparture, KeepDepartures, BearLoss, ProposePrice, DisputePrice, FixPrices>;

}  // namespace crossclear::ledger::netting
