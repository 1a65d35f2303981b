#include "ledger/journal/codec.hpp"

#include "ledger/journal/codec_fields.hpp"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>

#include <limits>
#include <optional>
#include <utility>
#include <variant>

// The frame is read and written by hand: entries are encoded one by one where they arise, a record
// only joins them, and its version has to be known before anything else is believed. What is inside
// an entry is left to protobuf. See codec_fields.hpp for how members become fields.

namespace crossclear::ledger::journal {
namespace {

using codec::Reader;
namespace pb = codec::pb;
using google::protobuf::Arena;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// Wire types of protobuf: a number; bytes after their length.
constexpr std::uint32_t version_tag = (1 << 3) | 0;
constexpr std::uint32_t entry_tag = (2 << 3) | 2;

// Room for the messages of every ordinary event: none of them then allocates.
constexpr std::size_t scratch_bytes = 4'096;
// What an entry takes in a payload, about: so many are made room for.
constexpr std::size_t usual_entry_bytes = 32;

struct Scratch {
    alignas(16) char bytes[scratch_bytes];
};

google::protobuf::ArenaOptions options_of(Scratch& scratch) {
    google::protobuf::ArenaOptions options;
    options.initial_block = scratch.bytes;
    options.initial_block_size = sizeof scratch.bytes;
    return options;
}

constexpr auto epoch_started = [] {
    using E = EpochStarted;
    using M = pb::EpochStarted;
    return codec::alternative<E>(pb::Entry::kEpochStarted, &pb::Entry::epoch_started,
                                 &pb::Entry::mutable_epoch_started,
                                 codec::value(&E::epoch, &M::epoch, &M::set_epoch),
                                 codec::value(&E::at, &M::at, &M::set_at));
}();

bool read_epoch_started(const pb::Entry& entry, Event& event, Reader& reader) {
    if (entry.event_case() != epoch_started.number) {
        return reader.refuse(CodecError::Kind::out_of_range, "an event of another machine");
    }
    return codec::read_fields(epoch_started.fields, entry.epoch_started(),
                              event.emplace<EpochStarted>(), reader);
}

/// Writes the event; says whose machine's it is.
struct WriteEvent {
    pb::Entry& to;

    template <base::EntityKind kind, class Machine>
    [[nodiscard]] base::EntityKind as(const Machine& event) const {
        codec::write(event, to);
        return kind;
    }

    base::EntityKind operator()(const account::Event& event) const {
        return as<base::EntityKind::account>(event);
    }
    base::EntityKind operator()(const cover::Event& event) const {
        return as<base::EntityKind::cover>(event);
    }
    base::EntityKind operator()(const netting::Event& event) const {
        return as<base::EntityKind::netting>(event);
    }
    base::EntityKind operator()(const hedge::Event& event) const {
        return as<base::EntityKind::hedge>(event);
    }
    base::EntityKind operator()(const instruction::Event& event) const {
        return as<base::EntityKind::instruction>(event);
    }
    base::EntityKind operator()(const withdrawal::Event& event) const {
        return as<base::EntityKind::withdrawal>(event);
    }
    base::EntityKind operator()(const reconcile::Event& event) const {
        return as<base::EntityKind::reconcile>(event);
    }
    base::EntityKind operator()(const signing::Event& event) const {
        return as<base::EntityKind::signing>(event);
    }
    base::EntityKind operator()(const EpochStarted& event) const {
        codec::write_fields(epoch_started.fields, event, *to.mutable_epoch_started());
        return base::EntityKind::partition;
    }
};

bool read_event(const pb::Entry& from, Entry& to, Reader& reader) {
    switch (to.entity.kind) {
        case base::EntityKind::account:
            return codec::read_account(from, to.event, reader);
        case base::EntityKind::cover:
            return codec::read_cover(from, to.event, reader);
        case base::EntityKind::netting:
            return codec::read_netting(from, to.event, reader);
        case base::EntityKind::hedge:
            return codec::read_hedge(from, to.event, reader);
        case base::EntityKind::instruction:
            return codec::read_instruction(from, to.event, reader);
        case base::EntityKind::withdrawal:
            return codec::read_withdrawal(from, to.event, reader);
        case base::EntityKind::reconcile:
            return codec::read_reconcile(from, to.event, reader);
        case base::EntityKind::partition:
            return read_epoch_started(from, to.event, reader);
        case base::EntityKind::signing:
            return codec::read_signing(from, to.event, reader);
    }
    UNREACHABLE("a kind that is not listed has no shape and was refused before");
}

bool read_entry(std::string_view bytes, Entry& to, Reader& reader) {
    Scratch scratch;
    Arena arena(options_of(scratch));
    auto& from = *Arena::CreateMessage<pb::Entry>(&arena);
    if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return reader.refuse(CodecError::Kind::malformed, "not an entry");
    }
    if (from.event_case() == pb::Entry::EVENT_NOT_SET) {
        return reader.refuse(CodecError::Kind::unknown_event, "no event that this release knows");
    }
    if (!codec::read_entity(from, to.entity, reader) || !read_event(from, to, reader)) return false;
    // Protobuf takes more than it writes: fields from nowhere, fields twice, another order, padded
    // numbers. None of it is ours, and what it means would be lost; so it must come out the same.
    if (encode(to) == bytes) return true;
    return reader.refuse(CodecError::Kind::malformed, "not as its version is written");
}

bool read_version(CodedInputStream& in, Reader& reader) {
    std::uint32_t version = 0;
    if (in.ReadTag() != version_tag || !in.ReadVarint32(&version) || version == 0) {
        return reader.refuse(CodecError::Kind::malformed,
                             "a record does not begin with its version");
    }
    if (version <= record_version) {
        // A padded number means the same and is not what was written.
        if (in.CurrentPosition() == 2) return true;
        return reader.refuse(CodecError::Kind::malformed, "a version that is padded");
    }
    return reader.refuse(CodecError::Kind::newer_version,
                         "version " + std::to_string(version) + " of the record's format");
}

/// The bytes of the next entry, whose frame begins at the stream's position; nothing if there is no
/// such frame, or one that is padded.
std::optional<std::string_view> next_entry(CodedInputStream& in, std::string_view payload) {
    const auto frame_begin = static_cast<std::size_t>(in.CurrentPosition());
    std::uint32_t size = 0;
    if (in.ReadTag() != entry_tag || !in.ReadVarint32(&size)) return std::nullopt;
    const auto begin = static_cast<std::size_t>(in.CurrentPosition());
    if (begin - frame_begin != 1 + CodedOutputStream::VarintSize32(size)) return std::nullopt;
    if (size > payload.size() - begin) return std::nullopt;
    if (!in.Skip(static_cast<int>(size))) return std::nullopt;
    return payload.substr(begin, size);
}

}  // namespace

