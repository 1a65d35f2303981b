#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What one protocol shard can do for one broker, whatever chain stands behind it. Submission never
/// says that something happened: that comes as a notice, and until one came the outcome is unknown.

namespace crossclear::shards {

namespace evm {
class Desk;
}

/// Whether a shard can be talked to right now, and how far it has come.
struct Health {
    bool is_reachable{};
    bool is_paused{};
    std::uint64_t head_block{};
    std::uint64_t final_block{};
    base::Timestamp head_at{};  ///< When the head block was made.
};

/// The shard took the order into its queue, or had it already. Says nothing about its outcome.
struct Accepted {};
/// The shard refused before taking it: nothing will happen under this reference, ever (a
/// tombstone).
struct Refused {
    ledger::ShardRefusal why{};
};
/// Lost on the way there or back. Ask, or submit the same again.
struct NoAnswer {};
using SubmitAnswer = std::variant<Accepted, Refused, NoAnswer>;

/// What one broker holds at one finalized block.
struct Balances {
    /// One asset. What no books can hold is off scale (`base::is_off_scale`): nobody believes it.
    struct Line {
        base::AssetId asset;
        base::Amount held;      ///< Tokens at the broker's address.
        base::Amount posted;    ///< Margin at the venue (settlement tokens), else 0.
        base::Amount position;  ///< Contracts at the venue, signed, else 0.
    };
    std::uint64_t block{};
    base::Timestamp at{};     ///< When the block was made, by the clock that deadlines are held to.
    base::Amount gas_max{};   ///< What one order can have cost, at most; off scale: anything.
    std::vector<Line> lines;  ///< One per asset of the shard, in listing order.
};

/// One shard, seen by one broker. Adapters own their threads.
///
/// **Thread:** any. Callbacks run on a thread of the adapter and must not block.
class Shard {
public:
    Shard() = default;
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    virtual ~Shard() = default;

    /// Hands over an order. Idempotent by its reference: a shard applies one at most once.
    virtual void submit(const ledger::ShardOrder& order,
                        std::function<void(SubmitAnswer)> done) = 0;
    /// What the shard knows of a reference. A finality of unseen means that it never saw it, which
    /// is no proof that it will not: the order may be on its way until its deadline is final.
    virtual void ask(const base::OrderRef& ref,
                     std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)> done) = 0;
    /// What this broker holds at the newest finalized block.
    virtual void balances(std::function<void(std::variant<Balances, NoAnswer>)> done) = 0;
    /// Replays every inflow (deposit, bridge arrival, variation) from `from_block` on as notices,
    /// so that none is lost to a restart of ours: deposits that are gone as unseen, or a notice of
    /// the rescan at its end.
    virtual void rescan(std::uint64_t from_block) = 0;
    /// How the shard stands; not reachable where it does not answer.
    virtual void health(std::function<void(Health)> done) = 0;
    /// Where notices go; set once, before the first call. Notices may repeat and change order, but
    /// variations come in the order of their numbers, and that of a rescan after what it found.
    virtual void listen(std::function<void(ledger::ShardNotice)> listener) = 0;
    /// Whether a client could be paid at what it named: a destination in the spelling of the chain.
    /// Whether the shard pays to it in the end is told by the order.
    [[nodiscard]] virtual bool is_destination(std::string_view text) const { return !text.empty(); }
    /// Where its orders are signed, if they have to be: then they are brought there, through a
    /// signing lane, and not to `submit` and `ask`. Null where it takes orders as they are.
    [[nodiscard]] virtual evm::Desk* desk() { return nullptr; }
};

}  // namespace crossclear::shards
