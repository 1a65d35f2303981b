#include "shards/evm/venue_maker.hpp"

#include "shards/evm/abi.hpp"
#include "shards/evm/test_token.hpp"
#include "shards/evm/vault.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using base::Failure;
using Wide = boost::multiprecision::cpp_int;

constexpr int price_digits = 36;
// What a transaction gets to come into a block; then it counts as lost.
constexpr auto block_patience = base::seconds(30);

Wide wide_power_of_ten(int n) { return boost::multiprecision::pow(Wide{10}, unsigned(n)); }

const Wide& one_price() {
    static const Wide one = wide_power_of_ten(price_digits);
    return one;
}

bool is_close(const PoolState& pool, const Uint256& price) {
    const Wide now = Wide{pool.quote} * one_price();
    const Wide then = Wide{pool.base} * Wide{price};
    const Wide gap = now > then ? now - then : then - now;
    return gap * 4 * base::ppm_one <= then * Wide{pool.fee_ppm};
}

}  // namespace

// With X of base and Y of quote, a fee f and g = 1 - f, buying down to x of base makes the quote
// Y + Y (X - x) / (x g), and selling up to x makes it X Y / (X f + x g). Set to p x, each is a
// quadratic in x of the same form, p g x^2 + b x - X Y = 0, in which b is Y f or p X f.
std::optional<PoolTrade> pool_trade_to(const PoolState& pool, const Uint256& price) {
    if (is_close(pool, price)) return std::nullopt;
    const Wide all = base::ppm_one;
    const Wide fee{pool.fee_ppm};
    const Wide net = all - fee;
    const Wide p{price};
    const Wide x{pool.base};
    const Wide y{pool.quote};
    const bool is_buy = y * one_price() < p * x;
    const Wide square = p * net;
    const Wide linear = is_buy ? one_price() * y * fee : p * x * fee;
    const Wide constant = one_price() * all * x * y;
    const Wide root = boost::multiprecision::sqrt(Wide{linear * linear + 4 * square * constant});
    const Wide goal = (root - linear) / (2 * square);
    const Wide quantity = is_buy ? x - goal : goal - x;
    if (quantity <= 0 || goal <= 0) return std::nullopt;
    // As the pool rounds it, against whoever buys.
    const Wide divisor = goal * net;
    const Wide given = is_buy ? Wide{(y * quantity * all + divisor - 1) / divisor} : quantity;
    return PoolTrade{.is_buy = is_buy, .quantity = Uint256{quantity}, .given = Uint256{given}};
}

VenueMaker::VenueMaker(const ChainSite& site, const base::Listing& listing, DevLog log)
    : site_(site), listing_(listing), log_(std::move(log)) {}

void VenueMaker::want(base::AssetId asset, base::Price price) {
    const auto instrument = listing_.instrument_of(asset);
    if (!instrument) return;
    const auto& quote = listing_.asset(listing_.instrument(*instrument).settlement).symbol;
    const auto* token = site_.token_of(listing_.asset(asset).symbol);
    const auto* found = token == nullptr ? nullptr : site_.venue(token->asset, quote);
    if (found == nullptr) return;
    auto& venue = venues_[found->name];
    venue.site = found;
    venue.wanted[token->symbol] = price;
}

void VenueMaker::work(DevNode& node) {
    for (auto& [name, venue] : venues_) work_at(node, venue);
}

void VenueMaker::work_at(DevNode& node, Venue& venue) {
    if (venue.under_way) {
        const auto fate = node.fate_of(*venue.under_way);
        const bool is_late = base::wall_clock_now() - venue.sent_at >= block_patience;
        if (fate == Fate::waiting && !is_late) return;
        venue.under_way.reset();
        if (fate != Fate::succeeded) {
            log_("A price was not taken.", fmt::format("{}: {}", site_.shard, venue.site->name));
        }
    }
    if (venue.wanted.empty()) return;
    // In turns: the price of the one would come again before the other's turn.
    auto chosen = venue.wanted.upper_bound(venue.served);
    if (chosen == venue.wanted.end()) chosen = venue.wanted.begin();
    const auto& [symbol, price] = *chosen;
    const auto step = next(node, *venue.site, *site_.token(symbol), price);
    if (!step || !*step) {
        if (!step) log_("A price cannot be set.", step.error().message);
        venue.served = symbol;
        venue.wanted.erase(chosen);
        return;
    }
    const auto sent = node.send((*step)->call);
    if (!sent) {
        log_("A price cannot be set.", sent.error().message);
        return;
    }
    venue.under_way = *sent;
    venue.sent_at = base::wall_clock_now();
    if (!(*step)->is_last) return;
    venue.served = symbol;
    venue.wanted.erase(chosen);
}

