#include "shards/evm/signer.hpp"

#include "shards/evm/key_signer.hpp"
#include "shards/evm/remote_signer.hpp"
#include "shards/evm/rlp.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/shards/anvil.hpp"
#include "tests/support/shards/scripted_node.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Signers that are right, and all the ways in which one is not.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using ledger::signing::Sign;
using tests::error_for;
using tests::result_for;
using tests::Script;
using tests::ScriptedNode;
using Signed = SignResult;

// The first two keys of every anvil, which everybody knows.
const Key& our_key() {
    static const auto key = *Key::of(
        *parse_fixed<Hash>("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
    return key;
}
const Key& other_key() {
    static const auto key = *Key::of(
        *parse_fixed<Hash>("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"));
    return key;
}

Sign a_sign() {
    return {.nonce = 7,
            .number = 0,
            .chain_id = 31'337,
            .to = parse_fixed<Address>("0x5FbDB2315678afecb367f032d93F642f64180aa3")->bytes,
            .data = std::string("\xa9\x05\x00\xff", 4),
            .gas_limit = 120'000,
            .fees = {.tip_wei = 1'500'000'000, .fee_wei = 40'000'000'000}};
}

// A transfer of nothing to the key itself, as lanes cancel.
Sign a_cancel() {
    auto asked = a_sign();
    asked.to = our_key().address().bytes;
    asked.data.clear();
    return asked;
}

Bytes signed_by(const Key& key, const Transaction& transaction) {
    return raw_bytes(key.sign(transaction));
}

// Runs one signing to its end.
Signed ask(boost::asio::io_context& io, Signer& signer, const Sign& asked) {
    std::optional<Signed> given;
    signer.sign(asked, [&](Signed result) {
        EXPECT_FALSE(given.has_value()) << "once";
        given = std::move(result);
    });
    EXPECT_FALSE(given.has_value()) << "never from within a call";
    EXPECT_TRUE(tests::run_until(io, [&] { return given.has_value(); }));
    return given.value_or(base::Failure{NotSigned{.fault = SignFault::altered}});
}

Signed ask_key(const Sign& asked) {
    boost::asio::io_context io;
    KeySigner signer(io, our_key());
    return ask(io, signer, asked);
}

Signed ask_at(const std::string& url, const Sign& asked,
              base::Duration try_patience = base::seconds(8)) {
    RpcOptions options;
    options.endpoints = {*parse_endpoint(url)};
    options.try_patience = try_patience;
    boost::asio::io_context io;
    RemoteSigner signer(io, options, our_key().address().bytes);
    EXPECT_EQ(signer.key(), our_key().address().bytes);
    return ask(io, signer, asked);
}

// What comes of a signer that answers with this result, in JSON.
Signed given_result(const std::string& result, const Sign& asked = a_sign()) {
    ScriptedNode node(
        [&](const std::string& question) { return Script{.body = result_for(question, result)}; });
    return ask_at(node.http_url(), asked);
}

std::string as_text(BytesView raw) { return '"' + to_hex(raw) + '"'; }
std::string as_object(BytesView raw) {
    return R"({"tx":{"hash":"0x00","nonce":"0x63"},"raw":)" + as_text(raw) + "}";
}

SignFault fault_in(const Signed& result) {
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? SignFault{} : result.error().fault;
}

TEST(KeySigner, SignsWhatItIsAsked) {
    const auto given = ask_key(a_sign());
    ASSERT_TRUE(given.has_value());
    const Bytes raw(given->raw.begin(), given->raw.end());
    const auto read = parse_transaction(raw);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->transaction, transaction_of(a_sign()));
    EXPECT_EQ(read->transaction.value, 0);
    EXPECT_EQ(signer_of(*read), our_key().address());
    EXPECT_EQ(given->hash, transaction_hash(raw).bytes);
    EXPECT_EQ(ask_key(a_sign()), given) << "the same bytes every time";
}

TEST(KeySigner, ItsEndLosesNoAnswer) {
    boost::asio::io_context io;
    std::optional<Signed> given;
    {
        KeySigner signer(io, our_key());
        EXPECT_EQ(signer.key(), our_key().address().bytes);
        signer.sign(a_cancel(), [&](Signed result) { given = std::move(result); });
    }
    EXPECT_TRUE(tests::run_until(io, [&] { return given.has_value(); }));
    EXPECT_TRUE(given->has_value());
}

TEST(RemoteSigner, GivesTheBytesThatWereAsked) {
    for (const auto& asked : {a_sign(), a_cancel()}) {
        const auto raw = signed_by(our_key(), transaction_of(asked));
        for (const auto& result : {as_text(raw), as_object(raw)}) {
            const auto given = given_result(result, asked);
            ASSERT_TRUE(given.has_value()) << result;
            EXPECT_EQ(given, ask_key(asked));
        }
    }
}

TEST(RemoteSigner, AsksForOneTransactionInFull) {
    ScriptedNode node([](const std::string& question) {
        return Script{.body = error_for(question, -32000, "request denied")};
    });
    (void)ask_at(node.http_url(), a_sign());
    ASSERT_EQ(node.questions().size(), 1U);
    const auto question = json::parse(node.questions().front());
    EXPECT_EQ(question.at("method"), json::value("eth_signTransaction"));
    EXPECT_EQ(question.at("params"),
              json::parse(R"([{"from":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
                               "to":"0x5fbdb2315678afecb367f032d93f642f64180aa3",
                               "gas":"0x1d4c0","maxFeePerGas":"0x9502f9000",
                               "maxPriorityFeePerGas":"0x59682f00","nonce":"0x7","value":"0x0",
                               "data":"0xa90500ff","chainId":"0x7a69","type":"0x2"}])"));
    EXPECT_EQ(signing_request(a_cancel(), our_key().address().bytes).at("data"), json::value("0x"));
}

