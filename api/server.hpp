#pragma once

#include "actors/gateway.hpp"
#include "api/log_hook.hpp"
#include "api/options.hpp"
#include "base/result.hpp"
#include "metrics/instruments.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace crossclear::api {

/// The wire's end of the service: listens, and gives every client a session. **Thread:** started
/// and stopped by one thread; it runs its own.
class Server {
public:
    /// `gateway`, `keys` and `instruments` outlive the server.
    Server(ServerOptions options, actors::Gateway& gateway, const KeyStore& keys,
           metrics::Instruments& instruments, LogHook log_hook = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Stops without grace if it still runs.
    ~Server();

    /// Opens the port and starts the threads. Answers with the port, or with why not.
    [[nodiscard]] base::Result<std::uint16_t, std::string> start();
    /// Closes the port, says goodbye to every client with 1012 and waits until they have gone, for
    /// `grace` at most.
    void stop(base::Duration grace);

    /// Where it listens, once started.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Whether every io thread has turned its loop lately.
    [[nodiscard]] bool is_alive() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::api
