#include "shards/simulated/remote.hpp"

#include "shards/simulated/wire.hpp"
#include "tests/shards/outside.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <atomic>

// What only a world behind a socket can suffer; what it shares with one inside is in
// outside_test.cpp.

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.
namespace net = boost::asio;
using ledger::OrderKind;
using Unix = net::local::stream_protocol;

// The state of a link, to be waited for.
class States {
public:
    [[nodiscard]] auto hook() {
        return [this](LinkState state, std::string_view reason) {
            const std::lock_guard lock{mutex_};
            seen_.emplace_back(state, reason);
            changed_.notify_all();
        };
    }
    // Waits until the `count`th change to `state`, and returns its reason.
    std::string wait_for(LinkState state, std::ptrdiff_t count = 1) {
        std::unique_lock lock{mutex_};
        const auto so_far = [&] {
            return std::count_if(seen_.begin(), seen_.end(),
                                 [&](const auto& one) { return one.first == state; });
        };
        EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return so_far() >= count; }));
        return seen_.empty() ? "" : seen_.back().second;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<LinkState, std::string>> seen_;
};

// One end of a connection that is written by hand.
class Raw {
public:
    explicit Raw(net::io_context& io) : socket(io) {}

    void send(const std::string& frame) { net::write(socket, net::buffer(frame)); }
    // The next payload; nothing once the other end has closed.
    std::optional<std::string> receive() {
        boost::system::error_code failure;
        std::string header(frame_header_size, '\0');
        net::read(socket, net::buffer(header), failure);
        if (failure) return std::nullopt;
        std::string payload(*frame_length(header), '\0');
        net::read(socket, net::buffer(payload), failure);
        if (failure) return std::nullopt;
        return payload;
    }
    bool is_closed() {
        while (receive()) continue;
        return true;
    }

    Unix::socket socket;
};

struct RawNode : Raw {
    explicit RawNode(const Endpoint& to) : Raw(io_of()) { socket.connect(Unix::endpoint{to.path}); }
    static net::io_context& io_of() {
        static net::io_context io;
        return io;
    }
    void greet() {
        send(framed(Hello{.version = wire_version, .identity = identity()}));
        EXPECT_TRUE(std::holds_alternative<Welcome>(*read_from_world(*receive())));
    }
};

// A world that welcomes everyone and says nothing more.
struct RawWorld {
    explicit RawWorld(const Endpoint& at) : acceptor(io, Unix::endpoint{at.path}) {}

    std::unique_ptr<Raw> welcome() {
        auto node = std::make_unique<Raw>(io);
        acceptor.accept(node->socket);
        EXPECT_TRUE(std::holds_alternative<Hello>(*read_from_node(*node->receive())));
        node->send(framed(Welcome{}));
        return node;
    }

    net::io_context io;
    Unix::acceptor acceptor;
};

TEST(Remote, TellsWhatHappenedWhileTheConnectionWasCut) {
    const Folder folder;
    const auto world = running_world();
    auto server = served(*world, folder.endpoint());
    States states;
    auto options = remote_options(folder.endpoint());
    options.on_change = states.hook();
    const auto remote = connected(options);
    Listener near{*world, swaps};
    Listener far{*remote, swaps};
    ASSERT_TRUE(far.health().is_reachable);

    server.reset();
    states.wait_for(LinkState::waiting);
    EXPECT_FALSE(far.health().is_reachable);
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(far.submit(in_time(swap_order(1, one_eth)))));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(far.ask(ref(1))));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(far.balances()));
    EXPECT_FALSE(remote->set_faults(swaps, {}));
    EXPECT_FALSE(remote->fault().has_value());
    const auto sent = remote->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{7});
    ASSERT_FALSE(sent.has_value());
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(sent.error()));
    ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    near.wait_until_final_deposit(9);
    EXPECT_TRUE(far.only<ledger::DepositNotice>().empty());

    server = served(*world, folder.endpoint());
    far.wait_until_final_deposit(9);
    EXPECT_EQ(near.only<ledger::DepositNotice>().back().id, 1U) << "what had no answer came once";
}

