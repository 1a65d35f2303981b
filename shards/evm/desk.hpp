#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "ledger/signing/effects.hpp"
#include "ledger/signing/events.hpp"
#include "ledger/words.hpp"
#include "shards/evm/signer.hpp"
#include "shards/evm/vault.hpp"
#include "shards/port.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a signing lane needs of its chain and its signer, whoever hosts it. It decides nothing:
/// what is sent, and what that means, is the machine's.

namespace crossclear::shards::evm {

/// What a lane is opened with.
struct ChainIdentity {
    std::uint64_t chain_id{};
    ledger::signing::Hash genesis{};
    ledger::signing::Address key{};
    std::uint64_t final_nonce{};
    std::uint64_t pending_nonce{};
};

/// An order as a call, ready to be signed.
struct PreparedCall {
    ledger::signing::Address to{};
    std::string data;
    std::uint64_t gas_limit{};
};

/// A transaction that may be in a block.
struct Watched {
    std::uint64_t nonce{};
    ledger::signing::Hash hash{};
};

/// A transaction of ours in a block, and what it did there.
struct Found {
    ledger::signing::Hash hash{};
    std::uint64_t block{};
    ledger::signing::Hash block_hash{};
    std::optional<Ended> ended;  ///< What the vault told; nothing where it told nothing.
    base::Amount gas;            ///< What it took of the key's own, in units of the gas asset.
};

/// What a new head has brought, to be taken in this order: what is undone before what was found,
/// and both before what is final.
struct HeadNews {
    std::vector<ledger::signing::Hash> undone;  ///< Blocks that are not the chain any more.
    std::vector<Found> found;
    std::uint64_t final_block{};
    std::uint64_t final_nonce{};  ///< Transactions of the key in it and before.
    base::Timestamp block_time{};
    ledger::signing::Fees enough;  ///< With less no block takes it soon.
    ledger::signing::Fees offer;   ///< What a new transaction offers.
    ledger::signing::Fees max;     ///< What none ever offers more than.
    std::uint64_t cancel_gas{};    ///< What a transfer of nothing takes.
    base::Amount key_balance;      ///< Of the gas asset, to pay for transactions with.
};

/// How an order has ended by the vault's own record, in blocks that are final.
struct Record {
    std::optional<ledger::OrderNotice> notice;  ///< Final; nothing where the vault knows none.
    base::Timestamp as_of{};                    ///< The time of the last final block.
};

/// What stands against a chain: it is not the one, or not what it was.
struct ChainFault {
    ledger::signing::Halt reason{};
    std::string says;  ///< What was expected and what was found.
};

/// One key on one chain. Callbacks come on a thread of the desk and must not block.
///
/// **Thread:** any.
class Desk {
public:
    Desk() = default;
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    virtual ~Desk() = default;

    /// Who the chain and the key are. **Errors:** no answer, or one by too few endpoints.
    virtual void identify(std::function<void(base::Result<ChainIdentity, NoAnswer>)> done) = 0;
    /// The call that an order is. **Errors:** why it will never be one.
    [[nodiscard]] virtual base::Result<PreparedCall, ledger::ShardRefusal> prepare(
        const ledger::ShardOrder& order) = 0;
    /// Has a transaction signed.
    virtual void sign(const ledger::signing::Sign& asked, std::function<void(SignResult)> done) = 0;
    /// Hands bytes to the chain. What became of them is found in blocks; `on_refused` says what a
    /// node held against them, which proves nothing.
    virtual void send(const ledger::signing::Broadcast& sent,
                      std::function<void(std::string)> on_refused) = 0;
    /// A transaction to look for, before it is sent.
    virtual void watch(const Watched& transaction) = 0;
    /// All below this nonce are finished.
    virtual void forget_below(std::uint64_t nonce) = 0;
    /// Begins to follow the chain, from its last final block on, or begins anew: whoever listened
    /// before hears nothing more. The first news has every transaction of `sent` that is in the
    /// chain; no news is final before each that may be in that block was asked for. A chain that is
    /// not what it was is a fault, at any time, and ends it.
    virtual void follow(const std::vector<Watched>& sent, std::function<void(HeadNews)> listener,
                        std::function<void(ChainFault)> on_fault) = 0;
    /// What a transaction that is final did, and that it cost so much. **Errors:** no answer yet.
    virtual void recount(const ledger::signing::Hash& hash, base::Amount gas,
                         std::function<void(base::Result<Found, NoAnswer>)> done) = 0;
    /// What became of an order, but for its finality, block and gas. Nothing where the vault has
    /// told what cannot be.
    [[nodiscard]] virtual std::optional<ledger::OrderNotice> notice_of(
        const ledger::ShardOrder& order, const Ended& ended) const = 0;
    /// How an order has ended that is under no nonce of this lane. **Errors:** no answer.
    virtual void look_up(const ledger::ShardOrder& order,
                         std::function<void(base::Result<Record, NoAnswer>)> done) = 0;
};

}  // namespace crossclear::shards::evm
