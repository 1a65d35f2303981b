#include "base/check.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/rlp.hpp"
#include "shards/evm/signer.hpp"
#include "shards/evm/transaction.hpp"
#include "shards/evm/words.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

// What signers and contracts send us, as bytes. Whatever is accepted has one spelling, the one that
// we would write; whatever else comes is refused, and nothing stops the process.

namespace evm = crossclear::shards::evm;
using crossclear::ledger::signing::Sign;

namespace {

// A signer's answer to the question for this very transaction, and to one for another nonce.
void check_signed(const evm::SignedTransaction& signed_one, evm::BytesView bytes) {
    constexpr std::uint64_t fee_max = std::numeric_limits<std::uint64_t>::max();
    const auto& x = signed_one.transaction;
    if (x.tip_max > fee_max || x.fee_max > fee_max) return;
    Sign asked{.nonce = x.nonce,
               .chain_id = x.chain_id,
               .to = x.to.bytes,
               .data = std::string(x.data.begin(), x.data.end()),
               .gas_limit = x.gas_limit,
               .fees = {.tip_wei = static_cast<std::uint64_t>(x.tip_max),
                        .fee_wei = static_cast<std::uint64_t>(x.fee_max)}};
    const auto signer = evm::signer_of(signed_one);
    const auto key = signer.value_or(evm::Address{});
    const auto compared = evm::compare_signed(asked, key.bytes, bytes);
    CHECK(compared.has_value() == (signer.has_value() && x.value == 0),
          "a call that moves no coin and has a signer is what was asked for");
    ++asked.nonce;
    CHECK(!evm::compare_signed(asked, key.bytes, bytes), "and another one is not");
}

void check_rlp(evm::BytesView bytes) {
    const evm::Bytes whole(bytes.begin(), bytes.end());
    if (const auto item = evm::rlp_decode(bytes)) {
        CHECK(evm::rlp_encode(*item) == whole, "an item has one spelling");
    }
    const auto signed_one = evm::parse_transaction(bytes);
    if (!signed_one) return;
    CHECK(evm::raw_bytes(*signed_one) == whole, "a transaction is read as it would be sent");
    check_signed(*signed_one, bytes);
}

// Arguments of every kind that contracts of ours have, in an order that the bytes choose.
void check_abi(evm::BytesView bytes) {
    if (bytes.empty()) return;
    const std::uint8_t kinds = bytes.front();
    evm::AbiReader reader(bytes.subspan(1));
    evm::AbiWriter writer;
    for (int i = 0; i < 8; i += 2) {
        switch ((kinds >> i) & 3) {
            case 0:
                writer.add(reader.number());
                break;
            case 1:
                writer.add(reader.address());
                break;
            case 2:
                writer.add_flag(reader.flag());
                break;
            case 3:
                writer.add(reader.hash());
                break;
        }
    }
    const bool is_read = !reader.error();
    (void)reader.bytes();
    if (!is_read) return;
    const auto words = writer.arguments();
    CHECK(std::equal(words.begin(), words.end(), bytes.begin() + 1),
          "words that were accepted are the words that would be written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const evm::BytesView bytes(data, size);
    check_rlp(bytes);
    check_abi(bytes);
    return 0;
}
