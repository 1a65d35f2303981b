#include "app/risk_history_report.hpp"

#include "app/history_file.hpp"
#include "app/risk_report.hpp"
#include "app/universe_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

namespace crossclear::app {
namespace {

namespace history = risk::history;

constexpr std::string_view never_estimated =
    "half spreads, bases, haircuts and protocols are not in prices: the profile has the "
    "specification's figures, and no protocol";

std::string percent(double share) { return fmt::format("{:.2f} %", share * 100); }

std::string maybe_number(const std::optional<double>& value) {
    return value ? json_number(*value) : "null";
}

// `"name": value, ...` of what has a name and a text.
class JsonFields {
public:
    JsonFields& add(std::string_view name, const std::string& json) {
        text_ += fmt::format("{}{}: {}", text_.empty() ? "" : ", ", json_text(name), json);
        return *this;
    }
    JsonFields& add(std::string_view name, double value) { return add(name, json_number(value)); }
    [[nodiscard]] std::string object() const { return "{" + text_ + "}"; }

private:
    std::string text_;
};

std::string whole_text(std::size_t value) { return fmt::format("{}", value); }
std::string truth(bool value) { return value ? "true" : "false"; }

template <class Item, class Write>
std::string json_list(const std::vector<Item>& items, Write write) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + write(item);
    return "[" + out + "]";
}

std::string correlation_lines(const history::Calibration& calibration) {
    constexpr std::size_t pairs_shown_max = 10;  // Five coins; --json has them all.
    const auto& pairs = calibration.correlations;
    if (!calibration.correlation) return {};
    std::string out;
    if (pairs.size() <= pairs_shown_max) {
        for (const auto& pair : pairs) {
            out += fmt::format("{} and {}: {:.3f}\n", calibration.assets[pair.a].name,
                               calibration.assets[pair.b].name, pair.value);
        }
    } else {
        const auto [low, high] =
            std::minmax_element(pairs.begin(), pairs.end(),
                                [](const auto& a, const auto& b) { return a.value < b.value; });
        out += fmt::format("{} pairs of coins, from {:.3f} to {:.3f}\n", pairs.size(), low->value,
                           high->value);
    }
    return out +
           fmt::format("correlation of the model, their mean: {:.3f}\n", *calibration.correlation);
}

// A wild coin among tame ones: the tails of a universe are those of its widest range.
std::string tail_line(const risk::kernel::Universe& profile) {
    if (profile.underlyings.size() < 2) return {};
    const auto widest = std::max_element(profile.underlyings.begin(), profile.underlyings.end(),
                                         [](auto& a, auto& b) { return a.range < b.range; });
    return fmt::format(
        "{} has the widest range: the tail scenarios of every coin follow it; --asset "
        "leaves a coin out\n",
        widest->name);
}

std::string asset_json(const history::AssetEstimate& asset) {
    const auto& x = asset.estimate;
    return JsonFields()
        .add("name", json_text(asset.name))
        .add("kind", json_text(asset.is_stable ? "stable" : "coin"))
        .add("price", x.latest.price)
        .add("price_at", json_text(hour_text(x.latest.at)))
        .add("range", x.range)
        .add("range_past", x.range_past)
        .add("range_now", x.range_now)
        .add("volatility_day", x.volatility_day)
        .add("volatility_past", x.volatility_past)
        .add("volatility_now", x.volatility_now)
        .add("worst_fall", x.worst_fall)
        .add("worst_rise", x.worst_rise)
        .add("below_dollar", x.below_dollar)
        .add("above_dollar", x.above_dollar)
        .add("volume_day_usd", maybe_number(x.volume_usd))
        .add("history_days", x.history_days)
        .add("gap_days_max", x.gap_days_max)
        .add("prices", whole_text(x.prices))
        .add("moves", whole_text(x.moves))
        .object();
}

std::string left_out_json(const history::LeftOut& x) {
    return JsonFields()
        .add("name", json_text(x.name))
        .add("why", json_text(history::name_of(x.fault)))
        .add("latest_at", x.latest ? json_text(hour_text(x.latest->at)) : "null")
        .object();
}

std::string ratio_json(const history::LikelihoodRatio& x) {
    return JsonFields().add("statistic", x.statistic).add("p_value", x.p_value).object();
}

std::string window_json(const history::Window& x) {
    return JsonFields()
        .add("from", json_text(hour_text(x.from)))
        .add("to", json_text(hour_text(x.to)))
        .add("loss", x.loss)
        .add("margin", x.initial)
        .add("market", x.market)
        .object();
}

double used_of(const history::Window& window) {
    return window.initial > 0 ? window.loss / window.initial : 0;
}

std::string result_json(const history::PortfolioResult& result, double coverage) {
    JsonFields fields;
    fields.add("name", json_text(result.name))
        .add("windows", whole_text(result.windows.size()))
        .add("left_out", whole_text(result.left_out));
    if (result.windows.empty()) return fields.add("passes", truth(false)).object();
    const auto found = history::findings_of(result, coverage);
    const auto& t = found.transitions;
    std::vector<history::Window> breaches;
    std::copy_if(result.windows.begin(), result.windows.end(), std::back_inserter(breaches),
                 [](const history::Window& x) { return x.is_exception(); });
    return fields.add("exceptions", whole_text(found.exceptions.count))
        .add("coverage", history::coverage_of(found.exceptions))
        .add("market_exceptions", whole_text(found.of_market.count))
        .add("kupiec", ratio_json(found.frequency))
        .add("kupiec_rejects_for_too_many", truth(found.is_too_often))
        .add("christoffersen", ratio_json(found.independence))
        .add("conditional_coverage",
             ratio_json(history::both_of(found.frequency, found.independence)))
        .add("transitions",
             fmt::format("[{}, {}, {}, {}]", t.quiet_quiet, t.quiet_bad, t.bad_quiet, t.bad_bad))
        .add("margin_share_mean", found.share_mean)
        .add("worst", window_json(result.windows[found.worst]))
        .add("breaches", json_list(breaches, window_json))
        .add("passes", truth(found.passes()))
        .object();
}

}  // namespace

