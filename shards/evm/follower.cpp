#include "shards/evm/follower.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::shards::evm {

Awaited<std::optional<Follower::Stand>> Follower::ask() {
    std::vector<std::string> tags{"latest"};
    if (!rule_.depth) tags.insert(tags.end(), {"finalized", "safe"});
    auto told = co_await chain_.blocks(std::move(tags));
    if (!told) co_return std::nullopt;
    Stand stand{.head = told->front(), .final_block = {}, .safe = 0};
    const auto number = stand.head.header.number;
    if (!rule_.depth) {
        stand.final_block = (*told)[1].header;
        stand.safe = (*told)[2].header.number;
        if (stand.final_block.number > number) co_return std::nullopt;
        co_return stand;
    }
    stand.safe = number - std::min(number, *rule_.depth / 2);
    const auto height = number - std::min(number, *rule_.depth);
    auto final_block = co_await chain_.agreed_block(height);
    if (!final_block) co_return std::nullopt;
    stand.final_block = final_block->header;
    co_return stand;
}

Awaited<bool> Follower::anchor(const Stand& stand) {
    const auto agreed = co_await chain_.agreed_block(stand.final_block.number);
    if (!agreed || agreed->header != stand.final_block) co_return false;
    branch_.emplace(stand.final_block);
    co_return true;
}

Awaited<bool> Follower::is_final_block_replaced() {
    const auto agreed = co_await chain_.agreed_block(branch_->final_block().number);
    co_return agreed && agreed->header.hash != branch_->final_block().hash;
}

// Whether there is nothing against it. A head that lags behind what is final says nothing yet.
Awaited<bool> Follower::finalize(const Stand& stand) {
    const auto& block = stand.final_block;
    if (block.number <= branch_->final_block().number) co_return true;
    if (!branch_->has(block.number, block.hash)) co_return false;
    const auto agreed = co_await chain_.agreed_block(block.number);
    if (!agreed || agreed->header.hash != block.hash) co_return false;
    co_return branch_->finalize(block.number, block.hash);
}

Awaited<base::Result<ChainStep, StepFault>> Follower::advance() {
    const auto stand = co_await ask();
    if (!stand) co_return base::Failure{StepFault::no_answer};
    if (!branch_) {
        const bool is_known = co_await anchor(*stand);
        if (!is_known) co_return base::Failure{StepFault::no_answer};
    }
    bodies_.insert_or_assign(stand->head.header.hash, stand->head.transactions);
    auto change = branch_->follow(stand->head.header);
    while (change.wanted) {
        const auto parent = co_await chain_.block(*change.wanted);
        // What is known of the way so far is kept.
        if (!parent) co_return base::Failure{StepFault::no_answer};
        bodies_.insert_or_assign(parent->header.hash, parent->transactions);
        change = branch_->take_parent(parent->header);
    }
    if (change.is_contradiction) {
        bodies_.clear();
        const bool is_replaced = co_await is_final_block_replaced();
        co_return base::Failure{is_replaced ? StepFault::final_block_replaced
                                            : StepFault::no_answer};
    }
    ChainStep step{.dropped = std::move(change.dropped), .added = {}};
    for (const auto& header : change.added) {
        AddedBlock block{.header = header, .transactions = {}};
        if (auto body = bodies_.extract(header.hash)) block.transactions = std::move(body.mapped());
        step.added.push_back(std::move(block));
    }
    if (!step.added.empty() || bodies_.size() > Branch::way_max) bodies_.clear();
    safe_ = std::max(safe_, std::min(stand->safe, branch_->head().number));
    // Where it cannot be final yet, the step is one all the same.
    (void)co_await finalize(*stand);
    co_return step;
}

}  // namespace crossclear::shards::evm
