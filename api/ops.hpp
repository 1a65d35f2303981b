#pragma once

#include "actors/gateway.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "metrics/registry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace crossclear::api {

/// Configuration of the endpoints.
struct OpsOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                              ///< 0: any that is free.
    base::Duration request_deadline = base::seconds(5);  ///< Of a request, idle time before it.
    std::size_t connections_max = 64;
    std::string version_json = "{}";               ///< What /version answers.
    std::function<actors::Readiness()> readiness;  ///< Asked on the ops thread; must not block.
    std::function<bool()> is_alive;                ///< Whether the event loops turn.
};

/// The endpoints for those who run the service, on a port and a thread of their own, so that a busy
/// service still answers: /metrics, /livez, /readyz (?verbose), /startupz, /version.
class OpsServer {
public:
    /// `registry` outlives the server.
    OpsServer(OpsOptions options, const metrics::Registry& registry);
    OpsServer(const OpsServer&) = delete;
    OpsServer& operator=(const OpsServer&) = delete;
    ~OpsServer();

    /// Opens the port. Answers with the port, or with why not.
    [[nodiscard]] base::Result<std::uint16_t, std::string> start();
    /// Ends the thread; requests under way are dropped.
    void stop();

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::api
