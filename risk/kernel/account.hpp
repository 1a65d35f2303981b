#pragma once

#include "base/result.hpp"
#include "risk/kernel/aligned.hpp"
#include "risk/kernel/margin.hpp"
#include "risk/kernel/shortfall.hpp"
#include "risk/kernel/surface.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

/// One account on one surface: its positions, and its P&L in every scenario, kept up to date so
/// that a what-if costs the scenarios and not the positions.

namespace crossclear::risk::kernel {

/// Units of one instrument held, or owed where negative; in an order, the change.
struct Position {
    InstrumentId instrument;
    double quantity{};

    friend bool operator==(const Position&, const Position&) = default;
};

/// Why something is refused at the kernel's door, or has no margin.
enum class Fault : std::uint8_t {
    not_finite,           ///< A quantity or a result is no number.
    out_of_range,         ///< A quantity is beyond `limits::quantity_max`, or becomes so.
    instrument_unknown,   ///< Not of the surface's universe.
    too_many_legs,        ///< More than `limits::legs_max`.
    order_unknown,        ///< No such open order.
    order_known_already,  ///< It is open already.
    too_many_orders,      ///< More than `limits::open_orders_max`.
    not_a_fee,            ///< A fee that is no number, or negative.
};

/// The fault in words, for people.
[[nodiscard]] std::string_view name_of(Fault fault) noexcept;

/// An order as margin sees it: a change of each instrument it touches, cash among them. One entry
/// an instrument, in their order: the order in which legs were given means nothing.
class Change {
public:
    /// **Errors:** `too_many_legs`, `instrument_unknown`, `not_finite`, `out_of_range`.
    [[nodiscard]] static base::Result<Change, Fault> of(const Surface& surface,
                                                        std::span<const Position> legs);

    /// In the order of their instruments.
    [[nodiscard]] std::span<const Position> legs() const noexcept { return {legs_.data(), count_}; }

private:
    std::array<Position, limits::legs_max> legs_{};
    std::size_t count_{};
};

/// What an order would do: the margin after it and whether it passes.
struct Assessment {
    Margin after;
    Verdict verdict{Verdict::refused};
};

/// The name of an open order within its account.
using OpenOrderId = std::uint64_t;

/// Positions on a surface. Two accounts share nothing but that.
///
/// **Thread:** one at a time; the surface is shared.
class Account {
public:
    /// What `apply` changed, to take it back. Good for the account as `apply` left it.
    class Undo;

    /// An empty account. **Requires:** a surface.
    explicit Account(std::shared_ptr<const Surface> surface);

    /// An account that holds `positions`; one instrument may stand in several of them.
    /// **Errors:** `instrument_unknown`, `not_finite`, `out_of_range`.
    [[nodiscard]] static base::Result<Account, Fault> of(std::shared_ptr<const Surface> surface,
                                                         std::span<const Position> positions);

    /// What it stands on.
    [[nodiscard]] const Surface& surface() const noexcept { return *surface_; }
    /// In the order of their instruments, none of them zero.
    [[nodiscard]] std::span<const Position> positions() const noexcept { return state_.positions; }
    /// What is held of one instrument; zero where nothing is.
    [[nodiscard]] double quantity(InstrumentId instrument) const noexcept;
    /// v: P&L by scenario, as the surface's rows; open orders not counted.
    [[nodiscard]] std::span<const double> pnl() const noexcept { return state_.pnl.view(); }

    /// What it needs now; `fee_usd` is owed from its equity, which only the cap looks at.
    /// **Errors:** `not_finite`, `not_a_fee`.
    [[nodiscard]] base::Result<Margin, Fault> margin(double fee_usd = 0) const;

    /// What it would need after a change, with the ES exact.
    /// **Errors:** `out_of_range`, `not_finite`, `not_a_fee`. **Cost:** below 3 µs for one leg.
    [[nodiscard]] base::Result<Margin, Fault> what_if(const Change& change,
                                                      double fee_usd = 0) const;

