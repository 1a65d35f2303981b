// How contracts end: the average of their coin, what operators say, and the last price.
#include "actors/chrono.hpp"
#include "actors/netting_actor.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;

// Of the time before a contract's end; with fewer prices its average says nothing.
constexpr std::int64_t covered_share = 2;
// What an operator says can be disputed in any case, and after a start there is time to do so.
constexpr base::Duration operators_dispute_for = base::seconds(60);
constexpr base::Duration after_a_start = base::seconds(5);
constexpr base::Duration held_up_after = base::seconds(10);
// A share of an outcome pays one settlement token at most.
constexpr base::Price one_token{1'000'000'000};

const char* name_of(netting::PricePhase phase) {
    switch (phase) {
        case netting::PricePhase::proposed:
            return "proposed";
        case netting::PricePhase::disputed:
            return "disputed";
        case netting::PricePhase::fixed:
            return "fixed";
    }
    UNREACHABLE("an unlisted phase of a last price");
}

Refusal refusal_of(netting::Reject reject) {
    const auto refusal = [reject](std::int32_t code, const char* hint) {
        return Refusal{code, netting::name_of(reject), hint, false};
    };
    switch (reject) {
        case netting::Reject::id_reused_with_other_body:
            return refusal(11010, "repeat an id only with the same body");
        case netting::Reject::reason_is_missing:
            return refusal(-32602, "say why");
        case netting::Reject::price_out_of_range:
            return refusal(
                -32602,
                "expected no price below zero, of an outcome none above 1, of a put none "
                "above its strike");
        case netting::Reject::contract_not_expired:
            return refusal(11021, "it is traded still; see operator/get_expiries");
        case netting::Reject::price_is_fixed:
            return refusal(11021, "positions were ended at it: it stays");
        case netting::Reject::price_not_proposed:
            return refusal(11021, "nothing is proposed; see operator/get_expiries");
        case netting::Reject::too_many_proposals:
            return refusal(11021, "too many commands about this contract");
        case netting::Reject::amount_must_be_positive:
        case netting::Reject::deposit_contradicts_record:
        case netting::Reject::deposit_of_other_broker:
        case netting::Reject::variation_out_of_order:
        case netting::Reject::figures_out_of_range:
        case netting::Reject::variation_ahead_of_margin:
        case netting::Reject::gate_is_closed:
        case netting::Reject::departure_not_covered:
        case netting::Reject::figures_incredible:
            return refusal(-32603, "a defect: see the log");
    }
    UNREACHABLE("an unlisted reject");
}

// What a contract can pay at most.
base::Price price_max_of(const base::InstrumentInfo& listed) {
    if (listed.kind == base::InstrumentKind::prediction) return one_token;
    const bool is_put = listed.option && listed.option->type == base::OptionType::put;
    return is_put ? listed.option->strike : risk::price_max;
}

netting::ProposePrice proposal_of(const base::InstrumentInfo& listed, base::CommandId id,
                                  base::Price price, base::Timestamp now) {
    // Of one that does not end nothing can be proposed.
    const auto expiry = listed.expiry.value_or(base::Expiry{.at = {INT64_MAX}});
    const bool is_of_operator = id != base::CommandId{} && expiry.dispute_for.us == 0;
    return {.id = id,
            .contract = listed.base,
            .price = price,
            .price_max = price_max_of(listed),
            .expires_at = expiry.at,
            .dispute_for = is_of_operator ? operators_dispute_for : expiry.dispute_for,
            .at = now};
}

}  // namespace

void NettingHost::look_at_expiries() {
    const auto now = parts_.context->now();
    const auto& listing = parts_.context->listing;
    std::int64_t waiting = 0;
    // Also of what the broker does not offer any more: somebody may hold it.
    for (std::size_t i = 0; i < listing.instruments.size(); ++i) {
        const base::InstrumentId instrument{static_cast<std::uint16_t>(i)};
        const auto& listed = listing.instrument(instrument);
        if (!listed.expiry) continue;
        const auto known = crank_.state().expiries.find(listed.base);
        const bool is_known = known != crank_.state().expiries.end();
        const bool is_fixed = is_known && known->second.phase == netting::PricePhase::fixed;
        if (listed.has_expired(now) && !is_fixed) ++waiting;
        if (is_known || listed.expiry->average_over.us == 0) continue;
        note_average(instrument, *listed.expiry);
        if (listed.has_expired(now)) propose_average(instrument, *listed.expiry);
    }
    parts_.context->instruments->clearing.contracts_without_last_price.with({profile().name})
        .set(static_cast<double>(waiting));
    // Nobody could dispute anything while this home was nowhere.
    if (!has_passed(after_a_start, started_at_, now)) return;
    decide_and_commit(netting::FixPrices{.at = now, .events = events()});
    complain_of_prices();
}

std::vector<netting::FixPrices::Together> NettingHost::events() const {
    const auto& parameters = *parts_.context->broker(parts_.broker()).parameters;
    struct Listed {
        std::map<std::uint16_t, std::vector<base::AssetId>> contracts;  // By outcome.
        std::uint16_t outcomes{};
    };
    std::map<std::string, Listed> events;
    for (const auto& listed : parts_.context->listing.instruments) {
        if (listed.kind != base::InstrumentKind::prediction) continue;
        const auto& x = parameters.universe().instrument(parameters.instrument(listed.base));
        events[x.event].contracts[x.outcome].push_back(listed.base);
        events[x.event].outcomes = x.outcomes;
    }
    std::vector<netting::FixPrices::Together> all;
    for (auto& [name, event] : events) {
        all.push_back(
            {.outcomes = {}, .is_all = event.contracts.size() == event.outcomes, .sum = one_token});
        for (auto& [outcome, contracts] : event.contracts) {
            all.back().outcomes.push_back(std::move(contracts));
        }
    }
    return all;
}

