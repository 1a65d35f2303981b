#include "risk/surface.hpp"

#include "risk/kernel/limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace crossclear::risk {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t ppb_one = 1'000'000'000;
constexpr std::int64_t price_one = 1'000'000'000;
constexpr double age_max_s = 1e9;  // What the kernel takes.
constexpr double price_noise = 1e-13;
constexpr double a_day_us = 86'400e6;

std::optional<SurfaceError> fault_of_mark(const Mark& mark, base::AssetKind kind) {
    if (!mark.is_known) return std::nullopt;
    if (mark.price.v < 0) return SurfaceError::price_negative;
    if (mark.price > price_max) return SurfaceError::price_absurd;
    if (kind == base::AssetKind::outcome && mark.price.v > price_one) {
        return SurfaceError::price_absurd;
    }
    if (kind == base::AssetKind::cash && mark.price.v != price_one) {
        return SurfaceError::cash_not_at_one;
    }
    return std::nullopt;
}

base::AssetId asset_at(std::size_t i) { return base::AssetId{static_cast<std::uint16_t>(i)}; }

double dollars(base::Price price) {
    return static_cast<double>(price.v) / static_cast<double>(price_one);
}

double age_s(const Mark& mark, base::Timestamp now) {
    std::int64_t age_us = 0;
    if (__builtin_sub_overflow(now.us, mark.at.us, &age_us)) return age_max_s;
    return std::clamp(static_cast<double>(age_us) * 1e-6, 0.0, age_max_s);
}

// What is open of one asset, at its mark. **Units:** USD, at most what the kernel takes.
// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): a scale and a price, named at the call
double open_usd(base::Amount quantity, int scale, double price) {
    const double units =
        static_cast<double>(quantity.v) / static_cast<double>(base::power_of_ten(scale));
    return std::min(units * price, kernel::limits::usd_max);
}

Mark index_of(const Market& market, std::size_t asset) {
    return market.indices.empty() ? Mark{} : market.indices[asset];
}

void follow_index(kernel::Instrument& x, double index) {
    if (x.kind == kernel::Kind::deposit) {
        x.index = index;
    } else if (x.kind == kernel::Kind::option) {
        x.volatility = std::min(index, kernel::limits::volatility_max);
    } else {
        x.liquidity *= index;
    }
}

// An option as it stands at the marks: its forward is the price of what it is hedged with, and its
// strike, which is one in its settlement token, is worth what that is.
void set_option(kernel::Instrument& x, const kernel::Universe& universe,
                const base::Listing& listing, base::AssetId asset, const Market& market) {
    const auto& listed = listing.instrument(*listing.instrument_of(asset));
    const double days = static_cast<double>((listed.expiry->at - market.now).us) / a_day_us;
    x.days = std::clamp(days, 0.0, kernel::limits::days_max);
    x.forward = universe.wrappers.at(x.wrapper.v).price;
    const auto& settlement = market.marks[listed.settlement.v];
    const double token = settlement.is_known ? dollars(settlement.price) : 1;
    x.strike = std::min(dollars(listed.option->strike) * token, kernel::limits::price_max);
    if (market.averages.empty()) return;
    const auto& average = market.averages[asset.v];
    x.averaged = average.share;
    x.average = std::min(dollars(average.price) * token, kernel::limits::price_max);
}