std::string text_of(const CalibrationReport& report) {
    const auto& calibration = report.calibration;
    const auto& terms = calibration.terms;
    std::string out = fmt::format(
        "{}, until {}: moves of {:g} days that {:g} % of the past stay within\n\n"
        "{:<8}{:<8}{:>14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>14}\n",
        report.prices, hour_text(calibration.at), terms.horizon_days, terms.confidence * 100,
        "asset", "kind", "price", "range", "of past", "of now", "vol day", "worst -", "worst +",
        "ADV $m", "longest gap");
    for (const auto& asset : calibration.assets) {
        const auto& x = asset.estimate;
        const auto volume = x.volume_usd ? fmt::format("{:.1f}", *x.volume_usd / 1e6) : "-";
        out += fmt::format(
            "{:<8}{:<8}{:>14.8g}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12.1f} h\n",
            asset.name, asset.is_stable ? "stable" : "coin", x.latest.price, percent(x.range),
            percent(x.range_past), percent(x.range_now), percent(x.volatility_day),
            percent(x.worst_fall), percent(x.worst_rise), volume, x.gap_days_max * 24);
    }
    out += '\n' + correlation_lines(calibration);
    for (const auto& x : calibration.left_out) {
        out += fmt::format("left out: {} {}{}\n", x.name, history::name_of(x.fault),
                           x.latest ? ", last price " + hour_text(x.latest->at) : "");
    }
    const bool is_any_without = std::any_of(calibration.assets.begin(), calibration.assets.end(),
                                            [](auto& x) { return !x.estimate.volume_usd; });
    if (is_any_without) {
        out += fmt::format(
            "ADV cannot be estimated without columns like BTC{}: the profile has a stand-in\n",
            volume_suffix);
    }
    out += never_estimated;
    return out + '\n' + tail_line(report.profile);
}