VenueMaker::NextStep VenueMaker::next(DevNode& node, const SiteVenue& venue, const SiteToken& token,
                                      base::Price price) const {
    switch (venue.kind) {
        case VenueKind::synthetic_exchange:
            return say(venue, token, price);
        case VenueKind::binary_market:
            return quote(venue, token, price);
        case VenueKind::constant_product_pool:
            return trade(node, venue, token, price);
        case VenueKind::lending_pool:
            // Interest makes its price.
            return std::optional<Step>{};
    }
    UNREACHABLE("an unlisted venue");
}

VenueMaker::NextStep VenueMaker::say(const SiteVenue& venue, const SiteToken& token,
                                     base::Price price) const {
    const auto limit = limit_of(price, token.decimals, site_.token(venue.quote)->decimals);
    if (!limit) return std::optional<Step>{};
    return std::optional<Step>{
        {.call = {.from = site_.roles.feeder,
                  .to = venue.contract,
                  .data = AbiWriter{}
                              .add(token.contract)
                              .add(*limit)
                              .call(selector_of("setPrice(address,uint256)"))}}};
}

VenueMaker::NextStep VenueMaker::quote(const SiteVenue& venue, const SiteToken& token,
                                       base::Price price) const {
    const Uint256 one{one_price()};
    if (price.v < 0) return std::optional<Step>{};
    const Uint256 said = static_cast<std::uint64_t>(price.v) *
                         Uint256{wide_power_of_ten(price_digits - base::price_scale)};
    // A share pays one at most.
    const Uint256 worth = std::min(said, one);
    const Uint256 middle = token.symbol == venue.bases.front() ? worth : Uint256{one - worth};
    const Uint256 rest = one - middle;
    const Uint256 half = std::min(venue.half_spread, std::min(middle, rest));
    return std::optional<Step>{
        {.call = {.from = site_.roles.maker,
                  .to = venue.contract,
                  .data = AbiWriter{}
                              .add(middle)
                              .add(half)
                              .add(venue.capacity)
                              .call(selector_of("quote(uint256,uint256,uint256)"))}}};
}

VenueMaker::NextStep VenueMaker::trade(DevNode& node, const SiteVenue& venue,
                                       const SiteToken& token, base::Price price) const {
    const auto& quoted = *site_.token(venue.quote);
    const auto limit = limit_of(price, token.decimals, quoted.decimals);
    if (!limit) return std::optional<Step>{};
    const auto figure = [&](const char* name) {
        return node.number(venue.contract, AbiWriter{}.call(selector_of(name)));
    };
    const auto base_reserve = figure("baseReserve()");
    const auto quote_reserve = figure("quoteReserve()");
    const auto fee = figure("feePpm()");
    for (const auto* read : {&base_reserve, &quote_reserve, &fee}) {
        if (!*read) return Failure{read->error()};
    }
    const PoolState pool{.base = *base_reserve, .quote = *quote_reserve, .fee_ppm = *fee};
    const bool is_empty = pool.base == 0 || pool.quote == 0 || pool.fee_ppm >= base::ppm_one;
    const auto wanted = is_empty ? std::nullopt : pool_trade_to(pool, *limit);
    if (!wanted) return std::optional<Step>{};

    const auto& maker = site_.roles.maker;
    const auto& given = wanted->is_buy ? quoted : token;
    const auto has = node.number(given.contract, balance_of(maker));
    if (!has) return Failure{has.error()};
    if (*has < wanted->given) {
        // Twice what it takes: somebody may trade in between.
        return std::optional<Step>{
            {.call = minting(site_.roles.admin, given.contract, maker, wanted->given * 2),
             .is_last = false}};
    }
    const auto may = node.number(given.contract, allowance_of(maker, venue.contract));
    if (!may) return Failure{may.error()};
    if (*may < wanted->given) {
        return std::optional<Step>{
            {.call = approval(maker, given.contract, venue.contract), .is_last = false}};
    }
    return std::optional<Step>{{.call = trade_at_any_price(maker, venue.contract, token.contract,
                                                           wanted->is_buy, wanted->quantity)}};
}

}  // namespace crossclear::shards::evm
