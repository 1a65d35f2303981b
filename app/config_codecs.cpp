#include "app/config_codecs.hpp"

#include "base/decimal.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

namespace crossclear::app {
namespace {

constexpr int cents_scale = 2;

struct NamedUnit {
    std::string_view name;
    std::int64_t us;
};

// Longest first: a span is written in the largest unit that leaves no rest.
constexpr std::array<NamedUnit, 6> span_units{{{"d", 86'400'000'000},
                                               {"h", 3'600'000'000},
                                               {"m", 60'000'000},
                                               {"s", 1'000'000},
                                               {"ms", 1'000},
                                               {"us", 1}}};

constexpr std::array<std::string_view, 7> scope_names{"viewer", "trader",  "withdraw", "venue",
                                                      "oracle", "operate", "auditor"};

std::optional<std::int64_t> parse_positive(std::string_view text, int scale) {
    const auto value = base::parse_decimal(text, scale);
    if (!value || *value < 0) return std::nullopt;
    return *value;
}

}  // namespace

std::optional<std::string> Text::parse(std::string_view text) const {
    if (text.size() < length_min || text.size() > length_max) return std::nullopt;
    return std::string(text);
}

std::string Text::expected() const {
    return fmt::format("a text of {} to {} characters", length_min, length_max);
}

std::optional<bool> Flag::parse(std::string_view text) const {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

std::optional<std::int64_t> Usd::parse(std::string_view text) const {
    return parse_positive(text, cents_scale);
}
std::string Usd::format(std::int64_t cents) const {
    return base::format_decimal(cents, cents_scale);
}
std::string Usd::expected() const { return "dollars, not negative, with at most 2 decimals"; }

std::optional<base::Price> Dollars::parse(std::string_view text) const {
    const auto value = parse_positive(text, base::price_scale);
    if (!value) return std::nullopt;
    return base::Price{*value};
}
std::string Dollars::format(base::Price value) const {
    return base::format_decimal(value.v, base::price_scale);
}
std::string Dollars::expected() const { return "dollars, not negative, with at most 9 decimals"; }

std::optional<base::Amount> Units::parse(std::string_view text) const {
    const auto value = parse_positive(text, scale);
    if (!value) return std::nullopt;
    return base::Amount{*value};
}
std::string Units::format(base::Amount value) const { return base::format_decimal(value.v, scale); }
std::string Units::expected() const {
    return fmt::format("an amount, not negative, with at most {} decimals", scale);
}

std::optional<base::Ppm> Millionths::parse(std::string_view text) const {
    const auto value = Whole<std::int64_t>{.min = 0, .max = max}.parse(text);
    if (!value) return std::nullopt;
    return base::Ppm{*value};
}
std::string Millionths::expected() const {
    return fmt::format("millionths, an integer from 0 to {}", max);
}

std::optional<base::Duration> Span::parse(std::string_view text) const {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto count = Whole<std::int64_t>{}.parse(text.substr(0, digits));
    if (!count) return std::nullopt;
    for (const auto& unit : span_units) {
        if (unit.name != text.substr(digits)) continue;
        std::int64_t us = 0;
        if (__builtin_mul_overflow(*count, unit.us, &us)) return std::nullopt;
        if (us < min.us || us > max.us) return std::nullopt;
        return base::Duration{us};
    }
    return std::nullopt;
}

std::string Span::format(base::Duration value) const {
    if (value.us == 0) return "0s";
    for (const auto& unit : span_units) {
        if (value.us % unit.us == 0) return fmt::format("{}{}", value.us / unit.us, unit.name);
    }
    UNREACHABLE("the last unit divides everything");
}

std::string Span::expected() const {
    return fmt::format("a duration such as 500ms, 2s, 10m, 1h or 7d, from {} to {}", format(min),
                       format(max));
}

std::optional<base::Timestamp> Moment::parse(std::string_view text) const {
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    if (text.size() != shape.size()) return std::nullopt;
    std::vector<int> numbers{0};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (is_digit != (shape[i] == '0') || (!is_digit && text[i] != shape[i])) {
            return std::nullopt;
        }
        if (is_digit) {
            numbers.back() = numbers.back() * 10 + (text[i] - '0');
        } else {
            numbers.push_back(0);
        }
    }
    const std::chrono::year_month_day day{std::chrono::year{numbers[0]},
                                          std::chrono::month{static_cast<unsigned>(numbers[1])},
                                          std::chrono::day{static_cast<unsigned>(numbers[2])}};
    if (!day.ok() || numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 59) return std::nullopt;
    const auto at = std::chrono::sys_days{day} + std::chrono::hours{numbers[3]} +
                    std::chrono::minutes{numbers[4]} + std::chrono::seconds{numbers[5]};
    return base::Timestamp{base::seconds(at.time_since_epoch().count()).us};
}

std::string Moment::format(base::Timestamp value) const {
    const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds{value.us}};
    const auto midnight = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day day{midnight};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - midnight)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string Moment::expected() const { return "a moment in UTC such as 2026-12-25T08:00:00Z"; }

std::optional<base::AssetId> AssetSymbol::parse(std::string_view text) const {
    return listing.find_asset(text);
}
std::string AssetSymbol::format(base::AssetId value) const { return listing.asset(value).symbol; }

std::optional<base::InstrumentId> InstrumentSymbol::parse(std::string_view text) const {
    return listing.find_instrument(text);
}
std::string InstrumentSymbol::format(base::InstrumentId value) const {
    return listing.instrument(value).symbol;
}

std::optional<base::ShardId> ShardSymbol::parse(std::string_view text) const {
    return listing.find_shard(text);
}
std::string ShardSymbol::format(base::ShardId value) const { return listing.shard(value).symbol; }

std::optional<base::AccountId> AccountText::parse(std::string_view text) const {
    const auto account = base::parse_account_id(text);
    if (!account) return std::nullopt;
    return *account;
}
std::string AccountText::format(base::AccountId value) const { return base::to_string(value); }

std::optional<std::filesystem::path> PathText::parse(std::string_view text) const {
    if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
    return std::filesystem::path(text);
}

std::optional<shards::simulated::Endpoint> WorldEndpointText::parse(std::string_view text) const {
    return shards::simulated::parse_endpoint(text);
}

std::string WorldEndpointText::format(const shards::simulated::Endpoint& value) const {
    return shards::simulated::to_string(value);
}

std::optional<actors::Scope> ScopeText::parse(std::string_view text) const {
    for (std::size_t i = 0; i < scope_names.size(); ++i) {
        if (scope_names[i] == text) return static_cast<actors::Scope>(1U << i);
    }
    return std::nullopt;
}

std::string ScopeText::format(actors::Scope value) const {
    for (std::size_t i = 0; i < scope_names.size(); ++i) {
        if (static_cast<unsigned>(value) == 1U << i) return std::string(scope_names[i]);
    }
    UNREACHABLE("a scope is one bit");
}

std::string ScopeText::expected() const {
    return fmt::format("one of {}", fmt::join(scope_names, ", "));
}

std::vector<actors::Scope> scopes_of(std::uint16_t bits) {
    std::vector<actors::Scope> scopes;
    for (std::size_t i = 0; i < scope_names.size(); ++i) {
        if ((bits & (1U << i)) != 0) scopes.push_back(static_cast<actors::Scope>(1U << i));
    }
    return scopes;
}

std::uint16_t bits_of(std::span<const actors::Scope> scopes) {
    unsigned bits = 0;
    for (const auto scope : scopes) bits |= static_cast<unsigned>(scope);
    return static_cast<std::uint16_t>(bits);
}

}  // namespace crossclear::app
