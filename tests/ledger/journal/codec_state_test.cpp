#include "base/rng.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/journal/state.pb.h"
#include "tests/support/random_events.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

// States of every machine and of a partition: what account_state's tests say, for all of them.

namespace crossclear::ledger::journal {
namespace {

namespace pb = ::crossclear::journal::v1;
using Kind = CodecError::Kind;

constexpr std::uint64_t state_rounds = 200;

TEST(EntityCodec, ReadsBackEveryState) {
    for (const auto kind : tests::kinds_with_state()) {
        for (std::uint64_t seed = 0; seed < state_rounds; ++seed) {
            base::Rng rng{seed};
            const auto state = tests::random_entity_state(rng, kind, seed % 12);
            const std::string bytes = encode_entity(state);
            const auto decoded = decode_entity(entity_of(state), bytes);
            ASSERT_TRUE(decoded) << decoded.error().what << ", kind " << static_cast<int>(kind)
                                 << ", seed " << seed;
            ASSERT_EQ(*decoded, state) << static_cast<int>(kind) << ", seed " << seed;
        }
    }
}

TEST(EntityCodec, RefusesAnotherMachinesState) {
    for (const auto kind : tests::kinds_with_state()) {
        const auto state = tests::counted_entity_state(kind);
        auto other = entity_of(state);
        other.id += 1;
        EXPECT_EQ(decode_entity(other, encode_entity(state)).error().kind, Kind::out_of_range);
    }
}

TEST(EntityCodec, RefusesOtherVersions) {
    for (const auto kind : tests::kinds_with_state()) {
        const auto state = tests::counted_entity_state(kind);
        std::string bytes = encode_entity(state);
        bytes[0] = static_cast<char>(state_version + 1);
        EXPECT_EQ(decode_entity(entity_of(state), bytes).error().kind, Kind::newer_version);
        EXPECT_EQ(decode_entity(entity_of(state), "").error().kind, Kind::malformed);
    }
}

// What is accepted must be what would be written; damage that decodes is the checksum's business.
TEST(EntityCodec, SurvivesTruncationAndFlippedBytes) {
    for (const auto kind : tests::kinds_with_state()) {
        base::Rng rng{5};
        const auto state = tests::random_entity_state(rng, kind, 4);
        const auto entity = entity_of(state);
        const std::string whole = encode_entity(state);
        for (std::size_t at = 0; at < whole.size(); ++at) {
            const auto shorter = decode_entity(entity, std::string_view(whole).substr(0, at));
            if (shorter) {
                ASSERT_NE(encode_entity(*shorter), whole);
            }
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
            const auto decoded = decode_entity(entity, damaged);
            if (decoded) {
                ASSERT_EQ(encode_entity(*decoded), damaged);
            }
        }
    }
}

TEST(CoreCodec, ReadsBackEveryCore) {
    for (std::uint64_t seed = 0; seed < state_rounds; ++seed) {
        base::Rng rng{seed};
        const Core core = tests::random_core(rng, seed % 12);
        const std::string bytes = encode_core(core);
        const auto decoded = decode_core(bytes);
        ASSERT_TRUE(decoded) << decoded.error().what << ", seed " << seed;
        ASSERT_EQ(encode_core(*decoded), bytes) << seed;
        // One after the other, so that a failure says where; and whatever is added later.
        ASSERT_EQ(decoded->machines, core.machines) << seed;
        ASSERT_EQ(decoded->book.trial, core.book.trial) << seed;
        ASSERT_EQ(decoded->book.quotas, core.book.quotas) << seed;
        ASSERT_TRUE(decoded->book.claims == core.book.claims) << seed;
        ASSERT_EQ(decoded->book.contracts, core.book.contracts) << seed;
        ASSERT_EQ(decoded->book.hedged, core.book.hedged) << seed;
        ASSERT_TRUE(*decoded == core) << seed;
    }
}

TEST(CoreCodec, SurvivesTruncationAndFlippedBytes) {
    const std::string whole = encode_core(tests::counted_core());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto shorter = decode_core(std::string_view(whole).substr(0, at));
        if (shorter) {
            ASSERT_NE(encode_core(*shorter), whole);
        }
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
        const auto decoded = decode_core(damaged);
        if (decoded) {
            ASSERT_EQ(encode_core(*decoded), damaged);
        }
    }
}

RC_GTEST_PROP(CoreCodec, SurvivesAnyBytes, (const std::string& bytes)) {
    const auto decoded = decode_core(bytes);
    if (decoded) RC_ASSERT(encode_core(*decoded) == bytes);
}

TEST(CoreCodec, RefusesAccountsThatAreNotInOrder) {
    const auto with = [](std::uint64_t distance) {
        pb::PartitionState message;
        message.add_accounts(5);
        message.add_accounts(distance);
        std::string bytes(1, static_cast<char>(state_version));
        bytes += message.SerializeAsString();
        return decode_core(bytes);
    };
    EXPECT_TRUE(with(1));
    EXPECT_EQ(with(0).error().kind, Kind::malformed) << "twice";
    EXPECT_EQ(with(~std::uint64_t{0}).error().kind, Kind::malformed) << "back";
}

TEST(CoreCodec, RefusesRowsOfNoMachines) {
    const auto with = [](std::initializer_list<std::pair<base::EntityId, std::uint64_t>> rows) {
        pb::PartitionState message;
        for (const auto& [first, more] : rows) {
            auto& row = *message.add_machines();
            row.mutable_first()->set_kind(static_cast<std::uint32_t>(first.kind));
            row.mutable_first()->set_id(first.id);
            row.mutable_first()->set_sub(first.sub);
            row.set_more(more);
        }
        std::string bytes(1, static_cast<char>(state_version));
        bytes += message.SerializeAsString();
        return decode_core(bytes);
    };
    const auto task = [](std::uint64_t number) {
        return base::EntityId{.kind = base::EntityKind::hedge, .id = number, .sub = 0};
    };
    ASSERT_TRUE(with({{task(5), 3}}));
    EXPECT_TRUE(with({{task(5), 3}})->machines.known.contains(task(8)));
    EXPECT_FALSE(with({{task(5), 3}, {task(9), 0}})) << "would be one row";
    EXPECT_FALSE(with({{task(5), 3}, {task(7), 0}})) << "twice";
    EXPECT_FALSE(with({{task(9), 0}, {task(5), 1}})) << "not in order";
    EXPECT_FALSE(with({{task(5), ~std::uint64_t{0}}})) << "beyond the line's end";
    EXPECT_FALSE(with({{base::entity_of(base::AccountId{5}), 0}})) << "accounts have their own";
}

// What the owner of a queue has asked accounts for ends with it.
TEST(CoreCodec, LeavesOutWhatWasAsked) {
    Core core;
    auto& queue = core.book.claims[{}];
    add_claim(queue, {.account = base::AccountId{7},
                      .trade = 3,
                      .amount = base::Amount{10},
                      .asked = {},
                      .settle_by = base::Timestamp{5}});
    const std::string before = encode_core(core);
    ASSERT_NE(next_unasked(queue), nullptr);
    note_asked(queue, base::Amount{4});
    EXPECT_EQ(encode_core(core), before);
    auto decoded = decode_core(before);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(next_unasked(decoded->book.claims[{}])->asked, base::Amount{0});
}

TEST(CoreCodec, RefusesClaimsThatNobodyCouldMake) {
    const auto with = [](std::uint64_t number, std::int64_t amount) {
        pb::PartitionState message;
        auto& claims = *message.add_claims();
        claims.set_numbered(2);
        auto& claim = *claims.add_claims();
        claim.set_number(number);
        claim.set_amount(amount);
        std::string bytes(1, static_cast<char>(state_version));
        bytes += message.SerializeAsString();
        return decode_core(bytes);
    };
    EXPECT_TRUE(with(2, 1));
    EXPECT_EQ(with(0, 1).error().kind, Kind::out_of_range);
    EXPECT_EQ(with(3, 1).error().kind, Kind::out_of_range) << "beyond the latest";
    EXPECT_EQ(with(2, 0).error().kind, Kind::out_of_range);
}

}  // namespace
}  // namespace crossclear::ledger::journal
