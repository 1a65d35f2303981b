#include "base/limits.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

const std::vector<Reject> all_rejects{Reject::none,
                                      Reject::id_reused_with_other_body,
                                      Reject::id_too_old,
                                      Reject::id_too_far_ahead,
                                      Reject::quantity_must_be_positive,
                                      Reject::notional_out_of_range,
                                      Reject::instrument_not_offered,
                                      Reject::contract_has_expired,
                                      Reject::destination_not_allowed,
                                      Reject::price_is_stale,
                                      Reject::price_outside_limit,
                                      Reject::account_is_close_only,
                                      Reject::too_much_open,
                                      Reject::holding_insufficient,
                                      Reject::margin_insufficient,
                                      Reject::withdrawal_unknown,
                                      Reject::withdrawal_not_found,
                                      Reject::withdrawal_has_ended,
                                      Reject::withdrawal_is_sent,
                                      Reject::shard_is_paused,
                                      Reject::receiver_not_allowed,
                                      Reject::receiver_unknown,
                                      Reject::transfer_unknown,
                                      Reject::counterparty_not_allowed,
                                      Reject::match_unknown,
                                      Reject::match_timed_out};

/// One reason and how a client, a host or time takes it away.
template <class Asked>
struct Step {
    Reject reason;
    std::function<void(State&, Asked&)> fix;
};

/// Walks a command that violates everything to one that is accepted, fixing one thing at a time.
template <class Asked>
void walk(State state, Asked command, const std::vector<Step<Asked>>& steps) {
    for (const auto& step : steps) {
        const Decision decision = decide(state, command);
        ASSERT_EQ(reason_of(decision), step.reason)
            << name_of(reason_of(decision)) << " instead of " << name_of(step.reason);
        EXPECT_EQ(decision.has_value(), depends_on_the_moment(step.reason)) << name_of(step.reason);
        step.fix(state, command);
    }
    const Decision decision = decide(state, command);
    ASSERT_TRUE(decision.has_value());
    EXPECT_EQ(decision->size(), 1U);
    EXPECT_EQ(reason_of(decision), Reject::none);
}

/// As though answers up to `floor` had been evicted.
void raise_floor(State& state, base::CommandId floor) {
    std::erase_if(state.answered, [floor](const auto& entry) { return entry.first <= floor; });
    state.floor = floor;
}

State with_full_memory_of_claims(base::AssetId asset) {
    auto account = an_account();
    for (std::size_t i = 1; i < base::limits::claims_max; ++i) account.with_claim(asset, 1);
    return account;
}

// Goal: the first reason that holds is given, in the order of `Reject`, and it is journaled exactly
// where it depends on the moment.
TEST(AccountReject, GivesTheFirstReasonAgainstATradeInOrder) {
    State state = with_full_memory_of_claims(world::usdc);
    SubmitTrade command = a_trade(65, world::eth, -10, 20);
    SubmitTrade other = a_contract_trade(65, 1, 2);
    other.terms.fee = Amount{0};  // It would use up a claim.
    run(state, other);
    raise_floor(state, an_id(60));
    command.received_at = base::Timestamp{base::made_at(an_id(70)).us - 301'000'000};
    command.quantity = Amount{0};
    command.limit = base::Price{world::mark.v + 1};
    command.terms.does_cash_fit = false;
    command.terms.is_offered = false;
    command.terms.has_expired = true;
    command.terms.is_price_fresh = false;
    command.terms.is_close_only = true;
    command.terms.is_shard_paused = true;
    command.terms.is_within_limits = false;
    command.terms.has_margin = false;

    using Fix = Step<SubmitTrade>;
    walk(
        state, command,
        std::vector<Fix>{
            {Reject::id_reused_with_other_body, [](State&, auto& c) { c.id = an_id(55); }},
            {Reject::id_too_old, [](State&, auto& c) { c.id = an_id(70); }},
            {Reject::id_too_far_ahead, [](State&, auto& c) { c.received_at = world::now; }},
            {Reject::quantity_must_be_positive, [](State&, auto& c) { c.quantity = Amount{-10}; }},
            {Reject::notional_out_of_range, [](State&, auto& c) { c.terms.does_cash_fit = true; }},
            {Reject::instrument_not_offered, [](State&, auto& c) { c.terms.is_offered = true; }},
            {Reject::contract_has_expired, [](State&, auto& c) { c.terms.has_expired = false; }},
            {Reject::price_is_stale, [](State&, auto& c) { c.terms.is_price_fresh = true; }},
            {Reject::price_outside_limit, [](State&, auto& c) { c.limit = world::mark; }},
            {Reject::account_is_close_only, [](State&, auto& c) { c.terms.is_close_only = false; }},
            {Reject::shard_is_paused, [](State&, auto& c) { c.terms.is_shard_paused = false; }},
            {Reject::too_much_open, [](State&, auto& c) { c.terms.is_within_limits = true; }},
            {Reject::too_much_open,
             [](State& s, auto&) {
                 run(s, CoverClaims{.asset = world::usdc, .amount = Amount{1}, .at = {}});
             }},
            {Reject::holding_insufficient,
             [](State& s, auto&) {
                 run(s, a_deposit(1, world::eth, 10, ledger::Finality::final));
             }},
            {Reject::margin_insufficient, [](State&, auto& c) { c.terms.has_margin = true; }}});
}

