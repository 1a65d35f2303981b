#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Cases that others computed: a list of {id, family, source, inputs, expected, tolerance,
/// tolerance_kind, note}, each answered by the kernel's own functions.

namespace crossclear::vectors {

/// Where the shared files lie: CROSSCLEAR_SHARED, or beside the sources.
[[nodiscard]] std::filesystem::path shared();

/// One case.
struct Case {
    std::string id;
    std::string family;
    boost::json::object inputs;
    boost::json::value expected;
    double tolerance{};
    bool is_relative{};
};

/// Reads a file of cases; throws std::runtime_error where it is not of this format.
[[nodiscard]] std::vector<Case> read_cases(const std::filesystem::path& path);

/// What is wrong with the kernel's answer to a case, or nothing. A family, a set of inputs or a
/// figure that nobody here knows is wrong too: a case that is not looked at proves nothing.
[[nodiscard]] std::optional<std::string> wrong_with(const Case& one);

}  // namespace crossclear::vectors
