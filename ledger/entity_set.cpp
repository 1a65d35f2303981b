#include "ledger/entity_set.hpp"

#include <iterator>
#include <limits>
#include <optional>
#include <tuple>

namespace crossclear::ledger {
namespace {

using base::EntityId;

// How many places after the first of its line's row; nothing in another line, or before it.
std::optional<std::uint64_t> place_of(const EntityId& entity, const EntityId& first) {
    if (entity.kind != first.kind || (entity.sub == 0) != (first.sub == 0)) return std::nullopt;
    if (entity.sub == 0) {
        return entity.id >= first.id ? std::optional{entity.id - first.id} : std::nullopt;
    }
    const bool is_after = entity.id == first.id && entity.sub >= first.sub;
    return is_after ? std::optional{std::uint64_t{entity.sub - first.sub}} : std::nullopt;
}

// How many can follow in its line.
std::uint64_t places_after(const EntityId& entity) {
    return entity.sub == 0 ? std::numeric_limits<std::uint64_t>::max() - entity.id
                           : std::numeric_limits<std::uint32_t>::max() - entity.sub;
}

}  // namespace

bool EntitySet::InLines::operator()(const EntityId& a, const EntityId& b) const {
    const auto key = [](const EntityId& of) {
        return std::tuple{of.kind, of.sub != 0, of.id, of.sub};
    };
    return key(a) < key(b);
}

EntityId EntitySet::in_row(const EntityId& first, std::uint64_t place) {
    EntityId entity = first;
    if (first.sub == 0) {
        entity.id += place;
    } else {
        entity.sub += static_cast<std::uint32_t>(place);
    }
    return entity;
}

bool EntitySet::insert(const EntityId& entity) {
    const auto after = runs_.upper_bound(entity);
    auto run = runs_.end();
    if (after != runs_.begin()) {
        const auto before = std::prev(after);
        const auto place = place_of(entity, before->first);
        if (place && *place < before->second) return false;
        if (place && *place == before->second) run = before;
    }
    if (run == runs_.end()) {
        run = runs_.emplace_hint(after, entity, 1);
    } else {
        ++run->second;
    }
    if (after != runs_.end() && place_of(after->first, run->first) == run->second) {
        run->second += after->second;
        runs_.erase(after);
    }
    return true;
}

bool EntitySet::insert_run(const EntityId& first, std::uint64_t count) {
    if (count == 0 || count > base::account_number_end || count - 1 > places_after(first)) {
        return false;
    }
    const auto after = runs_.upper_bound(first);
    if (after != runs_.begin()) {
        const auto before = std::prev(after);
        const auto place = place_of(first, before->first);
        if (place && *place <= before->second) return false;
    }
    if (after != runs_.end()) {
        const auto place = place_of(after->first, first);
        if (place && *place <= count) return false;
    }
    runs_.emplace_hint(after, first, count);
    return true;
}

bool EntitySet::contains(const EntityId& entity) const {
    const auto after = runs_.upper_bound(entity);
    if (after == runs_.begin()) return false;
    const auto before = std::prev(after);
    const auto place = place_of(entity, before->first);
    return place && *place < before->second;
}

}  // namespace crossclear::ledger
