#pragma once

#include "app/config.hpp"
#include "app/config_fields.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Any mapping of YAML, read strictly into whatever fields walk over: the configuration, a universe
/// of the risk kernel. Nothing is guessed: an unknown or repeated key, a missing value, a wrong
/// type and a value out of its range are faults, each with its line and what was expected.

namespace crossclear::app {

inline constexpr std::size_t yaml_bytes_max = 4 * 1'024 * 1'024;
/// Faults of one text that are told; who makes more has told enough.
inline constexpr std::size_t yaml_faults_max = 200;

/// Gathers a fault, and no more than `yaml_faults_max` of them.
void add_fault(std::vector<ConfigFault>& faults, ConfigFault fault);

/// The first alias of a text (`*name`), where it stands, or nothing. A few bytes of aliases stand
/// for any amount of what they repeat, so files whose lists are data are read without. A text that
/// is no YAML has none.
[[nodiscard]] std::optional<ConfigFault> alias_in(const std::string& text);

/// What reading one text gathers: its faults, and where each path stands.
struct YamlFindings {
    std::vector<ConfigFault> faults;
    std::map<std::string, int, std::less<>> lines;

    /// The line of a path, or of the nearest part of it that the text has; 0 where none is.
    [[nodiscard]] int line_of(std::string_view path) const;
};

/// Reads one document. `fields` visits what the caller has; what is faulty stays as it is.
[[nodiscard]] YamlFindings read_yaml(const std::string& text,
                                     const std::function<void(FieldVisitor&)>& fields);

/// Writes what the fields hold as the YAML that `read_yaml` reads, secrets included.
[[nodiscard]] std::string write_yaml(const std::function<void(FieldVisitor&)>& fields);

/// The whole of a file. **Errors:** it cannot be read or is larger than `yaml_bytes_max`, with the
/// reason as its one fault.
[[nodiscard]] base::Result<std::string, ConfigError> read_text(const std::filesystem::path& path);

}  // namespace crossclear::app
