#include "shards/evm/relayer.hpp"

#include "shards/evm/abi.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using base::Failure;

// So many blocks are asked for at once.
constexpr std::uint64_t blocks_max = 1'000;
constexpr auto delivery_patience = base::seconds(30);
constexpr auto retry_after = base::seconds(2);

Hash sent_topic() { return topic_of("Sent(bytes32,uint64,address,address,uint256)"); }

RpcError no_logs() {
    return {.fault = RpcFault::malformed,
            .code = 0,
            .message = "logs that are none",
            .data = {},
            .may_have_happened = false};
}

}  // namespace

std::optional<Passage> parse_sent(const ChainSite& from, const Log& log) {
    const bool is_one = from.bridge == log.address && log.topics.size() == 4 &&
                        log.topics.front() == sent_topic() && !log.is_removed;
    if (!is_one) return std::nullopt;
    // Both are words in topics: what does not fit is not canonical.
    AbiReader data(log.data);
    AbiReader receiver(log.topics[3].bytes);
    const auto chain = from_bytes(log.topics[2].bytes);
    const auto token = data.address();
    const auto amount = data.number();
    const auto to = receiver.address();
    const auto* known = from.token_at(token);
    const bool is_right = !data.error() && !receiver.error() && known != nullptr &&
                          chain <= std::numeric_limits<std::uint64_t>::max();
    if (!is_right) return std::nullopt;
    return Passage{.intent = log.topics[1],
                   .to_chain = static_cast<std::uint64_t>(chain),
                   .to = to,
                   .symbol = known->symbol,
                   .decimals = known->decimals,
                   .amount = amount};
}

std::optional<Uint256> converted(const Passage& passage, const ChainSite& to) {
    const auto* token = to.token(passage.symbol);
    if (token == nullptr) return std::nullopt;
    boost::multiprecision::cpp_int amount{passage.amount};
    for (int i = passage.decimals; i < token->decimals; ++i) amount *= 10;
    for (int i = token->decimals; i < passage.decimals; ++i) {
        if (amount % 10 != 0) return std::nullopt;
        amount /= 10;
    }
    if (amount > std::numeric_limits<Uint256>::max()) return std::nullopt;
    return Uint256{amount};
}

Departures::Departures(const ChainSite& site) : site_(site), next_block_(site.deployed_at) {}

base::Result<std::vector<Passage>, RpcError> Departures::take(DevNode& node) {
    std::vector<Passage> passages;
    if (!site_.bridge) return passages;
    const auto final_block = node.final_block();
    if (!final_block) return Failure{final_block.error()};
    if (*final_block < next_block_) return passages;
    const auto last = std::min(*final_block, next_block_ + blocks_max - 1);
    const boost::json::object filter{{"address", to_hex(*site_.bridge)},
                                     {"topics", boost::json::array{to_hex(sent_topic())}},
                                     {"fromBlock", to_quantity(next_block_)},
                                     {"toBlock", to_quantity(last)}};
    const auto said = node.ask("eth_getLogs", {filter});
    if (!said) return Failure{said.error()};
    const auto logs = parse_logs(*said);
    if (!logs) return Failure{no_logs()};
    for (const auto& log : *logs) {
        if (auto passage = parse_sent(site_, log)) passages.push_back(*std::move(passage));
    }
    next_block_ = last + 1;
    return passages;
}

Arrivals::Arrivals(const ChainSite& site, DevLog log) : site_(site), log_(std::move(log)) {}

void Arrivals::add(const Passage& passage, base::Timestamp due) {
    entries_.try_emplace(passage.intent,
                         Entry{.passage = passage, .due = due, .under_way = {}, .sent_at = {}});
}

void Arrivals::work(DevNode& node) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const bool is_due = entry->second.due <= base::wall_clock_now();
        const auto next = is_due ? work_on(node, entry->second) : Next::keep;
        entry = next == Next::forget ? entries_.erase(entry) : std::next(entry);
    }
}

Arrivals::Next Arrivals::work_on(DevNode& node, Entry& entry) {
    const auto& passage = entry.passage;
    const auto amount = site_.bridge ? converted(passage, site_) : std::nullopt;
    if (!amount) {
        log_(
            "What a bridge has sent cannot be delivered.",
            fmt::format("{} of {} at {}, intent {}: no such token, or its digits are too few",
                        passage.amount.str(), passage.symbol, site_.shard, to_hex(passage.intent)));
        return Next::forget;
    }
    if (entry.under_way) {
        const bool is_lost = base::wall_clock_now() - entry.sent_at >= delivery_patience;
        if (node.fate_of(*entry.under_way) == Fate::waiting && !is_lost) return Next::keep;
        entry.under_way.reset();
    }
    const auto question =
        AbiWriter{}.add(passage.intent).call(selector_of("hasDelivered(bytes32)"));
    const auto final_said = node.number(*site_.bridge, question, "finalized");
    if (!final_said) return Next::keep;
    if (*final_said != 0) return Next::forget;
    // A block that is not final may go: then it has to be delivered again.
    const auto said = node.number(*site_.bridge, question);
    if (said && *said == 0) deliver(node, entry, *amount);
    return Next::keep;
}

void Arrivals::deliver(DevNode& node, Entry& entry, const Uint256& amount) {
    const auto& passage = entry.passage;
    const DevCall call{.from = site_.roles.relayer,
                       .to = *site_.bridge,
                       .data = AbiWriter{}
                                   .add(passage.intent)
                                   .add(site_.token(passage.symbol)->contract)
                                   .add(passage.to)
                                   .add(amount)
                                   .call(selector_of("deliver(bytes32,address,address,uint256)"))};
    if (const auto tried = node.try_out(call); !tried) {
        // Another relayer was quicker: nothing to do but wait until that is final.
        const auto already = to_hex(selector_of("AlreadyDelivered(bytes32)"));
        if (tried.error().data.starts_with(already)) return;
        log_("A delivery is refused; it is tried again.",
             fmt::format("{}, intent {}: {} {}", site_.shard, to_hex(passage.intent),
                         tried.error().message, tried.error().data));
        entry.due = base::wall_clock_now() + retry_after;
        return;
    }
    const auto sent = node.send(call);
    if (!sent) return;
    entry.under_way = *sent;
    entry.sent_at = base::wall_clock_now();
}

}  // namespace crossclear::shards::evm