std::string encode(const Entry& entry) {
    Scratch scratch;
    Arena arena(options_of(scratch));
    auto& to = *Arena::CreateMessage<pb::Entry>(&arena);
    codec::write_entity(entry.entity, to);
    const base::EntityKind kind = std::visit(WriteEvent{to}, entry.event);
    CHECK(kind == entry.entity.kind, "an event is written under its own machine");

    std::string bytes;
    CHECK(to.SerializeToString(&bytes), "an entry stays below protobuf's two gigabytes");
    return bytes;
}

std::string begin_payload() {
    static_assert(record_version < 0x80, "a longer version needs more bytes here");
    return {static_cast<char>(version_tag), static_cast<char>(record_version)};
}

void append_entry(std::string& payload, std::string_view entry_bytes) {
    CHECK(entry_bytes.size() <= std::numeric_limits<std::int32_t>::max(), "an entry is short");
    std::uint8_t frame[6];  // One byte of tag, at most five of length.
    frame[0] = static_cast<std::uint8_t>(entry_tag);
    const std::uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
        static_cast<std::uint32_t>(entry_bytes.size()), frame + 1);
    for (const std::uint8_t* byte = frame; byte != end; ++byte) {
        payload.push_back(static_cast<char>(*byte));
    }
    payload.append(entry_bytes);
}

base::Result<std::vector<Entry>, CodecError> decode_payload(std::string_view payload) {
    Reader reader;
    const auto is_short = payload.size() <= std::numeric_limits<std::int32_t>::max();
    if (!is_short) return base::Failure{CodecError{.what = "a payload of gigabytes"}};

    CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()),
                        static_cast<int>(payload.size()));
    if (!read_version(in, reader)) return base::Failure{reader.error()};

    std::vector<Entry> entries;
    entries.reserve(payload.size() / usual_entry_bytes);
    while (static_cast<std::size_t>(in.CurrentPosition()) < payload.size()) {
        const auto bytes = next_entry(in, payload);
        if (!bytes) reader.refuse(CodecError::Kind::malformed, "not framed");
        if (!bytes || !read_entry(*bytes, entries.emplace_back(), reader)) {
            CodecError error = reader.error();
            error.what = "entry " + std::to_string(entries.size()) + ": " + error.what;
            return base::Failure{std::move(error)};
        }
    }
    return entries;
}

}  // namespace crossclear::ledger::journal
