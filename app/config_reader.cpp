#include "app/config.hpp"
#include "app/config_fields.hpp"
#include "app/yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace crossclear::app {

std::string to_string(const ConfigError& error) {
    std::string text;
    for (const auto& fault : error.faults) {
        text += error.file;
        if (fault.line > 0) text += fmt::format(":{}", fault.line);
        if (!fault.path.empty()) text += fmt::format(": {}", fault.path);
        text += fmt::format(": {}\n", fault.says);
    }
    return text;
}

base::Result<Config, ConfigError> parse_config(const std::string& text, std::string_view file,
                                               NamedFiles files) {
    Config config;
    auto findings = read_yaml(text, [&config](FieldVisitor& visitor) { visit(visitor, config); });
    // Parts are compared only once each is what it says; else one slip would be reported twice.
    const auto add = [&](std::vector<ConfigFault> more) {
        for (auto& fault : more) {
            fault.line = findings.line_of(fault.path);
            findings.faults.push_back(std::move(fault));
        }
    };
    if (findings.faults.empty()) add(faults_of(config));
    if (findings.faults.empty() && files == NamedFiles::looked_at) add(faults_of_files(config));
    if (findings.faults.empty()) return config;
    std::stable_sort(findings.faults.begin(), findings.faults.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    return base::Failure{
        ConfigError{.file = std::string(file), .faults = std::move(findings.faults)}};
}

base::Result<Config, ConfigError> load_config(const std::filesystem::path& path, NamedFiles files) {
    const auto text = read_text(path);
    if (!text) return base::Failure{text.error()};
    return parse_config(*text, path.string(), files);
}

ConfigReport check_config(const std::filesystem::path& path) {
    const auto config = load_config(path, NamedFiles::looked_at);
    if (!config) return {.is_ok = false, .text = to_string(config.error())};
    const auto parameters = risk_parameters_of(*config, StressPaths::of_file);
    if (parameters) return {.is_ok = true, .text = "ok\n"};
    return {.is_ok = false,
            .text = to_string(ConfigError{.file = path.string(), .faults = parameters.error()})};
}

}  // namespace crossclear::app
