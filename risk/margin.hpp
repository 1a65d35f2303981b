#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "risk/surface.hpp"

#include <cstdint>
#include <memory>
#include <vector>

/// What an account must hold, and whether an order may be accepted. The port behind which models
/// are exchanged.

namespace crossclear::risk {

/// Tokens or USD held, or owed where negative. **Units:** minor units.
struct TokenPosition {
    base::AssetId asset;
    base::Amount quantity;

    friend bool operator==(const TokenPosition&, const TokenPosition&) = default;
};

/// A position in a linear perpetual. Its value is quantity × mark less `settled_value`: what
/// variation has not settled yet.
struct ContractPosition {
    base::AssetId contract;
    base::AssetId settlement;
    base::Amount quantity;       ///< Signed minor units of the contract.
    base::Amount settled_value;  ///< Minor units of the settlement token.

    friend bool operator==(const ContractPosition&, const ContractPosition&) = default;
};

/// All that counts for margin. Order does not matter, and one asset may stand in several entries.
struct Portfolio {
    std::vector<TokenPosition> tokens;
    std::vector<ContractPosition> contracts;

    friend bool operator==(const Portfolio&, const Portfolio&) = default;
};

/// What an account has and needs. **Units:** USD cents. **Rounding:** equity down, the rest up,
/// each by itself: the components may exceed their rounded sum by a cent.
struct Margin {
    std::int64_t equity_cents{};
    std::int64_t initial_cents{};      ///< IM.
    std::int64_t maintenance_cents{};  ///< MM, at most IM.
    std::int64_t market_cents{};       ///< MR: the worst scenario's loss; not capped.
    std::int64_t haircut_cents{};      ///< H of IM; not capped.

    friend bool operator==(const Margin&, const Margin&) = default;
};

/// Why there is no margin; an order that needs it is refused.
enum class RiskError : std::uint8_t {
    mark_missing,  ///< Something held has never had a price.
    not_finite,    ///< A calculation left the numbers; never passed on.
    out_of_range,  ///< A value does not fit its integer.
};

/// Computes what portfolios need. **Thread:** any; implementations keep no state.
class Model {
public:
    Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;
    virtual ~Model() = default;

    /// Equity and requirements of a portfolio at the surface's marks, fresh or not: whether an old
    /// mark may be traded on is the caller's question. **Requires:** listed assets.
    [[nodiscard]] virtual base::Result<Margin, RiskError> margin(
        const Surface& surface, const Portfolio& portfolio) const = 0;
};

/// The interim model: IM = MR + H, MM = .8·MR + H of maintenance.
///
/// MR is the worst loss when every underlying moves at once by k/4 of its range, k = -4 .. 4, on
/// the position netted per underlying. H is the haircut on each token's net value; none on cash and
/// contracts. Where nothing is owed and no contract is held, both are capped at equity.
/// **Cost:** below 2 µs for a few positions; no allocation.
[[nodiscard]] std::unique_ptr<Model> make_lockstep_model();

/// Whether a trade only takes risk off: every position but cash shrinks toward zero or stays, none
/// changes its sign, and neither IM nor MM rises. Cash is USD and every settlement token: selling
/// or closing has to end in one. Acceptable at any equity.
[[nodiscard]] bool is_pure_unwind(const base::Listing& listing, const Portfolio& before,
                                  const Portfolio& after, const Margin& margin_before,
                                  const Margin& margin_after);

/// Whether margin lets a trade pass: the equity left after its fee covers IM; or it lowers IM and
/// the equity before its fee covers MM after it, so that a fee never stands in the way of less
/// risk. `after` is of the portfolio after the trade with the fee taken off, and `fee_cents` is
/// that fee.
/// **Requires:** `fee_cents >= 0`.
[[nodiscard]] bool is_acceptable(const Margin& before, const Margin& after, std::int64_t fee_cents);

}  // namespace crossclear::risk
