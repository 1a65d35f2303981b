#include "shards/evm/rlp.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace crossclear::shards::evm {
namespace {

constexpr std::uint8_t short_bytes = 0x80;
constexpr std::uint8_t short_list = 0xC0;
constexpr std::size_t short_max = 55;

void append_header(Bytes& to, std::uint8_t first, std::size_t length) {
    if (length <= short_max) {
        to.push_back(static_cast<std::uint8_t>(first + length));
        return;
    }
    const auto size = to_minimal_bytes(Uint256{length});
    to.push_back(static_cast<std::uint8_t>(first + short_max + size.size()));
    append(to, size);
}

void append_item(Bytes& to, const RlpItem& item) {
    if (const auto* bytes = item.bytes()) {
        if (bytes->size() == 1 && bytes->front() < short_bytes) return to.push_back(bytes->front());
        append_header(to, short_bytes, bytes->size());
        return append(to, *bytes);
    }
    Bytes inner;
    for (const auto& one : *item.list()) append_item(inner, one);
    append_header(to, short_list, inner.size());
    append(to, inner);
}

// Takes items off the front, one after the other.
class Decoder {
public:
    explicit Decoder(BytesView bytes) : left_(bytes) {}

    base::Result<RlpItem, RlpError> item(int depth) {
        if (depth > rlp_depth_max) return base::Failure{RlpError::too_deep};
        if (left_.empty()) return base::Failure{RlpError::truncated};
        const std::uint8_t first = left_.front();
        if (first < short_bytes) return RlpItem::of(*take(1));
        left_ = left_.subspan(1);
        const bool is_list = first >= short_list;
        const auto length = length_of(first, is_list ? short_list : short_bytes);
        if (!length) return base::Failure{length.error()};
        const auto content = take(*length);
        if (!content) return base::Failure{RlpError::truncated};
        if (is_list) return list(*content, depth);
        if (content->size() == 1 && content->front() < short_bytes) {
            return base::Failure{RlpError::not_minimal};
        }
        return RlpItem::of(*content);
    }
    [[nodiscard]] bool is_done() const { return left_.empty(); }

private:
    std::optional<BytesView> take(std::size_t count) {
        if (count > left_.size()) return std::nullopt;
        const auto taken = left_.first(count);
        left_ = left_.subspan(count);
        return taken;
    }

    base::Result<std::size_t, RlpError> length_of(std::uint8_t first, std::uint8_t kind) {
        const std::size_t said = first - kind;
        if (said <= short_max) return said;
        const auto size = take(said - short_max);
        if (!size) return base::Failure{RlpError::truncated};
        if (size->front() == 0) return base::Failure{RlpError::not_minimal};
        const auto length = from_bytes(*size);
        if (length <= short_max) return base::Failure{RlpError::not_minimal};
        if (length > left_.size()) return base::Failure{RlpError::truncated};
        return static_cast<std::size_t>(length);
    }

    static base::Result<RlpItem, RlpError> list(BytesView content, int depth) {
        std::vector<RlpItem> items;
        Decoder inner(content);
        while (!inner.is_done()) {
            auto item = inner.item(depth + 1);
            if (!item) return base::Failure{item.error()};
            items.push_back(*std::move(item));
        }
        return RlpItem::of(std::move(items));
    }

    BytesView left_;
};

}  // namespace

Bytes rlp_encode(const RlpItem& item) {
    Bytes bytes;
    append_item(bytes, item);
    return bytes;
}

base::Result<RlpItem, RlpError> rlp_decode(BytesView bytes) {
    Decoder decoder(bytes);
    auto item = decoder.item(0);
    if (item && !decoder.is_done()) return base::Failure{RlpError::trailing};
    return item;
}

std::optional<Uint256> rlp_number(const RlpItem& item) {
    const auto* bytes = item.bytes();
    if (bytes == nullptr || bytes->size() > Hash::size) return std::nullopt;
    if (!bytes->empty() && bytes->front() == 0) return std::nullopt;
    return from_bytes(*bytes);
}

}  // namespace crossclear::shards::evm
