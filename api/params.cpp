#include "api/params.hpp"

#include "api/json.hpp"
#include "base/check.hpp"
#include "base/decimal.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace crossclear::api {
namespace {

constexpr std::size_t symbol_size_max = 32;

Error amount_error(std::string_view field, std::string reason, std::string expected,
                   std::string got) {
    return {.code = ErrorCode::bad_amount,
            .reason = std::move(reason),
            .field = std::string{field},
            .expected = std::move(expected),
            .got = std::move(got)};
}

std::string_view reason_of(base::DecimalError error) {
    switch (error) {
        case base::DecimalError::malformed:
            return "amount_malformed";
        case base::DecimalError::over_precise:
            return "amount_over_precise";
        case base::DecimalError::out_of_range:
            return "amount_too_large";
    }
    UNREACHABLE("an unlisted decimal error");
}

}  // namespace

const boost::json::value* Params::find(std::string_view field, bool is_required) {
    CHECK(asked_count_ < fields_max, "a method has few parameters");
    if (std::find(asked_.begin(), asked_.begin() + static_cast<std::ptrdiff_t>(asked_count_),
                  field) == asked_.begin() + static_cast<std::ptrdiff_t>(asked_count_)) {
        asked_[asked_count_++] = field;
        found_count_ += object_.contains(field) ? 1U : 0U;
    }
    const auto* value = object_.if_contains(field);
    if (value == nullptr && is_required) {
        refuse(ErrorCode::invalid_params, "missing_field", field, "a value", "nothing");
    }
    return value;
}

void Params::refuse(ErrorCode code, std::string reason, std::string_view field,
                    std::string expected, std::string got) {
    if (fault_) return;
    fault_ = Error{.code = code,
                   .reason = std::move(reason),
                   .field = std::string{field},
                   .expected = std::move(expected),
                   .got = std::move(got)};
}

void Params::wrong_type(std::string_view field, std::string expected,
                        const boost::json::value& value) {
    refuse(ErrorCode::invalid_params, "wrong_type", field, std::move(expected),
           std::string{kind_of(value)});
}

bool Params::has(std::string_view field) { return find(field, false) != nullptr; }

std::string_view Params::text(std::string_view field, std::size_t size_max) {
    const auto* value = find(field, true);
    if (value == nullptr) return {};
    if (!value->is_string()) {
        wrong_type(field, "a string", *value);
        return {};
    }
    const std::string_view text = value->get_string();
    if (text.empty() || text.size() > size_max) {
        refuse(ErrorCode::invalid_params, "wrong_length", field,
               fmt::format("1 to {} bytes", size_max), fmt::format("{} bytes", text.size()));
        return {};
    }
    return text;
}

std::string_view Params::text_or(std::string_view field, std::size_t size_max,
                                 std::string_view otherwise) {
    const auto* value = find(field, false);
    if (value == nullptr) return otherwise;
    if (value->is_string() && value->get_string().empty()) return {};
    return text(field, size_max);
}

std::int64_t Params::integer(std::string_view field, std::int64_t low, std::int64_t high) {
    const auto* value = find(field, true);
    if (value == nullptr) return low;
    if (!value->is_int64()) {
        wrong_type(field, "an integer of 64 bits", *value);
        return low;
    }
    const auto number = value->get_int64();
    if (number < low || number > high) {
        refuse(ErrorCode::invalid_params, "out_of_range", field, fmt::format("{} to {}", low, high),
               fmt::format("{}", number));
        return low;
    }
    return number;
}

std::int64_t Params::integer_or(std::string_view field, std::int64_t low, std::int64_t high,
                                std::int64_t otherwise) {
    return find(field, false) == nullptr ? otherwise : integer(field, low, high);
}

bool Params::boolean_or(std::string_view field, bool otherwise) {
    const auto* value = find(field, false);
    if (value == nullptr) return otherwise;
    if (!value->is_bool()) {
        wrong_type(field, "a boolean", *value);
        return otherwise;
    }
    return value->get_bool();
}

std::int64_t Params::amount(std::string_view field, int scale, Sign sign) {
    const auto* value = find(field, true);
    if (value == nullptr || fault_) return 0;
    if (!value->is_string()) {
        wrong_type(field, "a decimal string", *value);
        return 0;
    }
    const auto number = base::parse_decimal(value->get_string(), scale);
    const auto expected = [&] {
        const char* what = sign == Sign::positive ? "positive " : "non-negative ";
        return fmt::format("a {}decimal string with at most {} decimals",
                           sign == Sign::any ? "" : what, scale);
    };
    const auto got = [&] { return std::string{start_of(value->get_string(), 48)}; };
    if (!number) {
        fault_ = amount_error(field, std::string{reason_of(number.error())}, expected(), got());
        return 0;
    }
    if (*number < 0 && sign != Sign::any) {
        fault_ = amount_error(field, "amount_negative", expected(), got());
    }
    if (*number == 0 && sign == Sign::positive) {
        fault_ = amount_error(field, "amount_zero", expected(), got());
    }
    return *number;
}

