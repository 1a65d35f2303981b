#include "app/history_file.hpp"

#include "base/amount.hpp"
#include "base/decimal.hpp"
#include "risk/history/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace crossclear::app {
namespace {

namespace history = risk::history;
using PriceFault = PriceError::Kind;

constexpr std::size_t column_name_max = 64;  // Of a name in a universe's file.
constexpr double usd_a_million = 1e6;

PriceError header_fault(const HistoryOptions& options, PriceFault kind, std::string_view says) {
    return {.kind = kind, .line = 1, .says = fmt::format("{}:1: {}", options.path.string(), says)};
}

bool is_volume(std::string_view column) { return column.ends_with(volume_suffix); }

// What is wrong with the columns that are asked for, or nothing.
std::optional<PriceError> fault_of_columns(const HistoryOptions& options,
                                           const std::vector<std::string>& there,
                                           const std::vector<std::string>& wanted) {
    for (const auto& name : wanted) {
        if (name.empty() || name.size() > column_name_max) {
            return header_fault(options, PriceFault::header_malformed,
                                fmt::format("expected names of 1 to {} letters, found '{}'",
                                            column_name_max, name));
        }
        if (std::find(there.begin(), there.end(), name) == there.end()) {
            return header_fault(
                options, PriceFault::column_missing,
                fmt::format("there is no column {}; there are {}", name, fmt::join(there, ", ")));
        }
    }
    if (wanted.empty()) {
        return header_fault(options, PriceFault::column_missing, "there is no column of prices");
    }
    if (wanted.size() > history::limits::columns_max) {
        return header_fault(options, PriceFault::too_large,
                            fmt::format("{} columns, expected {} at most: name those wanted",
                                        wanted.size(), history::limits::columns_max));
    }
    return std::nullopt;
}

// A listing of the columns alone, prices first, so that ticks come by their places.
struct ColumnPlan {
    std::vector<std::string> columns;  // As the reader is asked for them.
    std::vector<std::size_t> places;   // In the history, by column.
    std::size_t prices{};
    base::Listing listing;
};

ColumnPlan plan_of(const std::vector<std::string>& there, const std::vector<std::string>& wanted) {
    ColumnPlan plan;
    plan.columns = wanted;
    plan.prices = wanted.size();
    for (std::size_t i = 0; i < wanted.size(); ++i) plan.places.push_back(i);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        auto name = wanted[i] + std::string(volume_suffix);
        if (std::find(there.begin(), there.end(), name) == there.end()) continue;
        plan.columns.push_back(std::move(name));
        plan.places.push_back(i);
    }
    for (const auto& name : plan.columns) {
        base::AssetInfo asset;
        asset.symbol = name;
        plan.listing.assets.push_back(std::move(asset));
    }
    return plan;
}

history::Row row_of(const ColumnPlan& plan, const PriceTick& tick) {
    history::Row row{.at = tick.at, .prices = {}, .volumes_usd = {}};
    row.prices.resize(plan.prices);
    if (plan.columns.size() > plan.prices) row.volumes_usd.resize(plan.prices);
    const auto scale = static_cast<double>(base::power_of_ten(base::price_scale));
    for (const auto& point : tick.points) {
        const double value = static_cast<double>(point.price.v) / scale;
        const auto place = plan.places[point.asset.v];
        if (point.asset.v < plan.prices) {
            row.prices[place] = value;
        } else {
            row.volumes_usd[place] = value * usd_a_million;
        }
    }
    return row;
}

}  // namespace

base::Result<history::History, PriceError> load_history(const HistoryOptions& options) {
    const auto there = csv_columns(options.path);
    if (!there) return base::Failure{there.error()};
    auto wanted = options.columns;
    if (wanted.empty()) {
        std::copy_if(there->begin(), there->end(), std::back_inserter(wanted),
                     [](const std::string& name) { return !is_volume(name); });
    }
    if (auto fault = fault_of_columns(options, *there, wanted)) return base::Failure{*fault};
    const auto plan = plan_of(*there, wanted);
    const auto source = open_csv_prices(plan.listing, {.path = options.path,
                                                       .from = options.from,
                                                       .until = options.until,
                                                       .columns = plan.columns});
    if (!source) return base::Failure{source.error()};
    history::History found{.columns = std::move(wanted), .rows = {}};
    while (const auto tick = (*source)->next()) {
        if (found.rows.size() == history::limits::rows_max) {
            return base::Failure{
                PriceError{.kind = PriceFault::too_large,
                           .line = 0,
                           .says = fmt::format("{}: more than {} rows: give --from or --until",
                                               options.path.string(), found.rows.size())}};
        }
        found.rows.push_back(row_of(plan, *tick));
    }
    return found;
}

std::string hour_text(base::Timestamp at) {
    constexpr std::int64_t us_a_minute = 60'000'000;
    const std::chrono::sys_time<std::chrono::minutes> when{
        std::chrono::minutes{at.us / us_a_minute - (at.us % us_a_minute < 0 ? 1 : 0)}};
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date{day};
    const auto minutes = (when - day).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       minutes / 60, minutes % 60);
}

}  // namespace crossclear::app
