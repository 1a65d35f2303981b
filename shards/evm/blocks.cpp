#include "shards/evm/blocks.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <string_view>

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;

constexpr std::size_t topics_max = 4;

// Reads fields of one object. Once one is wrong, nothing is right any more.
class Members {
public:
    explicit Members(const json::value& of) : object_(of.if_object()) {}

    [[nodiscard]] bool is_right() const { return object_ != nullptr; }
    [[nodiscard]] bool has(std::string_view name) const { return field(name) != nullptr; }

    template <class Fixed>
    Fixed fixed(std::string_view name) {
        const auto text = string(name);
        const auto read = text ? parse_fixed<Fixed>(*text) : std::nullopt;
        return read ? *read : wrong<Fixed>();
    }
    std::uint64_t number(std::string_view name) {
        const auto text = string(name);
        const auto read = text ? parse_quantity64(*text) : std::nullopt;
        return read ? *read : wrong<std::uint64_t>();
    }
    Uint256 wide(std::string_view name) {
        const auto text = string(name);
        const auto read = text ? parse_quantity(*text) : std::nullopt;
        return read ? *read : wrong<Uint256>();
    }
    Bytes bytes(std::string_view name) {
        const auto text = string(name);
        auto read = text ? parse_hex(*text) : std::nullopt;
        return read ? *std::move(read) : wrong<Bytes>();
    }
    const json::array& list(std::string_view name) {
        static const json::array none;
        const auto* found = field(name);
        if (found != nullptr && found->is_array()) return found->get_array();
        object_ = nullptr;
        return none;
    }
    // False where it is not there.
    bool flag(std::string_view name) {
        const auto* found = field(name);
        if (found == nullptr) return false;
        if (!found->is_bool()) object_ = nullptr;
        return found->is_bool() && found->get_bool();
    }

private:
    [[nodiscard]] const json::value* field(std::string_view name) const {
        return object_ == nullptr ? nullptr : object_->if_contains(name);
    }
    [[nodiscard]] std::optional<std::string_view> string(std::string_view name) const {
        const auto* found = field(name);
        if (found == nullptr || !found->is_string()) return std::nullopt;
        return std::string_view(found->get_string());
    }
    template <class Value>
    Value wrong() {
        object_ = nullptr;
        return {};
    }

    const json::object* object_;
};

std::optional<std::vector<Log>> logs_in(const json::array& list) {
    if (list.size() > logs_max) return std::nullopt;
    std::vector<Log> logs;
    logs.reserve(list.size());
    for (const auto& one : list) {
        auto log = parse_log(one);
        if (!log) return std::nullopt;
        logs.push_back(*std::move(log));
    }
    return logs;
}

}  // namespace

std::optional<Header> parse_header(const json::value& said) {
    Members fields(said);
    const auto number = fields.number("number");
    // The first block of a chain may be older than base fees are.
    const bool has_fee = number > 0 || fields.has("baseFeePerGas");
    Header header{.number = number,
                  .hash = fields.fixed<Hash>("hash"),
                  .parent = fields.fixed<Hash>("parentHash"),
                  .time_s = fields.number("timestamp"),
                  .base_fee = has_fee ? fields.wide("baseFeePerGas") : Uint256{0}};
    if (!fields.is_right() || header.hash == header.parent) return std::nullopt;
    return header;
}

std::optional<Block> parse_block(const json::value& said) {
    auto header = parse_header(said);
    if (!header) return std::nullopt;
    Members fields(said);
    const auto& list = fields.list("transactions");
    if (!fields.is_right() || list.size() > block_transactions_max) return std::nullopt;
    Block block{.header = *header, .transactions = {}};
    block.transactions.reserve(list.size());
    for (const auto& one : list) {
        const auto hash =
            one.is_string() ? parse_fixed<Hash>(one.get_string()) : std::optional<Hash>{};
        if (!hash) return std::nullopt;
        block.transactions.push_back(*hash);
    }
    return block;
}

std::optional<Log> parse_log(const json::value& said) {
    Members fields(said);
    Log log{.address = fields.fixed<Address>("address"),
            .topics = {},
            .data = fields.bytes("data"),
            .block_number = fields.number("blockNumber"),
            .block = fields.fixed<Hash>("blockHash"),
            .transaction = fields.fixed<Hash>("transactionHash"),
            .index = fields.number("logIndex"),
            .is_removed = fields.flag("removed")};
    const auto& topics = fields.list("topics");
    if (!fields.is_right() || topics.size() > topics_max) return std::nullopt;
    for (const auto& one : topics) {
        const auto topic =
            one.is_string() ? parse_fixed<Hash>(one.get_string()) : std::optional<Hash>{};
        if (!topic) return std::nullopt;
        log.topics.push_back(*topic);
    }
    return log;
}

std::optional<std::vector<Log>> parse_logs(const json::value& said) {
    const auto* list = said.if_array();
    return list == nullptr ? std::nullopt : logs_in(*list);
}

std::optional<Receipt> parse_receipt(const json::value& said) {
    Members fields(said);
    Receipt receipt{.transaction = fields.fixed<Hash>("transactionHash"),
                    .block_number = fields.number("blockNumber"),
                    .block = fields.fixed<Hash>("blockHash"),
                    .is_success = false,
                    .gas_used = fields.number("gasUsed"),
                    .gas_price = fields.wide("effectiveGasPrice"),
                    .logs = {}};
    const auto status = fields.number("status");
    const auto& logs = fields.list("logs");
    if (!fields.is_right() || status > 1) return std::nullopt;
    receipt.is_success = status == 1;
    auto read = logs_in(logs);
    if (!read) return std::nullopt;
    receipt.logs = *std::move(read);
    const bool are_its_own =
        std::all_of(receipt.logs.begin(), receipt.logs.end(), [&](const Log& log) {
            return log.transaction == receipt.transaction && log.block == receipt.block &&
                   log.block_number == receipt.block_number && !log.is_removed;
        });
    // What failed has told nothing.
    if (!are_its_own || (!receipt.is_success && !receipt.logs.empty())) return std::nullopt;
    return receipt;
}

}  // namespace crossclear::shards::evm
