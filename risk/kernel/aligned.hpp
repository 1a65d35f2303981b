#pragma once

#include "base/check.hpp"
#include "risk/kernel/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace crossclear::risk::kernel {

/// Bytes at which the arrays of the hot path begin: a cache line.
inline constexpr std::size_t alignment = limits::lanes * sizeof(double);

/// `count` rounded up to whole blocks of lanes.
[[nodiscard]] constexpr std::size_t padded(std::size_t count) noexcept {
    return (count + limits::lanes - 1) / limits::lanes * limits::lanes;
}

/// An array of doubles that begins at a cache line and has a whole number of them, zeros at first.
class AlignedArray {
public:
    AlignedArray() = default;
    explicit AlignedArray(std::size_t size) : size_(size) {
        CHECK(size % limits::lanes == 0, "arrays of the hot path have no ragged end");
        if (size == 0) return;
        data_.reset(new (std::align_val_t{alignment}) double[size]{});
    }
    AlignedArray(const AlignedArray& other) : AlignedArray(other.size_) {
        std::copy_n(other.data_.get(), size_, data_.get());
    }
    // Whoever was moved from is empty: its size must not outlive its memory.
    AlignedArray(AlignedArray&& other) noexcept
        : size_(std::exchange(other.size_, 0)), data_(std::move(other.data_)) {}
    AlignedArray& operator=(const AlignedArray& other) {
        if (size_ != other.size_) return *this = AlignedArray(other);
        std::copy_n(other.data_.get(), size_, data_.get());
        return *this;
    }
    AlignedArray& operator=(AlignedArray&& other) noexcept {
        size_ = std::exchange(other.size_, 0);
        data_ = std::move(other.data_);
        return *this;
    }
    ~AlignedArray() = default;

    /// The doubles, and how many they are.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] double* data() noexcept { return data_.get(); }
    [[nodiscard]] const double* data() const noexcept { return data_.get(); }
    [[nodiscard]] std::span<const double> view() const noexcept { return {data_.get(), size_}; }

private:
    struct Free {
        void operator()(double* at) const noexcept {
            ::operator delete[](at, std::align_val_t{alignment});
        }
    };

    std::size_t size_{};
    std::unique_ptr<double[], Free> data_;
};

}  // namespace crossclear::risk::kernel
