#include "tests/support/shards/fault_proxy.hpp"
#include "tests/support/shards/lane_chain.hpp"

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

// Nodes that keep the states of a few blocks, as most do: what happened before is told all the
// same.

namespace crossclear::shards::evm {
namespace {

using tests::SignedOrder;
using tests::Told;

class ForgetfulNode : public tests::LaneChain {
protected:
    static constexpr std::uint64_t states = 8;

    void start_on_forgetful() {
        deploy({}, states);
        proxy = std::make_unique<tests::FaultProxy>(chain().url, 0x5EED);
        host.emplace(options({proxy->http_url()}));
        host->follow();
        ASSERT_TRUE(hears_of_head());
        native_before = native(head());
    }
    // Whether or not the host reaches its endpoint.
    void send_at_node(const ledger::ShardOrder& order) {
        sent.push_back(host->sign(order));
        host->send(sent.back());
        const auto& raw = sent.back().bytes.raw;
        (void)node().call("eth_sendRawTransaction", {to_hex(Bytes(raw.begin(), raw.end()))});
    }
    // In three blocks, one with two of them, and then so many more that all of it is forgotten.
    void trade_and_forget() {
        send_at_node(purchase(10'000'000));
        mine(2);
        send_at_node(payment(tests::million));
        send_at_node(expired());
        mine(3);
        send_at_node(payment(2 * tests::million));
        mine(4 * states);
        EXPECT_FALSE(knows_state_of(head() - 3 * states)) << "or this proves nothing";
    }
    bool knows_state_of(std::uint64_t block) {
        const auto hash = to_hex(header(block).hash);
        const boost::json::object at{{"blockHash", hash}};
        return node().call("eth_getBalance", {to_hex(vault().operator_key), at}).has_value();
    }
    void expect_gas_is_exact() {
        const auto told = host->told();
        std::int64_t gas = 0;
        for (const auto& one : sent) gas += told.found.at(one.transaction.nonce).gas.v;
        EXPECT_EQ(gas, native_before.v - native(head()).v);
        EXPECT_GT(gas, 0);
    }

    std::unique_ptr<tests::FaultProxy> proxy;
    std::vector<SignedOrder> sent;
    base::Amount native_before;
};

TEST_F(ForgetfulNode, AfterALongOutageAllIsToldWithItsGas) {
    start_on_forgetful();
    proxy->set_faults({.is_down = true});
    trade_and_forget();
    ASSERT_TRUE(node().run_until([&] { return !host->health().is_reachable; }));
    proxy->set_faults({});
    ASSERT_TRUE(host->comes_to([](const Told& told) { return told.final_nonce() == 4; }));
    expect_gas_is_exact();
    EXPECT_TRUE(host->told().faults.empty());
}

TEST_F(ForgetfulNode, AfterALongAbsenceOfOursToo) {
    start_on_forgetful();
    trade_and_forget();
    ASSERT_TRUE(hears_of_head());
    const auto before = host->told();
    expect_gas_is_exact();
    restart(sent);
    ASSERT_TRUE(host->comes_to([](const Told& told) { return told.final_nonce() == 4; }));
    for (const auto& one : sent) {
        const auto nonce = one.transaction.nonce;
        EXPECT_EQ(host->told().found.at(nonce).gas, before.found.at(nonce).gas);
    }
}

}  // namespace
}  // namespace crossclear::shards::evm
