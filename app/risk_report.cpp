#include "app/risk_report.hpp"

#include "api/json.hpp"
#include "base/check.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;
using kernel::Margin;

// One line of the table: a figure, its name, and what it is in words.
struct FigureName {
    std::string_view name;
    double Margin::* figure;
    std::string_view says;
};

constexpr std::array figure_names{
    FigureName{"equity", &Margin::equity, "what everything is worth at the marks"},
    FigureName{"MR", &Margin::market, "market: the worst scenario, or the mean of the worst 2.5 %"},
    FigureName{"BC", &Margin::basis, "basis: between a coin and the forms it is held in"},
    FigureName{"FC", &Margin::funding, "funding of perpetuals"},
    FigureName{"LC", &Margin::liquidity, "liquidity: spread and impact of closing it"},
    FigureName{"SOM", &Margin::shorts, "minimum for short options"},
    FigureName{"H", &Margin::haircut, "haircuts on what is held"},
    FigureName{"EV", &Margin::events, "events: the worst outcome"},
    FigureName{"J", &Margin::protocols, "protocols that may fail"},
    FigureName{"OC", &Margin::oracle, "prices that are old"},
    FigureName{"CG", &Margin::concentration, "concentration: the broker's open interest"},
    FigureName{"IM", &Margin::initial, "initial margin"},
    FigureName{"MM", &Margin::maintenance, "maintenance margin"}};

bool is_asset(const FigureName& figure) { return figure.figure == &Margin::equity; }

// The scenario that MR comes from.
std::string worst_of(const kernel::Account& account, const Margin& margin) {
    if (margin.market == 0) return "no scenario loses anything";
    const auto& surface = account.surface();
    std::size_t worst = 0;
    for (std::size_t s = 1; s < surface.core_count(); ++s) {
        if (account.pnl()[s] < account.pnl()[worst]) worst = s;
    }
    if (-account.pnl()[worst] < margin.market) {
        return fmt::format("MR is the mean of the worst of {} simulated scenarios",
                           surface.simulated_count());
    }
    return fmt::format("MR is the loss in scenario '{}'", surface.universe().core[worst].name);
}

}  // namespace

std::string_view name_of(kernel::Verdict verdict) noexcept {
    switch (verdict) {
        case kernel::Verdict::covered:
            return "covered";
        case kernel::Verdict::lowering:
            return "lowering";
        case kernel::Verdict::unwinding:
            return "unwinding";
        case kernel::Verdict::refused:
            return "refused";
    }
    UNREACHABLE("an unlisted verdict");
}

std::string cents(double usd, bool is_up) {
    // A cent's billionth is rounding of doubles and no reason to ask for more.
    constexpr double slack = 1e-7;
    const double exact = usd * 100;
    const double whole = is_up ? std::ceil(exact - slack) : std::floor(exact + slack);
    return fmt::format("{:.2f}", whole / 100 + 0.0);  // No "-0.00".
}

std::string json_number(double value) {
    CHECK(std::isfinite(value), "a figure that is no number is never shown");
    return fmt::format("{}", value + 0.0);
}

std::string json_text(std::string_view text) {
    std::string out;
    api::append_json_string(out, text);
    return out;
}

std::string text_of(const kernel::Account& account, const Margin& margin) {
    std::string out;
    for (const auto& figure : figure_names) {
        out += fmt::format("{:<8}{:>18}  {}\n", figure.name,
                           cents(margin.*figure.figure, !is_asset(figure)), figure.says);
    }
    out += '\n' + worst_of(account, margin) + '\n';
    if (margin.is_capped) {
        out += "IM and MM are at most equity: nothing held can lose more than it is worth\n";
    }
    const auto& protocols = account.surface().universe().protocols;
    if (protocols.empty()) return out;
    out += fmt::format("\n{:<16}{:>18}{:>18}\n", "protocol", "L", "SF");
    for (std::size_t p = 0; p < protocols.size(); ++p) {
        out += fmt::format("{:<16}{:>18}{:>18}\n", protocols[p].name, cents(margin.losses[p], true),
                           cents(margin.shortfall(p), true));
    }
    return out;
}

std::string json_of(const kernel::Surface& surface, const Margin& margin) {
    std::string out = "{";
    for (const auto& figure : figure_names) {
        out += fmt::format("{}: {}, ", json_text(figure.name), json_number(margin.*figure.figure));
    }
    const auto& protocols = surface.universe().protocols;
    const auto by_protocol = [&](auto figure) {
        std::string list;
        for (std::size_t p = 0; p < protocols.size(); ++p) {
            if (p > 0) list += ", ";
            list += json_text(protocols[p].name) + ": " + json_number(figure(p));
        }
        return list;
    };
    out += fmt::format("\"L\": {{{}}}, ",
                       by_protocol([&](std::size_t p) { return margin.losses[p]; }));
    out += fmt::format("\"SF\": {{{}}}}}",
                       by_protocol([&](std::size_t p) { return margin.shortfall(p); }));
    return out;
}

std::string text_of(const WhatIf& what_if) {
    std::string out = fmt::format("{:<8}{:>18}{:>18}{:>18}\n", "", "before", "after", "change");
    for (const auto& figure : figure_names) {
        const double before = what_if.before.*figure.figure;
        const double after = what_if.after.*figure.figure;
        const bool is_up = !is_asset(figure);
        out += fmt::format("{:<8}{:>18}{:>18}{:>18}\n", figure.name, cents(before, is_up),
                           cents(after, is_up), cents(after - before, is_up));
    }
    out += fmt::format("\n{:<8}{:>18}  at least {}, for {:g} days\n", "fee",
                       cents(what_if.fee.total, true), cents(what_if.fee.floor, true),
                       what_if.fee.holding_days);
    constexpr std::array says{"accepted: equity less the fee covers IM",
                              "accepted: it lowers IM, and equity covers MM",
                              "accepted: it only reduces, and neither IM nor MM rises",
                              "refused: equity less the fee does not cover IM"};
    return out + says[static_cast<std::size_t>(what_if.verdict)] + '\n';
}

std::string json_of(const kernel::Surface& surface, const WhatIf& what_if) {
    const auto& fee = what_if.fee;
    return fmt::format(
        "{{\"before\": {}, \"after\": {}, \"fee\": {}, \"fee_floor\": {}, \"holding_days\": {}, "
        "\"expected_loss_day\": {}, \"unexpected_loss\": {}, \"verdict\": {}, \"accepted\": {}}}",
        json_of(surface, what_if.before), json_of(surface, what_if.after), json_number(fee.total),
        json_number(fee.floor), json_number(fee.holding_days),
        json_number(fee.after.expected_loss_day), json_number(fee.after.unexpected_loss),
        json_text(name_of(what_if.verdict)), what_if.verdict != kernel::Verdict::refused);
}

}  // namespace crossclear::app