// The universe with the prices and ages of the marks, and with what is open at them.
kernel::Universe universe_at(const base::Listing& listing, const Parameters& parameters,
                             const Market& market) {
    auto universe = parameters.universe();
    for (std::size_t i = 0; i < market.marks.size(); ++i) {
        const auto& mark = market.marks[i];
        auto& x = universe.instruments.at(parameters.instrument(asset_at(i)).v);
        if (mark.is_known && x.kind == kernel::Kind::binary) x.mark = dollars(mark.price);
        if (const auto index = index_of(market, i); x.is_index_published && index.is_known) {
            follow_index(x, dollars(index.price));
        }
        if (!mark.is_known || !has_own_price(x.kind)) continue;
        auto& wrapper = universe.wrappers.at(x.wrapper.v);
        wrapper.price = dollars(mark.price);
        // Nobody marks what has ended: its mark is as old as it was then.
        const auto end = listing.end_of(asset_at(i));
        wrapper.oracle_age_s = age_s(mark, end ? std::min(market.now, *end) : market.now);
        if (market.open_interest.empty()) continue;
        wrapper.open_interest_usd =
            open_usd(market.open_interest[i], listing.assets[i].scale, wrapper.price);
    }
    for (std::size_t i = 0; i < universe.underlyings.size(); ++i) {
        const auto coin = parameters.coin(kernel::UnderlyingId{static_cast<std::uint16_t>(i)});
        if (!coin || !market.marks[coin->v].is_known) continue;
        universe.underlyings[i].spot = dollars(market.marks[coin->v].price);
    }
    for (std::size_t i = 0; i < market.marks.size(); ++i) {
        if (listing.assets[i].kind != base::AssetKind::option) continue;
        auto& x = universe.instruments.at(parameters.instrument(asset_at(i)).v);
        set_option(x, universe, listing, asset_at(i), market);
        if (market.open_interest.empty()) continue;
        // It fills the cap of what it is hedged with.
        auto& wrapper = universe.wrappers.at(x.wrapper.v);
        wrapper.open_interest_usd =
            std::min(kernel::limits::usd_max,
                     wrapper.open_interest_usd +
                         open_usd(market.open_interest[i], listing.assets[i].scale, wrapper.price));
    }
    return universe;
}

// The price of a share, a deposit or an option is the kernel's value of one unit, rounded down, and
// as old as the oldest of those it is made of, its index among them. One that is beyond all prices
// stays unknown: it is the only thing that is wrong.
void derive_marks(Market& market, const base::Listing& listing, const Parameters& parameters,
                  const kernel::Surface& valued) {
    auto& marks = market.marks;
    std::map<kernel::WrapperId, const Mark*> by_wrapper;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const auto& x = valued.universe().instrument(parameters.instrument(asset_at(i)));
        if (has_own_price(x.kind)) by_wrapper.emplace(x.wrapper, &marks[i]);
    }
    for (std::size_t i = 0; i < marks.size(); ++i) {
        if (!base::is_derived(listing.assets[i].kind)) continue;
        const auto place = parameters.instrument(asset_at(i));
        const auto& x = valued.universe().instrument(place);
        Mark mark{.price = {}, .at = {std::numeric_limits<std::int64_t>::max()}, .is_known = true};
        for (const auto leg : legs_of(x)) {
            const auto& of = *by_wrapper.at(leg);
            mark.at = std::min(mark.at, of.at);
            mark.is_known = mark.is_known && of.is_known;
        }
        const auto end = listing.end_of(asset_at(i));
        // On the last day volatility does nothing any more.
        const bool is_over = end && *end <= market.now;
        if (parameters.is_index_published(asset_at(i)) && !is_over) {
            const auto index = index_of(market, i);
            mark.at = std::min(mark.at, index.at);
            mark.is_known = mark.is_known && index.is_known;
        }
        // And of a coin that its last price is averaged from.
        const auto traded = listing.instrument_of(asset_at(i));
        if (traded && listing.instrument(*traded).is_averaged(market.now) && !is_over) {
            if (const auto coin = parameters.coin(x.underlying)) {
                mark.at = std::min(mark.at, marks[coin->v].at);
                mark.is_known = mark.is_known && marks[coin->v].is_known;
            }
        }
        // What ended then grows no older.
        if (is_over) mark.at = std::min(mark.at, *end);
        const double price = valued.row(place).value * static_cast<double>(price_one);
        mark.is_known = mark.is_known && price <= static_cast<double>(price_max.v);
        if (mark.is_known) {
            // Noise of a root or a product must not take the last digit.
            mark.price =
                base::Price{static_cast<std::int64_t>(std::floor(price * (1 + price_noise)))};
        }
        marks[i] = mark.is_known ? mark : Mark{};
    }
}

