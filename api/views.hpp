#pragma once

#include "actors/gateway.hpp"
#include "api/errors.hpp"
#include "api/json.hpp"

#include <string>

/// What the actors answer, as JSON. Amounts become decimal strings by the scale of their asset.

namespace crossclear::api {

/// What an answer does not say of itself.
struct AnswerContext {
    base::AccountId account;
    base::InstrumentId instrument;
    std::uint64_t number{};  ///< The trade asked for, if one.
    std::string client_id;   ///< As the client wrote it; empty where there is none.
};

/// Writes the answer of one method. **Requires:** `answer` is of the type the method asked for.
using Encoder = void (*)(JsonWriter&, const actors::Answer&, const AnswerContext&,
                         const base::Listing&);

/// The encoders of methods, each named after what it writes.
void write_trade_cleared(JsonWriter&, const actors::Answer&, const AnswerContext&,
                         const base::Listing&);
void write_trade_preview(JsonWriter&, const actors::Answer&, const AnswerContext&,
                         const base::Listing&);
void write_account(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_positions(JsonWriter&, const actors::Answer&, const AnswerContext&,
                     const base::Listing&);
void write_margin(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_trade(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_trades(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_settlement(JsonWriter&, const actors::Answer&, const AnswerContext&,
                      const base::Listing&);
void write_settlements(JsonWriter&, const actors::Answer&, const AnswerContext&,
                       const base::Listing&);
void write_withdrawal_taken(JsonWriter&, const actors::Answer&, const AnswerContext&,
                            const base::Listing&);
void write_withdrawal_cancelled(JsonWriter&, const actors::Answer&, const AnswerContext&,
                                const base::Listing&);
void write_transfer_taken(JsonWriter&, const actors::Answer&, const AnswerContext&,
                          const base::Listing&);
void write_transfers(JsonWriter&, const actors::Answer&, const AnswerContext&,
                     const base::Listing&);
void write_withdrawals(JsonWriter&, const actors::Answer&, const AnswerContext&,
                       const base::Listing&);
void write_matched_trade_cleared(JsonWriter&, const actors::Answer&, const AnswerContext&,
                                 const base::Listing&);
void write_marks_taken(JsonWriter&, const actors::Answer&, const AnswerContext&,
                       const base::Listing&);

/// Those of operators' methods (views_operator.cpp).
void write_lanes(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_break_settled(JsonWriter&, const actors::Answer&, const AnswerContext&,
                         const base::Listing&);
void write_shard_pause_set(JsonWriter&, const actors::Answer&, const AnswerContext&,
                           const base::Listing&);
void write_lane_resumed(JsonWriter&, const actors::Answer&, const AnswerContext&,
                        const base::Listing&);
void write_partitions(JsonWriter&, const actors::Answer&, const AnswerContext&,
                      const base::Listing&);
void write_nodes(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_houses(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);
void write_expiries(JsonWriter&, const actors::Answer&, const AnswerContext&, const base::Listing&);

/// What a broker publishes of its hedges (views_transparency.cpp).
void write_hedges(JsonWriter& writer, const std::vector<actors::HedgeNews>& hedges,
                  base::BrokerId broker, const base::Listing& listing);

/// How shards stand, for `public/get_shards` and for followers.
void write_shards(JsonWriter& writer, const std::vector<actors::ShardView>& shards,
                  const base::Listing& listing);

/// The refusal of an actor as an error of the wire.
[[nodiscard]] Error error_of(const actors::Refusal& refusal);

/// A whole `subscription` notification. `previous` and `is_snapshot` are given apart, because
/// messages that were merged on the way follow an older one than the publication says.
[[nodiscard]] std::string publication_frame(const actors::Publication& publication,
                                            std::uint64_t previous, bool is_snapshot,
                                            const base::Listing& listing);

}  // namespace crossclear::api
