#pragma once

#include "base/result.hpp"
#include "risk/kernel/aligned.hpp"
#include "risk/kernel/limits.hpp"
#include "risk/kernel/universe.hpp"
#include "risk/kernel/value.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

/// A universe made ready for portfolios: what one unit of everything loses in every scenario and
/// with every protocol, and every factor of the margin that does not depend on what is held.

namespace crossclear::risk::kernel {

/// Instruments that are counted together: the series of an option, the event of a binary.
struct Group {
    Kind kind{};
    std::vector<InstrumentId> members{};
    std::uint16_t outcomes{};  ///< Of an event.
    double minimum_usd{};      ///< Of a series: SOM of one unit short.
};

/// What the margin needs to know of one instrument. Money is USD for one unit.
struct Row {
    Kind kind{};
    double value{};
    double notional{};
    double haircut_initial{};  ///< h·|V|, an LP's over both legs.
    double haircut_maintenance{};
    Exposures exposures;
    bool is_funded{};  ///< Its exposure pays funding.
    bool may_cap{};    ///< A holding of it can never lose more than its value.
    std::optional<std::uint32_t> group;
    std::uint16_t outcome{};
};

/// The charges on |E| of one wrapper; see `Margin` for what each is.
struct WrapperCharge {
    double basis{};
    double half_spread{};
    double impact{};         ///< .5·σ/sqrt(ADV): times |E|^1.5.
    double oracle{};         ///< 2.33·σ·sqrt(overdue days).
    double concentration{};  ///< (1 - r)·clamp(...).
};

/// What a protocol's failure is weighed by.
struct ProtocolWeight {
    double worst_case{};    ///< WCPD of the horizon: a = worst_case·L.
    double default_year{};  ///< PD.
    double unexpected{};    ///< WCPD(PD) - PD of a year: UL = unexpected·SF.
};

/// What the failure of one protocol does to one unit of an instrument. **Units:** USD.
struct FailureEffect {
    ProtocolId protocol;
    double change{};  ///< V(failed) - V; at most -LGD·max(V, 0) where the instrument names it.
    double venue{};   ///< Lost by |quantity| 1 where it is the venue: .10·LGD·notional.
};

class Surface;

/// Builds a surface. Scenarios that the universe leaves out are generated.
///
/// **Errors:** all that `faults_of` finds, and any P&L that is not finite: no surface then.
/// **Cost:** instruments × scenarios; some 25 ns each for options.
[[nodiscard]] base::Result<std::shared_ptr<const Surface>, std::vector<UniverseFault>>
build_surface(std::uint64_t number, Universe universe);

/// Immutable and numbered: P&L of two surfaces is never mixed, which every account checks.
///
/// A is row-major, one row per instrument. The columns of a row are the core scenarios from 0 and
/// the simulated ones from `simulated_begin()`, both padded with zeros to whole cache lines.
/// A[i][s] = d_s·(V_i(s) - V_i), USD for one unit.
///
/// **Thread:** any.
class Surface {
public:
    /// Which one it is, and what it was built from, its scenarios included.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const Universe& universe() const noexcept { return universe_; }

    /// Scenarios of either kind.
    [[nodiscard]] std::size_t core_count() const noexcept { return universe_.core.size(); }
    [[nodiscard]] std::size_t simulated_count() const noexcept {
        return universe_.simulated.size();
    }
    /// The first simulated column; a multiple of the lanes.
    [[nodiscard]] std::size_t simulated_begin() const noexcept { return padded(core_count()); }
    /// Columns of a row.
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    /// The row of A of an instrument. **Requires:** it is of the universe. Aligned.
    [[nodiscard]] const double* pnl(InstrumentId id) const noexcept {
        return pnl_.data() + id.v * stride_;
    }
    /// The rest that is known of an instrument. **Requires:** it is of the universe.
    [[nodiscard]] const Row& row(InstrumentId id) const { return rows_[id.v]; }
    [[nodiscard]] std::size_t instruments() const noexcept { return rows_.size(); }

    /// What the failures of protocols do to one unit; those that do nothing are left out.
    [[nodiscard]] std::span<const FailureEffect> failures(InstrumentId id) const noexcept {
        const auto begin = failure_begins_[id.v];
        return {failures_.data() + begin, failure_begins_[id.v + 1U] - begin};
    }

    /// By wrapper and by protocol, in the universe's order.
    [[nodiscard]] std::span<const WrapperCharge> charges() const noexcept { return charges_; }
    [[nodiscard]] std::size_t wrappers() const noexcept { return charges_.size(); }
    [[nodiscard]] std::span<const ProtocolWeight> weights() const noexcept { return weights_; }
    [[nodiscard]] std::size_t protocols() const noexcept { return weights_.size(); }
    /// Row `i` of R: 1 on the diagonal.
    [[nodiscard]] const double* correlation(std::size_t i) const noexcept {
        return correlation_.data() + i * protocols();
    }
    /// A series or an event, as rows name it.
    [[nodiscard]] const Group& group(std::uint32_t i) const { return groups_[i]; }

private:
    friend base::Result<std::shared_ptr<const Surface>, std::vector<UniverseFault>> build_surface(
        std::uint64_t number, Universe universe);
    friend class SurfaceBuilder;

    Surface(std::uint64_t number, Universe universe);

    std::uint64_t number_;
    Universe universe_;
    std::size_t stride_{};
    AlignedArray pnl_;
    std::vector<Row> rows_;
    std::vector<FailureEffect> failures_;
    std::vector<std::size_t> failure_begins_{0};
    std::vector<WrapperCharge> charges_;
    std::vector<ProtocolWeight> weights_;
    std::vector<double> correlation_;
    std::vector<Group> groups_;
};

}  // namespace crossclear::risk::kernel
