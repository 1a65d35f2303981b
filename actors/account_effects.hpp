#pragma once

#include "actors/messages.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/effects.hpp"

#include <optional>

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

/// What an account says to another one, as an order for that one's host; nothing where the effect
/// is about a withdrawal.
[[nodiscard]] inline std::optional<AccountOrder> order_from(const ledger::account::Effect& effect,
                                                            base::Timestamp now) {
    namespace account = ledger::account;
    if (const auto* deliver = std::get_if<account::DeliverTransfer>(&effect)) {
        return AccountOrder{.account = deliver->to,
                            .command = account::ReceiveTransfer{.from = deliver->from,
                                                                .number = deliver->number,
                                                                .asset = deliver->asset,
                                                                .amount = deliver->amount,
                                                                .at = now}};
    }
    if (const auto* proposed = std::get_if<account::ProposeMatch>(&effect)) {
        return AccountOrder{.account = proposed->seller,
                            .command = account::ReserveMatch{.buyer = proposed->buyer,
                                                             .number = proposed->number,
                                                             .cause = proposed->cause,
                                                             .instrument = proposed->instrument,
                                                             .quantity = proposed->quantity,
                                                             .price = proposed->price,
                                                             .at = now,
                                                             .terms = {}}};
    }
    if (const auto* told = std::get_if<account::TellMatch>(&effect)) {
        return AccountOrder{.account = told->seller,
                            .command = account::ConcludeMatch{.buyer = told->buyer,
                                                              .number = told->number,
                                                              .is_committed = told->is_committed,
                                                              .at = now,
                                                              .settle_by = {}}};
    }
    return std::nullopt;
}

}  // namespace crossclear::actors
