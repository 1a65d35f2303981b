#pragma once

#include "base/command_id.hpp"
#include "ledger/journal/codec_wire.hpp"
#include "ledger/journal/record.pb.h"

#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

/// Part of the codec: tables that say which member of ours is which field of protobuf's. One line
/// per member serves both directions, so that writing and reading cannot come apart. A member that
/// no line names is found by the round-trip tests, which fill every member of every event.

namespace crossclear::ledger::journal::codec {

namespace pb = ::crossclear::journal::v1;

/// The table of a type that stands inside events; specialised below and by the machines' files.
template <class T>
inline constexpr int fields_of = 0;

/// Copies every field of `table` into a message.
template <class Table, class T, class Message>
void write_fields(const Table& table, const T& from, Message& to) {
    std::apply([&](const auto&... field) { (field.write(from, to), ...); }, table);
}

/// Copies every field of `table` out of a message. What the table does not name is left to the
/// caller, who compares encodings (codec.cpp).
template <class Table, class T, class Message>
[[nodiscard]] bool read_fields(const Table& table, const Message& from, T& to, Reader& reader) {
    return std::apply([&](const auto&... field) { return (field.read(from, to, reader) && ...); },
                      table);
}

/// A number, an id, an amount, an enumeration.
template <class T, class Member, class Message, class Wire>
struct Value {
    Member T::* member;
    Wire (Message::*get)() const;
    void (Message::*set)(Wire);

    /// Both directions. A number that the member cannot hold is refused.
    void write(const T& from, Message& to) const { (to.*set)(to_wire(from.*member)); }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        return from_wire((from.*get)(), to.*member, reader);
    }
};

/// A line of a table: this member is that field.
template <class T, class Member, class Message, class Wire>
[[nodiscard]] constexpr Value<T, Member, Message, Wire> value(Member T::* member,
                                                              Wire (Message::*get)() const,
                                                              void (Message::*set)(Wire)) {
    return {member, get, set};
}

/// A number that may be absent.
template <class T, class Member, class Message, class Wire>
struct Maybe {
    std::optional<Member> T::* member;
    bool (Message::*has)() const;
    Wire (Message::*get)() const;
    void (Message::*set)(Wire);

    /// Both directions, as of `Value` where there is one. Zero is there.
    void write(const T& from, Message& to) const {
        if (from.*member) (to.*set)(to_wire(*(from.*member)));
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        if (!(from.*has)()) return true;
        return from_wire((from.*get)(), (to.*member).emplace(), reader);
    }
};

/// The line of a table for such a member.
template <class T, class Member, class Message, class Wire>
[[nodiscard]] constexpr Maybe<T, Member, Message, Wire> maybe(std::optional<Member> T::* member,
                                                              bool (Message::*has)() const,
                                                              Wire (Message::*get)() const,
                                                              void (Message::*set)(Wire)) {
    return {member, has, get, set};
}

/// Bytes of any length into a string, or of exactly its size into an array.
template <class T, class Member, class Message>
struct Bytes {
    Member T::* member;
    const std::string& (Message::*get)() const;
    std::string* (Message::*change)();

    /// Both directions. An array is refused bytes of another size; what is empty is left out.
    void write(const T& from, Message& to) const {
        // A default leaves the field out; taking hold of the string would cost an allocation.
        if ((from.*member).empty()) return;
        (to.*change)()->assign((from.*member).begin(), (from.*member).end());
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        const std::string& bytes = (from.*get)();
        if constexpr (std::is_same_v<Member, std::string>) {
            to.*member = bytes;
        } else {
            if (bytes.size() != (to.*member).size()) {
                return reader.refuse(CodecError::Kind::out_of_range, "a digest of another size");
            }
            std::copy(bytes.begin(), bytes.end(), (to.*member).begin());
        }
        return true;
    }
};

/// The line of a table for such a member.
template <class T, class Member, class Message>
[[nodiscard]] constexpr Bytes<T, Member, Message> bytes(Member T::* member,
                                                        const std::string& (Message::*get)() const,
                                                        std::string* (Message::*change)()) {
    return {member, get, change};
}

/// A struct inside a struct; an absent one reads as its default.
template <class T, class Member, class Message, class Part>
struct Nested {
    Member T::* member;
    const Part& (Message::*get)() const;
    Part* (Message::*change)();

    /// Both directions, by the table of the inner struct.
    void write(const T& from, Message& to) const {
        write_fields(fields_of<Member>, from.*member, *(to.*change)());
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        return read_fields(fields_of<Member>, (from.*get)(), to.*member, reader);
    }
};

/// The line of a table for such a member.
template <class T, class Member, class Message, class Part>
[[nodiscard]] constexpr Nested<T, Member, Message, Part> nested(Member T::* member,
                                                                const Part& (Message::*get)() const,
                                                                Part* (Message::*change)()) {
    return {member, get, change};
}

/// A sequence of structs.
template <class T, class Sequence, class Message, class Part>
struct List {
    using Item = typename Sequence::value_type;

    Sequence T::* member;
    const google::protobuf::RepeatedPtrField<Part>& (Message::*get)() const;
    google::protobuf::RepeatedPtrField<Part>* (Message::*change)();

