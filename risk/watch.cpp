#include "risk/watch.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk {
namespace {

// The relative move of a price, at most all of it; all where there was none, or is none any more.
double move_of(const Mark& before, const Mark& after) {
    if (!before.is_known && !after.is_known) return 0;
    if (before.is_known != after.is_known || before.price.v <= 0) {
        return before == after || (before.price.v == 0 && after.price.v == 0) ? 0 : 1;
    }
    const auto was = static_cast<double>(before.price.v);
    return std::min(1.0, std::abs(static_cast<double>(after.price.v) - was) / was);
}

// How far the index of a contract has moved, as a part of its price; all of it where there was
// none.
double funding_of(std::optional<base::Price> before, const Surface& surface,
                  base::AssetId contract) {
    const auto after = surface.funding_index(contract);
    if (!after || before == after) return 0;
    const auto instrument = surface.listing().instrument_of(contract);
    const auto mark = instrument ? surface.instrument_mark(*instrument) : std::nullopt;
    if (!before || !mark || mark->v <= 0) return 1;
    const double moved = static_cast<double>(after->v) - static_cast<double>(before->v);
    return std::min(1.0, std::abs(moved) / static_cast<double>(mark->v));
}

// As a part of `unit`; all of it where there was no price, or is none any more.
double difference_of(const Mark& before, const Mark& after, double unit) {
    if (before.is_known != after.is_known) return 1;
    const double moved = std::abs(static_cast<double>(after.price.v - before.price.v));
    return moved == 0 ? 0 : std::min(1.0, moved / std::max(unit, 1.0));
}

// A year's volatility of an option.
double volatility_of(const Surface& surface, base::AssetId asset) {
    if (surface.listing().asset(asset).kind != base::AssetKind::option) return 0;
    const auto& universe = surface.kernel()->universe();
    return universe.instrument(surface.parameters().instrument(asset)).volatility;
}

// What a change of volatility moves beyond the mark, of what the option is hedged with: its worst
// scenarios by about as much as an option at the money, and its requirement by half as much more.
double vega_of(double before, const Surface& surface, base::AssetId asset) {
    const double after = volatility_of(surface, asset);
    if (before == after) return 0;
    const auto& universe = surface.kernel()->universe();
    const double days = universe.instrument(surface.parameters().instrument(asset)).days;
    constexpr double at_the_money = .4;
    constexpr double and_half = 1.5;
    return at_the_money * and_half * std::sqrt(days / kernel::days_a_year) *
           std::abs(after - before);
}

// How far a price has gone, by what limits of loss are counted in.
double distance_of(const Mark& before, const Surface& surface, base::AssetId asset) {
    const auto& after = surface.mark(asset);
    switch (surface.listing().asset(asset).kind) {
        case base::AssetKind::outcome:
            // In dollars: what the price of an outcome moves, EV moves against it, and what is
            // left is no more than the difference.
            return difference_of(before, after, 1e9);
        case base::AssetKind::option:
            // Of what it is hedged with, as it counts in gross exposure.
            return difference_of(before, after,
                                 static_cast<double>(surface.notional_mark(asset).price.v));
        case base::AssetKind::cash:
        case base::AssetKind::spot:
        case base::AssetKind::synthetic:
        case base::AssetKind::stable:
        case base::AssetKind::contract:
        case base::AssetKind::pool:
        case base::AssetKind::lending:
            return move_of(before, after);
    }
    UNREACHABLE("an unlisted kind of asset");
}

}  // namespace

void Watch::remove(base::AccountId account) {
    const auto found = entries_.find(account);
    if (found == entries_.end()) return;
    by_distance_.erase({found->second.due_at, account});
    by_time_.erase({found->second.due_time, account});
    entries_.erase(found);
}

void Watch::insert(base::AccountId account, const Entry& entry) {
    remove(account);
    entries_.emplace(account, entry);
    by_distance_.emplace(entry.due_at, account);
    by_time_.emplace(entry.due_time, account);
}

void Watch::touch(base::AccountId account) {
    insert(account, {.due_at = distance_, .due_time = {}, .ticket = 0, .asked_at = 0});
}

