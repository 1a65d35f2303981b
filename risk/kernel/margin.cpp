#include "risk/kernel/margin.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

// In this form a NaN stays one, and is found in the result.
double positive(double x) noexcept { return x <= 0 ? 0 : x; }

bool forbids_cap(const Row& row, double quantity) noexcept {
    return quantity != 0 && (!row.may_cap || quantity < 0 || quantity * row.value < 0);
}

void add_exposure_charges(Margin& margin, const Surface& surface, const Totals& totals) {
    const auto charges = surface.charges();
    double funded = 0;
    for (std::size_t w = 0; w < charges.size(); ++w) {
        const auto& charge = charges[w];
        const double size = std::abs(totals.exposure[w]);
        margin.basis += charge.basis * size;
        margin.liquidity += size * (charge.half_spread + charge.impact * std::sqrt(size));
        margin.oracle += charge.oracle * size;
        margin.concentration += charge.concentration * size;
        funded += std::abs(totals.funded[w]);
    }
    margin.funding = surface.universe().model.funding * funded;
}

// J = sqrt(aᵀRa).
void add_protocols(Margin& margin, const Surface& surface, const Totals& totals) {
    const auto weights = surface.weights();
    const double gain_share = surface.universe().model.gain_share;
    std::array<double, limits::protocols_max> weighted{};
    margin.protocol_count = weights.size();
    for (std::size_t p = 0; p < weights.size(); ++p) {
        margin.losses[p] = positive(totals.lost[p] - gain_share * totals.gained[p]);
        weighted[p] = weights[p].worst_case * margin.losses[p];
    }
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weighted[i] == 0) continue;
        const double* row = surface.correlation(i);
        double line = 0;
        for (std::size_t j = 0; j < weights.size(); ++j) line += row[j] * weighted[j];
        sum += weighted[i] * line;
    }
    margin.protocols = std::sqrt(sum);
}

}  // namespace

void add_step(Totals& totals, const Surface& surface, const Step& step) {
    const auto& row = surface.row(step.instrument);
    const double change = step.to - step.from;
    const double growth = std::abs(step.to) - std::abs(step.from);
    totals.equity += change * row.value;
    totals.haircut_initial += growth * row.haircut_initial;
    totals.haircut_maintenance += growth * row.haircut_maintenance;
    for (std::size_t i = 0; i < row.exposures.count; ++i) {
        const auto& exposure = row.exposures.list[i];
        totals.exposure[exposure.wrapper.v] += change * exposure.usd;
        if (row.is_funded) totals.funded[exposure.wrapper.v] += change * exposure.usd;
    }
    for (const auto& failure : surface.failures(step.instrument)) {
        const double after = step.to * failure.change;
        const double before = step.from * failure.change;
        totals.lost[failure.protocol.v] +=
            positive(-after) - positive(-before) + growth * failure.venue;
        totals.gained[failure.protocol.v] += positive(after) - positive(before);
    }
    totals.uncapped += (forbids_cap(row, step.to) ? 1 : 0) - (forbids_cap(row, step.from) ? 1 : 0);
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): a loss and a fee, named at every call
Margin margin_of(const Surface& surface, const Totals& totals, double market_loss, double fee_usd) {
    const auto& model = surface.universe().model;
    Margin margin;
    margin.equity = totals.equity;
    margin.market = market_loss;
    add_exposure_charges(margin, surface, totals);
    margin.shorts = positive(totals.shorts);
    margin.haircut = positive(totals.haircut_initial);
    margin.haircut_maintenance = positive(totals.haircut_maintenance);
    margin.events = positive(totals.events);
    add_protocols(margin, surface, totals);
    margin.initial = margin.market + margin.basis + margin.funding + margin.liquidity +
                     margin.shorts + margin.haircut + margin.events + margin.protocols +
                     margin.oracle + margin.concentration;
    margin.maintenance = model.maintenance_of_market * margin.market + margin.basis +
                         margin.funding + model.maintenance_of_liquidity * margin.liquidity +
                         model.maintenance_of_shorts * margin.shorts + margin.haircut_maintenance +
                         margin.events + model.maintenance_of_protocols * margin.protocols +
                         margin.oracle;
    margin.is_cappable = totals.uncapped == 0;
    if (margin.is_cappable) {
        const double cap = positive(totals.equity - fee_usd);
        margin.is_capped = margin.initial > cap;
        // A NaN stays one: only what is greater is replaced.
        if (margin.initial > cap) margin.initial = cap;
        if (margin.maintenance > cap) margin.maintenance = cap;
    }
    return margin;
}

bool is_fee(double fee_usd) noexcept { return fee_usd >= 0 && std::isfinite(fee_usd); }

bool is_finite(const Margin& margin) noexcept {
    // Each component is in one of these sums, or in the equity; J holds the protocols' losses.
    return std::isfinite(margin.equity) && std::isfinite(margin.market) &&
           std::isfinite(margin.basis + margin.funding + margin.liquidity + margin.shorts +
                         margin.haircut + margin.haircut_maintenance + margin.events +
                         margin.protocols + margin.oracle + margin.concentration) &&
           std::isfinite(margin.initial) && std::isfinite(margin.maintenance);
}

Verdict verdict_of(const Acceptance& order) noexcept {
    const auto& [before, after, fee_usd, is_reducing] = order;
    if (!is_finite(before) || !is_finite(after) || !is_fee(fee_usd)) return Verdict::refused;
    const double equity = after.equity - fee_usd;
    if (equity >= after.initial) return Verdict::covered;
    // Less the fee here as well: what is capped at equity lowers IM by losing money.
    if (after.initial < before.initial && equity >= after.maintenance) return Verdict::lowering;
    const double freed = before.initial - after.initial;
    // At any equity, but not at any price: more given away than is freed is the broker's loss.
    if (is_reducing && freed >= 0 && after.maintenance <= before.maintenance &&
        before.equity - equity <= freed) {
        return Verdict::unwinding;
    }
    return Verdict::refused;
}

}  // namespace crossclear::risk::kernel
