#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

/// Leaky buckets: how often a key may call each class of methods.

namespace crossclear::api {

/// Methods that share a bucket.
enum class MethodClass : std::uint8_t { general, login, query, trade, feed };
inline constexpr std::size_t method_class_count = 5;
/// As figures are labelled with it.
[[nodiscard]] std::string_view name_of(MethodClass method_class) noexcept;

/// How a bucket fills and how much it holds. **Requires:** both positive.
struct CreditRate {
    std::int64_t per_second = 200'000;
    std::int64_t burst = 400'000;
};
using CreditRates = std::array<CreditRate, method_class_count>;

/// The buckets of one key or address. **Thread:** any, without locks.
class Credits {
public:
    /// What came of asking for a credit.
    struct Spent {
        bool is_granted{};
        std::int64_t remaining{};       ///< Calls that would be granted right now.
        std::int64_t retry_after_ms{};  ///< When refused: when one would be granted.
    };

    explicit Credits(const CreditRates& rates) : rates_(rates) {}

    /// Takes one credit. `now_us` is of a steady clock.
    [[nodiscard]] Spent spend(MethodClass method_class, std::int64_t now_us) noexcept;
    /// Whether every bucket is full again, so that forgetting this object changes nothing.
    [[nodiscard]] bool is_full(std::int64_t now_us) const noexcept;

private:
    const CreditRates& rates_;
    /// Per class: when the bucket will have drained. **Units:** nanoseconds of a steady clock.
    std::array<std::atomic<std::int64_t>, method_class_count> drained_at_{};
};

/// The buckets of everybody, kept across reconnects and dropped once full. **Thread:** any.
class CreditTable {
public:
    explicit CreditTable(const CreditRates& rates, std::size_t entries_soft_max = 100'000)
        : rates_(rates), sweep_at_(entries_soft_max), entries_soft_max_(entries_soft_max) {}

    /// The buckets of `owner`; keys and addresses need different prefixes.
    [[nodiscard]] std::shared_ptr<Credits> of(const std::string& owner, std::int64_t now_us);

private:
    CreditRates rates_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Credits>> entries_;
    std::size_t sweep_at_;
    std::size_t entries_soft_max_;
};

}  // namespace crossclear::api
