#include "api/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <vector>

namespace crossclear::api {
namespace {

namespace json = boost::json;
using boost::system::error_code;

/// Builds the value and remembers the keys of the objects that are still open.
class Handler {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    explicit Handler(json::storage_ptr storage) { stack_.reset(std::move(storage)); }

    json::value release() { return stack_.release(); }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        object_starts_.push_back(keys_.size());
        return true;
    }
    bool on_object_end(std::size_t count, error_code&) {
        keys_.resize(object_starts_.back());
        object_starts_.pop_back();
        stack_.push_object(count);
        return true;
    }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t count, error_code&) {
        stack_.push_array(count);
        return true;
    }
    bool on_key_part(std::string_view part, std::size_t, error_code&) {
        partial_.append(part);
        stack_.push_chars(part);
        return true;
    }
    bool on_key(std::string_view last, std::size_t, error_code& ec) {
        partial_.append(last);
        const auto start = keys_.begin() + static_cast<std::ptrdiff_t>(object_starts_.back());
        if (!duplicate && std::find(start, keys_.end(), partial_) != keys_.end()) {
            duplicate = partial_;
        }
        keys_.push_back(partial_);
        partial_.clear();
        if (keys_.size() - object_starts_.back() > json_keys_max) {
            has_too_many_keys = true;
            ec = json::error::object_too_large;
            return false;
        }
        stack_.push_key(last);
        return true;
    }
    bool on_string_part(std::string_view part, std::size_t, error_code&) {
        stack_.push_chars(part);
        return true;
    }
    bool on_string(std::string_view last, std::size_t, error_code&) {
        stack_.push_string(last);
        return true;
    }
    bool on_number_part(std::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t number, std::string_view, error_code&) {
        stack_.push_int64(number);
        return true;
    }
    bool on_uint64(std::uint64_t number, std::string_view, error_code&) {
        stack_.push_uint64(number);
        return true;
    }
    bool on_double(double number, std::string_view, error_code&) {
        stack_.push_double(number);
        return true;
    }
    bool on_bool(bool value, error_code&) {
        stack_.push_bool(value);
        return true;
    }
    bool on_null(error_code&) {
        stack_.push_null();
        return true;
    }
    bool on_comment_part(std::string_view, error_code&) { return true; }
    bool on_comment(std::string_view, error_code&) { return true; }

    std::optional<std::string> duplicate;
    bool has_too_many_keys{};

private:
    json::value_stack stack_;
    std::vector<std::string> keys_;
    std::vector<std::size_t> object_starts_;
    std::string partial_;
};

json::parse_options strict_options() {
    json::parse_options options;
    options.max_depth = json_depth_max;
    return options;
}

void append_escaped(std::string& out, char c) {
    static constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto code = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex[code >> 4];
    out += hex[code & 0xF];
}

}  // namespace

base::Result<json::value, JsonFault> parse_json(std::string_view text, json::storage_ptr storage) {
    json::basic_parser<Handler> parser{strict_options(), std::move(storage)};
    error_code ec;
    const auto consumed = parser.write_some(false, text.data(), text.size(), ec);
    auto& handler = parser.handler();
    if (handler.has_too_many_keys) {
        return base::Failure{JsonFault{JsonFaultKind::too_many_keys, {}, {}}};
    }
    if (ec == json::error::too_deep) {
        return base::Failure{JsonFault{JsonFaultKind::too_deep, {}, {}}};
    }
    if (ec || consumed < text.size()) {
        return base::Failure{JsonFault{JsonFaultKind::not_json, {}, {}}};
    }
    auto value = handler.release();
    if (handler.duplicate) {
        return base::Failure{
            JsonFault{JsonFaultKind::duplicate_key, *handler.duplicate, std::move(value)}};
    }
    return value;
}

std::string_view kind_of(const json::value& value) noexcept {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "boolean";
        case json::kind::int64:
            return "integer";
        case json::kind::uint64:
            return "integer beyond 64 bits";
        case json::kind::double_:
            return "fraction, exponent or integer beyond 64 bits";
        case json::kind::string:
            return "string";
        case json::kind::array:
            return "array";
        case json::kind::object:
            return "object";
    }
    return "value";
}

std::string_view start_of(std::string_view text, std::size_t size_max) noexcept {
    if (text.size() <= size_max) return text;
    // A byte 10xxxxxx is inside a character; any other begins one.
    while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xC0U) == 0x80U) {
        --size_max;
    }
    return text.substr(0, size_max);
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain_from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto code = static_cast<unsigned char>(text[i]);
        if (code >= 0x20 && code != '"' && code != '\\') continue;
        out.append(text, plain_from, i - plain_from);
        append_escaped(out, text[i]);
        plain_from = i + 1;
    }
    out.append(text, plain_from);
    out += '"';
}

}  // namespace crossclear::api
