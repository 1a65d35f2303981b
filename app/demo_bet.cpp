#include "app/demo_bet.hpp"

#include "base/decimal.hpp"

#include <fmt/format.h>

namespace crossclear::app {
namespace {

constexpr int bet_digits = 2;  // Of the quantity.

bool place(DemoTrader& trader, std::int64_t equity_cents, BetReport& report) {
    DemoOrder order{.instrument = "BTC-PERP", .side = "buy", .quantity = "1"};
    if (!trader.open()) return false;
    const auto one_cents = trader.preview(order);
    if (!one_cents || *one_cents <= 0) return false;
    const auto hundredths = equity_cents * 90 / *one_cents;
    order.quantity = base::format_decimal(hundredths, bet_digits);
    report.quantity = order.quantity;
    const bool is_cleared = trader.trade(order);
    ++(is_cleared ? report.cleared : report.refused);
    if (!is_cleared) return false;
    const auto initial = trader.margin();
    if (initial) report.initial_cents = *initial;
    return initial.has_value();
}

}  // namespace

std::string BetReport::sentence() const {
    if (!why_not.empty()) return "The bet was not made: " + why_not;
    return fmt::format(
        "A bet on 25,000 USDC: long {} BTC-PERP, which need {} USD of margin. It is closed part by "
        "part once less is left than they need to be kept.",
        quantity, initial_cents / 100);
}

BetReport make_bet(boost::asio::io_context& io, const TraderOptions& options,
                   std::int64_t equity_cents) {
    BetReport report;
    DemoTrader trader(io, options);
    if (!place(trader, equity_cents, report)) report.why_not = trader.why_not();
    trader.close();
    return report;
}

}  // namespace crossclear::app