// One way of being signed that is not what was asked.
struct Altered {
    const char* what;
    std::function<void(Transaction&)> change;
};

// Goal: nothing leaves that differs from what was asked in any field.
TEST(RemoteSigner, AnyOtherFieldIsAltered) {
    const Altered rows[] = {
        {"chain id", [](Transaction& x) { x.chain_id = 1; }},
        {"nonce", [](Transaction& x) { ++x.nonce; }},
        {"tip", [](Transaction& x) { ++x.tip_max; }},
        {"fee", [](Transaction& x) { --x.fee_max; }},
        {"a fee of more than 64 bits", [](Transaction& x) { x.fee_max += Uint256{1} << 64; }},
        {"gas limit", [](Transaction& x) { ++x.gas_limit; }},
        {"to", [](Transaction& x) { x.to.bytes.back() ^= 1; }},
        {"value", [](Transaction& x) { x.value = 1; }},
        {"data", [](Transaction& x) { x.data.back() ^= 1; }},
        {"more data", [](Transaction& x) { x.data.push_back(0); }},
        {"no data", [](Transaction& x) { x.data.clear(); }},
    };
    for (const auto& [what, change] : rows) {
        auto transaction = transaction_of(a_sign());
        change(transaction);
        const auto raw = signed_by(our_key(), transaction);
        EXPECT_EQ(fault_in(given_result(as_text(raw))), SignFault::altered) << what;
        EXPECT_EQ(fault_in(given_result(as_object(raw))), SignFault::altered) << what;
    }
}

// The transaction that was asked for, without the byte that says its type.
Bytes without_type() {
    auto raw = signed_by(our_key(), transaction_of(a_sign()));
    raw.erase(raw.begin());
    return raw;
}

Bytes with_signature(const std::function<void(Signature&)>& change) {
    auto signed_one = our_key().sign(transaction_of(a_sign()));
    change(signed_one.signature);
    return raw_bytes(signed_one);
}

// With an access list, which costs gas that nobody asked for.
Bytes with_access() {
    const auto raw = signed_by(our_key(), transaction_of(a_sign()));
    auto items = *rlp_decode(BytesView(raw).subspan(1))->list();
    const auto address = RlpItem::of(BytesView(our_key().address().bytes));
    const auto entry = RlpItem::of(std::vector{address, RlpItem::of(std::vector<RlpItem>{})});
    items.at(8) = RlpItem::of(std::vector{entry});
    Bytes other{2};
    append(other, rlp_encode(RlpItem::of(std::move(items))));
    return other;
}

