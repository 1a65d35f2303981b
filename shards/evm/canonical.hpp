#pragma once

#include "shards/evm/words.hpp"

#include <boost/json/value.hpp>

#include <optional>

/// One form of an answer, whoever wrote it.
///
/// The problem: nodes of different make say the same with other fields beside it, in another order
/// and another case, and would never agree. The idea: an answer is written anew from what is read
/// of it. The subtle thing: what is written here is read once more by those who asked, so a field
/// that is read and was forgotten here is missing to all of them, and no answer passes.
///
/// Each gives nothing where an answer cannot be read. What a node knows none of (`null`) stays
/// that: it is an answer.

namespace crossclear::shards::evm {

/// A number of at most 256 bits, as `eth_getBalance` answers.
[[nodiscard]] std::optional<boost::json::value> canonical_quantity(const boost::json::value& said);
/// Any bytes, as `eth_call` answers.
[[nodiscard]] std::optional<boost::json::value> canonical_bytes(const boost::json::value& said);
/// A block with the names of its transactions, or none.
[[nodiscard]] std::optional<boost::json::value> canonical_block(const boost::json::value& said);
/// A receipt, or none.
[[nodiscard]] std::optional<boost::json::value> canonical_receipt(const boost::json::value& said);
/// A list of logs, in the order given.
[[nodiscard]] std::optional<boost::json::value> canonical_logs(const boost::json::value& said);
/// Of a block with its whole transactions: the names of those that a key has sent, by nonce.
[[nodiscard]] std::optional<boost::json::value> canonical_sent_by(const Address& key,
                                                                  const boost::json::value& said);

}  // namespace crossclear::shards::evm
