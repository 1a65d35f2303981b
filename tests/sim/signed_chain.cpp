#include "tests/sim/signed_chain.hpp"

#include "shards/evm/keccak.hpp"
#include "tests/support/actors/house.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace crossclear::sim {

using namespace tests::town;
using base::Amount;
using ledger::OrderKind;
using ledger::ShardRefusal;
namespace evm = shards::evm;

namespace {

constexpr std::uint64_t base_fee_min_wei = 1'000'000'000;
// Above what any transaction may offer: then they wait.
constexpr std::uint64_t base_fee_max_wei = 700'000'000'000;
constexpr Amount gas_used{1'000};
constexpr std::uint32_t fails_ppm = 30'000;

evm::Address token_of(base::AssetId asset) {
    evm::Address address;
    address.bytes[0] = 1;
    address.bytes[19] = static_cast<std::uint8_t>(asset.v);
    return address;
}

evm::VaultTerms terms_at(const base::Listing& listing, base::ShardId shard) {
    evm::VaultTerms terms{.shard = shard, .vault = {}, .tokens = {}, .venues = {}, .ways = {}};
    for (const auto asset : listing.shard(shard).assets) {
        terms.tokens.push_back(
            {.asset = asset, .contract = token_of(asset), .decimals = listing.asset(asset).scale});
    }
    return terms;
}

// As nodes compare: a tenth more of both.
bool may_replace(const ledger::signing::Fees& fees, const ledger::signing::Fees& before) {
    return fees.fee_wei >= before.fee_wei + before.fee_wei / 10 &&
           fees.tip_wei >= before.tip_wei + before.tip_wei / 10;
}

}  // namespace

SignedChain::SignedChain(Stage& stage, const base::Listing& listing, base::ShardId shard)
    : stage_(stage), listing_(listing), terms_(terms_at(listing, shard)) {
    // So many blocks as the deepest reorganisation leaves something of.
    const auto before = static_cast<std::int64_t>(finality_depth) + 1;
    for (std::int64_t i = before; i >= 0; --i) {
        Block block{.number = blocks_.size(),
                    .hash = fresh_hash("block"),
                    .at = stage_.agenda.now() - stage_.plan.block_every * i,
                    .base_fee_wei = base_fee_wei_,
                    .next_nonce = 0,
                    .held = {{usdc, Amount{5'000'000 * one_usdc}}, {eth, Amount{1'000 * one_eth}}},
                    .mined = {},
                    .deposits = {}};
        blocks_.push_back(std::move(block));
    }
    final_ = head().number - finality_depth;
}

SignedChain::Hash SignedChain::fresh_hash(const char* of) {
    return evm::keccak256(fmt::format("{} {}", of, ++names_made_)).bytes;
}

std::uint64_t SignedChain::pending_nonce() const {
    auto nonce = head().next_nonce;
    while (pool_.contains(nonce)) ++nonce;
    return nonce;
}

const SignedChain::Block* SignedChain::block_with(const Hash& hash) const {
    for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
        const bool has_it = std::any_of(block->mined.begin(), block->mined.end(),
                                        [&](const Mined& one) { return one.hash == hash; });
        if (has_it) return &*block;
    }
    return nullptr;
}

const SignedChain::Mined* SignedChain::mined(const Hash& hash) const {
    const auto* block = block_with(hash);
    if (block == nullptr) return nullptr;
    return &*std::find_if(block->mined.begin(), block->mined.end(),
                          [&](const Mined& one) { return one.hash == hash; });
}

shards::Balances SignedChain::balances() const {
    shards::Balances all{.block = final_, .lines = {}};
    for (const auto asset : listing_.shard(terms_.shard).assets) {
        all.lines.push_back(
            {.asset = asset, .held = final_block().held.at(asset), .posted = {}, .position = {}});
    }
    return all;
}

std::optional<std::uint64_t> SignedChain::foreign_final() const {
    for (std::uint64_t i = 0; i <= final_; ++i) {
        for (const auto& one : blocks_[i].mined) {
            if (one.is_foreign) return one.nonce;
        }
    }
    return std::nullopt;
}

std::string SignedChain::call_of(const ledger::ShardOrder& order) {
    auto call = "call " + base::to_string(order.ref);
    orders_.insert_or_assign(call, order);
    return call;
}

evm::SignedBytes SignedChain::sign(const ledger::signing::Sign& asked) {
    auto raw = fmt::format("{}/{}/{}/{}/{}/{}", asked.nonce, asked.number, asked.fees.tip_wei,
                           asked.fees.fee_wei, ++names_made_, asked.data);
    const auto hash = evm::keccak256(raw).bytes;
    signed_.insert_or_assign(hash, asked);
    return {.hash = hash, .raw = std::move(raw)};
}

std::optional<ledger::signing::Sign> SignedChain::asked_for(const Hash& hash) const {
    const auto found = signed_.find(hash);
    return found == signed_.end() ? std::nullopt : std::optional{found->second};
}

std::string SignedChain::take(const std::string& raw) {
    const auto hash = evm::keccak256(raw).bytes;
    const auto& sent = signed_.at(hash);
    if (sent.nonce < head().next_nonce) return "nonce too low";
    const auto there = pool_.find(sent.nonce);
    if (there == pool_.end()) {
        pool_.emplace(sent.nonce, hash);
        return {};
    }
    if (there->second == hash) return "already known";
    if (!may_replace(sent.fees, signed_.at(there->second).fees)) {
        return "replacement transaction underpriced";
    }
    there->second = hash;
    return {};
}

void SignedChain::deposit(base::AccountId account, base::AssetId asset, Amount amount) {
    deposits_.push_back({.id = ++deposits_made_,
                         .shard = terms_.shard,
                         .account = account,
                         .asset = asset,
                         .amount = amount,
                         .finality = ledger::Finality::unseen,
                         .block = 0});
}

void SignedChain::make_block() {
    mine(stage_.agenda.now());
    // Nodes name a new final block now and then, several blocks further.
    const auto reached = head().number - finality_depth;
    if (!stage_.is_faulty || stage_.rng.below(4) == 0) final_ = std::max(final_, reached);
}

void SignedChain::mine(base::Timestamp at) {
    move_base_fee();
    Block block{.number = head().number + 1,
                .hash = fresh_hash("block"),
                .at = at,
                .base_fee_wei = base_fee_wei_,
                .next_nonce = head().next_nonce,
                .held = head().held,
                .mined = {},
                .deposits = {}};
    mine_transactions(block);
    mine_deposits(block);
    stage_.note("signed block", block.number, block.mined.size());
    blocks_.push_back(std::move(block));
}

// Phases in which blocks are wanted by nobody, or by everybody at once.
void SignedChain::move_base_fee() {
    if (fee_trend_left_ == 0) {
        fee_trend_ = stage_.rng.below(5);
        fee_trend_left_ = 1 + stage_.rng.below(80);
    }
    --fee_trend_left_;
    const bool is_rising = stage_.is_faulty && fee_trend_ < 2;
    const bool is_falling = !stage_.is_faulty || fee_trend_ > 2;
    if (is_rising) base_fee_wei_ = base_fee_wei_ * 9 / 8;
    if (is_falling) base_fee_wei_ = base_fee_wei_ * 7 / 8;
    base_fee_wei_ = std::clamp(base_fee_wei_, base_fee_min_wei, base_fee_max_wei);
}

void SignedChain::mine_transactions(Block& block) {
    if (is_foreign_due_ && stage_.rng.below(2) == 0) {
        is_foreign_due_ = false;
        block.mined.push_back({.nonce = block.next_nonce++,
                               .hash = fresh_hash("foreign"),
                               .is_foreign = true,
                               .order = {},
                               .ended = {},
                               .gas = {}});
    }
    // What others have used is worthless.
    pool_.erase(pool_.begin(), pool_.lower_bound(block.next_nonce));
    for (auto at = pool_.find(block.next_nonce); at != pool_.end();
         at = pool_.find(block.next_nonce)) {
        const auto hash = at->second;
        const auto& sent = signed_.at(hash);
        const bool is_dear =
            sent.fees.fee_wei >= block.base_fee_wei && sent.fees.tip_wei >= tip_min_wei;
        if (!is_dear || stage_.goes_wrong(250'000)) return;
        block.mined.push_back(execute(block, sent, hash));
        ++block.next_nonce;
        pool_.erase(at);
    }
}

void SignedChain::mine_deposits(Block& block) {
    for (auto& deposit : std::exchange(deposits_, {})) {
        if (stage_.goes_wrong(300'000)) {
            deposits_.push_back(deposit);
            continue;
        }
        deposit.block = block.number;
        block.held[deposit.asset].v += deposit.amount.v;
        block.deposits.push_back(deposit);
    }
}

SignedChain::Mined SignedChain::execute(Block& block, const ledger::signing::Sign& sent,
                                        const Hash& hash) {
    Mined mined{.nonce = sent.nonce,
                .hash = hash,
                .is_foreign = false,
                .order = {},
                .ended = {},
                .gas = gas_used};
    block.held[listing_.shard(terms_.shard).gas].v -= gas_used.v;
    const auto order = orders_.find(sent.data);
    if (order == orders_.end()) return mined;
    mined.order = order->second;
    if (stage_.goes_wrong(fails_ppm)) return mined;
    evm::Ended ended;
    const bool is_late = block.at > order->second.deadline;
    ended.result = is_late                                 ? ShardRefusal::expired
                   : order->second.kind == OrderKind::swap ? trade(block, order->second, ended)
                                                           : pay(block, order->second, ended);
    mined.ended = ended;
    return mined;
}

bool SignedChain::give(Block& block, base::AssetId asset, Amount amount, evm::Ended& ended) const {
    auto& held = block.held[asset];
    if (held < amount) return false;
    held.v -= amount.v;
    ended.given = token_of(asset);
    ended.given_amount = static_cast<std::uint64_t>(amount.v);
    return true;
}

ShardRefusal SignedChain::pay(Block& block, const ledger::ShardOrder& order,
                              evm::Ended& ended) const {
    return give(block, order.asset, order.amount, ended) ? ShardRefusal::none
                                                         : ShardRefusal::insufficient_balance;
}

ShardRefusal SignedChain::trade(Block& block, const ledger::ShardOrder& order,
                                evm::Ended& ended) const {
    const auto& info = listing_.instrument(order.instrument);
    const bool is_buy = order.quantity.v > 0;
    const Amount size{is_buy ? order.quantity.v : -order.quantity.v};
    const base::Price price{price_.v + price_.v / 2'000 * (is_buy ? 1 : -1)};
    if (is_buy ? price > order.bound : price < order.bound) {
        return ShardRefusal::price_outside_bound;
    }
    const auto cost = base::notional(size, listing_.asset(info.base).scale, price,
                                     listing_.asset(info.settlement).scale,
                                     is_buy ? base::Rounding::up : base::Rounding::down);
    if (!cost) return ShardRefusal::reverted;
    const auto got = is_buy ? info.base : info.settlement;
    const Amount amount = is_buy ? size : *cost;
    if (!give(block, is_buy ? info.settlement : info.base, is_buy ? *cost : size, ended)) {
        return ShardRefusal::insufficient_balance;
    }
    block.held[got].v += amount.v;
    ended.received = token_of(got);
    ended.received_amount = static_cast<std::uint64_t>(amount.v);
    return ShardRefusal::none;
}

void SignedChain::reorganise(std::uint64_t depth) {
    CHECK(depth > 0 && depth <= reorg_max, "a reorganisation leaves what is final");
    stage_.note("signed chain reorganised", depth, head().number);
    std::vector<base::Timestamp> slots;
    for (std::uint64_t i = 0; i < depth; ++i) {
        slots.push_back(head().at);
        put_back(head());
        blocks_.pop_back();
    }
    for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) mine(*slot);
    mine(stage_.agenda.now());
}

// Half of what the key sent waits again, and most of what clients did; the rest nobody has kept.
void SignedChain::put_back(const Block& gone) {
    for (const auto& one : gone.mined) {
        if (stage_.rng.below(2) == 0) continue;
        if (one.is_foreign) {
            is_foreign_due_ = true;
        } else {
            pool_.insert_or_assign(one.nonce, one.hash);
        }
    }
    for (const auto& deposit : gone.deposits) {
        if (!stage_.goes_wrong(250'000)) deposits_.push_back(deposit);
    }
}

}  // namespace crossclear::sim
