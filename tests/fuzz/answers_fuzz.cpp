#include "base/check.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/canonical.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/inflows.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/relayer.hpp"
#include "shards/evm/vault.hpp"
#include "shards/evm/words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What nodes answer. Whatever is read of an answer is in its canonical form too, and nothing else
// is; whatever else comes is refused, and nothing stops the process. What contracts are said to
// have told books what they could have told, or nothing.

namespace evm = crossclear::shards::evm;
namespace base = crossclear::base;
namespace ledger = crossclear::ledger;
namespace json = boost::json;

namespace {

using Form = std::optional<json::value>;

constexpr std::string_view cluster = "demo";
constexpr base::AssetId usdc{0};
constexpr base::AssetId coin{1};

// `read` is what parsing gives of an answer, or of a part of it.
template <class Canonical, class Read>
void check_form(const json::value& said, bool may_be_null, Canonical canonical, Read read) {
    const Form form = canonical(said);
    const auto is_known = read(said);
    const bool is_null = may_be_null && said.is_null();
    CHECK(form.has_value() == (is_known.has_value() || is_null),
          "an answer has a form where it can be read, and only there");
    if (!form) return;
    CHECK(canonical(*form) == form, "a form is its own");
    CHECK(read(*form) == is_known, "a form says what the answer did");
}

std::string_view text_of(const json::value& said) {
    return said.is_string() ? std::string_view(said.get_string()) : std::string_view{};
}

void check_sent_by(const json::value& said) {
    static const auto key =
        *evm::parse_fixed<evm::Address>("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    const auto names = evm::canonical_sent_by(key, said);
    if (!names || names->is_null()) {
        CHECK(!names || said.is_null(), "only of no block nothing is known");
        return;
    }
    for (const auto& name : names->as_array()) {
        CHECK(evm::parse_fixed<evm::Hash>(text_of(name)), "transactions have names");
    }
}

void check_forms(const json::value& said) {
    check_form(said, false, evm::canonical_quantity,
               [](const json::value& one) { return evm::parse_quantity(text_of(one)); });
    check_form(said, false, evm::canonical_bytes,
               [](const json::value& one) { return evm::parse_hex(text_of(one)); });
    check_form(said, true, evm::canonical_block, evm::parse_block);
    check_form(said, true, evm::canonical_receipt, evm::parse_receipt);
    check_form(said, false, evm::canonical_logs, evm::parse_logs);
    check_sent_by(said);
    const auto block = evm::parse_block(said);
    CHECK(!block || evm::parse_header(said) == block->header, "a block begins with its header");
}

// As an answer to calls, with an id and a version around it.
void check_results(const json::value& said) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}}) {
        const auto results = evm::results_of(said, 7, count);
        CHECK(results.size() == count, "each call has a result");
        for (const auto& result : results) {
            if (result) {
                check_forms(*result);
                const evm::RpcCall call{.method = "eth_getBlockByNumber",
                                        .params = {},
                                        .canonical = evm::canonical_block};
                const auto form = evm::canonical(call, result);
                CHECK(form.has_value() == evm::canonical_block(*result).has_value(),
                      "a call gets the form that it wants");
                continue;
            }
            CHECK(result.error().message.size() <= evm::rpc_message_max, "somebody's text is cut");
            CHECK(result.error().data.size() <= evm::rpc_data_max, "and so is its data");
        }
    }
}

evm::Address in_topic(const evm::Log& log, std::size_t at) {
    evm::Address address;
    if (at >= log.topics.size()) return address;
    const auto& bytes = log.topics[at].bytes;
    std::copy(bytes.end() - evm::Address::size, bytes.end(), address.bytes.begin());
    return address;
}

// What an amount is in units of its token.
evm::Uint256 raw_amount(base::Amount amount, base::AssetId asset) {
    const evm::Uint256 unit = asset == coin ? 10'000'000'000 : 1;
    return static_cast<std::uint64_t>(amount.v) * unit;
}

base::Listing a_listing() {
    base::Listing listing;
    listing.assets = {{"USDC", 6, base::AssetKind::stable, "", "circle"},
                      {"COIN", 8, base::AssetKind::spot, "", ""}};
    listing.instruments = {{"COIN", base::InstrumentKind::in_kind, coin, usdc}};
    return listing;
}

