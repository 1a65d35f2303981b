#include "risk/kernel/account.hpp"

#include "base/check.hpp"
#include "risk/kernel/lanes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace crossclear::risk::kernel {
namespace {

// After so many changes the sums are made anew. Each change adds at most a rounding error.
constexpr std::uint32_t applied_max = 256;

// The tail is looked for from so many mean losses on. What a normal loses is 0.4 deviations on
// average, gains counted as nothing; beyond 1.2 is one in nine.
constexpr double mean_losses_guessed = 3;

// P&L of one what-if, on the stack. Written in full before it is read.
struct Scratch {
    alignas(alignment)
        std::array<double, limits::core_scenarios_max + limits::simulated_scenarios_max> pnl;
};

bool is_quantity(double x) noexcept { return std::abs(x) <= limits::quantity_max; }

std::optional<Fault> fault_of(const Surface& surface, const Position& position) noexcept {
    if (position.instrument.v >= surface.instruments()) return Fault::instrument_unknown;
    if (!std::isfinite(position.quantity)) return Fault::not_finite;
    if (!is_quantity(position.quantity)) return Fault::out_of_range;
    return std::nullopt;
}

bool comes_before(const Position& a, const Position& b) noexcept {
    return a.instrument < b.instrument;
}

double larger(double a, double b) noexcept {
    // A NaN on either side stays one; comparisons and std::max would lose one of them.
    return std::isnan(a) || a > b ? a : b;
}

// Adds `change` to the position, which goes once it is zero.
void add_to(std::vector<Position>& positions, const Position& change) {
    const auto at = std::lower_bound(positions.begin(), positions.end(), change, comes_before);
    if (at == positions.end() || at->instrument != change.instrument) {
        if (change.quantity != 0) positions.insert(at, change);
        return;
    }
    at->quantity += change.quantity;
    if (at->quantity == 0) positions.erase(at);
}

}  // namespace

std::string_view name_of(Fault fault) noexcept {
    switch (fault) {
        case Fault::not_finite:
            return "a quantity or a result is no number";
        case Fault::out_of_range:
            return "a quantity is larger than any position may be";
        case Fault::instrument_unknown:
            return "an instrument is not of the universe";
        case Fault::too_many_legs:
            return "an order has too many legs";
        case Fault::order_unknown:
            return "no such order is open";
        case Fault::order_known_already:
            return "this order is open already";
        case Fault::too_many_orders:
            return "an account has too many open orders";
        case Fault::not_a_fee:
            return "a fee is no number, or negative";
    }
    UNREACHABLE("an unlisted fault");
}