    /// Whether it may make a change. The bound on ES decides where it can, so that most acceptances
    /// need no exact one; a verdict is the same either way. `before` is its own margin now.
    /// **Errors:** `out_of_range`, `not_finite`, `not_a_fee`. **Cost:** below 2 µs for one leg.
    [[nodiscard]] base::Result<Assessment, Fault> assess(const Change& change, const Margin& before,
                                                         double fee_usd = 0) const;

    /// Makes a change. What has become flat, or every so often, is summed again from the positions,
    /// so that rounding does not gather.
    /// **Errors:** `out_of_range`; then nothing has changed.
    [[nodiscard]] base::Result<Undo, Fault> apply(const Change& change);
    /// Takes the latest `apply` back, to the last bit; then the one before it may follow.
    /// **Requires:** nothing else has changed the positions since, and no surface.
    void undo(Undo&& undo) noexcept;

    /// The same positions and open orders on another surface, on which each instrument that they
    /// touch has the same number. **Errors:** `instrument_unknown` where one has not; then nothing
    /// changed.
    [[nodiscard]] base::Result<void, Fault> move_to(std::shared_ptr<const Surface> surface);

    /// Counts an order that is not filled yet: what it may lose, o += min(0, Δq·A), and nothing of
    /// what it may win. While an open order could, filled, leave more to lose than what is held is
    /// worth, margin is not capped at equity.
    /// **Errors:** `order_known_already`, `too_many_orders`, `instrument_unknown`.
    [[nodiscard]] base::Result<void, Fault> open(OpenOrderId id, const Change& change);
    /// Forgets it: filled, which `apply` says beside, or gone. **Errors:** `order_unknown`.
    [[nodiscard]] base::Result<void, Fault> close(OpenOrderId id);

    /// What the broker expects to lose a day after a change, if the market moves as simulated:
    /// mean((-v - equity)⁺) over the horizon's days. **Units:** USD. **Errors:** `out_of_range`.
    [[nodiscard]] base::Result<double, Fault> market_loss_day(const Change& change) const;

    /// Whether every leg but cash brings its quantity nearer to zero, none beyond, and there is
    /// one: dollars alone that leave an account unwind nothing.
    [[nodiscard]] bool is_reduced_by(const Change& change) const noexcept;

private:
    struct State {
        std::vector<Position> positions;
        AlignedArray pnl;
        Totals totals;
        TailMean tail{};            ///< Of these positions; its quantile begins the next bound.
        std::uint32_t applied{};    ///< Changes added since the sums were made from the positions.
        std::uint64_t revision{1};  ///< Another number for every change and every surface.
    };
    void rebuild();
    void rebuild_orders();
    [[nodiscard]] bool orders_forbid_cap(const Change* change) const noexcept;
    [[nodiscard]] base::Result<Totals, Fault> totals_after(const Change* change) const;
    [[nodiscard]] double group_charge(const Group& group, const Change* change) const noexcept;
    [[nodiscard]] double quantity_after(InstrumentId instrument,
                                        const Change* change) const noexcept;
    void fill_pnl(const Change* change, double* out) const noexcept;
    [[nodiscard]] double core_loss(const double* pnl) const noexcept;
    [[nodiscard]] double shortfall_at_most(const double* pnl) const noexcept;
    [[nodiscard]] TailMean shortfall(const double* pnl) const noexcept;
    [[nodiscard]] base::Result<Margin, Fault> margin_after(const Change* change,
                                                           double fee_usd) const;

    std::shared_ptr<const Surface> surface_;
    State state_;
    std::map<OpenOrderId, Change> orders_;
    AlignedArray open_pnl_;             ///< o; empty without open orders.
    std::vector<Position> open_sales_;  ///< What open orders may take away, by instrument.
    bool orders_are_capped_{true};      ///< No open order has a leg that forbids the cap by itself.
    std::uint64_t revisions_{1};        ///< The last one given out.
};

/// The account as it was before an `apply`.
class Account::Undo {
    friend class Account;
    State before;
    std::uint64_t after{};  ///< The revision that it undoes.
};

}  // namespace crossclear::risk::kernel
