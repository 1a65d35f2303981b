#include "shards/evm/chain.hpp"

#include "shards/evm/canonical.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Turns a call with a callback into something to wait for. What is handed to co_await has a name:
// GCC 12 destroys temporaries with captures twice there.
template <class Answer, class Start>
Awaited<Answer> answered(Start start) {
    auto initiate = [held_start = std::move(start)](auto handler) mutable {
        auto held = std::make_shared<decltype(handler)>(std::move(handler));
        held_start([held](Answer answer) { std::move (*held)(std::move(answer)); });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(
        std::move(initiate), asio::use_awaitable);
}

std::optional<std::string_view> text_in(const RpcResult& result) {
    if (!result || !result->is_string()) return std::nullopt;
    return std::string_view(result->get_string());
}

std::optional<std::uint64_t> number_in(const RpcResult& result) {
    const auto text = text_in(result);
    return text ? parse_quantity64(*text) : std::nullopt;
}

std::optional<Uint256> wide_in(const RpcResult& result) {
    const auto text = text_in(result);
    return text ? parse_quantity(*text) : std::nullopt;
}

std::optional<Bytes> bytes_in(const RpcResult& result) {
    const auto text = text_in(result);
    return text ? parse_hex(*text) : std::nullopt;
}

// A block by its name, where a question is about a state (EIP-1898).
json::object at(const Hash& block) { return {{"blockHash", to_hex(block)}}; }

json::array topics_of(const LogFilter& filter) {
    json::array topics;
    for (const auto& any : filter.topics) {
        json::array names;
        for (const auto& topic : any) names.emplace_back(to_hex(topic));
        topics.emplace_back(names.empty() ? json::value(nullptr) : json::value(std::move(names)));
    }
    return topics;
}

json::object filter_of(const LogFilter& filter) {
    json::array addresses;
    for (const auto& address : filter.addresses) addresses.emplace_back(to_hex(address));
    return {{"address", std::move(addresses)}, {"topics", topics_of(filter)}};
}

RpcCall logs_call(const Hash& block, const LogFilter& filter) {
    auto asked = filter_of(filter);
    asked["blockHash"] = to_hex(block);
    return {.method = "eth_getLogs", .params = {std::move(asked)}, .canonical = canonical_logs};
}

bool is_wanted(const LogFilter& filter, const Log& log) {
    if (std::find(filter.addresses.begin(), filter.addresses.end(), log.address) ==
        filter.addresses.end()) {
        return false;
    }
    for (std::size_t i = 0; i < filter.topics.size(); ++i) {
        const auto& any = filter.topics[i];
        if (any.empty()) continue;
        if (i >= log.topics.size()) return false;
        if (std::find(any.begin(), any.end(), log.topics[i]) == any.end()) return false;
    }
    return true;
}

bool are_wanted(const LogFilter& filter, const std::vector<Log>& logs) {
    return std::all_of(logs.begin(), logs.end(),
                       [&](const Log& log) { return is_wanted(filter, log); });
}

RpcCall receipt_call(const Hash& transaction) {
    return {.method = "eth_getTransactionReceipt",
            .params = {to_hex(transaction)},
            .canonical = canonical_receipt};
}

RpcCall balance_call(const Address& of, const Hash& block) {
    return {.method = "eth_getBalance",
            .params = {to_hex(of), at(block)},
            .canonical = canonical_quantity};
}

RpcCall nonce_call(const Address& of, const Hash& block) {
    return {.method = "eth_getTransactionCount",
            .params = {to_hex(of), at(block)},
            .canonical = canonical_quantity};
}

// Nothing where it cannot be read; else the receipt, or nothing of what is in no block.
std::optional<std::optional<Receipt>> receipt_in(const RpcResult& said, const Hash& transaction) {
    if (!said) return std::nullopt;
    if (said->is_null()) return std::optional<Receipt>{};
    auto receipt = parse_receipt(*said);
    if (!receipt || receipt->transaction != transaction) return std::nullopt;
    return receipt;
}

std::vector<RpcCall> spending_calls(const std::vector<Hash>& transactions, const Address& of,
                                    const std::vector<Hash>& blocks) {
    std::vector<RpcCall> calls;
    for (const auto& hash : transactions) calls.push_back(receipt_call(hash));
    for (const auto& block : blocks) calls.push_back(balance_call(of, block));
    return calls;
}

std::optional<Chain::Spending> spending_in(std::span<const RpcResult> said,
                                           const std::vector<Hash>& transactions) {
    Chain::Spending spending;
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        auto receipt = receipt_in(said[i], transactions[i]);
        if (!receipt) return std::nullopt;
        spending.receipts.push_back(*std::move(receipt));
    }
    for (const auto& balance : said.subspan(transactions.size())) {
        spending.balances.push_back(wide_in(balance));
    }
    return spending;
}

