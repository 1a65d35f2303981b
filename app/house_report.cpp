#include "app/house_report.hpp"

#include "app/risk_report.hpp"
#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;
using kernel::LimitKind;
using kernel::StressLine;

// A column of money; wide enough for a trillion.
constexpr int money_width = 16;

std::string money_cell(double usd) { return fmt::format("{:>{}}", cents(usd, true), money_width); }

std::string part_cell(double usd, double waterfall) {
    if (waterfall > 0) return fmt::format("{:>9.2f} %", 100 * usd / waterfall);
    return fmt::format("{:>11}", usd > 0 ? "all" : "-");
}

// A window that no file covers has no states, and what none of them knows has no loss.
bool is_unknown(const StressLine& line) {
    if (line.states == 0) return true;
    return !line.unknown.empty() &&
           std::all_of(line.unknown.begin(), line.unknown.end(),
                       [&line](std::size_t count) { return count == line.states; });
}

std::string_view verdict_name(kernel::HouseVerdict verdict) {
    switch (verdict) {
        case kernel::HouseVerdict::accepted:
            return "accepted";
        case kernel::HouseVerdict::unwinding:
            return "unwinding";
        case kernel::HouseVerdict::refused:
            return "refused";
    }
    UNREACHABLE("an unlisted verdict");
}

std::string_view kind_name(LimitKind kind) {
    switch (kind) {
        case LimitKind::cover2:
            return "cover2";
        case LimitKind::protocol:
            return "protocol";
        case LimitKind::client:
            return "client";
    }
    UNREACHABLE("an unlisted limit");
}

std::string whose(const HouseView& view, const kernel::LimitBreach& breach) {
    switch (breach.kind) {
        case LimitKind::cover2:
            return {};
        case LimitKind::protocol:
            return view.surface.universe().protocols[breach.index].name;
        case LimitKind::client:
            return view.book.clients[breach.index].name;
    }
    UNREACHABLE("an unlisted limit");
}

std::string in_words(const HouseView& view, const kernel::LimitBreach& breach) {
    const auto name = whose(view, breach);
    const auto what = breach.kind == LimitKind::cover2 ? std::string("cover-2 is")
                      : breach.kind == LimitKind::protocol
                          ? fmt::format("SF of protocol {}, over all clients, is", name)
                          : fmt::format("the worst stress of client {} is", name);
    const auto limit = breach.kind == LimitKind::cover2 ? "the waterfall" : "its limit";
    return fmt::format("{} {} USD, {} is {}", what, cents(breach.usd, true), limit,
                       cents(breach.limit_usd, false));
}

double largest_in(const std::vector<double>& list) {
    return list.empty() ? 0 : *std::max_element(list.begin(), list.end());
}

// Who loses most in a line; nobody where nobody does.
std::string largest_client(const HouseView& view, const StressLine& line) {
    if (largest_in(line.by_client) <= 0) return {};
    const auto most = std::max_element(line.by_client.begin(), line.by_client.end());
    return view.book.clients[static_cast<std::size_t>(most - line.by_client.begin())].name;
}

// The notes of a line, if it is one of the paths.
const std::vector<std::string>* notes_of(const HouseView& view, std::size_t line) {
    const auto first = view.state.stress.lines.size() - view.paths.size();
    return line < first ? nullptr : &view.paths[line - first].notes;
}

std::string head_in_text(const HouseView& view) {
    const auto& [capital, insurance, fund] = view.book.waterfall;
    const double total = view.book.waterfall.total();
    const auto& report = view.state.report;
    auto out = fmt::format("waterfall       {}              capital {}, insurance {}, fund {}\n",
                           fmt::format("{:>{}}", cents(total, false), money_width),
                           cents(capital, false), cents(insurance, false), cents(fund, false));
    out += fmt::format(
        "solvency        {:>{}.4f} %            the chance that it pays for all "
        "losses\n",
        std::floor(1e6 * report.solvency_probability) / 1e4, money_width);
    const auto row = [&](std::string_view name, double usd, std::string_view says) {
        out += fmt::format("{:<16}{} {}  {}\n", name, money_cell(usd), part_cell(usd, total), says);
    };
    row("expected loss", report.expected_loss, "of markets and protocols together");
    row("cover-1", report.cover1, "the largest shortfall of a client in one scenario");
    row("cover-2", report.cover2, "the two largest in one scenario");
    return out;
}

