#include "app/prices.hpp"

#include "base/decimal.hpp"
#include "risk/surface.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <limits>
#include <map>
#include <utility>

namespace crossclear::app {
namespace {

using Fault = PriceError::Kind;

constexpr std::string_view hour_column = "hour_utc";
constexpr std::size_t no_column = std::numeric_limits<std::size_t>::max();

std::vector<std::string_view> cells_of(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::vector<std::string_view> cells;
    while (true) {
        const auto comma = line.find(',');
        cells.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) return cells;
        line.remove_prefix(comma + 1);
    }
}

// The digits of `text` between two places, or -1.
int number_at(std::string_view text, std::size_t from, std::size_t count) {
    int value = 0;
    for (const char digit : text.substr(from, count)) {
        if (digit < '0' || digit > '9') return -1;
        value = value * 10 + (digit - '0');
    }
    return value;
}

// Reads one file into ticks. Fails at the first bad line, which `fault` then holds.
class CsvReader {
public:
    CsvReader(const base::Listing& listing, const CsvOptions& options)
        : listing_(listing), options_(options), file_(options.path.string()) {}

    std::optional<PriceError> read() {
        if (auto fault = read_range()) return fault;
        std::ifstream in(options_.path);
        std::string text;
        if (!in || !std::getline(in, text)) return fault_at(Fault::unreadable, "cannot be read");
        line_ = 1;
        if (auto fault = read_header(text)) return fault;
        while (std::getline(in, text)) {
            ++line_;
            if (auto fault = read_row(text)) return fault;
            if (is_past_range_) break;
        }
        if (in.bad()) return fault_at(Fault::unreadable, "cannot be read to its end");
        line_ = 0;
        if (ticks_.empty()) return fault_at(Fault::range_empty, "has no row within the range");
        return std::nullopt;
    }

    std::vector<PriceTick> take() { return std::move(ticks_); }

private:
    std::optional<PriceError> read_range() {
        for (const auto& [text, at] :
             {std::pair{&options_.from, &from_}, std::pair{&options_.until, &until_}}) {
            if (text->empty()) continue;
            const auto hour = parse_hour(*text);
            if (!hour) {
                return fault_at(Fault::range_malformed,
                                fmt::format("'{}' is no hour as 2022-05-07T00:00Z", *text));
            }
            *at = *hour;
        }
        return std::nullopt;
    }

    std::optional<PriceError> read_header(std::string_view text) {
        const auto names = cells_of(text);
        width_ = names.size();
        std::map<std::string_view, std::size_t> places;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (!places.emplace(names[i], i).second) {
                return fault_at(Fault::header_malformed, fmt::format("'{}' twice", names[i]));
            }
        }
        if (names.front() != hour_column) {
            return fault_at(Fault::header_malformed, "the first column is not hour_utc");
        }
        for (std::size_t i = 0; i < listing_.assets.size(); ++i) {
            const auto& asset = listing_.assets[i];
            const auto named = i < options_.columns.size() ? options_.columns[i] : std::string();
            // What a file knows of a stablecoin counts, or a lost peg would read as a dollar.
            const bool has_own = asset.kind == base::AssetKind::stable && named.empty();
            const auto place = places.find(has_own ? asset.symbol : named);
            if (!named.empty() && place == places.end()) {
                return fault_at(Fault::column_missing, fmt::format("there is no column {}", named));
            }
            places_.push_back(place == places.end() ? no_column : place->second);
        }
        return std::nullopt;
    }

    std::optional<PriceError> read_row(std::string_view text) {
        const auto cells = cells_of(text);
        if (cells.size() != width_) {
            return fault_at(Fault::row_width,
                            fmt::format("{} cells where the header has {}", cells.size(), width_));
        }
        const auto hour = parse_hour(cells.front());
        if (!hour) {
            return fault_at(Fault::hour_malformed, fmt::format("'{}' is no hour", cells.front()));
        }
        if (latest_ && *hour <= *latest_) {
            return fault_at(Fault::hour_not_later, "the hour is not later than the one above");
        }
        latest_ = hour;
        if (until_ && *hour >= *until_) is_past_range_ = true;
        if (is_past_range_ || (from_ && *hour < *from_)) return std::nullopt;
        return read_prices(*hour, cells);
    }