std::optional<Chain::Account> account_in(std::span<const RpcResult> said) {
    const auto nonce = number_in(said[0]);
    const auto balance = wide_in(said[1]);
    if (!nonce || !balance) return std::nullopt;
    return Chain::Account{.nonce = *nonce, .balance = *balance};
}

// As many as are asked at once, out of those that are left.
std::vector<RpcCall> next_batch(std::vector<RpcCall>& calls) {
    const auto count = std::min(calls.size(), rpc_batch_max);
    const auto end = calls.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<RpcCall> part(std::make_move_iterator(calls.begin()), std::make_move_iterator(end));
    calls.erase(calls.begin(), end);
    return part;
}

}  // namespace

Awaited<RpcResult> Chain::ask(RpcCall call) {
    auto start = [this, call = std::move(call)](auto done) mutable {
        client_.call(std::move(call), std::move(done));
    };
    return answered<RpcResult>(std::move(start));
}

Awaited<std::vector<RpcResult>> Chain::ask_all(std::vector<RpcCall> calls) {
    std::vector<RpcResult> results;
    while (!calls.empty()) {
        auto part = next_batch(calls);
        auto start = [this, part = std::move(part)](auto done) mutable {
            client_.batch(std::move(part), std::move(done));
        };
        auto answers = co_await answered<std::vector<RpcResult>>(std::move(start));
        std::move(answers.begin(), answers.end(), std::back_inserter(results));
    }
    co_return results;
}

Awaited<std::vector<RpcResult>> Chain::agreed_on_each(std::vector<RpcCall> calls) {
    std::vector<RpcResult> results;
    while (!calls.empty()) {
        auto part = next_batch(calls);
        auto start = [this, part = std::move(part)](auto done) mutable {
            client_.agree_on_each(std::move(part), std::move(done));
        };
        auto said = co_await answered<std::vector<RpcResult>>(std::move(start));
        std::move(said.begin(), said.end(), std::back_inserter(results));
    }
    co_return results;
}

Awaited<RpcResult> Chain::agreed(RpcCall call) {
    auto start = [this, call = std::move(call)](auto done) mutable {
        client_.agree(std::move(call), std::move(done));
    };
    return answered<RpcResult>(std::move(start));
}

Awaited<std::vector<std::vector<RpcResult>>> Chain::each(std::vector<RpcCall> calls) {
    auto start = [this, calls = std::move(calls)](auto done) mutable {
        client_.each(std::move(calls), std::move(done));
    };
    return answered<std::vector<std::vector<RpcResult>>>(std::move(start));
}

// In one message where that is not too long.
Awaited<Chain::Both> Chain::both(std::vector<RpcCall> agreed_on, std::vector<RpcCall> of_one) {
    Both both;
    const auto count = agreed_on.size() + of_one.size();
    if (count > rpc_batch_max) {
        both.agreed = co_await agreed_on_each(std::move(agreed_on));
        both.of_one = co_await ask_all(std::move(of_one));
        co_return both;
    }
    if (count == 0) co_return both;
    auto start = [this, agreed_on = std::move(agreed_on),
                  of_one = std::move(of_one)](auto done) mutable {
        client_.agree_and_batch(
            std::move(agreed_on), std::move(of_one),
            [done](std::vector<RpcResult> agreed_results, std::vector<RpcResult> one_results) {
                done(Both{std::move(agreed_results), std::move(one_results)});
            });
    };
    co_return co_await answered<Both>(std::move(start));
}

Awaited<std::vector<std::vector<Block>>> Chain::stands(std::vector<std::string> tags) {
    std::vector<RpcCall> calls;
    for (const auto& tag : tags) {
        calls.push_back({.method = "eth_getBlockByNumber", .params = {tag, false}});
    }
    const auto said = co_await each(std::move(calls));
    std::vector<std::vector<Block>> stands;
    for (const auto& answers : said) {
        std::vector<Block> blocks;
        for (const auto& answer : answers) {
            auto block = answer ? parse_block(*answer) : std::nullopt;
            if (block) blocks.push_back(*std::move(block));
        }
        if (blocks.size() == tags.size()) stands.push_back(std::move(blocks));
    }
    co_return stands;
}