void check_ended(const evm::VaultTerms& terms, const base::Listing& listing, const evm::Log& log) {
    const auto ended = evm::parse_ended(terms, log);
    if (!ended) return;
    CHECK(ended->intent == log.topics[1], "an end is that of its intent");
    const auto words = evm::AbiWriter{}
                           .add(ended->given)
                           .add(ended->given_amount)
                           .add(ended->received)
                           .add(ended->received_amount)
                           .arguments();
    CHECK(std::equal(words.begin(), words.end(), log.data.begin()),
          "words that were accepted are the words that would be written");
    for (const auto kind : {ledger::OrderKind::swap, ledger::OrderKind::pay_out}) {
        ledger::ShardOrder order;
        order.kind = kind;
        order.instrument = base::InstrumentId{0};
        order.quantity = base::Amount{1};
        const auto notice = evm::notice_of(terms, listing, order, *ended);
        if (!notice) continue;
        CHECK(notice->given.v >= 0 && notice->received.v >= 0, "nothing is paid that is negative");
        CHECK(raw_amount(notice->given, notice->given_asset) == ended->given_amount &&
                  raw_amount(notice->received, notice->received_asset) == ended->received_amount,
              "what is booked is what was told");
        const bool has_moved = notice->given.v != 0 || notice->received.v != 0;
        CHECK(notice->refusal == ledger::ShardRefusal::none || !has_moved,
              "what was refused moved nothing");
    }
}

void check_inflow(const evm::VaultTerms& terms, const base::Listing& listing, const evm::Log& log) {
    const auto inflow = evm::inflow_of(terms, listing, base::BrokerId{0}, cluster, log);
    if (!inflow) return;
    if (const auto* deposit = std::get_if<ledger::DepositNotice>(&*inflow)) {
        CHECK(deposit->amount.v > 0, "something comes in");
        CHECK(base::broker_of(deposit->account) == base::BrokerId{0}, "for the broker's client");
        return;
    }
    const auto* arrival = std::get_if<ledger::ArrivalNotice>(&*inflow);
    CHECK(arrival != nullptr && arrival->amount.v > 0, "something arrives");
    CHECK(evm::intent_of(cluster, arrival->ref) == log.topics[1], "that was sent under its intent");
}

// The log's own contract and tokens are taken for known ones, or nothing would ever be.
void check_told(const evm::Log& log) {
    static const auto listing = a_listing();
    evm::AbiReader reader(log.data);
    const auto first = reader.address();
    (void)reader.number();
    const auto second = reader.address();
    evm::VaultTerms terms;
    terms.vault = log.address;
    terms.tokens = {{.asset = usdc, .contract = first, .decimals = 6},
                    {.asset = coin,
                     .contract = log.topics.size() > 3 ? in_topic(log, 3) : second,
                     .decimals = 18}};
    check_ended(terms, listing, log);
    check_inflow(terms, listing, log);
    // The same as a bridge's, which has brought it to its third topic.
    terms.vault = in_topic(log, 3);
    terms.tokens[1].contract = in_topic(log, 2);
    terms.ways = {{base::ShardId{1}, {.bridge = log.address, .chain_id = 1, .vault = log.address}}};
    check_inflow(terms, listing, log);

    evm::ChainSite site;
    site.bridge = log.address;
    site.tokens = {
        {.symbol = "USDC", .asset = "USDC", .contract = first, .decimals = 6, .scale = 6}};
    const auto passage = evm::parse_sent(site, log);
    if (!passage) return;
    CHECK(passage->intent == log.topics[1], "a passage is that of its intent");
    CHECK(passage->to == in_topic(log, 3), "and goes where it says");
    site.tokens.front().decimals = 18;
    const auto more = evm::converted(*passage, site);
    CHECK(!more || *more / 1'000'000'000'000 == passage->amount, "and loses nothing on its way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto number = evm::parse_quantity(text)) {
        // Nodes may write digits in either case.
        CHECK(evm::parse_quantity(evm::to_quantity(*number)) == number, "a quantity stays itself");
    }
    const auto said = evm::parse_answer(text);
    if (!said) return 0;
    check_results(*said);
    check_forms(*said);
    if (const auto log = evm::parse_log(*said)) check_told(*log);
    if (const auto logs = evm::parse_logs(*said)) {
        for (const auto& log : *logs) check_told(log);
    }
    if (const auto receipt = evm::parse_receipt(*said)) {
        for (const auto& log : receipt->logs) check_told(log);
    }
    return 0;
}