std::string clients_in_text(const HouseView& view) {
    if (view.book.clients.empty()) return "\nno clients\n";
    const double total = view.book.waterfall.total();
    auto out = fmt::format("\n{:<20}{:>{}}{:>{}}{:>{}}{:>{}}\n", "client", "equity", money_width,
                           "IM", money_width, "worst stress", money_width, "of it all", 12);
    for (std::size_t i = 0; i < view.book.clients.size(); ++i) {
        const auto& margin = view.state.margins[i];
        const double stress = view.state.figures.clients[i];
        out += fmt::format("{:<20}{:>{}}{}{} {}\n", view.book.clients[i].name,
                           cents(margin.equity, false), money_width, money_cell(margin.initial),
                           money_cell(stress), part_cell(stress, total));
    }
    return out;
}

std::string protocols_in_text(const HouseView& view) {
    const auto& protocols = view.surface.universe().protocols;
    if (view.state.figures.protocols.empty()) return {};
    auto out =
        fmt::format("\n{:<20}{:>{}}{:>12}\n", "protocol", "SF of all", money_width, "of it all");
    for (std::size_t p = 0; p < protocols.size(); ++p) {
        const double usd = view.state.figures.protocols[p];
        out += fmt::format("{:<20}{} {}\n", protocols[p].name, money_cell(usd),
                           part_cell(usd, view.book.waterfall.total()));
    }
    return out;
}

std::string unknown_in_text(const HouseView& view, const StressLine& line) {
    std::string out;
    for (std::size_t i = 0; i < line.unknown.size() && line.states > 0; ++i) {
        if (line.unknown[i] == 0) continue;
        out += fmt::format("    not known of {}: {} of {} states\n", view.book.clients[i].name,
                           line.unknown[i], line.states);
    }
    return out;
}

std::string stress_in_text(const HouseView& view) {
    auto out = fmt::format("\n{:<34}{:>{}}{:>12}{:>{}}{:>{}}  {}\n", "stress", "loss", money_width,
                           "of it all", "largest", money_width, "two largest", money_width,
                           "largest client, worst state");
    for (std::size_t i = 0; i < view.state.stress.lines.size(); ++i) {
        const auto& line = view.state.stress.lines[i];
        if (is_unknown(line)) {
            out += fmt::format("{:<34}{:>{}}\n", line.name, "unknown", money_width);
        } else {
            const auto client = largest_client(view, line);
            out += fmt::format(
                "{:<34}{} {}{}{}{}\n", line.name + (line.is_complete() ? "" : ", at least"),
                money_cell(line.loss), part_cell(line.loss, view.book.waterfall.total()),
                money_cell(line.largest), money_cell(line.two_largest),
                client.empty() ? "" : fmt::format("  {}, {}", client, line.worst));
        }
        if (const auto* notes = notes_of(view, i)) {
            for (const auto& note : *notes) out += "    " + note + '\n';
        }
        out += unknown_in_text(view, line);
    }
    return out;
}

std::string limits_in_text(const HouseView& view) {
    const auto breaches = kernel::breaches_of(view.state.figures, view.book.limits);
    auto out = fmt::format(
        "\nlimits: cover-2 within the waterfall, a protocol {:g} % of it, a client {:g} %\n",
        100 * view.book.limits.protocol_share, 100 * view.book.limits.client_share);
    if (breaches.empty()) out += "all are kept\n";
    for (const auto& breach : breaches) {
        out += "past a limit: " + in_words(view, breach) + '\n';
        if (breach.kind == LimitKind::cover2) out += "reduce-only: only unwinds are accepted\n";
    }
    return out;
}

std::string order_in_text(const HouseView& view) {
    const auto& [client, after, decision] = *view.order;
    const auto& before = view.state;
    auto out = fmt::format("\n{:<34}{:>{}}{:>{}}\n", "order of " + view.book.clients[client].name,
                           "before", money_width, "after", money_width);
    const auto row = [&out](std::string_view name, double was, double is) {
        out += fmt::format("{:<34}{}{}\n", name, money_cell(was), money_cell(is));
    };
    row("cover-2", before.report.cover2, after.report.cover2);
    row("worst stress of the client", before.figures.clients[client],
        after.figures.clients[client]);
    row("largest SF of a protocol", largest_in(before.figures.protocols),
        largest_in(after.figures.protocols));
    out += verdict_name(decision.verdict);
    switch (decision.verdict) {
        case kernel::HouseVerdict::accepted:
            return out + ": nothing that is past its limit grows by it\n";
        case kernel::HouseVerdict::unwinding:
            return out + ": a limit is past, and it only unwinds\n";
        case kernel::HouseVerdict::refused:
            return out + ": " + in_words(view, *decision.because) + '\n';
    }
    UNREACHABLE("an unlisted verdict");
}

std::string breach_in_json(const HouseView& view, const kernel::LimitBreach& breach) {
    const auto name = whose(view, breach);
    return fmt::format("{{\"limit\": {}, \"name\": {}, \"usd\": {}, \"limit_usd\": {}}}",
                       json_text(kind_name(breach.kind)),
                       name.empty() ? std::string("null") : json_text(name),
                       json_number(breach.usd), json_number(breach.limit_usd));
}

