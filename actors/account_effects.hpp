#pragma once

#include "actors/messages.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/effects.hpp"

namespace crossclear::actors {

/// What an account asks of one of its withdrawals, as news for the withdrawal's host.
/// **Requires:** an effect that is about one.
[[nodiscard]] inline ToHome to_withdrawal(const ledger::account::Effect& effect,
                                          base::Timestamp now) {
    const auto entity = [](const auto& asked) {
        return base::EntityId{
            .kind = base::EntityKind::withdrawal, .id = asked.account.v, .sub = asked.number};
    };
    if (const auto* stop = std::get_if<ledger::account::StopWithdrawal>(&effect)) {
        return {entity(*stop), ledger::withdrawal::CancelWithdrawal{.at = now}};
    }
    const auto& start = std::get<ledger::account::StartWithdrawal>(effect);
    return {entity(start), StartWithdrawal{start}};
}

/// What an account hands over to another one, as an order for that one's host.
[[nodiscard]] inline AccountOrder to_receiver(const ledger::account::DeliverTransfer& deliver,
                                              base::Timestamp now) {
    return {.account = deliver.to,
            .command = ledger::account::ReceiveTransfer{.from = deliver.from,
                                                        .number = deliver.number,
                                                        .asset = deliver.asset,
                                                        .amount = deliver.amount,
                                                        .at = now}};
}

}  // namespace crossclear::actors
