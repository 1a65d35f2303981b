#pragma once

#include "risk/history/backtest.hpp"
#include "risk/history/calibrate.hpp"
#include "risk/kernel/universe.hpp"

#include <string>
#include <vector>

/// What `risk calibrate` and `risk backtest` print: tables for people, and JSON with every figure
/// as it was computed.

namespace crossclear::app {

/// A calibration and what became of it.
struct CalibrationReport {
    std::string prices;  ///< The file they come from.
    risk::history::Calibration calibration;
    risk::kernel::Universe profile;
};

/// Every estimate, what was left out, and what no file of prices tells.
[[nodiscard]] std::string text_of(const CalibrationReport& report);
/// The same as one object, the profile in it as a text.
[[nodiscard]] std::string json_of(const CalibrationReport& report);
/// The profile as a file: YAML that `risk margin --universe` reads, with what it was made from.
[[nodiscard]] std::string profile_of(const CalibrationReport& report);

/// A backtest and what was tested.
struct BacktestReport {
    std::string prices;
    std::string universe;  ///< Its file; empty where parameters are calibrated on the past.
    risk::history::BacktestTerms terms;
    std::vector<risk::history::PortfolioResult> results;
    std::vector<std::string> notes;  ///< What was not as it should be, one sentence each.

    /// Whether every portfolio passes; one without a window was not tested and does not.
    [[nodiscard]] bool passes() const;
};

/// One line a portfolio, and what it means.
[[nodiscard]] std::string text_of(const BacktestReport& report);
[[nodiscard]] std::string json_of(const BacktestReport& report);

}  // namespace crossclear::app
