#pragma once

#include "actors/gateway.hpp"
#include "app/config.hpp"
#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/time.hpp"
#include "risk/surface.hpp"
#include "shards/simulated/endpoint.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// How each kind of value is written in a configuration. A codec reads a text, writes one, and says
/// in words what it expects; what it writes it also reads.

namespace crossclear::app {

/// Any text of some length.
struct Text {
    std::size_t length_min{1};
    std::size_t length_max{256};

    static constexpr bool is_text = true;
    /// The text as it is, if its length is within bounds.
    [[nodiscard]] std::optional<std::string> parse(std::string_view text) const;
    [[nodiscard]] std::string format(const std::string& value) const { return value; }
    [[nodiscard]] std::string expected() const;
};

/// A text that no error message repeats.
struct SecretText : Text {};

/// An integer, decimal and without a sign in front of positives.
template <class T>
struct Whole {
    T min{};
    T max{std::numeric_limits<T>::max()};

    static constexpr bool is_text = false;
    /// Nothing where it is out of bounds or anything follows the digits.
    [[nodiscard]] std::optional<T> parse(std::string_view text) const {
        T value{};
        const auto* end = text.data() + text.size();
        const auto [at, status] = std::from_chars(text.data(), end, value);
        if (status != std::errc{} || at != end || value < min || value > max) return std::nullopt;
        return value;
    }
    [[nodiscard]] std::string format(T value) const { return std::to_string(value); }
    [[nodiscard]] std::string expected() const {
        return "an integer from " + std::to_string(min) + " to " + std::to_string(max);
    }
};

/// `true` or `false`; YAML's other spellings are refused.
struct Flag {
    static constexpr bool is_text = false;
    /// `true`, and not `True`, `yes` or `on`.
    [[nodiscard]] std::optional<bool> parse(std::string_view text) const;
    [[nodiscard]] std::string format(bool value) const { return value ? "true" : "false"; }
    [[nodiscard]] std::string expected() const { return "true or false"; }
};

/// Dollars with at most two decimals, never negative, as cents.
struct Usd {
    static constexpr bool is_text = false;
    /// `1234.5` is 123,450 cents.
    [[nodiscard]] std::optional<std::int64_t> parse(std::string_view text) const;
    [[nodiscard]] std::string format(std::int64_t cents) const;
    [[nodiscard]] std::string expected() const;
};

/// A price in dollars per unit with at most nine decimals, never negative.
struct Dollars {
    static constexpr bool is_text = false;
    /// `3000.9`, without an exponent.
    [[nodiscard]] std::optional<base::Price> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::Price value) const;
    [[nodiscard]] std::string expected() const;
};

/// Units of an asset with at most its decimals, never negative, as minor units.
struct Units {
    int scale{base::asset_scale_max};

    static constexpr bool is_text = false;
    /// `0.25` is 25,000,000 of an asset with 8 decimals.
    [[nodiscard]] std::optional<base::Amount> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::Amount value) const;
    [[nodiscard]] std::string expected() const;
};

/// Millionths as an integer.
struct Millionths {
    std::int64_t max{base::ppm_one};

    static constexpr bool is_text = false;
    /// `50` is 50 ppm.
    [[nodiscard]] std::optional<base::Ppm> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::Ppm value) const { return std::to_string(value.v); }
    [[nodiscard]] std::string expected() const;
};

/// An integer and its unit: `250us`, `500ms`, `2s`, `10m`, `1h`, `7d`.
struct Span {
    base::Duration min{};
    base::Duration max{base::seconds(std::int64_t{365} * 86'400)};

    static constexpr bool is_text = false;
    /// Written in the largest unit that leaves no rest: `120s` comes back as `2m`.
    [[nodiscard]] std::optional<base::Duration> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::Duration value) const;
    [[nodiscard]] std::string expected() const;
};

/// A moment to the second, in UTC: `2026-12-25T08:00:00Z`.
struct Moment {
    static constexpr bool is_text = true;
    /// Nothing where there is no such moment.
    [[nodiscard]] std::optional<base::Timestamp> parse(std::string_view text) const;
    /// **Rounding:** down to the second.
    [[nodiscard]] std::string format(base::Timestamp value) const;
    [[nodiscard]] std::string expected() const;
};

/// One of a closed set of names. `names` holds them in the order of the enumerators.
template <class E>
struct OneOf {
    std::span<const std::string_view> names;
    int first{0};  ///< The number of the first enumerator.

