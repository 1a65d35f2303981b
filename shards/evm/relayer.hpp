#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/dev_node.hpp"
#include "shards/evm/venue_maker.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The relayer of a demo's bridges: what one has sent and cannot take back any more is delivered by
/// the other, once. It remembers nothing: after a start it goes through everything again, and the
/// bridge itself says what it has delivered.

namespace crossclear::shards::evm {

/// What is on its way between two chains.
struct Passage {
    Hash intent;
    std::uint64_t to_chain{};
    Address to;
    std::string symbol;  ///< The token's on the chain it left; it has the same on the other.
    int decimals{};      ///< Of the token there.
    Uint256 amount;      ///< Raw, there.

    friend bool operator==(const Passage&, const Passage&) = default;
};

/// Reads what a bridge has told. Nothing where it is another event, or of a token that is not the
/// chain's.
[[nodiscard]] std::optional<Passage> parse_sent(const ChainSite& from, const Log& log);
/// Raw units of the token on the other chain. Nothing where there is no such token, or where its
/// fewer digits would lose something.
[[nodiscard]] std::optional<Uint256> converted(const Passage& passage, const ChainSite& to);

/// What leaves one chain. **Thread:** only one.
class Departures {
public:
    /// **Requires:** `site` outlives it.
    explicit Departures(const ChainSite& site);

    /// What has become final since the last time; nothing where there is no bridge.
    [[nodiscard]] base::Result<std::vector<Passage>, RpcError> take(DevNode& node);

private:
    const ChainSite& site_;
    std::uint64_t next_block_;
};

/// What arrives at one. **Thread:** only one.
class Arrivals {
public:
    /// **Requires:** `site` outlives it.
    Arrivals(const ChainSite& site, DevLog log);

    /// To be delivered from `due` on.
    void add(const Passage& passage, base::Timestamp due);
    /// Delivers what is due, and forgets what was delivered for good.
    void work(DevNode& node);

private:
    struct Entry {
        Passage passage;
        base::Timestamp due;  // Nothing is done before.
        std::optional<Hash> under_way;
        base::Timestamp sent_at;
    };
    enum class Next : std::uint8_t { keep, forget };

    [[nodiscard]] Next work_on(DevNode& node, Entry& entry);
    void deliver(DevNode& node, Entry& entry, const Uint256& amount);

    const ChainSite& site_;
    DevLog log_;
    std::map<Hash, Entry> entries_;  // By intent.
};

}  // namespace crossclear::shards::evm