// Goal: nothing leaves that somebody else has signed, or that has a second spelling.
TEST(RemoteSigner, AnyOtherSignatureIsAltered) {
    const Uint256 order{"0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
    const auto asked = transaction_of(a_sign());
    auto longer = signed_by(our_key(), asked);
    longer.push_back(0);
    const std::pair<const char*, Bytes> rows[] = {
        {"another key", signed_by(other_key(), asked)},
        {"the high one of two", with_signature([&](Signature& x) {
             x.s = order - x.s;
             x.is_odd = !x.is_odd;
         })},
        {"the other parity", with_signature([](Signature& x) { x.is_odd = !x.is_odd; })},
        {"none", with_signature([](Signature& x) { x.r = 0; })},
        {"another s", with_signature([](Signature& x) { ++x.s; })},
        {"an access list", with_access()},
        {"no type", without_type()},
        {"more bytes", longer},
        {"no bytes", {}},
    };
    for (const auto& [what, raw] : rows) {
        EXPECT_EQ(fault_in(given_result(as_text(raw))), SignFault::altered) << what;
    }
}

TEST(RemoteSigner, AResultWithoutBytesIsAltered) {
    const auto raw = as_text(signed_by(our_key(), transaction_of(a_sign())));
    for (const std::string& result :
         {std::string("null"), std::string("7"), std::string("{}"), std::string(R"("0x0")"),
          std::string(R"("signed")"), R"({"raw":[)" + raw + "]}", R"({"tx":)" + raw + "}",
          "[" + raw + "]"}) {
        EXPECT_EQ(fault_in(given_result(result)), SignFault::altered) << result;
    }
}

// Goal: an order ends because of what the signer said, never because it said nothing.
TEST(RemoteSigner, OnlyItsOwnWordIsARefusal) {
    const std::pair<std::int64_t, SignFault> rows[] = {
        {-32000, SignFault::refused},      // Clef's "request denied", Web3Signer's unknown key.
        {-32601, SignFault::refused},      // It is no signer.
        {-32602, SignFault::refused},      // Anvil's other chain, or unknown key.
        {4001, SignFault::refused},        // A person said no.
        {-32603, SignFault::unreachable},  // Something went wrong within.
        {-32002, SignFault::unreachable},  // It took too long within.
        {-32005, SignFault::unreachable},  // Fewer questions, please.
        {429, SignFault::unreachable},     // The same of a gateway.
    };
    for (const auto& [code, fault] : rows) {
        ScriptedNode node([code = code](const std::string& question) {
            return Script{.body = error_for(question, code, "no")};
        });
        EXPECT_EQ(fault_in(ask_at(node.http_url(), a_sign())), fault) << code;
    }
}

// Goal: whoever reads the log learns what the signer holds against a transaction, and nothing that
// a log cannot bear.
TEST(RemoteSigner, ItsWordsComeWithItsRefusal) {
    const auto said = [](const std::string& words) {
        ScriptedNode node([&](const std::string& question) {
            return Script{.body = error_for(question, -32000, words)};
        });
        const auto given = ask_at(node.http_url(), a_sign());
        return given.has_value() ? "signed" : given.error().says;
    };
    EXPECT_EQ(said("Request denied: no rule allows this"), "Request denied: no rule allows this");
    EXPECT_EQ(said("a line\nand \a a bell"), "a line?and ? a bell");
    EXPECT_EQ(said(std::string(2 * rpc_message_max, 'x')), std::string(rpc_message_max, 'x'));
    const auto nobody = ScriptedNode([](const std::string&) { return Script{}; }).http_url();
    const auto away = ask_at(nobody, a_sign());
    EXPECT_EQ(fault_in(away), SignFault::unreachable);
    EXPECT_NE(away.error().says.find("refused"), std::string::npos) << away.error().says;
}

TEST(RemoteSigner, WhatIsNoAnswerIsAskedAgain) {
    const std::pair<const char*, Script> rows[] = {
        {"HTML", {.body = "<html><title>Welcome</title></html>"}},
        {"another id", {.body = R"({"jsonrpc":"2.0","id":9,"result":"0x"})"}},
        {"an error that is none", {.body = R"({"jsonrpc":"2.0","id":1,"error":"no"})"}},
        {"429", {.status = 429, .body = "slow down"}},
        {"401", {.status = 401, .body = "who are you?"}},
        {"502", {.status = 502, .body = "<html>bad gateway</html>"}},
        {"an error behind a 500",
         {.status = 500,
          .body = R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}})"}},
        {"it hangs up", {.is_refused = true}},
    };
    for (const auto& [what, script] : rows) {
        ScriptedNode node([&script = script](const std::string&) { return script; });
        EXPECT_EQ(fault_in(ask_at(node.http_url(), a_sign())), SignFault::unreachable) << what;
    }
    ScriptedNode silent([](const std::string&) { return Script{.is_silent = true}; });
    EXPECT_EQ(fault_in(ask_at(silent.http_url(), a_sign(), base::milliseconds(300))),
              SignFault::unreachable);
}

TEST(RemoteSigner, ItsEndLosesNoAnswer) {
    ScriptedNode silent([](const std::string&) { return Script{.is_silent = true}; });
    RpcOptions options;
    options.endpoints = {*parse_endpoint(silent.http_url())};
    boost::asio::io_context io;
    std::optional<Signed> given;
    {
        RemoteSigner signer(io, options, our_key().address().bytes);
        signer.sign(a_sign(), [&](Signed result) { given = std::move(result); });
        ASSERT_TRUE(tests::run_until(io, [&] { return !silent.questions().empty(); }));
    }
    ASSERT_TRUE(tests::run_until(io, [&] { return given.has_value(); }));
    EXPECT_EQ(fault_in(*given), SignFault::unreachable);
}

// Goal: a real signer understands what is asked, and what it gives is what our own key gives.
TEST(RemoteSigner, AnvilSignsAsOurKeyDoes) {
    if (tests::anvil_program().empty()) GTEST_SKIP() << "CROSSCLEAR_NPM names no anvil";
    const tests::Anvil chain;
    for (const auto& asked : {a_sign(), a_cancel()}) {
        const auto given = ask_at(chain.http_url(), asked);
        ASSERT_TRUE(given.has_value());
        EXPECT_EQ(given, ask_key(asked));
    }
    auto elsewhere = a_sign();
    elsewhere.chain_id = 1;
    EXPECT_EQ(fault_in(ask_at(chain.http_url(), elsewhere)), SignFault::refused)
        << "it signs for its own chain alone";
}

}  // namespace
}  // namespace crossclear::shards::evm
