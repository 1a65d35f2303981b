#include "shards/simulated/chain.hpp"

#include "base/check.hpp"
#include "base/hash.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace crossclear::shards::simulated {
namespace {

using ledger::Finality;
using ledger::ShardRefusal;

// Purposes of the random streams, so that draws of one kind do not shift those of another.
constexpr std::uint64_t submissions = 1;
constexpr std::uint64_t notices = 2;
constexpr std::uint64_t slots = 3;

}  // namespace

Chain::Chain(ChainParameters parameters, const base::Listing& listing, base::Timestamp genesis_at)
    : parameters_(std::move(parameters)),
      listing_(listing),
      genesis_at_(genesis_at),
      faults_(parameters_.faults),
      submission_rng_(base::Rng{parameters_.seed}.fork(submissions)),
      notice_rng_(base::Rng{parameters_.seed}.fork(notices)) {
    CHECK(parameters_.block_time.us > 0, "blocks take time");
    CHECK(parameters_.finality_depth > 0, "a block is final behind another one");
    CHECK(parameters_.variation_every_blocks > 0, "variation has a period");
    for (const VenueTerms& venue : parameters_.venues) {
        CHECK(venue.capacity_per_block.v > 0, "impact is measured against a capacity");
    }
    for (const GenesisLine& line : parameters_.genesis) {
        const Place clients{.kind = PlaceKind::clients, .broker = {}};
        head_book_.apply(Move{clients, vault_of(line.broker), line.asset, line.held});
    }
    final_book_ = head_book_;
}

Protocols Chain::protocols_at(base::Timestamp block) const {
    return Protocols{.listing = listing_,
                     .parameters = parameters_,
                     .faults = faults_,
                     .prices = prices_,
                     .funding = funding_,
                     .at = block};
}

base::Timestamp Chain::time_of(std::uint64_t height) const noexcept {
    return genesis_at_ + parameters_.block_time * static_cast<std::int64_t>(height);
}

std::uint64_t Chain::slot_at(base::Timestamp now) const {
    if (now <= genesis_at_) return 0;
    return static_cast<std::uint64_t>((now - genesis_at_).us / parameters_.block_time.us);
}

base::Timestamp Chain::next_slot_at() const { return time_of(slot_ + 1); }

std::uint64_t Chain::final_height() const noexcept {
    return head_ >= parameters_.finality_depth ? head_ - parameters_.finality_depth : 0;
}

std::uint64_t Chain::head_hash() const noexcept {
    return recent_.empty() ? final_hash_ : recent_.back().block.hash;
}

Finality Chain::finality_of(std::uint64_t height) const {
    if (height <= final_height()) return Finality::final;
    const std::uint64_t safe_depth = (std::uint64_t{parameters_.finality_depth} + 1) / 2;
    return head_ >= height + safe_depth ? Finality::safe : Finality::included;
}

bool Chain::is_idle() const {
    if (!mempool_.empty() || !recent_.empty() || slot_ < paused_until_) return false;
    const auto& positions = head_book_.positions();
    return std::all_of(positions.begin(), positions.end(),
                       [](const auto& entry) { return entry.second == Position{}; });
}

void Chain::skip_to(base::Timestamp now) {
    slot_ = std::max(slot_, slot_at(now));
    head_ = slot_;
    // A restart must not repeat the misfortunes of the last one.
    submission_rng_ = base::Rng{parameters_.seed}.fork(submissions).fork(head_);
    advance_finality();
}

void Chain::advance_to(base::Timestamp now) {
    const std::uint64_t target = slot_at(now);
    while (slot_ < target) {
        if (is_idle()) {
            slot_ = target;
            if (!faults_.is_paused) head_ = slot_;
            return;
        }
        ++slot_;
        produce(slot_);
    }
}

void Chain::produce(std::uint64_t height) {
    auto rng = base::Rng{parameters_.seed}.fork(slots).fork(height).fork(reorganisations_);
    if (rng.chance_ppm(faults_.pause_ppm)) paused_until_ = height + faults_.pause_blocks;
    const bool is_reorganised = rng.chance_ppm(faults_.reorg_ppm);
    if (faults_.is_paused || height < paused_until_) return;

    if (is_reorganised) reorganise(rng);
    Block block{.height = height, .parent = head_hash(), .hash = 0, .entries = {}};
    if (height % parameters_.variation_every_blocks == 0) settle_variations(block);
    include_pending(block, rng);
    head_ = height;
    if (!block.entries.empty()) seal(std::move(block));
    advance_finality();
    expire();
}

void Chain::settle_variations(Block& block) {
    // One margin stands behind all of a broker's positions: what one gains saves another.
    const auto positions = head_book_.positions();
    const auto now = protocols_at(time_of(block.height));
    for (const bool is_gain : {true, false}) {
        for (const auto& [key, position] : positions) {
            auto entry = settle(now, head_book_, key.first, key.second);
            if (!entry) continue;
            if ((std::get<VariationSettled>(entry->content).change.v > 0) != is_gain) continue;
            head_book_.apply(*entry);
            block.entries.push_back(std::move(*entry));
        }
    }
}