TEST(AccountReject, GivesTheFirstReasonAgainstAWithdrawalInOrder) {
    State state = an_account().with_debt(5);
    RequestWithdrawal command = a_withdrawal(65, world::eth, 10);
    run(state, a_contract_trade(65, 1, 2));
    raise_floor(state, an_id(60));
    command.received_at = base::Timestamp{base::made_at(an_id(70)).us - 301'000'000};
    command.amount = Amount{-1};
    command.is_destination_allowed = false;
    command.is_shard_paused = true;
    command.is_price_fresh = false;
    command.has_margin = false;
    State full = state;
    full.withdrawals_count = base::limits::withdrawals_open_max;
    for (std::uint32_t n = 1; n <= base::limits::withdrawals_open_max; ++n) {
        full.withdrawals[n] = {.asset = world::dai,
                               .amount = Amount{1},
                               .shard = world::shard,
                               .destination = "0xA11CE",
                               .at = world::now};
    }
    full.holdings[world::dai].held = Amount{base::limits::withdrawals_open_max};

    using Fix = Step<RequestWithdrawal>;
    walk(full, command,
         std::vector<Fix>{
             {Reject::id_reused_with_other_body, [](State&, auto& c) { c.id = an_id(55); }},
             {Reject::id_too_old, [](State&, auto& c) { c.id = an_id(70); }},
             {Reject::id_too_far_ahead, [](State&, auto& c) { c.received_at = world::now; }},
             {Reject::quantity_must_be_positive, [](State&, auto& c) { c.amount = Amount{10}; }},
             {Reject::destination_not_allowed,
              [](State&, auto& c) { c.is_destination_allowed = true; }},
             {Reject::shard_is_paused, [](State&, auto& c) { c.is_shard_paused = false; }},
             {Reject::too_much_open,
              [](State& s, auto&) { run(s, PayWithdrawal{.number = 1, .block = 1}); }},
             {Reject::holding_insufficient,
              [](State& s, auto&) {
                  run(s, a_deposit(1, world::eth, 10, ledger::Finality::final));
              }},
             {Reject::holding_insufficient,  // The debt is still there.
              [](State& s, auto&) {
                  run(s, a_deposit(2, world::dai, 10, ledger::Finality::final));
                  run(s, a_trade(80, world::dai, -10, 7));
              }},
             {Reject::price_is_stale, [](State&, auto& c) { c.is_price_fresh = true; }},
             {Reject::margin_insufficient, [](State&, auto& c) { c.has_margin = true; }}});
}

TEST(AccountReject, GivesTheFirstReasonAgainstACancelInOrder) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(65, world::eth, 1));
    run(state, a_withdrawal(66, world::eth, 1));
    run(state, PayWithdrawal{.number = 1, .block = 1});
    for (std::uint64_t n = 0; n < base::limits::cancels_undecided_max; ++n) {
        run(state, a_cancel(100 + n, 2));
    }
    raise_floor(state, an_id(60));
    CancelWithdrawal command = a_cancel(65, 3);
    command.received_at = base::Timestamp{base::made_at(an_id(70)).us - 301'000'000};

    using Fix = Step<CancelWithdrawal>;
    walk(state, command,
         std::vector<Fix>{
             {Reject::id_reused_with_other_body, [](State&, auto& c) { c.id = an_id(55); }},
             {Reject::id_too_old, [](State&, auto& c) { c.id = an_id(70); }},
             {Reject::id_too_far_ahead, [](State&, auto& c) { c.received_at = world::now; }},
             {Reject::withdrawal_not_found, [](State&, auto& c) { c.number = 1; }},
             {Reject::withdrawal_has_ended, [](State&, auto& c) { c.number = 2; }},
             {Reject::too_much_open, [](State& s, auto&) { run(s, RefuseCancel{.number = 2}); }}});
}

