#include "shards/simulated/server.hpp"

#include "base/thread_name.hpp"
#include "shards/simulated/link.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace crossclear::shards::simulated {
namespace {

namespace net = boost::asio;
using Acceptor = net::basic_socket_acceptor<Link::Protocol>;

}  // namespace

struct WorldServer::State {
    class Session;

    State(SimulatedWorld& served, ServerOptions given)
        : world(served), options(std::move(given)), io(1), acceptor(io), pause(io) {}

    [[nodiscard]] std::optional<std::string> listen();
    void accept();
    void forget(const std::shared_ptr<Session>& session, std::string_view why);
    void log(std::string_view sentence, std::string_view reason) const {
        if (options.log) options.log(sentence, reason);
    }

    SimulatedWorld& world;
    ServerOptions options;
    net::io_context io;
    Acceptor acceptor;
    net::steady_timer pause;
    std::set<std::shared_ptr<Session>> sessions;
    std::thread thread;
};

/// One node's connection. Its adapters are those of the world; their callbacks only post here.
class WorldServer::State::Session : public std::enable_shared_from_this<Session> {
public:
    Session(State& server, Link::Protocol::socket socket)
        : server_(server), link_(std::make_shared<Link>(std::move(socket))), deadline_(server.io) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { link_->close(); }

    void start() {
        const std::weak_ptr<Session> weak = weak_from_this();
        deadline_.expires_after(std::chrono::microseconds{server_.options.hello_timeout.us});
        deadline_.async_wait([weak](boost::system::error_code failure) {
            const auto self = weak.lock();
            if (!failure && self) self->server_.forget(self, self->why_late_);
        });
        link_->start({.on_frame =
                          [weak](std::string_view payload) {
                              const auto self = weak.lock();
                              return self && self->take(payload);
                          },
                      .on_end =
                          [weak](std::string_view why) {
                              if (const auto self = weak.lock()) self->server_.forget(self, why);
                          }});
    }

private:
    bool take(std::string_view payload);
    bool greet(const Hello& hello);
    void run(std::uint64_t number, const CallBody& body);
    [[nodiscard]] bool is_sound(const CallBody& body) const;
    [[nodiscard]] bool is_listed(base::ShardId shard) const;
    [[nodiscard]] bool is_listed(const Seat& seat) const;
    [[nodiscard]] bool is_listed(base::AssetId asset) const;
    Shard& at(const Seat& seat);
    void answer(std::uint64_t number, ReplyBody body);

    // Wraps an answer's way back from the world's thread.
    auto answers(std::uint64_t number) {
        return [weak = weak_from_this(), &io = server_.io, number](auto body) {
            net::post(io, [weak, number, body = ReplyBody{std::move(body)}] {
                if (const auto self = weak.lock()) self->answer(number, body);
            });
        };
    }

    State& server_;
    std::shared_ptr<Link> link_;
    net::steady_timer deadline_;
    std::string_view why_late_{"no hello came in time"};
    bool is_welcome_{};
    std::size_t under_way_{};
    std::map<Seat, std::unique_ptr<Shard>> shards_;
};

bool WorldServer::State::Session::take(std::string_view payload) {
    const auto message = read_from_node(payload);
    if (!message) return false;
    if (const auto* hello = std::get_if<Hello>(&*message)) return !is_welcome_ && greet(*hello);
    const auto& call = std::get<Call>(*message);
    if (!is_welcome_ || !is_sound(call.body)) return false;
    ++under_way_;
    if (under_way_ >= node_calls_max) link_->pause();
    run(call.number, call.body);
    return true;
}

bool WorldServer::State::Session::greet(const Hello& hello) {
    auto why = unwelcome(hello, server_.options.identity);
    if (!why && server_.sessions.size() > nodes_max) why = Unwelcome::too_many_nodes;
    if (why) {
        server_.log("A node was turned away.", to_string(*why));
        link_->send(framed(TurnedAway{*why}));
        link_->close_when_sent();
        why_late_ = "it was turned away";
        return true;  // The deadline takes it away.
    }
    deadline_.cancel();
    is_welcome_ = true;
    server_.log("A node is connected.", hello.identity.name);
    link_->send(framed(Welcome{}));
    return true;
}

bool WorldServer::State::Session::is_listed(base::ShardId shard) const {
    return server_.world.has_shard(shard);
}

bool WorldServer::State::Session::is_listed(const Seat& seat) const {
    return is_listed(seat.shard) && (shards_.contains(seat) || shards_.size() < node_seats_max);
}