Awaited<std::vector<Block>> Chain::blocks_between(std::uint64_t first, std::uint64_t last) {
    std::vector<RpcCall> calls;
    for (auto number = first; number <= last; ++number) {
        calls.push_back({.method = "eth_getBlockByNumber", .params = {to_quantity(number), false}});
    }
    const auto answers = co_await ask_all(std::move(calls));
    std::vector<Block> blocks;
    for (const auto& said : answers) {
        auto block = said ? parse_block(*said) : std::nullopt;
        if (block) blocks.push_back(*std::move(block));
    }
    co_return blocks;
}

Awaited<std::optional<Block>> Chain::block(Hash hash) {
    RpcCall call{.method = "eth_getBlockByHash", .params = {to_hex(hash), false}};
    auto again = call;
    const auto said = co_await ask(std::move(call));
    auto block = said ? parse_block(*said) : std::nullopt;
    if (block && block->header.hash == hash) co_return block;
    std::vector<RpcCall> calls{std::move(again)};
    const auto all = co_await each(std::move(calls));
    std::vector<Block> told;
    for (const auto& answers : all) {
        auto one = answers.front() ? parse_block(*answers.front()) : std::nullopt;
        if (one && one->header.hash == hash) told.push_back(*std::move(one));
    }
    std::optional<Block> most;
    std::ptrdiff_t most_count = 0;
    for (const auto& one : told) {
        const auto count = std::count(told.begin(), told.end(), one);
        if (count > most_count) most = one;
        most_count = std::max(most_count, count);
    }
    co_return most;
}

Awaited<std::optional<Block>> Chain::agreed_block(std::uint64_t number) {
    RpcCall call{.method = "eth_getBlockByNumber",
                 .params = {to_quantity(number), false},
                 .canonical = canonical_block};
    const auto said = co_await agreed(std::move(call));
    auto block = said ? parse_block(*said) : std::nullopt;
    if (!block || block->header.number != number) co_return std::nullopt;
    co_return block;
}

Awaited<std::optional<std::vector<Hash>>> Chain::sent_by(Address key, Hash block) {
    RpcCall call{
        .method = "eth_getBlockByHash",
        .params = {to_hex(block), true},
        .canonical = [key](const json::value& one) { return canonical_sent_by(key, one); }};
    const auto said = co_await agreed(std::move(call));
    if (!said || !said->is_array()) co_return std::nullopt;
    std::vector<Hash> hashes;
    for (const auto& one : said->get_array()) {
        const auto hash =
            one.is_string() ? parse_fixed<Hash>(one.get_string()) : std::optional<Hash>{};
        if (!hash) co_return std::nullopt;
        hashes.push_back(*hash);
    }
    co_return hashes;
}

Awaited<std::optional<std::vector<std::optional<Receipt>>>> Chain::receipts(
    std::vector<Hash> transactions) {
    auto found = co_await spending(std::move(transactions), {}, {});
    if (!found) co_return std::nullopt;
    co_return std::move(found->receipts);
}

Awaited<std::optional<Chain::Spending>> Chain::spending(std::vector<Hash> transactions, Address of,
                                                        std::vector<Hash> blocks) {
    auto calls = spending_calls(transactions, of, blocks);
    const auto said = co_await agreed_on_each(std::move(calls));
    co_return spending_in(said, transactions);
}

Awaited<std::optional<std::vector<std::vector<Log>>>> Chain::confirmed_logs(
    std::vector<Hash> blocks, LogFilter filter, std::vector<RpcResult> said) {
    std::vector<std::vector<Log>> logs;
    for (std::size_t i = 0; i < said.size(); ++i) {
        auto read = said[i] ? parse_logs(*said[i]) : std::nullopt;
        if (read && !read->empty()) {
            auto call = logs_call(blocks[i], filter);
            const auto agreed_on = co_await agreed(std::move(call));
            read = agreed_on ? parse_logs(*agreed_on) : std::nullopt;
        }
        if (!read || !are_wanted(filter, *read)) co_return std::nullopt;
        const bool are_its = std::all_of(read->begin(), read->end(),
                                         [&](const Log& log) { return log.block == blocks[i]; });
        if (!are_its) co_return std::nullopt;
        logs.push_back(*std::move(read));
    }
    co_return logs;
}

