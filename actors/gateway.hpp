#pragma once

#include "actors/cluster_view.hpp"
#include "actors/expiry_view.hpp"
#include "actors/house_view.hpp"
#include "actors/matched_trades.hpp"
#include "actors/signing_view.hpp"
#include "actors/transfers.hpp"
#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/time.hpp"
#include "risk/margin.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The only door to the actors, free of CAF: ask something, get an answer later. Words and views
/// here are typed; their text forms are the business of `api`.

namespace crossclear::actors {

/// What a key may do with an account (or with the service). A set of bits.
enum class Scope : std::uint16_t {
    viewer = 1,
    trader = 2,
    withdraw = 4,
    venue = 8,
    oracle = 16,
    operate = 32,
    auditor = 64,
};

/// Who speaks on a session: the result of an authentication.
struct Identity {
    std::string key;  ///< The key's public id, for logs; never its secret.
    std::map<base::AccountId, std::uint16_t> accounts;  ///< Scopes per account, as bits.
    std::uint16_t service{};                            ///< Scopes beyond accounts, as bits.
};

/// Scope trader. Answer: TradeCleared.
struct SubmitTrade {
    base::AccountId account;
    base::CommandId id;
    base::InstrumentId instrument;
    base::Amount quantity;  ///< Signed: positive buys.
    base::Price limit;
    base::Timestamp received_at;
};
/// Scope viewer. What SubmitTrade would do now. Answer: TradePreview.
struct PreviewTrade {
    base::AccountId account;
    base::InstrumentId instrument;
    base::Amount quantity;
};
/// Scope withdraw. Answer: WithdrawalTaken.
struct Withdraw {
    base::AccountId account;
    base::CommandId id;
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp received_at;
};
/// Scope withdraw. Takes a withdrawal back before it is sent. Answer: WithdrawalCancelled.
struct CancelWithdrawal {
    base::AccountId account;
    base::CommandId id;
    std::uint32_t number{};
    base::Timestamp received_at;
};
/// Scope viewer, each of them.
struct GetAccount {
    base::AccountId account;
};
/// What an account holds and owes, contracts included. Scope viewer.
struct GetPositions {
    base::AccountId account;
};
/// What it needs, by component. Scope viewer.
struct GetMargin {
    base::AccountId account;
};
/// One trade by its number. Scope viewer.
struct GetTrade {
    base::AccountId account;
    std::uint64_t number{};
};
/// The latest trades, by pages: `count` before `before` (0: from the newest). Scope viewer.
struct GetTrades {
    base::AccountId account;
    std::uint64_t before{};
    std::uint32_t count{};
};
/// How far the delivery of trades has come; the same paging.
struct GetSettlements {
    base::AccountId account;
    std::uint64_t before{};
    std::uint32_t count{};
};
/// The open ones. Scope viewer.
struct GetWithdrawals {
    base::AccountId account;
};
/// Scope oracle. Answer: MarksTaken. The newest by time wins, so repeating is harmless.
struct PublishMarks {
    /// One asset's price.
    struct Mark {
        base::AssetId asset;  ///< A token or contract.
        base::Price price;    ///< USD per unit.
    };
    /// How much stands behind a unit: docs/margin.md.
    struct Index {
        base::AssetId asset;  ///< What is lent, or a share of a pool.
        base::Price index;    ///< Positive.
    };
    /// One perpetual's funding index: what a contract has paid who was long since ever.
    struct Funding {
        base::AssetId contract;
        base::Price index;  ///< In the settlement token; may be negative.
    };
    std::vector<Mark> marks;
    base::Timestamp at;  ///< When they were observed.
    std::vector<Index> indices{};
    std::vector<Funding> funding{};
};

/// Scope operate, this and what follows. What is open between books and shards. Answer: LanesView.
struct GetBreaks {};
/// Looks at a shard now, for every broker. Answer: LanesView of that shard.
struct Reconcile {
    base::ShardId shard;
};
/// One break: that of an asset which was opened in a block.
struct BreakId {
    base::BrokerId broker;
    base::ShardId shard;
    base::AssetId asset;
    std::uint64_t block{};
};
/// What an operator says becomes of a break. The numbers are those of the ledger.
enum class Resolution : std::uint8_t { explained = 1, suspended = 2, borne = 3 };
/// Answer: BreakSettled.
struct ResolveBreak {
    base::CommandId id;
    BreakId of;
    Resolution resolution{Resolution::explained};
    std::string reason;
    base::Timestamp received_at;
};
/// Stops every broker's lane to a shard, or lets it go on. Answer: ShardPauseSet.
struct PauseShard {
    base::CommandId id;
    base::ShardId shard;
    bool is_paused{};
    base::Timestamp received_at;
};
/// Answer: PartitionsView.
struct GetPartitions {};
/// Answer: NodesView.
struct GetNodes {};
using OperatorRequest =
    std::variant<GetBreaks, Reconcile, ResolveBreak, PauseShard, GetPartitions, GetNodes, GetHouses,
                 GetExpiries, ProposePrice, DisputePrice, ResumeLane>;

using Request =
    std::variant<SubmitTrade, PreviewTrade, Withdraw, GetAccount, GetPositions, GetMargin, GetTrade,
                 GetTrades, GetSettlements, GetWithdrawals, PublishMarks, CancelWithdrawal,
                 OperatorRequest, Transfer, GetTransfers, SubmitMatchedTrade>;

/// Why not. `code` is the wire's number; `retryable`: the same id may be sent again.
struct Refusal {
    std::int32_t code{};
    std::string reason;  ///< A constant phrase in snake_case, for machines.
    std::string hint;    ///< What was expected, for people; may be empty.
    bool retryable{};
};

/// The broker is the counterparty; durable.
struct TradeCleared {
    base::AccountId account;
    std::uint64_t number{};
    base::Price price;
    base::Amount fee;          ///< In the settlement token.
    std::uint64_t sequence{};  ///< The account's version after it.
    bool is_repeat{};
};

/// Margin in USD cents, rounded up; equity rounded down. See docs/margin.md.
struct MarginView {
    std::int64_t equity_cents{};
    std::int64_t initial_cents{};
    std::int64_t maintenance_cents{};
    std::vector<std::pair<std::string, std::int64_t>> clearing;  ///< By component, in model order.
    std::vector<std::pair<std::string, std::int64_t>> protocol;  ///< Protocol risk, apart.
    std::vector<risk::ProtocolFailure> failures;                 ///< Those that take something.
    std::uint64_t surface{};  ///< The number of the market surface it was computed on.
};

/// What a trade would do now, without doing it.
struct TradePreview {
    bool is_acceptable{};
    std::string reason;  ///< Why not, else empty.
    base::Price price;
    base::Amount fee;
    MarginView before;
    MarginView after;
};

/// One asset of an account.
struct BalanceLine {
    base::AssetId asset;
    base::Amount seen;
    base::Amount free;
    base::Amount unsettled;
    base::Amount held;
    base::Amount owed;
};

/// An account at one version.
struct AccountView {
    base::AccountId account;
    std::uint64_t sequence{};
    std::vector<BalanceLine> balances;
    MarginView margin;
    std::string standing;  ///< good, called, liquidating or defaulted.
    std::uint64_t trades{};
};

/// One holding or contract.
struct PositionLine {
    base::AssetId asset;
    base::Amount quantity;       ///< Signed. Tokens: all that counts as held, minus what is owed.
    base::Price mark;            ///< USD per unit.
    std::int64_t value_cents{};  ///< Contracts: profit and loss not settled yet.
    std::optional<base::Price> funding{};  ///< The index that it has paid up to.
};
/// All that an account holds.
struct PositionsView {
    std::uint64_t sequence{};
    std::vector<PositionLine> positions;
};

/// One trade and how far its delivery has come.
struct TradeView {
    std::uint64_t number{};
    base::CommandId id;
    base::InstrumentId instrument;
    base::Amount quantity;
    base::Price price;
    base::Amount cash;
    base::Amount fee;
    std::string state;  ///< novated, partly_settled, settled, cash_settled.
    base::AssetId claimed_asset;
    base::Amount claimed;
    base::Amount open;
    base::Timestamp at;
    base::Timestamp settled_at;  ///< Zero until then.
    bool is_liquidation{};       ///< The broker's own: `id` is zeros.
};
/// Trades or settlements of an account.
struct TradesView {
    std::uint64_t sequence{};
    std::vector<TradeView> trades;  ///< Newest first.
};

/// Tokens are set aside; durable.
struct WithdrawalTaken {
    std::uint32_t number{};
    std::uint64_t sequence{};
    bool is_repeat{};
};
/// The tokens are the client's again; durable.
struct WithdrawalCancelled {
    std::uint32_t number{};
    std::uint64_t sequence{};
    bool is_repeat{};
};
/// One open withdrawal.
struct WithdrawalView {
    std::uint32_t number{};
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    base::Timestamp at;
};
/// All open withdrawals of an account.
struct WithdrawalsView {
    std::uint64_t sequence{};
    std::vector<WithdrawalView> open;
};
/// Marks are in force under this surface.
struct MarksTaken {
    std::uint64_t surface{};
};

/// One open break, or what is suspended of an earlier one.
struct BreakLine {
    BreakId id;
    std::string state;        ///< open, suspended.
    std::string kind;         ///< As reconcile::BreakKind has it; empty once suspended.
    base::Amount difference;  ///< Positive: the shard has more.
    base::Timestamp since;
    /// Both sides at the latest look; absent before the first one.
    struct Sides {
        base::Amount shard_held;
        base::Amount book_held;
        base::Amount shard_posted;
        base::Amount book_posted;
        base::Amount shard_position;
        base::Amount book_position;
    };
    std::optional<Sides> sides;
};
/// One broker on one shard.
struct LaneView {
    base::BrokerId broker;
    base::ShardId shard;
    std::uint64_t block{};  ///< Compared up to here.
    bool is_frozen{};       ///< By a break.
    bool is_paused{};       ///< By an operator.
    std::vector<BreakLine> breaks;
};
/// Lanes, by shard and broker.
struct LanesView {
    std::vector<LaneView> lanes;
};
/// The break is closed, or its loss borne; durable.
struct BreakSettled {
    BreakId of;
    Resolution resolution{Resolution::explained};
    bool is_frozen{};  ///< By another break.
    bool is_paused{};
    bool is_repeat{};
};
/// Every lane to the shard knows; durable.
struct ShardPauseSet {
    base::ShardId shard;
    bool is_paused{};
    bool is_repeat{};
};
using Answer =
    std::variant<Refusal, TradeCleared, TradePreview, AccountView, PositionsView, MarginView,
                 TradesView, WithdrawalTaken, WithdrawalsView, MarksTaken, WithdrawalCancelled,
                 LanesView, BreakSettled, ShardPauseSet, PartitionsView, NodesView, TransferTaken,
                 TransfersView, MatchedTradeCleared, HousesView, ExpiriesView, LaneResumed>;

/// A stream a session can follow.
struct Channel {
    /// What it tells; the numbers order channels.
    enum class Kind : std::uint8_t {
        trades = 1,
        settlements = 2,
        balances = 3,
        margin = 4,
        marks = 5,
        shards = 6,
        transparency = 7
    };
    Kind kind{Kind::trades};
    base::AccountId account;  ///< trades, settlements, balances, margin: scope viewer.
    base::AssetId asset;      ///< marks.
    base::BrokerId broker{};  ///< transparency.

