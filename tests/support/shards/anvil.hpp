#pragma once

#include "base/time.hpp"
#include "shards/evm/rpc_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A real chain on this machine: anvil, of the packages that `./dev test` sees to.

namespace crossclear::tests {

/// Where it is; empty where CROSSCLEAR_NPM does not say, and then such tests are skipped, aloud.
[[nodiscard]] std::string anvil_program();

/// One chain, alone with its test: it mines when it is told to.
class Anvil {
public:
    /// Starts it and waits until it listens. **Requires:** `anvil_program()` is not empty.
    explicit Anvil(std::vector<std::string> options = {"--no-mining"});
    Anvil(const Anvil&) = delete;
    Anvil& operator=(const Anvil&) = delete;
    ~Anvil();

    /// Where it answers: HTTP and WebSocket on one port.
    [[nodiscard]] std::string http_url() const;
    [[nodiscard]] std::string websocket_url() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Asks one chain, one question after the other.
class Asker {
public:
    explicit Asker(const std::string& url);
    /// Through several endpoints, or with less patience.
    explicit Asker(const shards::evm::RpcOptions& options);

    /// What came of it.
    [[nodiscard]] shards::evm::RpcResult call(const std::string& method,
                                              boost::json::array params = {});
    /// The result; a failed test where there is none.
    [[nodiscard]] boost::json::value ask(const std::string& method, boost::json::array params = {});
    /// As `tests::run_until`.
    [[nodiscard]] bool run_until(const std::function<bool()>& is_so);
    /// The client, for what else it does.
    [[nodiscard]] shards::evm::RpcClient& client() { return *client_; }

private:
    boost::asio::io_context io_;
    std::unique_ptr<shards::evm::RpcClient> client_;
};

}  // namespace crossclear::tests
