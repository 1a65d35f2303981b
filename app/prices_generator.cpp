#include "app/prices.hpp"
#include "base/rng.hpp"
#include "risk/surface.hpp"

#include <algorithm>
#include <limits>

// The problem: prices that look like a market's and are the same on every machine, while the
// functions that make normal numbers out of uniform ones differ between libraries. The idea: twelve
// uniform numbers add up to a nearly normal one with variance 1 (Irwin and Hall), in integers
// alone.

namespace crossclear::app {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::int64_t ppb_one = 1'000'000'000;
constexpr std::int64_t ppb_per_ppm = 1'000;
constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t unit = std::int64_t{1} << 32;  // One standard deviation.
constexpr int draws = 12;
constexpr std::int64_t move_max_ppb = ppb_one / 2;  // No step halves a price or adds half to it.

// The largest integer whose square is not larger.
std::int64_t square_root(Wide value) {
    Wide root = 0;
    for (Wide bit = Wide{1} << 62; bit != 0; bit >>= 1) {
        const Wide tried = root | bit;
        if (tried * tried <= value) root = tried;
    }
    return static_cast<std::int64_t>(root);
}

// Volatility grows with the square root of time.
std::int64_t step_volatility_ppb(base::Ppm daily, base::Duration step) {
    const auto daily_ppb = static_cast<std::uint64_t>(daily.v * ppb_per_ppm);
    const Wide variance = Wide{daily_ppb} * daily_ppb * static_cast<std::uint64_t>(step.us) /
                          static_cast<std::uint64_t>(day_us);
    return square_root(variance);
}

std::int64_t normal(base::Rng& rng) {
    std::int64_t sum = -(draws / 2) * unit;
    for (int i = 0; i < draws; ++i) sum += static_cast<std::int64_t>(rng.next() >> 32);
    return sum;
}

struct Walk {
    base::Rng rng;
    std::int64_t volatility_ppb{};
    base::Price price;
};

void advance(Walk& walk) {
    const auto drawn =
        base::multiply_divide(normal(walk.rng), walk.volatility_ppb, unit, base::Rounding::down);
    const auto move = drawn ? std::clamp(*drawn, -move_max_ppb, move_max_ppb) : std::int64_t{0};
    const auto moved =
        base::multiply_divide(walk.price.v, ppb_one + move, ppb_one, base::Rounding::down);
    // A walk that has reached nothing would never leave it.
    const std::int64_t floor = walk.price.v > 0 ? 1 : 0;
    walk.price.v = std::clamp(moved ? *moved : risk::price_max.v, floor, risk::price_max.v);
}

class Generator final : public PriceSource {
public:
    Generator(const base::Listing& listing, const GeneratorOptions& options)
        : at_(options.start), step_(options.step) {
        const base::Rng seeded{options.seed};
        for (std::size_t i = 0; i < options.walks.size(); ++i) {
            const auto& walk = options.walks[i];
            walks_.push_back({.rng = seeded.fork(i),
                              .volatility_ppb = step_volatility_ppb(walk.daily_volatility, step_),
                              .price = walk.start});
        }
        for (std::size_t i = 0; i < listing.assets.size(); ++i) {
            const auto& asset = listing.assets[i];
            if (base::is_derived(asset.kind)) continue;
            const auto its = std::find_if(
                options.walks.begin(), options.walks.end(),
                [&](const PriceWalk& walk) { return walk.underlying == asset.underlying; });
            const base::AssetId id{static_cast<std::uint16_t>(i)};
            if (its != options.walks.end()) {
                followers_.push_back({id, static_cast<std::size_t>(its - options.walks.begin())});
            } else if (is_dollar(asset)) {
                followers_.push_back({id, dollar});
            }
        }
    }

    std::optional<PriceTick> next() override {
        PriceTick tick{.at = at_, .points = {}};
        for (const auto& [asset, walk] : followers_) {
            tick.points.push_back({asset, walk == dollar ? one_dollar : walks_[walk].price});
        }
        for (auto& walk : walks_) advance(walk);
        at_ = at_ + step_;
        return tick;
    }

private:
    static constexpr std::size_t dollar = std::numeric_limits<std::size_t>::max();

    struct Follower {
        base::AssetId asset;
        std::size_t walk;
    };

    base::Timestamp at_;
    base::Duration step_;
    std::vector<Walk> walks_;
    std::vector<Follower> followers_;
};

}  // namespace

std::unique_ptr<PriceSource> make_price_generator(const base::Listing& listing,
                                                  const GeneratorOptions& options) {
    CHECK(options.step.us > 0, "a generator moves on");
    return std::make_unique<Generator>(listing, options);
}

}  // namespace crossclear::app
