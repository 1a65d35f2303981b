#include "tests/support/random_events.hpp"

#include "base/check.hpp"
#include "base/wide.hpp"
#include "tests/support/listed_enums.hpp"

#include <boost/pfr.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

// Members are found by Boost.PFR, not listed: a member added to an event is filled here the same
// day, and the tests of the codec then notice if it is not stored. Two sources give the values: one
// draws them, one counts them.

namespace crossclear::tests {
namespace {

using base::EntityKind;
namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace instruction = ledger::instruction;
namespace netting = ledger::netting;

/// Draws values; half of the numbers are those at which codecs go wrong.
struct Drawn {
    base::Rng& rng;
    std::size_t size_max;

    template <std::integral T>
    T number() {
        using Limits = std::numeric_limits<T>;
        switch (rng.below(8)) {
            case 0:
                return Limits::max();
            case 1:
                return Limits::min();
            case 2:
                return 0;
            case 3:
                return static_cast<T>(-1);
            case 4:
                return static_cast<T>(rng.below(256));
            default:
                // Numbers of every length, not only of the greatest.
                return static_cast<T>(rng.next() >> rng.below(64));
        }
    }
    bool flag() { return rng.below(2) == 1; }
    std::size_t size() { return static_cast<std::size_t>(rng.below(size_max + 1)); }
    std::size_t choice(std::size_t end) { return static_cast<std::size_t>(rng.below(end)); }
};

/// Counts values up from 1. Enumerations alternate between the first two of their list, so that one
/// more at its end changes nothing.
struct Counted {
    std::uint64_t last{};
    std::size_t choices{};

    template <std::integral T>
    T number() {
        return static_cast<T>(++last);
    }
    bool flag() { return true; }
    std::size_t size() { return 2; }
    std::size_t choice(std::size_t /*end*/) { return ++choices % 2; }
};

template <class T>
struct IsSequence : std::false_type {};
template <class T>
struct IsSequence<std::vector<T>> : std::true_type {};
template <class T>
struct IsSequence<std::deque<T>> : std::true_type {};

template <class T>
struct IsArray : std::false_type {};
template <class T, std::size_t n>
struct IsArray<std::array<T, n>> : std::true_type {};

template <class T>
struct IsMap : std::false_type {};
template <class K, class V>
struct IsMap<std::map<K, V>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsSet : std::false_type {};
template <class K>
struct IsSet<std::set<K>> : std::true_type {};
template <>
struct IsSet<netting::DepositSet> : std::true_type {};
template <>
struct IsSet<ledger::EntitySet> : std::true_type {};

template <class Source>
base::EntityId make_entity(Source& source, EntityKind kind) {
    const auto id = source.template number<std::uint64_t>();
    const auto short_id = source.template number<std::uint16_t>();
    const auto sub = source.template number<std::uint32_t>();
    switch (kind) {
        case EntityKind::account:
        case EntityKind::hedge:
            return {.kind = kind, .id = id, .sub = 0};
        case EntityKind::cover:
        case EntityKind::netting:
        case EntityKind::partition:
            return {.kind = kind, .id = short_id, .sub = 0};
        case EntityKind::reconcile:
        case EntityKind::signing:
            return {.kind = kind, .id = short_id, .sub = static_cast<std::uint16_t>(sub)};
        case EntityKind::instruction:
        case EntityKind::withdrawal:
            return {.kind = kind, .id = id, .sub = sub};
    }
    UNREACHABLE("kinds are a closed set");
}

template <class T, class Source>
void fill(T& value, Source& source) {
    if constexpr (std::is_same_v<T, bool>) {
        value = source.flag();
    } else if constexpr (std::is_same_v<T, base::Wide>) {
        const base::Wide high{source.template number<std::int64_t>()};
        value = high * (base::Wide{1} << 64) + source.template number<std::uint64_t>();
    } else if constexpr (std::is_integral_v<T>) {
        value = source.template number<T>();
    } else if constexpr (std::is_enum_v<T>) {
        value = Listed<T>::all[source.choice(Listed<T>::all.size())];
    } else if constexpr (std::is_same_v<T, std::string>) {
        value.resize(source.size());
        for (char& byte : value) byte = static_cast<char>(source.template number<std::uint8_t>());
    } else if constexpr (IsOptional<T>::value) {
        if (source.flag()) fill(value.emplace(), source);
    } else if constexpr (std::is_same_v<T, base::EntityId>) {
        const auto& kinds = Listed<EntityKind>::all;
        value = make_entity(source, kinds[source.choice(kinds.size())]);
    } else if constexpr (IsSet<T>::value) {
        const std::size_t size = source.size();
        for (std::size_t i = 0; i < size; ++i) {
            typename T::value_type item{};
            fill(item, source);
            value.insert(item);
        }
    } else if constexpr (IsSequence<T>::value) {
        value.resize(source.size());
        for (auto& item : value) fill(item, source);
    } else if constexpr (IsArray<T>::value) {
        for (auto& item : value) fill(item, source);
    } else if constexpr (IsMap<T>::value) {
        const std::size_t size = source.size();
        for (std::size_t i = 0; i < size; ++i) {
            typename T::key_type key{};
            fill(key, source);
            fill(value[key], source);
        }
    } else {
        boost::pfr::for_each_field(value, [&](auto& member) { fill(member, source); });
    }
}

/// Where an event stands in `ledger::Event`, and how to make one.
template <class Source>
struct Maker {
    EntityKind kind;
    void (*make)(ledger::Event& event, Source& source);
};

template <class Machine, class Source, std::size_t... i>
void add_machine(std::vector<Maker<Source>>& makers, EntityKind kind, std::index_sequence<i...>) {
    (makers.push_back({kind,
                       [](ledger::Event& event, Source& source) {
                           auto& of = event.emplace<Machine>(std::in_place_index<i>);
                           fill(std::get<i>(of), source);
                       }}),
     ...);
}

template <class Source>
const std::vector<Maker<Source>>& makers() {
    static const auto all = [] {
        std::vector<Maker<Source>> list;
        const auto add = [&]<class Machine>(std::in_place_type_t<Machine>, EntityKind kind) {
            add_machine<Machine>(list, kind,
                                 std::make_index_sequence<std::variant_size_v<Machine>>{});
        };
        add(std::in_place_type<account::Event>, EntityKind::account);
        add(std::in_place_type<ledger::cover::Event>, EntityKind::cover);
        add(std::in_place_type<netting::Event>, EntityKind::netting);
        add(std::in_place_type<hedge::Event>, EntityKind::hedge);
        add(std::in_place_type<instruction::Event>, EntityKind::instruction);
        add(std::in_place_type<ledger::withdrawal::Event>, EntityKind::withdrawal);
        add(std::in_place_type<ledger::reconcile::Event>, EntityKind::reconcile);
        add(std::in_place_type<ledger::signing::Event>, EntityKind::signing);
        list.push_back({EntityKind::partition, [](ledger::Event& event, Source& source) {
                            fill(event.emplace<ledger::EpochStarted>(), source);
                        }});
        return list;
    }();
    return all;
}

template <class Source>
ledger::Entry make_entry(Source& source, std::size_t alternative) {
    const Maker<Source>& maker = makers<Source>().at(alternative);
    ledger::Entry entry{.entity = make_entity(source, maker.kind), .event = {}};
    maker.make(entry.event, source);
    return entry;
}

}  // namespace

std::size_t event_alternatives() { return makers<Drawn>().size(); }

base::EntityId random_entity(base::Rng& rng, EntityKind kind) {
    Drawn source{.rng = rng, .size_max = 0};
    return make_entity(source, kind);
}

ledger::Entry random_entry(base::Rng& rng, std::size_t alternative) {
    Drawn source{.rng = rng, .size_max = 6};
    return make_entry(source, alternative);
}

ledger::Entry random_entry(base::Rng& rng) {
    return random_entry(rng, static_cast<std::size_t>(rng.below(event_alternatives())));
}

ledger::Entry counted_entry(std::size_t alternative) {
    Counted source;
    return make_entry(source, alternative);
}

account::State random_state(base::Rng& rng, std::size_t size) {
    Drawn source{.rng = rng, .size_max = size};
    account::State state;
    fill(state, source);
    return state;
}

account::State counted_state() {
    Counted source;
    account::State state;
    fill(state, source);
    return state;
}

namespace {

template <class Source>
ledger::EntityState make_state(Source& source, EntityKind kind) {
    const auto entity = make_entity(source, kind);
    ledger::EntityState state = ledger::fresh_state(entity, 1);
    std::visit([&](auto& one) { fill(one, source); }, state);
    std::visit(
        [&](auto& one) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, account::State>) {
                one.id = entity;
            }
        },
        state);
    return state;
}

