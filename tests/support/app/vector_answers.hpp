#pragma once

#include "tests/support/app/vectors.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the kernel says to the inputs of a case. Every input is read, and what nobody reads fails.

namespace crossclear::vectors {

using Figures = std::map<std::string, double>;
using Answer = std::variant<double, Figures>;

/// A finite number, or std::runtime_error.
[[nodiscard]] double number_of(const boost::json::value& value);
/// The same of a member, which has to be there.
[[nodiscard]] double number_at(const boost::json::object& inputs, std::string_view key);
/// A list of finite numbers, or std::runtime_error.
[[nodiscard]] std::vector<double> numbers_of(const boost::json::value& value);

/// One set of inputs of a family: its keys, and what answers it.
struct Shape {
    std::string_view family;
    std::vector<std::string_view> keys;
    Answer (*answer)(const boost::json::object& inputs);
};

/// The shapes that are known: of formulas, and of portfolios, houses and stresses.
[[nodiscard]] std::vector<Shape> formula_shapes();
[[nodiscard]] std::vector<Shape> portfolio_shapes();

/// Answers by the shape that a case has, or throws std::runtime_error.
[[nodiscard]] Answer answer_to(const Case& one);

}  // namespace crossclear::vectors
