#include "shards/evm/transaction.hpp"

#include "shards/evm/keccak.hpp"
#include "shards/evm/rlp.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace crossclear::shards::evm {
namespace {

constexpr std::uint8_t fee_market_type = 2;
constexpr std::size_t unsigned_fields = 9;
constexpr std::size_t signed_fields = 12;

std::vector<RlpItem> fields_of(const Transaction& x) {
    return {RlpItem::of(Uint256{x.chain_id}),
            RlpItem::of(Uint256{x.nonce}),
            RlpItem::of(x.tip_max),
            RlpItem::of(x.fee_max),
            RlpItem::of(Uint256{x.gas_limit}),
            RlpItem::of(BytesView(x.to.bytes)),
            RlpItem::of(x.value),
            RlpItem::of(BytesView(x.data)),
            RlpItem::of(std::vector<RlpItem>{})};
}

Bytes typed(std::vector<RlpItem> fields) {
    Bytes bytes{fee_market_type};
    const auto encoded = rlp_encode(RlpItem::of(std::move(fields)));
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    return bytes;
}

// Numbers of fields; once one is none, nothing is.
class Fields {
public:
    explicit Fields(const std::vector<RlpItem>& items) : items_(items) {}

    Uint256 number(std::size_t at) {
        const auto number = rlp_number(items_[at]);
        is_good_ = is_good_ && number.has_value();
        return number.value_or(0);
    }
    std::uint64_t number64(std::size_t at) {
        const auto wide = number(at);
        is_good_ = is_good_ && wide <= std::numeric_limits<std::uint64_t>::max();
        return static_cast<std::uint64_t>(wide & std::numeric_limits<std::uint64_t>::max());
    }
    Bytes bytes(std::size_t at) {
        const auto* bytes = items_[at].bytes();
        is_good_ = is_good_ && bytes != nullptr;
        return bytes == nullptr ? Bytes{} : *bytes;
    }
    [[nodiscard]] bool is_good() const { return is_good_; }

private:
    const std::vector<RlpItem>& items_;
    bool is_good_{true};
};

}  // namespace

Hash signing_hash(const Transaction& transaction) {
    return keccak256(typed(fields_of(transaction)));
}

Bytes raw_bytes(const SignedTransaction& signed_one) {
    auto fields = fields_of(signed_one.transaction);
    const auto& signature = signed_one.signature;
    fields.push_back(RlpItem::of(Uint256{signature.is_odd ? 1 : 0}));
    fields.push_back(RlpItem::of(signature.r));
    fields.push_back(RlpItem::of(signature.s));
    return typed(std::move(fields));
}

Hash transaction_hash(BytesView raw) { return keccak256(raw); }

base::Result<SignedTransaction, TransactionError> parse_transaction(BytesView raw) {
    if (raw.empty() || raw.front() != fee_market_type) {
        return base::Failure{TransactionError::other_type};
    }
    const auto item = rlp_decode(raw.subspan(1));
    const auto* items = item ? item->list() : nullptr;
    if (items == nullptr || items->size() != signed_fields) {
        return base::Failure{TransactionError::malformed};
    }
    Fields fields(*items);
    SignedTransaction read;
    auto& x = read.transaction;
    x.chain_id = fields.number64(0);
    x.nonce = fields.number64(1);
    x.tip_max = fields.number(2);
    x.fee_max = fields.number(3);
    x.gas_limit = fields.number64(4);
    const auto to = fields.bytes(5);
    x.value = fields.number(6);
    x.data = fields.bytes(7);
    const auto* access = (*items)[unsigned_fields - 1].list();
    const auto parity = fields.number(9);
    read.signature = {.is_odd = parity == 1, .r = fields.number(10), .s = fields.number(11)};
    if (!fields.is_good() || access == nullptr || parity > 1) {
        return base::Failure{TransactionError::malformed};
    }
    if (!access->empty()) return base::Failure{TransactionError::has_access};
    if (to.empty()) return base::Failure{TransactionError::no_recipient};
    if (to.size() != Address::size) return base::Failure{TransactionError::malformed};
    std::copy(to.begin(), to.end(), x.to.bytes.begin());
    return read;
}

}  // namespace crossclear::shards::evm