Awaited<std::optional<Chain::Told>> Chain::told_of(Wanted wanted) {
    auto agreed_on = spending_calls(wanted.transactions, wanted.of, wanted.balance_at);
    const auto spent = agreed_on.size();
    if (wanted.account_at) {
        agreed_on.push_back(nonce_call(wanted.of, *wanted.account_at));
        agreed_on.push_back(balance_call(wanted.of, *wanted.account_at));
    }
    std::vector<RpcCall> of_one;
    for (const auto& block : wanted.blocks) of_one.push_back(logs_call(block, wanted.filter));
    auto said = co_await both(std::move(agreed_on), std::move(of_one));
    const std::span<const RpcResult> agreed_results(said.agreed);
    Told told;
    auto spending = spending_in(agreed_results.first(spent), wanted.transactions);
    if (!spending) co_return std::nullopt;
    told.spending = *std::move(spending);
    if (wanted.account_at) told.account = account_in(agreed_results.subspan(spent));
    auto logs = co_await confirmed_logs(std::move(wanted.blocks), std::move(wanted.filter),
                                        std::move(said.of_one));
    if (!logs) co_return std::nullopt;
    told.logs = *std::move(logs);
    co_return told;
}

Awaited<std::optional<std::vector<Log>>> Chain::logs_between(std::uint64_t first,
                                                             std::uint64_t last, LogFilter filter) {
    auto asked = filter_of(filter);
    asked["fromBlock"] = to_quantity(first);
    asked["toBlock"] = to_quantity(last);
    std::vector<RpcCall> calls;
    calls.push_back(
        {.method = "eth_getLogs", .params = {std::move(asked)}, .canonical = canonical_logs});
    // A node that has not come so far gives what it has, and no error.
    calls.push_back({.method = "eth_getBlockByNumber",
                     .params = {to_quantity(last), false},
                     .canonical = canonical_block});
    const auto said = co_await agreed_on_each(std::move(calls));
    const bool is_reached = said.back() && !said.back()->is_null();
    auto logs = is_reached && said.front() ? parse_logs(*said.front()) : std::nullopt;
    if (!logs || !are_wanted(filter, *logs)) co_return std::nullopt;
    co_return logs;
}

Awaited<std::optional<Bytes>> Chain::read(Address contract, Bytes words, Hash block) {
    json::object asked{{"to", to_hex(contract)}, {"data", to_hex(BytesView(words))}};
    RpcCall call{.method = "eth_call",
                 .params = {std::move(asked), at(block)},
                 .canonical = canonical_bytes};
    const auto said = co_await agreed(std::move(call));
    co_return bytes_in(said);
}

Awaited<std::optional<Uint256>> Chain::balance(Address of, Hash block) {
    auto call = balance_call(of, block);
    co_return wide_in(co_await agreed(std::move(call)));
}

Awaited<std::optional<std::uint64_t>> Chain::nonce(Address of, Hash block) {
    auto call = nonce_call(of, block);
    co_return number_in(co_await agreed(std::move(call)));
}

Awaited<std::optional<Chain::Account>> Chain::account(Address of, Hash block) {
    std::vector<RpcCall> calls{nonce_call(of, block), balance_call(of, block)};
    const auto said = co_await agreed_on_each(std::move(calls));
    co_return account_in(said);
}

Awaited<std::optional<std::uint64_t>> Chain::pending_nonce(Address of) {
    RpcCall call{.method = "eth_getTransactionCount", .params = {to_hex(of), "pending"}};
    co_return number_in(co_await ask(std::move(call)));
}

Awaited<std::optional<std::uint64_t>> Chain::chain_id() {
    RpcCall call{.method = "eth_chainId", .params = {}, .canonical = canonical_quantity};
    co_return number_in(co_await agreed(std::move(call)));
}

Awaited<std::optional<Bytes>> Chain::code(Address contract, Hash block) {
    RpcCall call{.method = "eth_getCode",
                 .params = {to_hex(contract), at(block)},
                 .canonical = canonical_bytes};
    co_return bytes_in(co_await agreed(std::move(call)));
}

Awaited<std::optional<Uint256>> Chain::tip() {
    RpcCall call{.method = "eth_maxPriorityFeePerGas", .params = {}};
    co_return wide_in(co_await ask(std::move(call)));
}

Awaited<RpcResult> Chain::send(std::string raw) {
    return ask({.method = "eth_sendRawTransaction", .params = {std::move(raw)}});
}

}  // namespace crossclear::shards::evm