    /// Both directions. Reading appends: **requires** a member that is empty.
    void write(const T& from, Message& to) const {
        auto& parts = *(to.*change)();
        for (const Item& item : from.*member) write_fields(fields_of<Item>, item, *parts.Add());
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        for (const Part& part : (from.*get)()) {
            if (!read_fields(fields_of<Item>, part, (to.*member).emplace_back(), reader)) {
                return false;
            }
        }
        return true;
    }
};

/// The line of a table for such a member.
template <class T, class Sequence, class Message, class Part>
[[nodiscard]] constexpr List<T, Sequence, Message, Part> list(
    Sequence T::* member, const google::protobuf::RepeatedPtrField<Part>& (Message::*get)() const,
    google::protobuf::RepeatedPtrField<Part>* (Message::*change)()) {
    return {member, get, change};
}

/// A sequence of numbers.
template <class T, class Item, class Message, class Wire>
struct Numbers {
    std::vector<Item> T::* member;
    const google::protobuf::RepeatedField<Wire>& (Message::*get)() const;
    google::protobuf::RepeatedField<Wire>* (Message::*change)();

    /// As those of `List`.
    void write(const T& from, Message& to) const {
        auto& numbers = *(to.*change)();
        for (const Item& item : from.*member) numbers.Add(to_wire(item));
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        for (const Wire number : (from.*get)()) {
            if (!from_wire(number, (to.*member).emplace_back(), reader)) return false;
        }
        return true;
    }
};

/// The line of a table for such a member.
template <class T, class Item, class Message, class Wire>
[[nodiscard]] constexpr Numbers<T, Item, Message, Wire> numbers(
    std::vector<Item> T::* member,
    const google::protobuf::RepeatedField<Wire>& (Message::*get)() const,
    google::protobuf::RepeatedField<Wire>* (Message::*change)()) {
    return {member, get, change};
}

/// An entity's three parts, in whichever message they stand.
template <class Message>
void write_entity(const base::EntityId& from, Message& to) {
    CHECK(is_shaped(from), "only what can be read back is written");
    to.set_kind(static_cast<std::uint32_t>(from.kind));
    to.set_id(from.id);
    to.set_sub(from.sub);
}

/// The way back. Refuses a kind that there is not, and parts that the kind does not have.
template <class Message>
[[nodiscard]] bool read_entity(const Message& from, base::EntityId& to, Reader& reader) {
    to = base::EntityId{
        .kind = static_cast<base::EntityKind>(from.kind()), .id = from.id(), .sub = from.sub()};
    if (static_cast<std::uint32_t>(to.kind) == from.kind() && is_shaped(to)) return true;
    return reader.refuse(CodecError::Kind::out_of_range, "no such machine");
}

/// An entity inside a struct.
template <class T, class Message>
struct Entity {
    base::EntityId T::* member;
    const pb::EntityId& (Message::*get)() const;
    pb::EntityId* (Message::*change)();

    /// Both directions, by `write_entity` and `read_entity`.
    void write(const T& from, Message& to) const { write_entity(from.*member, *(to.*change)()); }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        return read_entity((from.*get)(), to.*member, reader);
    }
};

/// The line of a table for such a member.
template <class T, class Message>
[[nodiscard]] constexpr Entity<T, Message> entity(base::EntityId T::* member,
                                                  const pb::EntityId& (Message::*get)() const,
                                                  pb::EntityId* (Message::*change)()) {
    return {member, get, change};
}

/// An entity that may be absent.
template <class T, class Message>
struct MaybeEntity {
    std::optional<base::EntityId> T::* member;
    bool (Message::*has)() const;
    const pb::EntityId& (Message::*get)() const;
    pb::EntityId* (Message::*change)();

    /// Both directions, by `write_entity` and `read_entity` where there is one.
    void write(const T& from, Message& to) const {
        if (from.*member) write_entity(*(from.*member), *(to.*change)());
    }
    [[nodiscard]] bool read(const Message& from, T& to, Reader& reader) const {
        if (!(from.*has)()) return true;
        return read_entity((from.*get)(), (to.*member).emplace(), reader);
    }
};

/// The line of a table for such a member.
template <class T, class Message>
[[nodiscard]] constexpr MaybeEntity<T, Message> maybe_entity(
    std::optional<base::EntityId> T::* member, bool (Message::*has)() const,
    const pb::EntityId& (Message::*get)() const, pb::EntityId* (Message::*change)()) {
    return {member, has, get, change};
}

template <>
inline constexpr auto fields_of<base::CommandId> = std::tuple{
    value(&base::CommandId::hi, &pb::CommandId::hi, &pb::CommandId::set_hi),
    value(&base::CommandId::lo, &pb::CommandId::lo, &pb::CommandId::set_lo),
};

