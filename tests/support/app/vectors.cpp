#include "tests/support/app/vectors.hpp"

#include "tests/support/app/vector_answers.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace crossclear::vectors {
namespace {

const boost::json::value& member(const boost::json::object& object, std::string_view key) {
    const auto* found = object.if_contains(key);
    if (found == nullptr) throw std::runtime_error(fmt::format("'{}' is missing", key));
    return *found;
}

std::string text_of(const boost::json::value& value, std::string_view what) {
    if (!value.is_string()) throw std::runtime_error(fmt::format("{} is no text", what));
    return std::string(value.get_string());
}

Case case_of(const boost::json::value& value) {
    const auto& object = value.as_object();
    Case one;
    one.id = text_of(member(object, "id"), "id");
    one.family = text_of(member(object, "family"), "family");
    one.inputs = member(object, "inputs").as_object();
    one.expected = member(object, "expected");
    one.tolerance = number_of(member(object, "tolerance"));
    const auto kind = text_of(member(object, "tolerance_kind"), "tolerance_kind");
    if (kind != "abs" && kind != "rel") throw std::runtime_error("tolerance is abs or rel");
    one.is_relative = kind == "rel";
    return one;
}

// In this form a NaN is off as well.
bool is_off(const Case& one, double expected, double found) {
    const double slack = one.is_relative ? one.tolerance * std::abs(expected) : one.tolerance;
    return !(std::abs(found - expected) <= slack);
}

std::optional<std::string> compare(const Case& one, const Answer& answer) {
    if (!one.expected.is_object()) {
        const auto* found = std::get_if<double>(&answer);
        if (found == nullptr) return "expected one number, found several";
        const double expected = number_of(one.expected);
        if (!is_off(one, expected, *found)) return std::nullopt;
        return fmt::format("expected {}, found {}", expected, *found);
    }
    const auto* figures = std::get_if<Figures>(&answer);
    if (figures == nullptr) return "expected several numbers, found one";
    if (one.expected.get_object().empty()) return "expects nothing";
    for (const auto& [key, value] : one.expected.get_object()) {
        const auto found = figures->find(std::string(key));
        if (found == figures->end()) return fmt::format("'{}' is no figure", std::string(key));
        const double expected = number_of(value);
        if (is_off(one, expected, found->second)) {
            return fmt::format("{}: expected {}, found {}", std::string(key), expected,
                               found->second);
        }
    }
    return std::nullopt;
}

}  // namespace

std::filesystem::path shared() {
    const char* named = std::getenv("CROSSCLEAR_SHARED");
    return named != nullptr ? std::filesystem::path(named)
                            : std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "../shared";
}

std::vector<Case> read_cases(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error(path.string() + " cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    std::vector<Case> cases;
    const auto list = boost::json::parse(text.str());
    if (!list.is_array()) throw std::runtime_error(path.string() + " is no list of cases");
    for (const auto& value : list.get_array()) cases.push_back(case_of(value));
    return cases;
}

std::optional<std::string> wrong_with(const Case& one) {
    try {
        return compare(one, answer_to(one));
    } catch (const std::exception& why) {
        return why.what();
    }
}

}  // namespace crossclear::vectors