// Goal: an order whose answer was lost is submitted again, and has its effect once.
TEST(Remote, LeavesTheOutcomeUnknownWhenAnAnswerIsLost) {
    const Folder folder;
    const auto world = running_world();
    auto server = served(*world, folder.endpoint());
    States states;
    auto options = remote_options(folder.endpoint());
    options.on_change = states.hook();
    const auto remote = connected(options);
    Listener near{*world, swaps};
    Listener far{*remote, swaps};
    const auto order = in_time(move_order(1, OrderKind::pay_out, swaps, usdc, 500));
    // Taken for the broker's own, whether or not the answer gets back before the cut.
    std::promise<SubmitAnswer> first;
    far.shard->submit(order, [&](const SubmitAnswer& answer) { first.set_value(answer); });
    near.wait_until_final(ref(1));
    server.reset();
    states.wait_for(LinkState::waiting);
    EXPECT_FALSE(std::holds_alternative<Refused>(first.get_future().get()));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(far.submit(order)));
    server = served(*world, folder.endpoint());
    states.wait_for(LinkState::connected, 2);
    EXPECT_TRUE(std::holds_alternative<Accepted>(far.submit(order)));
    EXPECT_EQ(std::get<ledger::OrderNotice>(far.ask(ref(1))).finality, ledger::Finality::final);
    EXPECT_EQ(world->balances(swaps, alpha).lines[0].held.v, 1'000'000 * one_usdc - 500);
}

TEST(Remote, GivesNoAnswerWhenACallIsTakenAndTheLinkEnds) {
    const Folder folder;
    RawWorld world{folder.endpoint()};
    RemoteWorld remote{remote_options(folder.endpoint())};
    auto node = world.welcome();
    ASSERT_EQ(remote.wait(base::seconds(20)), LinkState::connected);
    const Listener far{remote, swaps};
    std::promise<SubmitAnswer> answer;
    far.shard->submit(in_time(swap_order(1, 5)),
                      [&](const SubmitAnswer& a) { answer.set_value(a); });
    const auto is_submit = [](const std::string& payload) {
        const auto message = read_from_node(payload);
        const auto* call = message ? std::get_if<Call>(&*message) : nullptr;
        return call != nullptr && std::holds_alternative<SubmitCall>(call->body);
    };
    while (!is_submit(*node->receive())) continue;
    node.reset();
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(answer.get_future().get()));
}

TEST(Remote, WaitsForNoAnswerLongerThanItSays) {
    const Folder folder;
    RawWorld world{folder.endpoint()};
    auto options = remote_options(folder.endpoint());
    options.call_timeout = base::milliseconds(30);
    options.silence_max = base::milliseconds(60);
    States states;
    options.on_change = states.hook();
    RemoteWorld remote{options};
    const auto silent = world.welcome();
    states.wait_for(LinkState::connected);
    const Listener far{remote, swaps};
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(far.submit(in_time(swap_order(1, 5)))));
    EXPECT_FALSE(far.health().is_reachable);
    // A host that is gone never closes its end: the node does.
    while (remote.wait(base::Duration{0}) == LinkState::connected) (void)far.health();
    const auto second = world.welcome();
    states.wait_for(LinkState::connected, 2);
}

// Goal: what became final in a world that was killed is told by its successor.
TEST(Remote, HearsFromAWorldThatWasStartedAgain) {
    const Folder folder;
    auto world = running_world(folder.path);
    auto server = served(*world, folder.endpoint());
    const auto remote = connected(remote_options(folder.endpoint()));
    Listener far{*remote, swaps};
    ASSERT_TRUE(std::holds_alternative<Accepted>(far.submit(in_time(swap_order(1, one_eth)))));
    ASSERT_TRUE(remote->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    (void)far.wait_for<ledger::DepositNotice>([](const auto&) { return true; });
    (void)far.wait_for<ledger::OrderNotice>([](const auto&) { return true; });
    server.reset();
    world.reset();
    world = running_world(folder.path);
    server = served(*world, folder.endpoint());
    far.wait_until_final_deposit(9);
    EXPECT_EQ(std::get<ledger::OrderNotice>(far.ask(ref(1))).refusal, ledger::ShardRefusal::none);
}

// Goal: a node that listens before there is a world misses nothing of it.
TEST(Remote, CanBeThereBeforeItsWorld) {
    const Folder folder;
    auto options = remote_options(folder.endpoint());
    RemoteWorld remote{options};
    Listener far{remote, swaps};
    far.shard->rescan(0);
    EXPECT_FALSE(far.health().is_reachable);
    EXPECT_EQ(remote.wait(base::Duration{0}), LinkState::waiting);
    const auto world = running_world();
    Listener near{*world, swaps};
    ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    near.wait_until_final_deposit(9);
    const auto server = served(*world, folder.endpoint());
    far.wait_until_final_deposit(9);
}

// Goal: a node that starts hears what it asks for, not a million old deposits.
TEST(Remote, TellsAStartNothingThatItDidNotAskFor) {
    const Folder folder;
    auto options = remote_options(folder.endpoint());
    RemoteWorld remote{options};
    Listener far{remote, swaps};
    const auto world = running_world();
    Listener near{*world, swaps};
    ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    near.wait_until_final_deposit(9);
    const auto later = world->balances(swaps, alpha).block + 1;
    while (world->balances(swaps, alpha).block < later) (void)near.health();
    far.shard->rescan(later);
    ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{11}));
    const auto server = served(*world, folder.endpoint());
    far.wait_until_final_deposit(11);
    for (const auto& notice : far.only<ledger::DepositNotice>()) {
        EXPECT_EQ(notice.amount, base::Amount{11});
    }
}