bool WorldServer::State::Session::is_listed(base::AssetId asset) const {
    return asset.v < server_.world.listing().assets.size();
}

// What the chains take for granted of calls within one process.
bool WorldServer::State::Session::is_sound(const CallBody& body) const {
    const auto is_order_of_ours = [](const base::OrderRef& ref) {
        return ref.origin.kind != base::EntityKind::partition;
    };
    struct Visitor {
        const Session& session;
        decltype(is_order_of_ours)& is_ours;

        bool operator()(const ListenCall& x) const { return session.is_listed(x.seat); }
        bool operator()(const SubmitCall& x) const {
            return session.is_listed(x.seat) && is_ours(x.order.ref);
        }
        bool operator()(const AskCall& x) const {
            return session.is_listed(x.seat) && is_ours(x.ref);
        }
        bool operator()(const BalancesCall& x) const { return session.is_listed(x.seat); }
        bool operator()(const RescanCall& x) const { return session.is_listed(x.seat); }
        bool operator()(const HealthCall& x) const { return session.is_listed(x.seat); }
        bool operator()(const PriceCall& x) const {
            if (!session.is_listed(x.asset)) return false;
            const auto& listing = session.server_.world.listing();
            const auto instrument = listing.instrument_of(x.asset);
            return instrument ? is_price(listing, *instrument, x.price) : x.price.v > 0;
        }
        bool operator()(const FundingCall& x) const { return session.is_listed(x.asset); }
        bool operator()(const DepositCall& x) const { return session.is_listed(x.shard); }
        bool operator()(const SetFaultsCall& x) const {
            return session.is_listed(x.shard) && x.faults.submission_latency_max.us >= 0 &&
                   x.faults.capacity.v >= 0;
        }
        bool operator()(const FaultsCall& x) const { return session.is_listed(x.shard); }
        bool operator()(const FailProtocolCall& x) const {
            return session.is_listed(x.shard) && session.is_listed(x.asset) && x.share.v >= 0 &&
                   x.share.v <= base::ppm_one;
        }
        bool operator()(const FinalBalancesCall& x) const { return session.is_listed(x.seat); }
        bool operator()(const FaultCall&) const { return true; }
    };
    return std::visit(Visitor{*this, is_order_of_ours}, body);
}

Shard& WorldServer::State::Session::at(const Seat& seat) {
    auto& shard = shards_[seat];
    if (shard == nullptr) {
        shard = server_.world.shard(seat.shard, seat.broker);
        shard->listen(
            [weak = weak_from_this(), &io = server_.io, seat](ledger::ShardNotice notice) {
                net::post(io, [weak, seat, notice] {
                    if (const auto self = weak.lock())
                        self->link_->send(framed(Notice{seat, notice}));
                });
            });
    }
    return *shard;
}

// The world's hand is waited for: its thread never waits for this one.
void WorldServer::State::Session::run(std::uint64_t number, const CallBody& body) {
    struct Visitor {
        Session& session;
        SimulatedWorld& world;
        std::uint64_t number;

        void operator()(const ListenCall& x) const {
            session.at(x.seat);
            session.answer(number, Done{});
        }
        void operator()(const SubmitCall& x) const {
            session.at(x.seat).submit(x.order, session.answers(number));
        }
        void operator()(const AskCall& x) const {
            session.at(x.seat).ask(x.ref, session.answers(number));
        }
        void operator()(const BalancesCall& x) const {
            session.at(x.seat).balances(session.answers(number));
        }
        void operator()(const RescanCall& x) const {
            // The world runs its calls in order: the answer stands behind what is told again.
            session.at(x.seat).rescan(x.from_block);
            session.at(x.seat).health(session.answers(number));
        }
        void operator()(const HealthCall& x) const {
            session.at(x.seat).health(session.answers(number));
        }
        void operator()(const PriceCall& x) const {
            world.set_price(x.asset, x.price);
            session.answer(number, Done{});
        }
        void operator()(const FundingCall& x) const {
            world.set_funding(x.asset, x.index);
            session.answer(number, Done{});
        }
        void operator()(const DepositCall& x) const {
            const auto sent = world.deposit(x.shard, x.account, x.asset, x.amount);
            const auto as_answer = [](const auto& why) { return SubmitAnswer{why}; };
            session.answer(number,
                           sent ? SubmitAnswer{Accepted{}} : std::visit(as_answer, sent.error()));
        }
        void operator()(const SetFaultsCall& x) const {
            world.set_faults(x.shard, x.faults);
            session.answer(number, Done{});
        }
        void operator()(const FaultsCall& x) const {
            session.answer(number, world.faults(x.shard));
        }
        void operator()(const FailProtocolCall& x) const {
            world.fail_protocol(x.shard, x.asset, x.share);
            session.answer(number, Done{});
        }
        void operator()(const FinalBalancesCall& x) const {
            session.answer(number, BalancesAnswer{world.balances(x.seat.shard, x.seat.broker)});
        }
        void operator()(const FaultCall&) const {
            session.answer(number, FaultAnswer{world.fault()});
        }
    };
    std::visit(Visitor{*this, server_.world, number}, body);
}

