#pragma once

#include <CLI/CLI.hpp>

namespace crossclear::app {

/// Adds `risk` and its subcommands: margin, what-if, value, house and bench, and those on past
/// prices. None of them needs a service. What is run leaves its exit status in `status`: 0
/// computed, 1 an order is refused, a limit is past or a backtest fails, 2 something given cannot
/// be read or has no margin.
void add_risk_commands(CLI::App& cli, int& status);

}  // namespace crossclear::app
