#pragma once

#include "shards/port.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <variant>

/// What tests put between a node and a shard starts from here.

namespace crossclear::tests {

/// A shard that is the one behind it.
class PassingShard : public shards::Shard {
public:
    explicit PassingShard(std::unique_ptr<shards::Shard> behind) : behind_(std::move(behind)) {}

    void submit(const ledger::ShardOrder& order,
                std::function<void(shards::SubmitAnswer)> done) override {
        behind_->submit(order, std::move(done));
    }
    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override {
        behind_->ask(ref, std::move(done));
    }
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override {
        behind_->balances(std::move(done));
    }
    void rescan(std::uint64_t from_block) override { behind_->rescan(from_block); }
    void health(std::function<void(shards::Health)> done) override {
        behind_->health(std::move(done));
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        behind_->listen(std::move(listener));
    }

private:
    std::unique_ptr<shards::Shard> behind_;
};

}  // namespace crossclear::tests
