#include "base/decimal.hpp"

#include <algorithm>

namespace crossclear::base {
namespace {

constexpr std::size_t whole_digits_max = 21;
constexpr std::size_t fraction_digits_max = 18;

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_whole_part(std::string_view text) {
    return is_digits(text) && text.size() <= whole_digits_max &&
           (text.size() == 1 || text.front() != '0');
}

// Appends decimal digits to a negative accumulator; negatives reach one further than positives.
bool accumulate(std::int64_t& value, std::string_view digits) {
    for (const char digit : digits) {
        if (__builtin_mul_overflow(value, std::int64_t{10}, &value)) return false;
        if (__builtin_sub_overflow(value, std::int64_t{digit - '0'}, &value)) return false;
    }
    return true;
}

}  // namespace

Result<std::int64_t, DecimalError> parse_decimal(std::string_view text, int scale) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (!is_whole_part(whole)) return Failure{DecimalError::malformed};
    if (point != std::string_view::npos &&
        (!is_digits(fraction) || fraction.size() > fraction_digits_max)) {
        return Failure{DecimalError::malformed};
    }
    const auto digits = static_cast<std::size_t>(scale);
    if (fraction.size() > digits) {
        if (fraction.substr(digits).find_first_not_of('0') != std::string_view::npos) {
            return Failure{DecimalError::over_precise};
        }
        fraction = fraction.substr(0, digits);
    }
    std::int64_t negated = 0;
    if (!accumulate(negated, whole) || !accumulate(negated, fraction)) {
        return Failure{DecimalError::out_of_range};
    }
    for (auto i = fraction.size(); i < digits; ++i) {
        if (!accumulate(negated, "0")) return Failure{DecimalError::out_of_range};
    }
    if (is_negative) return negated;
    std::int64_t value = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, negated, &value)) {
        return Failure{DecimalError::out_of_range};
    }
    return value;
}

std::string format_decimal(std::int64_t value, int scale) {
    const bool is_negative = value < 0;
    const auto magnitude =
        is_negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    std::string digits = std::to_string(magnitude);
    const auto decimals = static_cast<std::size_t>(scale);
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    if (decimals > 0) {
        digits.insert(digits.size() - decimals, 1, '.');
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.back() == '.') digits.pop_back();
    }
    return is_negative ? "-" + digits : digits;
}

}  // namespace crossclear::base
