#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "shards/simulated/block.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

/// Who holds what on a chain at one block.

namespace crossclear::shards::simulated {

/// Balances, positions and the count of variations. Changed only by entries of blocks.
class Book {
public:
    /// What `place` holds of `asset`.
    [[nodiscard]] base::Amount balance(Place place, base::AssetId asset) const;
    /// A broker's contracts; zero if it has none.
    [[nodiscard]] Position position(base::BrokerId broker, base::InstrumentId instrument) const;
    /// How many variations the broker has been told on this chain.
    [[nodiscard]] std::uint64_t variations(base::BrokerId broker) const;

    /// Whether `moves` leave every balance within 64 bits.
    [[nodiscard]] bool fits(const std::vector<Move>& moves) const;
    /// Makes an entry's effects true. **Requires:** its moves fit.
    void apply(const Entry& entry);
    /// Moves tokens outside of any entry: the genesis block.
    void apply(const Move& move);

    /// All there is, for codecs and checks; lines that came to nothing included.
    [[nodiscard]] const auto& balances() const noexcept { return balances_; }
    [[nodiscard]] const auto& positions() const noexcept { return positions_; }

    friend bool operator==(const Book&, const Book&) = default;

private:
    std::map<std::pair<Place, base::AssetId>, base::Amount> balances_;
    std::map<std::pair<base::BrokerId, base::InstrumentId>, Position> positions_;
    std::map<base::BrokerId, std::uint64_t> variations_;
};

}  // namespace crossclear::shards::simulated