    friend auto operator<=>(const Channel&, const Channel&) = default;
};

/// One mark.
struct MarkView {
    base::AssetId asset;
    base::Price price;
    base::Timestamp at;
};
/// How one shard stands.
struct ShardView {
    base::ShardId shard;
    bool is_reachable{};
    bool is_paused{};     ///< By an operator, or the shard makes no blocks.
    bool is_frozen{};     ///< Because of a break.
    std::string circuit;  ///< closed, open, half_open.
    std::uint64_t head_block{};
    std::uint64_t final_block{};
    base::Timestamp head_at;
};

/// What a hedge task's hash committed to, and what came of it.
struct HedgeSchedule {
    base::InstrumentId instrument;
    base::ShardId shard;
    base::Amount quantity;  ///< Signed: positive buys.
    base::Price bound;
    base::Timestamp deadline;
    std::vector<std::pair<base::Amount, base::Timestamp>> slices;
    std::uint64_t salt{};
    std::string text;  ///< What was hashed.
    base::Amount filled;
};
/// One hedge task, as anybody may know it: its commitment from the beginning, the rest once it has
/// ended. docs/transparency.md says how the hash is made.
struct HedgeNews {
    std::uint64_t task{};
    std::string hash;  ///< Lower-case hexadecimal.
    base::Timestamp committed_at;
    std::optional<HedgeSchedule> revealed;
};

/// One message of a channel. A snapshot has `previous` 0; a delta follows `previous`.
struct Publication {
    Channel channel;
    std::uint64_t sequence{};
    std::uint64_t previous{};
    bool is_snapshot{};
    std::variant<TradesView, AccountView, MarginView, std::vector<MarkView>, std::vector<ShardView>,
                 std::vector<HedgeNews>>
        body;
};

/// The api's end of a session. Called on actor threads; must not block.
class SessionSink {
public:
    SessionSink() = default;
    SessionSink(const SessionSink&) = delete;
    SessionSink& operator=(const SessionSink&) = delete;
    virtual ~SessionSink() = default;

