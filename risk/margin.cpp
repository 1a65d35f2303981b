#include "risk/margin.hpp"

#include "base/limits.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/fee.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

// Quantities are netted and equity is summed in exact integers, free of order; only then do the
// kernel's doubles begin. So a position with its opposite needs precisely nothing.

namespace crossclear::risk {
namespace {

__extension__ using Wide = __int128;

constexpr int value_scale = 18;  // A value counts 10^-18 USD: a price's nine digits, a quantity's.
constexpr Wide cent = 10'000'000'000'000'000;
constexpr double cents_a_dollar = 100;
// What doubles add to a figure that is a whole number of cents is no further cent.
constexpr double noise = 1e-12;
constexpr double noise_cents_max = 1e-3;
// Of IM before and after and of equity; each is rounded by itself.
constexpr Wide unwind_rounding_cents = 2;

static_assert(base::price_scale + base::asset_scale_max == value_scale);

// quantity × mark, exactly. Nothing of an asset is worth nothing, even without a mark.
base::Result<Wide, RiskError> value_at(const Mark& mark, const Surface& surface,
                                       base::AssetId asset, Wide quantity) {
    if (quantity == 0) return Wide{0};
    if (!mark.is_known) return base::Failure{RiskError::mark_missing};
    const int digits = base::asset_scale_max - surface.listing().asset(asset).scale;
    Wide value = 0;
    if (__builtin_mul_overflow(quantity, Wide{mark.price.v}, &value) ||
        __builtin_mul_overflow(value, Wide{base::power_of_ten(digits)}, &value)) {
        return base::Failure{RiskError::out_of_range};
    }
    return value;
}

base::Result<Wide, RiskError> value_of(const Surface& surface, base::AssetId asset, Wide quantity) {
    return value_at(surface.mark(asset), surface, asset, quantity);
}

base::Result<std::int64_t, RiskError> cents_down(Wide value) {
    Wide quotient = value / cent;
    if (value % cent < 0) quotient -= 1;
    if (quotient > std::numeric_limits<std::int64_t>::max() ||
        quotient < std::numeric_limits<std::int64_t>::min()) {
        return base::Failure{RiskError::out_of_range};
    }
    return static_cast<std::int64_t>(quotient);
}

base::Result<std::int64_t, RiskError> cents_up(double usd) {
    // Written so that a NaN fails the first test; a comparison alone would let it through.
    if (!std::isfinite(usd)) return base::Failure{RiskError::not_finite};
    const double cents = usd * cents_a_dollar;
    const double rounded = std::ceil(cents - std::min(cents * noise, noise_cents_max));
    if (rounded < 0 || rounded >= 0x1p63) return base::Failure{RiskError::out_of_range};
    return static_cast<std::int64_t>(rounded);
}

// All of one asset, over its several entries.
Wide quantity_of(const Portfolio& portfolio, base::AssetId asset) {
    Wide sum = 0;
    for (const auto& token : portfolio.tokens) {
        if (token.asset == asset) sum += token.quantity.v;
    }
    for (const auto& contract : portfolio.contracts) {
        if (contract.contract == asset) sum += contract.quantity.v;
    }
    return sum;
}

// A portfolio with one entry an asset, and what its contracts have won and not been paid.
struct Netted {
    std::array<Wide, base::limits::assets_max> quantities{};
    std::vector<std::pair<base::AssetId, Wide>> promised;  // By settlement token; mostly none.
    Wide settled{};  // Of contracts: paid for them so far, less what is promised, in 10^-18 USD.
};

// What is to be paid for options and outcomes is no money of the client's any more: it comes off
// the token that it is promised in, as far as there is any. What is left owes dollars.
void promise(Netted& netted, const base::Listing& listing, const Portfolio& portfolio) {
    for (const auto& contract : portfolio.contracts) {
        if (!base::may_be_worthless(listing.asset(contract.contract).kind)) continue;
        auto& all = netted.promised;
        const auto its = std::find_if(all.begin(), all.end(), [&](const auto& one) {
            return one.first == contract.settlement;
        });
        if (its == all.end()) {
            all.emplace_back(contract.settlement, contract.settled_value.v);
        } else {
            its->second += contract.settled_value.v;
        }
    }
    for (auto& [asset, promised] : netted.promised) {
        auto& held = netted.quantities.at(asset.v);
        promised = std::clamp<Wide>(promised, 0, std::max<Wide>(held, 0));
        held -= promised;
    }
}

std::optional<RiskError> add_settled(Netted& netted, const Surface& surface,
                                     const Portfolio& portfolio) {
    const auto add = [&](base::AssetId asset, Wide quantity) -> std::optional<RiskError> {
        const auto settled = value_of(surface, asset, quantity);
        if (!settled) return settled.error();
        const bool is_off = __builtin_add_overflow(netted.settled, *settled, &netted.settled);
        return is_off ? std::optional(RiskError::out_of_range) : std::nullopt;
    };
    for (const auto& contract : portfolio.contracts) {
        if (auto error = add(contract.settlement, Wide{contract.settled_value.v})) return error;
    }
    for (const auto& [asset, promised] : netted.promised) {
        if (auto error = add(asset, -promised)) return error;
    }
    return std::nullopt;
}

base::Result<Netted, RiskError> netted_of(const Surface& surface, const Portfolio& portfolio) {
    Netted netted;
    for (const auto& token : portfolio.tokens) {
        netted.quantities.at(token.asset.v) += token.quantity.v;
    }
    for (const auto& contract : portfolio.contracts) {
        netted.quantities.at(contract.contract.v) += contract.quantity.v;
    }
    promise(netted, surface.listing(), portfolio);
    if (const auto error = add_settled(netted, surface, portfolio)) {
        return base::Failure{*error};
    }
    return netted;
}

// By division: what is a whole number of dollars is one, so that cash that is all promised is none.
double dollars_of(Wide value) { return static_cast<double>(value) / 1e18; }

// What the kernel is asked about, and equity in exact figures.
struct Question {
    std::array<kernel::Position, base::limits::assets_max + 1> positions{};
    std::size_t count{};
    Wide equity{};
    Wide gross{};

