#pragma once

#include "actors/context.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/state.hpp"
#include "risk/kernel/house.hpp"
#include "risk/surface.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

/// How an account stands with its margin, and which parts of which positions are closed next where
/// it is below it. Computes and returns; the machine decides.

namespace crossclear::actors {

/// A look at an account's margin, whatever becomes of its reservations: of what may, the worst.
struct MarginLook {
    std::shared_ptr<const risk::Surface> surface;
    /// The figures; unknown where more than a hundredth of what is held and owed has no fresh
    /// price: nobody is called or liquidated on an old one.
    ledger::account::ReviewMargin review;
    risk::Portfolio portfolio{};            ///< What they are of.
    risk::Margin margin{};                  ///< All of it.
    risk::kernel::Shortfalls shortfalls{};  ///< What that would leave unpaid,
    risk::kernel::ClientStress stress{};    ///< and in the stress book.
};
/// Looks on the broker's surface of the moment.
[[nodiscard]] MarginLook look_at_margin(const Context& context, const ledger::account::State& state,
                                        base::Timestamp now);

/// IM without what is asked of who takes on more: CG moves with other clients' trades, and nobody
/// is called or closed for those. **Units:** USD cents.
[[nodiscard]] std::int64_t initial_to_keep(const risk::Margin& margin);

/// What has never had a price counts for nothing; what is owed without one leaves no figure.
void drop_unpriced(const risk::Surface& surface, risk::Portfolio& portfolio);

/// How far prices may move until the account, standing as it does, could cross a line; 0 where it
/// is being liquidated, NaN where nobody knows.
[[nodiscard]] double safe_move_of(const MarginLook& look, ledger::account::Standing standing);

/// When an account was found beyond help.
struct FirstLook {
    std::uint64_t surface{};
    base::Timestamp at{};
};

/// One part of a liquidation.
using ClosingStep = std::variant<ledger::account::Liquidate, ledger::account::TakeCollateral>;
using ClosingSteps = std::vector<ClosingStep>;

/// What to close next, in this order. Of quarters, halves and wholes, of each position and of all
/// together: the least after which equity covers IM; if none is enough, what brings it nearest.
/// Tokens that no instrument sells for what is owed are taken for it, as far as that pays it.
/// Nothing where nothing that can be closed at a fresh price brings it nearer than it is; but for
/// who has less than nothing all that can be closed, for no fee.
/// **Requires:** a look whose figures are known.
/// That has to be so for two seconds, and on two surfaces: `lost` is what the host keeps of the
/// first look that found it.
[[nodiscard]] ClosingSteps next_liquidation(const Context& context,
                                            const ledger::account::State& state,
                                            const MarginLook& look, std::optional<FirstLook>& lost);

/// Whether all that is held of assets that are not owed is worth no cent, or pays no unit of what
/// is owed, each by itself.
[[nodiscard]] bool is_rest_worthless(const ledger::account::State& state,
                                     const risk::Surface& surface);

}  // namespace crossclear::actors
