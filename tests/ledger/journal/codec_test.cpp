#include "ledger/journal/codec.hpp"

#include "base/rng.hpp"
#include "ledger/journal/record.pb.h"
#include "ledger/journal/state.pb.h"
#include "tests/support/payload.hpp"
#include "tests/support/random_events.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace crossclear::ledger::journal {
namespace {

namespace pb = ::crossclear::journal::v1;
using Kind = CodecError::Kind;
using tests::payload_of;

constexpr std::uint64_t rounds = 200;

std::vector<Entry> random_entries(base::Rng& rng, std::size_t count) {
    std::vector<Entry> entries;
    while (entries.size() < count) entries.push_back(tests::random_entry(rng));
    return entries;
}

/// A payload with one entry of which `change` has altered protobuf's message.
template <class Change>
std::string altered(const Entry& entry, Change change) {
    pb::Entry message;
    EXPECT_TRUE(message.ParseFromString(encode(entry)));
    change(message);
    std::string payload = begin_payload();
    append_entry(payload, message.SerializeAsString());
    return payload;
}

Kind refusal_of(std::string_view payload) {
    const auto decoded = decode_payload(payload);
    EXPECT_FALSE(decoded.has_value()) << "accepted";
    if (decoded) return Kind::malformed;
    EXPECT_FALSE(decoded.error().what.empty());
    return decoded.error().kind;
}

Entry entry_of(base::EntityKind kind, const Event& event) {
    base::Rng rng{1};
    return {.entity = tests::random_entity(rng, kind), .event = event};
}

const Entry a_withdrawal =
    entry_of(base::EntityKind::account,
             account::Event{account::WithdrawalReturned{.number = 1,
                                                        .asset = base::AssetId{2},
                                                        .amount = base::Amount{3},
                                                        .reason = ShardRefusal::expired}});

TEST(Codec, ReadsBackEveryEvent) {
    for (std::size_t alternative = 0; alternative < tests::event_alternatives(); ++alternative) {
        for (std::uint64_t seed = 0; seed < rounds; ++seed) {
            base::Rng rng{seed};
            const Entry entry = tests::random_entry(rng, alternative);
            const auto decoded = decode_payload(payload_of({entry}));
            ASSERT_TRUE(decoded) << decoded.error().what << ", alternative " << alternative
                                 << ", seed " << seed;
            ASSERT_EQ(*decoded, std::vector{entry}) << alternative << ", seed " << seed;
        }
    }
}

RC_GTEST_PROP(Codec, ReadsBackABatchInOrder, (std::uint64_t seed)) {
    base::Rng rng{seed};
    const auto entries = random_entries(rng, 20);
    const auto decoded = decode_payload(payload_of(entries));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == entries);
}

// Goal: entries are joined without being encoded again; what comes out must be what protobuf itself
// would have written, so that any tool with record.proto can read a journal.
RC_GTEST_PROP(Codec, JoinsEntriesAsProtobufDoes, (std::uint64_t seed)) {
    base::Rng rng{seed};
    pb::Record record;
    record.set_version(record_version);
    std::string payload = begin_payload();
    for (const Entry& entry : random_entries(rng, 20)) {
        const std::string bytes = encode(entry);
        RC_ASSERT(record.add_entries()->ParseFromString(bytes));
        append_entry(payload, bytes);
    }
    RC_ASSERT(payload == record.SerializeAsString());
}

TEST(Codec, FramesEntriesOfEveryLength) {
    for (const std::size_t size : {0u, 1u, 127u, 128u, 16'383u, 16'384u, 300'000u}) {
        auto entry = entry_of(base::EntityKind::reconcile,
                              reconcile::Event{reconcile::BreakClosed{
                                  .asset = {}, .reason = std::string(size, 'x'), .at = {}}});
        const auto decoded = decode_payload(payload_of({entry, a_withdrawal}));
        ASSERT_TRUE(decoded) << size;
        EXPECT_EQ(*decoded, (std::vector{entry, a_withdrawal})) << size;
    }
}

TEST(Codec, GivesEqualEntriesEqualBytes) {
    for (std::size_t alternative = 0; alternative < tests::event_alternatives(); ++alternative) {
        for (std::uint64_t seed = 0; seed < rounds; ++seed) {
            base::Rng first{seed};
            base::Rng second{seed};
            ASSERT_EQ(encode(tests::random_entry(first, alternative)),
                      encode(tests::random_entry(second, alternative)));
        }
    }
}

TEST(Codec, ReadsAnEmptyRecord) {
    const auto decoded = decode_payload(begin_payload());
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->empty());
}