std::string joined_json(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string stress_in_json(const HouseView& view) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < view.state.stress.lines.size(); ++i) {
        const auto& line = view.state.stress.lines[i];
        std::vector<std::string> notes;
        if (const auto* list = notes_of(view, i)) {
            for (const auto& note : *list) notes.push_back(json_text(note));
        }
        std::vector<std::string> unknown;
        for (std::size_t c = 0; c < line.unknown.size(); ++c) {
            if (line.unknown[c] == 0) continue;
            unknown.push_back(
                fmt::format("{}: {}", json_text(view.book.clients[c].name), line.unknown[c]));
        }
        const auto client = largest_client(view, line);
        const auto figure = [&line](double usd) {
            return is_unknown(line) ? std::string("null") : json_number(usd);
        };
        lines.push_back(fmt::format(
            "{{\"name\": {}, \"loss\": {}, \"largest\": {}, \"two_largest\": {}, \"client\": {}, "
            "\"worst\": {}, \"states\": {}, \"complete\": {}, \"unknown\": {{{}}}, \"notes\": "
            "[{}]}}",
            json_text(line.name), figure(line.loss), figure(line.largest), figure(line.two_largest),
            client.empty() ? "null" : json_text(client),
            line.worst.empty() ? "null" : json_text(line.worst), line.states, line.is_complete(),
            joined_json(unknown), joined_json(notes)));
    }
    return joined_json(lines);
}

std::string order_in_json(const HouseView& view) {
    if (!view.order) return {};
    const auto& [client, after, decision] = *view.order;
    return fmt::format(
        ", \"order\": {{\"client\": {}, \"verdict\": {}, \"accepted\": {}, \"because\": {}, "
        "\"cover2\": {}, \"stress\": {}, \"solvency_probability\": {}}}",
        json_text(view.book.clients[client].name), json_text(verdict_name(decision.verdict)),
        decision.verdict != kernel::HouseVerdict::refused,
        decision.because ? breach_in_json(view, *decision.because) : "null",
        json_number(after.report.cover2), json_number(after.figures.clients[client]),
        json_number(after.report.solvency_probability));
}

}  // namespace

std::string text_of(const HouseView& view) {
    auto out = head_in_text(view) + clients_in_text(view) + protocols_in_text(view) +
               stress_in_text(view) + limits_in_text(view);
    if (view.order) out += order_in_text(view);
    return out;
}

std::string json_of(const HouseView& view) {
    const auto& book = view.book;
    const auto& report = view.state.report;
    std::vector<std::string> clients;
    for (std::size_t i = 0; i < book.clients.size(); ++i) {
        const auto& margin = view.state.margins[i];
        clients.push_back(
            fmt::format("{}: {{\"equity\": {}, \"IM\": {}, \"MM\": {}, \"stress\": {}}}",
                        json_text(book.clients[i].name), json_number(margin.equity),
                        json_number(margin.initial), json_number(margin.maintenance),
                        json_number(view.state.figures.clients[i])));
    }
    std::vector<std::string> protocols;
    for (std::size_t p = 0; p < view.state.figures.protocols.size(); ++p) {
        protocols.push_back(fmt::format("{}: {}",
                                        json_text(view.surface.universe().protocols[p].name),
                                        json_number(view.state.figures.protocols[p])));
    }
    std::vector<std::string> breaches;
    for (const auto& breach : kernel::breaches_of(view.state.figures, book.limits)) {
        breaches.push_back(breach_in_json(view, breach));
    }
    return fmt::format(
        "{{\"waterfall\": {{\"capital\": {}, \"insurance\": {}, \"fund\": {}, \"total\": {}}}, "
        "\"solvency_probability\": {}, \"expected_loss\": {}, \"cover1\": {}, \"cover2\": {}, "
        "\"clients\": {{{}}}, \"SF\": {{{}}}, \"stress\": [{}], \"limits\": "
        "{{\"protocol_share\": {}, \"client_share\": {}, \"kept\": {}, \"breaches\": [{}]}}{}}}",
        json_number(book.waterfall.capital), json_number(book.waterfall.insurance),
        json_number(book.waterfall.fund), json_number(book.waterfall.total()),
        json_number(report.solvency_probability), json_number(report.expected_loss),
        json_number(report.cover1), json_number(report.cover2), joined_json(clients),
        joined_json(protocols), stress_in_json(view), json_number(book.limits.protocol_share),
        json_number(book.limits.client_share), breaches.empty(), joined_json(breaches),
        order_in_json(view));
}

}  // namespace crossclear::app
