#include "api/views.hpp"
#include "base/decimal.hpp"

#include <fmt/format.h>

namespace crossclear::api {
namespace {

// The text is what was hashed; the members beside it say the same for people.
void write_schedule(JsonWriter& writer, const actors::HedgeSchedule& schedule,
                    const base::Listing& listing) {
    const auto& instrument = listing.instrument(schedule.instrument);
    const int scale = listing.asset(instrument.base).scale;
    writer.key("schedule").begin_object();
    writer.member("instrument", instrument.symbol);
    writer.member("shard", listing.shard(schedule.shard).symbol);
    writer.member("quantity", base::format_decimal(schedule.quantity.v, scale));
    writer.member("bound", base::format_decimal(schedule.bound.v, base::price_scale));
    writer.member("deadline", schedule.deadline.us);
    writer.key("slices").begin_array();
    for (const auto& [quantity, send_at] : schedule.slices) {
        writer.begin_object();
        writer.member("quantity", base::format_decimal(quantity.v, scale));
        writer.member("time", send_at.us);
        writer.end_object();
    }
    writer.end_array();
    writer.member("filled", base::format_decimal(schedule.filled.v, scale));
    writer.member("text", schedule.text);
    writer.end_object();
    writer.member("salt", fmt::format("{:016x}", schedule.salt));
}

}  // namespace

void write_hedges(JsonWriter& writer, const std::vector<actors::HedgeNews>& hedges,
                  base::BrokerId broker, const base::Listing& listing) {
    writer.begin_object().key("hedges").begin_array();
    for (const auto& hedge : hedges) {
        writer.begin_object();
        writer.member("kind", hedge.revealed ? "hedge_revealed" : "hedge_committed");
        writer.member("task", fmt::format("{}-{}", broker.v, hedge.task));
        writer.member("hash", hedge.hash);
        writer.member("time", hedge.committed_at.us);
        if (hedge.revealed) write_schedule(writer, *hedge.revealed, listing);
        writer.end_object();
    }
    writer.end_array().end_object();
}

}  // namespace crossclear::api
