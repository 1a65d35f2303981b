#pragma once

#include "base/result.hpp"
#include "ledger/account/state.hpp"
#include "ledger/core.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Entries and states as bytes, and back. The format is record.proto's; it outlives every release.
///
/// Equal contents give equal bytes, on every machine and in every run: digests are computed over
/// them, and a batch that is sent again must be the same batch.

namespace crossclear::ledger::journal {

/// Versions that are written; a reader refuses what is newer. Raised with every change of the
/// format, so that a program never skips a field that it does not know.
inline constexpr std::uint32_t record_version = 1;
inline constexpr std::uint8_t state_version = 1;

/// Why bytes are no record and no state.
struct CodecError {
    /// In the order in which they are looked for within one entry.
    enum class Kind : std::uint8_t {
        malformed,      ///< Not the format: truncated, damaged, no version, or fields from nowhere.
        newer_version,  ///< Written by a newer release; this one must not guess.
        unknown_event,  ///< An entry without an event that this release knows.
        out_of_range,   ///< A number that its type does not have, or another machine's event.
    };

    Kind kind{Kind::malformed};
    std::string what;  ///< For whoever reads the log: what is wrong, and in which entry.

    friend bool operator==(const CodecError&, const CodecError&) = default;
};

/// One entry's bytes. **Requires:** the event is one of the entity's machine, the entity has the
/// shape that `base::EntityId` describes, and enumerators are listed ones: what could not be read
/// back is never written. **Cost:** well below two microseconds for a trade; one allocation.
[[nodiscard]] std::string encode(const Entry& entry);

/// The bytes a record's payload begins with; entries follow by `append_entry`.
[[nodiscard]] std::string begin_payload();

/// Adds what `encode` returned to a payload. Entries are encoded where they arise and joined here
/// without being encoded again.
void append_entry(std::string& payload, std::string_view entry_bytes);

/// Reads a payload, in order. Counts and sizes have no maximum of their own here: limits change
/// between releases, and an old journal stays readable. **Errors:** as `CodecError` lists them.
[[nodiscard]] base::Result<std::vector<Entry>, CodecError> decode_payload(std::string_view payload);

/// The snapshot of an account: a version byte, then the state. **Requires:** listed enumerators.
[[nodiscard]] std::string encode_state(const account::State& state);

/// Reads what `encode_state` wrote. **Errors:** `unknown_event` never; the others as listed.
[[nodiscard]] base::Result<account::State, CodecError> decode_state(std::string_view bytes);

/// The same for every machine; an account's bytes are those of `encode_state`.
[[nodiscard]] std::string encode_entity(const EntityState& state);

/// Reads what `encode_entity` wrote of this entity. **Requires:** its kind has a state. **Errors:**
/// as above; `out_of_range` also for another entity's state.
[[nodiscard]] base::Result<EntityState, CodecError> decode_entity(const base::EntityId& entity,
                                                                  std::string_view bytes);

/// A partition's core, compacted: equal histories give equal bytes, whatever was met since.
[[nodiscard]] std::string encode_core(const Core& core);

/// Reads what `encode_core` wrote. **Errors:** as above.
[[nodiscard]] base::Result<Core, CodecError> decode_core(std::string_view bytes);

}  // namespace crossclear::ledger::journal