    void add(kernel::InstrumentId instrument, double quantity) {
        if (quantity != 0) positions.at(count++) = {instrument, quantity};
    }
    [[nodiscard]] std::span<const kernel::Position> held() const {
        return std::span(positions).first(count);
    }
};

base::Result<Question, RiskError> question_of(const Surface& surface, const Netted& netted) {
    const auto& parameters = surface.parameters();
    Question question;
    Wide open_result = 0;  // Of contracts.
    if (__builtin_sub_overflow(Wide{0}, netted.settled, &open_result)) {
        return base::Failure{RiskError::out_of_range};
    }
    for (std::size_t i = 0; i < surface.listing().assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const Wide quantity = netted.quantities[i];
        if (quantity == 0) continue;
        const auto value = value_of(surface, asset, quantity);
        if (!value) return base::Failure{value.error()};
        const auto& info = surface.listing().asset(asset);
        const auto magnitude = [](Wide of) { return of < 0 ? -of : of; };
        Wide size = magnitude(*value);
        if (info.kind == base::AssetKind::option) {
            // It stands for its coin; in the money it may be worth more.
            const auto coin = value_at(surface.notional_mark(asset), surface, asset, quantity);
            if (!coin) return base::Failure{coin.error()};
            size = std::max(size, magnitude(*coin));
        }
        if (info.kind != base::AssetKind::cash &&
            __builtin_add_overflow(question.gross, size, &question.gross)) {
            return base::Failure{RiskError::out_of_range};
        }
        Wide& sum = info.kind == base::AssetKind::contract ? open_result : question.equity;
        if (__builtin_add_overflow(sum, *value, &sum)) {
            return base::Failure{RiskError::out_of_range};
        }
        question.add(
            parameters.instrument(asset),
            static_cast<double>(quantity) / static_cast<double>(base::power_of_ten(info.scale)));
    }
    question.add(parameters.cash(), dollars_of(open_result));
    if (__builtin_add_overflow(question.equity, open_result, &question.equity)) {
        return base::Failure{RiskError::out_of_range};
    }
    return question;
}

RiskError error_of(kernel::Fault fault) {
    return fault == kernel::Fault::out_of_range ? RiskError::out_of_range : RiskError::not_finite;
}

base::Result<Question, RiskError> question_of(const Surface& surface, const Portfolio& portfolio) {
    CHECK(surface.listing().assets.size() <= base::limits::assets_max,
          "a listing within its limits");
    const auto netted = netted_of(surface, portfolio);
    if (!netted) return base::Failure{netted.error()};
    return question_of(surface, *netted);
}

// What the second question has that the first has not.
std::vector<kernel::Position> legs_between(const Question& before, const Question& after) {
    std::map<kernel::InstrumentId, double> change;
    for (const auto& position : after.held()) change[position.instrument] += position.quantity;
    for (const auto& position : before.held()) change[position.instrument] -= position.quantity;
    std::vector<kernel::Position> legs;
    legs.reserve(change.size());
    for (const auto& [instrument, quantity] : change) {
        if (quantity != 0) legs.push_back({instrument, quantity});
    }
    return legs;
}

// What the kernel answered, and equity.
struct Found {
    kernel::Margin usd;
    std::int64_t equity_cents{};
    std::int64_t gross_cents{};
};

base::Result<Found, RiskError> found_of(const base::Result<kernel::Margin, kernel::Fault>& margin,
                                        const Question& question) {
    if (!margin) return base::Failure{error_of(margin.error())};
    const auto equity = cents_down(question.equity);
    if (!equity) return base::Failure{equity.error()};
    const auto gross = cents_down(question.gross);
    if (!gross) return base::Failure{gross.error()};
    return Found{.usd = *margin, .equity_cents = *equity, .gross_cents = *gross};
}

// A portfolio as the kernel sees it, with its answer.
struct Looked {
    kernel::Account account;
    Found found;
};

base::Result<Looked, RiskError> look(const Surface& surface,
                                     const base::Result<Question, RiskError>& question) {
    if (!question) return base::Failure{question.error()};
    auto account = kernel::Account::of(surface.kernel(), question->held());
    if (!account) return base::Failure{error_of(account.error())};
    const auto found = found_of(account->margin(), *question);
    if (!found) return base::Failure{found.error()};
    return Looked{.account = *std::move(account), .found = *found};
}

base::Result<Looked, RiskError> look(const Surface& surface, const Portfolio& portfolio) {
    return look(surface, question_of(surface, portfolio));
}

base::Result<Margin, RiskError> rounded(const Found& found) {
    const auto& usd = found.usd;
    Margin margin{.equity_cents = found.equity_cents, .gross_cents = found.gross_cents};
    const std::array<double, parts> figures{
        usd.market,  usd.basis,  usd.funding, usd.liquidity,     usd.shorts,
        usd.haircut, usd.events, usd.oracle,  usd.concentration, usd.protocols};
    for (std::size_t i = 0; i < parts; ++i) {
        const auto cents = cents_up(figures[i]);
        if (!cents) return base::Failure{cents.error()};
        margin.parts_cents[i] = *cents;
    }
    const auto initial = cents_up(usd.initial);
    const auto maintenance = cents_up(usd.maintenance);
    if (!initial) return base::Failure{initial.error()};
    if (!maintenance) return base::Failure{maintenance.error()};
    // Equity is rounded down and the requirements are rounded up: where they are equal, they stay.
    margin.is_in_kind = usd.is_cappable;
    const auto cap =
        margin.is_in_kind ? found.equity_cents : std::numeric_limits<std::int64_t>::max();
    margin.initial_cents = std::min(*initial, cap);
    margin.maintenance_cents = std::min(*maintenance, cap);
    return margin;
}

// Scenarios of markets know no ends of events: what the worst ones take is taken off before.
base::Result<Looked, RiskError> look_at_the_end(const Surface& surface, const Portfolio& portfolio,
                                                const Margin& margin) {
    const auto netted = netted_of(surface, portfolio);
    if (!netted) return base::Failure{netted.error()};
    auto ended = *netted;
    const Wide taken = Wide{margin.part(Part::EV)} * cent;
    if (__builtin_add_overflow(ended.settled, taken, &ended.settled)) {
        return base::Failure{RiskError::out_of_range};
    }
    return look(surface, question_of(surface, ended));
}

base::Result<double, RiskError> risk_fee(const kernel::Account& account,
                                         const kernel::Change& change, const Found& before,
                                         const Found& after, std::uint32_t holding_days) {
    const auto lost_before = account.market_loss_day({});
    const auto lost_after = account.market_loss_day(change);
    if (!lost_before) return base::Failure{error_of(lost_before.error())};
    if (!lost_after) return base::Failure{error_of(lost_after.error())};
    const auto& surface = account.surface();
    return std::max(
        kernel::risk_fee(kernel::risk_borne(surface, before.usd, *lost_before),
                         kernel::risk_borne(surface, after.usd, *lost_after), holding_days),
        0.0);
}

base::Result<Judgement, RiskError> judge_step(const Surface& surface, const Question& before,
                                              const Question& after, std::uint32_t holding_days) {
    const auto account = kernel::Account::of(surface.kernel(), before.held());
    if (!account) return base::Failure{error_of(account.error())};
    const auto change = kernel::Change::of(*surface.kernel(), legs_between(before, after));
    if (!change) return base::Failure{error_of(change.error())};
    const auto now = found_of(account->margin(), before);
    const auto then = found_of(account->what_if(*change), after);
    if (!now) return base::Failure{now.error()};
    if (!then) return base::Failure{then.error()};
    const auto fee = risk_fee(*account, *change, *now, *then, holding_days);
    if (!fee) return base::Failure{fee.error()};
    const auto margin_before = rounded(*now);
    const auto margin_after = rounded(*then);
    const auto fee_cents = cents_up(*fee);
    if (!margin_before) return base::Failure{margin_before.error()};
    if (!margin_after) return base::Failure{margin_after.error()};
    if (!fee_cents) return base::Failure{fee_cents.error()};
    return Judgement{
        .before = *margin_before, .after = *margin_after, .risk_fee_cents = *fee_cents};
}

class PortfolioModel final : public Model {
public:
    base::Result<Margin, RiskError> margin(const Surface& surface,
                                           const Portfolio& portfolio) const override {
        const auto looked = look(surface, portfolio);
        if (!looked) return base::Failure{looked.error()};
        return rounded(looked->found);
    }

