#pragma once

#include "base/limits.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>

/// Every maximum of the Redis journal, and how they relate.

namespace crossclear::store::limits {

/// Instances of one cluster; odd, so that a majority is never a tie.
inline constexpr std::size_t instances_max = 7;
/// Calls that wait for one instance or are in flight there; more are declined.
inline constexpr std::size_t calls_max = 4'096;
/// Of these, kept free for what moves a log or confirms its owner: one round of all partitions.
inline constexpr std::size_t calls_reserved = 4 * base::limits::partitions_max;
/// Bytes handed to the socket and not taken yet; more calls wait meanwhile.
inline constexpr std::size_t unsent_bytes_max = 4 * 1'024 * 1'024;
/// Bytes taken from the socket at once.
inline constexpr std::size_t receive_bytes = 256 * 1'024;
/// Payload bytes of one page of records; a page holds at least one record.
inline constexpr std::size_t page_bytes_max = 8 * 1'024 * 1'024;
/// Records of one page.
inline constexpr std::size_t page_records_max = 10'000;

/// Snapshots of one page, about: an account's may have hundreds of kilobytes.
inline constexpr std::size_t page_snapshots = 8;

/// How long a server that did not answer in TLS, or only in TLS, is asked the other way round.
inline constexpr base::Duration second_look_timeout = base::milliseconds(250);

/// Between two attempts to connect.
inline constexpr base::Duration backoff_min = base::milliseconds(10);
inline constexpr base::Duration backoff_max = base::milliseconds(1'000);
/// Between two probes of an instance that declined a write.
inline constexpr base::Duration probe_interval = base::milliseconds(200);
/// Between two examinations of an instance that is in use.
inline constexpr base::Duration examine_interval = base::milliseconds(1'000);

/// Epochs and sequence numbers are parts of stream ids, which have 64 bits each.
inline constexpr std::size_t decimal_digits_max = 20;

static_assert(base::limits::record_bytes_max <= unsent_bytes_max, "the largest record is sent");
static_assert(base::limits::record_bytes_max <= page_bytes_max, "the largest record is read");
static_assert(2 * calls_reserved <= calls_max, "most of the room is for everyone");

}  // namespace crossclear::store::limits
