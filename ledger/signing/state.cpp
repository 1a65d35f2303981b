#include "ledger/signing/state.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::ledger::signing {
namespace {

std::uint64_t tenth_more(std::uint64_t wei) {
    const std::uint64_t more = wei / 10 + 1;
    const auto room = std::numeric_limits<std::uint64_t>::max() - wei;
    return more > room ? std::numeric_limits<std::uint64_t>::max() : wei + more;
}

}  // namespace

const char* name_of(Halt halt) {
    switch (halt) {
        case Halt::none:
            return "none";
        case Halt::nonce_used_elsewhere:
            return "nonce_used_elsewhere";
        case Halt::signer_altered:
            return "signer_altered";
        case Halt::signer_refuses:
            return "signer_refuses";
        case Halt::other_chain:
            return "other_chain";
        case Halt::final_block_replaced:
            return "final_block_replaced";
        case Halt::contract_changed:
            return "contract_changed";
    }
    UNREACHABLE("an unlisted halt");
}

std::optional<std::uint64_t> nonce_of(const State& state, const base::OrderRef& ref) {
    for (const auto& [nonce, slot] : state.slots) {
        if (slot.ref == ref) return nonce;
    }
    return std::nullopt;
}

const Outcome* outcome_of(const State& state, const base::OrderRef& ref) {
    const auto found = std::find_if(state.outcomes.rbegin(), state.outcomes.rend(),
                                    [&](const Outcome& outcome) { return outcome.ref == ref; });
    return found == state.outcomes.rend() ? nullptr : &*found;
}

std::optional<TransactionName> transaction_of(const State& state, const Hash& hash) {
    for (const auto& [nonce, slot] : state.slots) {
        for (std::uint32_t number = 0; number < slot.transactions.size(); ++number) {
            const Transaction& transaction = slot.transactions[number];
            if (transaction.is_signed && transaction.hash == hash) {
                return TransactionName{.nonce = nonce, .number = number};
            }
        }
    }
    return std::nullopt;
}

const Transaction* latest_signed(const Slot& slot) {
    for (auto at = slot.transactions.rbegin(); at != slot.transactions.rend(); ++at) {
        if (at->is_signed) return &*at;
    }
    return nullptr;
}

Fees replacement_of(const Fees& fees) {
    return {.tip_wei = tenth_more(fees.tip_wei), .fee_wei = tenth_more(fees.fee_wei)};
}

bool is_at_limit(const Slot& slot, const Fees& max) {
    const Transaction& latest = slot.transactions.back();
    if (latest.is_refused || slot.transactions.size() >= base::limits::signing_transactions_max) {
        return true;
    }
    const Fees least = replacement_of(latest.fees);
    return least.tip_wei > max.tip_wei || least.fee_wei > max.fee_wei;
}

}  // namespace crossclear::ledger::signing
