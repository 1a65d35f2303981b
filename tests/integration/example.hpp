#pragma once

#include "app/config.hpp"
#include "base/check.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

/// The configuration that is shipped as the example, for tests that start all of it.

namespace crossclear::tests {

/// A directory of its own that goes with the test.
class Directory {
public:
    explicit Directory(const std::string& name) {
        auto pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
        CHECK(mkdtemp(pattern.data()) != nullptr, "a test has a place for its files");
        path_ = pattern;
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// The example with its files in `directory`, on ports that are free.
inline app::Config example_in(const std::filesystem::path& directory) {
    std::ifstream in(std::filesystem::path{CROSSCLEAR_SOURCE_DIR} / "deploy/config/example.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    auto config = app::parse_config(text.str(), "example.yaml");
    CHECK(config.has_value(), "the example is without fault");
    config->data_dir = directory.string();
    config->api.port = 0;
    config->api.ops_port = 0;
    return std::move(*config);
}

}  // namespace crossclear::tests