void Watch::touch_lightly(base::AccountId account, base::Timestamp now) {
    const auto found = entries_.find(account);
    if (found == entries_.end()) return touch(account);
    // What it was asked before says nothing any more; and whoever trades on waits no longer.
    Entry entry = found->second;
    entry.ticket = 0;
    entry.due_at = std::min(entry.due_at, distance_ + move_after_trade);
    entry.due_time = std::min(entry.due_time, now + look_after_trade);
    insert(account, entry);
}

void Watch::start(const std::vector<base::AccountId>& accounts, base::Timestamp now) {
    const auto count = static_cast<std::int64_t>(accounts.size());
    if (count == 0) return;
    const std::int64_t step = std::min(start_step_max.us, let_alone_max.us / count);
    for (std::int64_t i = 0; i < count; ++i) {
        insert(accounts[static_cast<std::size_t>(i)], {.due_at = distance_ + start_move_max,
                                                       .due_time = now + base::Duration{step * i},
                                                       .ticket = 0,
                                                       .asked_at = 0});
    }
}

void Watch::keep(const Ask& ask, double safe_move, base::Timestamp now) {
    const auto found = entries_.find(ask.account);
    if (found == entries_.end() || found->second.ticket != ask.ticket) return;
    Entry kept{.due_at = found->second.asked_at,
               .due_time = now + let_alone_max,
               .ticket = 0,
               .asked_at = 0};
    if (std::isnan(safe_move)) {
        kept.due_at += 2 * move_max;
        kept.due_time = now + ask_again_after;
    } else if (safe_move > 0) {
        kept.due_at += std::min(safe_move, move_max);
    } else {
        kept.due_time = now + ask_again_after;
    }
    insert(ask.account, kept);
}

void Watch::forget(base::AccountId account) { remove(account); }

void Watch::move_to(const Surface& surface) {
    if (surface.number() == surface_) return;
    surface_ = surface.number();
    std::vector<Mark> marks;
    std::vector<std::optional<base::Price>> funding;
    std::vector<double> volatilities;
    marks.reserve(surface.listing().assets.size());
    funding.reserve(surface.listing().assets.size());
    for (std::size_t i = 0; i < surface.listing().assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        marks.push_back(surface.mark(asset));
        funding.push_back(surface.funding_index(asset));
        volatilities.push_back(volatility_of(surface, asset));
    }
    double largest = 0;
    for (std::size_t i = 0; i < std::min(marks.size(), marks_.size()); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const double paid = funding_of(funding_[i], surface, asset);
        largest = std::max(largest, distance_of(marks_[i], surface, asset) + paid +
                                        vega_of(volatilities_[i], surface, asset));
    }
    distance_ += largest;
    marks_ = std::move(marks);
    funding_ = std::move(funding);
    volatilities_ = std::move(volatilities);
}

std::vector<Watch::Ask> Watch::take_due(base::Timestamp now) {
    std::vector<base::AccountId> due;
    const auto at_time = [&](const auto& next) { return next.first <= now; };
    const auto at_distance = [&](const auto& next) { return next.first < distance_; };
    for (auto at = by_time_.begin(); at != by_time_.end() && at_time(*at); ++at) {
        if (due.size() == asks_max) break;
        due.push_back(at->second);
    }
    for (auto at = by_distance_.begin(); at != by_distance_.end() && at_distance(*at); ++at) {
        if (due.size() == asks_max) break;
        if (entries_.at(at->second).due_time > now) due.push_back(at->second);
    }
    std::vector<Ask> asks;
    asks.reserve(due.size());
    for (const auto account : due) {
        auto entry = entries_.at(account);
        if (entry.ticket == 0) {
            entry.ticket = ++tickets_;
            entry.asked_at = distance_;
        }
        entry.due_at = distance_ + 2 * move_max;
        entry.due_time = now + ask_again_after;
        asks.push_back({account, entry.ticket});
        insert(account, entry);
    }
    return asks;
}

double safe_move(std::int64_t headroom_cents, std::int64_t gross_cents) noexcept {
    if (headroom_cents <= 0) return 0;
    if (gross_cents <= 0) return Watch::move_max;
    return static_cast<double>(headroom_cents) / (2 * static_cast<double>(gross_cents));
}

}  // namespace crossclear::risk
