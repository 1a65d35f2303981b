#include "base/rng.hpp"
#include "ledger/book.hpp"
#include "ledger/hedge/machine.hpp"
#include "ledger/instruction/machine.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/reconcile/machine.hpp"
#include "tests/ledger/hedge/builders.hpp"
#include "tests/ledger/instruction/builders.hpp"
#include "tests/ledger/netting/builders.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

// Shards that tell anything: no figure of theirs stops the process, breaks a machine, or is booked
// where it would leave the books unlike what was asked for.

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::Rng;

constexpr std::uint64_t seeds = 3'000;
constexpr std::int64_t most = figure_max.v;

// Any figure, most of them where something ends.
std::int64_t any_figure(Rng& rng) {
    constexpr std::array<std::int64_t, 14> ends{0,
                                                1,
                                                -1,
                                                10,
                                                50,
                                                60,
                                                -60,
                                                most,
                                                most + 1,
                                                -most,
                                                -most - 1,
                                                tests::int64_max,
                                                tests::int64_min,
                                                tests::int64_min + 1};
    if (rng.below(4) == 0) return static_cast<std::int64_t>(rng.next());
    return ends[rng.below(ends.size())];
}

// Spoils some of the figures of a word that was true.
void spoil(Rng& rng, OrderNotice& notice) {
    const auto sometimes = [&](std::int64_t& figure) {
        if (rng.below(4) == 0) figure = any_figure(rng);
    };
    sometimes(notice.given.v);
    sometimes(notice.received.v);
    sometimes(notice.filled.v);
    sometimes(notice.price.v);
    sometimes(notice.gas.v);
    if (rng.below(8) == 0) notice.block = rng.next();
    if (rng.below(8) == 0) notice.refusal = ShardRefusal::reverted;
}

template <class Event>
void book_all(Book& book, base::EntityId entity, const std::vector<Event>& events) {
    for (const auto& event : events) fold(book, Entry{entity, event});
}

// What every machine and every book has to say afterwards.
template <class State>
void expect_whole(const State& state, const Book& book, std::uint64_t seed) {
    const auto breach = check_invariants(state);
    EXPECT_EQ(breach, std::nullopt) << "seed " << seed;
    std::map<base::AssetId, base::Wide> sums;
    for (const auto& [key, amount] : book.trial) sums[key.asset] += amount;
    for (const auto& [asset, sum] : sums) EXPECT_TRUE(sum == 0) << "seed " << seed;
    for (const auto& [where, seen] : book.shards) {
        // Whatever block is looked at.
        for (const auto& past : seen.recent) (void)at_block(seen, past.block);
    }
}

// Two slices of a task on its way, of each kind in turn. They trade at about 9.9 a unit.
hedge::PlanHedge a_task(std::uint64_t seed) {
    namespace of = hedge::builders;
    auto plan = seed % 3 == 0   ? of::a_plan()
                : seed % 3 == 1 ? of::a_sale()
                                : of::a_short_contract();
    plan.bound = base::Price{(plan.quantity.v > 0 ? 10 : 9) * base::power_of_ten(9)};
    return plan;
}

OrderNotice a_true_word(const hedge::State& state, std::uint32_t number) {
    auto notice = hedge::builders::a_notice(number, Finality::final);
    const auto quantity = state.terms.slices[number - 1].quantity;
    const Amount size = base::magnitude(quantity);
    const Amount cash{size.v * 9};
    notice.price = base::Price{9 * base::power_of_ten(9)};
    notice.given_asset = hedge::given_asset_of(state.terms);
    notice.received_asset = hedge::received_asset_of(state.terms);
    notice.filled = state.terms.is_contract ? quantity : Amount{};
    if (!state.terms.is_contract) {
        notice.given = quantity.v > 0 ? cash : size;
        notice.received = quantity.v > 0 ? size : cash;
    }
    return notice;
}

