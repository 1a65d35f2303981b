#include "ledger/journal/codec_deposits.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>

namespace crossclear::ledger::journal::codec {
namespace {

constexpr std::size_t page_size = netting::DepositSet::page_size;

void write_marks(const std::bitset<page_size>& marks, std::string& bits) {
    bits.resize(page_size / 8);
    for (std::size_t i = 0; i < page_size; ++i) {
        if (!marks.test(i)) continue;
        const auto others = static_cast<std::uint8_t>(bits[i / 8]);
        bits[i / 8] = static_cast<char>(others | (1U << (i % 8)));
    }
    while (!bits.empty() && bits.back() == 0) bits.pop_back();
}

}  // namespace

void write_pages(const netting::DepositSet& from, DepositPages& to) {
    for (const auto& [place, marks] : from.pages()) {
        auto& part = *to.Add();
        part.set_shard(place.shard.v);
        part.set_page(place.page);
        write_marks(marks, *part.mutable_bits());
    }
}

bool read_pages(const DepositPages& from, netting::DepositSet& to, Reader& reader) {
    for (const auto& part : from) {
        base::ShardId shard;
        if (!from_wire(part.shard(), shard, reader)) return false;
        const std::string& bits = part.bits();
        if (bits.size() > page_size / 8 || part.page() > UINT64_MAX / page_size) {
            return reader.refuse(CodecError::Kind::out_of_range, "a page of deposits of its own");
        }
        for (std::size_t i = 0; i < bits.size() * 8; ++i) {
            const unsigned byte = static_cast<std::uint8_t>(bits[i / 8]);
            if (((byte >> (i % 8)) & 1U) == 0) continue;
            to.insert({shard, part.page() * page_size + i});
        }
    }
    return true;
}

}  // namespace crossclear::ledger::journal::codec
