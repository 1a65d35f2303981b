#include "tests/support/app/vector_answers.hpp"

#include "risk/kernel/black76.hpp"
#include "risk/kernel/credit.hpp"
#include "risk/kernel/normal.hpp"
#include "risk/kernel/pools.hpp"
#include "risk/kernel/shortfall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

// Formulas: options, pools, failures and tails.

namespace crossclear::vectors {
namespace {

using namespace risk::kernel;  // NOLINT(google-build-using-namespace): what is asked here
using Object = boost::json::object;

void must_say(const Object& inputs, std::string_view key, std::string_view text) {
    if (inputs.at(key) != boost::json::value(text)) {
        throw std::runtime_error(fmt::format("'{}' says something else than '{}'", key, text));
    }
}

OptionType type_in(const Object& inputs) {
    const auto& type = inputs.at("cp");
    if (type == boost::json::value("C")) return OptionType::call;
    if (type == boost::json::value("P")) return OptionType::put;
    throw std::runtime_error("cp is C or P");
}

Black76 terms_in(const Object& inputs) {
    return {.type = type_in(inputs),
            .forward = number_at(inputs, "forward"),
            .strike = number_at(inputs, "strike"),
            .years = number_at(inputs, "t_years"),
            .volatility = number_at(inputs, "vol"),
            .discount = std::exp(-number_at(inputs, "r") * number_at(inputs, "t_years"))};
}

Answer plain_option(const Object& inputs) { return value_of(terms_in(inputs)); }

// Forward and discount are given; they also have to be those of spot, yield and rate.
Answer option_on_spot(const Object& inputs) {
    auto terms = terms_in(inputs);
    const double years = number_at(inputs, "t_years");
    const double forward = number_at(inputs, "spot") *
                           std::exp((number_at(inputs, "r") - number_at(inputs, "q")) * years);
    if (std::abs(forward - terms.forward) > 1e-9 * forward ||
        std::abs(terms.discount - number_at(inputs, "discount")) > 1e-12) {
        throw std::runtime_error("forward and discount are not those of spot and rates");
    }
    return value_of(terms);
}

Answer both_options(const Object& inputs) {
    must_say(inputs, "year", "365d");
    constexpr double year_s = 365.0 * 86'400;
    Black76 terms{.type = OptionType::call,
                  .forward = number_at(inputs, "forward"),
                  .strike = number_at(inputs, "strike"),
                  .years = number_at(inputs, "sec_to_expiry") / year_s,
                  .volatility = number_at(inputs, "vol"),
                  .discount = number_at(inputs, "discount")};
    const double call = value_of(terms);
    terms.type = OptionType::put;
    return Figures{{"call", call}, {"put", value_of(terms)}};
}

Answer normalised_option(const Object& inputs) {
    must_say(inputs, "scale", "divide by sqrt(F*K)");
    const auto terms = terms_in(inputs);
    return value_of(terms) / std::sqrt(terms.forward * terms.strike);
}

Answer option_delta(const Object& inputs) {
    must_say(inputs, "quantity", "discounted delta dV/dF");
    return delta_of(terms_in(inputs));
}

Answer loss_to_holding(const Object& inputs) {
    must_say(inputs, "quantity", "impermanent loss vs HODL");
    return impermanent_loss(number_at(inputs, "price_ratio"));
}

// 2·sqrt(k·p) of a pool whose first token is priced in its second.
double pool_value(const Object& inputs, double price) {
    const auto reserves = numbers_of(inputs.at("reserves"));
    if (reserves.size() != 2) throw std::runtime_error("a pool has two reserves");
    return constant_product_value(std::sqrt(reserves[0] * reserves[1]), {price, 1});
}

Answer share_at_price(const Object& inputs) {
    return pool_value(inputs, number_at(inputs, "new_price")) * number_at(inputs, "share");
}

Answer shares_after_arbitrage(const Object& inputs) {
    return pool_value(inputs, number_at(inputs, "arbitraged_to_price")) *
           number_at(inputs, "shares") / number_at(inputs, "total_shares");
}

Answer pool_after_arbitrage(const Object& inputs) {
    return pool_value(inputs, number_at(inputs, "arbitraged_to_price"));
}

Answer swap_through_pool(const Object& inputs) {
    return amount_out({.amount_in = number_at(inputs, "amount_in"),
                       .reserve_in = number_at(inputs, "reserve_in"),
                       .reserve_out = number_at(inputs, "reserve_out"),
                       .fee = number_at(inputs, "fee")});
}

PriceRange range_in(const Object& inputs, double liquidity) {
    return {.liquidity = liquidity,
            .low = number_at(inputs, "p_low"),
            .high = number_at(inputs, "p_high")};
}

// The contracts count in whole units and round down; ours are doubles.
double whole_units(double amount) {
    constexpr double slack = 1e-9;
    return std::floor(amount + slack);
}

Answer liquidity_of_amounts(const Object& inputs) {
    return whole_units(liquidity_for(range_in(inputs, 0), number_at(inputs, "price"),
                                     {number_at(inputs, "amount0"), number_at(inputs, "amount1")}));
}

Answer amounts_of_liquidity(const Object& inputs) {
    const auto held =
        amounts_of(range_in(inputs, number_at(inputs, "liquidity")), number_at(inputs, "price"));
    return Figures{{"amount0", whole_units(held.a)}, {"amount1", whole_units(held.b)}};
}

// What a move of the price takes of the one token and brings of the other.
Answer amounts_of_move(const Object& inputs) {
    const double from = number_at(inputs, "price_from");
    const double to = number_at(inputs, "price_to");
    const PriceRange range{.liquidity = number_at(inputs, "liquidity"),
                           .low = std::min(from, to),
                           .high = std::max(from, to)};
    return Figures{{"amount0", amounts_of(range, range.low).a},
                   {"amount1", amounts_of(range, range.high).b}};
}

Answer risk_weight(const Object& inputs) {
    must_say(inputs, "formula", "RW% = 1250*LGD*(PhiWC-PD)");
    const double chance = number_at(inputs, "pd");
    const double worst =
        worst_case_default({chance, number_at(inputs, "rho")}, number_at(inputs, "q"));
    return 1'250 * number_at(inputs, "lgd") * (worst - chance);
}

Answer joint_chance(const Object& inputs) {
    return bivariate_normal_cdf(
        {number_at(inputs, "x"), number_at(inputs, "y"), number_at(inputs, "rho")});
}

Answer shortfall_of_normal(const Object& inputs) {
    return expected_shortfall(Normal{number_at(inputs, "mean"), number_at(inputs, "sd")},
                              number_at(inputs, "alpha"));
}

Answer shortfall_of_losses(const Object& inputs) {
    auto losses = numbers_of(inputs.at("losses"));
    return expected_shortfall(losses, number_at(inputs, "alpha"));
}

Answer bound_of_losses(const Object& inputs) {
    const auto losses = numbers_of(inputs.at("losses"));
    return shortfall_bound(losses, number_at(inputs, "alpha"), number_at(inputs, "t"));
}

}  // namespace

double number_of(const boost::json::value& value) {
    if (!value.is_number()) throw std::runtime_error("a number is none");
    const auto number = value.to_number<double>();
    if (!std::isfinite(number)) throw std::runtime_error("a number is not finite");
    return number;
}

double number_at(const boost::json::object& inputs, std::string_view key) {
    return number_of(inputs.at(key));
}

std::vector<double> numbers_of(const boost::json::value& value) {
    if (!value.is_array()) throw std::runtime_error("a list is none");
    std::vector<double> list;
    for (const auto& entry : value.get_array()) list.push_back(number_of(entry));
    if (list.empty()) throw std::runtime_error("a list is empty");
    return list;
}

std::vector<Shape> formula_shapes() {
    constexpr std::string_view option = "black76/bsm";
    constexpr std::string_view pool = "lp constant product";
    constexpr std::string_view range = "lp v3 range";
    constexpr std::string_view tail = "expected shortfall";
    return {
        {option, {"cp", "forward", "strike", "t_years", "r", "vol"}, plain_option},
        {option,
         {"cp", "strike", "spot", "q", "r", "t_years", "vol", "forward", "discount"},
         option_on_spot},
        {option, {"sec_to_expiry", "year", "vol", "forward", "strike", "discount"}, both_options},
        {option, {"cp", "forward", "strike", "t_years", "r", "vol", "scale"}, normalised_option},
        {option, {"cp", "forward", "strike", "t_years", "r", "vol", "quantity"}, option_delta},
        {pool, {"price_ratio", "quantity"}, loss_to_holding},
        {pool, {"reserves", "share", "new_price"}, share_at_price},
        {pool, {"amount_in", "reserve_in", "reserve_out", "fee"}, swap_through_pool},
        {pool,
         {"reserves", "total_shares", "shares", "arbitraged_to_price", "amount0", "amount1"},
         shares_after_arbitrage},
        {pool, {"reserves", "arbitraged_to_price", "reserveA", "reserveB"}, pool_after_arbitrage},
        {range, {"price", "p_low", "p_high", "amount0", "amount1"}, liquidity_of_amounts},
        {range, {"price", "p_low", "p_high", "liquidity"}, amounts_of_liquidity},
        {range, {"liquidity", "price_from", "price_to"}, amounts_of_move},
        {"correlated default (Vasicek)", {"pd", "rho", "lgd", "q", "formula"}, risk_weight},
        {"joint default probability", {"x", "y", "rho"}, joint_chance},
        {tail, {"alpha", "mean", "sd"}, shortfall_of_normal},
        {tail, {"losses", "alpha"}, shortfall_of_losses},
        {tail, {"losses", "alpha", "t"}, bound_of_losses},
    };
}

Answer answer_to(const Case& one) {
    std::set<std::string_view> keys;
    for (const auto& [key, value] : one.inputs) keys.insert(std::string_view(key));
    bool is_known = false;
    auto shapes = formula_shapes();
    for (const auto& shape : portfolio_shapes()) shapes.push_back(shape);
    for (const auto& shape : shapes) {
        if (shape.family != one.family) continue;
        is_known = true;
        if (std::set<std::string_view>(shape.keys.begin(), shape.keys.end()) == keys) {
            return shape.answer(one.inputs);
        }
    }
    throw std::runtime_error(
        is_known ? fmt::format("the inputs {} are unknown to the family", fmt::join(keys, ", "))
                 : fmt::format("the family '{}' is unknown", one.family));
}

}  // namespace crossclear::vectors
