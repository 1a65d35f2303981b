#include "shards/evm/follower.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using Stands = std::vector<std::vector<Block>>;

// Parents of a head that are asked for at once.
constexpr std::uint64_t way_at_once = 64;

// The height that more than half of all endpoints say is reached, by tag: one that is behind holds
// nobody up, and one that runs ahead of the chain is not believed.
// **Requires:** that more than half have spoken.
std::uint64_t reached(const Stands& stands, std::size_t tag, std::size_t endpoints) {
    std::vector<std::uint64_t> numbers;
    for (const auto& stand : stands) numbers.push_back(stand[tag].header.number);
    std::sort(numbers.begin(), numbers.end(), std::greater<>());
    return numbers.at(endpoints / 2);
}

// Of the heads at that height the one that most have.
const Block& head_at(const Stands& stands, std::uint64_t height) {
    const Block* most = nullptr;
    std::ptrdiff_t most_count = 0;
    for (const auto& stand : stands) {
        const auto& head = stand.front();
        if (head.header.number != height) continue;
        const auto count = std::count_if(stands.begin(), stands.end(), [&](const auto& other) {
            return other.front().header == head.header;
        });
        if (count > most_count) most = &head;
        most_count = std::max(most_count, count);
    }
    CHECK(most != nullptr, "the height is one that an endpoint said");
    return *most;
}

// The block at that height, where more than half of all endpoints have said it under a tag.
std::optional<Header> said_by_most(const Stands& stands, std::size_t tag, std::uint64_t height,
                                   std::size_t endpoints) {
    for (const auto& stand : stands) {
        const auto& header = stand[tag].header;
        if (header.number != height) continue;
        const auto count = std::count_if(stands.begin(), stands.end(), [&](const auto& other) {
            return other[tag].header == header;
        });
        if (static_cast<std::size_t>(count) > endpoints / 2) return header;
    }
    return std::nullopt;
}

}  // namespace

Awaited<std::optional<Follower::Stand>> Follower::ask() {
    std::vector<std::string> tags{"latest"};
    if (!rule_.depth) tags.insert(tags.end(), {"finalized", "safe"});
    const auto stands = co_await chain_.stands(std::move(tags));
    const auto endpoints = chain_.endpoints_count();
    if (stands.size() <= endpoints / 2) co_return std::nullopt;
    const auto height = reached(stands, 0, endpoints);
    Stand stand{.head = head_at(stands, height)};
    if (rule_.depth) {
        stand.final_height = height - std::min(height, *rule_.depth);
        stand.safe = height - std::min(height, *rule_.depth / 2);
    } else {
        stand.final_height = reached(stands, 1, endpoints);
        stand.safe = reached(stands, 2, endpoints);
        stand.final_block = said_by_most(stands, 1, stand.final_height, endpoints);
    }
    co_return stand;
}

// Most endpoints have told it by its tag, or are asked for it.
Awaited<std::optional<Header>> Follower::final_block_of(Stand stand) {
    if (stand.final_block) co_return stand.final_block;
    const auto agreed = co_await chain_.agreed_block(stand.final_height);
    co_return agreed ? std::optional(agreed->header) : std::nullopt;
}

Awaited<bool> Follower::anchor(const Stand& stand) {
    const auto agreed = co_await final_block_of(stand);
    if (!agreed) co_return false;
    branch_.emplace(*agreed);
    co_return true;
}

Awaited<bool> Follower::is_final_block_replaced() {
    const auto agreed = co_await chain_.agreed_block(branch_->final_block().number);
    co_return agreed && agreed->header.hash != branch_->final_block().hash;
}

// What is not known to be of the chain yet, because the head lags behind, is not final either.
Awaited<void> Follower::finalize(const Stand& stand) {
    if (stand.final_height <= branch_->final_block().number) co_return;
    const auto agreed = co_await final_block_of(stand);
    if (agreed) (void)branch_->finalize(stand.final_height, agreed->hash);
}

// Blocks that may lie between there and what is known, by their names. Alone one is asked for by
// its name.
Awaited<std::map<Hash, Block>> Follower::way_below(std::uint64_t height) {
    std::map<Hash, Block> way;
    const auto first =
        std::max(branch_->head().number + 1, height - std::min(height, way_at_once - 1));
    if (first >= height) co_return way;
    auto blocks = co_await chain_.blocks_between(first, height);
    for (auto& block : blocks) {
        const auto hash = block.header.hash;
        way.emplace(hash, std::move(block));
    }
    co_return way;
}

// With all parents that are wanted, as far as they are told.
Awaited<BranchChange> Follower::follow(Header head) {
    auto change = branch_->follow(head);
    std::map<Hash, Block> way;
    bool is_way_told = true;  // Else an endpoint is on another one: it is not asked again.
    while (change.wanted) {
        if (is_way_told && !way.contains(*change.wanted)) {
            way = co_await way_below(branch_->wanted_height());
            is_way_told = way.contains(*change.wanted);
        }
        auto told = way.extract(*change.wanted);
        std::optional<Block> parent;
        if (told) {
            parent = std::move(told.mapped());
        } else {
            parent = co_await chain_.block(*change.wanted);
        }
        if (!parent) break;
        bodies_.insert_or_assign(parent->header.hash, parent->transactions);
        change = branch_->take_parent(parent->header);
    }
    co_return change;
}

Awaited<base::Result<ChainStep, StepFault>> Follower::advance() {
    const auto stand = co_await ask();
    if (!stand) co_return base::Failure{StepFault::no_answer};
    if (!branch_) {
        const bool is_known = co_await anchor(*stand);
        if (!is_known) co_return base::Failure{StepFault::no_answer};
    }
    bodies_.insert_or_assign(stand->head.header.hash, stand->head.transactions);
    auto change = co_await follow(stand->head.header);
    // What is known of the way so far is kept.
    if (change.wanted) co_return base::Failure{StepFault::no_answer};
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
    co_await finalize(*stand);
    co_return step;
}

}  // namespace crossclear::shards::evm
