#include "api/json.hpp"
#include "api/methods.hpp"
#include "base/limits.hpp"

#include <limits>

namespace crossclear::api {
namespace {

constexpr std::int64_t page_max = 100;
constexpr std::int64_t page_default = 20;
constexpr std::size_t destination_size_max = 128;

// After a refusal the id may be of nothing; the scale then only has to exist.
int scale_of(const base::Listing& listing, base::AssetId asset) {
    return asset.v < listing.assets.size() ? listing.asset(asset).scale : 0;
}
int scale_of(const base::Listing& listing, base::InstrumentId instrument) {
    if (instrument.v >= listing.instruments.size()) return 0;
    return scale_of(listing, listing.instrument(instrument).base);
}

// Positive for buy, negative for sell.
base::Amount signed_quantity(Params& params, const base::Listing& listing,
                             base::InstrumentId instrument) {
    const auto side = params.text("side", 8);
    if (!side.empty() && side != "buy" && side != "sell") {
        params.refuse(ErrorCode::invalid_params, "unknown_side", "side", "buy or sell",
                      std::string{side});
    }
    const auto size = params.amount("quantity", scale_of(listing, instrument));
    return {side == "sell" ? -size : size};
}

template <class Make>
Outcome ask(Params& params, const AnswerContext& context, Make make) {
    if (auto fault = params.fault()) {
        fault->client_id = context.client_id;
        return std::move(*fault);
    }
    return Ask{.request = make(), .context = context};
}

template <class Request>
Outcome ask_about_account(Params& params) {
    const auto account = params.account();
    return ask(params, {.account = account, .instrument = {}, .number = 0, .client_id = {}},
               [&] { return Request{.account = account}; });
}

template <class Request>
Outcome ask_for_page(Params& params) {
    const auto account = params.account();
    const auto before = params.integer_or("before", 1, INT64_MAX, 0);
    const auto count = params.integer_or("count", 1, page_max, page_default);
    return ask(params, {.account = account, .instrument = {}, .number = 0, .client_id = {}}, [&] {
        return Request{.account = account,
                       .before = static_cast<std::uint64_t>(before),
                       .count = static_cast<std::uint32_t>(count)};
    });
}

}  // namespace

Outcome submit_trade(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    const auto client_id_text = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto account = params.account();
    const auto instrument = params.instrument(listing);
    const auto quantity = signed_quantity(params, listing, instrument);
    // A contract that has come to nothing is given back at any price.
    const auto sign = quantity.v < 0 ? Params::Sign::not_negative : Params::Sign::positive;
    const base::Price limit{params.amount("limit_price", base::price_scale, sign)};
    if (params.text_or("time_in_force", 8, "ioc") != "ioc") {
        params.refuse(ErrorCode::invalid_params, "unknown_time_in_force", "time_in_force", "ioc");
    }
    return ask(
        params,
        {.account = account, .instrument = instrument, .number = 0, .client_id = client_id_text},
        [&] {
            return actors::SubmitTrade{.account = account,
                                       .id = id,
                                       .instrument = instrument,
                                       .quantity = quantity,
                                       .limit = limit,
                                       .received_at = caller.received_at};
        });
}

Outcome preview_trade(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    const auto account = params.account();
    const auto instrument = params.instrument(listing);
    const auto quantity = signed_quantity(params, listing, instrument);
    return ask(params, {.account = account, .instrument = instrument, .number = 0, .client_id = {}},
               [&] {
                   return actors::PreviewTrade{
                       .account = account, .instrument = instrument, .quantity = quantity};
               });
}

Outcome get_account(Caller&, Params& params) {
    return ask_about_account<actors::GetAccount>(params);
}
Outcome get_positions(Caller&, Params& params) {
    return ask_about_account<actors::GetPositions>(params);
}
Outcome get_margin(Caller&, Params& params) { return ask_about_account<actors::GetMargin>(params); }
Outcome get_withdrawals(Caller&, Params& params) {
    return ask_about_account<actors::GetWithdrawals>(params);
}
Outcome get_transfers(Caller&, Params& params) {
    return ask_about_account<actors::GetTransfers>(params);
}
Outcome get_trades(Caller&, Params& params) { return ask_for_page<actors::GetTrades>(params); }
Outcome get_settlements(Caller&, Params& params) {
    return ask_for_page<actors::GetSettlements>(params);
}

Outcome get_trade(Caller&, Params& params) {
    const auto text = params.text("trade_id", 64);
    const auto id = parse_numbered_id(text, 't').value_or(NumberedId{});
    if (id.number == 0) {
        params.refuse(ErrorCode::invalid_params, "malformed_trade_id", "trade_id",
                      "<account>-t<number>", std::string{text});
    }
    return ask(params,
               {.account = id.account, .instrument = {}, .number = id.number, .client_id = {}},
               [&] { return actors::GetTrade{.account = id.account, .number = id.number}; });
}

Outcome withdraw(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    const auto client_id_text = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto account = params.account();
    const auto asset = params.asset(listing);
    const base::Amount amount{params.amount("amount", scale_of(listing, asset))};
    const auto shard = params.shard(listing);
    const auto destination = params.text("destination", destination_size_max);
    return ask(params,
               {.account = account, .instrument = {}, .number = 0, .client_id = client_id_text},
               [&] {
                   return actors::Withdraw{.account = account,
                                           .id = id,
                                           .asset = asset,
                                           .amount = amount,
                                           .shard = shard,
                                           .destination = std::string{destination},
                                           .received_at = caller.received_at};
               });
}

Outcome cancel_withdrawal(Caller& caller, Params& params) {
    const auto client_id_text = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto account = params.account();
    const auto text = params.text("withdrawal_id", 64);
    const auto withdrawal = parse_numbered_id(text, 'w').value_or(NumberedId{});
    const bool is_possible = withdrawal.account == account && withdrawal.number != 0 &&
                             withdrawal.number <= std::numeric_limits<std::uint32_t>::max();
    if (!is_possible) {
        params.refuse(ErrorCode::invalid_params, "malformed_withdrawal_id", "withdrawal_id",
                      "<account>-w<number>", std::string{text});
    }
    return ask(
        params, {.account = account, .instrument = {}, .number = 0, .client_id = client_id_text},
        [&] {
            return actors::CancelWithdrawal{.account = account,
                                            .id = id,
                                            .number = static_cast<std::uint32_t>(withdrawal.number),
                                            .received_at = caller.received_at};
        });
}

Outcome transfer(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    const auto client_id_text = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto account = params.account();
    const auto to = params.account("to_account");
    const auto asset = params.asset(listing);
    const base::Amount amount{params.amount("amount", scale_of(listing, asset))};
    return ask(params,
               {.account = account, .instrument = {}, .number = 0, .client_id = client_id_text},
               [&] {
                   return actors::Transfer{.account = account,
                                           .id = id,
                                           .to = to,
                                           .asset = asset,
                                           .amount = amount,
                                           .received_at = caller.received_at};
               });
}

Outcome submit_matched_trade(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    const auto client_id_text = std::string{params.text("client_id", 64)};
    const auto id = params.client_id();
    const auto buyer = params.account("buyer");
    const auto seller = params.account("seller");
    const auto instrument = params.instrument(listing);
    const base::Amount quantity{params.amount("quantity", scale_of(listing, instrument))};
    const base::Price price{params.amount("price", base::price_scale)};
    return ask(
        params,
        {.account = buyer, .instrument = instrument, .number = 0, .client_id = client_id_text},
        [&] {
            return actors::SubmitMatchedTrade{.account = buyer,
                                              .seller = seller,
                                              .id = id,
                                              .instrument = instrument,
                                              .quantity = quantity,
                                              .price = price,
                                              .received_at = caller.received_at};
        });
}

Outcome publish_marks(Caller& caller, Params& params) {
    const auto& listing = caller.gateway.listing();
    actors::PublishMarks request{
        .marks = {}, .at = {params.integer_or("time", 0, INT64_MAX, caller.received_at.us)}};
    const bool has_indices = params.has("indices");
    if (has_indices) {
        for (const auto* entry : params.objects("indices", base::limits::assets_max)) {
            Params one{*entry};
            const auto asset = one.asset(listing);
            const base::Price index{one.amount("index", base::price_scale)};
            request.indices.push_back({.asset = asset, .index = index});
            if (auto fault = one.fault()) return std::move(*fault);
        }
    }
    const bool has_funding = params.has("funding");
    if (has_funding) {
        for (const auto* entry : params.objects("funding", base::limits::assets_max)) {
            Params one{*entry};
            const auto contract = one.asset(listing);
            const base::Price index{one.amount("index", base::price_scale, Params::Sign::any)};
            request.funding.push_back({.contract = contract, .index = index});
            if (auto fault = one.fault()) return std::move(*fault);
        }
    }
    // There may be any, and has to be one.
    if ((has_indices || has_funding) && !params.has("marks")) {
        return ask(params, {}, [&] { return std::move(request); });
    }
    for (const auto* entry : params.objects("marks", base::limits::assets_max)) {
        Params mark{*entry};
        const auto asset = mark.asset(listing);
        // What died has a price too: zero.
        const base::Price price{
            mark.amount("price", base::price_scale, Params::Sign::not_negative)};
        request.marks.push_back({.asset = asset, .price = price});
        if (auto fault = mark.fault()) return std::move(*fault);
    }
    return ask(params, {}, [&] { return std::move(request); });
}

}  // namespace crossclear::api
