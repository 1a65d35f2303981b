#pragma once

#include "base/ids.hpp"
#include "ledger/journal/port.hpp"

#include <cstdint>
#include <string_view>

/// The hash chain that makes a log tamper-evident, and the digest it is made of.

namespace crossclear::ledger::journal {

/// SHA-256 of some bytes. Source: FIPS 180-4, as OpenSSL implements it.
[[nodiscard]] Digest sha256(std::string_view bytes);

/// 128 bits nobody can guess, from the system's generator; for owners at takeover.
[[nodiscard]] Nonce fresh_nonce();

/// Lower-case hexadecimal text, for reports.
[[nodiscard]] std::string to_hex(const Digest& digest);

/// SHA-256(cluster, partition, record epoch, seq, previous head, payload). Numbers are 8 bytes big
/// endian and the cluster name is preceded by its length, so that no two inputs run together.
[[nodiscard]] Digest chain_digest(std::string_view cluster, base::PartitionId partition,
                                  std::uint64_t record_epoch, std::uint64_t seq,
                                  const Digest& previous, std::string_view payload);

/// The record that follows `last` and holds `payload`.
[[nodiscard]] Record next_record(std::string_view cluster, base::PartitionId partition,
                                 const Head& last, std::uint64_t record_epoch, std::string payload);

/// Whether `record` follows `previous` by number and by digest.
[[nodiscard]] bool is_linked(std::string_view cluster, base::PartitionId partition,
                             const Head& previous, const Record& record);

}  // namespace crossclear::ledger::journal
