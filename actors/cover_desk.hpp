#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/book.hpp"
#include "ledger/event.hpp"

#include <map>
#include <vector>

namespace crossclear::actors {

/// Turns a partition's room into settled claims: asks accounts, oldest claims first, and gives back
/// what nobody claims. Remembers only what it has asked for and not heard of; a restart asks again.
class CoverDesk {
public:
    /// One account to be asked.
    struct Request {
        base::AccountId account;
        base::AssetId asset;
        base::Amount amount;
    };

    /// What may be covered now, within the room that is not asked for already.
    [[nodiscard]] std::vector<Request> next(ledger::Book& book, ledger::BrokerAsset of);
    /// A request of this size is done with, whatever was covered.
    void done(ledger::BrokerAsset of, base::Amount asked);
    /// The room that nobody claims, as the event that gives it back.
    [[nodiscard]] std::vector<ledger::Entry> surplus(ledger::Book& book);

private:
    [[nodiscard]] base::Amount free_room(const ledger::Book& book, ledger::BrokerAsset of) const;

    std::map<ledger::BrokerAsset, base::Amount> asked_;
};

}  // namespace crossclear::actors
