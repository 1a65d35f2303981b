#pragma once

#include "app/config.hpp"
#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Where the marks of a demo come from: a file of what once happened, or a generator.

namespace crossclear::app {

/// What an asset with no better source is worth, and a stablecoin without a column.
inline constexpr base::Price one_dollar{1'000'000'000};

/// The price of one asset at one moment.
struct PricePoint {
    base::AssetId asset;
    base::Price price;  ///< USD per unit. Zero is a price.

    friend bool operator==(const PricePoint&, const PricePoint&) = default;
};

/// All prices of one moment. An asset that is not in it has none then: its mark gets old.
struct PriceTick {
    base::Timestamp at;              ///< In the source's own time.
    std::vector<PricePoint> points;  ///< In listing order.

    friend bool operator==(const PriceTick&, const PriceTick&) = default;
};

/// What is wrong with a file of prices.
struct PriceError {
    /// What is wrong, for tests and for whoever counts.
    enum class Kind : std::uint8_t {
        unreadable,        ///< The file cannot be opened or read.
        header_malformed,  ///< No `hour_utc`, or a name twice.
        column_missing,    ///< An asset's column is not in the header.
        range_malformed,   ///< `from` or `until` is no hour.
        row_width,         ///< More or fewer cells than the header.
        hour_malformed,
        hour_not_later,   ///< Rows must be in order of time.
        price_malformed,  ///< No decimal, negative or absurd.
        range_empty,      ///< No row lies within the range.
        too_large,        ///< More columns or rows than are read.
    };
    Kind kind{};
    int line{};        ///< From 1; 0 where it is about no line.
    std::string says;  ///< For people, file name included.
};

/// Gives ticks in order of time. **Thread:** one.
class PriceSource {
public:
    PriceSource() = default;
    PriceSource(const PriceSource&) = delete;
    PriceSource& operator=(const PriceSource&) = delete;
    virtual ~PriceSource() = default;

    /// The next tick; nothing once the source is exhausted.
    [[nodiscard]] virtual std::optional<PriceTick> next() = 0;
};

/// What to replay.
struct CsvOptions {
    std::filesystem::path path;
    std::string from;   ///< First hour; empty: the file's first.
    std::string until;  ///< First hour to leave out; empty: none.
    /// Per asset. Empty: a stablecoin takes the column of its symbol, and is 1 where the file has
    /// none; cash is 1; others have no price.
    std::vector<std::string> columns;
};

/// Opens hourly prices: a header `hour_utc,<column>,...`, then a row an hour, an empty cell where
/// an asset has no price. The part within the range is read and checked here, so that a bad row is
/// found before the first trade. More than nine decimals are refused, not cut off.
[[nodiscard]] base::Result<std::unique_ptr<PriceSource>, PriceError> open_csv_prices(
    const base::Listing& listing, const CsvOptions& options);

/// The names of a file's columns but the first, for whoever has no listing to ask for them by.
/// **Errors:** `unreadable`, `header_malformed`.
[[nodiscard]] base::Result<std::vector<std::string>, PriceError> csv_columns(
    const std::filesystem::path& path);

/// How to make prices up.
struct GeneratorOptions {
    std::uint64_t seed{};
    base::Timestamp start;
    base::Duration step{base::seconds(60)};
    std::vector<PriceWalk> walks;
};

/// An endless random walk per underlying, in integers: the same seed gives the same prices on every
/// machine. A dollar is 1. **Requires:** `step` positive.
[[nodiscard]] std::unique_ptr<PriceSource> make_price_generator(const base::Listing& listing,
                                                                const GeneratorOptions& options);

/// The source a configuration asks for; null for `none`. A generator starts at `now`.
[[nodiscard]] base::Result<std::unique_ptr<PriceSource>, PriceError> open_prices(
    const Config& config, base::Timestamp now);

/// Whether an asset stands for one dollar unless a file says otherwise.
[[nodiscard]] bool is_dollar(const base::AssetInfo& asset);

/// Reads `2022-05-07T00:00Z`.
[[nodiscard]] std::optional<base::Timestamp> parse_hour(std::string_view text);

}  // namespace crossclear::app
