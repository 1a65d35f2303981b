#pragma once

#include "base/time.hpp"
#include "shards/evm/words.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <vector>

/// Blocks, receipts and logs as nodes write them, read without believing more than is there.
/// **Source:** the execution-apis of Ethereum, schemas of block, receipt and log.

namespace crossclear::shards::evm {

/// What is looked at of a block.
struct Header {
    std::uint64_t number{};
    Hash hash;
    Hash parent;
    std::uint64_t time_s{};  ///< Since 1970, as its maker says.
    Uint256 base_fee;        ///< Wei for one unit of gas.

    friend bool operator==(const Header&, const Header&) = default;
};

/// When its maker says it was made.
[[nodiscard]] inline base::Timestamp time_of(const Header& header) {
    return {static_cast<std::int64_t>(header.time_s) * 1'000'000};
}

/// A block and what is in it.
struct Block {
    Header header;
    std::vector<Hash> transactions;  ///< In their order.

    friend bool operator==(const Block&, const Block&) = default;
};

/// What a contract has told.
struct Log {
    Address address;
    std::vector<Hash> topics;  ///< At most four; the first names the event.
    Bytes data;
    std::uint64_t block_number{};
    Hash block;
    Hash transaction;
    std::uint64_t index{};  ///< Within the block.
    bool is_removed{};      ///< As a subscription says it; the parents of blocks decide.

    friend bool operator==(const Log&, const Log&) = default;
};

/// What became of a transaction in a block.
struct Receipt {
    Hash transaction;
    std::uint64_t block_number{};
    Hash block;
    bool is_success{};
    std::uint64_t gas_used{};
    Uint256 gas_price;  ///< Wei that one unit of gas did cost.
    std::vector<Log> logs;

    friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// Logs of one receipt or one question, and transactions of a block; more are refused.
inline constexpr std::size_t logs_max = 10'000;
inline constexpr std::size_t block_transactions_max = 100'000;

/// Reads one. Nothing where a field is missing or is none, or where a receipt's logs are of another
/// block or transaction. A block that is pending has no hash and is none.
[[nodiscard]] std::optional<Header> parse_header(const boost::json::value& said);
/// The same with the names of its transactions, as nodes list them where asked for no more.
[[nodiscard]] std::optional<Block> parse_block(const boost::json::value& said);
[[nodiscard]] std::optional<Log> parse_log(const boost::json::value& said);
[[nodiscard]] std::optional<Receipt> parse_receipt(const boost::json::value& said);
/// Reads a list of them.
[[nodiscard]] std::optional<std::vector<Log>> parse_logs(const boost::json::value& said);

}  // namespace crossclear::shards::evm