base::Result<Change, Fault> Change::of(const Surface& surface, std::span<const Position> legs) {
    if (legs.size() > limits::legs_max) return base::Failure{Fault::too_many_legs};
    Change change;
    for (const auto& leg : legs) {
        if (const auto fault = fault_of(surface, leg)) return base::Failure{*fault};
        change.legs_[change.count_++] = leg;
    }
    auto* const begin = change.legs_.data();
    auto* const end = begin + change.count_;
    // Legs of one instrument are sorted by size as well: their sum must not depend on the order.
    std::sort(begin, end, [](const Position& a, const Position& b) {
        return a.instrument != b.instrument ? a.instrument < b.instrument : a.quantity < b.quantity;
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < change.count_; ++i) {
        if (kept > 0 && change.legs_[kept - 1].instrument == change.legs_[i].instrument) {
            change.legs_[kept - 1].quantity += change.legs_[i].quantity;
            if (!is_quantity(change.legs_[kept - 1].quantity)) {
                return base::Failure{Fault::out_of_range};
            }
        } else {
            change.legs_[kept++] = change.legs_[i];
        }
    }
    change.count_ = kept;
    return change;
}

Account::Account(std::shared_ptr<const Surface> surface) : surface_(std::move(surface)) {
    CHECK(surface_ != nullptr, "an account stands on a surface");
    state_.pnl = AlignedArray(surface_->stride());
}

base::Result<Account, Fault> Account::of(std::shared_ptr<const Surface> surface,
                                         std::span<const Position> positions) {
    Account account(std::move(surface));
    for (const auto& position : positions) {
        if (const auto fault = fault_of(*account.surface_, position)) return base::Failure{*fault};
        add_to(account.state_.positions, position);
        if (!is_quantity(account.quantity(position.instrument))) {
            return base::Failure{Fault::out_of_range};
        }
    }
    account.rebuild();
    return account;
}

double Account::quantity(InstrumentId instrument) const noexcept {
    const auto& list = state_.positions;
    const auto at =
        std::lower_bound(list.begin(), list.end(), Position{instrument, 0}, comes_before);
    return at != list.end() && at->instrument == instrument ? at->quantity : 0;
}

double Account::quantity_after(InstrumentId instrument, const Change* change) const noexcept {
    double sum = quantity(instrument);
    if (change == nullptr) return sum;
    for (const auto& leg : change->legs()) {
        if (leg.instrument == instrument) sum += leg.quantity;
    }
    return sum;
}

// SOM of a series, or EV of an event, from all positions in it.
double Account::group_charge(const Group& group, const Change* change) const noexcept {
    if (group.kind == Kind::option) {
        double net = 0;
        for (const auto id : group.members) net += quantity_after(id, change);
        return net >= 0 ? 0 : group.minimum_usd * -net;
    }
    std::array<double, limits::outcomes_max> payouts{};
    double cost = 0;
    for (const auto id : group.members) {
        const double held = quantity_after(id, change);
        const auto& row = surface_->row(id);
        payouts[row.outcome] += held;
        cost += held * row.value;
    }
    double least = payouts[0];
    for (std::size_t i = 1; i < group.outcomes; ++i) least = std::min(least, payouts[i]);
    const double charge = cost - least;
    return charge <= 0 ? 0 : charge;  // A NaN stays one.
}

base::Result<Totals, Fault> Account::totals_after(const Change* change) const {
    Totals totals = state_.totals;
    if (change == nullptr) return totals;
    std::array<std::uint32_t, limits::legs_max> groups{};
    std::size_t group_count = 0;
    for (const auto& leg : change->legs()) {
        // Another surface's change may name what this one does not have.
        if (leg.instrument.v >= surface_->instruments()) {
            return base::Failure{Fault::instrument_unknown};
        }
        const double from = quantity(leg.instrument);
        const double to = from + leg.quantity;
        if (!is_quantity(to)) return base::Failure{Fault::out_of_range};
        add_step(totals, *surface_, {.instrument = leg.instrument, .from = from, .to = to});
        const auto group = surface_->row(leg.instrument).group;
        auto* const end = groups.data() + group_count;
        if (group && std::find(groups.data(), end, *group) == end) groups[group_count++] = *group;
    }
    for (std::size_t i = 0; i < group_count; ++i) {
        const auto& group = surface_->group(groups[i]);
        const double more = group_charge(group, change) - group_charge(group, nullptr);
        (group.kind == Kind::option ? totals.shorts : totals.events) += more;
    }
    return totals;
}

void Account::rebuild() {
    state_.applied = 0;
    state_.totals = {};
    state_.pnl = AlignedArray(surface_->stride());
    std::vector<ScaledRow> rows;
    std::vector<std::uint32_t> groups;
    rows.reserve(state_.positions.size());
    for (const auto& [instrument, quantity] : state_.positions) {
        rows.push_back({surface_->pnl(instrument), quantity});
        add_step(state_.totals, *surface_, {.instrument = instrument, .from = 0, .to = quantity});
        if (const auto group = surface_->row(instrument).group) groups.push_back(*group);
    }
    add_rows(state_.pnl.data(), rows, surface_->stride());
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    for (const auto id : groups) {
        const auto& group = surface_->group(id);
        (group.kind == Kind::option ? state_.totals.shorts : state_.totals.events) +=
            group_charge(group, nullptr);
    }
    state_.tail = shortfall(state_.pnl.data());
}

void Account::fill_pnl(const Change* change, double* out) const noexcept {
    const auto size = surface_->stride();
    const double* base = state_.pnl.data();
    if (change != nullptr) {
        for (const auto& leg : change->legs()) {
            add_row(out, base, {surface_->pnl(leg.instrument), leg.quantity}, size);
            base = out;
        }
    }
    if (open_pnl_.size() != 0) {
        add_row(out, base, {open_pnl_.data(), 1}, size);
        base = out;
    }
    if (base != out) std::copy_n(base, size, out);
}

double Account::core_loss(const double* pnl) const noexcept {
    return largest_loss(pnl, surface_->simulated_begin());
}

double Account::shortfall_at_most(const double* pnl) const noexcept {
    const auto count = surface_->simulated_count();
    const double tail = Tail::of(count, surface_->universe().model.shortfall_confidence).size;
    const double threshold = state_.tail.quantile;
    return threshold + excess_loss(pnl + surface_->simulated_begin(), count, threshold) / tail;
}

TailMean Account::shortfall(const double* pnl) const noexcept {
    const auto count = surface_->simulated_count();
    const double* simulated = pnl + surface_->simulated_begin();
    const auto tail = Tail::of(count, surface_->universe().model.shortfall_confidence);
    // Whoever is no number compares with nothing, and is missed below: asked of all at once.
    const double lost = excess_loss(simulated, count, 0);
    if (std::isnan(lost)) return {.mean = lost, .quantile = 0};
    // Only the largest losses are sorted: those well beyond the mean, if they are enough; else all.
    // Which of both it was does not change the result.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    std::array<double, limits::simulated_scenarios_max> losses;
    const double guess = mean_losses_guessed * lost / static_cast<double>(count);
    auto found = losses_above(simulated, count, guess, losses.data());
    if (found < tail.full + 1) {
        found =
            losses_above(simulated, count, -std::numeric_limits<double>::infinity(), losses.data());
    }
    if (found == 0) return {};
    return mean_of_tail({losses.data(), found}, tail);
}

base::Result<Margin, Fault> Account::margin_after(const Change* change, double fee_usd) const {
    auto totals = totals_after(change);
    if (!totals) return base::Failure{totals.error()};
    if (!is_fee(fee_usd)) return base::Failure{Fault::not_a_fee};
    if (orders_forbid_cap(change)) ++totals->uncapped;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    Scratch scratch;
    fill_pnl(change, scratch.pnl.data());
    const double core = core_loss(scratch.pnl.data());
    const bool is_as_held = change == nullptr && open_pnl_.size() == 0;
    const double tail = is_as_held ? state_.tail.mean : shortfall(scratch.pnl.data()).mean;
    const double market = larger(larger(core, tail), 0);
    auto margin = margin_of(*surface_, *totals, market, fee_usd);
    if (!is_finite(margin)) return base::Failure{Fault::not_finite};
    return margin;
}

base::Result<Margin, Fault> Account::margin(double fee_usd) const {
    return margin_after(nullptr, fee_usd);
}

base::Result<Margin, Fault> Account::what_if(const Change& change, double fee_usd) const {
    return margin_after(&change, fee_usd);
}

base::Result<Assessment, Fault> Account::assess(const Change& change, const Margin& before,
                                                double fee_usd) const {
    auto totals = totals_after(&change);
    if (!totals) return base::Failure{totals.error()};
    if (!is_fee(fee_usd)) return base::Failure{Fault::not_a_fee};
    if (orders_forbid_cap(&change)) ++totals->uncapped;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    Scratch scratch;
    fill_pnl(&change, scratch.pnl.data());
    const double core = core_loss(scratch.pnl.data());
    const double bound = shortfall_at_most(scratch.pnl.data());
    auto after = margin_of(*surface_, *totals, larger(larger(core, bound), 0), fee_usd);
    after.is_market_exact = !(bound > core);
    const bool is_reducing = is_reduced_by(change);
    if (is_finite(after)) {
        const auto verdict = verdict_of({before, after, fee_usd, is_reducing});
        // Only this rule, which looks at nothing else, holds for the exact margin as well.
        if (verdict == Verdict::covered || after.is_market_exact) return Assessment{after, verdict};
    }
    const double exact = shortfall(scratch.pnl.data()).mean;
    after = margin_of(*surface_, *totals, larger(larger(core, exact), 0), fee_usd);
    if (!is_finite(after)) return base::Failure{Fault::not_finite};
    return Assessment{after, verdict_of({before, after, fee_usd, is_reducing})};
}

base::Result<Account::Undo, Fault> Account::apply(const Change& change) {
    auto totals = totals_after(&change);
    if (!totals) return base::Failure{totals.error()};
    Undo undo;
    undo.before = state_;
    undo.after = state_.revision = ++revisions_;
    const auto count = state_.positions.size();
    for (const auto& leg : change.legs()) add_to(state_.positions, leg);
    if (state_.positions.size() < count || ++state_.applied >= applied_max) {
        rebuild();
        return undo;
    }
    for (const auto& leg : change.legs()) {
        add_row(state_.pnl.data(), state_.pnl.data(), {surface_->pnl(leg.instrument), leg.quantity},
                surface_->stride());
    }
    state_.totals = *totals;
    state_.tail = shortfall(state_.pnl.data());
    return undo;
}

void Account::undo(Undo&& undo) noexcept {
    CHECK(undo.after == state_.revision, "only the latest change is taken back, and only once");
    state_ = std::move(undo.before);
    undo.after = 0;
}

base::Result<void, Fault> Account::move_to(std::shared_ptr<const Surface> surface) {
    CHECK(surface != nullptr, "an account stands on a surface");
    // By name: where something was listed or expired in between, the same number is another thing.
    const auto is_listed = [this, &surface](const Position& x) {
        return x.instrument.v < surface->instruments() &&
               surface->universe().instrument(x.instrument).name ==
                   surface_->universe().instrument(x.instrument).name;
    };
    bool are_listed = std::all_of(state_.positions.begin(), state_.positions.end(), is_listed);
    for (const auto& [id, order] : orders_) {
        are_listed = are_listed && std::all_of(order.legs().begin(), order.legs().end(), is_listed);
    }
    if (!are_listed) return base::Failure{Fault::instrument_unknown};
    surface_ = std::move(surface);
    state_.revision = ++revisions_;
    rebuild();
    rebuild_orders();
    return {};
}

void Account::rebuild_orders() {
    open_pnl_ = orders_.empty() ? AlignedArray{} : AlignedArray(surface_->stride());
    open_sales_.clear();
    orders_are_capped_ = true;
    for (const auto& [id, order] : orders_) {
        // An order fills as a whole: its legs together win or lose.
        AlignedArray pnl(surface_->stride());
        for (const auto& leg : order.legs()) {
            add_row(pnl.data(), pnl.data(), {surface_->pnl(leg.instrument), leg.quantity},
                    surface_->stride());
        }
        add_losses(open_pnl_.data(), {pnl.data(), 1}, surface_->stride());
        for (const auto& leg : order.legs()) {
            const auto& row = surface_->row(leg.instrument);
            if (leg.quantity != 0 && (!row.may_cap || row.value < 0)) orders_are_capped_ = false;
            if (leg.quantity < 0) add_to(open_sales_, leg);
        }
    }
}

// Whether some of the open orders, filled, would leave more to lose than what is held is worth.
bool Account::orders_forbid_cap(const Change* change) const noexcept {
    if (!orders_are_capped_) return true;
    return std::any_of(open_sales_.begin(), open_sales_.end(), [&](const Position& sold) {
        return !(quantity_after(sold.instrument, change) + sold.quantity >= 0);
    });
}

base::Result<void, Fault> Account::open(OpenOrderId id, const Change& change) {
    for (const auto& leg : change.legs()) {
        if (leg.instrument.v >= surface_->instruments()) {
            return base::Failure{Fault::instrument_unknown};
        }
    }
    if (orders_.contains(id)) return base::Failure{Fault::order_known_already};
    if (orders_.size() >= limits::open_orders_max) return base::Failure{Fault::too_many_orders};
    orders_.emplace(id, change);
    rebuild_orders();
    return {};
}

base::Result<void, Fault> Account::close(OpenOrderId id) {
    if (orders_.erase(id) == 0) return base::Failure{Fault::order_unknown};
    rebuild_orders();
    return {};
}

base::Result<double, Fault> Account::market_loss_day(const Change& change) const {
    const auto totals = totals_after(&change);
    if (!totals) return base::Failure{totals.error()};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    Scratch scratch;
    fill_pnl(&change, scratch.pnl.data());
    const auto count = surface_->simulated_count();
    const double excess =
        excess_loss(scratch.pnl.data() + surface_->simulated_begin(), count, totals->equity);
    const double loss = excess / static_cast<double>(count) / surface_->universe().simulation.days;
    if (!std::isfinite(loss)) return base::Failure{Fault::not_finite};
    return loss;
}

bool Account::is_reduced_by(const Change& change) const noexcept {
    bool is_reduced = false;
    for (const auto& leg : change.legs()) {
        if (leg.instrument.v >= surface_->instruments()) return false;
        if (leg.quantity == 0 || surface_->row(leg.instrument).kind == Kind::cash) continue;
        const double from = quantity(leg.instrument);
        const double to = from + leg.quantity;
        // Crossing zero opens a position on the other side, whatever its size.
        if (std::abs(to) > std::abs(from) || from * to < 0) return false;
        is_reduced = is_reduced || std::abs(to) < std::abs(from);
    }
    return is_reduced;
}

}  // namespace crossclear::risk::kernel
