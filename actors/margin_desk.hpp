#pragma once

#include "actors/context.hpp"
#include "actors/routed_messages.hpp"
#include "ledger/book.hpp"
#include "ledger/event.hpp"
#include "risk/watch.hpp"

#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

/// Which of a partition's accounts have to look at their margin, and what those that have would
/// leave unpaid. For the journal's host, which knows who has a contract or a debt; nobody else can
/// lose more than it holds.

namespace crossclear::actors {

/// **Thread:** its host's.
class MarginDesk {
public:
    explicit MarginDesk(const Context* context) : context_(context) {}

    /// At a start: everybody on the list is looked at within `risk::Watch::let_alone_max`, first
    /// who stands below the margin.
    void start(const ledger::Book& book);
    /// An event is in the books. What only moves an account's dollars from one place to another
    /// (variation, cover) makes nobody due.
    void note(const ledger::Book& book, const ledger::Entry& entry);
    /// An account has looked.
    void keep(const MarginKept& kept);
    /// Who is due on the latest surfaces, each as the answer that is expected of it.
    [[nodiscard]] std::vector<MarginKept> take_due();
    /// What a broker's accounts here would leave unpaid, as they said last.
    [[nodiscard]] PartitionRisk risk_of(base::BrokerId broker) const;
    /// The same in the states of the stress book; nothing where it was said a moment ago, as far as
    /// there is much of it.
    [[nodiscard]] std::optional<PartitionStress> take_stress(base::BrokerId broker);

private:
    /// What an account said that has looked.
    struct Said {
        risk::kernel::Shortfalls shortfalls;
        risk::kernel::ClientStress stress;
        float worst_usd{};  ///< Of the stress.
        bool is_below_maintenance{};
    };
    struct Clients {
        risk::Watch watch;
        std::unordered_map<base::AccountId, Said> said;
        std::unordered_set<base::AccountId> waiting;  ///< Since the start, for their first look.
        std::uint64_t stress_waits{};                 ///< So many askings yet.
    };
    const Context* context_;
    std::map<base::BrokerId, Clients> brokers_;
};

}  // namespace crossclear::actors