TEST(AccountReject, GivesTheFirstReasonAgainstATransferInOrder) {
    State state = an_account().with_debt(5);
    RequestTransfer command = a_transfer(65, world::eth, 10);
    run(state, a_contract_trade(65, 1, 2));
    raise_floor(state, an_id(60));
    command.received_at = base::Timestamp{base::made_at(an_id(70)).us - 301'000'000};
    command.amount = Amount{-1};
    command.to = state.id;
    command.is_price_fresh = false;
    command.has_margin = false;
    State full = state;
    full.transfers_count = base::limits::transfers_open_max;
    for (std::uint64_t n = 1; n <= base::limits::transfers_open_max; ++n) {
        full.transfers[n] = {.to = another_account(),
                             .asset = world::dai,
                             .amount = Amount{1},
                             .state = TransferState::pending,
                             .reason = Reject::none,
                             .at = world::now,
                             .ended_at = {}};
    }

    using Fix = Step<RequestTransfer>;
    walk(full, command,
         std::vector<Fix>{
             {Reject::id_reused_with_other_body, [](State&, auto& c) { c.id = an_id(55); }},
             {Reject::id_too_old, [](State&, auto& c) { c.id = an_id(70); }},
             {Reject::id_too_far_ahead, [](State&, auto& c) { c.received_at = world::now; }},
             {Reject::quantity_must_be_positive, [](State&, auto& c) { c.amount = Amount{10}; }},
             {Reject::receiver_not_allowed,
              [](State&, auto& c) { c.to = base::account_id(base::BrokerId{1}, 18); }},
             {Reject::receiver_not_allowed, [](State&, auto& c) { c.to = another_account(); }},
             {Reject::too_much_open,
              [](State& s, auto&) {
                  run(s, EndTransfer{.number = 1, .reason = Reject::none, .at = world::now});
              }},
             {Reject::holding_insufficient,
              [](State& s, auto&) {
                  run(s, a_deposit(1, world::eth, 10, ledger::Finality::final));
              }},
             {Reject::holding_insufficient,  // The debt is still there.
              [](State& s, auto&) {
                  run(s, a_deposit(2, world::dai, 10, ledger::Finality::final));
                  run(s, a_trade(80, world::dai, -10, 7));
              }},
             {Reject::price_is_stale, [](State&, auto& c) { c.is_price_fresh = true; }},
             {Reject::margin_insufficient, [](State&, auto& c) { c.has_margin = true; }}});
}

TEST(AccountReject, HasANameOfItsOwnForEach) {
    std::set<std::string> names;
    for (const Reject reject : all_rejects) names.insert(name_of(reject));
    EXPECT_EQ(names.size(), all_rejects.size());
}

TEST(AccountReject, ReachesTheWireAsAPublicNumber) {
    for (const Reject reject : all_rejects) {
        EXPECT_LT(wire_code(reject), 20'000) << name_of(reject);
    }
    EXPECT_EQ(wire_code(Reject::id_too_far_ahead), 11011);
    EXPECT_EQ(wire_code(Reject::notional_out_of_range), 11012);
    EXPECT_EQ(wire_code(Reject::instrument_not_offered), 11012);
    EXPECT_EQ(wire_code(Reject::contract_has_expired), 11012);
    EXPECT_EQ(wire_code(Reject::destination_not_allowed), 11012);
    EXPECT_EQ(wire_code(Reject::withdrawal_unknown), 11012);
    EXPECT_EQ(wire_code(Reject::receiver_not_allowed), 11012);
    EXPECT_EQ(wire_code(Reject::receiver_unknown), 11012);
    EXPECT_EQ(wire_code(Reject::transfer_unknown), 11012);
    EXPECT_EQ(wire_code(Reject::counterparty_not_allowed), 11012);
    EXPECT_EQ(wire_code(Reject::match_unknown), 11012);
    EXPECT_EQ(wire_code(Reject::match_timed_out), 11040);
    EXPECT_EQ(wire_code(Reject::holding_insufficient), 11021);
    EXPECT_EQ(wire_code(Reject::margin_insufficient), 11020);
    EXPECT_EQ(wire_code(Reject::shard_is_paused), 11030);
    EXPECT_EQ(wire_code(Reject::withdrawal_not_found), -32602);
    EXPECT_EQ(wire_code(Reject::withdrawal_has_ended), 11040);
    EXPECT_EQ(wire_code(Reject::withdrawal_is_sent), 11040);
}

// A clock that is put back would otherwise change an answer: refused for good here, granted by the
// next node.
TEST(AccountReject, OfAClockDecidesNothing) {
    for (const Reject reject : all_rejects) {
        EXPECT_EQ(decides_nothing(reject), reject == Reject::id_too_far_ahead) << name_of(reject);
        EXPECT_FALSE(decides_nothing(reject) && depends_on_the_moment(reject)) << name_of(reject);
    }
}

}  // namespace
}  // namespace crossclear::tests
