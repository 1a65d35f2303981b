#include "shards/evm/reader.hpp"

#include "shards/evm/abi.hpp"

#include <algorithm>
#include <limits>
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

}  // namespace

Awaited<std::optional<std::vector<Found>>> Reader::read(Header block, std::vector<Hash> sent) {
    std::vector<Found> found;
    if (sent.empty()) co_return found;
    const auto receipts = co_await chain_.receipts(sent);
    const auto balance = co_await chain_.balance(terms_.key, block.parent);
    if (!receipts || !balance) co_return std::nullopt;
    Uint256 left = *balance;
    for (const auto& receipt : *receipts) {
        if (!receipt || receipt->block != block.hash) co_return std::nullopt;
        // Beyond it the product would wrap, and no native token has so much.
        const bool is_sane = receipt->gas_price >> 128 == 0;
        const Uint256 cost = is_sane ? Uint256{receipt->gas_price * receipt->gas_used} : left;
        const auto before = native_units(left, terms_.gas_scale);
        // What comes in within a block is not in the balance before it.
        left = left > cost ? Uint256{left - cost} : Uint256{0};
        const auto after = native_units(left, terms_.gas_scale);
        if (!is_sane || !before || !after) co_return std::nullopt;
        found.push_back({.hash = receipt->transaction.bytes,
                         .block = block.number,
                         .block_hash = block.hash.bytes,
                         .ended = ended_in(terms_.vault, *receipt),
                         .gas = base::must_subtract(*before, *after)});
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
    const auto all = co_await read(block->header, *std::move(sent));
    if (!all) co_return std::nullopt;
    for (const auto& one : *all) {
        if (one.hash == transaction.bytes) co_return one;
    }
    co_return std::nullopt;
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
    Balances balances{.block = at.number, .lines = {}};
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
            const Uint256 count = from_bytes(*held) / *unit;
            if (count > std::numeric_limits<std::int64_t>::max()) co_return std::nullopt;
            line.held = base::Amount{static_cast<std::int64_t>(count)};
        }
        if (asset == listed.gas) {
            const auto native = co_await chain_.balance(terms_.key, at.hash);
            const auto units = native ? native_units(*native, terms_.gas_scale) : std::nullopt;
            if (!units) co_return std::nullopt;
            const auto sum = base::add(line.held, *units);
            if (!sum) co_return std::nullopt;
            line.held = *sum;
        }
        balances.lines.push_back(line);
    }
    co_return balances;
}

}  // namespace crossclear::shards::evm
