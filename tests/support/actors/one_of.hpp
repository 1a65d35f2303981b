#pragma once

#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// Nodes among others, and partitions that change their owner.

namespace crossclear::tests {

/// One node of several: its own way to the directory, and patience with partitions that move.
struct OneOf {
    OneOf(Outside& outside, const std::string& name, HouseOptions options = {})
        : directory(outside.directory.for_another_node()),
          house(outside, with(std::move(options), name, *directory)) {}

    std::unique_ptr<store::MemoryDirectory> directory;
    House house;

private:
    static HouseOptions with(HouseOptions options, const std::string& name,
                             store::Directory& directory) {
        options.name = name;
        options.directory = &directory;
        options.ask_again_for = base::seconds(20);
        return options;
    }
};

/// Waits until every partition runs somewhere and no node runs more than its share.
inline void await_shares(Outside& outside, const std::vector<const House*>& houses) {
    ASSERT_TRUE(outside.watch.await([&] {
        std::size_t sum = 0;
        const std::size_t share = (town::partitions + houses.size() - 1) / houses.size();
        for (const auto* house : houses) {
            if (house->partitions_running() > share) return false;
            sum += house->partitions_running();
        }
        return sum == town::partitions;
    }));
}

/// Another owner takes the partition behind the back of the one that runs, and writes nothing.
inline void take_away(Outside& outside, base::PartitionId partition) {
    // Told by another thread where that one is at work in the store.
    const auto taken = std::make_shared<std::promise<ledger::journal::PrepareOutcome>>();
    outside.store.prepare(partition, {.epoch = 9, .nonce = {1}},
                          [taken](const auto& outcome) { taken->set_value(outcome); });
    ASSERT_TRUE(std::holds_alternative<ledger::journal::Prepared>(taken->get_future().get()));
}

}  // namespace crossclear::tests
