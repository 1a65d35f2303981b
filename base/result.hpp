#pragma once

#include "base/check.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace crossclear::base {

/// Wraps an error on its way into a `Result`, so that a value and an error of one type differ.
template <class E>
struct Failure {
    E error;  ///< Why there is no value.
};

template <class E>
Failure(E) -> Failure<E>;

/// A value, or the reason why there is none. Refusals travel as values; nothing here throws.
template <class T, class E>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = E;

    /// Both implicit, so that a function returns a value or a `Failure` as it is.
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Failure<E> failure) : held_(std::in_place_index<1>, std::move(failure.error)) {}

    /// Whether there is a value rather than an error.
    [[nodiscard]] bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. **Requires:** `has_value()`.
    [[nodiscard]] const T& value() const& {
        CHECK(has_value(), "a value is read only where there is one");
        return *std::get_if<0>(&held_);
    }
    [[nodiscard]] T& value() & {
        CHECK(has_value(), "a value is read only where there is one");
        return *std::get_if<0>(&held_);
    }
    [[nodiscard]] T&& value() && {
        CHECK(has_value(), "a value is read only where there is one");
        return std::move(*std::get_if<0>(&held_));
    }
    const T& operator*() const& { return value(); }
    T& operator*() & { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    const T* operator->() const { return &value(); }
    T* operator->() { return &value(); }

    /// The reason. **Requires:** not `has_value()`.
    [[nodiscard]] const E& error() const {
        CHECK(!has_value(), "an error is read only where there is one");
        return *std::get_if<1>(&held_);
    }

    friend bool operator==(const Result&, const Result&) = default;

private:
    std::variant<T, E> held_;
};

/// Success without a value, or the reason for failure.
template <class E>
class [[nodiscard]] Result<void, E> {
public:
    using value_type = void;
    using error_type = E;

    Result() = default;
    /// Implicit, so that a function returns a `Failure` as it is.
    Result(Failure<E> failure) : error_(std::move(failure.error)) {}

    /// Whether it went well.
    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }

    /// The reason. **Requires:** not `has_value()`.
    [[nodiscard]] const E& error() const {
        CHECK(error_.has_value(), "an error is read only where there is one");
        return *error_;
    }

    friend bool operator==(const Result&, const Result&) = default;

private:
    std::optional<E> error_;
};

}  // namespace crossclear::base
