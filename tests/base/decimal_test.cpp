#include "base/decimal.hpp"

#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>

namespace crossclear::base {
namespace {

using tests::int64_max;
using tests::int64_min;

TEST(ParseDecimal, ReadsWhatTheWireAllows) {
    const struct {
        const char* text;
        int scale;
        std::int64_t value;
    } table[] = {
        {"0", 0, 0},
        {"-0", 2, 0},
        {"1", 2, 100},
        {"-1", 2, -100},
        {"1.5", 2, 150},
        {"0.01", 2, 1},
        {"-0.01", 2, -1},
        {"1.50", 1, 15},
        {"1.000000000000000000", 0, 1},
        {"9223372036854775807", 0, int64_max},
        {"-9223372036854775808", 0, int64_min},
        {"9223372036.854775807", 9, int64_max},
        {"-9223372036.854775808", 9, int64_min},
    };
    for (const auto& row : table) {
        const auto value = parse_decimal(row.text, row.scale);
        ASSERT_TRUE(value.has_value()) << row.text;
        EXPECT_EQ(*value, row.value) << row.text;
    }
}

TEST(ParseDecimal, RefusesWhatIsNoNumber) {
    for (const char* text : {"",
                             "-",
                             "+1",
                             ".",
                             "1.",
                             ".5",
                             "-.5",
                             "01",
                             "00",
                             "-01",
                             "1e3",
                             "1E3",
                             "0x10",
                             " 1",
                             "1 ",
                             "1,5",
                             "1.2.3",
                             "--1",
                             "nan",
                             "inf",
                             "1_000",
                             "\xC2\xBD",
                             "1.0000000000000000000",
                             "1234567890123456789012"}) {
        const auto value = parse_decimal(text, 9);
        ASSERT_FALSE(value.has_value()) << text;
        EXPECT_EQ(value.error(), DecimalError::malformed) << text;
    }
    EXPECT_EQ(parse_decimal(std::string_view("1\0", 2), 2).error(), DecimalError::malformed);
}

TEST(ParseDecimal, NeverRounds) {
    EXPECT_EQ(parse_decimal("0.001", 2).error(), DecimalError::over_precise);
    EXPECT_EQ(parse_decimal("1.000000000000000001", 9).error(), DecimalError::over_precise);
    EXPECT_EQ(parse_decimal("0.1", 0).error(), DecimalError::over_precise);
}

TEST(ParseDecimal, RefusesWhatDoesNotFit) {
    EXPECT_EQ(parse_decimal("9223372036854775808", 0).error(), DecimalError::out_of_range);
    EXPECT_EQ(parse_decimal("-9223372036854775809", 0).error(), DecimalError::out_of_range);
    EXPECT_EQ(parse_decimal("9223372036.854775808", 9).error(), DecimalError::out_of_range);
    EXPECT_EQ(parse_decimal("999999999999999999999", 0).error(), DecimalError::out_of_range);
    EXPECT_EQ(parse_decimal("9223372037", 9).error(), DecimalError::out_of_range);
}

TEST(FormatDecimal, WritesTheShortestText) {
    EXPECT_EQ(format_decimal(0, 0), "0");
    EXPECT_EQ(format_decimal(0, 9), "0");
    EXPECT_EQ(format_decimal(150, 2), "1.5");
    EXPECT_EQ(format_decimal(100, 2), "1");
    EXPECT_EQ(format_decimal(100, 0), "100");
    EXPECT_EQ(format_decimal(-1, 2), "-0.01");
    EXPECT_EQ(format_decimal(int64_max, 9), "9223372036.854775807");
    EXPECT_EQ(format_decimal(int64_min, 9), "-9223372036.854775808");
    EXPECT_EQ(format_decimal(int64_min, 0), "-9223372036854775808");
}

RC_GTEST_PROP(Decimal, WhatIsWrittenReadsBack, ()) {
    const auto value = *rc::gen::arbitrary<std::int64_t>();
    const auto scale = *rc::gen::inRange(0, 10);
    const auto read = parse_decimal(format_decimal(value, scale), scale);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == value);
}

}  // namespace
}  // namespace crossclear::base
