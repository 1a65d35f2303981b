#include "api/break_id.hpp"
#include "api/methods.hpp"

#include <limits>

namespace crossclear::api {
namespace {

constexpr std::size_t reason_size_max = 256;
constexpr std::int64_t broker_max = std::numeric_limits<std::uint16_t>::max();

template <class Make>
Outcome ask_operator(Params& params, std::string client_id, Make make) {
    if (auto fault = params.fault()) {
        fault->client_id = std::move(client_id);
        return std::move(*fault);
    }
    return Ask{
        .request = actors::OperatorRequest{make()},
        .context = {
            .account = {}, .instrument = {}, .number = 0, .client_id = std::move(client_id)}};
}

Outcome set_pause(Caller& caller, Params& params, bool is_paused) {
    const auto client_id = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto shard = params.shard(caller.gateway.listing());
    return ask_operator(params, client_id, [&] {
        return actors::PauseShard{
            .id = id, .shard = shard, .is_paused = is_paused, .received_at = caller.received_at};
    });
}

actors::Resolution resolution_of(Params& params) {
    const auto text = params.text("resolution", 16);
    if (text == "suspended") return actors::Resolution::suspended;
    if (text == "borne") return actors::Resolution::borne;
    if (!text.empty() && text != "explained") {
        params.refuse(ErrorCode::invalid_params, "unknown_resolution", "resolution",
                      "explained, suspended or borne", std::string{text});
    }
    return actors::Resolution::explained;
}

}  // namespace

Outcome get_breaks(Caller&, Params& params) {
    return ask_operator(params, {}, [] { return actors::GetBreaks{}; });
}

Outcome reconcile(Caller& caller, Params& params) {
    const auto shard = params.shard(caller.gateway.listing());
    return ask_operator(params, {}, [&] { return actors::Reconcile{.shard = shard}; });
}

Outcome resolve_break(Caller& caller, Params& params) {
    const auto client_id = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto text = params.text("break", 128);
    const auto of = parse_break(text, caller.gateway.listing());
    if (!of) {
        params.refuse(ErrorCode::invalid_params, "malformed_break", "break",
                      "<broker number>/<shard>/<asset>/<block>", std::string{text});
    }
    const auto resolution = resolution_of(params);
    const auto reason = params.text("reason", reason_size_max);
    return ask_operator(params, client_id, [&] {
        return actors::ResolveBreak{.id = id,
                                    .of = *of,
                                    .resolution = resolution,
                                    .reason = std::string{reason},
                                    .received_at = caller.received_at};
    });
}

Outcome pause_shard(Caller& caller, Params& params) { return set_pause(caller, params, true); }
Outcome resume_shard(Caller& caller, Params& params) { return set_pause(caller, params, false); }

Outcome resume_lane(Caller& caller, Params& params) {
    const auto client_id = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto broker = params.integer("broker", 0, broker_max);
    const auto shard = params.shard(caller.gateway.listing());
    const auto reason = params.text("reason", reason_size_max);
    return ask_operator(params, client_id, [&] {
        return actors::ResumeLane{.id = id,
                                  .broker = base::BrokerId{static_cast<std::uint16_t>(broker)},
                                  .shard = shard,
                                  .reason = std::string{reason},
                                  .received_at = caller.received_at};
    });
}

Outcome get_partitions(Caller&, Params& params) {
    return ask_operator(params, {}, [] { return actors::GetPartitions{}; });
}
Outcome get_nodes(Caller&, Params& params) {
    return ask_operator(params, {}, [] { return actors::GetNodes{}; });
}

Outcome get_houses(Caller&, Params& params) {
    return ask_operator(params, {}, [] { return actors::GetHouses{}; });
}

Outcome get_expiries(Caller&, Params& params) {
    return ask_operator(params, {}, [] { return actors::GetExpiries{}; });
}

Outcome propose_price(Caller& caller, Params& params) {
    const auto client_id = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto instrument = params.instrument(caller.gateway.listing());
    const base::Price price{params.amount("price", base::price_scale, Params::Sign::not_negative)};
    return ask_operator(params, client_id, [&] {
        return actors::ProposePrice{
            .id = id, .instrument = instrument, .price = price, .received_at = caller.received_at};
    });
}

Outcome dispute_price(Caller& caller, Params& params) {
    const auto client_id = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto instrument = params.instrument(caller.gateway.listing());
    const auto reason = params.text("reason", reason_size_max);
    return ask_operator(params, client_id, [&] {
        return actors::DisputePrice{.id = id,
                                    .instrument = instrument,
                                    .reason = std::string{reason},
                                    .received_at = caller.received_at};
    });
}

}  // namespace crossclear::api