    base::Result<MarginDetail, RiskError> detail(const Surface& surface,
                                                 const Portfolio& portfolio) const override {
        const auto looked = look(surface, portfolio);
        if (!looked) return base::Failure{looked.error()};
        const auto& usd = looked->found.usd;
        const auto margin = rounded(looked->found);
        if (!margin) return base::Failure{margin.error()};
        MarginDetail detail{.margin = *margin, .failures = {}};
        const auto losses = usd.loss_by_protocol();
        for (std::size_t i = 0; i < losses.size(); ++i) {
            const auto loss = cents_up(losses[i]);
            const auto shortfall = cents_up(usd.shortfall(i));
            if (!loss) return base::Failure{loss.error()};
            if (!shortfall) return base::Failure{shortfall.error()};
            if (*loss == 0 && *shortfall == 0) continue;
            detail.failures.push_back(
                {.protocol = surface.parameters().universe().protocols[i].name,
                 .loss_cents = *loss,
                 .shortfall_cents = *shortfall});
        }
        return detail;
    }

    base::Result<MarginAndShortfalls, RiskError> shortfalls(
        const Surface& surface, const Portfolio& portfolio) const override {
        auto looked = look(surface, portfolio);
        if (!looked) return base::Failure{looked.error()};
        const auto margin = rounded(looked->found);
        if (!margin) return base::Failure{margin.error()};
        if (looked->found.usd.events > 0) {
            looked = look_at_the_end(surface, portfolio, *margin);
            if (!looked) return base::Failure{looked.error()};
        }
        auto shortfalls = kernel::shortfalls_of(looked->account, looked->found.usd);
        if (!shortfalls) return base::Failure{error_of(shortfalls.error())};
        auto stress = surface.stress().of_client(looked->account, looked->found.usd);
        if (!stress) return base::Failure{error_of(stress.error())};
        return MarginAndShortfalls{
            .margin = *margin, .shortfalls = *std::move(shortfalls), .stress = *std::move(stress)};
    }

