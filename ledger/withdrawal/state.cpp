#include "ledger/withdrawal/state.hpp"

namespace crossclear::ledger::withdrawal {

base::EntityId instruction_of(const State& state) {
    return base::EntityId{.kind = base::EntityKind::instruction,
                          .id = state.terms.account.v,
                          .sub = state.terms.number};
}

}  // namespace crossclear::ledger::withdrawal