    std::optional<PriceError> read_prices(base::Timestamp hour,
                                          const std::vector<std::string_view>& cells) {
        PriceTick tick{.at = hour, .points = {}};
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const base::AssetId asset{static_cast<std::uint16_t>(i)};
            if (places_[i] == no_column) {
                if (is_dollar(listing_.assets[i])) tick.points.push_back({asset, one_dollar});
                continue;
            }
            const auto cell = cells[places_[i]];
            if (cell.empty()) continue;
            const auto price = base::parse_decimal(cell, base::price_scale);
            if (!price || *price < 0 || *price > risk::price_max.v) {
                return fault_at(Fault::price_malformed, fmt::format("'{}' is no price of {}", cell,
                                                                    listing_.assets[i].symbol));
            }
            tick.points.push_back({asset, base::Price{*price}});
        }
        ticks_.push_back(std::move(tick));
        return std::nullopt;
    }

    [[nodiscard]] PriceError fault_at(Fault kind, std::string_view says) const {
        const auto place = line_ > 0 ? fmt::format("{}:{}", file_, line_) : file_;
        return {.kind = kind, .line = line_, .says = fmt::format("{}: {}", place, says)};
    }

    const base::Listing& listing_;
    const CsvOptions& options_;
    std::string file_;
    int line_{};
    std::size_t width_{};
    std::vector<std::size_t> places_;  // Per asset: its cell, or no_column.
    std::optional<base::Timestamp> from_;
    std::optional<base::Timestamp> until_;
    std::optional<base::Timestamp> latest_;
    bool is_past_range_{};
    std::vector<PriceTick> ticks_;
};

class CsvPrices final : public PriceSource {
public:
    explicit CsvPrices(std::vector<PriceTick> ticks) : ticks_(std::move(ticks)) {}

    std::optional<PriceTick> next() override {
        if (next_ == ticks_.size()) return std::nullopt;
        return ticks_[next_++];
    }

private:
    std::vector<PriceTick> ticks_;
    std::size_t next_{};
};

}  // namespace

base::Result<std::unique_ptr<PriceSource>, PriceError> open_csv_prices(const base::Listing& listing,
                                                                       const CsvOptions& options) {
    CsvReader reader(listing, options);
    if (auto fault = reader.read()) return base::Failure{std::move(*fault)};
    return std::unique_ptr<PriceSource>(std::make_unique<CsvPrices>(reader.take()));
}

base::Result<std::vector<std::string>, PriceError> csv_columns(const std::filesystem::path& path) {
    const auto refused = [&path](Fault kind, int line, std::string_view says) {
        const auto place = line > 0 ? fmt::format("{}:{}", path.string(), line) : path.string();
        return base::Failure{
            PriceError{.kind = kind, .line = line, .says = fmt::format("{}: {}", place, says)}};
    };
    std::ifstream in(path);
    std::string text;
    if (!in || !std::getline(in, text)) {
        return refused(Fault::unreadable, 0, "cannot be read, or is empty");
    }
    const auto names = cells_of(text);
    if (names.front() != hour_column) {
        return refused(Fault::header_malformed, 1, "the first column is not hour_utc");
    }
    return std::vector<std::string>(names.begin() + 1, names.end());
}

base::Result<std::unique_ptr<PriceSource>, PriceError> open_prices(const Config& config,
                                                                   base::Timestamp now) {
    const auto& marks = config.marks;
    switch (marks.source) {
        case MarksConfig::Source::none:
            return std::unique_ptr<PriceSource>();
        case MarksConfig::Source::csv:
            return open_csv_prices(config.listing, {.path = marks.path,
                                                    .from = marks.from,
                                                    .until = marks.until,
                                                    .columns = config.price_columns});
        case MarksConfig::Source::generator:
            return make_price_generator(
                config.listing,
                {.seed = marks.seed, .start = now, .step = marks.step, .walks = marks.walks});
    }
    UNREACHABLE("an unlisted source of marks");
}

bool is_dollar(const base::AssetInfo& asset) {
    return asset.kind == base::AssetKind::cash || asset.kind == base::AssetKind::stable;
}

std::optional<base::Timestamp> parse_hour(std::string_view text) {
    constexpr std::string_view shape = "0000-00-00T00:00Z";
    if (text.size() != shape.size()) return std::nullopt;
    for (const std::size_t place : {4U, 7U, 10U, 13U, 16U}) {
        if (text[place] != shape[place]) return std::nullopt;
    }
    const int year = number_at(text, 0, 4);
    const int month = number_at(text, 5, 2);
    const int day = number_at(text, 8, 2);
    const int hour = number_at(text, 11, 2);
    const int minute = number_at(text, 14, 2);
    if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || hour > 23 || minute > 59) return std::nullopt;
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    const auto minutes = (std::int64_t{days} * 24 + hour) * 60 + minute;
    return base::Timestamp{minutes * 60'000'000};
}

}  // namespace crossclear::app
