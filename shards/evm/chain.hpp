#pragma once

#include "base/result.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/rpc_client.hpp"
#include "shards/port.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// What is asked of a chain, each question with its answer read. Coroutines of the client's thread.

namespace crossclear::shards::evm {

/// A coroutine of the chain's thread.
template <class T>
using Awaited = boost::asio::awaitable<T>;

/// Logs to look for.
struct LogFilter {
    std::vector<Address> addresses;
    std::vector<std::vector<Hash>> topics;  ///< By place, any of those; none: whatever is there.
};

/// Asks through a client, which outlives it. An answer is nothing where no endpoint gave one that
/// can be read; which of them is at fault, and why, the client has told.
///
/// **Thread:** that of the client.
class Chain {
public:
    explicit Chain(RpcClient& client) : client_(client) {}

    /// The blocks under tags as `latest`, of each endpoint that has them, at one time each.
    [[nodiscard]] Awaited<std::vector<std::vector<Block>>> stands(std::vector<std::string> tags);
    /// How many endpoints there are.
    [[nodiscard]] std::size_t endpoints_count() const { return client_.endpoints_count(); }
    /// Blocks by their heights, from one to another, both among them; as one says. Those that it
    /// does not have are left out.
    [[nodiscard]] Awaited<std::vector<Block>> blocks_between(std::uint64_t first,
                                                             std::uint64_t last);
    /// A block by its name: as one says, or where it has none, as most of those say that have it.
    [[nodiscard]] Awaited<std::optional<Block>> block(Hash hash);
    /// The block at a height, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<Block>> agreed_block(std::uint64_t number);
    /// Those of a block's transactions that a key has sent, by nonce.
    [[nodiscard]] Awaited<std::optional<std::vector<Hash>>> sent_by(Address key, Hash block);
    /// What became of transactions, as most endpoints say. Nothing of one that is in no block.
    [[nodiscard]] Awaited<std::optional<std::vector<std::optional<Receipt>>>> receipts(
        std::vector<Hash> transactions);
    /// What became of transactions, and what an address had at blocks; each in the order asked.
    struct Spending {
        std::vector<std::optional<Receipt>> receipts;
        std::vector<std::optional<Uint256>> balances;  ///< Nothing: the state is not there.
    };
    /// Both of them asked at once, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<Spending>> spending(std::vector<Hash> transactions,
                                                            Address of, std::vector<Hash> blocks);
    /// Transactions that an address has sent until a block, and what it has then.
    struct Account {
        std::uint64_t nonce{};
        Uint256 balance;
    };
    /// Both of them asked at once, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<Account>> account(Address of, Hash block);
    /// What is wanted of new blocks.
    struct Wanted {
        std::vector<Hash> blocks;  ///< Whose logs,
        LogFilter filter;          ///< and which of them.
        std::vector<Hash> transactions;
        Address of;
        std::vector<Hash> balance_at;    ///< Blocks, as in `spending`.
        std::optional<Hash> account_at;  ///< A block, as in `account`.
    };
    /// What is said of them, each in the order asked.
    struct Told {
        std::vector<std::vector<Log>> logs;  ///< By block.
        Spending spending;
        std::optional<Account> account;  ///< Where it was asked for, and most have said it.
    };
    /// All of it asked at once, in one message as long as that is not too large; logs that most
    /// endpoints have. Blocks without any are believed of one: a log that it hides is missing, and
    /// one that it makes up is not counted.
    [[nodiscard]] Awaited<std::optional<Told>> told_of(Wanted wanted);
    /// Logs from one height to another, both among them, of nodes that have come so far.
    [[nodiscard]] Awaited<std::optional<std::vector<Log>>> logs_between(std::uint64_t first,
                                                                        std::uint64_t last,
                                                                        LogFilter filter);
    /// What a contract answers at a block, as most endpoints say: words.
    [[nodiscard]] Awaited<std::optional<Bytes>> read(Address contract, Bytes words, Hash block);
    /// What an address has of the native token, in wei, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<Uint256>> balance(Address of, Hash block);
    /// Transactions that an address has sent until a block, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<std::uint64_t>> nonce(Address of, Hash block);
    /// Transactions that an address has sent, with all that wait; as one says.
    [[nodiscard]] Awaited<std::optional<std::uint64_t>> pending_nonce(Address of);
    /// The chain's number, as most endpoints say.
    [[nodiscard]] Awaited<std::optional<std::uint64_t>> chain_id();
    /// The code of a contract; empty where there is none.
    [[nodiscard]] Awaited<std::optional<Bytes>> code(Address contract, Hash block);
    /// A tip that gets a transaction into a block soon, in wei; as one says.
    [[nodiscard]] Awaited<std::optional<Uint256>> tip();
    /// Hands over bytes. **Errors:** what a node holds against them; it may have them already.
    [[nodiscard]] Awaited<RpcResult> send(std::string raw);

private:
    [[nodiscard]] Awaited<RpcResult> ask(RpcCall call);
    [[nodiscard]] Awaited<std::vector<RpcResult>> ask_all(std::vector<RpcCall> calls);
    [[nodiscard]] Awaited<RpcResult> agreed(RpcCall call);
    [[nodiscard]] Awaited<std::vector<RpcResult>> agreed_on_each(std::vector<RpcCall> calls);
    [[nodiscard]] Awaited<std::vector<std::vector<RpcResult>>> each(std::vector<RpcCall> calls);
    struct Both {
        std::vector<RpcResult> agreed;
        std::vector<RpcResult> of_one;
    };
    [[nodiscard]] Awaited<Both> both(std::vector<RpcCall> agreed, std::vector<RpcCall> of_one);
    [[nodiscard]] Awaited<std::optional<std::vector<std::vector<Log>>>> confirmed_logs(
        std::vector<Hash> blocks, LogFilter filter, std::vector<RpcResult> said);

    RpcClient& client_;
};

}  // namespace crossclear::shards::evm
