#include "app/universe_file.hpp"

#include "app/document.hpp"
#include "app/yaml.hpp"
#include "base/check.hpp"
#include "risk/kernel/limits.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

ConfigError universe_refused(std::string_view file, std::vector<ConfigFault> faults) {
    std::stable_sort(faults.begin(), faults.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    return {.file = std::string(file), .faults = std::move(faults)};
}

bool is_compact(const std::string& text) {
    const auto start = text.find_first_not_of(" \t\r\n");
    return start != std::string::npos && text[start] == '{';
}

}  // namespace

base::Result<kernel::Universe, ConfigError> parse_universe(const std::string& text,
                                                           std::string_view file) {
    std::vector<ConfigFault> faults;
    kernel::Universe universe;
    YamlFindings findings;
    if (is_compact(text)) {
        auto read = parse_compact_universe(text, file);
        if (!read) return base::Failure{read.error()};
        universe = std::move(read->universe);
        findings.lines = std::move(read->lines);
    } else if (auto alias = alias_in(text)) {
        faults.push_back(*std::move(alias));
    } else {
        findings = read_yaml(text, [&universe](FieldVisitor& v) { visit(v, universe); });
        faults = std::move(findings.faults);
    }
    // Parts are compared only once each is what it says; else one slip would be reported twice.
    if (faults.empty()) {
        for (auto& fault : kernel::faults_of(universe)) {
            add_fault(faults, {findings.line_of(fault.path), fault.path, std::move(fault.says)});
        }
    }
    if (!faults.empty()) return base::Failure{universe_refused(file, std::move(faults))};
    return universe;
}

base::Result<kernel::Universe, ConfigError> load_universe(const std::filesystem::path& path) {
    const auto text = read_text(path);
    if (!text) return base::Failure{text.error()};
    return parse_universe(*text, path.string());
}

base::Result<std::shared_ptr<const kernel::Surface>, std::string> load_surface(
    const std::string& path) {
    auto universe = load_universe(path);
    if (!universe) return base::Failure{to_string(universe.error())};
    auto surface = kernel::build_surface(1, *std::move(universe));
    if (surface) return *surface;
    std::string why;
    for (const auto& fault : surface.error()) {
        why += fmt::format("{}: {}: {}\n", path, fault.path, fault.says);
    }
    return base::Failure{why};
}

std::vector<kernel::Position> read_portfolio(const DocumentNode& node,
                                             const kernel::Universe& universe) {
    constexpr NumberBounds quantities{-kernel::limits::quantity_max, kernel::limits::quantity_max};
    std::vector<kernel::Position> positions;
    for (const auto& [name, entry] : node.members()) {
        const double quantity = entry.number(quantities);
        if (const auto instrument = universe.find_instrument(name)) {
            positions.push_back({*instrument, quantity});
        } else {
            entry.complain("the universe has no such instrument");
        }
    }
    return positions;
}

base::Result<std::vector<kernel::Position>, ConfigError> parse_portfolio(
    const std::string& text, std::string_view file, const kernel::Universe& universe) {
    std::vector<kernel::Position> positions;
    const auto read = read_document(
        text, file, [&](const DocumentNode& root) { positions = read_portfolio(root, universe); });
    if (!read) return base::Failure{read.error()};
    return positions;
}

base::Result<std::vector<kernel::Position>, ConfigError> load_portfolio(
    const std::filesystem::path& path, const kernel::Universe& universe) {
    const auto text = read_text(path);
    if (!text) return base::Failure{text.error()};
    return parse_portfolio(*text, path.string(), universe);
}

}  // namespace crossclear::app
