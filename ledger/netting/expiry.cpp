#include "base/check.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/wide.hpp"
#include "ledger/netting/machine.hpp"

#include <set>
#include <utility>

/// The last price of a contract.
///
/// The problem: every position in a contract ends at one price, in partitions that hear of it at
/// different times, and what it should be may be disputed for days. The idea: it is the house's
/// word, written once; what comes before is only proposed, and a dispute takes that back. The
/// subtle thing: once fixed it stays, whoever finds out what later, because accounts have been paid
/// by it.

namespace crossclear::ledger::netting {
namespace {

using base::Failure;

// The decision that identity alone allows: a repeat, or a reused id.
template <class Command>
std::optional<Decision> decide_by_identity(const Expiry* known, const Command& command) {
    if (known == nullptr) return std::nullopt;
    const auto answered = known->answered.find(command.id);
    if (answered == known->answered.end()) return std::nullopt;
    if (answered->second == body_hash(command)) return std::vector<Event>{};
    return Failure{Reject::id_reused_with_other_body};
}

const Expiry* expiry_of(const State& state, base::AssetId contract) {
    const auto found = state.expiries.find(contract);
    return found == state.expiries.end() ? nullptr : &found->second;
}

bool is_full(const Expiry* known, std::size_t kept_back = 0) {
    return known != nullptr &&
           known->answered.size() + kept_back >= base::limits::price_commands_max;
}

bool is_due(const Expiry& expiry, base::Timestamp now) {
    return expiry.phase == PricePhase::proposed && expiry.fixed_from <= now;
}

enum class Together : std::uint8_t { can_be_fixed, waits, is_mismatched };

// Who holds a share of each outcome is charged for none of them: they end together or not yet. One
// that has ended already, by an earlier release, holds up nobody.
Together look_at(const State& state, const FixPrices::Together& event, base::Timestamp now) {
    base::Wide sum = 0;
    bool are_of_one_price = true;
    for (const auto& contracts : event.outcomes) {
        for (const auto contract : contracts) {
            const auto* expiry = expiry_of(state, contract);
            if (expiry == nullptr) return Together::waits;
            if (expiry->phase == PricePhase::fixed) return Together::can_be_fixed;
            if (!is_due(*expiry, now)) return Together::waits;
            const auto* first = expiry_of(state, contracts.front());
            are_of_one_price = are_of_one_price && expiry->price == first->price;
        }
        sum += expiry_of(state, contracts.front())->price.v;
    }
    const bool do_add_up = event.is_all ? sum == event.sum.v : sum <= event.sum.v;
    return are_of_one_price && do_add_up ? Together::can_be_fixed : Together::is_mismatched;
}

// The contracts of all events that stand as wanted.
template <class Wanted>
std::set<base::AssetId> contracts_where(const State& state, const FixPrices& command,
                                        Wanted is_wanted) {
    std::set<base::AssetId> found;
    for (const auto& event : command.events) {
        if (!is_wanted(look_at(state, event, command.at))) continue;
        for (const auto& contracts : event.outcomes) {
            found.insert(contracts.begin(), contracts.end());
        }
    }
    return found;
}

}  // namespace

std::set<base::AssetId> mismatched(const State& state, const FixPrices& command) {
    return contracts_where(state, command,
                           [](Together is) { return is == Together::is_mismatched; });
}

Decision decide(const State& state, const ProposePrice& command) {
    const auto* known = expiry_of(state, command.contract);
    const bool is_of_host = command.id == base::CommandId{};
    if (is_of_host) {
        // An operator has spoken, or it has itself.
        if (known != nullptr) return std::vector<Event>{};
    } else if (auto repeat = decide_by_identity(known, command)) {
        return *std::move(repeat);
    }
    if (command.at < command.expires_at) return Failure{Reject::contract_not_expired};
    if (command.price.v < 0 || command.price > command.price_max) {
        return Failure{Reject::price_out_of_range};
    }
    if (known != nullptr && known->phase == PricePhase::fixed) {
        return Failure{Reject::price_is_fixed};
    }
    if (is_full(known)) return Failure{Reject::too_many_proposals};
    return std::vector<Event>{PriceProposed{.cause = command.id,
                                            .body = is_of_host ? 0 : body_hash(command),
                                            .contract = command.contract,
                                            .price = command.price,
                                            .fixed_from = command.at + command.dispute_for,
                                            .at = command.at}};
}

Decision decide(const State& state, const DisputePrice& command) {
    const auto* known = expiry_of(state, command.contract);
    if (auto repeat = decide_by_identity(known, command)) return *std::move(repeat);
    if (command.reason.empty()) return Failure{Reject::reason_is_missing};
    if (known == nullptr || known->phase == PricePhase::disputed) {
        return Failure{Reject::price_not_proposed};
    }
    if (known->phase == PricePhase::fixed) return Failure{Reject::price_is_fixed};
    // What is disputed must still be proposed again.
    if (is_full(known, 1)) return Failure{Reject::too_many_proposals};
    return std::vector<Event>{PriceDisputed{.cause = command.id,
                                            .body = body_hash(command),
                                            .contract = command.contract,
                                            .reason = command.reason,
                                            .at = command.at}};
}

Decision decide(const State& state, const FixPrices& command) {
    const auto waiting =
        contracts_where(state, command, [](Together is) { return is != Together::can_be_fixed; });
    std::vector<Event> events;
    for (const auto& [contract, expiry] : state.expiries) {
        if (!is_due(expiry, command.at) || waiting.contains(contract)) continue;
        events.emplace_back(
            PriceFixed{.contract = contract, .price = expiry.price, .at = command.at});
    }
    return events;
}

std::uint64_t body_hash(const ProposePrice& command) {
    std::uint64_t hash = base::hash_combine(0, 1);  // The kind of command.
    hash = base::hash_combine(hash, command.contract.v);
    return base::hash_combine(hash, static_cast<std::uint64_t>(command.price.v));
}

std::uint64_t body_hash(const DisputePrice& command) {
    std::uint64_t hash = base::hash_combine(0, 2);  // The kind of command.
    hash = base::hash_combine(hash, command.contract.v);
    return base::hash_combine(hash, base::fnv1a(command.reason));
}

void apply_one(State& state, const PriceProposed& event) {
    auto& expiry = state.expiries[event.contract];
    CHECK(expiry.phase != PricePhase::fixed, "a last price is proposed until it is fixed");
    expiry.phase = PricePhase::proposed;
    expiry.price = event.price;
    expiry.fixed_from = event.fixed_from;
    expiry.at = event.at;
    if (event.cause != base::CommandId{}) expiry.answered.emplace(event.cause, event.body);
}

void apply_one(State& state, const PriceDisputed& event) {
    const auto found = state.expiries.find(event.contract);
    CHECK(found != state.expiries.end() && found->second.phase == PricePhase::proposed,
          "what is proposed is disputed");
    found->second.phase = PricePhase::disputed;
    found->second.at = event.at;
    found->second.answered.emplace(event.cause, event.body);
}

void apply_one(State& state, const PriceFixed& event) {
    const auto found = state.expiries.find(event.contract);
    CHECK(found != state.expiries.end() && found->second.phase == PricePhase::proposed &&
              found->second.price == event.price,
          "what is proposed is fixed");
    found->second.phase = PricePhase::fixed;
    found->second.at = event.at;
}

}  // namespace crossclear::ledger::netting
