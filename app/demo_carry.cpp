#include "app/demo_carry.hpp"

#include <fmt/format.h>

namespace crossclear::app {
namespace {

const DemoOrder purchase{.instrument = "sBTC", .side = "buy", .quantity = "1"};
const DemoOrder sale{.instrument = "BTC-PERP", .side = "sell", .quantity = "1"};

bool clear(DemoTrader& trader, CarryReport& report) {
    if (!trader.open()) return false;
    const auto long_cents = trader.preview(purchase);
    const auto short_cents = trader.preview(sale);
    if (!long_cents || !short_cents) return false;
    report.long_cents = *long_cents;
    report.short_cents = *short_cents;
    for (const auto& order : {purchase, sale}) {
        const bool is_cleared = trader.trade(order);
        ++(is_cleared ? report.cleared : report.refused);
        if (!is_cleared) return false;
    }
    const auto together = trader.margin();
    if (together) report.together_cents = *together;
    return together.has_value();
}

}  // namespace

std::string CarryReport::sentence() const {
    if (!why_not.empty()) return "The carry trade was not made: " + why_not;
    const auto apart = long_cents + short_cents;
    return fmt::format(
        "A carry trade on 25,000 USDC: long 1 sBTC and short 1 BTC-PERP need {} USD of margin. "
        "Apart "
        "they would need {} and {}; together it is {} % of that.",
        together_cents / 100, long_cents / 100, short_cents / 100,
        apart > 0 ? together_cents * 100 / apart : 0);
}

CarryReport make_carry(boost::asio::io_context& io, const TraderOptions& options) {
    CarryReport report;
    DemoTrader trader(io, options);
    if (!clear(trader, report)) report.why_not = trader.why_not();
    trader.close();
    return report;
}

}  // namespace crossclear::app
