#include "api/views.hpp"

#include "api/channels.hpp"
#include "api/params.hpp"
#include "base/check.hpp"
#include "base/decimal.hpp"

namespace crossclear::api {
namespace {

using actors::Answer;
using base::Listing;

constexpr int cents_scale = 2;

template <class T>
const T& expect(const Answer& answer) {
    const auto* held = std::get_if<T>(&answer);
    CHECK(held != nullptr, "an actor answers with the type its request names");
    return *held;
}

std::string decimal(base::Amount amount, base::AssetId asset, const Listing& listing) {
    return base::format_decimal(amount.v, listing.asset(asset).scale);
}
std::string decimal(base::Price price) { return base::format_decimal(price.v, base::price_scale); }
std::string usd(std::int64_t cents) { return base::format_decimal(cents, cents_scale); }

void write_components(JsonWriter& writer, std::string_view name,
                      const std::vector<std::pair<std::string, std::int64_t>>& components) {
    writer.key(name).begin_array();
    for (const auto& [component, cents] : components) {
        writer.begin_object().member("name", component).member("usd", usd(cents)).end_object();
    }
    writer.end_array();
}

void write_margin_view(JsonWriter& writer, const actors::MarginView& margin) {
    writer.begin_object();
    writer.member("equity_usd", usd(margin.equity_cents));
    writer.member("initial_usd", usd(margin.initial_cents));
    writer.member("maintenance_usd", usd(margin.maintenance_cents));
    write_components(writer, "clearing", margin.clearing);
    write_components(writer, "protocol", margin.protocol);
    writer.key("failures").begin_array();
    for (const auto& line : margin.failures) {
        writer.begin_object();
        writer.member("protocol", line.protocol);
        writer.member("loss_usd", usd(line.loss_cents));
        writer.member("shortfall_usd", usd(line.shortfall_cents));
        writer.end_object();
    }
    writer.end_array();
    writer.member("surface", margin.surface);
    writer.end_object();
}

void write_account_view(JsonWriter& writer, const actors::AccountView& account,
                        const Listing& listing) {
    writer.begin_object();
    writer.member("account", base::to_string(account.account));
    writer.member("sequence", account.sequence);
    writer.key("balances").begin_array();
    for (const auto& line : account.balances) {
        writer.begin_object();
        writer.member("asset", listing.asset(line.asset).symbol);
        writer.member("seen", decimal(line.seen, line.asset, listing));
        writer.member("free", decimal(line.free, line.asset, listing));
        writer.member("unsettled", decimal(line.unsettled, line.asset, listing));
        writer.member("held", decimal(line.held, line.asset, listing));
        writer.member("owed", decimal(line.owed, line.asset, listing));
        writer.end_object();
    }
    writer.end_array().key("margin");
    write_margin_view(writer, account.margin);
    writer.member("standing", account.standing);
    writer.member("trades", account.trades).end_object();
}

void write_times(JsonWriter& writer, const actors::TradeView& trade) {
    writer.member("time", trade.at.us);
    if (trade.settled_at.us != 0) writer.member("settled_at", trade.settled_at.us);
}

void write_trade_view(JsonWriter& writer, const actors::TradeView& trade, base::AccountId account,
                      const Listing& listing) {
    const auto& instrument = listing.instrument(trade.instrument);
    const bool is_buy = trade.quantity.v >= 0;
    const base::Amount size{is_buy ? trade.quantity.v : -trade.quantity.v};
    writer.begin_object();
    writer.member("trade_id", numbered_id(account, 't', trade.number));
    if (trade.is_liquidation) {
        writer.member("is_liquidation", true);
    } else {
        writer.member("client_id", base::to_string(trade.id));
    }
    writer.member("instrument", instrument.symbol);
    writer.member("side", is_buy ? "buy" : "sell");
    writer.member("quantity", decimal(size, instrument.base, listing));
    writer.member("price", decimal(trade.price));
    writer.member("cash", decimal(trade.cash, instrument.settlement, listing));
    writer.member("fee", decimal(trade.fee, instrument.settlement, listing));
    writer.member("state", trade.state);
    write_times(writer, trade);
    writer.end_object();
}

void write_settlement_view(JsonWriter& writer, const actors::TradeView& trade,
                           base::AccountId account, const Listing& listing) {
    writer.begin_object();
    writer.member("trade_id", numbered_id(account, 't', trade.number));
    writer.member("state", trade.state);
    writer.member("asset", listing.asset(trade.claimed_asset).symbol);
    writer.member("claimed", decimal(trade.claimed, trade.claimed_asset, listing));
    writer.member("open", decimal(trade.open, trade.claimed_asset, listing));
    write_times(writer, trade);
    writer.end_object();
}

using LineWriter = void (*)(JsonWriter&, const actors::TradeView&, base::AccountId, const Listing&);

void write_list(JsonWriter& writer, std::string_view name, const actors::TradesView& view,
                base::AccountId account, const Listing& listing, LineWriter write_line) {
    writer.begin_object().member("sequence", view.sequence).key(name).begin_array();
    for (const auto& trade : view.trades) write_line(writer, trade, account, listing);
    writer.end_array().end_object();
}

void write_marks(JsonWriter& writer, const std::vector<actors::MarkView>& marks,
                 const Listing& listing) {
    writer.begin_object().key("marks").begin_array();
    for (const auto& mark : marks) {
        writer.begin_object();
        writer.member("asset", listing.asset(mark.asset).symbol);
        writer.member("price", decimal(mark.price));
        writer.member("time", mark.at.us);
        writer.end_object();
    }
    writer.end_array().end_object();
}

struct BodyWriter {
    JsonWriter& writer;
    const actors::Channel& channel;
    const Listing& listing;

