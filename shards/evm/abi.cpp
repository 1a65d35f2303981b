#include "shards/evm/abi.hpp"

#include "shards/evm/keccak.hpp"

#include <algorithm>
#include <array>

namespace crossclear::shards::evm {
namespace {

constexpr std::size_t word_size = 32;
constexpr std::array<std::uint8_t, word_size> no_word{};

std::size_t filled_up(std::size_t size) { return (size + word_size - 1) / word_size * word_size; }

bool is_zero(BytesView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Selector selector_of(std::string_view signature) {
    const auto hash = keccak256(signature);
    Selector selector;
    std::copy_n(hash.bytes.begin(), Selector::size, selector.bytes.begin());
    return selector;
}

Hash topic_of(std::string_view signature) { return keccak256(signature); }

void AbiWriter::add_word(BytesView word) { append(words_, word); }

AbiWriter& AbiWriter::add(const Uint256& number) {
    add_word(to_word(number));
    return *this;
}

AbiWriter& AbiWriter::add(const Address& address) {
    add_word(BytesView(no_word).first(word_size - Address::size));
    add_word(address.bytes);
    return *this;
}

AbiWriter& AbiWriter::add(const Hash& hash) {
    add_word(hash.bytes);
    return *this;
}

AbiWriter& AbiWriter::add_flag(bool flag) { return add(Uint256{flag ? 1 : 0}); }

AbiWriter& AbiWriter::add_bytes(BytesView bytes) {
    tails_.push_back({.word = words_.size(), .bytes = {bytes.begin(), bytes.end()}});
    return add(Uint256{0});
}

Bytes AbiWriter::arguments() const {
    Bytes all = words_;
    for (const auto& [word, bytes] : tails_) {
        const auto reference = to_word(Uint256{all.size()});
        std::copy(reference.begin(), reference.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(word));
        append(all, to_word(Uint256{bytes.size()}));
        append(all, bytes);
        all.resize(all.size() + filled_up(bytes.size()) - bytes.size());
    }
    return all;
}

Bytes AbiWriter::call(const Selector& selector) const {
    Bytes all(selector.bytes.begin(), selector.bytes.end());
    append(all, arguments());
    return all;
}

void AbiReader::fail(AbiError error) {
    if (!error_) error_ = error;
}

BytesView AbiReader::word() {
    if (error_ || arguments_.size() - at_ < word_size) {
        fail(AbiError::truncated);
        return no_word;
    }
    at_ += word_size;
    return arguments_.subspan(at_ - word_size, word_size);
}

Uint256 AbiReader::number() { return from_bytes(word()); }

Address AbiReader::address() {
    const auto all = word();
    constexpr auto padding = word_size - Address::size;
    if (!is_zero(all.first(padding))) fail(AbiError::not_canonical);
    Address address;
    std::copy_n(all.begin() + padding, Address::size, address.bytes.begin());
    return address;
}

Hash AbiReader::hash() {
    const auto all = word();
    Hash hash;
    std::copy(all.begin(), all.end(), hash.bytes.begin());
    return hash;
}

bool AbiReader::flag() {
    const auto value = number();
    if (value > 1) fail(AbiError::not_canonical);
    return value == 1;
}

Bytes AbiReader::bytes() {
    const auto reference = number();
    if (error_ || reference > arguments_.size() ||
        arguments_.size() - static_cast<std::size_t>(reference) < word_size) {
        fail(AbiError::truncated);
        return {};
    }
    const auto behind = arguments_.subspan(static_cast<std::size_t>(reference));
    const auto length = from_bytes(behind.first(word_size));
    const auto left = behind.subspan(word_size);
    if (length > left.size() || filled_up(static_cast<std::size_t>(length)) > left.size()) {
        fail(AbiError::truncated);
        return {};
    }
    const auto size = static_cast<std::size_t>(length);
    if (!is_zero(left.subspan(size, filled_up(size) - size))) fail(AbiError::not_canonical);
    return {left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace crossclear::shards::evm
