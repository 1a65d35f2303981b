#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/account/events.hpp"
#include "ledger/cover/events.hpp"
#include "ledger/hedge/events.hpp"
#include "ledger/instruction/events.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/reconcile/events.hpp"
#include "ledger/signing/events.hpp"
#include "ledger/withdrawal/events.hpp"

#include <cstdint>
#include <variant>
#include <vector>

/// Everything a journal can hold.

namespace crossclear::ledger {

/// A new owner took the partition: the first record of its epoch, and what makes older tails final.
struct EpochStarted {
    std::uint64_t epoch{};
    base::Timestamp at;
    friend bool operator==(const EpochStarted&, const EpochStarted&) = default;
};

/// One machine's event. Exactly one alternative fits the kind of the entity beside it.
using Event =
    std::variant<account::Event, cover::Event, netting::Event, hedge::Event, instruction::Event,
                 withdrawal::Event, reconcile::Event, signing::Event, EpochStarted>;

/// An event and whose it is: the unit of the journal. A record holds a batch of them in order.
struct Entry {
    base::EntityId entity;
    Event event;

    friend bool operator==(const Entry&, const Entry&) = default;
};

/// `account.TradeNovated` and the like, for dumps and traces.
[[nodiscard]] const char* name_of(const Event& event);

}  // namespace crossclear::ledger
