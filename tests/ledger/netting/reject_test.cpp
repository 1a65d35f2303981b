#include "ledger/belief.hpp"
#include "ledger/netting/machine.hpp"
#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

// Why the house refuses, and in which order it looks.

namespace crossclear::ledger::netting {
namespace {

using namespace builders;
using base::Amount;

constexpr Amount most{INT64_MAX};
constexpr Amount least{INT64_MIN};

struct Refusal {
    const char* claim;
    Reject reject;
    State state;
    Command command;
};

template <class Kind, class Change>
Kind changed(Kind command, Change change) {
    change(command);
    return command;
}

ReviewDeparture a_departure() {
    return ReviewDeparture{
        .withdrawal = {.account = client, .number = 1},
        .departure = {.asset = usdc, .amount = Amount{10}, .shard = here},
        .holdings = Amount{1'000},
        .suspended = {},
        .on_shard = Amount{1'000},
        .in_flight = {},
        .hedged = {},
        .is_current = true,
        .hour_max = base::Ppm{250'000},
        .day_max = base::Ppm{250'000},
        .at = {},
    };
}

KeepMargins a_look_at_margins(std::int64_t value, std::int64_t due) {
    return KeepMargins{.lines = {{.policy = {.venue = here,
                                             .asset = usdc,
                                             .floor = Amount{1},
                                             .share = base::Ppm{200'000},
                                             .slack = base::Ppm{250'000}},
                                  .value = Amount{value},
                                  .due = Amount{due},
                                  .held = Amount{500}}},
                       .cover = {a_line(usdc, 1'000)},
                       .now = {}};
}

State after(const std::vector<Command>& commands) {
    State state = a_house();
    for (const auto& command : commands) run(state, command);
    return state;
}

// So much of USDC is promised to each of the two partitions.
State promising(Amount amount) {
    State state = a_house();
    state.granted[{first, usdc}] = amount;
    state.granted[{second, usdc}] = amount;
    return state;
}

State with_posted(Amount amount) {
    State state = a_house();
    state.posted[{here, usdc}] = amount;
    return state;
}

// So much ETH has been deposited with one of the partitions.
State depositing(Amount amount) {
    State state = a_house();
    state.deposited[{second, eth}] = amount;
    return state;
}

// A shard that has promised more than it has, and wants more than 64 bits hold.
LevelShards a_look_at_shards(std::int64_t target) {
    return {.lines = {{here, usdc, Amount{5}, Amount{10}, Amount{50}},
                      {there, usdc, Amount{6}, Amount{0}, Amount{target}}},
            .now = {}};
}

State leaving_there(Amount amount) {
    State state = a_house();
    state.moves[1] = MoveOpened{.number = 1,
                                .purpose = instruction::Purpose::move,
                                .from = there,
                                .to = base::ShardId{2},
                                .asset = usdc,
                                .amount = amount,
                                .at = {}};
    return state;
}

// The next settlement of the venue and one with a gap before it.
RecordVariations with_gap(std::int64_t change) {
    auto command = a_variation(1, change);
    command.lines.push_back(a_variation(3).lines.front());
    return command;
}

std::vector<Refusal> refused_deposits() {
    const auto of_other_broker = [](auto& c) {
        c.notice.account = base::account_id(base::BrokerId{1}, 17);
    };
    return {
        {"a deposit of nothing", Reject::amount_must_be_positive, a_house(),
         changed(a_deposit(Finality::seen, 0), of_other_broker)},
        {"a negative deposit", Reject::figures_incredible, after({a_deposit(Finality::seen)}),
         a_deposit(Finality::included, -50)},
        {"a deposit of another broker's client", Reject::deposit_of_other_broker,
         after({a_deposit(Finality::seen)}), changed(a_deposit(Finality::final), of_other_broker)},
        {"another account", Reject::deposit_contradicts_record, after({a_deposit(Finality::seen)}),
         changed(a_deposit(Finality::final), [](auto& c) { c.notice.account.v += 1; })},
        {"another asset", Reject::deposit_contradicts_record, after({a_deposit(Finality::seen)}),
         changed(a_deposit(Finality::final), [](auto& c) { c.notice.asset = usdc; })},
        {"another amount", Reject::deposit_contradicts_record, after({a_deposit(Finality::seen)}),
         a_deposit(Finality::final, INT64_MAX)},
        {"more than the books hold", Reject::figures_out_of_range, a_house(),
         a_deposit(Finality::seen, INT64_MAX / 2 + 1)},
        {"the same with what others have paid in", Reject::figures_out_of_range,
         depositing(Amount{INT64_MAX / 2 - 49}), a_deposit(Finality::final)},
    };
}

std::vector<Refusal> refused_starts() {
    const Found nothing{
        .lines = {{here, usdc, Amount{0}, Source::capital}}, .margins = {}, .at = {}};
    const Found negative{.lines = {{here, usdc, Amount{5}, Source::capital},
                                   {here, eth, Amount{-5}, Source::capital}},
                         .margins = {},
                         .at = {}};
    const Found no_margin{.lines = {{here, usdc, Amount{5}, Source::capital}},
                          .margins = {{here, usdc, Amount{-1}}},
                          .at = {}};
    const Found too_much{.lines = {{here, usdc, Amount{INT64_MAX / 2}, Source::capital},
                                   {there, usdc, Amount{1}, Source::insurance},
                                   {here, eth, Amount{0}, Source::capital}},
                         .margins = {},
                         .at = {}};
    return {{"no capital", Reject::amount_must_be_positive, a_house(), nothing},
            {"negative capital", Reject::amount_must_be_positive, a_house(), negative},
            {"negative margin", Reject::amount_must_be_positive, a_house(), no_margin},
            {"capital beyond the books", Reject::figures_out_of_range, a_house(), too_much}};
}

std::vector<Refusal> refused_figures() {
    auto reserve = a_line(usdc, INT64_MIN + 5);
    reserve.reserve = Amount{6};
    auto taken_back = a_line(usdc, 100);
    taken_back.partitions = {{first, {}, most}, {second, {}, most}};
    auto margins = a_look_at_margins(10, 10);
    margins.cover = {a_line(usdc, -5)};
    return {
        {"promises beyond 64 bits", Reject::figures_out_of_range, promising(most),
         a_balance({a_line(usdc, 100)})},
        {"more taken back than was promised", Reject::figures_out_of_range, a_house(),
         a_balance({taken_back})},
        {"a backing that promises lead out of range", Reject::figures_out_of_range,
         promising(Amount{5}), a_balance({a_line(usdc, INT64_MIN)})},
        {"a reserve that leads there", Reject::figures_out_of_range, a_house(),
         a_balance({reserve})},
        {"cover of margin", Reject::figures_out_of_range, promising(Amount{INT64_MAX / 2}),
         margins},
        {"what is wanted with what is due", Reject::figures_out_of_range, a_house(),
         a_look_at_margins(1'000, INT64_MAX)},
        {"what is wanted with its slack", Reject::figures_out_of_range, a_house(),
         a_look_at_margins(1'000, INT64_MAX - 1'000)},
        {"what a shard could spare", Reject::figures_out_of_range, leaving_there(Amount{8}),
         a_look_at_shards(INT64_MAX)},
        {"margin beyond 64 bits", Reject::figures_incredible, with_posted(most), with_gap(1)},
        {"margin that no books hold", Reject::figures_incredible, with_posted(figure_max),
         with_gap(1)},
        {"a gain that no venue pays", Reject::figures_incredible, a_house(),
         with_gap(INT64_MAX / 2 + 1)},
        {"a loss that no venue takes", Reject::figures_incredible, a_house(), with_gap(INT64_MIN)},
        {"a liquidation with a gain", Reject::figures_incredible, a_house(),
         changed(with_gap(1), [](auto& c) { c.lines.front().notice.closed = Amount{1}; })},
        {"a position that nobody had", Reject::figures_incredible, a_house(),
         changed(with_gap(-1), [](auto& c) { c.lines.front().notice.closed = least; })},
    };
}

std::vector<Refusal> refused_events_of_venues_and_clients() {
    return {
        {"a loss before its margin", Reject::variation_ahead_of_margin, a_house(), with_gap(-1)},
        {"a number is missing", Reject::variation_out_of_order, a_house(), a_variation(2)},
        {"the next after a gap", Reject::variation_out_of_order, after({a_variation(1)}),
         a_variation(3, -1)},
        {"nothing departs", Reject::amount_must_be_positive, a_house(),
         changed(a_departure(),
                 [](auto& c) {
                     c.departure.amount = Amount{0};
                     c.suspended = Amount{1};
                 })},
        {"tokens are missing", Reject::gate_is_closed, a_house(),
         changed(a_departure(),
                 [](auto& c) {
                     c.suspended = Amount{1};
                     c.is_current = false;
                 })},
        {"beyond the hour", Reject::gate_is_closed, a_house(),
         changed(a_departure(),
                 [](auto& c) {
                     c.hour_max = base::Ppm{9'999};
                     c.is_current = false;
                 })},
        {"beyond the day", Reject::gate_is_closed, a_house(),
         changed(a_departure(),
                 [](auto& c) {
                     c.day_max = base::Ppm{9'999};
                     c.is_current = false;
                 })},
        {"figures that are behind", Reject::departure_not_covered, a_house(),
         changed(a_departure(), [](auto& c) { c.is_current = false; })},
        {"too little on the shard", Reject::departure_not_covered, a_house(),
         changed(a_departure(), [](auto& c) { c.on_shard = Amount{9}; })},
    };
}

// In order of precedence: each command also breaks a later rule where it can.
TEST(NettingReject, IsGivenForEachBrokenCondition) {
    std::set<Reject> given;
    for (const auto& part : {refused_starts(), refused_deposits(), refused_figures(),
                             refused_events_of_venues_and_clients()}) {
        for (const auto& [claim, reject, state, command] : part) {
            SCOPED_TRACE(claim);
            const auto decision = decide(state, command);
            ASSERT_FALSE(decision.has_value());
            EXPECT_EQ(decision.error(), reject) << name_of(decision.error());
            given.insert(reject);
        }
    }
    for (std::uint16_t number = 1; number <= 9; ++number) {
        const auto reject = static_cast<Reject>(number);
        EXPECT_TRUE(given.contains(reject)) << "no row for " << name_of(reject);
    }
}

// Goal: the bounds are where 64 bits end, and not a unit earlier.
TEST(NettingReject, FiguresThatJustFitAreTaken) {
    EXPECT_TRUE(decide(with_posted(Amount{figure_max.v - 1}), a_variation(1, 1)).has_value());
    EXPECT_TRUE(decide(with_posted(most), a_variation(1, -1)).has_value());
    EXPECT_TRUE(decide(promising(Amount{INT64_MAX / 2}), a_balance({a_line(usdc, 0)})).has_value());
    EXPECT_TRUE(decide(a_house(), a_balance({a_line(usdc, least.v)})).has_value());
    EXPECT_TRUE(decide(leaving_there(Amount{7}), a_look_at_shards(INT64_MAX)).has_value());
    EXPECT_TRUE(
        decide(depositing(Amount{INT64_MAX / 2 - 50}), a_deposit(Finality::final)).has_value());
}

// Goal: hosts tell again, and say nothing, where waiting helps; everything else is worth a line.
TEST(NettingReject, OnlyWaitingForOthersIsTransient) {
    std::set<std::string> names;
    for (std::uint16_t number = 1; number <= 9; ++number) {
        const auto reject = static_cast<Reject>(number);
        names.insert(name_of(reject));
        const bool waits = reject == Reject::variation_ahead_of_margin ||
                           reject == Reject::gate_is_closed ||
                           reject == Reject::departure_not_covered;
        EXPECT_EQ(is_transient(reject), waits) << name_of(reject);
    }
    EXPECT_EQ(names.size(), 9U) << "each has a name of its own";
}

}  // namespace
}  // namespace crossclear::ledger::netting