void WorldServer::State::Session::answer(std::uint64_t number, ReplyBody body) {
    link_->send(framed(Reply{number, std::move(body)}));
    --under_way_;
    if (under_way_ < node_calls_max) link_->resume();
}

std::optional<std::string> WorldServer::State::listen() {
    const auto where = to_string(options.endpoint);
    boost::system::error_code failure;
    Link::Protocol::endpoint address;
    if (options.endpoint.path.empty()) {
        net::ip::tcp::resolver resolver{io};
        const auto found =
            resolver.resolve(options.endpoint.host, std::to_string(options.endpoint.port), failure);
        if (failure) return "the world's endpoint " + where + " is unknown: " + failure.message();
        address = found.begin()->endpoint();
    } else {
        address = unix_address(options.endpoint);
        Link::Protocol::socket probe{io};
        probe.connect(address, failure);
        if (!failure) return "another process listens on " + where;
        std::error_code ignored;
        if (std::filesystem::is_socket(options.endpoint.path, ignored)) {
            std::filesystem::remove(options.endpoint.path, ignored);
        }
    }
    failure.clear();
    const auto refused = [&] { return "cannot listen on " + where + ": " + failure.message(); };
    acceptor.open(address.protocol(), failure);
    if (!failure && options.endpoint.path.empty()) {
        acceptor.set_option(net::socket_base::reuse_address{true}, failure);
    }
    if (!failure) acceptor.bind(address, failure);
    if (!failure) acceptor.listen(net::socket_base::max_listen_connections, failure);
    if (failure) return refused();
    if (options.endpoint.path.empty() && options.endpoint.port == 0) {
        net::ip::tcp::endpoint bound;
        const auto local = acceptor.local_endpoint(failure);
        if (failure) return refused();
        bound.resize(local.size());
        std::memcpy(bound.data(), local.data(), local.size());
        options.endpoint.port = bound.port();
    }
    return std::nullopt;
}

void WorldServer::State::accept() {
    acceptor.async_accept([this](boost::system::error_code failure, Link::Protocol::socket socket) {
        if (failure == net::error::operation_aborted) return;
        if (failure) {
            // Out of descriptors, for one: trying again at once would only spin.
            log("A node could not be accepted.", failure.message());
            pause.expires_after(std::chrono::milliseconds{100});
            return pause.async_wait([this](boost::system::error_code) { accept(); });
        }
        // One more than the nodes, to say why to the one that is too many.
        if (sessions.size() <= nodes_max) {
            const auto session = std::make_shared<Session>(*this, std::move(socket));
            sessions.insert(session);
            session->start();
        }
        accept();
    });
}

void WorldServer::State::forget(const std::shared_ptr<Session>& session, std::string_view why) {
    if (sessions.erase(session) > 0) log("A node's connection ended.", why);
}

WorldServer::WorldServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<WorldServer>, std::string> WorldServer::start(
    SimulatedWorld& world, const ServerOptions& options) {
    auto state = std::make_unique<State>(world, options);
    if (auto fault = state->listen()) return base::Failure{std::move(*fault)};
    state->accept();
    state->thread = std::thread{[raw = state.get()] {
        base::name_this_thread("world-server");
        raw->io.run();
    }};
    return std::unique_ptr<WorldServer>{new WorldServer{std::move(state)}};
}

WorldServer::~WorldServer() {
    state_->io.stop();
    state_->thread.join();
    state_->sessions.clear();
    if (!state_->options.endpoint.path.empty()) {
        std::error_code ignored;
        std::filesystem::remove(state_->options.endpoint.path, ignored);
    }
}

const Endpoint& WorldServer::endpoint() const noexcept { return state_->options.endpoint; }

}  // namespace crossclear::shards::simulated
