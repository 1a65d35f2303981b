#include "shards/evm/branch.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::shards::evm {

Branch::Branch(const Header& final_block) : blocks_{final_block} {}

const Header* Branch::at(std::uint64_t number) const {
    if (number < final_block().number || number > head().number) return nullptr;
    return &blocks_[static_cast<std::size_t>(number - final_block().number)];
}

bool Branch::has(std::uint64_t number, const Hash& hash) const {
    const auto* known = at(number);
    return known != nullptr && known->hash == hash;
}

BranchChange Branch::follow(const Header& head) {
    if (has(head.number, head.hash)) {
        // What wanted parents is not the newest any more.
        if (head.hash == this->head().hash) {
            wanting_.reset();
            loose_.clear();
        }
        return {};
    }
    if (head.number < final_block().number) return {};
    // Parents that were told for another head may be on this one's way too.
    if (loose_.size() >= way_max) loose_.clear();
    if (wanting_) loose_.emplace(wanting_->hash, *wanting_);
    wanting_ = head;
    return look_at_head();
}

BranchChange Branch::take_parent(const Header& parent) {
    if (!wanting_ || loose_.size() >= way_max) return {};
    loose_.emplace(parent.hash, parent);
    return look_at_head();
}

BranchChange Branch::look_at_head() {
    const auto contradiction = [this] {
        wanting_.reset();
        loose_.clear();
        BranchChange change;
        change.is_contradiction = true;
        return change;
    };
    std::vector<Header> way{*wanting_};
    while (!has(way.back().number - 1, way.back().parent)) {
        // Below what is final nothing branches off; and no way is that long.
        if (way.back().number <= final_block().number + 1 || way.size() > way_max) {
            return contradiction();
        }
        const auto parent = loose_.find(way.back().parent);
        if (parent == loose_.end()) {
            BranchChange change;
            change.wanted = way.back().parent;
            return change;
        }
        if (parent->second.number + 1 != way.back().number) return contradiction();
        way.push_back(parent->second);
    }
    wanting_.reset();
    loose_.clear();
    BranchChange change;
    while (head().number >= way.back().number) {
        change.dropped.push_back(head());
        blocks_.pop_back();
    }
    std::reverse(way.begin(), way.end());
    blocks_.insert(blocks_.end(), way.begin(), way.end());
    change.added = std::move(way);
    return change;
}

bool Branch::finalize(std::uint64_t number, const Hash& hash) {
    if (number < final_block().number) return true;
    if (!has(number, hash)) return false;
    while (final_block().number < number) blocks_.pop_front();
    return true;
}

}  // namespace crossclear::shards::evm
