#include "shards/simulated/wire.hpp"

#include "base/rng.hpp"
#include "shards/simulated/endpoint.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.

const Seat seat{.shard = perpetuals, .broker = beta};

std::vector<FromNode> all_from_node() {
    const base::AccountId account = base::account_id(beta, 3);
    const Faults faults{.drop_ppm = 3, .is_paused = true, .failed = {usdc, eth}};
    std::vector<FromNode> all{Hello{.version = 1, .identity = {"name", 2, 3}}};
    const CallBody bodies[] = {ListenCall{seat},
                               SubmitCall{seat, contract_order(7, -5)},
                               AskCall{seat, ref(7)},
                               BalancesCall{seat},
                               RescanCall{seat, 77},
                               HealthCall{seat},
                               PriceCall{eth, eth_price},
                               DepositCall{swaps, account, usdc, base::Amount{9}},
                               SetFaultsCall{swaps, faults},
                               FaultsCall{swaps},
                               FailProtocolCall{swaps, usdc, base::Ppm{5}},
                               FinalBalancesCall{seat},
                               FaultCall{},
                               FundingCall{eth, base::Price{-5}}};
    for (const auto& body : bodies) all.emplace_back(Call{.number = 11, .body = body});
    return all;
}

std::vector<FromWorld> all_from_world() {
    const ledger::OrderNotice order{.ref = ref(1), .finality = ledger::Finality::safe, .block = 3};
    const Balances balances{.block = 4,
                            .lines = {{usdc, base::Amount{-1}, base::Amount{2}, base::Amount{3}}}};
    std::vector<FromWorld> all{Welcome{}, TurnedAway{Unwelcome::other_chains}};
    const ReplyBody bodies[] = {Done{},
                                SubmitAnswer{Accepted{}},
                                SubmitAnswer{Refused{ledger::ShardRefusal::expired}},
                                SubmitAnswer{NoAnswer{}},
                                OrderAnswer{order},
                                OrderAnswer{NoAnswer{}},
                                BalancesAnswer{balances},
                                BalancesAnswer{NoAnswer{}},
                                Health{.is_reachable = true, .head_block = 9},
                                Faults{.capacity = base::Ppm{4}},
                                FaultAnswer{},
                                FaultAnswer{LogFault{LogError::write_failed, "disk full"}}};
    for (const auto& body : bodies) all.emplace_back(Reply{.number = 12, .body = body});
    const ledger::ShardNotice notices[] = {order, ledger::DepositNotice{.id = 5, .block = 6},
                                           ledger::ArrivalNotice{.ref = ref(2)},
                                           ledger::VariationNotice{.number = 8}};
    for (const auto& notice : notices) all.emplace_back(Notice{seat, notice});
    return all;
}

// Every message is read as what was written, and neither a part of it nor more than it is read.
template <class Message, class Read>
void expect_kept(const std::vector<Message>& messages, Read read) {
    for (const auto& message : messages) {
        const std::string frame = framed(message);
        ASSERT_EQ(frame_length(frame), frame.size() - frame_header_size);
        const auto payload = std::string_view{frame}.substr(frame_header_size);
        const auto again = read(payload);
        ASSERT_TRUE(again.has_value()) << message.index();
        EXPECT_EQ(framed(*again), frame);
        for (std::size_t size = 0; size < payload.size(); ++size) {
            EXPECT_FALSE(read(payload.substr(0, size)).has_value()) << message.index();
        }
        EXPECT_FALSE(read(std::string{payload} + '\0').has_value()) << message.index();
    }
}

TEST(Wire, KeepsEveryMessage) {
    expect_kept(all_from_node(), read_from_node);
    expect_kept(all_from_world(), read_from_world);
}

// Goal: whatever a connection brings is refused, or is a message that can be written again.
TEST(WireProperty, NoBytesAreTooMuch) {
    const std::uint64_t seed = 20'251;
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Rng rng{seed};
    const auto messages = all_from_node();
    for (int i = 0; i < 20'000; ++i) {
        auto payload = framed(messages[rng.below(messages.size())]).substr(frame_header_size);
        for (std::uint64_t flips = 1 + rng.below(3); flips > 0 && !payload.empty(); --flips) {
            payload[rng.below(payload.size())] = static_cast<char>(rng.below(256));
        }
        const auto read = read_from_node(payload);
        if (read) {
            EXPECT_TRUE(read_from_node(framed(*read).substr(frame_header_size)));
        }
    }
}

TEST(Wire, KnowsNoEnumeratorThatIsNotOne) {
    auto order = swap_order(1, 5);
    order.kind = static_cast<ledger::OrderKind>(7);
    const auto frame = framed(Call{.number = 1, .body = SubmitCall{seat, order}});
    EXPECT_FALSE(read_from_node(std::string_view{frame}.substr(frame_header_size)));
}

TEST(Wire, TakesNoFrameThatIsTooLong) {
    EXPECT_EQ(frame_length(std::string("\x00\x00\x10\x00", 4)), frame_bytes_max);
    EXPECT_FALSE(frame_length(std::string("\x01\x00\x10\x00", 4)).has_value());
}

TEST(Wire, TellsWorldsApartByTheFirstThingThatDiffers) {
    const std::vector<ChainParameters> chains{parameters(swaps), parameters(perpetuals)};
    const auto ours = identity_of("a", listing(), chains);
    EXPECT_EQ(unwelcome({.identity = ours}, ours), std::nullopt);
    EXPECT_EQ(
        unwelcome({.version = wire_version + 1, .identity = identity_of("b", listing(), chains)},
                  ours),
        Unwelcome::other_version);
    EXPECT_EQ(unwelcome({.identity = identity_of("b", listing(), chains)}, ours),
              Unwelcome::other_world);
    auto other_listing = listing();
    other_listing.assets[2].protocol = "others";
    EXPECT_EQ(unwelcome({.identity = identity_of("a", other_listing, chains)}, ours),
              Unwelcome::other_listing);
    auto richer = chains;
    richer[0].genesis[0].held.v += 1;
    EXPECT_EQ(unwelcome({.identity = identity_of("a", listing(), richer)}, ours),
              Unwelcome::other_chains);
    // Faults are switched while a world runs: they tell nothing apart.
    auto faulty = chains;
    faulty[0].faults.is_paused = true;
    EXPECT_EQ(unwelcome({.identity = identity_of("a", listing(), faulty)}, ours), std::nullopt);
}

TEST(Endpoint, IsAPathOrAHostAndAPort) {
    EXPECT_EQ(parse_endpoint("/run/world.sock"), (Endpoint{.path = "/run/world.sock"}));
    EXPECT_EQ(parse_endpoint("./world"), (Endpoint{.path = "./world"}));
    EXPECT_EQ(parse_endpoint("world:7500"), (Endpoint{.host = "world", .port = 7'500}));
    EXPECT_EQ(parse_endpoint("[::1]:1"), (Endpoint{.host = "::1", .port = 1}));
    for (const char* text : {"/run/world.sock", "world:7500", "[::1]:1"}) {
        EXPECT_EQ(to_string(*parse_endpoint(text)), text);
    }
    for (const char* text : {"", "world", ":7500", "world:", "world:0", "world:65536", "world:-1",
                             "world:7500 ", "::1:7500", "[world]:7500", "[]:1"}) {
        EXPECT_EQ(parse_endpoint(text), std::nullopt) << text;
    }
    EXPECT_TRUE(parse_endpoint("/" + std::string(106, 'a')).has_value());
    EXPECT_FALSE(parse_endpoint("/" + std::string(107, 'a')).has_value());
}

}  // namespace
}  // namespace crossclear::shards::simulated
