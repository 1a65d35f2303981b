#pragma once

#include "app/prices.hpp"
#include "base/result.hpp"
#include "risk/kernel/stress.hpp"
#include "risk/kernel/universe.hpp"

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What really happened to prices, cut out of a file of them for the stress book.

namespace crossclear::app {

/// A stretch of time, and the coins that it is remembered for.
struct PathWindow {
    std::string_view name;
    std::string_view from;                  ///< Its first hour.
    std::string_view until;                 ///< The first hour that is no longer of it.
    std::array<std::string_view, 2> about;  ///< Empty names are none.
};

/// LUNA falls from 77 dollars to nothing and UST loses its peg. Ends with the last hour in which
/// either was traded.
inline constexpr PathWindow luna_window{
    "2022-05 LUNA, UST", "2022-05-07T00:00Z", "2022-05-13T01:00Z", {"LUNA", "UST"}};
/// The token of an exchange falls from 24 dollars to 1.3, and coins with it.
inline constexpr PathWindow ftt_window{
    "2022-11 FTT", "2022-11-06T00:00Z", "2022-11-15T00:00Z", {"FTT", ""}};
/// A stablecoin that is backed in full slips to 0.91 and comes back.
inline constexpr PathWindow usdc_window{
    "2023-03 USDC", "2023-03-10T00:00Z", "2023-03-14T00:00Z", {"USDC", ""}};
/// All of them, in the order of time.
inline constexpr std::array path_windows{luna_window, ftt_window, usdc_window};

/// A path, and aloud what it does not know.
struct FoundPath {
    risk::kernel::PricePath path;
    std::vector<std::string> notes;
};

/// Whose column stands for a coin or wrapper, by its name, where that is not its own.
using ColumnNames = std::map<std::string, std::string, std::less<>>;

/// One window of a file as `open_csv_prices` reads it. A coin moves from its first price within the
/// window; so does a wrapper with a column of its own, and one without follows its coin. What
/// follows the dollar is measured against a dollar, so that a peg that was lost before the file
/// begins is lost. A cell that is empty repeats the one above; above the first, nothing is known.
///
/// A window that the file does not cover is a path without moments, and a note.
/// **Errors:** those of `open_csv_prices`; `column_missing` of a column that `columns` names.
[[nodiscard]] base::Result<FoundPath, PriceError> read_price_path(
    const std::filesystem::path& path, const PathWindow& window,
    const risk::kernel::Universe& universe, const ColumnNames& columns);

}  // namespace crossclear::app
