#include "base/rng.hpp"
#include "ledger/netting/machine.hpp"
#include "tests/ledger/netting/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace crossclear::ledger::netting {
namespace {

using namespace builders;
using base::Amount;

/// Random figures, notices and clocks, truthful or not.
struct NettingTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() { return a_house().id; }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return a_house(); }

    static Amount random_amount(base::Rng& rng, std::uint64_t below) {
        return Amount{static_cast<std::int64_t>(rng.below(below))};
    }

    static Command random_balance(base::Rng& rng) {
        Balance balance = a_balance({a_line(usdc, 1'000), a_line(eth, 1'000)});
        for (auto& line : balance.cover) {
            line.backing = random_amount(rng, 5'000);
            line.partitions = {{first, random_amount(rng, 300), random_amount(rng, 50)},
                               {second, random_amount(rng, 300), {}}};
        }
        balance.exposures = {an_exposure(static_cast<std::int64_t>(rng.below(800)) - 400)};
        balance.exposures.front().is_contract = rng.below(4) == 0;
        if (rng.below(2) == 0) balance.exposures.front().whole_before = random_amount(rng, 9);
        return balance;
    }

    static Command random_margins(base::Rng& rng) {
        const MarginPolicy policy{.venue = here,
                                  .asset = usdc,
                                  .floor = Amount{20},
                                  .share = base::Ppm{200'000},
                                  .slack = base::Ppm{250'000}};
        return KeepMargins{.lines = {{.policy = policy,
                                      .value = random_amount(rng, 500),
                                      .due = random_amount(rng, 10),
                                      .held = random_amount(rng, 500)}},
                           .cover = {a_line(usdc, 2'000)},
                           .now = {}};
    }

    static Command random_departure(base::Rng& rng) {
        const DepartureKey withdrawal{.account = base::AccountId{17},
                                      .number = static_cast<std::uint32_t>(rng.below(6))};
        const base::Timestamp at{static_cast<std::int64_t>(rng.below(200'000)) * 1'000'000};
        if (rng.below(4) == 0) return CloseDeparture{.withdrawal = withdrawal, .at = at};
        if (rng.below(8) == 0) return KeepDepartures{.open = {withdrawal}, .at = at};
        return ReviewDeparture{
            .withdrawal = withdrawal,
            .departure = {.asset = usdc, .amount = random_amount(rng, 60), .shard = here},
            .holdings = Amount{400},
            .suspended = {},
            .on_shard = Amount{200},
            .in_flight = {},
            .hedged = {},
            .is_current = rng.below(5) > 0,
            .hour_max = base::Ppm{250'000},
            .day_max = base::Ppm{500'000},
            .at = at};
    }

    // Of two contracts that end at 5; few enough commands that their ids are used again.
    static Command random_price(base::Rng& rng) {
        const base::CommandId id{.hi = rng.below(9)};
        const base::AssetId contract{static_cast<std::uint16_t>(7 + rng.below(2))};
        const base::Timestamp at{static_cast<std::int64_t>(rng.below(60))};
        if (rng.below(3) == 0) {
            FixPrices fix{.at = at};
            if (rng.below(2) == 0) fix.events = {{.outcomes = {{{7}}, {{8}}}, .sum = {1}}};
            return fix;
        }
        if (rng.below(3) == 0) {
            return DisputePrice{.id = base::CommandId{.hi = 9, .lo = 1},
                                .contract = contract,
                                .reason = rng.below(4) == 0 ? "" : "it ended otherwise",
                                .at = at};
        }
        return ProposePrice{.id = id,
                            .contract = contract,
                            .price = {static_cast<std::int64_t>(rng.below(4)) - 1},
                            .price_max = {1},
                            .expires_at = {5},
                            .dispute_for = {static_cast<std::int64_t>(rng.below(20))},
                            .at = at};
    }

    static Command random_command(base::Rng& rng, const State& state) {
        if (!state.is_founded) {
            return Found{.lines = {{here, usdc, Amount{100}, Source::capital}},
                         .margins = {{here, usdc, Amount{40}}},
                         .at = {}};
        }
        switch (rng.below(14)) {
            case 11:
            case 12:
                return random_price(rng);
            case 8:
            case 9:
                return random_departure(rng);
            case 7:
                return random_margins(rng);
            case 0: {
                auto deposit = told(static_cast<Finality>(rng.below(5)), rng.below(12));
                deposit.notice.id = rng.below(4);
                return deposit;
            }
            case 1:
                return AcknowledgeDeposit{.deposit = rng.below(4),
                                          .shard = here,
                                          .finality = static_cast<Finality>(rng.below(5))};
            case 2:
                return a_variation(1 + rng.below(10),
                                   static_cast<std::int64_t>(rng.below(60)) - 40);
            case 3:
                return LevelShards{
                    .lines = {{here, usdc, random_amount(rng, 60), Amount{30}, Amount{50}},
                              {there, usdc, Amount{400}, Amount{10}, Amount{50}}},
                    .now = {}};
            case 4:
                return CloseHedge{.number = 1 + rng.below(state.numbers + 1),
                                  .filled = random_amount(rng, 50),
                                  .at = {}};
            case 5:
                return CloseMove{
                    .number = 1 + rng.below(state.numbers + 1), .is_settled = true, .at = {}};
            case 6:
                return BookResult{.settlement = usdc,
                                  .conv = Amount{static_cast<std::int64_t>(rng.below(9)) - 4},
                                  .vm = Amount{2},
                                  .at = {}};
            case 10:
                return BearLoss{.asset = usdc,
                                .loss = Amount{static_cast<std::int64_t>(rng.below(9))},
                                .capital = Amount{static_cast<std::int64_t>(rng.below(9)) - 2},
                                .insurance = Amount{static_cast<std::int64_t>(rng.below(9)) - 2},
                                .at = {}};
            default:
                return random_balance(rng);
        }
    }

    // Figures come with the command: the same figures again mean that as much is wanted again.
    static bool is_idempotent(const Command& command) {
        return !std::holds_alternative<Balance>(command) &&
               !std::holds_alternative<BookResult>(command) &&
               !std::holds_alternative<BearLoss>(command);
    }

    /// Found from the facts alone, not by asking `outstanding`: a deposit's news by the account's
    /// word or by later news, a total by a larger one, what was opened by its end.
    static bool is_answered(const State& state, const Effect& effect) {
        if (const auto* told = std::get_if<TellDeposit>(&effect)) {
            const auto found = state.deposits.find({told->shard, told->deposit});
            return found == state.deposits.end() || found->second.recorded != told->finality;
        }
        if (const auto* quota = std::get_if<TellQuota>(&effect)) {
            return state.granted.at({quota->partition, quota->asset}) > quota->granted_total;
        }
        if (const auto* open = std::get_if<OpenHedge>(&effect)) {
            return !state.hedges.contains(open->task.number);
        }
        if (const auto* off = std::get_if<CallOffHedge>(&effect)) {
            return !state.hedges.contains(off->number);
        }
        // Nobody says that a last price was heard: it is told for ever.
        if (std::holds_alternative<TellPrice>(effect)) return false;
        return !state.moves.contains(std::get<OpenMove>(effect).move.number);
    }
};

MACHINE_LAWS(Netting, NettingTraits);

// Goal: whatever is wanted, promises stay within what stood behind them when they were made.
TEST(NettingLaws, GrantsNeverExceedTheirBacking) {
    tests::expect_law([](std::uint64_t seed, std::size_t steps) -> std::optional<std::string> {
        tests::History<NettingTraits> history{seed};
        for (std::size_t step = 0; step < steps; ++step) {
            const auto command = history.next_command();
            const auto before = history.state();
            history.run(command);
            const auto* balance = std::get_if<Balance>(&command);
            if (balance == nullptr) continue;
            for (const auto& line : balance->cover) {
                const auto was = promised(before, line);
                const auto now = promised(history.state(), line);
                if (*now > *was && *now > line.backing) return "more is promised than is there";
            }
        }
        return std::nullopt;
    });
}

}  // namespace
}  // namespace crossclear::ledger::netting
