#include "ledger/journal/codec.hpp"
#include "ledger/journal/record.pb.h"
#include "tests/support/random_events.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// Journals that were written must be read for ever. tests/golden/README.md says what the files hold
// and what to do when these tests fail.

namespace crossclear::ledger::journal {
namespace {

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4];
        text += digits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::string from_hex(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

std::string golden_path(const std::string& name, std::uint32_t version) {
    return fmt::format("{}/tests/golden/{}_v{}.hex", CROSSCLEAR_SOURCE_DIR, name, version);
}

std::string read_golden(const std::string& name, std::uint32_t version) {
    std::ifstream file(golden_path(name, version));
    EXPECT_TRUE(file) << golden_path(name, version);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Compares, and leaves what is written now where it can be looked at.
void expect_golden(const std::string& name, std::uint32_t version, const std::string& now) {
    if (read_golden(name, version) == now) return;
    const std::string path = testing::TempDir() + name + "_now.hex";
    std::ofstream(path) << now;
    ADD_FAILURE() << "not the bytes of " << golden_path(name, version)
                  << "; what is written now is in " << path;
}

/// Lines of a number and hex text, in order.
std::vector<std::pair<int, std::string>> lines_of(const std::string& text) {
    std::vector<std::pair<int, std::string>> lines;
    std::istringstream in(text);
    int number = 0;
    std::string hex;
    while (in >> number >> hex) lines.emplace_back(number, from_hex(hex));
    return lines;
}

int event_number(const std::string& entry_bytes) {
    ::crossclear::journal::v1::Entry entry;
    EXPECT_TRUE(entry.ParseFromString(entry_bytes));
    return static_cast<int>(entry.event_case());
}

TEST(Golden, EntriesAreWrittenAsTheyAlwaysWere) {
    std::map<int, std::string> lines;  // By number, so that the order of variants does not matter.
    for (std::size_t i = 0; i < tests::event_alternatives(); ++i) {
        const std::string bytes = encode(tests::counted_entry(i));
        lines[event_number(bytes)] = to_hex(bytes);
    }
    EXPECT_EQ(lines.size(), tests::event_alternatives()) << "each event has a number of its own";
    std::string now;
    for (const auto& [number, hex] : lines) now += std::to_string(number) + " " + hex + "\n";
    expect_golden("journal", record_version, now);
}

TEST(Golden, EntriesOfEveryVersionAreRead) {
    for (std::uint32_t version = 1; version <= record_version; ++version) {
        for (const auto& [number, bytes] : lines_of(read_golden("journal", version))) {
            std::string payload{'\x08', static_cast<char>(version)};
            append_entry(payload, bytes);
            const auto decoded = decode_payload(payload);
            ASSERT_TRUE(decoded) << number << " of version " << version << ": "
                                 << decoded.error().what;
            ASSERT_EQ(decoded->size(), 1u);
            EXPECT_EQ(encode(decoded->front()), bytes) << number << " of version " << version;
        }
    }
}

TEST(Golden, EntriesMeanWhatTheyDid) {
    std::map<int, Entry> meant;
    for (std::size_t i = 0; i < tests::event_alternatives(); ++i) {
        const Entry entry = tests::counted_entry(i);
        meant.emplace(event_number(encode(entry)), entry);
    }
    for (const auto& [number, bytes] : lines_of(read_golden("journal", record_version))) {
        std::string payload = begin_payload();
        append_entry(payload, bytes);
        const auto decoded = decode_payload(payload);
        ASSERT_TRUE(decoded) << number;
        EXPECT_EQ(decoded->front(), meant.at(number)) << number;
    }
}

TEST(Golden, RecordsAreWrittenAsTheyAlwaysWere) {
    std::string payload = begin_payload();
    append_entry(payload, encode(tests::counted_entry(0)));
    append_entry(payload, encode(tests::counted_entry(tests::event_alternatives() - 1)));
    expect_golden("record", record_version, to_hex(payload) + "\n");
}

TEST(Golden, StatesAreWrittenAsTheyAlwaysWere) {
    expect_golden("account_state", state_version,
                  to_hex(encode_state(tests::counted_state())) + "\n");
}

TEST(Golden, StatesOfEveryVersionAreRead) {
    for (std::uint32_t version = 1; version <= state_version; ++version) {
        std::string hex = read_golden("account_state", version);
        ASSERT_FALSE(hex.empty());
        hex.pop_back();
        const auto decoded = decode_state(from_hex(hex));
        ASSERT_TRUE(decoded) << decoded.error().what;
        if (version == state_version) {
            EXPECT_EQ(*decoded, tests::counted_state());
        }
    }
}

// The names of the files of machines' states, by kind.
const std::map<base::EntityKind, std::string> entity_files = {
    {base::EntityKind::account, "account_state"},
    {base::EntityKind::netting, "netting_state"},
    {base::EntityKind::hedge, "hedge_state"},
    {base::EntityKind::instruction, "instruction_state"},
    {base::EntityKind::withdrawal, "withdrawal_state"},
    {base::EntityKind::reconcile, "reconcile_state"},
    {base::EntityKind::signing, "signing_state"}};

TEST(Golden, StatesOfAllMachinesAreWrittenAsTheyAlwaysWere) {
    for (const auto& [kind, name] : entity_files) {
        if (kind == base::EntityKind::account) continue;  // Counted without an identity, above.
        expect_golden(name, state_version,
                      to_hex(encode_entity(tests::counted_entity_state(kind))) + "\n");
    }
    expect_golden("partition_state", state_version,
                  to_hex(encode_core(tests::counted_core())) + "\n");
}

TEST(Golden, StatesOfAllMachinesAreRead) {
    for (std::uint32_t version = 1; version <= state_version; ++version) {
        for (const auto& [kind, name] : entity_files) {
            if (kind == base::EntityKind::account) continue;
            std::string hex = read_golden(name, version);
            ASSERT_FALSE(hex.empty());
            hex.pop_back();
            const auto meant = tests::counted_entity_state(kind);
            const auto decoded = decode_entity(entity_of(meant), from_hex(hex));
            ASSERT_TRUE(decoded) << name << ": " << decoded.error().what;
            if (version == state_version) {
                EXPECT_EQ(*decoded, meant) << name;
            }
        }
        std::string hex = read_golden("partition_state", version);
        hex.pop_back();
        const auto core = decode_core(from_hex(hex));
        ASSERT_TRUE(core) << core.error().what;
        EXPECT_EQ(core->machines, tests::counted_core().machines);
    }
}

}  // namespace
}  // namespace crossclear::ledger::journal
