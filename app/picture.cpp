#include "app/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <numeric>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

// Where the plot stands on the page.
constexpr double page_width = 960;
constexpr double page_height = 440;
constexpr double plot_left = 80;
constexpr double plot_right = 944;
constexpr double plot_top = 62;
constexpr double plot_bottom = 400;

// Lines beyond these would hide each other.
constexpr std::size_t legs_shown_max = 4;
constexpr double ticks_wanted = 6;

constexpr std::string_view picture_style = R"(  <style>
    .bar  { fill: #0969da; } .swatch { stroke: #0969da; stroke-width: 8; }
    .zero { stroke: #57606a; stroke-width: 1; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .leg  { fill: none; stroke-width: 1.8; }
    .leg0 { stroke: #bc4c00; } .leg1 { stroke: #1f883d; }
    .leg2 { stroke: #8250df; } .leg3 { stroke: #6e7781; }
    .need { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 4; }
    .word { fill: #57606a; font-size: 12.5px; } .end { text-anchor: end; }
    .name { fill: #1f2328; font-size: 15px; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      .bar { fill: #58a6ff; } .swatch { stroke: #58a6ff; }
      .zero { stroke: #8b949e; } .grid { stroke: #30363d; }
      .leg0 { stroke: #f0883e; } .leg1 { stroke: #3fb950; }
      .leg2 { stroke: #a371f7; } .leg3 { stroke: #8b949e; }
      .need { stroke: #f85149; } .word { fill: #9da7b3; } .name { fill: #e6edf3; }
    }
  </style>
)";

// One position's P&L by core scenario.
struct Leg {
    std::string name;
    std::vector<double> pnl;

    [[nodiscard]] double reach() const {
        const auto [low, high] = std::minmax_element(pnl.begin(), pnl.end());
        return *high - *low;
    }
};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else {
            out += c;
        }
    }
    return out;
}

// Whole dollars in groups of three, with a sign in front of what is lost.
std::string whole_usd(double usd) {
    auto digits = fmt::format("{:.0f}", std::abs(usd));
    for (auto at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    return (usd < 0 && digits != "0" ? "-" : "") + digits;
}

std::vector<Leg> legs_of(const kernel::Account& account) {
    const auto& surface = account.surface();
    std::vector<Leg> legs;
    for (const auto& [id, quantity] : account.positions()) {
        Leg leg{.name = fmt::format("{:g} {}", quantity, surface.universe().instrument(id).name),
                .pnl = {}};
        for (std::size_t s = 0; s < surface.core_count(); ++s) {
            leg.pnl.push_back(quantity * surface.pnl(id)[s]);
        }
        if (leg.reach() > 0) legs.push_back(std::move(leg));
    }
    std::stable_sort(legs.begin(), legs.end(),
                     [](const Leg& a, const Leg& b) { return a.reach() > b.reach(); });
    return legs;
}

class Painter {
public:
    Painter(const kernel::Account& account, const kernel::Margin& margin)
        : margin_(margin),
          together_(
              account.pnl().begin(),
              account.pnl().begin() + static_cast<std::ptrdiff_t>(account.surface().core_count())),
          legs_(legs_of(account)) {
        sort_scenarios();
        find_bounds();
    }

    std::string paint() {
        out_ = fmt::format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\"\n"
            "     aria-labelledby=\"title desc\" font-family=\"ui-sans-serif, system-ui, "
            "sans-serif\">\n  <title id=\"title\">P&amp;L in {} scenarios</title>\n"
            "  <desc id=\"desc\">Together at worst {} USD; {}. MR is {} USD and IM {} "
            "USD.</desc>\n",
            page_width, page_height, together_.size(), whole_usd(worst(together_)), legs_in_words(),
            whole_usd(margin_.market), whole_usd(margin_.initial));
        out_ += picture_style;
        add_grid();
        add_bars();
        add_legs();
        add_need("MR", margin_.market, true);
        add_need("IM", margin_.initial, false);
        add_words();
        return out_ + "</svg>\n";
    }

private:
    static double worst(const std::vector<double>& pnl) {
        return pnl.empty() ? 0 : std::min(0.0, *std::min_element(pnl.begin(), pnl.end()));
    }

    [[nodiscard]] std::size_t legs_shown() const { return std::min(legs_.size(), legs_shown_max); }

    [[nodiscard]] std::string legs_in_words() const {
        std::string words;
        for (std::size_t i = 0; i < legs_shown(); ++i) {
            words += fmt::format("{}{} alone {}", i > 0 ? ", " : "", escaped(legs_[i].name),
                                 whole_usd(worst(legs_[i].pnl)));
        }
        if (legs_.size() > legs_shown()) {
            words += fmt::format(", and {} smaller ones", legs_.size() - legs_shown());
        }
        return words.empty() ? "nothing moves" : words;
    }

    // By the cent, so that the last bits of a double do not decide.
    void sort_scenarios() {
        order_.resize(together_.size());
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        const auto& first = legs_.empty() ? together_ : legs_.front().pnl;
        std::stable_sort(order_.begin(), order_.end(), [&first](std::size_t a, std::size_t b) {
            return std::round(first[a] * 100) < std::round(first[b] * 100);
        });
    }

    void find_bounds() {
        const auto include = [this](double usd) {
            low_ = std::min(low_, usd);
            high_ = std::max(high_, usd);
        };
        for (const double usd : together_) include(usd);
        for (std::size_t i = 0; i < legs_shown(); ++i) {
            for (const double usd : legs_[i].pnl) include(usd);
        }
        include(-margin_.initial);
        if (low_ == high_) include(1);
        const double space = (high_ - low_) * .04;
        low_ -= space;
        high_ += space;
    }

    [[nodiscard]] double x_of(std::size_t place) const {
        const double width = (plot_right - plot_left) / static_cast<double>(together_.size());
        return plot_left + width * (static_cast<double>(place) + .5);
    }
    [[nodiscard]] double y_of(double usd) const {
        return plot_bottom - (usd - low_) / (high_ - low_) * (plot_bottom - plot_top);
    }

    void add_grid() {
        const double rough = (high_ - low_) / ticks_wanted;
        const double power = std::pow(10, std::floor(std::log10(rough)));
        const double steps = rough / power;
        const double step = power * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
        for (double tick = std::ceil(low_ / step) * step; tick <= high_; tick += step) {
            const double y = y_of(tick);
            out_ += fmt::format(
                "  <path class=\"{}\" d=\"M{:.1f} {:.1f} H{:.1f}\"/>\n"
                "  <text class=\"word end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                std::abs(tick) < step / 2 ? "zero" : "grid", plot_left, y, plot_right,
                plot_left - 8, y + 4, whole_usd(tick));
        }
    }

    void add_bars() {
        const double width = (plot_right - plot_left) / static_cast<double>(together_.size()) * .7;
        out_ += "  <path class=\"bar\" d=\"";
        for (std::size_t place = 0; place < order_.size(); ++place) {
            const double left = x_of(place) - width / 2;
            out_ += fmt::format("{}M{:.1f} {:.1f} H{:.1f} V{:.1f} H{:.1f} z", place > 0 ? "\n" : "",
                                left, y_of(0), left + width, y_of(together_[order_[place]]), left);
        }
        out_ += "\"/>\n";
    }

    void add_legs() {
        // One position alone is what the bars show already.
        if (legs_.size() < 2) return;
        for (std::size_t i = 0; i < legs_shown(); ++i) {
            out_ += fmt::format("  <path class=\"leg leg{}\" d=\"", i);
            for (std::size_t place = 0; place < order_.size(); ++place) {
                out_ += fmt::format("{}{:.1f} {:.1f}", place == 0 ? "M" : "\nL", x_of(place),
                                    y_of(legs_[i].pnl[order_[place]]));
            }
            out_ += "\"/>\n";
        }
    }

    // One on the left and below, one on the right and above: apart where they are alike, and off
    // the bars.
    void add_need(std::string_view name, double usd, bool is_left) {
        const double y = y_of(-usd);
        out_ += fmt::format(
            "  <path class=\"need\" d=\"M{:.1f} {:.1f} H{:.1f}\"/>\n"
            "  <text class=\"word{}\" x=\"{:.1f}\" y=\"{:.1f}\">{} {}</text>\n",
            plot_left, y, plot_right, is_left ? "" : " end", is_left ? plot_left + 4 : plot_right,
            is_left ? y + 14 : y - 5, name, whole_usd(usd));
    }

    void add_words() {
        out_ += fmt::format(
            "  <text class=\"name\" x=\"{:.1f}\" y=\"22\">P&amp;L in USD, together at worst "
            "{}</text>\n",
            plot_left, whole_usd(worst(together_)));
        double x = plot_left;
        constexpr double of_letter = 7;
        const auto add = [&](std::string_view sample, std::string_view text) {
            out_ += fmt::format(
                "  <path {} d=\"M{:.1f} 42 h22\"/>\n"
                "  <text class=\"word\" x=\"{:.1f}\" y=\"46\">{}</text>\n",
                sample, x, x + 28, escaped(text));
            x += 46 + of_letter * static_cast<double>(text.size());
        };
        add("class=\"swatch\"", "together");
        for (std::size_t i = 0; i < legs_shown() && legs_.size() > 1; ++i) {
            add(fmt::format("class=\"leg leg{}\"", i),
                fmt::format("{}, at worst {}", legs_[i].name, whole_usd(worst(legs_[i].pnl))));
        }
        out_ += fmt::format(
            "  <text class=\"word\" x=\"{:.1f}\" y=\"{:.1f}\">{} core scenarios, in the order of "
            "what {} makes in them</text>\n",
            plot_left, plot_bottom + 24, together_.size(),
            legs_.empty() ? "it" : escaped(legs_.front().name));
    }

    const kernel::Margin& margin_;
    std::vector<double> together_;
    std::vector<Leg> legs_;
    std::vector<std::size_t> order_;
    double low_{};
    double high_{};
    std::string out_;
};

}  // namespace

std::string picture_of(const kernel::Account& account, const kernel::Margin& margin) {
    return Painter(account, margin).paint();
}

base::Result<void, std::string> write_text(const std::filesystem::path& path,
                                           std::string_view text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (out) return {};
    return base::Failure{fmt::format("{}: cannot be written\n", path.string())};
}

}  // namespace crossclear::app
