#pragma once

#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"
#include "shards/port.hpp"
#include "shards/simulated/block.hpp"
#include "shards/simulated/book.hpp"
#include "shards/simulated/parameters.hpp"
#include "shards/simulated/protocols.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

/// One deterministic chain: the outside world in small. No thread, clock or file; the same
/// parameters and the same calls give the same blocks.
///
/// The problem: everything a real shard does to us (delay, lose, repeat, reorder, refuse, replace
/// blocks) must be reproducible, and yet what is final must be exact.
/// The idea: a block is a list of effects; one book holds the newest block, another the newest
/// final one, and only blocks between them are kept, so a reorganisation is the final book plus
/// the blocks that stay.
/// The subtle thing: block heights are slots of a time grid. Empty slots are blocks too, but are
/// neither kept nor written; a slot once passed is never filled later, so time in a chain only
/// grows, and a deadline behind a final block can never be met again.

namespace crossclear::shards::simulated {

/// A notice with the broker it is for.
struct Told {
    base::BrokerId to;
    ledger::ShardNotice notice;

    friend bool operator==(const Told&, const Told&) = default;
};

/// Tokens that left finally for another chain.
struct Departure {
    base::OrderRef ref;
    base::ShardId to_shard;
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp final_at;

    friend bool operator==(const Departure&, const Departure&) = default;
};

/// The chain. **Thread:** one at a time.
class Chain {
public:
    /// A chain whose block 0 was made at `genesis_at`.
    /// **Requires:** positive block time, finality depth and capacities; terms for each instrument;
    /// `listing` outlives the chain.
    Chain(ChainParameters parameters, const base::Listing& listing, base::Timestamp genesis_at);
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;

    /// Repeats one record of the log, before anything else is called. False if it does not follow
    /// from the ones before.
    [[nodiscard]] bool restore(const Record& record);
    /// Passes over the slots until `now` without a block: nobody was there to make any.
    void skip_to(base::Timestamp now);
    /// Makes all blocks due until `now`. An earlier time does nothing.
    void advance_to(base::Timestamp now);
    /// When the next slot is due.
    [[nodiscard]] base::Timestamp next_slot_at() const;

    /// As `Shard::submit`, at time `now`.
    [[nodiscard]] SubmitAnswer submit(const ledger::ShardOrder& order, base::Timestamp now);
    /// As `Shard::ask`; a finality of unseen means not known here.
    [[nodiscard]] std::variant<ledger::OrderNotice, NoAnswer> ask(const base::OrderRef& ref);
    /// As `Shard::balances`.
    [[nodiscard]] std::variant<Balances, NoAnswer> balances(base::BrokerId broker) const;
    /// The same whatever faults are on.
    [[nodiscard]] Balances final_balances(base::BrokerId broker) const;
    /// What `broker` holds in the newest block, given out as that of `block`.
    [[nodiscard]] Balances head_balances(base::BrokerId broker, std::uint64_t block) const;
    /// As `Shard::health`.
    [[nodiscard]] Health health() const;
    /// Tells `broker`, or every broker, its inflows in blocks from `from_block` on once more.
    void rescan(std::optional<base::BrokerId> broker, std::uint64_t from_block);

    /// A client sends tokens to its broker's vault. It is told from its inclusion on.
    /// **Errors:** `unsupported` asset or amount, `capacity_exceeded` with a full mempool.
    [[nodiscard]] base::Result<void, ledger::ShardRefusal> deposit(base::AccountId account,
                                                                   base::AssetId asset,
                                                                   base::Amount amount,
                                                                   base::Timestamp now);
    /// Tokens come out of the bridge. Repeats of a reference do nothing.
    void arrive(const base::OrderRef& ref, base::AssetId asset, base::Amount amount,
                base::Timestamp now);
    /// Whether an arrival can no longer be undone.
    [[nodiscard]] bool has_final_arrival(const base::OrderRef& ref) const;
    /// A protocol fails: the next block cuts every vault's holding of `asset` by `share`.
    void fail_protocol(base::AssetId asset, base::Ppm share, base::Timestamp now);

    /// An instrument's price in the blocks to come. **Requires:** `is_price`.
    void set_price(base::InstrumentId instrument, base::Price price);
    /// A perpetual's funding index in the blocks to come; may be negative.
    void set_funding(base::InstrumentId instrument, base::Price index);
    /// What goes wrong from now on. A chain that becomes reachable again tells its inflows of the
    /// time in which nobody heard it.
    void set_faults(Faults faults);
    [[nodiscard]] const Faults& faults() const noexcept { return faults_; }

    /// Final departures whose arrival nobody has confirmed, by reference.
    [[nodiscard]] const auto& departures() const noexcept { return departures_; }
    /// Forgets a departure that has arrived finally.
    void forget_departure(const base::OrderRef& ref);