void Chain::include_pending(Block& block, base::Rng& rng) {
    CapacityTaken taken;
    const base::Timestamp at = time_of(block.height);
    for (auto next = mempool_.begin(); next != mempool_.end();) {
        if (block.entries.size() >= parameters_.transactions_per_block_max) return;
        const auto current = next++;
        const Pending& pending = current->second;
        if (pending.not_before > at) continue;
        const auto* order = std::get_if<ledger::ShardOrder>(&pending.what);
        // Too late is not over: the block beyond the deadline may still be replaced.
        if (order && (order->deadline < at || awaits_price(protocols_at(at), *order))) continue;
        auto entry = entry_for(pending, block.height, rng, taken);
        if (order) waiting_orders_.erase(order->ref);
        mempool_.erase(current);
        if (!entry) continue;
        head_book_.apply(*entry);
        block.entries.push_back(std::move(*entry));
    }
}

std::optional<Entry> Chain::entry_for(const Pending& pending, std::uint64_t height, base::Rng& rng,
                                      CapacityTaken& taken) {
    const Place clients{.kind = PlaceKind::clients, .broker = {}};
    const Place bridge{.kind = PlaceKind::bridge, .broker = {}};
    if (const auto* order = std::get_if<ledger::ShardOrder>(&pending.what)) {
        CHECK(!receipts_.contains(order->ref), "an order waits only while it has no receipt");
        const bool is_reverted = rng.chance_ppm(faults_.revert_ppm);
        return execute(protocols_at(time_of(height)), head_book_, taken, *order, height,
                       is_reverted);
    }
    if (const auto* loss = std::get_if<LossTaken>(&pending.what)) return fail(head_book_, *loss);
    Entry entry;
    if (const auto* made = std::get_if<DepositMade>(&pending.what)) {
        entry.content = *made;
        const Place vault = vault_of(base::broker_of(made->account));
        entry.moves.push_back({clients, vault, made->asset, made->amount});
    } else {
        const auto& arrived = std::get<TokensArrived>(pending.what);
        entry.content = arrived;
        const Place vault = vault_of(base::broker_of(arrived.ref.origin));
        entry.moves.push_back({bridge, vault, arrived.asset, arrived.amount});
    }
    if (!head_book_.fits(entry.moves)) return std::nullopt;
    if (auto* made = std::get_if<DepositMade>(&entry.content); made && made->id == 0) {
        made->id = ++deposits_made_;
    }
    return entry;
}

void Chain::seal(Block block) {
    block.hash = hash_of(block);
    take_in(block);
    records_.emplace_back(block);
    tell_block(block, Finality::included);
    recent_.push_back({.block = std::move(block), .is_safe_told = false});
}

void Chain::take_in(const Block& block) {
    for (const Entry& entry : block.entries) {
        if (const auto* executed = std::get_if<OrderExecuted>(&entry.content)) {
            const bool is_first = receipts_.emplace(executed->order.ref, executed->outcome).second;
            CHECK(is_first, "an order is applied at most once");
        } else if (const auto* made = std::get_if<DepositMade>(&entry.content)) {
            deposits_made_ = std::max(deposits_made_, made->id);
            undone_deposits_.erase(made->id);
        } else if (const auto* arrived = std::get_if<TokensArrived>(&entry.content)) {
            arrivals_[arrived->ref] = block.height;
        }
    }
}

void Chain::remember_head() {
    if (remembered_head_ >= head_) return;
    remembered_head_ = head_;
    records_.emplace_back(HeadReached{.height = head_});
}

void Chain::advance_finality() {
    while (!recent_.empty() && recent_.front().block.height <= final_height()) {
        make_final(recent_.front().block);
        recent_.pop_front();
        remember_head();
    }
    for (Recent& recent : recent_) {
        if (recent.is_safe_told || finality_of(recent.block.height) < Finality::safe) continue;
        recent.is_safe_told = true;
        tell_block(recent.block, Finality::safe);
    }
}

void Chain::make_final(const Block& block) {
    for (const Entry& entry : block.entries) {
        final_book_.apply(entry);
        const auto told = told_of(entry, block.height, Finality::final);
        if (told) tell(told->to, told->notice);
        if (const auto* executed = std::get_if<OrderExecuted>(&entry.content)) {
            const auto& order = executed->order;
            const bool is_departure = order.kind == ledger::OrderKind::bridge_out &&
                                      executed->outcome.refusal == ShardRefusal::none;
            if (!is_departure) continue;
            departures_[order.ref] = Departure{.ref = order.ref,
                                               .to_shard = order.to_shard,
                                               .asset = order.asset,
                                               .amount = order.amount,
                                               .final_at = time_of(head_)};
        } else if (told) {
            inflows_.push_back(*told);
        }
    }
    final_hash_ = block.hash;
}