    base::Result<std::int64_t, RiskError> stress_loss(const Surface& surface,
                                                      const Portfolio& portfolio) const override {
        auto looked = look(surface, portfolio);
        if (looked && looked->found.usd.events > 0) {
            const auto margin = rounded(looked->found);
            if (!margin) return base::Failure{margin.error()};
            looked = look_at_the_end(surface, portfolio, *margin);
        }
        if (!looked) return base::Failure{looked.error()};
        const auto states = surface.stress().least(looked->account, looked->found.usd);
        if (!states) return base::Failure{error_of(states.error())};
        return cents_up(*std::max_element(states->begin(), states->end()));
    }

    base::Result<Judgement, RiskError> judge(const Surface& surface, const Step& step,
                                             std::uint32_t holding_days) const override {
        const auto before = question_of(surface, step.before);
        if (!before) return base::Failure{before.error()};
        const auto after = question_of(surface, step.after);
        if (!after) return base::Failure{after.error()};
        return judge_step(surface, *before, *after, holding_days);
    }
};

bool shrinks_toward_zero(Wide before, Wide after) {
    return before >= 0 ? (after >= 0 && after <= before) : (after <= 0 && after >= before);
}

bool is_like_cash(const base::Listing& listing, base::AssetId asset) {
    if (listing.asset(asset).kind == base::AssetKind::cash) return true;
    return std::any_of(
        listing.instruments.begin(), listing.instruments.end(),
        [&](const base::InstrumentInfo& instrument) { return instrument.settlement == asset; });
}

}  // namespace

std::unique_ptr<Model> make_portfolio_model() { return std::make_unique<PortfolioModel>(); }

Margin less_fee(Margin margin, std::int64_t fee_cents) {
    CHECK(fee_cents >= 0, "a fee is never negative");
    margin.equity_cents = margin.equity_cents < std::numeric_limits<std::int64_t>::min() + fee_cents
                              ? std::numeric_limits<std::int64_t>::min()
                              : margin.equity_cents - fee_cents;
    if (margin.is_in_kind) {
        margin.initial_cents =
            std::min(margin.initial_cents, std::max<std::int64_t>(margin.equity_cents, 0));
        margin.maintenance_cents = std::min(margin.maintenance_cents, margin.initial_cents);
    }
    return margin;
}

bool is_pure_unwind(const base::Listing& listing, const Portfolio& before, const Portfolio& after,
                    const Margin& margin_before, const Margin& margin_after) {
    if (margin_after.initial_cents > margin_before.initial_cents) return false;
    if (margin_after.maintenance_cents > margin_before.maintenance_cents) return false;
    const Wide cost = Wide{margin_before.equity_cents} - margin_after.equity_cents;
    const Wide freed = Wide{margin_before.initial_cents} - margin_after.initial_cents;
    if (cost > freed + unwind_rounding_cents) return false;
    return is_reducing(listing, before, after);
}

bool is_reducing(const base::Listing& listing, const Portfolio& before, const Portfolio& after) {
    // What is only in `before` has shrunk to nothing, so looking through `after` is enough.
    const auto shrinks = [&](base::AssetId asset) {
        return shrinks_toward_zero(quantity_of(before, asset), quantity_of(after, asset));
    };
    return std::all_of(after.tokens.begin(), after.tokens.end(),
                       [&](const TokenPosition& token) {
                           return is_like_cash(listing, token.asset) || shrinks(token.asset);
                       }) &&
           std::all_of(
               after.contracts.begin(), after.contracts.end(),
               [&](const ContractPosition& contract) { return shrinks(contract.contract); });
}

bool is_all_fresh(const Surface& surface, const Portfolio& portfolio, base::Timestamp now) {
    return std::all_of(portfolio.tokens.begin(), portfolio.tokens.end(),
                       [&](const auto& token) {
                           return token.quantity == base::Amount{0} ||
                                  surface.is_fresh(token.asset, now);
                       }) &&
           std::all_of(portfolio.contracts.begin(), portfolio.contracts.end(),
                       [&](const auto& position) {
                           return surface.is_fresh(position.contract, now) &&
                                  surface.is_fresh(position.settlement, now);
                       });
}

bool is_acceptable(const Margin& before, const Margin& after) {
    if (after.equity_cents >= after.initial_cents) return true;
    if (after.initial_cents >= before.initial_cents) return false;
    return after.equity_cents >= after.maintenance_cents;
}

}  // namespace crossclear::risk
