#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/margin.hpp"

#include <filesystem>
#include <string>
#include <string_view>

/// Pictures of a margin: what is netted can be seen.

namespace crossclear::app {

/// An SVG of an account's P&L in every core scenario: a bar for all of it together, a line for each
/// of its largest positions alone, and where MR and IM stand. Scenarios are in the order of the
/// largest position's P&L. It follows the reader's choice of light or dark.
[[nodiscard]] std::string picture_of(const risk::kernel::Account& account,
                                     const risk::kernel::Margin& margin);

/// Writes a file anew. **Errors:** in words, with its name.
[[nodiscard]] base::Result<void, std::string> write_text(const std::filesystem::path& path,
                                                         std::string_view text);

}  // namespace crossclear::app
