// How an account's host looks at margin, and closes what cannot stand.
#include "actors/account_actor.hpp"
#include "actors/house_room.hpp"
#include "actors/liquidation.hpp"
#include "actors/worth.hpp"
#include "base/decimal.hpp"

#include <optional>
#include <string>
#include <utility>

namespace crossclear::actors {

namespace account = ledger::account;

namespace {

// Of one look; the next one follows on the next cycle.
constexpr int liquidations_max = 16;

}  // namespace

void AccountHost::review_margin(const AccountOrder& order) {
    auto look = liquidate(context_->now());
    auto word = order.acknowledge;
    if (auto* kept = std::get_if<MarginKept>(&word)) {
        kept->safe_move = safe_move_of(look, crank_.state().standing);
        kept->shortfalls = std::move(look.shortfalls);
        kept->stress = std::move(look.stress);
        kept->is_below_maintenance = look.review.equity_cents < look.review.maintenance_cents;
    }
    crank_.when_durable([this, word = std::move(word)](std::uint64_t) { acknowledge(word); });
}

// Looks, closes as much as it takes, and returns the last look.
MarginLook AccountHost::liquidate(base::Timestamp now) {
    settle_funding();
    auto look = look_at_margin(*context_, crank_.state(), now);
    commit_for(look.review);
    for (int i = 0; i < liquidations_max; ++i) {
        const auto& state = crank_.state();
        // Who was lost once and has recovered since is not lost at the next first look.
        if (state.standing != account::Standing::liquidating) lost_since_.reset();
        if (!look.review.is_known || state.standing != account::Standing::liquidating) break;
        bool is_done = false;
        for (const auto& order : next_liquidation(*context_, state, look, lost_since_)) {
            const bool is_made =
                std::visit([this](const auto& one) { return commit_for(one); }, order);
            is_done = is_made || is_done;
        }
        if (!is_done) {
            const bool is_worthless = is_rest_worthless(state, *look.surface);
            is_done =
                commit_for(account::AllocateLoss{.is_rest_worthless = is_worthless, .at = now});
        }
        if (!is_done) break;
        look = look_at_margin(*context_, crank_.state(), now);
        commit_for(look.review);
    }
    return look;
}

// Whether anything came of it.
template <class Command>
bool AccountHost::commit_for(const Command& command) {
    const auto decision = account::decide(crank_.state(), command);
    if (!decision || decision->empty()) return false;
    commit(*decision);
    return true;
}

void AccountHost::count(const account::StandingChanged& changed) const {
    const auto id = crank_.state().id;
    const auto& broker = context_->broker(base::broker_of(id)).profile.name;
    const char* standing = account::name_of(changed.to);
    context_->instruments->clearing.standings_total.with({broker, standing}).increment();
    // Near the line a call comes and goes with the marks.
    const bool is_default = changed.to == account::Standing::defaulted;
    if (!is_default && changed.to != account::Standing::liquidating) return;
    context_->log(is_default ? LogLevel::warning : LogLevel::info,
                  "An account stands otherwise with its margin.",
                  {{"account", base::to_string(id)},
                   {"standing", standing},
                   {"equity_cents", std::to_string(changed.equity_cents)},
                   {"initial_cents", std::to_string(changed.initial_cents)},
                   {"maintenance_cents", std::to_string(changed.maintenance_cents)}});
}

void AccountHost::count(const account::CollateralTaken& taken) const {
    const auto id = crank_.state().id;
    const auto& broker = context_->broker(base::broker_of(id));
    const auto& listing = context_->listing;
    const auto surface = broker.surface.load();
    const auto text_of = [&](base::AssetId asset, base::Amount amount) {
        return base::format_decimal(amount.v, listing.asset(asset).scale);
    };
    const auto cents = surface ? worth_cents(*surface, taken.owed, taken.cash) : std::nullopt;
    context_->instruments->clearing.collateral_taken_usd_total.with({broker.profile.name})
        .increment(static_cast<double>(cents.value_or(0)) / 100);
    context_->log(LogLevel::info, "Collateral was taken for a debt; the broker holds it now.",
                  {{"account", base::to_string(id)},
                   {"asset", listing.asset(taken.asset).symbol},
                   {"amount", text_of(taken.asset, taken.amount)},
                   {"owed", listing.asset(taken.owed).symbol},
                   {"paid", text_of(taken.owed, taken.cash)}});
}

void AccountHost::count(const account::LossAllocated& allocated) const {
    const auto& broker = context_->broker(base::broker_of(crank_.state().id));
    const auto surface = broker.surface.load();
    const auto cents =
        surface ? worth_cents(*surface, allocated.asset, allocated.loss) : std::nullopt;
    context_->instruments->clearing.default_losses_usd_total.with({broker.profile.name})
        .increment(static_cast<double>(cents.value_or(0)) / 100);
}

}  // namespace crossclear::actors
