#include "app/price_paths.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

constexpr std::int64_t hour_us = 3'600'000'000;
// A dollar is lost downwards; what begins above this is the price of something else.
constexpr double dollar_price_max = 1.5;

std::string text_of_hour(base::Timestamp at) {
    const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds{at.us}};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time - day).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       minutes / 60, minutes % 60);
}

// The hours of one column within the window, the last price repeated where a cell is empty.
struct ColumnPath {
    std::string name;
    std::vector<std::optional<double>> prices;
    std::size_t empty{};

    [[nodiscard]] std::optional<double> first() const {
        for (const auto& price : prices) {
            if (price) return price;
        }
        return std::nullopt;
    }
};

class PathReader {
public:
    PathReader(const std::filesystem::path& file, const PathWindow& window,
               const kernel::Universe& universe, const ColumnNames& columns)
        : file_(file), window_(window), universe_(universe), columns_(columns) {}

    base::Result<FoundPath, PriceError> read() {
        const auto names = csv_columns(file_);
        if (!names) return base::Failure{names.error()};
        names_ = *names;
        for (const auto& [name, column] : columns_) {
            if (std::find(names_.begin(), names_.end(), column) != names_.end()) continue;
            return base::Failure{
                PriceError{.kind = PriceError::Kind::column_missing,
                           .line = 1,
                           .says = fmt::format("{}:1: there is no column {}, which stands for {}",
                                               file_.string(), column, name)}};
        }
        found_.path.name = window_.name;
        note_strangers();
        if (auto fault = read_columns()) return base::Failure{*std::move(fault)};
        if (found_.path.moments.empty()) {
            note(fmt::format("the file has no hour from {} to {}", window_.from, window_.until));
            return std::move(found_);
        }
        note_hours();
        fill();
        note_gaps();
        return std::move(found_);
    }

private:
    void note(std::string says) { found_.notes.push_back(std::move(says)); }

    // A path about LUNA says little of a book that knows no LUNA.
    void note_strangers() {
        for (const auto name : window_.about) {
            if (name.empty() || universe_.find_underlying(name) || universe_.find_wrapper(name)) {
                continue;
            }
            note(fmt::format("the universe does not know {}, which this is about", name));
        }
    }

    // The column of a name, or nothing where the file has none for it.
    [[nodiscard]] std::optional<std::string> column_for(const std::string& name) const {
        const auto given = columns_.find(name);
        if (given != columns_.end()) return given->second;
        if (std::find(names_.begin(), names_.end(), name) != names_.end()) return name;
        return std::nullopt;
    }

    std::optional<PriceError> read_columns() {
        base::Listing listing;
        CsvOptions options{.path = file_,
                           .from = std::string(window_.from),
                           .until = std::string(window_.until),
                           .columns = {}};
        const auto want = [&](const std::string& name) {
            const auto column = column_for(name);
            if (!column || place_of(*column)) return;
            paths_.push_back({.name = *column, .prices = {}});
            listing.assets.push_back({.symbol = *column,
                                      .scale = 0,
                                      .kind = base::AssetKind::spot,
                                      .underlying = {},
                                      .protocol = {}});
            options.columns.push_back(*column);
        };
        for (const auto& coin : universe_.underlyings) want(coin.name);
        for (const auto& wrapper : universe_.wrappers) want(wrapper.name);
        auto source = open_csv_prices(listing, options);
        if (!source) {
            if (source.error().kind == PriceError::Kind::range_empty) return std::nullopt;
            return source.error();
        }
        while (const auto tick = (*source)->next()) add(*tick);
        return std::nullopt;
    }

    void add(const PriceTick& tick) {
        found_.path.moments.push_back(text_of_hour(tick.at));
        std::vector<std::optional<double>> row(paths_.size());
        for (const auto& point : tick.points) {
            // Nothing can be measured against a price of zero.
            const double price = static_cast<double>(point.price.v) / 1e9;
            if (price > 0 || paths_[point.asset.v].first()) row[point.asset.v] = price;
        }
        for (std::size_t i = 0; i < paths_.size(); ++i) {
            auto& prices = paths_[i].prices;
            if (!row[i]) {
                ++paths_[i].empty;
                if (!prices.empty()) row[i] = prices.back();
            }
            prices.push_back(row[i]);
        }
    }

    [[nodiscard]] std::optional<std::size_t> place_of(std::string_view column) const {
        for (std::size_t i = 0; i < paths_.size(); ++i) {
            if (paths_[i].name == column) return i;
        }
        return std::nullopt;
    }

