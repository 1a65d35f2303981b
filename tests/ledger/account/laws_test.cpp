#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

namespace account = ledger::account;

struct AccountTraits
    : MachineTraits<account::State, account::Command, account::Event, account::Effect> {
    static base::EntityId entity() {
        return base::entity_of(base::account_id(base::BrokerId{0}, 1));
    }
    static std::string encode(const Event& event) { return payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return event_of<Event>(payload); }
    static State initial() {
        return an_account().with_free(world::usdc, 5'000).with_free(world::eth, 500);
    }
    static Command random_command(base::Rng& rng, const State& state) {
        return random_account_command(rng, state);
    }
    /// A withdrawal's start is answered by its end, however it ends; its stop by that or a no; a
    /// transfer by its end; a match's proposal by a decision, its telling by its end.
    static bool is_answered(const State& state, const Effect& effect) {
        if (const auto* stop = std::get_if<account::StopWithdrawal>(&effect)) {
            const auto open = state.withdrawals.find(stop->number);
            return open == state.withdrawals.end() || open->second.cancels.empty();
        }
        if (const auto* deliver = std::get_if<account::DeliverTransfer>(&effect)) {
            const auto found = state.transfers.find(deliver->number);
            return found == state.transfers.end() ||
                   found->second.state != account::TransferState::pending;
        }
        if (const auto* proposed = std::get_if<account::ProposeMatch>(&effect)) {
            const auto found = state.matches.find(proposed->number);
            return found == state.matches.end() ||
                   found->second.state != account::MatchState::reserved;
        }
        if (const auto* told = std::get_if<account::TellMatch>(&effect)) {
            return !state.matches.contains(told->number);
        }
        return !state.withdrawals.contains(std::get<account::StartWithdrawal>(effect).number);
    }
    /// A grant of cover is spent once by the host that holds it: the same again is another grant.
    static bool is_idempotent(const Command& command) {
        return !std::holds_alternative<account::CoverClaims>(command);
    }
};

}  // namespace

MACHINE_LAWS(Account, AccountTraits);

}  // namespace crossclear::tests