    void operator()(const actors::TradesView& view) const {
        const bool is_trades = channel.kind == actors::Channel::Kind::trades;
        write_list(writer, is_trades ? "trades" : "settlements", view, channel.account, listing,
                   is_trades ? write_trade_view : write_settlement_view);
    }
    void operator()(const actors::AccountView& view) const {
        write_account_view(writer, view, listing);
    }
    void operator()(const actors::MarginView& view) const { write_margin_view(writer, view); }
    void operator()(const std::vector<actors::MarkView>& view) const {
        write_marks(writer, view, listing);
    }
    void operator()(const std::vector<actors::HedgeNews>& view) const {
        write_hedges(writer, view, channel.broker, listing);
    }
    void operator()(const std::vector<actors::ShardView>& view) const {
        write_shards(writer, view, listing);
    }
};

}  // namespace

void write_trade_cleared(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                         const Listing& listing) {
    const auto& cleared = expect<actors::TradeCleared>(answer);
    const auto settlement = listing.instrument(context.instrument).settlement;
    writer.begin_object();
    writer.member("trade_id", numbered_id(cleared.account, 't', cleared.number));
    writer.member("state", "novated");
    writer.member("price", decimal(cleared.price));
    writer.member("fee", decimal(cleared.fee, settlement, listing));
    writer.member("sequence", cleared.sequence);
    writer.end_object();
}

void write_trade_preview(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                         const Listing& listing) {
    const auto& preview = expect<actors::TradePreview>(answer);
    const auto settlement = listing.instrument(context.instrument).settlement;
    writer.begin_object();
    writer.member("is_acceptable", preview.is_acceptable);
    if (!preview.reason.empty()) writer.member("reason", preview.reason);
    writer.member("price", decimal(preview.price));
    writer.member("fee", decimal(preview.fee, settlement, listing));
    writer.key("before");
    write_margin_view(writer, preview.before);
    writer.key("after");
    write_margin_view(writer, preview.after);
    writer.end_object();
}

void write_account(JsonWriter& writer, const Answer& answer, const AnswerContext&,
                   const Listing& listing) {
    write_account_view(writer, expect<actors::AccountView>(answer), listing);
}

void write_positions(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                     const Listing& listing) {
    const auto& view = expect<actors::PositionsView>(answer);
    writer.begin_object();
    writer.member("account", base::to_string(context.account));
    writer.member("sequence", view.sequence);
    writer.key("positions").begin_array();
    for (const auto& line : view.positions) {
        writer.begin_object();
        writer.member("asset", listing.asset(line.asset).symbol);
        writer.member("quantity", decimal(line.quantity, line.asset, listing));
        writer.member("mark", decimal(line.mark));
        writer.member("value_usd", usd(line.value_cents));
        if (line.funding) writer.member("funding_index", decimal(*line.funding));
        writer.end_object();
    }
    writer.end_array().end_object();
}

void write_margin(JsonWriter& writer, const Answer& answer, const AnswerContext&, const Listing&) {
    write_margin_view(writer, expect<actors::MarginView>(answer));
}

void write_trade(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                 const Listing& listing) {
    const auto& view = expect<actors::TradesView>(answer);
    CHECK(!view.trades.empty(), "an empty answer was refused before");
    write_trade_view(writer, view.trades.front(), context.account, listing);
}

void write_trades(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                  const Listing& listing) {
    write_list(writer, "trades", expect<actors::TradesView>(answer), context.account, listing,
               write_trade_view);
}

void write_settlement(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                      const Listing& listing) {
    const auto& view = expect<actors::TradesView>(answer);
    CHECK(!view.trades.empty(), "an empty answer was refused before");
    write_settlement_view(writer, view.trades.front(), context.account, listing);
}

void write_settlements(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                       const Listing& listing) {
    write_list(writer, "settlements", expect<actors::TradesView>(answer), context.account, listing,
               write_settlement_view);
}

void write_withdrawal_taken(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                            const Listing&) {
    const auto& taken = expect<actors::WithdrawalTaken>(answer);
    writer.begin_object();
    writer.member("withdrawal_id", numbered_id(context.account, 'w', taken.number));
    writer.member("state", "held");
    writer.member("sequence", taken.sequence);
    writer.end_object();
}

void write_withdrawal_cancelled(JsonWriter& writer, const Answer& answer,
                                const AnswerContext& context, const Listing&) {
    const auto& cancelled = expect<actors::WithdrawalCancelled>(answer);
    writer.begin_object();
    writer.member("withdrawal_id", numbered_id(context.account, 'w', cancelled.number));
    writer.member("state", "cancelled");
    writer.member("sequence", cancelled.sequence);
    writer.end_object();
}

void write_withdrawals(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                       const Listing& listing) {
    const auto& view = expect<actors::WithdrawalsView>(answer);
    writer.begin_object().member("sequence", view.sequence).key("withdrawals").begin_array();
    for (const auto& line : view.open) {
        writer.begin_object();
        writer.member("withdrawal_id", numbered_id(context.account, 'w', line.number));
        writer.member("asset", listing.asset(line.asset).symbol);
        writer.member("amount", decimal(line.amount, line.asset, listing));
        writer.member("shard", listing.shard(line.shard).symbol);
        writer.member("destination", line.destination);
        writer.member("time", line.at.us);
        writer.end_object();
    }
    writer.end_array().end_object();
}

void write_transfer_taken(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                          const Listing&) {
    const auto& taken = expect<actors::TransferTaken>(answer);
    writer.begin_object();
    writer.member("transfer_id", numbered_id(context.account, 'x', taken.number));
    writer.member("state", "pending");
    writer.member("sequence", taken.sequence);
    writer.end_object();
}

void write_transfers(JsonWriter& writer, const Answer& answer, const AnswerContext& context,
                     const Listing& listing) {
    const auto& view = expect<actors::TransfersView>(answer);
    writer.begin_object().member("sequence", view.sequence).key("transfers").begin_array();
    for (const auto& line : view.transfers) {
        writer.begin_object();
        writer.member("transfer_id", numbered_id(context.account, 'x', line.number));
        writer.member("to_account", base::to_string(line.to));
        writer.member("asset", listing.asset(line.asset).symbol);
        writer.member("amount", decimal(line.amount, line.asset, listing));
        writer.member("state", line.state);
        if (!line.reason.empty()) writer.member("reason", line.reason);
        writer.member("time", line.at.us);
        if (line.ended_at.us != 0) writer.member("ended_time", line.ended_at.us);
        writer.end_object();
    }
    writer.end_array().end_object();
}

void write_matched_trade_cleared(JsonWriter& writer, const Answer& answer, const AnswerContext&,
                                 const Listing&) {
    const auto& cleared = expect<actors::MatchedTradeCleared>(answer);
    writer.begin_object();
    writer.member("buyer_trade_id", numbered_id(cleared.buyer, 't', cleared.buyer_number));
    writer.member("seller_trade_id", numbered_id(cleared.seller, 't', cleared.seller_number));
    writer.member("state", "novated");
    writer.member("price", decimal(cleared.price));
    writer.member("sequence", cleared.sequence);
    writer.end_object();
}

void write_marks_taken(JsonWriter& writer, const Answer& answer, const AnswerContext&,
                       const Listing&) {
    const auto& taken = expect<actors::MarksTaken>(answer);
    writer.begin_object().member("surface", taken.surface).end_object();
}

void write_shards(JsonWriter& writer, const std::vector<actors::ShardView>& shards,
                  const Listing& listing) {
    writer.begin_object().key("shards").begin_array();
    for (const auto& shard : shards) {
        writer.begin_object();
        writer.member("shard", listing.shard(shard.shard).symbol);
        writer.member("is_reachable", shard.is_reachable);
        writer.member("is_paused", shard.is_paused);
        writer.member("is_frozen", shard.is_frozen);
        writer.member("circuit", shard.circuit);
        writer.member("head_block", shard.head_block);
        writer.member("final_block", shard.final_block);
        writer.member("head_at", shard.head_at.us);
        writer.end_object();
    }
    writer.end_array().end_object();
}

Error error_of(const actors::Refusal& refusal) {
    return {.code = ErrorCode{refusal.code},
            .reason = refusal.reason,
            .is_retryable = refusal.retryable,
            .expected = refusal.hint};
}

std::string publication_frame(const actors::Publication& publication, std::uint64_t previous,
                              bool is_snapshot, const Listing& listing) {
    std::string text = R"({"jsonrpc":"2.0","method":"subscription","params":)";
    JsonWriter writer{text};
    writer.begin_object();
    writer.member("channel", name_of(publication.channel, listing));
    writer.member("seq", publication.sequence);
    writer.member("prev_seq", previous);
    writer.member("is_snapshot", is_snapshot);
    writer.key("data");
    std::visit(BodyWriter{writer, publication.channel, listing}, publication.body);
    writer.end_object();
    text += '}';
    return text;
}

}  // namespace crossclear::api
