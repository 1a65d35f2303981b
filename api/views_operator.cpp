#include "api/break_id.hpp"
#include "api/views.hpp"
#include "base/check.hpp"
#include "base/decimal.hpp"

namespace crossclear::api {
namespace {

template <class T>
const T& expected(const actors::Answer& answer) {
    const auto* held = std::get_if<T>(&answer);
    CHECK(held != nullptr, "an actor answers with the type its request names");
    return *held;
}

void write_sides(JsonWriter& writer, const actors::BreakLine::Sides& sides, int scale) {
    const auto amount = [scale](base::Amount value) {
        return base::format_decimal(value.v, scale);
    };
    writer.member("shard_held", amount(sides.shard_held));
    writer.member("book_held", amount(sides.book_held));
    writer.member("shard_posted", amount(sides.shard_posted));
    writer.member("book_posted", amount(sides.book_posted));
    writer.member("shard_position", amount(sides.shard_position));
    writer.member("book_position", amount(sides.book_position));
}

void write_break(JsonWriter& writer, const actors::BreakLine& line, const base::Listing& listing) {
    const auto& asset = listing.asset(line.id.asset);
    writer.begin_object();
    writer.member("break", break_text(line.id, listing));
    writer.member("asset", asset.symbol);
    writer.member("state", line.state);
    if (!line.kind.empty()) writer.member("kind", line.kind);
    writer.member("difference", base::format_decimal(line.difference.v, asset.scale));
    writer.member("since", line.since.us);
    if (line.sides) write_sides(writer, *line.sides, asset.scale);
    writer.end_object();
}

const char* text_of(actors::Resolution resolution) {
    switch (resolution) {
        case actors::Resolution::explained:
            return "explained";
        case actors::Resolution::suspended:
            return "suspended";
        case actors::Resolution::borne:
            return "borne";
    }
    UNREACHABLE("an unlisted resolution");
}

constexpr int house_cents_scale = 2;
constexpr int house_ppm_scale = 6;

std::string usd_of(std::int64_t cents) { return base::format_decimal(cents, house_cents_scale); }

void write_house(JsonWriter& writer, const actors::HouseLine& house, const base::Listing& listing) {
    writer.begin_object();
    writer.member("broker", static_cast<std::uint64_t>(house.broker.v));
    writer.member("time", house.at.us);
    writer.member("clients", house.clients);
    writer.member("clients_waiting", house.clients_waiting);
    writer.member("clients_below_maintenance", house.clients_below);
    writer.member("waterfall_usd", usd_of(house.waterfall_cents));
    writer.member("solvency_probability",
                  base::format_decimal(house.solvency_ppm, house_ppm_scale));
    writer.member("expected_loss_usd", usd_of(house.expected_loss_cents));
    writer.member("cover1_usd", usd_of(house.cover1_cents));
    writer.member("cover2_usd", usd_of(house.cover2_cents));
    writer.key("protocols").begin_array();
    for (const auto& protocol : house.protocols) {
        writer.begin_object();
        writer.member("protocol", protocol.name);
        writer.member("shortfall_usd", usd_of(protocol.shortfall_cents));
        writer.member("is_past_limit", protocol.is_past_limit);
        writer.end_object();
    }
    writer.end_array();
    writer.key("stresses").begin_array();
    for (const auto& stress : house.stresses) {
        writer.begin_object();
        writer.member("stress", stress.name);
        writer.member("states", stress.states);
        writer.member("loss_usd", usd_of(stress.loss_cents));
        writer.member("largest_usd", usd_of(stress.largest_cents));
        writer.member("two_largest_usd", usd_of(stress.two_largest_cents));
        if (!stress.worst.empty()) writer.member("worst", stress.worst);
        writer.member("clients_unknown", stress.clients_unknown);
        writer.end_object();
    }
    writer.end_array();
    writer.member("is_reduce_only", house.is_reduce_only);
    writer.member("unsettled_usd", usd_of(house.unsettled_cents));
    writer.member("is_unsettled_full", house.is_unsettled_full);
    if (house.exposure_cents) writer.member("exposure_usd", usd_of(*house.exposure_cents));
    writer.member("is_exposure_full", house.is_exposure_full);
    writer.key("shards_full").begin_array();
    for (const auto shard : house.shards_full) writer.string(listing.shard(shard).symbol);
    writer.end_array();
    writer.key("protocols_full").begin_array();
    for (const auto& protocol : house.protocols_full) writer.string(protocol);
    writer.end_array();
    if (house.has_limits) {
        writer.member("protocol_max_usd", usd_of(house.protocol_max_cents));
        writer.member("client_max_usd", usd_of(house.client_max_cents));
    }
    if (house.worst_client_cents > 0) {
        writer.member("worst_client", base::to_string(house.worst_client));
        writer.member("worst_client_usd", usd_of(house.worst_client_cents));
    }
    writer.end_object();
}

}  // namespace

void write_houses(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                  const base::Listing& listing) {
    writer.begin_object().key("houses").begin_array();
    for (const auto& house : expected<actors::HousesView>(answer).houses) {
        write_house(writer, house, listing);
    }
    writer.end_array().end_object();
}

void write_expiries(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                    const base::Listing& listing) {
    writer.begin_object().key("expiries").begin_array();
    for (const auto& line : expected<actors::ExpiriesView>(answer).expiries) {
        writer.begin_object();
        writer.member("broker", static_cast<std::uint64_t>(line.broker.v));
        writer.member("instrument", listing.instrument(line.instrument).symbol);
        writer.member("state", line.state);
        writer.member("expires_at", line.expires_at.us);
        if (line.since.us != 0) {
            writer.member("price", decimal(line.price));
            writer.member("fixed_from", line.fixed_from.us);
            writer.member("since", line.since.us);
        }
        if (!line.refused.empty()) writer.member("refused", line.refused);
        writer.end_object();
    }
    writer.end_array().end_object();
}

void write_lanes(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                 const base::Listing& listing) {
    writer.begin_object().key("lanes").begin_array();
    for (const auto& lane : expected<actors::LanesView>(answer).lanes) {
        writer.begin_object();
        writer.member("broker", static_cast<std::uint64_t>(lane.broker.v));
        writer.member("shard", listing.shard(lane.shard).symbol);
        writer.member("block", lane.block);
        writer.member("is_frozen", lane.is_frozen);
        writer.member("is_paused", lane.is_paused);
        writer.key("breaks").begin_array();
        for (const auto& line : lane.breaks) write_break(writer, line, listing);
        writer.end_array().end_object();
    }
    writer.end_array().end_object();
}

void write_break_settled(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                         const base::Listing& listing) {
    const auto& settled = expected<actors::BreakSettled>(answer);
    writer.begin_object();
    writer.member("break", break_text(settled.of, listing));
    writer.member("resolution", text_of(settled.resolution));
    writer.member("is_frozen", settled.is_frozen);
    writer.member("is_paused", settled.is_paused);
    writer.end_object();
}

void write_shard_pause_set(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                           const base::Listing& listing) {
    const auto& set = expected<actors::ShardPauseSet>(answer);
    writer.begin_object();
    writer.member("shard", listing.shard(set.shard).symbol);
    writer.member("is_paused", set.is_paused);
    writer.end_object();
}

void write_lane_resumed(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                        const base::Listing& listing) {
    const auto& resumed = expected<actors::LaneResumed>(answer);
    writer.begin_object();
    writer.member("broker", static_cast<std::uint64_t>(resumed.broker.v));
    writer.member("shard", listing.shard(resumed.shard).symbol);
    writer.member("nonce", resumed.nonce);
    writer.member("given_up", resumed.given_up);
    writer.end_object();
}

void write_partitions(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                      const base::Listing&) {
    writer.begin_object().key("partitions").begin_array();
    for (const auto& line : expected<actors::PartitionsView>(answer).partitions) {
        writer.begin_object();
        writer.member("partition", static_cast<std::uint64_t>(line.partition.v));
        writer.member("phase", line.phase);
        writer.member("epoch", line.epoch);
        writer.member("sequence", line.sequence);
        writer.member("appends_waiting", line.appends_waiting);
        writer.member("is_stuck", line.is_stuck);
        writer.end_object();
    }
    writer.end_array().end_object();
}

void write_nodes(JsonWriter& writer, const actors::Answer& answer, const AnswerContext&,
                 const base::Listing&) {
    writer.begin_object().key("nodes").begin_array();
    for (const auto& line : expected<actors::NodesView>(answer).nodes) {
        writer.begin_object();
        if (!line.name.empty()) writer.member("name", line.name);
        writer.member("cluster", line.cluster);
        writer.member("partitions_running", line.partitions_running);
        writer.member("partitions", line.partitions);
        if (!line.trouble.empty()) writer.member("trouble", line.trouble);
        writer.member("time", line.at.us);
        writer.end_object();
    }
    writer.end_array().end_object();
}

}  // namespace crossclear::api
