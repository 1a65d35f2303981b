#include "shards/evm/watcher.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using ledger::Finality;
using ledger::ShardNotice;

// Blocks whose logs are asked for at once.
constexpr std::size_t blocks_at_once = 64;
// How long a tip that was told is one.
constexpr auto tip_every = std::chrono::seconds(1);

std::uint64_t clamped(const Uint256& number) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    return number > most ? most : static_cast<std::uint64_t>(number);
}

}  // namespace

void Watcher::watch(const Watched& transaction) {
    watched_.insert_or_assign(Hash{transaction.hash}, transaction.nonce);
}

void Watcher::forget_below(std::uint64_t nonce) {
    std::erase_if(watched_, [nonce](const auto& one) { return one.second < nonce; });
    found_.erase(found_.begin(), found_.lower_bound(nonce));
}

std::vector<Hash> Watcher::all_watched() const {
    std::vector<Hash> hashes;
    for (const auto& [hash, nonce] : watched_) hashes.push_back(hash);
    return hashes;
}

std::vector<ShardNotice> Watcher::inflows() const {
    std::vector<ShardNotice> all;
    for (const auto& [hash, block] : read_) {
        for (const auto& notice : block.inflows) all.push_back(with_finality(notice, block.told));
    }
    return all;
}

Awaited<Watcher::Round> Watcher::look() {
    Round round;
    auto step = co_await follower_.advance();
    if (!step) {
        round.fault = step.error();
        co_return round;
    }
    take(std::move(*step));
    const auto head_before = head_;
    const auto final_before = final_;
    bool is_whole = co_await read_blocks();
    if (is_whole) is_whole = co_await read_heads();
    round.inflows = std::exchange(inflows_, {});
    if (!is_whole) {
        round.fault = StepFault::no_answer;
        co_return round;
    }
    if (head_ != head_before || final_ != final_before) {
        round.news = news_;
        news_.undone.clear();
        news_.found.clear();
    }
    co_return round;
}

// What was dropped before it was read never was.
void Watcher::take(ChainStep step) {
    for (const auto& header : step.dropped) {
        std::erase_if(unread_,
                      [&](const AddedBlock& block) { return block.header.hash == header.hash; });
        const auto block = read_.find(header.hash);
        if (block == read_.end()) continue;
        for (const auto& notice : block->second.inflows) {
            inflows_.push_back(with_finality(notice, Finality::unseen));
        }
        read_.erase(block);
        news_.undone.push_back(header.hash.bytes);
        std::erase_if(found_, [&](const auto& one) { return one.second == header.hash; });
        std::erase_if(news_.found,
                      [&](const Found& one) { return one.block_hash == header.hash.bytes; });
    }
    std::move(step.added.begin(), step.added.end(), std::back_inserter(unread_));
}

// With the last of them it is asked as well what the key had at a new final block.
Awaited<bool> Watcher::read_blocks() {
    account_.reset();
    while (!unread_.empty()) {
        const auto count = std::min(unread_.size(), blocks_at_once);
        const bool has_bodies = co_await find_bodies(count);
        if (!has_bodies) co_return false;
        Reader::NewBlocks wanted{.blocks = {}, .open = all_watched(), .account_at = {}};
        for (std::size_t i = 0; i < count; ++i) {
            const auto& block = unread_[i];
            wanted.blocks.push_back(
                {.block = block.header, .transactions = ours_in(*block.transactions)});
        }
        const bool is_last = count == unread_.size();
        if (is_last && final_ != follower_.final_block()) {
            wanted.account_at = follower_.final_block().hash;
        }
        auto held = co_await reader_.read_new(std::move(wanted));
        if (!held) co_return false;
        account_ = held->account;
        add_found(std::move(held->found));
        for (auto& of_block : held->inflows) {
            take_inflows(unread_.front().header, std::move(of_block));
            unread_.pop_front();
        }
    }
    co_return true;
}

// What the first of the unread blocks hold, where that is not known.
Awaited<bool> Watcher::find_bodies(std::size_t blocks) {
    for (std::size_t i = 0; i < blocks; ++i) {
        if (unread_[i].transactions) continue;
        auto block = co_await chain_.block(unread_[i].header.hash);
        if (!block) co_return false;
        unread_[i].transactions = std::move(block->transactions);
    }
    co_return true;
}

// By nonce.
std::vector<Hash> Watcher::ours_in(const std::vector<Hash>& transactions) const {
    std::map<std::uint64_t, Hash> ours;
    for (const auto& hash : transactions) {
        const auto found = watched_.find(hash);
        if (found != watched_.end()) ours.emplace(found->second, hash);
    }
    std::vector<Hash> sent;
    for (const auto& [nonce, hash] : ours) sent.push_back(hash);
    return sent;
}

