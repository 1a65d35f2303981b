#pragma once

#include "base/ids.hpp"
#include "ledger/words.hpp"

#include <bitset>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>

namespace crossclear::ledger::netting {

/// Deposits by shard and number, of which there may be millions: a bit each. A chain numbers its
/// deposits without gaps, so that a page is seldom empty.
class DepositSet {
public:
    static constexpr std::size_t page_size = 1'024;
    /// Numbers from `page * page_size` on.
    struct Place {
        base::ShardId shard;
        std::uint64_t page{};

        friend constexpr auto operator<=>(const Place&, const Place&) = default;
    };
    using value_type = DepositKey;
    using Pages = std::map<Place, std::bitset<page_size>>;

    /// As a set has them; to insert one again changes nothing.
    void insert(const DepositKey& key) {
        auto bit = pages_[{key.shard, key.id / page_size}][key.id % page_size];
        if (!bit) ++size_;
        bit = true;
    }
    [[nodiscard]] bool contains(const DepositKey& key) const {
        const auto page = pages_.find({key.shard, key.id / page_size});
        return page != pages_.end() && page->second.test(key.id % page_size);
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// For codecs. No page is empty.
    [[nodiscard]] const Pages& pages() const { return pages_; }

    friend bool operator==(const DepositSet&, const DepositSet&) = default;

private:
    Pages pages_;
    std::size_t size_{};
};

}  // namespace crossclear::ledger::netting