// Once for each contract that is due and stays.
void NettingHost::complain_of_prices() {
    const auto now = parts_.context->now();
    for (const auto& [contract, expiry] : crank_.state().expiries) {
        const bool is_held_up = expiry.phase == netting::PricePhase::proposed &&
                                expiry.fixed_from + held_up_after < now;
        if (!is_held_up || !held_up_.insert({contract, expiry.at}).second) continue;
        parts_.context->log(LogLevel::warning,
                            "A last price waits for those of its event, or does not add up with "
                            "them.",
                            {{"broker", profile().name},
                             {"asset", parts_.context->listing.asset(contract).symbol}});
    }
}

void NettingHost::note_average(base::InstrumentId instrument, const base::Expiry& expiry) {
    const TimeAverage fresh({.from = expiry.at - expiry.average_over, .until = expiry.at});
    auto& average = averages_.try_emplace(instrument, fresh).first->second;
    const auto now = parts_.context->now();
    const auto surface = parts_.context->broker(parts_.broker()).surface.load();
    average.note(surface == nullptr ? std::nullopt : surface->coin_price(instrument, now), now);
}

void NettingHost::propose_average(base::InstrumentId instrument, const base::Expiry& expiry) {
    const auto& average = averages_.at(instrument);
    const auto& listed = parts_.context->listing.instrument(instrument);
    const auto price = average.value();
    if (!price || average.covered().us * covered_share < expiry.average_over.us) {
        if (!missed_.insert(instrument).second) return;
        return parts_.context->log(
            LogLevel::error,
            "A contract has expired without an average; an operator has to propose its last price.",
            {{"broker", profile().name}, {"instrument", listed.symbol}});
    }
    const auto last = listed.option ? base::intrinsic_value(*listed.option, *price) : *price;
    decide_and_commit(proposal_of(listed, {}, last, parts_.context->now()));
}

void NettingHost::tell_prices(const std::map<base::AssetId, base::Price>& prices) {
    for (std::uint16_t i = 0; i < parts_.context->partitions; ++i) {
        send(parts_.doors(base::PartitionId{i}),
             PriceTold{.broker = parts_.broker(), .prices = prices});
    }
}

ExpiryLine NettingHost::expiry_line(base::InstrumentId instrument) const {
    const auto& listed = parts_.context->listing.instrument(instrument);
    ExpiryLine line{.broker = parts_.broker(), .instrument = instrument, .state = {}};
    if (!listed.expiry) return line;
    line.expires_at = listed.expiry->at;
    line.state = listed.has_expired(parts_.context->now()) ? "waiting" : "trading";
    const auto known = crank_.state().expiries.find(listed.base);
    if (known == crank_.state().expiries.end()) return line;
    line.state = name_of(known->second.phase);
    const netting::FixPrices now{.at = parts_.context->now(), .events = events()};
    if (netting::mismatched(crank_.state(), now).contains(listed.base)) line.state = "mismatched";
    line.price = known->second.price;
    line.fixed_from = known->second.fixed_from;
    line.since = known->second.at;
    return line;
}

void NettingHost::answer(const OperatorAsk& ask, const GetExpiries&) {
    ExpiriesView view;
    const auto& instruments = parts_.context->listing.instruments;
    for (std::size_t i = 0; i < instruments.size(); ++i) {
        if (!instruments[i].expiry) continue;
        view.expiries.push_back(expiry_line(base::InstrumentId{static_cast<std::uint16_t>(i)}));
    }
    // What it says must be known for good.
    operators_.answer_when_durable(this, crank_, ask, std::move(view));
}

void NettingHost::answer(const OperatorAsk& ask, const ProposePrice& request) {
    const auto& listed = parts_.context->listing.instrument(request.instrument);
    answer_decided(ask, request.instrument,
                   netting::decide(crank_.state(), proposal_of(listed, request.id, request.price,
                                                               parts_.context->now())));
}

void NettingHost::answer(const OperatorAsk& ask, const DisputePrice& request) {
    const auto& listed = parts_.context->listing.instrument(request.instrument);
    answer_decided(
        ask, request.instrument,
        netting::decide(crank_.state(), netting::DisputePrice{.id = request.id,
                                                              .contract = listed.base,
                                                              .reason = request.reason,
                                                              .at = parts_.context->now()}));
}

// A refusal is told of this broker alone: others may have taken the same command.
void NettingHost::answer_decided(const OperatorAsk& ask, base::InstrumentId about,
                                 const netting::Decision& decision) {
    if (decision) commit(*decision);
    auto line = expiry_line(about);
    if (!decision) {
        auto refusal = refusal_of(decision.error());
        line.refused_code = refusal.code;
        line.refused = std::move(refusal.reason);
        line.hint = std::move(refusal.hint);
    }
    operators_.answer_when_durable(this, crank_, ask, ExpiriesView{{std::move(line)}});
}

}  // namespace crossclear::actors
