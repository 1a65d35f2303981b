#include "shards/evm/reader.hpp"

#include "base/saturated.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/inflows.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace crossclear::shards::evm {
namespace {

// Logs are asked for in spans that every node takes.
constexpr std::uint64_t record_span = 2'000;

std::optional<Ended> ended_in(const VaultTerms& terms, const Receipt& receipt) {
    for (const auto& log : receipt.logs) {
        if (auto ended = parse_ended(terms, log)) return ended;
    }
    return std::nullopt;
}

// Wei. Beyond what is said here the product would wrap, and no native token has so much.
std::optional<Uint256> cost_of(const Receipt& receipt) {
    if (receipt.gas_price >> 128 != 0) return std::nullopt;
    return Uint256{receipt.gas_price * receipt.gas_used};
}

// All transactions, and the balances before their blocks.
Chain::Wanted spending_wanted(const std::vector<Reader::Sent>& sent) {
    Chain::Wanted wanted;
    for (const auto& one : sent) {
        if (one.transactions.empty()) continue;
        wanted.transactions.insert(wanted.transactions.end(), one.transactions.begin(),
                                   one.transactions.end());
        wanted.balance_at.push_back(one.block.parent);
    }
    return wanted;
}

}  // namespace

// What the key has at the newest block, and all that it has spent since then: all between is in the
// chain of that block, or there is no answer.
Awaited<std::optional<Uint256>> Reader::balance_before(Header block, std::vector<Hash> since) {
    std::vector<std::string> newest{"latest"};
    const auto stands = co_await chain_.stands(std::move(newest));
    if (stands.empty()) co_return std::nullopt;
    const auto head = stands.front().front().header;
    std::vector<Hash> at_head{head.hash};
    const auto spending =
        co_await chain_.spending(std::move(since), terms_.key, std::move(at_head));
    const auto still = co_await chain_.agreed_block(head.number);
    const bool is_known = spending && spending->balances.front() && still && still->header == head;
    if (!is_known) co_return std::nullopt;
    Uint256 before = *spending->balances.front();
    for (const auto& receipt : spending->receipts) {
        if (!receipt || receipt->block_number < block.number) continue;
        const auto cost = cost_of(*receipt);
        if (receipt->block_number > head.number || !cost) co_return std::nullopt;
        before += *cost;
    }
    co_return before;
}

// What a block's receipts say, if they are that block's.
bool Reader::add_found(std::vector<Found>& found, const Header& block,
                       std::span<const std::optional<Receipt>> receipts,
                       const Uint256& balance_before) const {
    Uint256 left = balance_before;
    for (const auto& receipt : receipts) {
        if (!receipt || receipt->block != block.hash) return false;
        const auto cost = cost_of(*receipt);
        if (!cost) return false;
        const auto before = native_units(left, terms_.gas_scale);
        // What comes in within a block is not in the balance before it.
        left = left > *cost ? Uint256{left - *cost} : Uint256{0};
        const auto gas = saturated(before - native_units(left, terms_.gas_scale));
        if (base::is_off_scale(gas)) return false;
        found.push_back({.hash = receipt->transaction.bytes,
                         .block = block.number,
                         .block_hash = block.hash.bytes,
                         .ended = ended_in(terms_.vault, *receipt),
                         .gas = gas});
    }
    return true;
}

Awaited<std::optional<std::vector<Found>>> Reader::read(std::vector<Sent> sent,
                                                        std::vector<Hash> open) {
    auto asked = spending_wanted(sent);
    if (asked.transactions.empty()) co_return std::vector<Found>{};
    auto spending = co_await chain_.spending(std::move(asked.transactions), terms_.key,
                                             std::move(asked.balance_at));
    if (!spending) co_return std::nullopt;
    co_return co_await found_in(std::move(sent), std::move(open), *std::move(spending));
}

Awaited<std::optional<Reader::Held>> Reader::read_new(NewBlocks wanted) {
    auto asked = spending_wanted(wanted.blocks);
    for (const auto& one : wanted.blocks) asked.blocks.push_back(one.block.hash);
    asked.filter = inflow_filter(terms_.vault);
    asked.of = terms_.key;
    asked.account_at = wanted.account_at;
    auto told = co_await chain_.told_of(std::move(asked));
    if (!told) co_return std::nullopt;
    auto found = co_await found_in(std::move(wanted.blocks), std::move(wanted.open),
                                   std::move(told->spending));
    if (!found) co_return std::nullopt;
    Held held{.found = *std::move(found), .inflows = {}, .account = told->account};
    for (const auto& logs : told->logs) held.inflows.push_back(inflows_in(logs));
    co_return held;
}

std::vector<ledger::ShardNotice> Reader::inflows_in(const std::vector<Log>& logs) const {
    std::vector<ledger::ShardNotice> inflows;
    for (const auto& log : logs) {
        auto inflow = inflow_of(terms_.vault, terms_.listing, terms_.broker, terms_.cluster, log);
        if (inflow) inflows.push_back(*std::move(inflow));
    }
    return inflows;
}

