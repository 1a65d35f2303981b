#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Values to little-endian bytes and back. A struct says its fields once, in a function
/// `describe(archive, value)` found beside it, and both directions follow.

namespace crossclear::shards::simulated {

/// A struct around one number, as the strong ids, amounts and spans are.
template <class T>
concept WrapsNumber = (requires(T& x) { requires std::integral<decltype(x.v)>; }) ||
                      (requires(T& x) { requires std::integral<decltype(x.us)>; });

/// The numbers that an enumeration's enumerators have, without gaps.
struct EnumRange {
    std::uint64_t first{0};
    std::uint64_t last{std::numeric_limits<std::uint64_t>::max()};
};
/// What bytes may name of an enumeration; anything, where nobody has said more.
template <class E>
inline constexpr EnumRange enum_range{};

/// The number inside.
template <WrapsNumber T>
auto& number_in(T& wrapper) {
    if constexpr (requires { wrapper.v; }) {
        return wrapper.v;
    } else {
        return wrapper.us;
    }
}

/// Appends values to a string.
class Writer {
public:
    /// Writes each field in turn. Takes references to non-const so that `describe` serves both
    /// ways.
    template <class... Fields>
    void operator()(Fields&... fields) {
        (write(fields), ...);
    }

    /// The bytes of all that was written; the writer is done then.
    [[nodiscard]] std::string take() { return std::move(bytes_); }

private:
    template <class T>
    void write(T& value) {
        if constexpr (std::is_enum_v<T>) {
            write_number(static_cast<std::uint64_t>(value), sizeof(T));
        } else if constexpr (std::integral<T>) {
            write_number(static_cast<std::uint64_t>(value), sizeof(T));
        } else if constexpr (WrapsNumber<T>) {
            write(number_in(value));
        } else {
            describe(*this, value);
        }
    }
    void write(std::string& text) {
        write_number(text.size(), 4);
        bytes_ += text;
    }
    template <class T>
    void write(std::vector<T>& values) {
        write_number(values.size(), 4);
        for (T& value : values) write(value);
    }
    template <class T>
    void write(std::optional<T>& value) {
        write_number(value ? 1 : 0, 1);
        if (value) write(*value);
    }
    template <class... Ts>
    void write(std::variant<Ts...>& value) {
        write_number(value.index(), 1);
        std::visit([this](auto& held) { write(held); }, value);
    }
    void write_number(std::uint64_t value, std::size_t byte_count) {
        for (std::size_t i = 0; i < byte_count; ++i) {
            bytes_.push_back(static_cast<char>(value >> (8 * i)));
        }
    }

    std::string bytes_;
};

/// Reads what a Writer wrote. Anything short or impossible makes `is_good` false, for good.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    /// Reads each field in turn. Once the reader is not good, what they hold means nothing.
    template <class... Fields>
    void operator()(Fields&... fields) {
        (read(fields), ...);
    }

    /// Whether everything so far could be read.
    [[nodiscard]] bool is_good() const noexcept { return is_good_; }
    /// Whether that was also all there is.
    [[nodiscard]] bool is_done() const noexcept { return is_good_ && rest_.empty(); }

private:
    template <class T>
    void read(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            value = read_number(1) != 0;
        } else if constexpr (std::is_enum_v<T>) {
            const std::uint64_t number = read_number(sizeof(T));
            if (number < enum_range<T>.first || number > enum_range<T>.last) {
                is_good_ = false;
                return;
            }
            value = static_cast<T>(number);
        } else if constexpr (std::integral<T>) {
            value = static_cast<T>(read_number(sizeof(T)));
        } else if constexpr (WrapsNumber<T>) {
            read(number_in(value));
        } else {
            describe(*this, value);
        }
    }
    void read(std::string& text) {
        const std::uint64_t size = read_number(4);
        if (size > rest_.size()) is_good_ = false;
        if (!is_good_) return;
        text.assign(rest_.substr(0, size));
        rest_.remove_prefix(size);
    }
    template <class T>
    void read(std::vector<T>& values) {
        const std::uint64_t size = read_number(4);
        values.clear();
        for (std::uint64_t i = 0; i < size && is_good_; ++i) read(values.emplace_back());
    }
    template <class T>
    void read(std::optional<T>& value) {
        value.reset();
        if (read_number(1) != 0 && is_good_) read(value.emplace());
    }
    template <class... Ts>
    void read(std::variant<Ts...>& value) {
        const std::uint64_t index = read_number(1);
        if (index >= sizeof...(Ts)) is_good_ = false;
        if (is_good_) read_alternative<0>(value, index);
    }
    template <std::size_t At, class... Ts>
    void read_alternative(std::variant<Ts...>& value, std::uint64_t index) {
        if constexpr (At < sizeof...(Ts)) {
            if (index != At) return read_alternative<At + 1>(value, index);
            read(value.template emplace<At>());
        }
    }
    std::uint64_t read_number(std::size_t byte_count) {
        if (rest_.size() < byte_count) is_good_ = false;
        if (!is_good_) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < byte_count; ++i) {
            value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
        }
        rest_.remove_prefix(byte_count);
        return value;
    }

    std::string_view rest_;
    bool is_good_{true};
};

}  // namespace crossclear::shards::simulated
