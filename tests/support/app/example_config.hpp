#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

/// The configuration that is shipped as the example, for tests that change a part of its text.

namespace crossclear::tests {

/// Where it lies.
inline const std::filesystem::path example_path =
    std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "deploy/config/example.yaml";

/// Its text.
inline std::string example() {
    std::ifstream in(example_path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The example with the first `from` after `section` replaced.
// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): where, what and by what, in a table
inline std::string example_with(const std::string& section, const std::string& from,
                                const std::string& to) {
    auto text = example();
    const auto start = text.find("\n" + section);
    const auto at = text.find(from, start == std::string::npos ? 0 : start);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

}  // namespace crossclear::tests
