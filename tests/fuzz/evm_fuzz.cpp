#include "base/check.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/rlp.hpp"
#include "shards/evm/transaction.hpp"
#include "shards/evm/words.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What signers and nodes send us. Whatever is accepted has one spelling, the one that we would
// write; whatever else comes is refused, and nothing stops the process.

namespace evm = crossclear::shards::evm;

namespace {

void check_rlp(evm::BytesView bytes) {
    const evm::Bytes whole(bytes.begin(), bytes.end());
    if (const auto item = evm::rlp_decode(bytes)) {
        CHECK(evm::rlp_encode(*item) == whole, "an item has one spelling");
    }
    if (const auto signed_one = evm::parse_transaction(bytes)) {
        CHECK(evm::raw_bytes(*signed_one) == whole, "a transaction is read as it would be sent");
    }
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

void check_answer(std::string_view text) {
    if (const auto number = evm::parse_quantity(text)) {
        // Nodes may write digits in either case.
        CHECK(evm::parse_quantity(evm::to_quantity(*number)) == number, "a quantity stays itself");
    }
    const auto said = evm::parse_answer(text);
    if (!said) return;
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}}) {
        const auto results = evm::results_of(*said, 7, count);
        CHECK(results.size() == count, "each call has a result");
        for (const auto& result : results) {
            if (result) continue;
            CHECK(result.error().message.size() <= evm::rpc_message_max, "somebody's text is cut");
            CHECK(result.error().data.size() <= evm::rpc_data_max, "and so is its data");
        }
    }
    (void)evm::parse_header(*said);
    (void)evm::parse_log(*said);
    (void)evm::parse_logs(*said);
    (void)evm::parse_receipt(*said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const evm::BytesView bytes(data, size);
    check_rlp(bytes);
    check_abi(bytes);
    check_answer({reinterpret_cast<const char*>(data), size});
    return 0;
}
