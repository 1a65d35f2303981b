#pragma once

#include <boost/pfr.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

/// Values as bytes, for messages between nodes.
///
/// The problem: some sixty structs may cross from one node to another, and a list of fields kept
/// beside each of them is wrong one day. The idea: every one of them is an aggregate, so its fields
/// are read off the type itself. The subtle thing: there is no version in the bytes. Nodes compare
/// the shapes of what they send when they meet (`spelled`), and nothing packed is ever kept.

namespace crossclear::actors {

namespace packing {

template <class T, template <class...> class Of>
inline constexpr bool is_of = false;
template <class... Ts, template <class...> class Of>
inline constexpr bool is_of<Of<Ts...>, Of> = true;

/// Anything that can be walked and filled: vector, deque, string, set, map.
template <class T>
concept Sequence = requires(T sequence, typename T::value_type element) {
    sequence.begin();
    sequence.size();
    sequence.insert(sequence.end(), std::move(element));
};

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

/// A map's element with a key that can be assigned.
template <class T>
struct Element {
    using type = T;
};
/// The same for a map.
template <class Key, class Value>
struct Element<std::pair<const Key, Value>> {
    using type = std::pair<Key, Value>;
};

/// What a value is in bytes, appended or taken off the front; the cases stand below. False where
/// the bytes are none of the type's, and then `value` means nothing.
template <class T>
void put(std::string& out, const T& value);
template <class T>
[[nodiscard]] bool take(std::string_view& in, T& value);

/// Numbers are little-endian and as long as their type.
template <class Unsigned>
void put_number(std::string& out, Unsigned value) {
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFF);
    }
}

/// The way back.
template <class Unsigned>
[[nodiscard]] bool take_number(std::string_view& in, Unsigned& value) {
    if (in.size() < sizeof(Unsigned)) return false;
    std::uint64_t read = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        read |= std::uint64_t{static_cast<std::uint8_t>(in[i])} << (8 * i);
    }
    in.remove_prefix(sizeof(Unsigned));
    value = static_cast<Unsigned>(read);
    return true;
}

/// The alternative under `index`; false where there is none.
template <std::size_t I = 0, class... Ts>
[[nodiscard]] bool take_alternative(std::string_view& in, std::size_t index,
                                    std::variant<Ts...>& value) {
    if constexpr (I < sizeof...(Ts)) {
        if (index != I) return take_alternative<I + 1>(in, index, value);
        return take(in, value.template emplace<I>());
    } else {
        return false;
    }
}

/// Elements behind their number. **Cost:** bounded by the bytes that are there, whatever the
/// number.
template <Sequence T>
[[nodiscard]] bool take_sequence(std::string_view& in, T& value) {
    std::uint32_t count = 0;
    // No element is smaller than a byte, so a count beyond what is left is no message of ours.
    if (!take_number(in, count) || count > in.size()) return false;
    value.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
        typename Element<typename T::value_type>::type element{};
        if (!take(in, element)) return false;
        value.insert(value.end(), std::move(element));
    }
    return true;
}