std::vector<Mark> notional_marks_of(const std::vector<Mark>& marks, const base::Listing& listing,
                                    const Parameters& parameters) {
    auto all = marks;
    const auto& universe = parameters.universe();
    const auto wrapper_of = [&](std::size_t asset) {
        return universe.instrument(parameters.instrument(asset_at(asset))).wrapper;
    };
    for (std::size_t i = 0; i < marks.size(); ++i) {
        if (listing.assets[i].kind != base::AssetKind::option) continue;
        for (std::size_t other = 0; other < marks.size(); ++other) {
            const auto kind = universe.instrument(parameters.instrument(asset_at(other))).kind;
            if (has_own_price(kind) && wrapper_of(other) == wrapper_of(i)) all[i] = marks[other];
        }
    }
    return all;
}

std::optional<base::Price> as_price(Wide value) {
    if (value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return base::Price{static_cast<std::int64_t>(value)};
}

// One price in another, to nearest.
std::optional<base::Price> quotient_of(const Mark& of, const Mark& in) {
    if (!of.is_known || !in.is_known || in.price.v == 0) return std::nullopt;
    return as_price((Wide{of.price.v} * price_one + Wide{in.price.v} / 2) / in.price.v);
}

}  // namespace

base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
    std::uint64_t number, std::shared_ptr<const base::Listing> listing,
    std::shared_ptr<const Parameters> parameters, Market market) {
    CHECK(listing != nullptr && parameters != nullptr, "a surface rests on both");
    if (parameters->assets() != listing->assets.size()) {
        return base::Failure{SurfaceError::parameters_of_another_listing};
    }
    auto& marks = market.marks;
    if (marks.size() != listing->assets.size()) {
        return base::Failure{SurfaceError::marks_not_of_listing};
    }
    const auto& open = market.open_interest;
    const bool is_open_known =
        (open.empty() || open.size() == listing->assets.size()) &&
        std::all_of(open.begin(), open.end(), [](base::Amount x) { return x.v >= 0; });
    if (!is_open_known) return base::Failure{SurfaceError::open_interest_not_of_listing};
    const auto& indices = market.indices;
    const bool are_indices_known = (indices.empty() || indices.size() == listing->assets.size()) &&
                                   std::all_of(indices.begin(), indices.end(), [](const Mark& x) {
                                       return !x.is_known || x.price.v > 0;
                                   });
    if (!are_indices_known) return base::Failure{SurfaceError::indices_not_of_listing};
    const auto& averages = market.averages;
    const bool are_averages = (averages.empty() || averages.size() == listing->assets.size()) &&
                              std::all_of(averages.begin(), averages.end(), [](const Average& x) {
                                  return x.price.v >= 0 && x.share >= 0 && x.share <= 1;
                              });
    if (!are_averages) return base::Failure{SurfaceError::averages_not_of_listing};
    const auto& funding = market.funding;
    if (!funding.empty() && funding.size() != listing->assets.size()) {
        return base::Failure{SurfaceError::funding_not_of_listing};
    }
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const auto kind = listing->assets[i].kind;
        if (const auto fault = fault_of_mark(marks[i], kind)) return base::Failure{*fault};
        if (kind != base::AssetKind::cash) continue;
        marks[i].price = base::Price{price_one};
        marks[i].is_known = true;
    }
    auto valued = kernel::build_surface(number, universe_at(*listing, *parameters, market));
    if (!valued) return base::Failure{SurfaceError::not_finite};

    auto stress = kernel::StressStates::of(**valued, parameters->stress());
    if (!stress) return base::Failure{SurfaceError::not_finite};

    derive_marks(market, *listing, *parameters, **valued);

    const std::shared_ptr<Surface> made(new Surface());
    made->notional_marks_ = notional_marks_of(marks, *listing, *parameters);
    made->number_ = number;
    made->listing_ = std::move(listing);
    made->parameters_ = std::move(parameters);
    made->marks_ = std::move(marks);
    made->funding_ = std::move(market.funding);
    made->kernel_ = *std::move(valued);
    made->stress_ = *std::move(stress);
    return std::shared_ptr<const Surface>(made);
}

const Mark& Surface::mark(base::AssetId asset) const {
    CHECK(asset.v < marks_.size(), "a mark is asked for a listed asset");
    return marks_[asset.v];
}

const Mark& Surface::notional_mark(base::AssetId asset) const {
    CHECK(asset.v < notional_marks_.size(), "a mark is asked for a listed asset");
    return notional_marks_[asset.v];
}

