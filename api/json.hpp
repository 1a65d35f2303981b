#pragma once

#include "base/result.hpp"

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// JSON in, strictly, and out, quickly.
///
/// The library keeps the last of two equal keys and turns integers that do not fit into doubles,
/// both without a word. Here the first is a fault of the whole text; the second stays a double,
/// which no reader of ours takes for an integer.

namespace crossclear::api {

inline constexpr std::size_t json_depth_max = 16;
inline constexpr std::size_t json_keys_max = 64;  ///< Members of one object.

/// Why a text is refused as a whole.
enum class JsonFaultKind : std::uint8_t { not_json, too_deep, duplicate_key, too_many_keys };

/// Why, and what can still be made of the text.
struct JsonFault {
    JsonFaultKind kind{JsonFaultKind::not_json};
    std::string key;  ///< The key that comes twice.
    /// The text as far as it is unambiguous, to answer with the request's id; absent if not JSON.
    std::optional<boost::json::value> rest;
};

/// Reads one JSON text and nothing after it. The value lives in `storage`.
[[nodiscard]] base::Result<boost::json::value, JsonFault> parse_json(
    std::string_view text, boost::json::storage_ptr storage = {});

/// `string`, `integer`, and so on: what a value is, for error messages.
[[nodiscard]] std::string_view kind_of(const boost::json::value& value) noexcept;

/// The beginning of a text, to be shown: at most `size_max` bytes, and no half character, for one
/// would make the whole frame unreadable. **Requires:** `text` is UTF-8.
[[nodiscard]] std::string_view start_of(std::string_view text, std::size_t size_max) noexcept;

/// Appends `text` as a JSON string with quotes. **Requires:** `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON into a string, minding commas. Nothing is checked: braces are the caller's duty.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    /// Brackets; each that is opened is to be closed.
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }

    /// Starts a member. `name` must need no escaping: names are our own constants.
    JsonWriter& key(std::string_view name) {
        separate();
        out_ += '"';
        out_ += name;
        out_ += "\":";
        needs_comma_ = false;
        return *this;
    }
    /// One value: the member's after `key`, else an element or the whole text. **Requires:** `text`
    /// is UTF-8.
    JsonWriter& string(std::string_view text) {
        separate();
        append_json_string(out_, text);
        return *this;
    }
    JsonWriter& integer(std::integral auto number) {
        separate();
        std::array<char, 24> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        out_.append(digits.data(), end);
        return *this;
    }
    JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
    /// Appends text that is JSON already.
    JsonWriter& raw(std::string_view json) {
        separate();
        out_ += json;
        return *this;
    }

    /// A whole member of an object.
    JsonWriter& member(std::string_view name, std::string_view text) {
        return key(name).string(text);
    }
    JsonWriter& member(std::string_view name, const char* text) { return key(name).string(text); }
    JsonWriter& member(std::string_view name, std::integral auto number) {
        if constexpr (std::same_as<decltype(number), bool>) {
            return key(name).boolean(number);
        } else {
            return key(name).integer(number);
        }
    }

private:
    void separate() {
        if (needs_comma_) out_ += ',';
        needs_comma_ = true;
    }
    JsonWriter& open(char bracket) {
        separate();
        out_ += bracket;
        needs_comma_ = false;
        return *this;
    }
    JsonWriter& close(char bracket) {
        out_ += bracket;
        needs_comma_ = true;
        return *this;
    }

    std::string& out_;
    bool needs_comma_{};
};

}  // namespace crossclear::api