void Chain::expire() {
    const base::Timestamp final_at = time_of(final_height());
    for (auto next = mempool_.begin(); next != mempool_.end();) {
        const auto current = next++;
        const auto* order = std::get_if<ledger::ShardOrder>(&current->second.what);
        if (!order || order->deadline > final_at) continue;
        remember_head();
        expired_[order->ref] = final_height();
        tell(base::broker_of(order->ref.origin),
             ledger::OrderNotice{.ref = order->ref,
                                 .finality = Finality::final,
                                 .block = final_height(),
                                 .refusal = ShardRefusal::expired});
        waiting_orders_.erase(order->ref);
        mempool_.erase(current);
    }
}

void Chain::reorganise(base::Rng& rng) {
    if (parameters_.finality_depth < 2) return;
    const std::uint64_t depth = 1 + rng.below(parameters_.finality_depth - 1);
    const std::uint64_t kept = head_ > depth ? head_ - depth : 0;
    std::vector<Block> dropped;
    drop_blocks_above(kept, dropped);
    if (dropped.empty()) return;
    ++reorganisations_;
    records_.emplace_back(Reorganised{.kept_height = kept});
    for (const Block& block : dropped) {
        tell_block(block, Finality::unseen);
        put_back(block, rng);
    }
}

void Chain::drop_blocks_above(std::uint64_t height, std::vector<Block>& dropped) {
    const auto first = std::find_if(recent_.begin(), recent_.end(), [&](const Recent& recent) {
        return recent.block.height > height;
    });
    for (auto next = first; next != recent_.end(); ++next) {
        undo(next->block);
        dropped.push_back(std::move(next->block));
    }
    recent_.erase(first, recent_.end());
    rebuild_head();
}

void Chain::undo(const Block& block) {
    for (const Entry& entry : block.entries) {
        if (const auto* executed = std::get_if<OrderExecuted>(&entry.content)) {
            receipts_.erase(executed->order.ref);
        } else if (const auto* arrived = std::get_if<TokensArrived>(&entry.content)) {
            arrivals_.erase(arrived->ref);
        } else if (const auto* made = std::get_if<DepositMade>(&entry.content)) {
            const auto told = told_of(entry, block.height, Finality::unseen);
            CHECK(told.has_value(), "deposits are always told");
            undone_deposits_.insert_or_assign(made->id, *told);
        }
    }
}

void Chain::put_back(const Block& block, base::Rng& rng) {
    for (const Entry& entry : block.entries) {
        const bool is_gone = rng.chance_ppm(faults_.vanish_ppm);
        const auto delay = parameters_.block_time * static_cast<std::int64_t>(rng.below(3));
        const base::Timestamp not_before = time_of(head_) + delay;
        if (const auto* executed = std::get_if<OrderExecuted>(&entry.content)) {
            if (!is_gone) add_pending(executed->order, not_before);
        } else if (const auto* made = std::get_if<DepositMade>(&entry.content)) {
            if (!is_gone) add_pending(*made, not_before);
        } else if (const auto* arrived = std::get_if<TokensArrived>(&entry.content)) {
            arrivals_[arrived->ref] = 0;
            add_pending(*arrived, not_before);
        } else if (const auto* loss = std::get_if<LossTaken>(&entry.content)) {
            add_pending(*loss, not_before);
        }
    }
}

void Chain::rebuild_head() {
    head_book_ = final_book_;
    for (const Recent& recent : recent_) {
        for (const Entry& entry : recent.block.entries) head_book_.apply(entry);
    }
}

bool Chain::restore(const Record& record) {
    if (const auto* block = std::get_if<Block>(&record)) {
        if (block->height <= head_ || block->parent != head_hash()) return false;
        if (block->hash != hash_of(*block)) return false;
        take_in(*block);
        for (const Entry& entry : block->entries) head_book_.apply(entry);
        recent_.push_back({.block = *block, .is_safe_told = true});
        head_ = block->height;
    } else if (const auto* reorganised = std::get_if<Reorganised>(&record)) {
        if (reorganised->kept_height < final_height()) return false;
        std::vector<Block> dropped;
        drop_blocks_above(reorganised->kept_height, dropped);
        ++reorganisations_;
    } else if (const auto* tombstone = std::get_if<Tombstone>(&record)) {
        tombstones_[tombstone->ref] = tombstone->why;
    } else {
        head_ = std::max(head_, std::get<HeadReached>(record).height);
        remembered_head_ = head_;
    }
    slot_ = head_;
    advance_finality();
    // All of this was told, or is asked for again.
    records_.clear();
    notices_.clear();
    return true;
}

}  // namespace crossclear::shards::simulated
