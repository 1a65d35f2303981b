#pragma once

#include "app/prices.hpp"
#include "base/result.hpp"
#include "risk/history/prices.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Files of past prices, read as a whole, for whoever estimates from them.

namespace crossclear::app {

/// What a column of volumes ends with: `BTC_volume_musd` holds the millions of USD that BTC traded
/// for within the hour. Millions, because a cell holds no more than a price may be.
inline constexpr std::string_view volume_suffix = "_volume_musd";

/// What to read.
struct HistoryOptions {
    std::filesystem::path path;
    std::string from;                  ///< First hour; empty: the file's first.
    std::string until;                 ///< First hour to leave out; empty: none.
    std::vector<std::string> columns;  ///< Empty: every column that is none of volumes.
};

/// Reads prices through the reader that replays them too, and with them the volumes that the file
/// has of the same assets.
/// **Errors:** as `open_csv_prices`; `column_missing`, and `too_large` beyond the limits of
/// risk/history.
[[nodiscard]] base::Result<risk::history::History, PriceError> load_history(
    const HistoryOptions& options);

/// A moment as files of prices write it: `2022-05-07T00:00Z`.
[[nodiscard]] std::string hour_text(base::Timestamp at);

}  // namespace crossclear::app