template <class T>
void put(std::string& out, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        out += value ? '\1' : '\0';
    } else if constexpr (std::is_enum_v<T>) {
        put(out, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_integral_v<T>) {
        put_number(out, static_cast<std::make_unsigned_t<T>>(value));
    } else if constexpr (std::is_same_v<T, double>) {
        put_number(out, std::bit_cast<std::uint64_t>(value));
    } else if constexpr (std::is_same_v<T, float>) {
        put_number(out, std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::is_same_v<T, std::string>) {
        put_number(out, static_cast<std::uint32_t>(value.size()));
        out += value;
    } else if constexpr (is_of<T, std::variant>) {
        put_number(out, static_cast<std::uint8_t>(value.index()));
        std::visit([&out](const auto& held) { put(out, held); }, value);
    } else if constexpr (is_of<T, std::optional> || is_of<T, std::shared_ptr>) {
        put(out, static_cast<bool>(value));
        if (value) put(out, *value);
    } else if constexpr (is_of<T, std::pair>) {
        put(out, value.first);
        put(out, value.second);
    } else if constexpr (is_array<T>) {
        for (const auto& element : value) put(out, element);
    } else if constexpr (Sequence<T>) {
        put_number(out, static_cast<std::uint32_t>(value.size()));
        for (const auto& element : value) put(out, element);
    } else if constexpr (!std::is_empty_v<T>) {
        static_assert(std::is_aggregate_v<T>, "a plain struct, or a case above");
        boost::pfr::for_each_field(value, [&out](const auto& field) { put(out, field); });
    }
}

template <class T>
bool take(std::string_view& in, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        std::uint8_t read = 0;
        if (!take_number(in, read) || read > 1) return false;
        value = read == 1;
        return true;
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> read{};
        if (!take(in, read)) return false;
        value = static_cast<T>(read);
        return true;
    } else if constexpr (std::is_integral_v<T>) {
        std::make_unsigned_t<T> read{};
        if (!take_number(in, read)) return false;
        value = static_cast<T>(read);
        return true;
    } else if constexpr (std::is_same_v<T, double>) {
        std::uint64_t read = 0;
        if (!take_number(in, read)) return false;
        value = std::bit_cast<double>(read);
        return true;
    } else if constexpr (std::is_same_v<T, float>) {
        std::uint32_t read = 0;
        if (!take_number(in, read)) return false;
        value = std::bit_cast<float>(read);
        return true;
    } else if constexpr (std::is_same_v<T, std::string>) {
        std::uint32_t size = 0;
        if (!take_number(in, size) || size > in.size()) return false;
        value = in.substr(0, size);
        in.remove_prefix(size);
        return true;
    } else if constexpr (is_of<T, std::variant>) {
        std::uint8_t index = 0;
        return take_number(in, index) && take_alternative(in, index, value);
    } else if constexpr (is_of<T, std::optional>) {
        bool is_there = false;
        if (!take(in, is_there)) return false;
        value.reset();
        return !is_there || take(in, value.emplace());
    } else if constexpr (is_of<T, std::shared_ptr>) {
        bool is_there = false;
        if (!take(in, is_there)) return false;
        value.reset();
        if (!is_there) return true;
        auto made = std::make_shared<std::remove_const_t<typename T::element_type>>();
        if (!take(in, *made)) return false;
        value = std::move(made);
        return true;
    } else if constexpr (is_of<T, std::pair>) {
        return take(in, value.first) && take(in, value.second);
    } else if constexpr (is_array<T>) {
        for (auto& element : value) {
            if (!take(in, element)) return false;
        }
        return true;
    } else if constexpr (Sequence<T>) {
        return take_sequence(in, value);
    } else if constexpr (std::is_empty_v<T>) {
        return true;
    } else {
        bool is_whole = true;
        boost::pfr::for_each_field(value,
                                   [&](auto& field) { is_whole = is_whole && take(in, field); });
        return is_whole;
    }
}

/// Appends what `put` writes for the type, as a word: two builds whose words are the same read each
/// other.
template <class T>
void spell(std::string& out);

/// The words of all alternatives, and of all fields of a struct.
template <class... Ts>
void spell_all(std::string& out, std::type_identity<std::variant<Ts...>>) {
    (spell<Ts>(out), ...);
}
template <class T, std::size_t... I>
void spell_fields(std::string& out, std::index_sequence<I...>) {
    (spell<boost::pfr::tuple_element_t<I, T>>(out), ...);
}

template <class T>
void spell(std::string& out) {
    if constexpr (std::is_enum_v<T>) {
        spell<std::underlying_type_t<T>>(out);
    } else if constexpr (std::is_arithmetic_v<T>) {
        out += std::is_floating_point_v<T> ? 'd' : std::is_same_v<T, bool> ? 'b' : 'n';
        out += std::to_string(sizeof(T));
    } else if constexpr (std::is_same_v<T, std::string>) {
        out += 's';
    } else if constexpr (is_of<T, std::variant>) {
        out += '<';
        spell_all(out, std::type_identity<T>{});
        out += '>';
    } else if constexpr (is_of<T, std::optional> || is_of<T, std::shared_ptr>) {
        out += '?';
        spell<std::remove_cvref_t<decltype(*std::declval<T&>())>>(out);
    } else if constexpr (is_of<T, std::pair>) {
        spell<std::remove_const_t<typename T::first_type>>(out);
        spell<typename T::second_type>(out);
    } else if constexpr (is_array<T> || Sequence<T>) {
        out += '*';
        if constexpr (is_array<T>) out += std::to_string(std::tuple_size_v<T>);
        spell<typename T::value_type>(out);
    } else {
        out += '{';
        if constexpr (!std::is_empty_v<T>) {
            spell_fields<T>(out, std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
        }
        out += '}';
    }
}

}  // namespace packing

/// The shape of a type's bytes, for two builds to compare.
template <class T>
[[nodiscard]] std::string spelled() {
    std::string out;
    packing::spell<T>(out);
    return out;
}

/// A value's bytes.
template <class T>
[[nodiscard]] std::string packed(const T& value) {
    std::string out;
    packing::put(out, value);
    return out;
}

/// Whether `bytes` are those of one whole value, which then stands in `value`.
template <class T>
[[nodiscard]] bool unpack(std::string_view bytes, T& value) {
    return packing::take(bytes, value) && bytes.empty();
}

/// One part of a CAF message, as bytes: what an `inspect` calls for each part that is not a handle.
template <class Inspector, class T>
bool inspect_packed(Inspector& f, T& value) {
    if constexpr (Inspector::is_loading) {
        std::string bytes;
        return f.apply(bytes) && unpack(bytes, value);
    } else {
        auto bytes = packed(value);
        return f.apply(bytes);
    }
}

}  // namespace crossclear::actors
