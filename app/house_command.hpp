#pragma once

#include <CLI/CLI.hpp>

namespace crossclear::app {

/// Adds `house` to the risk commands: what a broker itself can lose. What is run leaves its exit
/// status in `status`: 0 within all limits, or the order is accepted; 1 past one, or it is refused;
/// 2 something given cannot be read or has no margin.
void add_house_command(CLI::App& risk, int& status);

}  // namespace crossclear::app
