#include "tests/support/shards/lane_chain.hpp"

#include "base/check.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/key_signer.hpp"
#include "shards/evm/test_token.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace crossclear::tests {
namespace {

namespace json = boost::json;
using namespace shards::evm;

// Anvil's account 4, which everybody knows.
constexpr const char* operator_secret =
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a";
constexpr std::uint64_t one_gwei = 1'000'000'000;
constexpr base::Timestamp never{4'000'000'000'000'000};
constexpr const char* call_gas = "0x2dc6c0";

base::Listing lane_listing() {
    using base::AssetKind;
    return base::Listing{
        .assets = {{"USDC", 6, AssetKind::stable, "", "circle"},
                   {"ETH", 9, AssetKind::spot, "ETH", ""},
                   {"sBTC", 8, AssetKind::synthetic, "BTC", "synthetix"}},
        .instruments = {{"sBTC", base::InstrumentKind::in_kind, listed::sbtc, listed::usdc}},
        .shards = {{"synthetix",
                    {listed::usdc, listed::eth, listed::sbtc},
                    {listed::bitcoin},
                    listed::eth,
                    false},
                   {"augur", {listed::usdc}, {}, listed::usdc, false}}};
}

}  // namespace

void LaneChain::SetUp() {
    if (const auto why = DeployedSite::obstacle(); !why.empty()) GTEST_SKIP() << why;
}

void LaneChain::TearDown() { end_host(); }

void LaneChain::end_host() {
    if (!host) return;
    for (const auto& what : host->told().broken) ADD_FAILURE() << what;
    host.reset();
}

void LaneChain::deploy(std::vector<std::string> others, std::uint64_t states) {
    others.insert(others.begin(), std::string(shard_name));
    site.emplace(others, Blocks::when_asked, states);
}

ChainShardOptions LaneChain::options(std::vector<std::string> urls) const {
    const auto listing = lane_listing();
    auto terms = terms_of(site->chains(), listing, listed::synthetix, "alpha");
    CHECK(terms.has_value(), "what is deployed fits what is listed");
    const auto& chain = site->chain(shard_name);
    const auto& vault = *chain.vault("alpha");
    if (urls.empty()) urls = {chain.url, chain.websocket};
    RpcOptions rpc;
    for (const auto& url : urls) rpc.endpoints.push_back(parse_endpoint(url).value());
    rpc.aside_min = base::milliseconds(5);
    rpc.aside_max = base::milliseconds(50);
    return {.terms = {.listing = listing,
                      .cluster = "test",
                      .broker = base::BrokerId{0},
                      .vault = *std::move(terms),
                      .key = vault.operator_key,
                      .gas_scale = listing.asset(listed::eth).scale},
            .chain_id = chain.chain_id,
            .genesis = chain.genesis,
            .vault_code = vault.code_hash,
            .gas_limit = vault.gas_wanted,
            .fees_max = {.tip_wei = 10 * one_gwei, .fee_wei = 500 * one_gwei},
            .finality = {},
            .poll_every = base::milliseconds(20),
            .rpc = std::move(rpc),
            .make_signer = [](boost::asio::io_context& io) {
                const auto key = Key::of(parse_fixed<Hash>(operator_secret).value());
                return std::make_unique<KeySigner>(io, key.value());
            }};
}

void LaneChain::start() {
    deploy();
    host.emplace(options());
    host->follow();
}

void LaneChain::restart(const std::vector<SignedOrder>& sent) {
    end_host();
    host.emplace(options());
    host->follow(sent);
}

ledger::ShardOrder LaneChain::payment(std::int64_t units) {
    return {.ref = {.origin = base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, ++orders),
                    .number = 1},
            .shard = listed::synthetix,
            .kind = ledger::OrderKind::pay_out,
            .asset = listed::usdc,
            .amount = base::Amount{units},
            .destination = to_hex(client()),
            .deadline = never};
}

ledger::ShardOrder LaneChain::purchase(std::int64_t quantity) {
    auto order = payment(0);
    order.kind = ledger::OrderKind::swap;
    order.instrument = listed::bitcoin;
    order.quantity = base::Amount{quantity};
    order.bound = base::Price{61'000'000'000'000};
    return order;
}

ledger::ShardOrder LaneChain::expired() {
    auto order = payment(million);
    order.deadline = base::Timestamp{1'000'000};
    return order;
}

SignedOrder LaneChain::send(const ledger::ShardOrder& order) {
    auto sent = host->sign(order);
    send_again(sent);
    return sent;
}

void LaneChain::send_again(const SignedOrder& sent) {
    host->send(sent);
    const auto hash = to_hex(Hash{sent.transaction.hash});
    const bool is_there =
        node().run_until([&] { return !node().ask("eth_getTransactionByHash", {hash}).is_null(); });
    CHECK(is_there, "a node takes what a test sends");
}

std::uint64_t LaneChain::head() {
    return parse_quantity64(node().ask("eth_blockNumber").as_string()).value();
}

Header LaneChain::header(std::uint64_t number) {
    const auto said = node().ask("eth_getBlockByNumber", {to_quantity(number), false});
    return parse_header(said).value();
}

std::optional<Receipt> LaneChain::receipt(const SignedOrder& sent) {
    const auto hash = to_hex(Hash{sent.transaction.hash});
    return parse_receipt(node().ask("eth_getTransactionReceipt", {hash}));
}

base::Amount LaneChain::native(std::uint64_t block) {
    const auto said =
        node().ask("eth_getBalance", {to_hex(vault().operator_key), to_quantity(block)});
    return saturated(native_units(parse_quantity(said.as_string()).value(), 9));
}

Uint256 LaneChain::view(const Address& to, const Bytes& call, std::uint64_t block) {
    const json::object asked{{"to", to_hex(to)}, {"data", to_hex(call)}};
    const auto said = node().ask("eth_call", {asked, to_quantity(block)});
    return from_bytes(parse_hex(said.as_string()).value());
}

Uint256 LaneChain::held(std::string_view token, std::uint64_t block) {
    const auto& contract = chain().token(token)->contract;
    return view(vault().contract, AbiWriter{}.add(contract).call(selector_of("held(address)")),
                block);
}

void LaneChain::mine(std::uint64_t blocks) {
    const auto wanted = head() + blocks;
    site->mine(shard_name, blocks);
    CHECK(node().run_until([&] { return head() >= wanted; }), "a node makes the blocks");
}

bool LaneChain::hears_of_head() {
    const auto number = head();
    const base::Timestamp time{static_cast<std::int64_t>(header(number).time_s) * 1'000'000};
    return host->comes_to([&](const Told& told) {
        return told.final_block() + 2 == number && told.news.back().block_time == time;
    });
}

json::value LaneChain::call(const Address& from, const Address& to, const Bytes& data) {
    return node().ask("eth_sendTransaction", {json::object{{"from", to_hex(from)},
                                                           {"to", to_hex(to)},
                                                           {"data", to_hex(data)},
                                                           {"gas", call_gas}}});
}

Bytes LaneChain::deposit_call(base::AccountId account, std::int64_t units) {
    return AbiWriter{}
        .add(Uint256{account.v})
        .add(chain().token("USDC")->contract)
        .add(Uint256{units})
        .call(selector_of("deposit(uint64,address,uint256)"));
}

void LaneChain::deposit(base::AccountId account, std::int64_t units) {
    (void)call(client(), vault().contract, deposit_call(account, units));
}

void LaneChain::approve_deposits() {
    const auto allowed = approval(client(), chain().token("USDC")->contract, vault().contract);
    (void)call(allowed.from, allowed.to, allowed.data);
    mine();
}

}  // namespace crossclear::tests