TEST(HostileShard, BooksNoFillBeyondWhatATaskAskedFor) {
    std::uint64_t believed = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        Rng rng{seed};
        hedge::State state = hedge::builders::sent(a_task(seed));
        Book book;
        for (int told = 0; told < 12; ++told) {
            auto notice = a_true_word(state, static_cast<std::uint32_t>(1 + rng.below(2)));
            spoil(rng, notice);
            const hedge::NoteOrder word{.notice = notice,
                                        .at = base::Timestamp{30},
                                        .belief = {.gas_max = Amount{100},
                                                   .received_max = figure_max,
                                                   .scales = Belief::Scales{}}};
            const auto decision = hedge::decide(state, word);
            if (!decision) {
                EXPECT_TRUE(hedge::accuses_shard(decision.error())) << "seed " << seed;
                continue;
            }
            for (const auto& event : *decision) {
                hedge::apply(state, event);
                const auto* filled = std::get_if<hedge::SliceFilled>(&event);
                if (filled == nullptr) continue;
                ++believed;
                EXPECT_LE(filled->received, Amount{1'000}) << "seed " << seed;
                EXPECT_LE(filled->gas, Amount{100}) << "seed " << seed;
            }
            book_all(book, state.id, *decision);
        }
        expect_whole(state, book, seed);
    }
    EXPECT_GT(believed, seeds / 2) << "what is true is believed";
}

TEST(HostileShard, BooksNoLegOtherThanItWasAskedFor) {
    namespace of = instruction::builders;
    std::uint64_t believed = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        Rng rng{seed};
        instruction::State state = of::uncreated();
        of::run(state, seed % 2 == 0 ? of::a_move() : of::a_payment());
        Book book;
        for (int told = 0; told < 12; ++told) {
            of::run(state, instruction::Advance{.now = base::Timestamp{told}});
            auto word = of::success(static_cast<std::uint32_t>(1'000 + rng.below(3)));
            spoil(rng, word.notice);
            word.belief.gas_max = Amount{100};
            auto arrived = of::arrival(Amount{rng.below(2) == 0 ? 50 : any_figure(rng)});
            const auto decision = rng.below(3) == 0 ? instruction::decide(state, arrived)
                                                    : instruction::decide(state, word);
            if (!decision) continue;
            for (const auto& event : *decision) {
                instruction::apply(state, event);
                const auto* leg = std::get_if<instruction::LegFinal>(&event);
                if (leg == nullptr) continue;
                ++believed;
                EXPECT_EQ(leg->amount, Amount{50}) << "seed " << seed;
                EXPECT_LE(leg->gas, Amount{100}) << "seed " << seed;
            }
            book_all(book, state.id, *decision);
        }
        expect_whole(state, book, seed);
    }
    EXPECT_GT(believed, seeds / 2) << "what is true is believed";
}

netting::RecordVariations any_variations(Rng& rng, std::uint64_t known) {
    auto command = netting::builders::a_variation(known + 1, any_figure(rng));
    command.lines.push_back(
        netting::builders::a_variation(known + 2, any_figure(rng)).lines.front());
    for (auto& line : command.lines) {
        line.notice.block = rng.next();
        if (rng.below(4) == 0) line.notice.closed = Amount{any_figure(rng)};
    }
    return command;
}

TEST(HostileShard, BooksNoVariationOrDepositThatNoBooksHold) {
    namespace of = netting::builders;
    std::uint64_t believed = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        Rng rng{seed};
        netting::State state = of::a_house();
        Book book;
        for (int told = 0; told < 24; ++told) {
            netting::Command command;
            if (rng.below(2) == 0) {
                command = any_variations(rng, state.variations[of::here]);
            } else {
                auto deposit = of::a_deposit(static_cast<Finality>(rng.below(5)), any_figure(rng));
                deposit.notice.id = rng.below(4);
                deposit.notice.block = rng.next();
                command = deposit;
            }
            const auto decision = netting::decide(state, command);
            if (!decision) continue;
            for (const auto& event : *decision) {
                netting::apply(state, event);
                if (std::holds_alternative<netting::VenueVariation>(event)) ++believed;
            }
            book_all(book, state.id, *decision);
            for (const auto& [venue, posted] : state.posted) EXPECT_LE(posted, figure_max);
        }
        expect_whole(state, book, seed);
        EXPECT_EQ(fault_of(book), std::nullopt) << "seed " << seed;
    }
    EXPECT_GT(believed, seeds / 2) << "what can be is believed";
}

TEST(HostileShard, IsComparedWhateverItTells) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        Rng rng{seed};
        reconcile::State state;
        state.id =
            base::entity_of(base::EntityKind::reconcile, base::BrokerId{0}, base::ShardId{1});
        Book book;
        for (std::uint64_t block = 1; block < 12; ++block) {
            reconcile::Compare look{.block = block, .lines = {}, .at = {}};
            bool is_incredible = false;
            for (std::uint16_t asset = 0; asset < 3; ++asset) {
                reconcile::Line line;
                line.asset = base::AssetId{asset};
                line.shard_held.v = any_figure(rng);
                line.shard_posted.v = any_figure(rng);
                line.shard_position.v = any_figure(rng);
                line.book_held.v = any_figure(rng);
                line.explanation = reconcile::Explanation::orders;
                is_incredible = is_incredible || !is_credible(line.shard_held) ||
                                !is_credible(line.shard_posted) ||
                                !is_credible(line.shard_position);
                look.lines.push_back(line);
            }
            const auto decision = reconcile::decide(state, look);
            ASSERT_TRUE(decision.has_value()) << reconcile::name_of(decision.error());
            for (const auto& event : *decision) reconcile::apply(state, event);
            book_all(book, state.id, *decision);
            if (is_incredible) {
                EXPECT_TRUE(state.is_lane_frozen) << "seed " << seed;
            }
        }
        expect_whole(state, book, seed);
    }
}

}  // namespace
}  // namespace crossclear::ledger