    // The column of a name as multiples of `base`, or of where it begins.
    [[nodiscard]] std::vector<std::optional<double>> factors_for(const std::string& name,
                                                                 std::optional<double> base) const {
        std::vector<std::optional<double>> factors(found_.path.moments.size());
        const auto column = column_for(name);
        if (!column) return factors;
        const auto& path = paths_[*place_of(*column)];
        if (!base) base = path.first();
        for (std::size_t t = 0; t < factors.size(); ++t) {
            if (path.prices[t]) factors[t] = *path.prices[t] / *base;
        }
        return factors;
    }

    [[nodiscard]] std::vector<std::optional<double>> factors_of_dollar(const std::string& name) {
        const auto column = column_for(name);
        if (!column) {
            missing_.push_back(name);
        } else if (const auto first = paths_[*place_of(*column)].first().value_or(1);
                   first > dollar_price_max) {
            note(fmt::format("{} is no price of {}, which follows the dollar: it begins at {:g}",
                             *column, name, first));
            return std::vector<std::optional<double>>(found_.path.moments.size());
        }
        return factors_for(name, 1.0);
    }

    void fill() {
        auto& path = found_.path;
        path.underlyings.resize(path.moments.size());
        path.wrappers.resize(path.moments.size());
        std::vector<std::vector<std::optional<double>>> coins;
        for (const auto& coin : universe_.underlyings) {
            coins.push_back(factors_for(coin.name, std::nullopt));
            if (!column_for(coin.name)) missing_.push_back(coin.name);
        }
        const auto append = [](auto& rows, const auto& factors) {
            for (std::size_t t = 0; t < rows.size(); ++t) rows[t].push_back(factors[t]);
        };
        for (const auto& factors : coins) append(path.underlyings, factors);
        for (const auto& wrapper : universe_.wrappers) {
            const bool has_own = column_for(wrapper.name).has_value();
            if (!wrapper.underlying) {
                append(path.wrappers, factors_of_dollar(wrapper.name));
            } else if (has_own) {
                append(path.wrappers, factors_for(wrapper.name, std::nullopt));
            } else {
                if (column_for(universe_.underlying(*wrapper.underlying).name)) {
                    following_.push_back(wrapper.name);
                }
                append(path.wrappers, coins[wrapper.underlying->v]);
            }
        }
    }

    void note_hours() {
        const auto span = *parse_hour(window_.until) - *parse_hour(window_.from);
        const auto hours = static_cast<std::size_t>(span.us / hour_us);
        const auto& moments = found_.path.moments;
        if (moments.size() >= hours) return;
        note(fmt::format("{} of {} hours are in the file, from {} to {}", moments.size(), hours,
                         moments.front(), moments.back()));
    }

    void note_gaps() {
        const auto& moments = found_.path.moments;
        for (const auto& path : paths_) {
            if (path.empty == 0) continue;
            const auto begin = std::find_if(path.prices.begin(), path.prices.end(),
                                            [](const auto& price) { return price.has_value(); });
            if (begin == path.prices.end()) {
                note(fmt::format("{} has no price in it", path.name));
                continue;
            }
            const auto before = static_cast<std::size_t>(begin - path.prices.begin());
            if (before > 0) {
                note(fmt::format("{} has no price before {}", path.name, moments[before]));
            }
            if (path.empty > before) {
                note(fmt::format("{} repeats its last price in {} of {} hours, where it has none",
                                 path.name, path.empty - before, moments.size()));
            }
        }
        if (!missing_.empty()) {
            note(fmt::format("the file has no column for {}", fmt::join(missing_, ", ")));
        }
        if (!following_.empty()) {
            note(fmt::format("without columns of their own, as their coins: {}",
                             fmt::join(following_, ", ")));
        }
    }

    const std::filesystem::path& file_;
    const PathWindow& window_;
    const kernel::Universe& universe_;
    const ColumnNames& columns_;
    std::vector<std::string> names_;
    std::vector<ColumnPath> paths_;
    std::vector<std::string> missing_;
    std::vector<std::string> following_;
    FoundPath found_;
};

}  // namespace

base::Result<FoundPath, PriceError> read_price_path(const std::filesystem::path& path,
                                                    const PathWindow& window,
                                                    const kernel::Universe& universe,
                                                    const ColumnNames& columns) {
    return PathReader(path, window, universe, columns).read();
}

}  // namespace crossclear::app
