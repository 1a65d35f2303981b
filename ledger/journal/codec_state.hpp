#pragma once

#include "ledger/journal/codec.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <google/protobuf/arena.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

/// Part of the codec: what the encodings of all states share. A state is a version byte and one
/// message; bytes that were accepted are the bytes that would be written.

namespace crossclear::ledger::journal::codec {

/// Copies a map into a list of messages, in the order of its keys.
template <class Map, class Parts, class Write>
void write_map(const Map& map, Parts& to, Write write) {
    to.Reserve(static_cast<int>(map.size()));
    for (const auto& [key, value] : map) write(key, value, *to.Add());
}

/// Copies a list of messages into a map. Keys that do not ascend, or come twice, are found when
/// encodings are compared.
template <class Parts, class Map, class Read>
[[nodiscard]] bool read_map(const Parts& from, Map& map, Read read) {
    for (const auto& part : from) {
        typename Map::key_type key{};
        typename Map::mapped_type value{};
        if (!read(part, key, value)) return false;
        map.emplace_hint(map.end(), key, std::move(value));
    }
    return true;
}

/// One state's bytes.
template <class Message, class State, class Write>
[[nodiscard]] std::string encode_message(const State& state, Write write) {
    google::protobuf::Arena arena;
    auto& to = *google::protobuf::Arena::CreateMessage<Message>(&arena);
    write(state, to);
    std::string bytes(1, static_cast<char>(state_version));
    CHECK(to.AppendToString(&bytes), "a state stays below protobuf's two gigabytes");
    return bytes;
}

/// Reads what `encode_message` wrote; `again` is how the state is encoded.
template <class Message, class State, class Read, class Again>
[[nodiscard]] base::Result<State, CodecError> decode_message(std::string_view bytes, State state,
                                                             Read read, Again again) {
    using Kind = CodecError::Kind;
    const std::uint8_t version = bytes.empty() ? 0 : static_cast<std::uint8_t>(bytes.front());
    if (version == 0) return base::Failure{CodecError{Kind::malformed, "a state has no version"}};
    if (version > state_version) {
        return base::Failure{CodecError{
            Kind::newer_version, "version " + std::to_string(version) + " of a state's format"}};
    }
    const std::string_view body = bytes.substr(1);
    google::protobuf::Arena arena;
    auto& from = *google::protobuf::Arena::CreateMessage<Message>(&arena);
    if (body.size() > std::numeric_limits<std::int32_t>::max() ||
        !from.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
        return base::Failure{CodecError{Kind::malformed, "not a state"}};
    }
    Reader reader;
    if (!read(from, state, reader)) return base::Failure{reader.error()};
    if (again(state) != bytes) {
        return base::Failure{CodecError{Kind::malformed, "not as its version is written"}};
    }
    return state;
}

}  // namespace crossclear::ledger::journal::codec
