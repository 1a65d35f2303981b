#pragma once

#include "base/result.hpp"
#include "store/error.hpp"
#include "store/redis/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// What is asked of an instance before it may vote: that it is a primary, keeps what it says it
/// keeps, and belongs to this cluster. Asked at start and after every loss of the connection.

namespace crossclear::store {

/// What an instance says about itself. Written once, when its cluster is created.
struct Mark {
    std::string cluster;  ///< The name given in the configuration.
    std::string id;       ///< 32 hexadecimal digits, drawn when it was created.
    std::uint16_t partition_count{};
    std::uint16_t format{};  ///< Of keys, fields and values.
    std::string instance;    ///< This instance's own random number.

    friend bool operator==(const Mark&, const Mark&) = default;
};

/// The id in the mark of an instance that belongs to cluster `id` and waits for its logs. It is no
/// voter's id, so that every script refuses it to whoever takes it for one.
[[nodiscard]] std::string joining_id(const std::string& id);
/// Whether the mark holds such an id.
[[nodiscard]] bool is_joining(const Mark& mark);

/// The format this program reads and writes.
inline constexpr std::uint16_t mark_format = 1;

/// Verifies version, role and every required setting; the first that differs is reported, with the
/// command that changes it.
[[nodiscard]] base::Result<void, StoreError> check_settings(Connection& connection);

/// Reads an instance's mark, nothing if it has none. **Errors:** `wrong_format` if unreadable.
[[nodiscard]] base::Result<std::optional<Mark>, StoreError> read_mark(Connection& connection);

/// Whether the instance holds nothing, or nothing but its mark.
[[nodiscard]] base::Result<bool, StoreError> is_blank(Connection& connection);

/// Marks an empty instance as one of a cluster; an instance that was marked meanwhile keeps what
/// it has. **Errors:** `not_empty` if it holds foreign keys.
[[nodiscard]] base::Result<void, StoreError> write_mark(Connection& connection, const Mark& mark);

/// Verifies that `found` belongs to the cluster that `wanted` describes. An empty `wanted.id` or
/// `wanted.instance` matches any. **Errors:** `wrong_cluster`, `wrong_partition_count`,
/// `wrong_format`; `unmarked` if another instance stands in this one's place.
[[nodiscard]] base::Result<void, StoreError> match_mark(const std::string& subject,
                                                        const Mark& wanted, const Mark& found);

/// The refusal of an instance that is empty although its cluster exists.
[[nodiscard]] StoreError unmarked_error(const std::string& subject);

/// 128 random bits as 32 hexadecimal digits.
[[nodiscard]] std::string random_mark_id();

}  // namespace crossclear::store