void Watcher::take_inflows(const Header& header, std::vector<ShardNotice> inflows) {
    for (const auto& inflow : inflows) {
        inflows_.push_back(with_finality(inflow, Finality::included));
    }
    read_.insert_or_assign(
        header.hash,
        Read{.number = header.number, .told = Finality::included, .inflows = std::move(inflows)});
}

void Watcher::add_found(std::vector<Found> found) {
    for (auto& one : found) {
        const auto watched = watched_.find(Hash{one.hash});
        if (watched == watched_.end()) continue;
        found_.insert_or_assign(watched->second, Hash{one.block_hash});
        news_.found.push_back(std::move(one));
    }
}

// Where the chain stands once all blocks are read.
Awaited<bool> Watcher::read_heads() {
    const auto head = follower_.head();
    const auto final_block = follower_.final_block();
    if (final_ != final_block) {
        if (!account_) account_ = co_await chain_.account(reader_.terms().key, final_block.hash);
        if (!account_) co_return false;
        const bool is_certain = co_await find_missed(account_->nonce);
        if (!is_certain) co_return false;
        news_.final_block = final_block.number;
        news_.final_nonce = account_->nonce;
        news_.key_balance = saturated(native_units(account_->balance, reader_.terms().gas_scale));
    }
    if (head_ != head) {
        co_await ask_for_tip();
        const auto tip = std::max(fees_.tip_min, tip_);
        const auto fees = [&](std::uint64_t of_tip, const Uint256& base_fee) {
            const auto fee = std::min(clamped(base_fee + of_tip), fees_.max.fee_wei);
            return ledger::signing::Fees{.tip_wei = std::min({of_tip, fees_.max.tip_wei, fee}),
                                         .fee_wei = fee};
        };
        news_.block_time = time_of(head);
        // The next block may ask an eighth more, and a few of them twice as much.
        news_.enough = fees(fees_.tip_min, head.base_fee * 9 / 8);
        news_.offer = fees(tip, head.base_fee * 2);
        news_.max = fees_.max;
        news_.cancel_gas = fees_.cancel_gas;
    }
    head_ = head;
    final_ = final_block;
    safe_ = std::max(follower_.safe_height(), final_block.number);
    tell_finality(inflows_);
    co_return true;
}

// It moves slowly; on a quick chain a question for each head would hold up what the head has.
Awaited<void> Watcher::ask_for_tip() {
    const auto now = std::chrono::steady_clock::now();
    if (tip_asked_at_ && now - *tip_asked_at_ < tip_every) co_return;
    tip_asked_at_ = now;
    const auto wanted = co_await chain_.tip();
    tip_ = wanted ? clamped(*wanted) : 0;
}

// Transactions that may be in blocks which nobody here has read: those before a restart.
Awaited<bool> Watcher::find_missed(std::uint64_t final_nonce) {
    std::vector<Hash> wanted;
    for (const auto& [hash, nonce] : watched_) {
        if (nonce < final_nonce && !found_.contains(nonce)) wanted.push_back(hash);
    }
    if (wanted.empty()) co_return true;
    const auto receipts = co_await chain_.receipts(std::move(wanted));
    if (!receipts) co_return false;
    std::set<Hash> blocks;
    for (const auto& receipt : *receipts) {
        if (!receipt) continue;
        // Its nonce is used in a final block, and it is in a later one: somebody is behind.
        if (receipt->block_number > follower_.final_block().number) co_return false;
        blocks.insert(receipt->block);
    }
    for (const auto& hash : blocks) {
        const auto block = co_await chain_.block(hash);
        if (!block) co_return false;
        auto sent = co_await chain_.sent_by(reader_.terms().key, hash);
        if (!sent) co_return false;
        std::vector<Reader::Sent> in_block{
            {.block = block->header, .transactions = *std::move(sent)}};
        auto found = co_await reader_.read(std::move(in_block), all_watched());
        if (!found) co_return false;
        add_found(*std::move(found));
    }
    co_return true;
}

void Watcher::tell_finality(std::vector<ShardNotice>& to) {
    for (auto block = read_.begin(); block != read_.end();) {
        auto& [number, told, inflows] = block->second;
        const bool is_final = number <= final_->number;
        const auto now = is_final          ? Finality::final
                         : number <= safe_ ? Finality::safe
                                           : Finality::included;
        if (now > told) {
            for (const auto& notice : inflows) to.push_back(with_finality(notice, now));
        }
        told = now;
        block = is_final ? read_.erase(block) : std::next(block);
    }
}

}  // namespace crossclear::shards::evm
