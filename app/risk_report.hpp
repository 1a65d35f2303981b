#pragma once

#include "risk/kernel/account.hpp"
#include "risk/kernel/fee.hpp"
#include "risk/kernel/margin.hpp"
#include "risk/kernel/surface.hpp"

#include <span>
#include <string>
#include <string_view>

/// What the risk commands print: tables for people, rounded against the client, and JSON with every
/// figure as it was computed.

namespace crossclear::app {

/// Every component under the name it has in the specification: equity, MR, BC, FC, LC, SOM, H, EV,
/// J, OC, CG, IM and MM, and by protocol L and SF.
[[nodiscard]] std::string text_of(const risk::kernel::Account& account,
                                  const risk::kernel::Margin& margin);
[[nodiscard]] std::string json_of(const risk::kernel::Surface& surface,
                                  const risk::kernel::Margin& margin);

/// An order looked at: before and after it, its fee, and the verdict.
struct WhatIf {
    risk::kernel::Margin before;
    risk::kernel::Margin after;
    risk::kernel::TradeFee fee;
    risk::kernel::Verdict verdict{risk::kernel::Verdict::refused};
};
/// The same two forms of it.
[[nodiscard]] std::string text_of(const WhatIf& what_if);
[[nodiscard]] std::string json_of(const risk::kernel::Surface& surface, const WhatIf& what_if);

/// `covered`, `lowering`, `unwinding` or `refused`.
[[nodiscard]] std::string_view name_of(risk::kernel::Verdict verdict) noexcept;

/// Dollars to the cent, against whom it is shown to: what there is down, what is needed up.
[[nodiscard]] std::string cents(double usd, bool is_up);
/// A number as JSON: the shortest text that reads back as the same double.
[[nodiscard]] std::string json_number(double value);
/// A text as JSON, with its quotes.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace crossclear::app