// Goal: bytes that were accepted are the bytes that would be written, so that a record cannot say
// more than its entries do.
TEST(Codec, RefusesWhatItWouldNotHaveWritten) {
    const std::string entry = encode(a_withdrawal);
    const auto framed = [](const std::string& bytes) {
        std::string payload = begin_payload();
        append_entry(payload, bytes);
        return payload;
    };
    EXPECT_EQ(refusal_of(framed(entry + "\x20\x01")), Kind::malformed) << "a field from nowhere";
    EXPECT_EQ(refusal_of(framed(entry + entry)), Kind::malformed) << "everything twice";
    EXPECT_EQ(refusal_of(framed("\x18" + std::string(1, '\0') + entry)), Kind::malformed)
        << "a default that is spelt out";
    EXPECT_EQ(refusal_of(framed(entry) + "\x18\x01"), Kind::malformed) << "after the entries";
    EXPECT_EQ(refusal_of(std::string("\x08\x81\x00", 3)), Kind::malformed) << "a padded version";
    EXPECT_EQ(refusal_of(begin_payload() + std::string("\x12\x80\x00", 3)), Kind::malformed)
        << "a padded length";
    EXPECT_EQ(refusal_of(framed(entry) + begin_payload()), Kind::malformed) << "a second version";
}

TEST(Codec, RefusesATruncatedRecordAtEveryByte) {
    base::Rng rng{7};
    const auto entries = random_entries(rng, 8);
    std::vector<std::string> boundaries{begin_payload()};
    for (const Entry& entry : entries) {
        boundaries.push_back(boundaries.back());
        append_entry(boundaries.back(), encode(entry));
    }
    const std::string whole = boundaries.back();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto decoded = decode_payload(std::string_view(whole).substr(0, size));
        // Between two entries a shorter record is a record; the chain's digest knows better.
        bool is_boundary = false;
        for (const auto& boundary : boundaries) is_boundary |= boundary.size() == size;
        ASSERT_EQ(decoded.has_value(), is_boundary) << size;
        if (!decoded) {
            ASSERT_EQ(decoded.error().kind, Kind::malformed) << size;
        } else {
            ASSERT_TRUE(std::equal(decoded->begin(), decoded->end(), entries.begin())) << size;
        }
    }
}

// Goal: damaged bytes may decode to something else, which the chain's digest finds; they may not
// crash, and what is accepted must be written back the same.
TEST(Codec, SurvivesFlippedBytes) {
    base::Rng rng{11};
    for (std::size_t alternative = 0; alternative < tests::event_alternatives(); ++alternative) {
        const std::string whole = payload_of({tests::random_entry(rng, alternative)});
        for (std::size_t at = 0; at < whole.size(); ++at) {
            for (int bit = 0; bit < 8; ++bit) {
                std::string damaged = whole;
                damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
                const auto decoded = decode_payload(damaged);
                if (!decoded) continue;
                ASSERT_EQ(payload_of(*decoded), damaged);
            }
        }
    }
}

RC_GTEST_PROP(Codec, SurvivesAnyBytes, (const std::string& bytes)) {
    const auto bare = decode_payload(bytes);
    const auto framed = decode_payload(begin_payload() + bytes);
    if (framed) RC_ASSERT(payload_of(*framed) == begin_payload() + bytes);
    static_cast<void>(bare);
    static_cast<void>(decode_state(bytes));
}

TEST(Codec, RefusesARecordWithoutItsVersion) {
    EXPECT_EQ(refusal_of(""), Kind::malformed);
    EXPECT_EQ(refusal_of(std::string_view("\x08\x00", 2)), Kind::malformed);
    EXPECT_EQ(refusal_of(payload_of({a_withdrawal}).substr(2)), Kind::malformed);
}

