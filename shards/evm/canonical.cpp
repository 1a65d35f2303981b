#include "shards/evm/canonical.hpp"

#include "shards/evm/blocks.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;

json::array names_of(const std::vector<Hash>& hashes) {
    json::array names;
    for (const auto& hash : hashes) names.emplace_back(to_hex(hash));
    return names;
}

json::object written(const Block& block) {
    return {{"number", to_quantity(block.header.number)},
            {"hash", to_hex(block.header.hash)},
            {"parentHash", to_hex(block.header.parent)},
            {"timestamp", to_quantity(block.header.time_s)},
            {"baseFeePerGas", to_quantity(block.header.base_fee)},
            {"transactions", names_of(block.transactions)}};
}

json::object written(const Log& log) {
    return {{"address", to_hex(log.address)},      {"topics", names_of(log.topics)},
            {"data", to_hex(BytesView(log.data))}, {"blockNumber", to_quantity(log.block_number)},
            {"blockHash", to_hex(log.block)},      {"transactionHash", to_hex(log.transaction)},
            {"logIndex", to_quantity(log.index)},  {"removed", log.is_removed}};
}

json::array written(const std::vector<Log>& logs) {
    json::array list;
    for (const auto& log : logs) list.emplace_back(written(log));
    return list;
}

json::object written(const Receipt& receipt) {
    return {{"transactionHash", to_hex(receipt.transaction)},
            {"blockNumber", to_quantity(receipt.block_number)},
            {"blockHash", to_hex(receipt.block)},
            {"status", to_quantity(receipt.is_success ? 1 : 0)},
            {"gasUsed", to_quantity(receipt.gas_used)},
            {"effectiveGasPrice", to_quantity(receipt.gas_price)},
            {"logs", written(receipt.logs)}};
}

// What was read, written; nothing where nothing was.
template <class Read>
std::optional<json::value> written_if(const std::optional<Read>& read) {
    if (!read) return std::nullopt;
    return json::value(written(*read));
}

std::string_view text_of(const json::value& said) {
    return said.is_string() ? std::string_view(said.get_string()) : std::string_view{};
}

std::string_view text_at(const json::object& fields, std::string_view name) {
    const auto* field = fields.if_contains(name);
    return field == nullptr ? std::string_view{} : text_of(*field);
}

}  // namespace

std::optional<json::value> canonical_quantity(const json::value& said) {
    const auto number = parse_quantity(text_of(said));
    if (!number) return std::nullopt;
    return json::value(to_quantity(*number));
}

std::optional<json::value> canonical_bytes(const json::value& said) {
    const auto bytes = parse_hex(text_of(said));
    if (!bytes) return std::nullopt;
    return json::value(to_hex(BytesView(*bytes)));
}

std::optional<json::value> canonical_block(const json::value& said) {
    if (said.is_null()) return said;
    return written_if(parse_block(said));
}

std::optional<json::value> canonical_receipt(const json::value& said) {
    if (said.is_null()) return said;
    return written_if(parse_receipt(said));
}

std::optional<json::value> canonical_logs(const json::value& said) {
    return written_if(parse_logs(said));
}

std::optional<json::value> canonical_sent_by(const Address& key, const json::value& said) {
    if (said.is_null()) return said;
    const auto* block = said.if_object();
    const auto* list = block == nullptr ? nullptr : block->if_contains("transactions");
    if (list == nullptr || !list->is_array()) return std::nullopt;
    std::map<std::uint64_t, Hash> sent;
    for (const auto& one : list->get_array()) {
        const auto* fields = one.if_object();
        if (fields == nullptr) return std::nullopt;
        const auto from = parse_fixed<Address>(text_at(*fields, "from"));
        if (!from) return std::nullopt;
        if (*from != key) continue;
        const auto nonce = parse_quantity64(text_at(*fields, "nonce"));
        const auto hash = parse_fixed<Hash>(text_at(*fields, "hash"));
        if (!nonce || !hash) return std::nullopt;
        sent.emplace(*nonce, *hash);
    }
    std::vector<Hash> hashes;
    for (const auto& [nonce, hash] : sent) hashes.push_back(hash);
    return json::value(names_of(hashes));
}

}  // namespace crossclear::shards::evm
