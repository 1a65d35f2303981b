#pragma once

#include "app/prices.hpp"
#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/time.hpp"

#include <map>
#include <optional>

namespace crossclear::app {

/// The funding indices of a demo's perpetuals: whoever is long pays whoever is short the same share
/// of the price a day. They begin at nothing with their source, and go back with it, as its prices
/// do: whoever holds a position then is paid what has been paid on the way. **Thread:** one.
class FundingMeter {
public:
    /// `per_day`: of the price. At nothing no index is ever known.
    explicit FundingMeter(base::Ppm per_day) : per_day_(per_day) {}

    /// Moves every index up to the tick, at the price that its perpetual has in it; one without a
    /// price waits. **Rounding:** down.
    void advance(const base::Listing& listing, const PriceTick& tick);
    /// By contract, in the settlement token.
    [[nodiscard]] const std::map<base::AssetId, base::Price>& indices() const { return indices_; }

private:
    base::Ppm per_day_;
    std::optional<base::Timestamp> last_;
    std::map<base::AssetId, base::Price> indices_;
};

/// What one unit of an instrument's base costs in its settlement token at a tick. **Rounding:**
/// down. Nothing where either has no price, or the quotient does not fit.
[[nodiscard]] std::optional<base::Price> price_in(const PriceTick& tick,
                                                  const base::InstrumentInfo& instrument);

}  // namespace crossclear::app