    static constexpr bool is_text = false;
    /// The name of an enumerator. **Requires** for writing: it has one.
    [[nodiscard]] std::optional<E> parse(std::string_view text) const {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == text) return static_cast<E>(first + static_cast<int>(i));
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string format(E value) const {
        return std::string(names[static_cast<std::size_t>(static_cast<int>(value) - first)]);
    }
    [[nodiscard]] std::string expected() const {
        std::string list = "one of";
        for (const auto name : names) list.append(list == "one of" ? " " : ", ").append(name);
        return list;
    }
};

/// The symbol of something listed.
struct AssetSymbol {
    const base::Listing& listing;

    static constexpr bool is_text = true;
    /// `USDC`. **Requires** for writing: a listed id.
    [[nodiscard]] std::optional<base::AssetId> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::AssetId value) const;
    [[nodiscard]] std::string expected() const { return "the symbol of a listed asset"; }
};
/// The symbol of a listed instrument.
struct InstrumentSymbol {
    const base::Listing& listing;

    static constexpr bool is_text = true;
    /// `BTC-PERP`, likewise.
    [[nodiscard]] std::optional<base::InstrumentId> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::InstrumentId value) const;
    [[nodiscard]] std::string expected() const { return "the symbol of a listed instrument"; }
};
/// The symbol of a listed shard.
struct ShardSymbol {
    const base::Listing& listing;

    static constexpr bool is_text = true;
    /// `aave-uniswap`, likewise.
    [[nodiscard]] std::optional<base::ShardId> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::ShardId value) const;
    [[nodiscard]] std::string expected() const { return "the symbol of a listed shard"; }
};

/// `0-17`: broker and number.
struct AccountText {
    static constexpr bool is_text = true;
    /// As the wire has it, without leading zeros.
    [[nodiscard]] std::optional<base::AccountId> parse(std::string_view text) const;
    [[nodiscard]] std::string format(base::AccountId value) const;
    [[nodiscard]] std::string expected() const { return "an account as <broker>-<number>"; }
};

/// A path of the file system.
struct PathText {
    static constexpr bool is_text = true;
    /// Any that is not empty.
    [[nodiscard]] std::optional<std::filesystem::path> parse(std::string_view text) const;
    [[nodiscard]] std::string format(const std::filesystem::path& value) const {
        return value.string();
    }
    [[nodiscard]] std::string expected() const { return "a path"; }
};

/// Where a world listens.
struct WorldEndpointText {
    static constexpr bool is_text = true;
    /// As `parse_endpoint` has it.
    [[nodiscard]] std::optional<shards::simulated::Endpoint> parse(std::string_view text) const;
    [[nodiscard]] std::string format(const shards::simulated::Endpoint& value) const;
    [[nodiscard]] std::string expected() const {
        return "a path with a slash for a unix socket, or host:port";
    }
};

/// One scope of a key.
struct ScopeText {
    static constexpr bool is_text = false;
    /// `trader`, and the others that `expected` lists. **Requires** for writing: one bit.
    [[nodiscard]] std::optional<actors::Scope> parse(std::string_view text) const;
    [[nodiscard]] std::string format(actors::Scope value) const;
    [[nodiscard]] std::string expected() const;
};

/// The scopes in a set of bits, in the order of their numbers, and back.
[[nodiscard]] std::vector<actors::Scope> scopes_of(std::uint16_t bits);
[[nodiscard]] std::uint16_t bits_of(std::span<const actors::Scope> scopes);

}  // namespace crossclear::app
