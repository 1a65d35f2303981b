#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "risk/kernel/house.hpp"
#include "risk/surface.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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

/// The parts of a margin, as `kernel::Margin` has them.
enum class Part : std::uint8_t { MR, BC, FC, LC, SOM, H, EV, OC, CG, J };
inline constexpr std::size_t parts = 10;
/// Their names in their order, as the wire has them.
inline constexpr std::array<std::string_view, parts> part_names{"MR", "BC", "FC", "LC", "SOM",
                                                                "H",  "EV", "OC", "CG", "J"};

/// What an account has and needs. **Units:** USD cents. **Rounding:** equity down, the rest up,
/// each by itself: the parts may exceed their rounded sum by some cents.
struct Margin {
    std::int64_t equity_cents{};
    std::int64_t initial_cents{};      ///< IM.
    std::int64_t maintenance_cents{};  ///< MM, at most IM.
    std::int64_t gross_cents{};  ///< What is held and owed but cash, without signs, by what one
                                 ///< unit stands for: an option's is what it is hedged with.
    bool is_in_kind{true};  ///< Nothing held can lose more than its value: IM is at most equity.
    std::array<std::int64_t, parts> parts_cents{};  ///< Of IM, by `Part`; not capped.

    /// One of the parts.
    [[nodiscard]] std::int64_t part(Part which) const {
        return parts_cents.at(static_cast<std::size_t>(which));
    }
    friend bool operator==(const Margin&, const Margin&) = default;
};

/// What the failure of one protocol would take. **Units:** USD cents, rounded up.
struct ProtocolFailure {
    std::string protocol;
    std::int64_t loss_cents{};       ///< L.
    std::int64_t shortfall_cents{};  ///< SF: beyond equity, the broker's own loss.

    friend bool operator==(const ProtocolFailure&, const ProtocolFailure&) = default;
};
/// A margin for people: with the protocols that would take something.
struct MarginDetail {
    Margin margin;
    std::vector<ProtocolFailure> failures;

    friend bool operator==(const MarginDetail&, const MarginDetail&) = default;
};

/// A margin for the broker's house: with what the client would leave unpaid.
struct MarginAndShortfalls {
    Margin margin;
    kernel::Shortfalls shortfalls;
    kernel::ClientStress stress;
};

/// What a margin becomes once a fee is paid: equity is less, and what can lose no more than it is
/// worth needs no more than that. **Requires:** `fee_cents >= 0`.
[[nodiscard]] Margin less_fee(Margin margin, std::int64_t fee_cents);

/// A change, seen from margin; its fee is not in it.
struct Step {
    const Portfolio& before;
    const Portfolio& after;
};
/// Both margins of a step, and what its risk costs.
struct Judgement {
    Margin before;
    Margin after;
    /// For the risk that it brings the broker, over the days that it is expected to stay: the
    /// kernel's `risk_fee`. 0 where it brings none. **Units:** USD cents, rounded up.
    std::int64_t risk_fee_cents{};

    friend bool operator==(const Judgement&, const Judgement&) = default;
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

    /// The same with the protocols.
    [[nodiscard]] virtual base::Result<MarginDetail, RiskError> detail(
        const Surface& surface, const Portfolio& portfolio) const = 0;

    /// The same with what the client would leave unpaid, scenario by scenario, and in the states of
    /// the stress book.
    [[nodiscard]] virtual base::Result<MarginAndShortfalls, RiskError> shortfalls(
        const Surface& surface, const Portfolio& portfolio) const = 0;

    /// What the worst state of the stress book takes beyond equity, what nobody knows standing
    /// still.
    /// **Units:** USD cents, rounded up.
    [[nodiscard]] virtual base::Result<std::int64_t, RiskError> stress_loss(
        const Surface& surface, const Portfolio& portfolio) const = 0;

    /// A step, for a decision: the margins are those of `margin`, to the cent.
    [[nodiscard]] virtual base::Result<Judgement, RiskError> judge(
        const Surface& surface, const Step& step, std::uint32_t holding_days) const = 0;
};

/// The model of docs/margin.md: the kernel's margin of what is held, netted by asset. What
/// variation has not settled yet counts as dollars. Equity is exact; IM and MM of an account that
/// can lose no more than it holds are at most its equity.
/// **Cost:** some 4 µs for a few positions, and the positions times the scenarios.
[[nodiscard]] std::unique_ptr<Model> make_portfolio_model();

/// Whether a trade only takes risk off: every position but cash shrinks toward zero or stays, none
/// changes its sign, neither IM nor MM rises, and it costs no more equity, with its fee, than it
/// frees of IM: a position given away is no unwind. Acceptable at any equity. Cash is USD and every
/// settlement token: selling or closing has to end in one.
/// **Rounding:** two cents are taken for rounding.
[[nodiscard]] bool is_pure_unwind(const base::Listing& listing, const Portfolio& before,
                                  const Portfolio& after, const Margin& margin_before,
                                  const Margin& margin_after);

/// Whether a trade only reduces: every position but cash shrinks toward zero or stays, and none
/// changes its sign, whatever becomes of margin.
[[nodiscard]] bool is_reducing(const base::Listing& listing, const Portfolio& before,
                               const Portfolio& after);

/// Whether all that is held, and what contracts are settled in, has a fresh mark.
[[nodiscard]] bool is_all_fresh(const Surface& surface, const Portfolio& portfolio,
                                base::Timestamp now);

/// Whether margin lets a trade pass: the equity after it and its fee covers IM, or it lowers IM and
/// that equity covers MM. `after` is of the portfolio after the trade with the fee taken off.
[[nodiscard]] bool is_acceptable(const Margin& before, const Margin& after);

}  // namespace crossclear::risk