    /// What has to be durable before any answer or notice given since may leave.
    [[nodiscard]] std::vector<Record> take_records();
    /// What is to be told, in order, once the records are durable.
    [[nodiscard]] std::vector<Told> take_notices();

    /// What it was made of, and the books of its newest block and of its newest final one.
    [[nodiscard]] const ChainParameters& parameters() const noexcept { return parameters_; }
    [[nodiscard]] const Book& head_book() const noexcept { return head_book_; }
    [[nodiscard]] const Book& final_book() const noexcept { return final_book_; }
    /// The heights of those blocks; 0 is the genesis block.
    [[nodiscard]] std::uint64_t head_height() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t final_height() const noexcept;
    /// The hash of the newest block that holds something.
    [[nodiscard]] std::uint64_t head_hash() const noexcept;
    /// Time of the block at `height`.
    [[nodiscard]] base::Timestamp time_of(std::uint64_t height) const noexcept;

private:
    using Waiting = std::variant<ledger::ShardOrder, DepositMade, TokensArrived, LossTaken>;
    struct Pending {
        Waiting what;
        base::Timestamp not_before;
    };
    struct Recent {
        Block block;
        bool is_safe_told{};
    };
    struct HashRef {
        std::size_t operator()(const base::OrderRef& ref) const noexcept {
            return std::hash<base::EntityId>{}(ref.origin) * 31 + ref.number;
        }
    };

    void produce(std::uint64_t height);
    void settle_variations(Block& block);
    void include_pending(Block& block, base::Rng& rng);
    std::optional<Entry> entry_for(const Pending& pending, std::uint64_t height, base::Rng& rng,
                                   CapacityTaken& taken);
    void seal(Block block);
    void take_in(const Block& block);
    void advance_finality();
    void make_final(const Block& block);
    void expire();
    void reorganise(base::Rng& rng);
    void undo(const Block& block);
    void put_back(const Block& block, base::Rng& rng);
    void drop_blocks_above(std::uint64_t height, std::vector<Block>& dropped);
    void rebuild_head();

    void add_pending(Waiting what, base::Timestamp not_before);
    void remember_head();
    [[nodiscard]] bool is_taken(const base::OrderRef& ref) const;
    [[nodiscard]] bool is_idle() const;
    [[nodiscard]] std::uint64_t slot_at(base::Timestamp now) const;
    [[nodiscard]] ledger::Finality finality_of(std::uint64_t height) const;
    [[nodiscard]] Protocols protocols_at(base::Timestamp block) const;
    [[nodiscard]] Balances balances_in(const Book& book, base::BrokerId broker,
                                       std::uint64_t block) const;

    void tell(base::BrokerId to, ledger::ShardNotice notice);
    void tell_block(const Block& block, ledger::Finality finality);
    [[nodiscard]] std::optional<Told> told_of(const Entry& entry, std::uint64_t height,
                                              ledger::Finality finality) const;

    ChainParameters parameters_;
    const base::Listing& listing_;
    base::Timestamp genesis_at_;
    Faults faults_;
    Prices prices_;
    Prices funding_;

    std::uint64_t head_{};  ///< Height of the newest block, empty or not.
    std::uint64_t slot_{};  ///< Newest slot looked at; beyond the head only while paused.
    std::uint64_t paused_until_{};
    std::uint64_t remembered_head_{};  ///< Newest height that the log knows of.
    Book head_book_;
    Book final_book_;
    std::deque<Recent> recent_;  ///< Not final, with content, oldest first.
    std::uint64_t final_hash_{};
    std::uint64_t reorganisations_{};
    std::uint64_t deposits_made_{};

    std::map<std::uint64_t, Pending> mempool_;  ///< In order of arrival.
    std::uint64_t queued_{};                    ///< Numbers the mempool's entries.
    std::set<base::OrderRef> waiting_orders_;
    std::unordered_map<base::OrderRef, ledger::OrderNotice, HashRef> receipts_;
    std::unordered_map<base::OrderRef, std::uint64_t, HashRef> expired_;
    std::unordered_map<base::OrderRef, ledger::ShardRefusal, HashRef> tombstones_;
    std::unordered_map<base::OrderRef, std::uint64_t, HashRef> arrivals_;  ///< Block, 0: waiting.
    std::map<base::OrderRef, Departure> departures_;
    std::vector<Told> inflows_;                      ///< All final ones, by block.
    std::map<std::uint64_t, Told> undone_deposits_;  ///< By id, until they are included again.

    base::Rng submission_rng_;
    base::Rng notice_rng_;
    std::vector<Record> records_;
    std::vector<Told> notices_;
    std::vector<Told> held_back_;
    std::optional<std::uint64_t> silent_since_;  ///< Head when notices began to be withheld.
};

}  // namespace crossclear::shards::simulated
