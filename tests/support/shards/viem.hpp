#pragma once

#include "shards/evm/words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// What viem, an encoder and signer that others wrote, makes of random cases: viem.mjs, run for one
/// test.

namespace crossclear::tests {

/// One case. Whatever is read is there, or the test ends: both sides are ours.
class ViemCase {
public:
    explicit ViemCase(const boost::json::object& fields) : fields_(fields) {}

    /// The field itself; null where it is that.
    [[nodiscard]] const boost::json::value& at(std::string_view name) const;
    /// What is in an object.
    [[nodiscard]] ViemCase inner(std::string_view name) const;
    /// A list.
    [[nodiscard]] const boost::json::array& list(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] shards::evm::Bytes bytes(std::string_view name) const;
    [[nodiscard]] shards::evm::Hash hash(std::string_view name) const;
    [[nodiscard]] shards::evm::Address address(std::string_view name) const;
    /// Of hex, as a quantity.
    [[nodiscard]] shards::evm::Uint256 number(std::string_view name) const;
    [[nodiscard]] std::uint64_t number64(std::string_view name) const;
    /// Of a decimal text.
    [[nodiscard]] std::int64_t signed64(std::string_view name) const;
    /// Of a number of JSON.
    [[nodiscard]] int small(std::string_view name) const;

private:
    const boost::json::object& fields_;
};

/// Cases enough to come by every edge, in about a second.
inline constexpr std::size_t viem_cases = 300;

/// Has viem make cases of one kind and hands over each, until one fails. They are others in each
/// run; the seed is printed, and CROSSCLEAR_SEED brings them back. Skips the test where there is no
/// node or no viem.
void for_each_viem_case(const std::string& kind, std::size_t count,
                        const std::function<void(const ViemCase&)>& compare);

}  // namespace crossclear::tests
