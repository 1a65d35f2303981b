#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "risk/kernel/stress_states.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/parameters.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

/// The market at one moment, and the parameters it is judged by: what every margin is computed on.

namespace crossclear::risk {

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
    parameters_of_another_listing,
    marks_not_of_listing,  ///< Not one mark per asset.
    price_negative,
    price_absurd,                  ///< Above `price_max`, or of an outcome above a dollar.
    cash_not_at_one,               ///< A dollar with another price than a dollar.
    open_interest_not_of_listing,  ///< Not one figure per asset, or a negative one.
    indices_not_of_listing,        ///< Not one per asset, or one that is not positive.
    funding_not_of_listing,        ///< Not one per asset.
    averages_not_of_listing,       ///< Not one per asset, or no share or no price.
    not_finite,                    ///< At these prices something is worth no number.
};

class Surface;

/// What is known of the average that an option's last price follows.
struct Average {
    base::Price price;  ///< Of its coin so far, in the settlement token.
    double share{};     ///< Of the time that it is taken over, within [0, 1].

    friend bool operator==(const Average&, const Average&) = default;
};

/// What a surface is composed of besides its number.
struct Market {
    std::vector<Mark>
        marks;            ///< In the order of the listing's assets; that of cash may be unknown.
    base::Timestamp now;  ///< What the age of a mark is counted from, for OC.
    /// What a broker's accounts hold and owe of each asset, for CG, in the order of the listing's
    /// assets. **Units:** minor units, none negative. Empty: as the universe says.
    std::vector<base::Amount> open_interest{};
    /// Of what is lent, the tokens of one unit; of shares of pools, by how much liquidity has grown
    /// since the universe was written; of options, a year's volatility: in the order of the
    /// listing's assets, where the universe says that they are published. **Units:** times 1e9,
    /// positive. Empty: none is known.
    std::vector<Mark> indices{};
    /// Of perpetuals, what one contract has paid in funding who was long since ever: in the order
    /// of the listing's assets. No margin looks at it: it is paid as it moves. **Units:** of the
    /// settlement token, times 1e9; may be negative. Empty: none is known.
    std::vector<Mark> funding{};
    /// Of options, in the order of the listing's assets. Empty: none has begun.
    std::vector<Average> averages{};
};

/// Composes a surface. Cash is 1 in any case; what has no mark yet is valued at the universe's
/// price, and has no margin. **Requires:** both pointers set, the listing without fault.
/// **Cost:** that of the kernel's surface; off the hot path.
[[nodiscard]] base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
    std::uint64_t number, std::shared_ptr<const base::Listing> listing,
    std::shared_ptr<const Parameters> parameters, Market market);

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

    /// What one unit stands for, by which limits count it: its mark, and of an option the mark of
    /// what it is hedged with. **Requires:** it is listed.
    [[nodiscard]] const Mark& notional_mark(base::AssetId asset) const;

    /// Whether the mark is known and within `mark_age_max` of `now`. One from further ahead than
    /// that is not fresh either: its clock or ours is wrong. Cash is always fresh, and a contract
    /// that waits for its last price if its mark was at its end.
    [[nodiscard]] bool is_fresh(base::AssetId asset, base::Timestamp now) const;

    /// What one unit of an asset costs in another: the quotient of the two marks in USD.
    /// **Rounding:** to nearest, halves up. Nothing if a mark is unknown, `in` is worth nothing or
    /// the quotient does not fit. **Requires:** both are listed.
    [[nodiscard]] std::optional<base::Price> price_in(base::AssetId of, base::AssetId in) const;

    /// The same of an instrument's base, in its settlement token.
    [[nodiscard]] std::optional<base::Price> instrument_mark(base::InstrumentId instrument) const;

    /// What one unit of the instrument's base stands for, in its settlement token: as
    /// `instrument_mark`, of `notional_mark`.
    [[nodiscard]] std::optional<base::Price> instrument_notional(
        base::InstrumentId instrument) const;

    /// What the coin that an instrument's base follows costs in its settlement token, at fresh
    /// marks. **Rounding:** as above. Nothing where it follows none that is held in kind, too.
    [[nodiscard]] std::optional<base::Price> coin_price(base::InstrumentId instrument,
                                                        base::Timestamp now) const;

    /// The latest funding index of a perpetual's contract, however old: it moves by nothing while
    /// nobody says so. Nothing while none is known. **Requires:** it is listed.
    [[nodiscard]] std::optional<base::Price> funding_index(base::AssetId contract) const;

    /// What a client pays or gets: the quotient of the marks ± half spread of the base, in integers
    /// with one division. **Rounding:** against the client: up for a buy, down for a sell.
    /// Nothing where `instrument_mark` has nothing.
    [[nodiscard]] std::optional<base::Price> fill_price(base::InstrumentId instrument,
                                                        bool is_buy) const;

    /// What one unit of a token counts for in another when it is taken for a debt: the quotient of
    /// the marks, less the haircut that IM asks of it, a share's over both tokens, but no more than
    /// half: what margin counts for nothing is worth something all the same. **Rounding:**
    /// down, against the client. Nothing if a mark is unknown, what is owed is worth nothing or the
    /// quotient does not fit. **Requires:** both are listed, and `asset` is no contract.
    [[nodiscard]] std::optional<base::Price> collateral_price(base::AssetId asset,
                                                              base::AssetId owed) const;

    /// Whether both the base and the settlement token have fresh marks.
    [[nodiscard]] bool is_instrument_fresh(base::InstrumentId instrument,
                                           base::Timestamp now) const;

    /// What the kernel makes of it; instruments as `Parameters::instrument` names them. Shared by
    /// every margin that is computed on it.
    [[nodiscard]] const std::shared_ptr<const kernel::Surface>& kernel() const noexcept {
        return kernel_;
    }

    /// The states of the stress book at these marks.
    [[nodiscard]] const kernel::StressStates& stress() const noexcept { return *stress_; }

private:
    friend base::Result<std::shared_ptr<const Surface>, SurfaceError> build_surface(
        std::uint64_t number, std::shared_ptr<const base::Listing> listing,
        std::shared_ptr<const Parameters> parameters, Market market);

    Surface() = default;

    std::uint64_t number_{};
    std::shared_ptr<const base::Listing> listing_;
    std::shared_ptr<const Parameters> parameters_;
    std::vector<Mark> marks_;
    std::vector<Mark> notional_marks_;
    std::vector<Mark> funding_;
    std::shared_ptr<const kernel::Surface> kernel_;
    std::shared_ptr<const kernel::StressStates> stress_;
};

}  // namespace crossclear::risk
