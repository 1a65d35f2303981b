#pragma once

#include <CLI/CLI.hpp>

namespace crossclear::app {

/// Adds `calibrate` and `backtest` to the command `risk`. What is run leaves its exit status in
/// `status`: 0 done, 1 a backtest that its margin does not pass, 2 something given cannot be read
/// or has no answer.
void add_risk_history_commands(CLI::App& risk, int& status);

}  // namespace crossclear::app