template <>
inline constexpr auto fields_of<BalanceChange> = std::tuple{
    value(&BalanceChange::asset, &pb::BalanceChange::asset, &pb::BalanceChange::set_asset),
    value(&BalanceChange::seen, &pb::BalanceChange::seen, &pb::BalanceChange::set_seen),
    value(&BalanceChange::free, &pb::BalanceChange::free, &pb::BalanceChange::set_free),
    value(&BalanceChange::unsettled, &pb::BalanceChange::unsettled,
          &pb::BalanceChange::set_unsettled),
    value(&BalanceChange::held, &pb::BalanceChange::held, &pb::BalanceChange::set_held),
    value(&BalanceChange::recv, &pb::BalanceChange::recv, &pb::BalanceChange::set_recv),
};

template <>
inline constexpr auto fields_of<account::Reservation> = std::tuple{
    value(&account::Reservation::instrument, &pb::Reservation::instrument,
          &pb::Reservation::set_instrument),
    value(&account::Reservation::base, &pb::Reservation::base, &pb::Reservation::set_base),
    value(&account::Reservation::settlement, &pb::Reservation::settlement,
          &pb::Reservation::set_settlement),
    value(&account::Reservation::is_contract, &pb::Reservation::is_contract,
          &pb::Reservation::set_is_contract),
    value(&account::Reservation::quantity, &pb::Reservation::quantity,
          &pb::Reservation::set_quantity),
    value(&account::Reservation::price, &pb::Reservation::price, &pb::Reservation::set_price),
    value(&account::Reservation::cash, &pb::Reservation::cash, &pb::Reservation::set_cash),
    value(&account::Reservation::fee, &pb::Reservation::fee, &pb::Reservation::set_fee),
    value(&account::Reservation::notional_cents, &pb::Reservation::notional_cents,
          &pb::Reservation::set_notional_cents),
};

/// One event: its number in the oneof of `pb::Entry`, how to get there, and its fields.
template <class T, class Message, class Fields>
struct Alternative {
    using Event = T;

    pb::Entry::EventCase number;
    const Message& (pb::Entry::*get)() const;
    Message* (pb::Entry::*change)();
    Fields fields;
};

/// An event of the table of its machine.
template <class T, class Message, class... Fields>
[[nodiscard]] constexpr Alternative<T, Message, std::tuple<Fields...>> alternative(
    pb::Entry::EventCase number, const Message& (pb::Entry::*get)() const,
    Message* (pb::Entry::*change)(), Fields... fields) {
    return {number, get, change, std::tuple<Fields...>{fields...}};
}

/// All events of one machine. Does not compile unless they are the variant's, each once, in order.
template <class Variant, class... Alternatives>
struct Machine {
    static_assert(std::is_same_v<Variant, std::variant<typename Alternatives::Event...>>);

    std::tuple<Alternatives...> alternatives;

    /// Writes the event that is held into the field of the entry which is its own.
    void write(const Variant& event, pb::Entry& entry) const {
        const auto write_if = [&](const auto& candidate) {
            using Held = typename std::decay_t<decltype(candidate)>::Event;
            const Held* held = std::get_if<Held>(&event);
            if (held) write_fields(candidate.fields, *held, *(entry.*candidate.change)());
        };
        std::apply([&](const auto&... each) { (write_if(each), ...); }, alternatives);
    }

    /// Reads an event of this machine, and refuses one of another.
    [[nodiscard]] bool read(const pb::Entry& entry, ledger::Event& event, Reader& reader) const {
        bool is_found = false;
        bool is_read = false;
        const auto read_if = [&](const auto& candidate) {
            using Found = typename std::decay_t<decltype(candidate)>::Event;
            if (entry.event_case() != candidate.number) return;
            is_found = true;
            Found& to = std::get<Found>(event.template emplace<Variant>(std::in_place_type<Found>));
            is_read = read_fields(candidate.fields, (entry.*candidate.get)(), to, reader);
        };
        std::apply([&](const auto&... each) { (read_if(each), ...); }, alternatives);
        if (is_found) return is_read;
        return reader.refuse(CodecError::Kind::out_of_range, "an event of another machine");
    }
};

/// The table of a machine, of its events in the order of the variant.
template <class Variant, class... Alternatives>
[[nodiscard]] constexpr Machine<Variant, Alternatives...> machine(Alternatives... alternatives) {
    return {std::tuple<Alternatives...>{alternatives...}};
}

/// Writes an event into its entry; one function per machine, each in a file of its own.
void write(const account::Event& event, pb::Entry& entry);
void write(const cover::Event& event, pb::Entry& entry);
void write(const netting::Event& event, pb::Entry& entry);
void write(const hedge::Event& event, pb::Entry& entry);
void write(const instruction::Event& event, pb::Entry& entry);
void write(const withdrawal::Event& event, pb::Entry& entry);
void write(const reconcile::Event& event, pb::Entry& entry);
void write(const signing::Event& event, pb::Entry& entry);

/// Reads an event of one machine; false, with the reason noted, if it is another's or damaged.
[[nodiscard]] bool read_account(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_cover(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_netting(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_hedge(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_instruction(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_withdrawal(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_reconcile(const pb::Entry& entry, Event& event, Reader& reader);
[[nodiscard]] bool read_signing(const pb::Entry& entry, Event& event, Reader& reader);

}  // namespace crossclear::ledger::journal::codec