bool Surface::is_fresh(base::AssetId asset, base::Timestamp now) const {
    const auto& latest = mark(asset);
    if (listing_->asset(asset).kind == base::AssetKind::cash) return true;
    if (!latest.is_known) return false;
    const auto age_max_us = parameters_->mark_age_max().us;
    const auto is_within = [&](base::Timestamp at) {
        std::int64_t age_us = 0;
        if (__builtin_sub_overflow(at.us, latest.at.us, &age_us)) return false;
        return age_us <= age_max_us && age_us >= -age_max_us;
    };
    if (is_within(now)) return true;
    // Nobody marks a contract after its end: it is held at the mark that it had then.
    const auto end = listing_->end_of(asset);
    return end && *end <= now && is_within(*end);
}

std::optional<base::Price> Surface::price_in(base::AssetId of, base::AssetId in) const {
    return quotient_of(mark(of), mark(in));
}

std::optional<base::Price> Surface::instrument_mark(base::InstrumentId instrument) const {
    const auto& info = listing_->instrument(instrument);
    return price_in(info.base, info.settlement);
}

std::optional<base::Price> Surface::instrument_notional(base::InstrumentId instrument) const {
    const auto& info = listing_->instrument(instrument);
    return quotient_of(notional_mark(info.base), mark(info.settlement));
}

std::optional<base::Price> Surface::coin_price(base::InstrumentId instrument,
                                               base::Timestamp now) const {
    const auto& info = listing_->instrument(instrument);
    const auto coin =
        parameters_->universe().find_underlying(listing_->asset(info.base).underlying);
    const auto held = coin ? parameters_->coin(*coin) : std::nullopt;
    if (!held || listing_->asset(*held).kind != base::AssetKind::spot) return std::nullopt;
    if (!is_fresh(*held, now) || !is_fresh(info.settlement, now)) return std::nullopt;
    return quotient_of(mark(*held), mark(info.settlement));
}

std::optional<base::Price> Surface::funding_index(base::AssetId contract) const {
    CHECK(contract.v < marks_.size(), "a funding index is asked for a listed asset");
    if (funding_.empty() || !funding_[contract.v].is_known) return std::nullopt;
    return funding_[contract.v].price;
}

std::optional<base::Price> Surface::fill_price(base::InstrumentId instrument, bool is_buy) const {
    const auto& info = listing_->instrument(instrument);
    const auto& base_mark = mark(info.base);
    const auto& settlement_mark = mark(info.settlement);
    if (!base_mark.is_known || !settlement_mark.is_known) return std::nullopt;
    const Wide divisor = settlement_mark.price.v;
    if (divisor == 0) return std::nullopt;
    // Price and parts per billion carry the same 1e9, so the quotient is a Price again.
    static_assert(ppb_one == price_one);
    const auto spread_ppb = parameters_->half_spread_ppb(info.base);
    const Wide factor = is_buy ? ppb_one + spread_ppb : ppb_one - spread_ppb;
    const Wide product = Wide{base_mark.price.v} * factor;
    return as_price(is_buy ? (product + divisor - 1) / divisor : product / divisor);
}

std::optional<base::Price> Surface::collateral_price(base::AssetId asset,
                                                     base::AssetId owed) const {
    CHECK(!base::is_contract(listing_->asset(asset).kind), "a contract is no collateral");
    const auto& held = mark(asset);
    const auto& in = mark(owed);
    if (!held.is_known || !in.is_known || in.price.v == 0) return std::nullopt;
    const auto& row = kernel_->row(parameters_->instrument(asset));
    constexpr double share_max = .5;
    const double share = row.value > 0 ? std::min(row.haircut_initial / row.value, share_max) : 0;
    const Wide factor = ppb_one - static_cast<std::int64_t>(std::ceil(share * ppb_one));
    return as_price(Wide{held.price.v} * factor / in.price.v);
}

bool Surface::is_instrument_fresh(base::InstrumentId instrument, base::Timestamp now) const {
    const auto& info = listing_->instrument(instrument);
    return is_fresh(info.base, now) && is_fresh(info.settlement, now);
}

}  // namespace crossclear::risk
