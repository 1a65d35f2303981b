#pragma once

#include "base/time.hpp"
#include "shards/evm/endpoint.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/wire.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// One chain through several endpoints that nobody trusts more than each other.
///
/// The problem: endpoints are slow, away, behind, and sometimes wrong. The idea: a question goes to
/// the first endpoint in the order of the configuration that is not set aside, and on to the next
/// where none came back; what money depends on is asked of all, and counts where most of them say
/// the same: the same in the question's canonical form, for nodes word it as they like. The subtle
/// thing: a refusal is an answer. Asking the next endpoint until one agrees would be choosing the
/// answer.

namespace crossclear::shards::evm {

/// What came of one try at one endpoint, for metrics and logs. **Units:** microseconds.
struct RpcTry {
    std::size_t endpoint{};   ///< In the configuration's order.
    std::string_view method;  ///< Of a batch the first.
    base::Duration took{};
    const RpcError* error{};  ///< Null where something came back.
};

/// How a client asks.
struct RpcOptions {
    std::vector<Endpoint> endpoints;  ///< At least one; the first is preferred.
    WireOptions wire{};
    base::Duration patience{base::seconds(10)};         ///< Of a question in all,
    base::Duration try_patience{base::seconds(4)};      ///< and at one endpoint.
    base::Duration aside_min{base::milliseconds(500)};  ///< After a fault; doubles up to
    base::Duration aside_max{base::seconds(60)};        ///< this.
    std::function<void(const RpcTry&)> on_try{};
    /// An endpoint, in the order above, said something else than most of them to this method.
    std::function<void(std::size_t endpoint, std::string_view method)> on_dissent{};
};

/// Asks a chain. **Thread:** only the one that runs its io_context; callbacks come on it as well,
/// never from within a call.
class RpcClient {
public:
    using Done = std::function<void(RpcResult)>;
    using BatchDone = std::function<void(std::vector<RpcResult>)>;
    using EachDone = std::function<void(std::vector<std::vector<RpcResult>>)>;
    using BothDone =
        std::function<void(std::vector<RpcResult> agreed, std::vector<RpcResult> of_one)>;

    /// **Requires:** `io` outlives it, and an endpoint.
    RpcClient(boost::asio::io_context& io, RpcOptions options);
    RpcClient(const RpcClient&) = delete;
    RpcClient& operator=(const RpcClient&) = delete;
    /// What is on its way ends as `unreachable`, once the io_context runs again.
    ~RpcClient();

    /// Asks one question.
    void call(RpcCall call, Done done);
    /// Asks several at once, of one endpoint. Those of them that were not answered go on to the
    /// next: results may be of different endpoints. **Requires:** between one and `rpc_batch_max`.
    void batch(std::vector<RpcCall> calls, BatchDone done);
    /// Asks all endpoints, those that are set aside as well, and is done as soon as more than half
    /// of all have said the same. Else `disagreeing` where two said different things, or the fault
    /// of one that did not answer, or gave no answer that can be read.
    void agree(RpcCall call, Done done);
    /// The same for several questions at once; they agree on each by itself.
    /// **Requires:** as for a batch.
    void agree_on_each(std::vector<RpcCall> calls, BatchDone done);
    /// Likewise `agreed`, and beside them `of_one` as for a batch: the endpoint that these go to
    /// gets all of them in one message. **Requires:** together as many as for a batch.
    void agree_and_batch(std::vector<RpcCall> agreed, std::vector<RpcCall> of_one, BothDone done);
    /// Asks each endpoint that is not set aside, or all where those are not most of them; done with
    /// the answers of all that were asked. **Requires:** as for a batch.
    void each(std::vector<RpcCall> calls, EachDone done);
    /// How many endpoints there are.
    [[nodiscard]] std::size_t endpoints_count() const;
    /// Subscribes at the first endpoint that has a WebSocket, and again after each loss: each new
    /// head is told, and may be told twice. It is a hint, not a fact. False where there is none.
    [[nodiscard]] bool follow_heads(std::function<void(const boost::json::object& head)> on_head);

    /// Endpoints that are not set aside.
    [[nodiscard]] std::size_t endpoints_up() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace crossclear::shards::evm