std::string profile_of(const CalibrationReport& report) {
    const auto& x = report.calibration;
    return fmt::format(
               "# Calibrated on {} until {}: `crossclear risk calibrate`.\n"
               "# Moves of {:g} days, {:g} % of those past. Not estimated: "
               "half spreads, bases,\n# haircuts, protocols{}.\n",
               report.prices, hour_text(x.at), x.terms.horizon_days, x.terms.confidence * 100,
               std::all_of(x.assets.begin(), x.assets.end(),
                           [](auto& asset) { return asset.estimate.volume_usd.has_value(); })
                   ? ""
                   : ", volumes") +
           dump_universe(report.profile);
}

std::string json_of(const CalibrationReport& report) {
    const auto& x = report.calibration;
    const auto pair_json = [&x](const history::Correlation& pair) {
        return JsonFields()
            .add("a", json_text(x.assets[pair.a].name))
            .add("b", json_text(x.assets[pair.b].name))
            .add("value", pair.value)
            .object();
    };
    return JsonFields()
        .add("prices", json_text(report.prices))
        .add("at", json_text(hour_text(x.at)))
        .add("horizon_days", x.terms.horizon_days)
        .add("confidence", x.terms.confidence)
        .add("assets", json_list(x.assets, asset_json))
        .add("correlations", json_list(x.correlations, pair_json))
        .add("correlation", maybe_number(x.correlation))
        .add("left_out", json_list(x.left_out, left_out_json))
        .add("not_estimated", json_text(never_estimated))
        .add("profile", json_text(profile_of(report)))
        .object();
}

bool BacktestReport::passes() const {
    return std::all_of(results.begin(), results.end(), [this](const auto& x) {
        return !x.windows.empty() && history::findings_of(x, terms.coverage).passes();
    });
}

std::string text_of(const BacktestReport& report) {
    std::string out = fmt::format(
        "{}: windows of {:g} days, parameters {}\n\n"
        "{:<18}{:>8}{:>12}{:>10}{:>11}{:>10}{:>18}{:>10}{:>15}  {}\n",
        report.prices, report.terms.horizon_days,
        report.universe.empty() ? "calibrated on what was past at the start of each"
                                : "of " + report.universe,
        "portfolio", "windows", "exceptions", "coverage", "beyond MR", "Kupiec p",
        "Christoffersen p", "IM/held", "worst loss/IM", "in the window from");
    for (const auto& result : report.results) {
        if (result.windows.empty()) {
            out += fmt::format("{:<18}{:>8}  no window\n", result.name, 0);
            continue;
        }
        const auto found = history::findings_of(result, report.terms.coverage);
        const auto& worst = result.windows[found.worst];
        out += fmt::format("{:<18}{:>8}{:>12}{:>10}{:>11}{:>10.3f}{:>18.3f}{:>10}{:>15.2f}  {}{}\n",
                           result.name, result.windows.size(), found.exceptions.count,
                           percent(history::coverage_of(found.exceptions)), found.of_market.count,
                           found.frequency.p_value, found.independence.p_value,
                           percent(found.share_mean), used_of(worst), hour_text(worst.from),
                           found.passes() ? "" : "  FAILS");
    }
    out += fmt::format(
        "\n{}: a portfolio passes with a coverage of {:g} % and where Kupiec's test does not "
        "refuse "
        "it\nat 95 % for too many exceptions\n",
        report.passes() ? "passes" : "FAILS", report.terms.coverage * 100);
    return out;
}

std::string json_of(const BacktestReport& report) {
    const double coverage = report.terms.coverage;
    return JsonFields()
        .add("prices", json_text(report.prices))
        .add("universe", report.universe.empty() ? "null" : json_text(report.universe))
        .add("horizon_days", report.terms.horizon_days)
        .add("warm_up_days", report.terms.warm_up_days)
        .add("coverage_wanted", coverage)
        .add("portfolios",
             json_list(report.results,
                       [coverage](const auto& x) { return result_json(x, coverage); }))
        .add("notes", json_list(report.notes, [](const auto& x) { return json_text(x); }))
        .add("passes", truth(report.passes()))
        .object();
}

}  // namespace crossclear::app
