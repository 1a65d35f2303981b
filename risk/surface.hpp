#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The market at one moment, and the parameters it is judged by: what every margin is computed on.

namespace crossclear::risk {

/// A part of a whole, 1 being all of it. Named so that those who only carry one need no floating
/// point of their own.
using Share = double;

/// The share that is `ppb` billionths.
[[nodiscard]] Share share_of_ppb(std::int64_t ppb) noexcept;
/// The nearest whole number of billionths. **Requires:** finite and within ±9e9.
[[nodiscard]] std::int64_t ppb_of(Share share);

/// How one asset may move and what it is worth as collateral.
struct AssetRisk {
    Share range{};                ///< Largest move of its underlying in a scenario; 0 without one.
    Share half_spread{};          ///< What a client pays on each side of the mark.
    Share haircut_initial{};      ///< Not counted of |value| for IM; 0 for cash and contracts.
    Share haircut_maintenance{};  ///< The same for MM; at most the initial one.

    friend bool operator==(const AssetRisk&, const AssetRisk&) = default;
};

/// A broker's risk parameters. `assets` has one entry per asset of the listing, in its order.
struct Parameters {
    std::vector<AssetRisk> assets;
    base::Duration mark_age_max;  ///< A mark older than this is stale.

    friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// Says what is wrong with the parameters in one sentence, or nothing: one entry per asset, every
/// number finite and in its range, assets of one underlying with one range, and nothing set that
/// the model would ignore.
[[nodiscard]] std::optional<std::string> fault_of(const Parameters& parameters,
                                                  const base::Listing& listing);

/// What one unit of an asset was last worth.
struct Mark {
    base::Price price;  ///< USD per unit. Zero is a price.
    base::Timestamp at;
    bool is_known{};  ///< False until the first price: then the other fields mean nothing.

    friend bool operator==(const Mark&, const Mark&) = default;
};

/// A mark above this is taken for a mistake. **Units:** USD per unit, times 1e9.
inline constexpr base::Price price_max{1'000'000'000'000'000'000};

/// Why there is no surface.
enum class SurfaceError : std::uint8_t {
    parameters_faulty,     ///< See `fault_of`.
    marks_not_of_listing,  ///< Not one mark per asset.
    price_negative,
    price_absurd,     ///< Above `price_max`.
    cash_not_at_one,  ///< A dollar with another price than a dollar.
};

class Surface;

/// Composes a surface. Marks stand in the order of the listing's assets; that of cash may be
/// unknown and is 1 in any case. **Requires:** both pointers set, the listing without fault.
[[nodiscard]] base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
    std::uint64_t number, std::shared_ptr<const base::Listing> listing,
    std::shared_ptr<const Parameters> parameters, std::vector<Mark> marks);

/// All marks under one number. Immutable: numbers computed on two surfaces are never mixed.
///
/// **Thread:** any.
class Surface {
public:
    /// What it was built with.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const base::Listing& listing() const noexcept { return *listing_; }
    [[nodiscard]] const Parameters& parameters() const noexcept { return *parameters_; }

    /// The latest mark of an asset. **Requires:** it is listed.
    [[nodiscard]] const Mark& mark(base::AssetId asset) const;

    /// Whether the mark is known and within `mark_age_max` of `now`. One from further ahead than
    /// that is not fresh either: its clock or ours is wrong. Cash is always fresh.
    [[nodiscard]] bool is_fresh(base::AssetId asset, base::Timestamp now) const;

    /// What one unit of the instrument's base costs in its settlement token: the quotient of the
    /// two marks in USD. **Rounding:** to nearest, halves up. Nothing if a mark is unknown, the
    /// settlement token is worth nothing or the quotient does not fit.
    [[nodiscard]] std::optional<base::Price> instrument_mark(base::InstrumentId instrument) const;

    /// What a client pays or gets: the quotient of the marks ± half spread of the base, in integers
    /// with one division. **Rounding:** against the client: up for a buy, down for a sell.
    /// Nothing where `instrument_mark` has nothing.
    [[nodiscard]] std::optional<base::Price> fill_price(base::InstrumentId instrument,
                                                        bool is_buy) const;

    /// Whether both the base and the settlement token have fresh marks.
    [[nodiscard]] bool is_instrument_fresh(base::InstrumentId instrument,
                                           base::Timestamp now) const;

    /// Marks an asset that follows no underlying.
    static constexpr std::uint16_t no_underlying = 0xFFFF;

    /// Which underlying moves an asset, as an index into `underlying_ranges`, or `no_underlying`.
    [[nodiscard]] std::uint16_t underlying_of(base::AssetId asset) const;

    /// The range of each underlying, in the order in which the listing first names them.
    [[nodiscard]] const std::vector<double>& underlying_ranges() const noexcept { return ranges_; }

private:
    friend base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
        std::uint64_t number, std::shared_ptr<const base::Listing> listing,
        std::shared_ptr<const Parameters> parameters, std::vector<Mark> marks);

    Surface(std::uint64_t number, std::shared_ptr<const base::Listing> listing,
            std::shared_ptr<const Parameters> parameters, std::vector<Mark> marks);

    std::uint64_t number_;
    std::shared_ptr<const base::Listing> listing_;
    std::shared_ptr<const Parameters> parameters_;
    std::vector<Mark> marks_;
    std::vector<std::int64_t> half_spreads_ppb_;
    std::vector<std::uint16_t> underlyings_;
    std::vector<double> ranges_;
};

}  // namespace crossclear::risk