// Goal: a replay that a chain could not give, because it was unreachable, is asked for again.
TEST(Remote, StillOwesAReplayThatAnUnreachableChainDidNotGive) {
    const Folder folder;
    const auto world = running_world();
    auto server = served(*world, folder.endpoint());
    const auto remote = connected(remote_options(folder.endpoint()));
    Listener near{*world, swaps};
    ASSERT_TRUE(world->deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    near.wait_until_final_deposit(9);
    Listener far{*remote, swaps};
    // Long after the deposit: what the chain itself tells again begins later.
    const auto first = world->balances(swaps, alpha).block;
    while (world->balances(swaps, alpha).block < first + 20) (void)far.health();
    world->set_faults(swaps, {.is_unreachable = true});
    far.shard->rescan(0);
    EXPECT_FALSE(far.health().is_reachable);
    world->set_faults(swaps, {});
    EXPECT_TRUE(far.health().is_reachable);
    far.wait_until_final_deposit(9);
}

TEST(Remote, ShowsTwoNodesTheSame) {
    const Folder folder;
    const auto world = running_world();
    const auto server = served(*world, folder.endpoint());
    const auto one = connected(remote_options(folder.endpoint()));
    const auto other = connected(remote_options(folder.endpoint()));
    Listener first{*one, swaps};
    Listener second{*other, swaps};
    ASSERT_TRUE(second.health().is_reachable);
    const auto order = in_time(move_order(1, OrderKind::pay_out, swaps, usdc, 500));
    EXPECT_TRUE(std::holds_alternative<Accepted>(first.submit(order)));
    EXPECT_TRUE(std::holds_alternative<Accepted>(second.submit(order)));
    EXPECT_EQ(first.wait_until_final(ref(1)), second.wait_until_final(ref(1)));
    EXPECT_EQ(first.only<ledger::OrderNotice>(), second.only<ledger::OrderNotice>());
    EXPECT_EQ(one->balances(swaps, alpha)->lines[0].held, base::Amount{1'000'000 * one_usdc - 500});
    ASSERT_TRUE(one->set_faults(swaps, {.is_paused = true}));
    EXPECT_EQ(other->faults(swaps), (Faults{.is_paused = true}));
    EXPECT_TRUE(one->fail_protocol(perpetuals, usdc, base::Ppm{1}));
    EXPECT_EQ(other->fault().value(), std::nullopt);
}

TEST(Remote, IsToldWhyItIsTurnedAway) {
    const Folder folder;
    const auto world = running_world();
    const auto server = served(*world, folder.endpoint());
    const auto refused = [&](const std::function<void(RemoteOptions&)>& change) {
        auto options = remote_options(folder.endpoint());
        change(options);
        RemoteWorld remote{options};
        EXPECT_EQ(remote.wait(base::seconds(20)), LinkState::refused);
        EXPECT_FALSE((Listener{remote, swaps}.health().is_reachable));
        return remote.reason();
    };
    EXPECT_EQ(refused([](auto& options) { options.name = "other"; }),
              to_string(Unwelcome::other_world));
    EXPECT_EQ(refused([](auto& options) { options.listing.assets[0].scale = 5; }),
              to_string(Unwelcome::other_listing));
    EXPECT_EQ(refused([](auto& options) { options.chains[0].seed = 99; }),
              to_string(Unwelcome::other_chains));
}

TEST(WorldServer, TakesNoMoreNodesThanItSays) {
    const Folder folder;
    const auto world = running_world();
    const auto server = served(*world, folder.endpoint());
    std::vector<std::unique_ptr<RawNode>> nodes;
    for (std::size_t i = 0; i < nodes_max; ++i) {
        nodes.push_back(std::make_unique<RawNode>(folder.endpoint()));
        nodes.back()->greet();
    }
    RawNode late{folder.endpoint()};
    late.send(framed(Hello{.version = wire_version, .identity = identity()}));
    const auto answer = read_from_world(*late.receive());
    EXPECT_EQ(std::get<TurnedAway>(*answer).why, Unwelcome::too_many_nodes);
    EXPECT_TRUE(late.is_closed());
}

TEST(WorldServer, ClosesAConnectionThatDoesNotGreet) {
    const Folder folder;
    const auto world = running_world();
    const auto server = WorldServer::start(*world, {.endpoint = folder.endpoint(),
                                                    .identity = identity(),
                                                    .hello_timeout = base::milliseconds(20)});
    ASSERT_TRUE(server.has_value());
    RawNode mute{folder.endpoint()};
    EXPECT_TRUE(mute.is_closed());
}

// Goal: bytes that no node sends end their own connection, and nothing else.
TEST(WorldServer, ClosesOnlyTheConnectionThatTalksNonsense) {
    const Folder folder;
    const auto world = running_world();
    const auto server = served(*world, folder.endpoint());
    const auto remote = connected(remote_options(folder.endpoint()));
    const Listener good{*remote, swaps};
    const Seat nowhere{.shard = base::ShardId{9}, .broker = alpha};
    const Seat seat{.shard = swaps, .broker = alpha};
    auto of_partition = swap_order(1, 5);
    of_partition.ref.origin.kind = base::EntityKind::partition;
    const auto call = [](CallBody body) {
        return framed(Call{.number = 1, .body = std::move(body)});
    };
    const std::pair<const char*, std::string> nonsense[] = {
        {"too long", std::string("\xFF\xFF\xFF\xFF", 4)},
        {"empty", std::string(4, '\0')},
        {"garbage", std::string("\x03\x00\x00\x00zzz", 7)},
        {"a second hello", framed(Hello{.version = wire_version, .identity = identity()})},
        {"a message of the world's", framed(Reply{.number = 1, .body = Done{}})},
        {"an unknown shard", call(HealthCall{nowhere})},
        {"an order of a partition", call(SubmitCall{seat, of_partition})},
        {"a price of nothing", call(PriceCall{eth, base::Price{0}})},
        {"a price of no asset", call(PriceCall{base::AssetId{99}, eth_price})},
        {"funding of no asset", call(FundingCall{base::AssetId{99}, base::Price{1}})},
        {"a negative latency",
         call(SetFaultsCall{swaps, {.submission_latency_max = base::Duration{-1}}})},
        {"a share above one", call(FailProtocolCall{swaps, usdc, base::Ppm{base::ppm_one + 1}})},
    };
    for (const auto& [what, bytes] : nonsense) {
        RawNode node{folder.endpoint()};
        node.greet();
        node.send(bytes);
        EXPECT_TRUE(node.is_closed()) << what;
        EXPECT_TRUE(good.health().is_reachable) << what;
    }
    RawNode rude{folder.endpoint()};
    rude.send(call(HealthCall{seat}));
    EXPECT_TRUE(rude.is_closed()) << "a call before the hello";
    EXPECT_EQ(remote->wait(base::Duration{0}), LinkState::connected);
}

// Goal: a node that sends faster than the world answers waits; it neither floods nor loses.
TEST(WorldServer, AnswersEveryCallHoweverManyAreSentAtOnce) {
    const Folder folder;
    const auto world = running_world();
    const auto server = served(*world, folder.endpoint());
    const auto remote = connected(remote_options(folder.endpoint()));
    const Listener far{*remote, swaps};
    constexpr std::size_t count = 5 * node_calls_max;
    std::atomic<std::size_t> answered{};
    std::promise<void> all;
    for (std::size_t i = 0; i < count; ++i) {
        far.shard->health([&](const Health& health) {
            EXPECT_TRUE(health.is_reachable);
            if (++answered == count) all.set_value();
        });
    }
    EXPECT_EQ(all.get_future().wait_for(patience), std::future_status::ready);
}

TEST(WorldServer, TakesOverTheSocketOfAProcessThatDied) {
    const Folder folder;
    const auto world = running_world();
    {
        net::io_context io;
        const Unix::acceptor dead{io, Unix::endpoint{folder.endpoint().path}};
    }
    const auto server = served(*world, folder.endpoint());
    const auto second =
        WorldServer::start(*world, {.endpoint = folder.endpoint(), .identity = identity()});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error(), "another process listens on " + folder.endpoint().path);
}

}  // namespace
}  // namespace crossclear::shards::simulated
