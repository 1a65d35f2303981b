#pragma once

#include "actors/gateway.hpp"
#include "api/admission.hpp"
#include "api/auth.hpp"
#include "api/credits.hpp"
#include "api/errors.hpp"
#include "api/params.hpp"
#include "api/views.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Every method of the wire: its name, who may call it, what it reads and what it answers with.

namespace crossclear::api {

/// What a client is told about a broker.
struct BrokerInfo {
    base::BrokerId id;
    std::string name;
    std::vector<base::InstrumentId> instruments;  ///< What it clears.
    base::Ppm fee;                                ///< Of a trade's notional.
    base::Duration settle_by;                     ///< When a claim is forced at the latest.
};

/// What does not change while the server runs.
struct Catalogue {
    std::string version;
    std::string startup_id;  ///< Differs between two starts of one service.
    std::vector<BrokerInfo> brokers;
    base::Duration heartbeat_min = base::seconds(5);
    base::Duration heartbeat_max = base::seconds(3'600);
    std::size_t in_flight_max{};
};

/// What methods may change about their session.
struct SessionState {
    std::shared_ptr<const ApiKey> key;  ///< Null until authenticated.
    std::string token_hash;             ///< Of the refresh token this session was given.
    base::Duration heartbeat;           ///< Zero: none.
    std::set<actors::Channel> channels;
};

/// What a method has at hand.
struct Caller {
    const Catalogue& catalogue;
    const actors::Gateway& gateway;
    actors::Session& session;
    Authenticator& authenticator;
    SessionState& state;
    Admission::Ticket& place;
    base::Timestamp received_at;
};

/// Answered at once: the result, as JSON.
struct Done {
    std::string result;
};
/// To be asked of the actors.
struct Ask {
    actors::Request request;
    AnswerContext context;
};
/// Channels to follow; the reply waits until each was granted or refused.
struct Follow {
    std::vector<std::pair<actors::Channel, std::optional<std::uint64_t>>> channels;
};
/// What comes of a call.
using Outcome = std::variant<Done, Error, Ask, Follow>;

/// One method of the wire.
struct Method {
    std::string_view name;
    MethodClass method_class{MethodClass::general};
    bool is_private{};
    Outcome (*handle)(Caller&, Params&){};
    Encoder encode{};  ///< Writes the actors' answer; null where there is none.
};

/// All of them, in a fixed order.
[[nodiscard]] std::span<const Method> method_table() noexcept;
/// The index of a method in the table. **Cost:** one hash.
[[nodiscard]] std::optional<std::size_t> find_method(std::string_view name);

/// What the table calls. These need no login, but for `logout` and `subscribe`; `unsubscribe`
/// serves either way (methods_public.cpp).
Outcome hello(Caller&, Params&);
Outcome ping(Caller&, Params&);
Outcome get_time(Caller&, Params&);
Outcome set_heartbeat(Caller&, Params&);
Outcome auth(Caller&, Params&);
Outcome logout(Caller&, Params&);
Outcome get_instruments(Caller&, Params&);
Outcome get_shards(Caller&, Params&);
Outcome get_brokers(Caller&, Params&);
Outcome subscribe_public(Caller&, Params&);
Outcome subscribe(Caller&, Params&);
Outcome unsubscribe(Caller&, Params&);

/// Those of clients, venues and oracles (methods_private.cpp).
Outcome submit_trade(Caller&, Params&);
Outcome preview_trade(Caller&, Params&);
Outcome get_account(Caller&, Params&);
Outcome get_positions(Caller&, Params&);
Outcome get_margin(Caller&, Params&);
Outcome get_trade(Caller&, Params&);
Outcome get_trades(Caller&, Params&);
Outcome get_settlements(Caller&, Params&);
Outcome withdraw(Caller&, Params&);
Outcome cancel_withdrawal(Caller&, Params&);
Outcome get_withdrawals(Caller&, Params&);
Outcome transfer(Caller&, Params&);
Outcome get_transfers(Caller&, Params&);
Outcome submit_matched_trade(Caller&, Params&);
Outcome publish_marks(Caller&, Params&);

/// Those of operators and auditors (methods_operator.cpp).
Outcome get_breaks(Caller&, Params&);
Outcome reconcile(Caller&, Params&);
Outcome resolve_break(Caller&, Params&);
Outcome pause_shard(Caller&, Params&);
Outcome resume_shard(Caller&, Params&);
Outcome resume_lane(Caller&, Params&);
Outcome get_partitions(Caller&, Params&);
Outcome get_nodes(Caller&, Params&);
Outcome get_houses(Caller&, Params&);
Outcome get_expiries(Caller&, Params&);
Outcome propose_price(Caller&, Params&);
Outcome dispute_price(Caller&, Params&);

}  // namespace crossclear::api
