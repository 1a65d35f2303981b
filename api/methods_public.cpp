#include "api/channels.hpp"
#include "api/json.hpp"
#include "api/methods.hpp"
#include "base/check.hpp"
#include "base/decimal.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace crossclear::api {
namespace {

namespace limits = base::limits;

// Writes one result: faults first, then what `write` says.
template <class Write>
Outcome done(Params& params, Write write) {
    if (auto fault = params.fault()) return std::move(*fault);
    Done outcome;
    JsonWriter writer{outcome.result};
    write(writer);
    return outcome;
}

std::string_view kind_name(base::InstrumentKind kind) {
    switch (kind) {
        case base::InstrumentKind::in_kind:
            return "in_kind";
        case base::InstrumentKind::linear_perpetual:
            return "linear_perpetual";
        case base::InstrumentKind::dated_future:
            return "dated_future";
        case base::InstrumentKind::prediction:
            return "prediction";
        case base::InstrumentKind::option:
            return "option";
    }
    UNREACHABLE("an unlisted instrument kind");
}

constexpr std::array<std::pair<actors::Scope, std::string_view>, 7> scope_names{{
    {actors::Scope::viewer, "viewer"},
    {actors::Scope::trader, "trader"},
    {actors::Scope::withdraw, "withdraw"},
    {actors::Scope::venue, "venue"},
    {actors::Scope::oracle, "oracle"},
    {actors::Scope::operate, "operator"},
    {actors::Scope::auditor, "auditor"},
}};

void write_scopes(JsonWriter& writer, std::uint16_t scopes) {
    writer.begin_array();
    for (const auto& [scope, name] : scope_names) {
        if ((scopes & static_cast<std::uint16_t>(scope)) != 0) writer.string(name);
    }
    writer.end_array();
}

// A key of thousands of accounts is not told all of them.
constexpr std::size_t accounts_told_max = 64;

void write_login(JsonWriter& writer, const Login& login) {
    const auto& identity = login.key->identity;
    writer.begin_object();
    writer.member("key_id", login.key->id);
    writer.member("refresh_token", login.refresh_token);
    writer.member("refresh_token_expires_at", login.token_expires_at.us);
    writer.key("accounts").begin_array();
    std::size_t told = 0;
    for (const auto& [account, scopes] : identity.accounts) {
        if (++told > accounts_told_max) break;
        writer.begin_object().member("account", base::to_string(account)).key("scopes");
        write_scopes(writer, scopes);
        writer.end_object();
    }
    writer.end_array().member("account_count", identity.accounts.size()).key("service");
    write_scopes(writer, identity.service);
    writer.end_object();
}

base::Result<Login, Error> log_in(Caller& caller, Params& params) {
    const auto grant = params.text("grant_type", 32);
    if (grant == "refresh_token") {
        const auto token = params.text("refresh_token", 128);
        if (auto fault = params.fault()) return base::Failure{std::move(*fault)};
        return caller.authenticator.refresh(token, caller.received_at);
    }
    if (grant != "client_signature") {
        params.refuse(ErrorCode::invalid_params, "unknown_grant", "grant_type",
                      "client_signature or refresh_token");
        return base::Failure{*params.fault()};
    }
    const Authenticator::SignedLogin login{.key_id = params.text("key_id", 128),
                                           .at = {params.integer("timestamp", 0, INT64_MAX / 2)},
                                           .nonce = params.text("nonce", 64),
                                           .data = params.text_or("data", 256, ""),
                                           .signature = params.text("signature", 64)};
    if (login.nonce.size() < 8 || login.nonce.find('\n') != std::string_view::npos) {
        params.refuse(ErrorCode::invalid_params, "weak_nonce", "nonce",
                      "8 to 64 bytes on one line");
    }
    if (auto fault = params.fault()) return base::Failure{std::move(*fault)};
    return caller.authenticator.sign_in(login, caller.received_at);
}

std::vector<std::pair<actors::Channel, std::optional<std::uint64_t>>> read_channels(
    const base::Listing& listing, Params& params, bool may_be_private) {
    std::vector<std::pair<actors::Channel, std::optional<std::uint64_t>>> channels;
    const auto* resume = params.object_or_null("from_seq");
    std::size_t resumed = 0;
    std::set<std::string_view> names;
    for (const auto name : params.texts("channels", limits::subscriptions_max)) {
        if (!names.insert(name).second) {
            params.refuse(ErrorCode::invalid_params, "repeated_channel", "channels",
                          "every channel once", std::string{name});
            return {};
        }
        const auto channel = parse_channel(name, listing);
        if (!channel) {
            params.refuse(ErrorCode::invalid_params, "unknown_channel", "channels",
                          "account.{id}.{trades|settlements|balances|margin}, "
                          "marks.{instrument or asset} or shards.health",
                          std::string{name});
            return {};
        }
        if (is_private(*channel) && !may_be_private) {
            params.refuse(ErrorCode::auth_required, "private_channel", "channels",
                          "private/subscribe", std::string{name});
            return {};
        }
        std::optional<std::uint64_t> from;
        if (resume != nullptr && resume->contains(name)) {
            Params sequences{*resume};
            from = static_cast<std::uint64_t>(sequences.integer(name, 0, INT64_MAX));
            ++resumed;
            if (!resume->at(name).is_int64() || resume->at(name).get_int64() < 0) {
                params.refuse(ErrorCode::invalid_params, "wrong_type", "from_seq",
                              "sequence numbers by channel");
            }
        }
        channels.emplace_back(*channel, from);
    }
    if (resume != nullptr && resumed != resume->size()) {
        params.refuse(ErrorCode::invalid_params, "unknown_channel", "from_seq",
                      "channels named in `channels`, each once");
    }
    return channels;
}

// What one identity follows, the next one on the same socket may not see.
void leave_private_channels(Caller& caller) {
    auto& channels = caller.state.channels;
    for (const auto& channel : channels) {
        if (is_private(channel)) caller.session.unsubscribe(channel);
    }
    std::erase_if(channels, [](const auto& channel) { return is_private(channel); });
}

Outcome follow(Caller& caller, Params& params, bool may_be_private) {
    auto channels = read_channels(caller.gateway.listing(), params, may_be_private);
    if (auto fault = params.fault()) return std::move(*fault);
    std::size_t added = 0;
    for (const auto& [channel, from] : channels) {
        added += caller.state.channels.contains(channel) ? 0U : 1U;
    }
    if (caller.state.channels.size() + added > limits::subscriptions_max) {
        return Error{.code = ErrorCode::limit_exceeded,
                     .reason = "subscriptions_max",
                     .field = "channels",
                     .expected = std::to_string(limits::subscriptions_max) + " in all"};
    }
    // Reserved at once, so that a second request cannot pass the bound before this one is granted.
    for (const auto& [channel, from] : channels) caller.state.channels.insert(channel);
    return Follow{std::move(channels)};
}

}  // namespace

