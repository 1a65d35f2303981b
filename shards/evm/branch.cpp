#include "shards/evm/branch.hpp"

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
        if (head.hash == this->head().hash) forget_way();
        return {};
    }
    if (head.number < final_block().number) return {};
    // What was on another head's way may be on this one's too.
    if (loose_.size() + way_.size() >= way_max) loose_.clear();
    for (const auto& known : way_) loose_.emplace(known.hash, known);
    way_ = {head};
    return go_on();
}

BranchChange Branch::take_parent(const Header& parent) {
    if (way_.empty() || loose_.size() >= way_max) return {};
    loose_.emplace(parent.hash, parent);
    return go_on();
}

// Each block of a way is looked at once, however many answers it takes to get there.
BranchChange Branch::go_on() {
    BranchChange change;
    while (!has(way_.back().number - 1, way_.back().parent)) {
        // Below what is final nothing branches off; and no way is that long.
        const auto& last = way_.back();
        const bool is_lost = last.number <= final_block().number + 1 || way_.size() > way_max;
        const auto parent = loose_.find(last.parent);
        if (!is_lost && parent == loose_.end()) {
            change.wanted = last.parent;
            return change;
        }
        if (is_lost || parent->second.number + 1 != last.number) {
            forget_way();
            change.is_contradiction = true;
            return change;
        }
        way_.push_back(parent->second);
        loose_.erase(parent);
    }
    while (head().number >= way_.back().number) {
        change.dropped.push_back(head());
        blocks_.pop_back();
    }
    change.added.assign(way_.rbegin(), way_.rend());
    blocks_.insert(blocks_.end(), change.added.begin(), change.added.end());
    forget_way();
    return change;
}

void Branch::forget_way() {
    way_.clear();
    loose_.clear();
}

bool Branch::finalize(std::uint64_t number, const Hash& hash) {
    if (number < final_block().number) return true;
    if (!has(number, hash)) return false;
    while (final_block().number < number) blocks_.pop_front();
    return true;
}

}  // namespace crossclear::shards::evm