TEST(Codec, RefusesANewerVersionBeforeLookingAtItsEntries) {
    EXPECT_EQ(refusal_of("\x08\x02"), Kind::newer_version);
    EXPECT_EQ(refusal_of("\x08\x02 and nothing that version 1 could read"), Kind::newer_version);
    EXPECT_EQ(refusal_of("\x08\xff\xff\xff\xff\x0f"), Kind::newer_version);
}

TEST(Codec, RefusesAnEventThatItDoesNotKnow) {
    EXPECT_EQ(refusal_of(altered(a_withdrawal, [](pb::Entry& entry) { entry.clear_event(); })),
              Kind::unknown_event);
    // Number 199 with an empty message: an account's event of a later release.
    std::string bytes = encode(a_withdrawal);
    pb::Entry without;
    ASSERT_TRUE(without.ParseFromString(bytes));
    without.clear_event();
    std::string payload = begin_payload();
    append_entry(payload, without.SerializeAsString() + std::string("\xba\x0c\x00", 3));
    EXPECT_EQ(refusal_of(payload), Kind::unknown_event);
}

TEST(Codec, RefusesAnEventOfAnotherMachine) {
    base::Rng rng{3};
    for (std::size_t alternative = 0; alternative < tests::event_alternatives(); ++alternative) {
        const Entry entry = tests::random_entry(rng, alternative);
        for (std::uint32_t kind = 1; kind <= 8; ++kind) {
            if (kind == static_cast<std::uint32_t>(entry.entity.kind)) continue;
            const std::string payload = altered(entry, [&](pb::Entry& message) {
                message.set_kind(kind);
                message.set_id(1);
                message.set_sub(0);
            });
            EXPECT_EQ(refusal_of(payload), Kind::out_of_range) << alternative << " as " << kind;
        }
    }
}

