#pragma once

#include "app/config.hpp"
#include "app/config_fields.hpp"
#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/kernel/universe.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Files of the risk kernel: universes and portfolios.

namespace crossclear::app {

/// Reads a universe. A text whose first character is `{` is the compact JSON form that carries
/// parameters under short names and its scenarios with it; else it is YAML as in
/// deploy/risk/demo.yaml, whose scenarios are generated.
///
/// **Errors:** as a configuration's: an unknown, missing or repeated key, a wrong type, a value out
/// of its range, parts that contradict each other; with file, line and what was expected.
[[nodiscard]] base::Result<risk::kernel::Universe, ConfigError> load_universe(
    const std::filesystem::path& path);

/// The same of a text; `file` is only its name in errors.
[[nodiscard]] base::Result<risk::kernel::Universe, ConfigError> parse_universe(
    const std::string& text, std::string_view file);

/// A file's universe made ready. **Errors:** as text, a line each, with the file and what it names.
[[nodiscard]] base::Result<std::shared_ptr<const risk::kernel::Surface>, std::string> load_surface(
    const std::string& path);

/// Writes a universe as the YAML that `parse_universe` reads, without its scenarios.
[[nodiscard]] std::string dump_universe(const risk::kernel::Universe& universe);

/// Reads `{instrument: quantity}`, in JSON or YAML. **Errors:** as above, or an instrument that the
/// universe does not have.
[[nodiscard]] base::Result<std::vector<risk::kernel::Position>, ConfigError> load_portfolio(
    const std::filesystem::path& path, const risk::kernel::Universe& universe);

/// The same of a text.
[[nodiscard]] base::Result<std::vector<risk::kernel::Position>, ConfigError> parse_portfolio(
    const std::string& text, std::string_view file, const risk::kernel::Universe& universe);

/// What the demo's assets may do: docs/margin.md's parameters for what it lists.
[[nodiscard]] risk::kernel::Universe demo_universe();

class DocumentNode;
/// The same of one mapping of a document, whose faults it gathers.
[[nodiscard]] std::vector<risk::kernel::Position> read_portfolio(
    const DocumentNode& node, const risk::kernel::Universe& universe);

/// Walks over a universe in the order in which YAML has it.
void visit(FieldVisitor& visitor, risk::kernel::Universe& universe);

/// What the compact form gives, and the line of each `instruments[3]` of it.
struct CompactUniverse {
    risk::kernel::Universe universe;
    std::map<std::string, int, std::less<>> lines;
};

/// Reads the compact JSON form. **Errors:** as `parse_universe`; ranges are checked by the caller.
[[nodiscard]] base::Result<CompactUniverse, ConfigError> parse_compact_universe(
    const std::string& text, std::string_view file);

}  // namespace crossclear::app
