#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/dev_node.hpp"
#include "shards/evm/venue_maker.hpp"
#include "shards/evm/words.hpp"
#include "shards/simulated/outside.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <tuple>

/// What a demo's clients do on one chain: they send their tokens to a broker.

namespace crossclear::shards::evm {

/// How a deposit ended.
using DepositEnd = base::Result<void, simulated::DepositFault>;

/// A client's transfer that is wanted.
struct DepositWish {
    Address vault;
    std::string symbol;
    Uint256 amount;                        ///< Raw.
    std::uint64_t account{};               ///< As the vault's event has it.
    base::Timestamp until;                 ///< Nothing is sent any more from then on.
    std::function<void(DepositEnd)> done;  ///< Called once.
};

/// The clients. **Thread:** only one.
class DevClients {
public:
    /// **Requires:** `site` outlives it. `receipt_patience` is how long a block is waited for.
    DevClients(const ChainSite& site, base::Duration receipt_patience, DevLog log);
    DevClients(const DevClients&) = delete;
    DevClients& operator=(const DevClients&) = delete;
    /// Nobody knows what becomes of those that have not ended.
    ~DevClients();

    /// Takes one.
    void add(DepositWish wish);
    /// Goes on with all of them as far as blocks allow.
    void work(DevNode& node);

private:
    struct Job {
        DepositWish wish;
        Address client;
        std::optional<Hash> preparing;  // What has to be in a block before it goes on.
        std::optional<Hash> sent;       // The deposit itself.
        base::Timestamp sent_at;
    };
    using NextCall = base::Result<std::optional<DevCall>, RpcError>;

    [[nodiscard]] std::optional<DepositEnd> work_on(DevNode& node, Job& job);
    [[nodiscard]] std::optional<DepositEnd> await_block(DevNode& node, const Job& job) const;
    [[nodiscard]] std::optional<DepositEnd> deposit(DevNode& node, Job& job);
    /// What a client has to do next to have so much of a token; nothing where it has.
    [[nodiscard]] NextCall acquire(DevNode& node, const Address& client, const SiteToken& token,
                                   const Uint256& amount) const;
    [[nodiscard]] NextCall acquire_at(DevNode& node, const SiteVenue& venue, const Address& client,
                                      const SiteToken& token, const Uint256& amount) const;

    const ChainSite& site_;
    base::Duration receipt_patience_;
    DevLog log_;
    std::list<Job> jobs_;
    std::set<std::tuple<Address, std::string, Address>> approved_;  // Client, token, vault.
};

}  // namespace crossclear::shards::evm