// What no core holds: quotas and partitions as machines, claims that nobody could make, and what
// only the owner knows of them.
void make_plausible(ledger::Core& core) {
    ledger::EntitySet known;
    core.machines.known.for_each([&known](const base::EntityId& one) {
        if (ledger::has_state(one.kind)) known.insert(one);
    });
    core.machines.known = std::move(known);
    for (auto& [of, queue] : core.book.claims) {
        const auto drawn = std::exchange(queue, {});
        for (const auto& [drawn_number, drawn_claim] : drawn.claims) {
            queue.numbered = std::max(drawn_number, std::uint64_t{1});
            auto& claim = queue.claims[queue.numbered];
            claim = drawn_claim;
            claim.amount.v = 1 + (claim.amount.v & 0xFFFF);
            claim.asked = {};
        }
        for (const auto& [number, claim] : queue.claims) {
            queue.by_account.insert({claim.account, number});
            queue.by_deadline.insert({claim.settle_by, number});
        }
        queue.numbered = std::max(queue.numbered, drawn.numbered);
    }
}

}  // namespace

std::vector<EntityKind> kinds_with_state() {
    std::vector<EntityKind> kinds;
    for (const auto kind : Listed<EntityKind>::all) {
        if (ledger::has_state(kind)) kinds.push_back(kind);
    }
    return kinds;
}

ledger::EntityState random_entity_state(base::Rng& rng, EntityKind kind, std::size_t size) {
    Drawn source{.rng = rng, .size_max = size};
    return make_state(source, kind);
}

ledger::EntityState counted_entity_state(EntityKind kind) {
    Counted source;
    return make_state(source, kind);
}

ledger::Core random_core(base::Rng& rng, std::size_t size) {
    Drawn source{.rng = rng, .size_max = size};
    ledger::Core core;
    fill(core, source);
    make_plausible(core);
    return core;
}

ledger::Core counted_core() {
    Counted source;
    ledger::Core core;
    fill(core, source);
    make_plausible(core);
    return core;
}

}  // namespace crossclear::tests
