#include "bench/order_times.hpp"

#include "app/audit_log.hpp"
#include "ledger/event.hpp"
#include "ledger/instruction/state.hpp"

#include <algorithm>
#include <variant>

// The journal has the time of most events, and of an inclusion that was heard only the place in its
// order: it had happened when the next event that has a time did.

namespace crossclear::bench {
namespace {

namespace instruction = ledger::instruction;
namespace signing = ledger::signing;

template <class One>
std::optional<base::Timestamp> time_in(const One& event) {
    if constexpr (requires { base::Timestamp{event.at}; }) return event.at;
    return std::nullopt;
}

// Of any event, through the variants it stands in.
std::optional<base::Timestamp> time_of(const ledger::Event& event) {
    return std::visit(
        [](const auto& of_machine) -> std::optional<base::Timestamp> {
            if constexpr (requires { of_machine.valueless_by_exception(); }) {
                return std::visit([](const auto& one) { return time_in(one); }, of_machine);
            } else {
                return time_in(of_machine);
            }
        },
        event);
}

class Reading {
public:
    void take(const ledger::Entry& entry) {
        if (const auto at = time_of(entry.event); at && *at >= latest_) {
            latest_ = *at;
            for (const auto& ref : told_just_before_) legs_[ref].told_included = latest_;
            told_just_before_.clear();
        }
        if (const auto* leg = std::get_if<instruction::Event>(&entry.event)) {
            std::visit([&](const auto& event) { note(entry.entity, event); }, *leg);
        } else if (const auto* lane = std::get_if<signing::Event>(&entry.event)) {
            std::visit([&](const auto& event) { note(entry.entity, event); }, *lane);
        }
    }

    void end_partition() {
        latest_ = {};
        told_just_before_.clear();
    }

    [[nodiscard]] OrdersRead join(const OutsideTimes& outside) const {
        OrdersRead read;
        for (const auto& [where, slot] : slots_) {
            const auto leg = legs_.find(slot.ref);
            // Hedges' slices are orders too, of another machine.
            if (leg == legs_.end() || !leg->second.handed) continue;
            if (auto order = order_of(where.first, slot, leg->second, outside)) {
                read.orders.push_back(*order);
            } else {
                ++read.incomplete;
            }
        }
        return read;
    }

private:
    struct Leg {
        std::optional<base::Timestamp> handed;
        std::optional<base::Timestamp> told_included;
        std::optional<base::Timestamp> told_final;
    };
    struct Slot {
        base::OrderRef ref;
        std::map<std::uint32_t, signing::Hash> signed_as;
        std::optional<signing::TransactionIncluded> included;
    };

    static std::optional<OrderTimes> order_of(const base::EntityId& lane, const Slot& slot,
                                              const Leg& leg, const OutsideTimes& outside) {
        if (!slot.included || !leg.told_included || !leg.told_final) return std::nullopt;
        const auto hash = slot.signed_as.find(slot.included->number);
        const base::ShardId shard{static_cast<std::uint16_t>(lane.sub)};
        const auto blocks = outside.blocks.find(shard);
        if (hash == slot.signed_as.end() || blocks == outside.blocks.end()) return std::nullopt;
        const auto left = outside.left.find(hash->second);
        const auto& seen = blocks->second;
        const auto block = seen.by_hash.find(shards::evm::Hash{slot.included->block_hash});
        const auto deep = seen.by_number.find(slot.included->block + outside.final_after);
        const bool is_whole = left != outside.left.end() && block != seen.by_hash.end() &&
                              deep != seen.by_number.end();
        if (!is_whole) return std::nullopt;
        return OrderTimes{.lane = lane,
                          .handed = *leg.handed,
                          .left = left->second,
                          .block = block->second,
                          .final_block = deep->second,
                          .told_included = *leg.told_included,
                          .told_final = *leg.told_final};
    }

    static base::OrderRef ref_of(const base::EntityId& entity, std::uint32_t leg,
                                 std::uint32_t attempt) {
        return {.origin = entity, .number = instruction::order_number(leg, attempt)};
    }

    void note(const base::EntityId& entity, const instruction::LegSent& event) {
        legs_[ref_of(entity, event.leg, event.attempt)].handed = event.at;
    }
    void note(const base::EntityId& entity, const instruction::LegIncluded& event) {
        told_just_before_.push_back(ref_of(entity, event.leg, event.attempt));
    }
    void note(const base::EntityId& entity, const instruction::LegFinal& event) {
        if (event.kind != instruction::LegKind::order) return;
        auto& leg = legs_[ref_of(entity, event.leg, event.attempt)];
        leg.told_final = event.at;
    }
    void note(const base::EntityId& entity, const signing::IntentTaken& event) {
        slots_[{entity, event.nonce}].ref = event.ref;
    }
    void note(const base::EntityId& entity, const signing::TransactionSigned& event) {
        slots_[{entity, event.nonce}].signed_as[event.number] = event.hash;
    }
    void note(const base::EntityId& entity, const signing::TransactionIncluded& event) {
        slots_[{entity, event.nonce}].included = event;
    }
    template <class Other>
    void note(const base::EntityId&, const Other&) {}

    std::map<std::pair<base::EntityId, std::uint64_t>, Slot> slots_;
    std::map<base::OrderRef, Leg> legs_;
    base::Timestamp latest_{};
    std::vector<base::OrderRef> told_just_before_;
};

base::Duration not_negative(base::Duration span) { return std::max(span, base::Duration{}); }

}  // namespace

// Where a block was seen before its transaction was known to have left, nothing was the chain's.
base::Duration OrderTimes::ours_included() const {
    return not_negative(told_included - block) + not_negative(std::min(left, block) - handed);
}
base::Duration OrderTimes::ours_final() const {
    return not_negative(told_final - final_block) + not_negative(std::min(left, block) - handed);
}

base::Result<OrdersRead, std::string> read_orders(ledger::journal::Journal& from,
                                                  const std::string& cluster,
                                                  std::uint16_t partitions,
                                                  const OutsideTimes& outside) {
    Reading reading;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const auto fault =
            app::walk(from, cluster, base::PartitionId{i},
                      [&](const auto&, const std::vector<ledger::Entry>& entries, bool) {
                          for (const auto& entry : entries) reading.take(entry);
                      });
        if (fault) return base::Failure{fault->says};
        reading.end_partition();
    }
    return reading.join(outside);
}

}  // namespace crossclear::bench
