#pragma once

#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "risk/kernel/stress.hpp"
#include "risk/kernel/universe.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

/// A broker's risk parameters: a universe of the kernel in which everything that is listed has its
/// place. Prices in it are those of the marks.

namespace crossclear::risk {

/// Whether the price of an instrument of this kind is that of one wrapper, which a mark sets.
[[nodiscard]] constexpr bool has_own_price(kernel::Kind kind) noexcept {
    return kernel::has_wrapper(kind) && !kernel::is_lp(kind) && kind != kernel::Kind::deposit &&
           kind != kernel::Kind::option;
}
/// The wrappers that the price of a share of a pool, a deposit or an option is made of.
[[nodiscard]] std::vector<kernel::WrapperId> legs_of(const kernel::Instrument& derived);

/// Immutable. **Thread:** any.
class Parameters {
public:
    /// What parameters are made of.
    struct Source {
        kernel::Universe universe;
        base::Duration mark_age_max;  ///< A mark older than this is stale.
        kernel::StressTerms stress{};
    };

    /// Finds the place of every listed asset and draws the scenarios that the universe leaves out.
    ///
    /// An asset's place is the instrument of its symbol. It has to be of the asset's kind, a
    /// contract being a perpetual or, if it ends, a future without an entry, a pool an lp2 or lp3,
    /// and an outcome a binary, whose price is the mark; to follow the asset's
    /// underlying; to name the asset's protocol, or be traded there; and to have a wrapper of its
    /// own, since the asset's mark is that wrapper's price. A pool and a deposit have those of
    /// other listed assets that are tokens, an option that of a listed coin or contract which
    /// does not end before it, and the type and strike of its listing; its days are those up to
    /// its end, and its forward is that wrapper's price. Half a spread is at most a half. Somewhere
    /// there is cash. Instruments that are not listed are left out: nobody can hold them.
    ///
    /// **Errors:** all that is wrong, with its place in the universe; and what the kernel makes no
    /// surface of.
    /// **Requires:** a listing without fault, and a positive age.
    [[nodiscard]] static base::Result<std::shared_ptr<const Parameters>,
                                      std::vector<kernel::UniverseFault>>
    of(const base::Listing& listing, Source source);

    /// What they were made of, without what is not listed and with its scenarios.
    [[nodiscard]] const kernel::Universe& universe() const noexcept { return source_.universe; }
    /// A mark older than this is stale.
    [[nodiscard]] base::Duration mark_age_max() const noexcept { return source_.mark_age_max; }
    /// What its stress book is stressed by.
    [[nodiscard]] const kernel::StressTerms& stress() const noexcept { return source_.stress; }

    /// Assets that the listing had.
    [[nodiscard]] std::size_t assets() const noexcept { return places_.size(); }
    /// The place of an asset. **Requires:** it is listed.
    [[nodiscard]] kernel::InstrumentId instrument(base::AssetId asset) const {
        return places_.at(asset.v).instrument;
    }
    /// Where dollars are counted, those of variation among them.
    [[nodiscard]] kernel::InstrumentId cash() const noexcept { return cash_; }
    /// What a client pays on each side of the mark. **Units:** billionths, to nearest.
    /// **Requires:** it is listed.
    [[nodiscard]] std::int64_t half_spread_ppb(base::AssetId asset) const {
        return places_.at(asset.v).half_spread_ppb;
    }
    /// `kernel::largest_multiple` of its stresses.
    [[nodiscard]] double largest_multiple() const noexcept { return largest_multiple_; }
    /// Whether CG may be something: a wrapper's cap on open interest is above where CG begins.
    [[nodiscard]] bool has_open_interest_caps() const noexcept;
    /// Whether it is that of this asset. **Requires:** it is listed.
    [[nodiscard]] bool has_open_interest_cap(base::AssetId asset) const;
    /// Of all that shortfalls are told by: the protocols and the scenarios, each in their order.
    /// Two universes with the same one agree in them.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }
    /// The same with the states of the stress book.
    [[nodiscard]] std::uint64_t stress_fingerprint() const noexcept { return stress_fingerprint_; }
    /// The age up to which its mark costs nothing; none where it has no mark of its own.
    /// **Requires:** it is listed.
    [[nodiscard]] std::optional<base::Duration> heartbeat(base::AssetId asset) const;
    /// Whether its index comes with the marks: without one it has no mark. **Requires:** it is
    /// listed.
    [[nodiscard]] bool is_index_published(base::AssetId asset) const {
        return universe().instrument(instrument(asset)).is_index_published;
    }
    /// The asset whose mark is the price of a coin: one held in kind, if any is listed.
    [[nodiscard]] std::optional<base::AssetId> coin(kernel::UnderlyingId underlying) const {
        return coins_.at(underlying.v);
    }

private:
    struct Place {
        kernel::InstrumentId instrument;
        std::int64_t half_spread_ppb{};
    };
    explicit Parameters(Source source) : source_(std::move(source)) {}
    void find_coins(const base::Listing& listing);

    Source source_;
    std::vector<Place> places_;
    kernel::InstrumentId cash_;
    double largest_multiple_{1};
    std::uint64_t fingerprint_{};
    std::uint64_t stress_fingerprint_{};
    std::vector<std::optional<base::AssetId>> coins_;
};

}  // namespace crossclear::risk