    /// News of a channel that the session follows, in the order of the channel.
    virtual void publish(const std::shared_ptr<const Publication>& publication) = 0;
    /// The session has ended on this side: revoked, drained.
    virtual void close(std::uint16_t code, std::string reason) = 0;
};

/// One client's session inside. Ends when the last reference goes.
class Session {
public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    /// Sets who speaks from now on.
    virtual void identify(Identity identity) = 0;
    /// Asks. `done` runs exactly once, on an actor thread, unless the process ends first; requests
    /// of one session to one account are handled in order.
    virtual void ask(Request request, std::function<void(Answer)> done) = 0;
    /// Starts following; the snapshot arrives through the sink after `done`. `from` resumes after
    /// that sequence where the channel still remembers it.
    virtual void subscribe(const Channel& channel, std::optional<std::uint64_t> from,
                           std::function<void(std::optional<Refusal>)> done) = 0;
    /// Stops following; a channel that is not followed is passed over.
    virtual void unsubscribe(const Channel& channel) = 0;
};

/// Whether the node can work, and why not.
struct Readiness {
    bool is_started{};
    bool is_ready{};
    std::vector<std::string> why_not;
};

/// The node as `api` sees it.
class Gateway {
public:
    Gateway() = default;
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    virtual ~Gateway() = default;

    /// What exists; the same for as long as the gateway lives.
    [[nodiscard]] virtual const base::Listing& listing() const = 0;
    /// Begins a session that nobody has identified yet; it keeps `sink`.
    [[nodiscard]] virtual std::unique_ptr<Session> open_session(
        std::shared_ptr<SessionSink> sink) = 0;
    /// What is known at this moment, without asking an actor. **Thread:** any; they do not wait.
    [[nodiscard]] virtual Readiness readiness() const = 0;
    [[nodiscard]] virtual std::vector<ShardView> shards() const = 0;
    [[nodiscard]] virtual std::vector<MarkView> marks() const = 0;
};

}  // namespace crossclear::actors
