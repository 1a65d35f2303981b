#include "tests/support/app/vectors.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace crossclear::vectors {
namespace {

void expect_right(const std::vector<Case>& cases) {
    EXPECT_FALSE(cases.empty());
    for (const auto& one : cases) {
        const auto wrong = wrong_with(one);
        EXPECT_EQ(wrong.value_or(""), "") << one.id << " (" << one.family << ")";
    }
}

TEST(Vectors, OfTheSpecificationComeOut) {
    const auto path = shared() / "vectors/risk.json";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const auto cases = read_cases(path);
    expect_right(cases);
    std::set<std::string> ids;
    for (const auto& one : cases) EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_EQ(ids.size(), 42U);
}

// CROSSCLEAR_VECTORS names a file of the same format; without it there is none to look at.
TEST(Vectors, OfTheNamedFileComeOut) {
    const char* path = std::getenv("CROSSCLEAR_VECTORS");
    if (path != nullptr) expect_right(read_cases(path));
}

Case a_case(std::string_view family, std::string_view inputs, std::string_view expected) {
    return {.id = "planted",
            .family = std::string(family),
            .inputs = boost::json::parse(inputs).as_object(),
            .expected = boost::json::parse(expected),
            .tolerance = 1e-9,
            .is_relative = false};
}

TEST(Vectors, AreWrongWhereAFigureIs) {
    EXPECT_EQ(wrong_with(a_case("expected shortfall", R"({"losses": [2, 1], "alpha": 0.5})", "2")),
              std::nullopt);
    EXPECT_NE(
        wrong_with(a_case("expected shortfall", R"({"losses": [2, 1], "alpha": 0.5})", "2.1")),
        std::nullopt);
}

TEST(Vectors, AreWrongWhereNobodyKnowsThem) {
    const std::vector<Case> strangers{
        a_case("astrology", R"({"sign": 3})", "1"),
        a_case("expected shortfall", R"({"losses": [2, 1]})", "2"),
        a_case("expected shortfall", R"({"losses": [2, 1], "alpha": 0.5, "more": 1})", "2"),
        a_case("expected shortfall", R"({"losses": [2, 1], "alpha": 0.5})", R"({"es": 2})"),
        a_case("expected shortfall", R"({"losses": [2, "1"], "alpha": 0.5})", "2"),
        a_case("spec golden", R"({"positions": {"GOLD": 1}})", R"({"IM": 1})"),
        a_case("spec golden", R"({"positions": {"BTC": 1}})", R"({"XY": 1})"),
        a_case("black76/bsm",
               R"({"cp": "X", "forward": 1, "strike": 1, "t_years": 1, "r": 0, "vol": 1})", "1"),
        a_case("correlated default (Vasicek)",
               R"({"pd": 0.1, "rho": 0.2, "lgd": 1, "q": 0.9, "formula": "magic"})", "1"),
        a_case("house loss distribution",
               R"({"losses": [1], "pds": [0.1], "rho": 0.2, "factor": "other"})", R"({"p0": 1})")};
    for (const auto& one : strangers) {
        EXPECT_NE(wrong_with(one), std::nullopt) << one.family << ' ' << one.inputs;
    }
}

}  // namespace
}  // namespace crossclear::vectors