Outcome hello(Caller& caller, Params& params) {
    static_cast<void>(params.text_or("client", 64, ""));
    return done(params, [&](JsonWriter& writer) {
        const auto& catalogue = caller.catalogue;
        writer.begin_object().member("service", "crossclear");
        writer.member("version", catalogue.version).member("api", "v1");
        writer.member("startup_id", catalogue.startup_id);
        // Entries are appended and never reordered, so their number names the listing.
        writer.member("universe", caller.gateway.listing().instruments.size());
        writer.key("limits").begin_object();
        writer.member("frame_bytes_max", limits::frame_bytes_max);
        writer.member("rpc_batch_max", limits::rpc_batch_max);
        writer.member("in_flight_max", catalogue.in_flight_max);
        writer.member("subscriptions_max", limits::subscriptions_max);
        writer.member("outbound_bytes_max", limits::outbound_bytes_max);
        writer.member("outbound_messages_max", limits::outbound_messages_max);
        writer.end_object().end_object();
    });
}

Outcome ping(Caller&, Params& params) {
    return done(params, [](JsonWriter& writer) { writer.string("pong"); });
}

Outcome get_time(Caller& caller, Params& params) {
    return done(params, [&](JsonWriter& writer) { writer.integer(caller.received_at.us); });
}

Outcome set_heartbeat(Caller& caller, Params& params) {
    const auto interval_ms =
        params.integer("interval_ms", 0, caller.catalogue.heartbeat_max.us / 1'000);
    const auto low_ms = caller.catalogue.heartbeat_min.us / 1'000;
    if (interval_ms != 0 && interval_ms < low_ms) {
        params.refuse(ErrorCode::invalid_params, "out_of_range", "interval_ms",
                      "0 or at least " + std::to_string(low_ms), std::to_string(interval_ms));
    }
    return done(params, [&](JsonWriter& writer) {
        caller.state.heartbeat = base::milliseconds(interval_ms);
        writer.begin_object().member("interval_ms", interval_ms).end_object();
    });
}

Outcome auth(Caller& caller, Params& params) {
    auto login = log_in(caller, params);
    if (!login) return login.error();
    if (!caller.place.log_in(login->key->id)) {
        caller.authenticator.revoke(login->token_hash);
        return Error{.code = ErrorCode::limit_exceeded,
                     .reason = "connections_per_key_max",
                     .field = "key_id",
                     .expected = "a key with a connection to spare: close another one first"};
    }
    const bool is_other_key = caller.state.key && caller.state.key->id != login->key->id;
    if (is_other_key) leave_private_channels(caller);
    caller.session.identify(login->key->identity);
    caller.state.key = login->key;
    caller.state.token_hash = login->token_hash;
    Done outcome;
    JsonWriter writer{outcome.result};
    write_login(writer, *login);
    return outcome;
}

Outcome logout(Caller& caller, Params& params) {
    const bool keeps_token = params.boolean_or("keep_refresh_token", false);
    return done(params, [&](JsonWriter& writer) {
        leave_private_channels(caller);
        if (!keeps_token) caller.authenticator.revoke(caller.state.token_hash);
        caller.session.identify({});
        caller.place.log_out();
        caller.state.key.reset();
        writer.begin_object().end_object();
    });
}

Outcome get_instruments(Caller& caller, Params& params) {
    return done(params, [&](JsonWriter& writer) {
        const auto& listing = caller.gateway.listing();
        writer.begin_object().member("universe", listing.instruments.size());
        writer.key("instruments").begin_array();
        for (std::size_t i = 0; i < listing.instruments.size(); ++i) {
            const auto& instrument = listing.instruments[i];
            writer.begin_object();
            writer.member("instrument", instrument.symbol);
            writer.member("kind", kind_name(instrument.kind));
            writer.member("base", listing.asset(instrument.base).symbol);
            writer.member("settlement", listing.asset(instrument.settlement).symbol);
            writer.member("quantity_decimals", listing.asset(instrument.base).scale);
            writer.member("price_decimals", base::price_scale);
            if (instrument.expiry) {
                writer.member("expires_at", instrument.expiry->at.us);
                writer.member("average_over", instrument.expiry->average_over.us);
                writer.member("dispute_for", instrument.expiry->dispute_for.us);
            }
            if (instrument.option) {
                const bool is_put = instrument.option->type == base::OptionType::put;
                writer.member("option_type", is_put ? "put" : "call");
                writer.member("strike",
                              base::format_decimal(instrument.option->strike.v, base::price_scale));
            }
            writer.key("shards").begin_array();
            const base::InstrumentId id{static_cast<std::uint16_t>(i)};
            for (const auto shard : listing.venues_of(id)) {
                writer.string(listing.shard(shard).symbol);
            }
            writer.end_array().end_object();
        }
        writer.end_array().end_object();
    });
}

Outcome get_shards(Caller& caller, Params& params) {
    return done(params, [&](JsonWriter& writer) {
        write_shards(writer, caller.gateway.shards(), caller.gateway.listing());
    });
}

Outcome get_brokers(Caller& caller, Params& params) {
    return done(params, [&](JsonWriter& writer) {
        const auto& listing = caller.gateway.listing();
        writer.begin_object().key("brokers").begin_array();
        for (const auto& broker : caller.catalogue.brokers) {
            writer.begin_object().member("broker", broker.id.v).member("name", broker.name);
            writer.member("fee_ppm", broker.fee.v);
            writer.member("settle_by_ms", broker.settle_by.us / 1'000);
            writer.key("instruments").begin_array();
            for (const auto instrument : broker.instruments) {
                writer.string(listing.instrument(instrument).symbol);
            }
            writer.end_array().end_object();
        }
        writer.end_array().end_object();
    });
}

Outcome subscribe_public(Caller& caller, Params& params) { return follow(caller, params, false); }
Outcome subscribe(Caller& caller, Params& params) { return follow(caller, params, true); }

Outcome unsubscribe(Caller& caller, Params& params) {
    const auto channels = read_channels(caller.gateway.listing(), params, true);
    return done(params, [&](JsonWriter& writer) {
        writer.begin_object().key("channels").begin_array();
        for (const auto& [channel, from] : channels) {
            if (caller.state.channels.erase(channel) == 0) continue;
            caller.session.unsubscribe(channel);
            writer.string(name_of(channel, caller.gateway.listing()));
        }
        writer.end_array().end_object();
    });
}

}  // namespace crossclear::api