TEST(Codec, RefusesAnEntityThatCannotBe) {
    const auto with = [](std::uint32_t kind, std::uint64_t id, std::uint32_t sub) {
        return altered(a_withdrawal, [=](pb::Entry& entry) {
            entry.set_kind(kind);
            entry.set_id(id);
            entry.set_sub(sub);
        });
    };
    EXPECT_EQ(refusal_of(with(0, 1, 0)), Kind::out_of_range);
    EXPECT_EQ(refusal_of(with(9, 1, 0)), Kind::out_of_range);
    EXPECT_EQ(refusal_of(with(257, 1, 0)), Kind::out_of_range) << "1 in its low byte";
    EXPECT_EQ(refusal_of(with(1, 1, 1)), Kind::out_of_range) << "an account has no parts";
    EXPECT_EQ(refusal_of(with(2, 65'536, 0)), Kind::out_of_range) << "no such broker";
    EXPECT_EQ(refusal_of(with(7, 1, 65'536)), Kind::out_of_range) << "no such shard";
}

TEST(Codec, RefusesNumbersThatTheirTypesDoNotHave) {
    const auto with_asset = [](std::uint32_t asset) {
        return altered(a_withdrawal, [=](pb::Entry& entry) {
            entry.mutable_withdrawal_returned()->set_asset(asset);
        });
    };
    const auto with_reason = [](std::uint32_t reason) {
        return altered(a_withdrawal, [=](pb::Entry& entry) {
            entry.mutable_withdrawal_returned()->set_reason(reason);
        });
    };
    EXPECT_TRUE(decode_payload(with_asset(65'535)));
    EXPECT_EQ(refusal_of(with_asset(65'536)), Kind::out_of_range);
    EXPECT_EQ(refusal_of(with_asset(65'538)), Kind::out_of_range) << "2 in its low bits";
    EXPECT_TRUE(decode_payload(with_reason(7)));
    EXPECT_EQ(refusal_of(with_reason(8)), Kind::out_of_range);
    EXPECT_EQ(refusal_of(with_reason(256)), Kind::out_of_range) << "0 in its low byte";
}

TEST(Codec, RefusesADigestOfAnotherSize) {
    const Entry entry = entry_of(base::EntityKind::hedge, hedge::Event{hedge::HedgeCommitted{}});
    for (const std::size_t size : {0u, 31u, 33u}) {
        const std::string payload = altered(entry, [&](pb::Entry& message) {
            *message.mutable_hedge_committed()->mutable_commitment() = std::string(size, 'x');
        });
        EXPECT_EQ(refusal_of(payload), Kind::out_of_range) << size;
    }
}

TEST(Codec, TellsAnAbsentBeneficiaryFromAnEmptyOne) {
    instruction::InstructionCreated created;
    const Entry absent = entry_of(base::EntityKind::instruction, instruction::Event{created});
    created.beneficiary = base::EntityId{.kind = base::EntityKind::withdrawal};
    const Entry present = entry_of(base::EntityKind::instruction, instruction::Event{created});
    EXPECT_NE(encode(absent), encode(present));
    EXPECT_EQ(*decode_payload(payload_of({absent, present})), (std::vector{absent, present}));
}

TEST(CodecDeathTest, WritesNothingThatItWouldNotRead) {
    Entry foreign = a_withdrawal;
    foreign.entity = base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 1);
    EXPECT_DEATH(static_cast<void>(encode(foreign)), "under its own machine");

    Entry shapeless = a_withdrawal;
    shapeless.entity.sub = 1;
    EXPECT_DEATH(static_cast<void>(encode(shapeless)), "only what can be read back");

    Entry unlisted = a_withdrawal;
    account::WithdrawalReturned returned;
    returned.reason = static_cast<ShardRefusal>(99);
    unlisted.event = account::Event{returned};
    EXPECT_DEATH(static_cast<void>(encode(unlisted)), "only what can be read back");
}

TEST(StateCodec, ReadsBackEveryState) {
    for (std::uint64_t seed = 0; seed < rounds; ++seed) {
        base::Rng rng{seed};
        const account::State state = tests::random_state(rng, seed % 12);
        const std::string bytes = encode_state(state);
        const auto decoded = decode_state(bytes);
        ASSERT_TRUE(decoded) << decoded.error().what << ", seed " << seed;
        ASSERT_EQ(*decoded, state) << seed;
        ASSERT_EQ(encode_state(*decoded), bytes) << seed;
    }
}

TEST(StateCodec, RefusesOtherVersions) {
    std::string bytes = encode_state({});
    EXPECT_EQ(decode_state("").error().kind, Kind::malformed);
    bytes[0] = 0;
    EXPECT_EQ(decode_state(bytes).error().kind, Kind::malformed);
    bytes[0] = static_cast<char>(state_version + 1);
    EXPECT_EQ(decode_state(bytes).error().kind, Kind::newer_version);
}

TEST(StateCodec, SurvivesTruncationAndFlippedBytes) {
    base::Rng rng{5};
    const std::string whole = encode_state(tests::random_state(rng, 3));
    for (std::size_t at = 0; at < whole.size(); ++at) {
        // A state cut between two fields is a smaller state; the snapshot's checksum knows better.
        const auto shorter = decode_state(std::string_view(whole).substr(0, at));
        if (shorter) {
            ASSERT_NE(encode_state(*shorter), whole);
        }
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
        const auto decoded = decode_state(damaged);
        if (decoded) {
            ASSERT_EQ(encode_state(*decoded), damaged);
        }
    }
}

TEST(StateCodec, RefusesMapsThatAreNotInOrder) {
    const auto refusal = [](std::uint32_t first, std::uint32_t second) {
        pb::AccountState message;
        message.mutable_floor();
        message.add_contracts()->set_asset(first);
        message.add_contracts()->set_asset(second);
        std::string bytes(1, static_cast<char>(state_version));
        bytes += message.SerializeAsString();
        return decode_state(bytes);
    };
    EXPECT_TRUE(refusal(1, 2));
    EXPECT_EQ(refusal(2, 1).error().kind, Kind::malformed);
    EXPECT_EQ(refusal(1, 1).error().kind, Kind::malformed);
    EXPECT_EQ(refusal(1, 65'536).error().kind, Kind::out_of_range);
}

}  // namespace
}  // namespace crossclear::ledger::journal
