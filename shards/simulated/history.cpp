#include "shards/simulated/history.hpp"

#include "base/check.hpp"
#include "shards/simulated/chain.hpp"
#include "shards/simulated/codec.hpp"

#include <memory>

namespace crossclear::shards::simulated {
namespace {

// Whether a record has a part in what stands at `block`: later blocks have none, and neither has
// the replacement of blocks that are all later.
bool counts_at(const Record& record, std::uint64_t block) {
    if (const auto* made = std::get_if<Block>(&record)) return made->height <= block;
    if (const auto* gone = std::get_if<Reorganised>(&record)) return gone->kept_height < block;
    if (const auto* reached = std::get_if<HeadReached>(&record)) return reached->height <= block;
    return false;
}

}  // namespace

base::Result<Balances, LogFault> balances_at(const std::filesystem::path& log,
                                             const ChainParameters& parameters,
                                             const base::Listing& listing, base::BrokerId broker,
                                             std::uint64_t block) {
    std::unique_ptr<Chain> chain;
    const auto read = Log::read(
        log, {.at = {}, .identity = identity_of(parameters, listing)},
        [&](base::Timestamp at) { chain = std::make_unique<Chain>(parameters, listing, at); },
        [&](const Record& record) { return !counts_at(record, block) || chain->restore(record); });
    if (!read) return base::Failure{read.error()};
    CHECK(chain != nullptr, "a log that can be read has a genesis");
    return chain->head_balances(broker, block);
}

base::Result<std::vector<base::OrderRef>, LogFault> orders_in(const std::filesystem::path& log,
                                                              const ChainParameters& parameters,
                                                              const base::Listing& listing) {
    std::vector<base::OrderRef> orders;
    const auto read = Log::read(
        log, {.at = {}, .identity = identity_of(parameters, listing)}, [](base::Timestamp) {},
        [&](const Record& record) {
            const auto* block = std::get_if<Block>(&record);
            if (block == nullptr) return true;
            for (const auto& entry : block->entries) {
                const auto* executed = std::get_if<OrderExecuted>(&entry.content);
                if (executed != nullptr) orders.push_back(executed->order.ref);
            }
            return true;
        });
    if (!read) return base::Failure{read.error()};
    return orders;
}

}  // namespace crossclear::shards::simulated
