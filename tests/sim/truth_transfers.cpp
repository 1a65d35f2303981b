// What must hold of every transfer, event by event: it is taken or declined once, and only after it
// was sent; and the sender ends it as the receiver did.
#include "tests/sim/truth.hpp"

#include <fmt/format.h>

namespace crossclear::sim {

void Truth::check_transfer(base::AccountId account, const ledger::account::Event& event) {
    using namespace ledger::account;
    const auto blame = [&](base::AccountId sender, std::uint64_t number, const char* what) {
        stage_.blame(
            9, fmt::format("transfer {} of account {} {}", number, base::to_string(sender), what));
    };
    const auto decide = [&](base::AccountId sender, std::uint64_t number, bool is_taken) -> Sent* {
        const auto found = transfers_.find({sender, number});
        if (found == transfers_.end()) {
            blame(sender, number, "was decided before it was sent for good");
            return nullptr;
        }
        if (found->second.terms.to != account) blame(sender, number, "was decided by another");
        if (found->second.is_taken) blame(sender, number, "was decided twice");
        found->second.is_taken = is_taken;
        return &found->second;
    };
    const auto end = [&](std::uint64_t number, bool is_delivered) {
        auto& transfer = transfers_[{account, number}];
        if (transfer.has_ended) blame(account, number, "ended twice");
        if (transfer.is_taken != is_delivered) {
            blame(account, number, "ended for its sender otherwise than for its receiver");
        }
        transfer.has_ended = true;
        stage_.mark(is_delivered ? Mark::transfer_delivered : Mark::transfer_returned);
    };
    if (const auto* sent = std::get_if<TransferSent>(&event)) {
        transfers_[{account, sent->number}].terms = *sent;
    } else if (const auto* received = std::get_if<TransferReceived>(&event)) {
        const auto* transfer = decide(received->from, received->number, true);
        const bool is_same = transfer != nullptr && transfer->terms.asset == received->asset &&
                             transfer->terms.amount == received->amount;
        if (!is_same) blame(received->from, received->number, "arrived as something else");
    } else if (const auto* declined = std::get_if<TransferDeclined>(&event)) {
        static_cast<void>(decide(declined->from, declined->number, false));
    } else if (const auto* delivered = std::get_if<TransferDelivered>(&event)) {
        end(delivered->number, true);
    } else if (const auto* returned = std::get_if<TransferReturned>(&event)) {
        end(returned->number, false);
    }
}

}  // namespace crossclear::sim
