#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Past prices as plain data, and how far back a moment lies.

namespace crossclear::risk::history {

/// What a file knows of one moment, by column; nothing where an asset did not trade.
struct Row {
    base::Timestamp at;
    std::vector<std::optional<double>> prices;       ///< USD per unit. Zero is a price.
    std::vector<std::optional<double>> volumes_usd;  ///< Traded since the row before. Empty: the
                                                     ///< file has no volumes at all.

    friend bool operator==(const Row&, const Row&) = default;
};

/// Rows in order of time, each later than the one before.
struct History {
    std::vector<std::string> columns;
    std::vector<Row> rows;

    /// The place of a column, or nothing. **Cost:** linear.
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i] == name) return i;
        }
        return std::nullopt;
    }

    friend bool operator==(const History&, const History&) = default;
};

inline constexpr double us_a_day = 86'400e6;

/// A span in days, and days as a span.
[[nodiscard]] constexpr double days_of(base::Duration span) noexcept {
    return static_cast<double>(span.us) / us_a_day;
}
[[nodiscard]] constexpr base::Duration span_of(double days) noexcept {
    return {static_cast<std::int64_t>(days * us_a_day)};
}

/// A price and when it was one.
struct Quote {
    base::Timestamp at;
    double price{};

    friend bool operator==(const Quote&, const Quote&) = default;
};

}  // namespace crossclear::risk::history