Awaited<std::optional<std::vector<Found>>> Reader::found_in(std::vector<Sent> sent,
                                                            std::vector<Hash> open,
                                                            Chain::Spending spending) {
    std::vector<Found> found;
    auto receipt = spending.receipts.begin();
    auto known = spending.balances.begin();
    for (const auto& one : sent) {
        if (one.transactions.empty()) continue;
        auto balance = *known++;
        if (!balance) {
            // Of its own transactions some may be nobody's concern any more; they cost all the
            // same.
            std::set<Hash> spent(open.begin(), open.end());
            spent.insert(one.transactions.begin(), one.transactions.end());
            std::vector<Hash> since(spent.begin(), spent.end());
            balance = co_await balance_before(one.block, std::move(since));
        }
        if (!balance) co_return std::nullopt;
        const auto end = receipt + static_cast<std::ptrdiff_t>(one.transactions.size());
        const bool is_right = add_found(found, one.block, {receipt, end}, *balance);
        if (!is_right) co_return std::nullopt;
        receipt = end;
    }
    co_return found;
}

Awaited<std::optional<Found>> Reader::read_one(Hash transaction) {
    std::vector<Hash> wanted{transaction};
    const auto receipts = co_await chain_.receipts(std::move(wanted));
    if (!receipts || !receipts->front()) co_return std::nullopt;
    const auto block = co_await chain_.block(receipts->front()->block);
    if (!block) co_return std::nullopt;
    auto sent = co_await chain_.sent_by(terms_.key, block->header.hash);
    if (!sent) co_return std::nullopt;
    std::vector<Sent> in_block{{.block = block->header, .transactions = *std::move(sent)}};
    // Where the state before is gone, what was sent later is not known here: a unit may be missing.
    const auto all = co_await read(std::move(in_block), {});
    if (!all) co_return std::nullopt;
    for (const auto& one : *all) {
        if (one.hash == transaction.bytes) co_return one;
    }
    co_return std::nullopt;
}

Awaited<std::optional<Found>> Reader::recount(Hash transaction, base::Amount gas) {
    std::vector<Hash> wanted{transaction};
    const auto receipts = co_await chain_.receipts(std::move(wanted));
    if (!receipts || !receipts->front()) co_return std::nullopt;
    const auto& receipt = *receipts->front();
    co_return Found{.hash = transaction.bytes,
                    .block = receipt.block_number,
                    .block_hash = receipt.block.bytes,
                    .ended = ended_in(terms_.vault, receipt),
                    .gas = gas};
}

Awaited<std::optional<Record>> Reader::look_up(ledger::ShardOrder order, Header until) {
    Record record{.notice = {}, .as_of = time_of(until)};
    const auto intent = intent_of(terms_.cluster, order.ref);
    auto question = AbiWriter{}.add(intent).call(selector_of("done(bytes32)"));
    const auto done = co_await chain_.read(terms_.vault.vault, std::move(question), until.hash);
    if (!done || done->size() != 32) co_return std::nullopt;
    if (from_bytes(*done) == 0) co_return record;

    const LogFilter filter{.addresses = {terms_.vault.vault},
                           .topics = {{ended_topic()}, {intent}}};
    const auto oldest = until.number - std::min(until.number, record_blocks);
    auto last = until.number;
    for (;;) {
        const auto first = std::max(oldest, last - std::min(last, record_span - 1));
        const auto logs = co_await chain_.logs_between(first, last, filter);
        if (!logs) co_return std::nullopt;
        for (const auto& log : *logs) {
            const auto ended = parse_ended(terms_.vault, log);
            auto notice = ended ? notice_of(terms_.vault, terms_.listing, order, *ended)
                                : std::optional<ledger::OrderNotice>{};
            const auto sent = co_await read_one(log.transaction);
            if (!notice || !sent) co_return std::nullopt;
            notice->finality = ledger::Finality::final;
            notice->block = log.block_number;
            notice->gas = sent->gas;
            record.notice = std::move(notice);
            co_return record;
        }
        if (first == oldest) co_return std::nullopt;  // Taken, and older than anybody remembers.
        last = first - 1;
    }
}

Awaited<std::optional<Balances>> Reader::balances(Header at) {
    Balances balances{
        .block = at.number, .at = time_of(at), .gas_max = terms_.gas_max, .lines = {}};
    const auto& listed = terms_.listing.shard(terms_.vault.shard);
    for (const auto asset : listed.assets) {
        Balances::Line line{.asset = asset, .held = {}, .posted = {}, .position = {}};
        const auto token = std::find_if(terms_.vault.tokens.begin(), terms_.vault.tokens.end(),
                                        [asset](const Token& one) { return one.asset == asset; });
        if (token != terms_.vault.tokens.end()) {
            auto question = AbiWriter{}.add(token->contract).call(selector_of("held(address)"));
            const auto held =
                co_await chain_.read(terms_.vault.vault, std::move(question), at.hash);
            const auto unit = unit_of(*token, terms_.listing);
            if (!held || held->size() != 32 || !unit) co_return std::nullopt;
            // The token itself may have taken a part of a unit away.
            line.held = saturated(from_bytes(*held) / *unit);
        }
        if (asset == listed.gas) {
            const auto native = co_await chain_.balance(terms_.key, at.hash);
            if (!native) co_return std::nullopt;
            const auto units = saturated(native_units(*native, terms_.gas_scale));
            line.held = base::saturated(base::Wide{line.held.v} + units.v);
        }
        balances.lines.push_back(line);
    }
    co_return balances;
}

}  // namespace crossclear::shards::evm
