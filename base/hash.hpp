#pragma once

#include <cstdint>
#include <string_view>

/// Hashes whose values are stored or decide where data lives. They never change.

namespace crossclear::base {

/// Spreads a number over 64 bits. Source: the finaliser of SplitMix64 (Steele, Lea and Flood,
/// "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

/// FNV-1a over bytes, 64 bits. Tells a repeated command from another one under the same id; it is
/// no protection against a client who wants its own two commands to collide.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view bytes,
                                            std::uint64_t seed = 0xCBF29CE484222325ULL) noexcept {
    for (const char byte : bytes) {
        seed ^= static_cast<unsigned char>(byte);
        seed *= 0x100000001B3ULL;
    }
    return seed;
}

/// Folds one more number into a running hash; order matters.
[[nodiscard]] constexpr std::uint64_t hash_combine(std::uint64_t seed,
                                                   std::uint64_t value) noexcept {
    return mix64(seed ^ mix64(value));
}

}  // namespace crossclear::base
