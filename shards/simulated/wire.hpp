#pragma once

#include "base/listing.hpp"
#include "shards/port.hpp"
#include "shards/simulated/log.hpp"
#include "shards/simulated/parameters.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a node and a world say to each other: frames of a length (4 bytes, little-endian) and a
/// message in the archive's bytes. The node says hello and is welcomed or turned away; then it
/// calls by number, and the world answers by that number and sends notices in between.

namespace crossclear::shards::simulated {

inline constexpr std::uint32_t wire_version = 3;
inline constexpr std::size_t frame_header_size = 4;
inline constexpr std::size_t frame_bytes_max = 1'024 * 1'024;

/// What both sides must have alike, or one of them would misread the other's numbers.
struct WorldIdentity {
    std::string name;  ///< Of the cluster whose outside world this is.
    std::uint64_t listing_hash{};
    std::uint64_t chains_hash{};  ///< Of all parameters but the faults.

    friend bool operator==(const WorldIdentity&, const WorldIdentity&) = default;
};

/// The identity of a world with these chains.
[[nodiscard]] WorldIdentity identity_of(const std::string& name, const base::Listing& listing,
                                        const std::vector<ChainParameters>& chains);

/// First message of a node.
struct Hello {
    std::uint32_t version{wire_version};
    WorldIdentity identity;
};

/// Why a world does not speak to a node.
enum class Unwelcome : std::uint8_t {
    other_version = 1,
    other_world = 2,  ///< Of a cluster with another name.
    other_listing = 3,
    other_chains = 4,  ///< Other parameters or another genesis.
    too_many_nodes = 5,
};

/// One sentence for whoever runs the node.
[[nodiscard]] std::string to_string(Unwelcome why);

/// Why the node that said `hello` is not welcome in the world of `ours`; nothing if it is.
[[nodiscard]] std::optional<Unwelcome> unwelcome(const Hello& hello, const WorldIdentity& ours);

/// One broker on one shard.
struct Seat {
    base::ShardId shard;
    base::BrokerId broker;

    friend constexpr auto operator<=>(const Seat&, const Seat&) = default;
};

// The calls of a shard's port. Answered with a SubmitAnswer, an OrderAnswer, a BalancesAnswer, and
// rescan and health both with Health: what was to be told again has then been sent.

/// From now on the seat's notices are sent here. Answered with Done.
struct ListenCall {
    Seat seat;
};
/// Hands over an order.
struct SubmitCall {
    Seat seat;
    ledger::ShardOrder order;
};
/// Asks for an order.
struct AskCall {
    Seat seat;
    base::OrderRef ref;
};
/// Asks what a broker holds.
struct BalancesCall {
    Seat seat;
};
/// Has inflows told again.
struct RescanCall {
    Seat seat;
    std::uint64_t from_block{};
};
/// Asks how a chain is.
struct HealthCall {
    Seat seat;
};

// The calls of the world's hand, whatever faults are on.

/// Sets a price. Answered with Done.
struct PriceCall {
    base::AssetId asset;
    base::Price price;
};
/// Sets a funding index. Answered with Done.
struct FundingCall {
    base::AssetId asset;
    base::Price index;
};
/// Sends a client's tokens. Answered with a SubmitAnswer.
struct DepositCall {
    base::ShardId shard;
    base::AccountId account;
    base::AssetId asset;
    base::Amount amount;
};
/// Switches faults. Answered with Done.
struct SetFaultsCall {
    base::ShardId shard;
    Faults faults;
};
/// Asks which faults are on. Answered with Faults.
struct FaultsCall {
    base::ShardId shard;
};
/// Lets a protocol fail. Answered with Done.
struct FailProtocolCall {
    base::ShardId shard;
    base::AssetId asset;
    base::Ppm share;
};
/// Asks what a broker holds finally. Answered with a BalancesAnswer.
struct FinalBalancesCall {
    Seat seat;
};
/// Asks what went wrong with a log. Answered with a FaultAnswer.
struct FaultCall {};

using CallBody = std::variant<ListenCall, SubmitCall, AskCall, BalancesCall, RescanCall, HealthCall,
                              PriceCall, DepositCall, SetFaultsCall, FaultsCall, FailProtocolCall,
                              FinalBalancesCall, FaultCall, FundingCall>;

/// A call with the number that its answer will carry.
struct Call {
    std::uint64_t number{};
    CallBody body;
};

/// It has been done.
struct Done {};
using OrderAnswer = std::variant<ledger::OrderNotice, NoAnswer>;
using BalancesAnswer = std::variant<Balances, NoAnswer>;
/// What went wrong with a log, if anything did.
struct FaultAnswer {
    std::optional<LogFault> fault;
};
using ReplyBody =
    std::variant<Done, SubmitAnswer, OrderAnswer, BalancesAnswer, Health, Faults, FaultAnswer>;

/// The answer to the call of that number.
struct Reply {
    std::uint64_t number{};
    ReplyBody body;
};

/// Something happened on a shard.
struct Notice {
    Seat seat;
    ledger::ShardNotice notice;
};

/// The node may call from now on.
struct Welcome {};
/// It may not; the connection ends.
struct TurnedAway {
    Unwelcome why{};
};

using FromNode = std::variant<Hello, Call>;
using FromWorld = std::variant<Welcome, TurnedAway, Reply, Notice>;

/// A whole frame.
[[nodiscard]] std::string framed(FromNode message);
[[nodiscard]] std::string framed(FromWorld message);

/// Reads what a frame holds behind its length; nothing if the bytes are not exactly one message.
[[nodiscard]] std::optional<FromNode> read_from_node(std::string_view payload);
[[nodiscard]] std::optional<FromWorld> read_from_world(std::string_view payload);

/// The length in a frame's header; nothing if no frame is that long. **Requires:** a whole header.
[[nodiscard]] std::optional<std::size_t> frame_length(std::string_view header);

}  // namespace crossclear::shards::simulated
