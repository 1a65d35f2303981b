#include "shards/evm/rlp.hpp"
#include "shards/evm/words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// RLP case by case, as the tests of Ethereum clients have it; the cases are our own and lie in
// rlp_cases.json, which says what its words mean.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;

json::object rlp_cases(std::string_view which) {
    std::ifstream file(CROSSCLEAR_SOURCE_DIR "/tests/shards/evm/rlp_cases.json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return json::parse(text).at(which).as_object();
}

Bytes repeated(const json::object& said) {
    const auto one = *parse_hex("0x" + std::string(said.at("byte").as_string()));
    return Bytes(static_cast<std::size_t>(said.at("times").as_int64()), one.at(0));
}

RlpItem described_item(const json::value& said);

RlpItem described_by(const json::object& said) {
    if (said.contains("times")) return {repeated(said)};
    std::vector<RlpItem> items;
    if (const auto* count = said.if_contains("list")) {
        items.assign(static_cast<std::size_t>(count->as_int64()), described_item(said.at("of")));
        return RlpItem::of(std::move(items));
    }
    RlpItem nested = RlpItem::of(std::vector<RlpItem>{});
    for (auto left = said.at("deep").as_int64(); left > 1; --left) {
        nested = RlpItem::of(std::vector<RlpItem>{std::move(nested)});
    }
    return nested;
}

RlpItem described_item(const json::value& said) {
    if (said.is_object()) return described_by(said.get_object());
    if (said.is_int64()) return RlpItem::of(Uint256{said.get_int64()});
    if (said.is_array()) {
        std::vector<RlpItem> items;
        for (const auto& one : said.get_array()) items.push_back(described_item(one));
        return RlpItem::of(std::move(items));
    }
    const std::string_view text = said.as_string();
    if (text.starts_with("0x")) return {*parse_hex(text)};
    if (text.starts_with("#")) return RlpItem::of(Uint256{std::string(text.substr(1))});
    return {Bytes(text.begin(), text.end())};
}

Bytes described_bytes(const json::value& said) {
    if (said.is_string()) return *parse_hex("0x" + std::string(said.get_string()));
    if (said.is_object()) return repeated(said.get_object());
    Bytes bytes;
    for (const auto& part : said.as_array()) append(bytes, described_bytes(part));
    return bytes;
}

std::string_view name_of(std::optional<RlpError> error) {
    if (!error) return "none";
    switch (*error) {
        case RlpError::truncated:
            return "truncated";
        case RlpError::trailing:
            return "trailing";
        case RlpError::not_minimal:
            return "not_minimal";
        case RlpError::too_deep:
            return "too_deep";
    }
    return "another";
}

TEST(RlpCases, ThatAreValidAreWrittenAndRead) {
    const auto cases = rlp_cases("valid");
    EXPECT_GE(cases.size(), 38U);
    for (const auto& [name, one] : cases) {
        SCOPED_TRACE(std::string(name));
        const auto item = described_item(one.at("in"));
        const auto bytes = described_bytes(one.at("out"));
        // Some are long: a difference is not printed.
        EXPECT_TRUE(rlp_encode(item) == bytes);
        const auto read = rlp_decode(bytes);
        ASSERT_TRUE(read.has_value()) << name_of(read.error());
        EXPECT_TRUE(*read == item);
        const auto& in = one.at("in");
        if (in.is_int64()) {
            EXPECT_EQ(rlp_number(*read), Uint256{in.get_int64()});
        }
    }
}

TEST(RlpCases, ThatAreInvalidAreRefusedForTheirReason) {
    const auto cases = rlp_cases("invalid");
    EXPECT_GE(cases.size(), 50U);
    for (const auto& [name, one] : cases) {
        const auto read = rlp_decode(described_bytes(one.at("out")));
        const auto error = read ? std::nullopt : std::optional{read.error()};
        EXPECT_EQ(name_of(error), one.at("why").as_string()) << name;
    }
}

// Goal: nothing is said of bytes that are not there. Whatever is cut off is refused.
TEST(RlpCases, CutOffAnywhereAreRefused) {
    for (const auto& [name, one] : rlp_cases("valid")) {
        const auto bytes = described_bytes(one.at("out"));
        const std::size_t step = bytes.size() / 100 + 1;
        for (std::size_t left = 0; left < bytes.size(); left += step) {
            EXPECT_FALSE(rlp_decode(BytesView(bytes).first(left))) << name << ", " << left;
        }
    }
}

}  // namespace
}  // namespace crossclear::shards::evm
