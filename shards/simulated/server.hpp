#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/simulated/endpoint.hpp"
#include "shards/simulated/wire.hpp"
#include "shards/simulated/world.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace crossclear::shards::simulated {

/// Nodes that one world serves at a time.
inline constexpr std::size_t nodes_max = 32;
/// Calls of one node that are under way; further ones wait in its connection.
inline constexpr std::size_t node_calls_max = 1'024;
/// Brokers on shards that one node listens for.
inline constexpr std::size_t node_seats_max = 512;
static_assert(nodes_max * (node_calls_max + node_seats_max) < calls_waiting_max,
              "nodes alone cannot flood the world's queue");

/// How a world is served.
struct ServerOptions {
    Endpoint endpoint;  ///< Port 0 takes any that is free.
    WorldIdentity identity;
    base::Duration hello_timeout{base::seconds(5)};  ///< From a connection to its hello.
    /// A constant sentence and its reason. **Thread:** the server's; no waiting.
    std::function<void(std::string_view sentence, std::string_view reason)> log{};
};

/// Serves a simulated world to several nodes at once. Whoever reaches the endpoint moves the world:
/// it is for a private network, as the journal's Redis is. **Thread:** one of its own.
class WorldServer {
public:
    /// Listens. A unix socket that a dead process left is replaced.
    /// **Requires:** a world with the wall clock, which outlives the server.
    /// **Errors:** one sentence.
    [[nodiscard]] static base::Result<std::unique_ptr<WorldServer>, std::string> start(
        SimulatedWorld& world, const ServerOptions& options);
    WorldServer(const WorldServer&) = delete;
    WorldServer& operator=(const WorldServer&) = delete;
    /// Closes all connections. Calls not yet answered never are.
    ~WorldServer();

    /// Where it listens.
    [[nodiscard]] const Endpoint& endpoint() const noexcept;

private:
    struct State;
    explicit WorldServer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::shards::simulated
