#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

/// What goes wrong between us and a chain's node, on purpose and as often as a test wants.
///
/// The problem: a node of a test answers at once and tells the truth. The idea: a proxy in front of
/// a real one, which hands on what it is asked and what is answered, byte for byte, as long as no
/// fault is drawn. The subtle thing: whatever the rates, each message costs one draw of the seed's
/// generator, so that the same messages in the same order meet the same faults.

namespace crossclear::tests {

/// What can go wrong, and how often: chances in a million, drawn per message or per call in it. A
/// batch is one message. Of those that concern the whole message the first in this order is taken.
struct ChainFaults {
    std::uint32_t lost_request_ppm{};      ///< Not handed on; the connection ends.
    std::uint32_t limited_ppm{};           ///< Not handed on; HTTP status 429.
    std::uint32_t bad_gateway_ppm{};       ///< Not handed on; HTTP status 502 and a page of HTML.
    std::uint32_t late_bad_gateway_ppm{};  ///< Handed on; the same instead of the answer.
    std::uint32_t silent_answer_ppm{};     ///< Handed on; nothing comes until the caller gives up.
    std::uint32_t lost_answer_ppm{};       ///< Handed on; the connection ends without an answer.
    std::uint32_t cut_answer_ppm{};        ///< Handed on; half of the answer comes.

    /// Handed on twice, whatever else happens. The second answer is given, as by a gateway that
    /// tries again.
    std::uint32_t repeated_ppm{};

    /// Of a call: a send that is answered as if it were taken, and is not handed on.
    std::uint32_t dropped_send_ppm{};
    /// Of a call: what was said `stale_answers` earlier to the same question, or the oldest that is
    /// known. Of the latest, the safe and the final block, of receipts, counts and logs.
    std::uint32_t stale_ppm{};
    std::size_t stale_answers{3};  ///< From 1 to `stale_answers_max`.
    /// Of a call, a lie: there is no receipt yet.
    std::uint32_t hidden_receipt_ppm{};
    /// Of a call, a lie: a block with another hash, the same one each time.
    std::uint32_t other_hash_ppm{};

    /// Whether a send is refused as underpriced where another one of the same sender and nonce came
    /// through here and still waits in the node's pool, and not both fees are a tenth higher. This
    /// is geth's rule; anvil's is milder. Calls of one batch do not see each other.
    bool has_replacement_rule{};
    /// Logs of more blocks than that are refused, as by those who sell endpoints; 0: none are.
    std::uint64_t log_blocks_max{};
    bool is_down{};  ///< Connections end, and new ones with their first question.

    friend bool operator==(const ChainFaults&, const ChainFaults&) = default;
};
inline constexpr std::size_t stale_answers_max = 15;

/// How often each of them really happened.
struct ChainFaultCounts {
    std::uint64_t messages{};  ///< All that came.
    std::uint64_t lost_requests{};
    std::uint64_t limited{};
    std::uint64_t bad_gateways{};
    std::uint64_t late_bad_gateways{};
    std::uint64_t silent_answers{};
    std::uint64_t lost_answers{};
    std::uint64_t cut_answers{};
    std::uint64_t repeated{};
    std::uint64_t dropped_sends{};
    std::uint64_t stale{};            ///< Only where it was not what is true by now.
    std::uint64_t hidden_receipts{};  ///< Only where there was one.
    std::uint64_t other_hashes{};     ///< Only where there was a block.
    std::uint64_t underpriced{};
    std::uint64_t too_many_blocks{};
    std::uint64_t turned_away{};  ///< While it was down.

    friend bool operator==(const ChainFaultCounts&, const ChainFaultCounts&) = default;
};

/// An endpoint of the chain behind another one. **Thread:** any.
class FaultProxy {
public:
    /// In front of `node_url`, without a fault yet. **Requires:** an URL with `http`.
    FaultProxy(const std::string& node_url, std::uint64_t seed);
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;
    /// Ends all connections.
    ~FaultProxy();

    /// Where it answers. There is no WebSocket: what a node tells unasked does not come through.
    [[nodiscard]] std::string http_url() const;
    /// For whoever wants to see the same again.
    [[nodiscard]] std::uint64_t seed() const;

    /// What goes wrong from the next message on.
    void set_faults(const ChainFaults& faults);
    [[nodiscard]] ChainFaults faults() const;
    /// What went wrong so far.
    [[nodiscard]] ChainFaultCounts counts() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::tests