base::AccountId Params::account(std::string_view field) {
    const auto text_form = text(field, 32);
    if (fault_) return {};
    const auto id = base::parse_account_id(text_form);
    if (!id) {
        refuse(ErrorCode::invalid_params, "malformed_account", field,
               "<broker number>-<account number>", std::string{text_form});
        return {};
    }
    return *id;
}

base::CommandId Params::client_id() {
    const auto text_form = text("client_id", 64);
    if (fault_) return {};
    const auto id = base::parse_command_id(text_form);
    if (!id) {
        refuse(ErrorCode::invalid_params, "malformed_client_id", "client_id", "a UUIDv7 or a ULID",
               std::string{text_form});
        return {};
    }
    return *id;
}

base::InstrumentId Params::instrument(const base::Listing& listing) {
    const auto symbol = text("instrument", symbol_size_max);
    if (fault_) return {};
    const auto id = listing.find_instrument(symbol);
    if (!id) {
        refuse(ErrorCode::invalid_params, "unknown_instrument", "instrument",
               "a symbol from public/get_instruments", std::string{symbol});
    }
    return id.value_or(base::InstrumentId{});
}

base::AssetId Params::asset(const base::Listing& listing) {
    const auto symbol = text("asset", symbol_size_max);
    if (fault_) return {};
    const auto id = listing.find_asset(symbol);
    if (!id) {
        refuse(ErrorCode::invalid_params, "unknown_asset", "asset", "the symbol of an asset",
               std::string{symbol});
    }
    return id.value_or(base::AssetId{});
}

base::ShardId Params::shard(const base::Listing& listing) {
    const auto symbol = text("shard", symbol_size_max);
    if (fault_) return {};
    const auto id = listing.find_shard(symbol);
    if (!id) {
        refuse(ErrorCode::invalid_params, "unknown_shard", "shard",
               "a symbol from public/get_shards", std::string{symbol});
    }
    return id.value_or(base::ShardId{});
}

std::vector<std::string_view> Params::texts(std::string_view field, std::size_t count_max) {
    const auto* value = find(field, true);
    if (value == nullptr) return {};
    const auto* array = value->if_array();
    if (array == nullptr) {
        wrong_type(field, "an array of strings", *value);
        return {};
    }
    if (array->empty() || array->size() > count_max) {
        refuse(ErrorCode::invalid_params, "wrong_count", field,
               fmt::format("1 to {} entries", count_max), fmt::format("{}", array->size()));
        return {};
    }
    std::vector<std::string_view> texts;
    for (const auto& entry : *array) {
        if (!entry.is_string() || entry.get_string().empty() || entry.get_string().size() > 128) {
            wrong_type(field, "strings of 1 to 128 bytes", entry);
            return {};
        }
        texts.push_back(entry.get_string());
    }
    return texts;
}

std::vector<const boost::json::object*> Params::objects(std::string_view field,
                                                        std::size_t count_max) {
    const auto* value = find(field, true);
    if (value == nullptr) return {};
    const auto* array = value->if_array();
    if (array == nullptr) {
        wrong_type(field, "an array of objects", *value);
        return {};
    }
    if (array->empty() || array->size() > count_max) {
        refuse(ErrorCode::invalid_params, "wrong_count", field,
               fmt::format("1 to {} entries", count_max), fmt::format("{}", array->size()));
        return {};
    }
    std::vector<const boost::json::object*> objects;
    for (const auto& entry : *array) {
        if (!entry.is_object()) {
            wrong_type(field, "an array of objects", entry);
            return {};
        }
        objects.push_back(&entry.get_object());
    }
    return objects;
}

const boost::json::object* Params::object_or_null(std::string_view field) {
    const auto* value = find(field, false);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) wrong_type(field, "an object", *value);
    return value->if_object();
}

std::optional<Error> Params::fault() {
    if (!fault_ && found_count_ != object_.size()) {
        const auto end = asked_.begin() + static_cast<std::ptrdiff_t>(asked_count_);
        for (const auto& member : object_) {
            const std::string_view name = member.key();
            if (std::find(asked_.begin(), end, name) != end) continue;
            refuse(ErrorCode::invalid_params, "unknown_field", start_of(name, 64),
                   "only documented fields");
            break;
        }
    }
    return fault_;
}

std::optional<NumberedId> parse_numbered_id(std::string_view text, char letter) {
    const auto at = text.rfind('-');
    if (at == std::string_view::npos || at + 2 >= text.size() || text[at + 1] != letter) {
        return std::nullopt;
    }
    const auto account = base::parse_account_id(text.substr(0, at));
    if (!account) return std::nullopt;
    const auto digits = text.substr(at + 2);
    std::uint64_t number = 0;
    const auto [end, status] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    // Numbers count from 1, and each has one spelling.
    if (status != std::errc{} || end != digits.data() + digits.size() || digits.front() == '0') {
        return std::nullopt;
    }
    return NumberedId{.account = *account, .number = number};
}

std::string numbered_id(base::AccountId account, char letter, std::uint64_t number) {
    return fmt::format("{}-{}-{}{}", base::broker_of(account).v, base::number_of(account), letter,
                       number);
}

}  // namespace crossclear::api
