#include "base/command_id.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace crossclear::base {
namespace {

// The example of RFC 9562, appendix A.6.
constexpr const char* rfc_example = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// An independent writer of the ULID form: five bits a character, from the right.
std::string as_ulid(CommandId id) {
    const std::string alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string text(26, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at) {
        *at = alphabet[id.lo & 31];
        id.lo = (id.lo >> 5) | (id.hi << 59);
        id.hi >>= 5;
    }
    return text;
}

TEST(CommandIdText, ReadsTheExampleOfTheStandard) {
    const auto id = parse_command_id(rfc_example);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->hi, 0x017F22E279B07CC3ULL);
    EXPECT_EQ(id->lo, 0x98C4DC0C0C07398FULL);
    EXPECT_EQ(made_at(*id), Timestamp{1'645'557'742'000'000});
    EXPECT_EQ(to_string(*id), rfc_example);
    EXPECT_EQ(*parse_command_id(upper(rfc_example)), *id);
}

TEST(CommandIdText, ReadsTheExampleOfUlid) {
    const auto id = parse_command_id("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(made_at(*id), Timestamp{1'469'922'850'259'000});
    EXPECT_EQ(as_ulid(*id), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    EXPECT_EQ(*parse_command_id("01arz3ndektsv4rrffq69g5fav"), *id);
    EXPECT_EQ(*parse_command_id("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), (CommandId{~0ULL, ~0ULL}));
}

TEST(CommandIdText, RefusesWhatIsNeither) {
    for (const char* text :
         {"", "1", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
          "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c0739}",
          "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
          "017f22e27-9b0-7cc3-98c4-dc0c0c07398f", "01ARZ3NDEKTSV4RRFFQ69G5FA",
          "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01ARZ3NDEKTSV4RRFFQ69G5FAI",
          "01ARZ3NDEKTSV4RRFFQ69G5FAL", "01ARZ3NDEKTSV4RRFFQ69G5FAO", "81ARZ3NDEKTSV4RRFFQ69G5FAV",
          "01ARZ3NDEK-SV4RRFFQ69G5FAV"}) {
        const auto id = parse_command_id(text);
        ASSERT_FALSE(id.has_value()) << text;
        EXPECT_EQ(id.error(), CommandIdError::malformed) << text;
    }
}

TEST(CommandIdText, RefusesOtherVersionsAndVariants) {
    for (const char* text :
         {"017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-1cc3-98c4-dc0c0c07398f",
          "017f22e2-79b0-7cc3-18c4-dc0c0c07398f", "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f",
          "00000000-0000-0000-0000-000000000000"}) {
        const auto id = parse_command_id(text);
        ASSERT_FALSE(id.has_value()) << text;
        EXPECT_EQ(id.error(), CommandIdError::not_version_7) << text;
    }
}

TEST(CommandIds, OfALaterMillisecondAreLarger) {
    const auto early = make_command_id(Timestamp{1'000'000}, ~0ULL, ~0ULL);
    const auto late = make_command_id(Timestamp{1'001'000}, 0, 0);
    EXPECT_LT(early, late);
}

RC_GTEST_PROP(CommandIds, ReadBackFromBothTexts, ()) {
    const auto at_ms = *rc::gen::inRange<std::int64_t>(0, (std::int64_t{1} << 48) - 1);
    const auto id = make_command_id(Timestamp{at_ms * 1'000}, *rc::gen::arbitrary<std::uint64_t>(),
                                    *rc::gen::arbitrary<std::uint64_t>());
    RC_ASSERT(made_at(id) == Timestamp{at_ms * 1'000});
    const auto from_uuid = parse_command_id(to_string(id));
    RC_ASSERT(from_uuid.has_value());
    RC_ASSERT(*from_uuid == id);
    const auto from_ulid = parse_command_id(as_ulid(id));
    RC_ASSERT(from_ulid.has_value());
    RC_ASSERT(*from_ulid == id);
}

RC_GTEST_PROP(CommandIdText, SurvivesAnyBytes, ()) {
    const auto length = *rc::gen::elementOf(std::vector<std::size_t>{0, 25, 26, 27, 35, 36, 37});
    const auto text = *rc::gen::container<std::string>(length, rc::gen::arbitrary<char>());
    const auto id = parse_command_id(text);
    if (id && text.size() == 36)
        RC_ASSERT(to_string(*id) == [&] {
            std::string lower = text;
            for (auto& c : lower)
                c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            return lower;
        }());
}

}  // namespace
}  // namespace crossclear::base
