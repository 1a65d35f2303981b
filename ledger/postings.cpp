#include "ledger/postings.hpp"

#include "base/check.hpp"
#include "base/wide.hpp"

#include <map>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::AssetId;
using base::ShardId;

// Collects the lines of one event. `book` is one row of the table: debit this, credit that.
class Booking {
public:
    explicit Booking(std::uint64_t client) : client_(client) {}

    void line(Chart account, std::uint64_t sub, AssetId asset, Amount amount) {
        if (amount != Amount{0}) lines_.push_back({account, sub, asset, amount});
    }

    void row(Chart debit, std::uint64_t debit_sub, Chart credit, std::uint64_t credit_sub,
             AssetId asset, Amount amount) {
        line(debit, debit_sub, asset, amount);
        line(credit, credit_sub, asset, base::must_subtract(Amount{0}, amount));
    }

    // A client's balances: liabilities grow by credits, what it owes by debits.
    void client(const BalanceChange& change) {
        const auto credit = [&](Chart account, Amount grown) {
            line(account, client_, change.asset, base::must_subtract(Amount{0}, grown));
        };
        credit(Chart::seen, change.seen);
        credit(Chart::free, change.free);
        credit(Chart::unsettled, change.unsettled);
        credit(Chart::held, change.held);
        line(Chart::recv, client_, change.asset, change.recv);
    }

    [[nodiscard]] std::uint64_t client_id() const { return client_; }
    [[nodiscard]] std::vector<Posting> take() && { return std::move(lines_); }

private:
    std::uint64_t client_;
    std::vector<Posting> lines_;
};

void book(Booking& to, const account::TradeNovated& trade) {
    for (const auto& change : trade.changes) to.client(change);
    to.line(Chart::fee_income, 0, trade.settlement, base::must_subtract(Amount{0}, trade.fee));
    if (trade.is_contract) {
        to.row(Chart::hbook, 0, Chart::cpos, to.client_id(), trade.base, trade.quantity);
    } else {
        to.line(Chart::conv, 0, trade.base, trade.quantity);
        to.line(Chart::conv, 0, trade.settlement, trade.cash);
    }
}

void book(Booking&, const account::CommandRefused&) {}
void book(Booking&, const account::StandingChanged&) {}

void book(Booking& to, const account::LossAllocated& allocated) {
    to.client(allocated.change);
    to.line(Chart::loss, 0, allocated.asset, allocated.loss);
}

void book(Booking& to, const account::WithdrawalHeld& held) {
    to.row(Chart::free, to.client_id(), Chart::held, to.client_id(), held.asset, held.amount);
}

void book(Booking& to, const account::WithdrawalReturned& returned) {
    to.row(Chart::held, to.client_id(), Chart::free, to.client_id(), returned.asset,
           returned.amount);
}

void book(Booking& to, const account::WithdrawalPaid& paid) {
    to.row(Chart::held, to.client_id(), Chart::transit, 0, paid.asset, paid.amount);
}

void book(Booking& to, const account::DepositNoted& noted) {
    to.client(noted.change);
    to.line(Chart::transit, 0, noted.asset, base::must_add(noted.change.seen, noted.change.free));
}

void book(Booking& to, const account::ClaimsCovered& covered) {
    to.row(Chart::unsettled, to.client_id(), Chart::free, to.client_id(), covered.asset,
           covered.amount);
}

void book(Booking& to, const account::ClaimsCashSettled& settled) {
    for (const auto& change : settled.changes) to.client(change);
    to.line(Chart::conv, 0, settled.asset, base::must_subtract(Amount{0}, settled.amount));
    to.line(Chart::conv, 0, settled.settlement, settled.cash);
}

void book(Booking& to, const account::CollateralTaken& taken) {
    for (const auto& change : taken.changes) to.client(change);
    to.line(Chart::conv, 0, taken.asset, base::must_subtract(Amount{0}, taken.amount));
    to.line(Chart::conv, 0, taken.owed, taken.cash);
}

void book(Booking& to, const account::VariationSettled& settled) {
    to.client(settled.balance);
    to.line(Chart::vm, 0, settled.settlement, settled.change);
}

void book(Booking& to, const account::FundingSettled& settled) {
    to.client(settled.balance);
    to.line(Chart::vm, 0, settled.settlement, settled.change);
}

void book(Booking& to, const account::ContractExpired& expired) {
    to.client(expired.balance);
    to.line(Chart::vm, 0, expired.settlement, expired.change);
    to.row(Chart::cpos, to.client_id(), Chart::hbook, 0, expired.contract, expired.quantity);
}

void book(Booking&, const account::CancelRequested&) {}
void book(Booking&, const account::CancelRefused&) {}

void book(Booking& to, const account::TransferSent& sent) {
    to.row(Chart::free, to.client_id(), Chart::transit, 0, sent.asset, sent.amount);
}

void book(Booking& to, const account::TransferReceived& received) {
    to.row(Chart::transit, 0, Chart::free, to.client_id(), received.asset, received.amount);
}

void book(Booking& to, const account::TransferReturned& returned) {
    to.row(Chart::transit, 0, Chart::free, to.client_id(), returned.asset, returned.amount);
}

void book(Booking&, const account::TransferDeclined&) {}
void book(Booking&, const account::TransferDelivered&) {}

// FREE and HELD of the same client.
void book(Booking& to, const account::MatchReserved& reserved) {
    for (const auto& change : reserved.changes) to.client(change);
}
void book(Booking& to, const account::MatchAborted& aborted) {
    for (const auto& change : aborted.changes) to.client(change);
}
void book(Booking& to, const account::MatchAccepted& accepted) {
    for (const auto& change : accepted.changes) to.client(change);
}
void book(Booking& to, const account::MatchReleased& released) {
    for (const auto& change : released.changes) to.client(change);
}
void book(Booking&, const account::MatchEnded&) {}
void book(Booking&, const account::MatchDeclined&) {}

void book(Booking&, const cover::QuotaArrived&) {}
void book(Booking&, const cover::QuotaReturned&) {}

Chart account_of(netting::Source source) {
    switch (source) {
        case netting::Source::capital:
            return Chart::capital;
        case netting::Source::insurance:
            return Chart::insurance;
        case netting::Source::fund:
            return Chart::fund;
    }
    UNREACHABLE("an unlisted source");
}

void book(Booking& to, const netting::CapitalPaidIn& paid) {
    to.row(Chart::nostro, paid.shard.v, account_of(paid.source), 0, paid.asset, paid.amount);
}

void book(Booking& to, const netting::DepositRecorded& deposit) {
    switch (deposit.finality) {
        case Finality::seen:
            to.row(Chart::inflight_in, 0, Chart::transit, 0, deposit.asset, deposit.amount);
            return;
        case Finality::final:
            to.row(Chart::nostro, deposit.shard.v, Chart::inflight_in, 0, deposit.asset,
                   deposit.amount);
            return;
        case Finality::unseen:
            to.row(Chart::transit, 0, Chart::inflight_in, 0, deposit.asset, deposit.amount);
            return;
        case Finality::included:
        case Finality::safe:
            return;
    }
    UNREACHABLE("an unlisted finality");
}

void book(Booking&, const netting::PriceProposed&) {}
void book(Booking&, const netting::PriceDisputed&) {}
void book(Booking&, const netting::PriceFixed&) {}
void book(Booking&, const netting::DepositAcknowledged&) {}
void book(Booking&, const netting::DepositReplaced&) {}
void book(Booking&, const netting::QuotaGranted&) {}
void book(Booking&, const netting::HedgeOpened&) {}
void book(Booking&, const netting::HedgeClosed&) {}
void book(Booking&, const netting::HedgeCalledOff&) {}
void book(Booking&, const netting::DepartureApproved&) {}
void book(Booking&, const netting::DepartureClosed&) {}
void book(Booking&, const netting::MoveOpened&) {}
void book(Booking&, const netting::MoveClosed&) {}

void book(Booking& to, const netting::VenueVariation& variation) {
    const auto shard = variation.shard.v;
    to.row(Chart::posted, shard, Chart::vm, 0, variation.settlement, variation.change);
    to.row(Chart::vpos, shard, Chart::venue, 0, variation.contract, variation.closed);
}

void book(Booking& to, const netting::ResultBooked& result) {
    to.row(Chart::conv, 0, Chart::hedge_pnl, 0, result.settlement, result.conv);
    to.row(Chart::vm, 0, Chart::hedge_pnl, 0, result.settlement, result.vm);
}

void book(Booking& to, const netting::LossBorne& borne) {
    to.row(Chart::capital, 0, Chart::loss, 0, borne.asset, borne.from_capital);
    to.row(Chart::insurance, 0, Chart::loss, 0, borne.asset, borne.from_insurance);
}

void book(Booking&, const hedge::HedgeCommitted&) {}
void book(Booking&, const hedge::SliceIncluded&) {}
void book(Booking&, const hedge::SliceReorged&) {}
void book(Booking&, const hedge::HedgeFinished&) {}
void book(Booking&, const hedge::HedgeCancelled&) {}

void book(Booking& to, const hedge::SliceSent& sent) {
    to.row(Chart::inflight_hedge, sent.shard.v, Chart::nostro, sent.shard.v, sent.given_asset,
           sent.given_max);
}

void book(Booking& to, const hedge::SliceFilled& filled) {
    const auto shard = filled.shard.v;
    to.row(Chart::gas, 0, Chart::nostro, shard, filled.gas_asset, filled.gas);
    if (filled.is_contract) {
        to.row(Chart::vpos, shard, Chart::venue, 0, filled.base, filled.filled);
        return;
    }
    to.row(Chart::conv, 0, Chart::inflight_hedge, shard, filled.given_asset, filled.given);
    to.row(Chart::nostro, shard, Chart::inflight_hedge, shard, filled.given_asset,
           base::must_subtract(filled.given_max, filled.given));
    to.row(Chart::nostro, shard, Chart::conv, 0, filled.received_asset, filled.received);
}

void book(Booking& to, const hedge::SliceFailed& failed) {
    const auto shard = failed.shard.v;
    to.row(Chart::nostro, shard, Chart::inflight_hedge, shard, failed.given_asset,
           failed.given_max);
    to.row(Chart::gas, 0, Chart::nostro, shard, failed.gas_asset, failed.gas);
}

// Margin on its way to or from a venue covers nobody; withdrawals and moves stay coverage.
Chart inflight_of(OrderKind kind) {
    const bool is_margin = kind == OrderKind::post_margin || kind == OrderKind::take_margin;
    return is_margin ? Chart::inflight_hedge : Chart::inflight_out;
}

Chart source_of(OrderKind kind) {
    return kind == OrderKind::take_margin ? Chart::posted : Chart::nostro;
}

void book(Booking&, const instruction::InstructionCreated&) {}
void book(Booking&, const instruction::LegIncluded&) {}
void book(Booking&, const instruction::LegReorged&) {}
void book(Booking&, const instruction::InstructionEnded&) {}

void book(Booking& to, const instruction::LegSent& sent) {
    to.row(inflight_of(sent.order), sent.shard.v, source_of(sent.order), sent.shard.v, sent.asset,
           sent.amount);
}

void book_final_order(Booking& to, const instruction::LegFinal& leg) {
    const auto shard = leg.shard.v;
    switch (leg.order) {
        case OrderKind::pay_out:
            to.row(Chart::transit, 0, Chart::inflight_out, shard, leg.asset, leg.amount);
            return;
        case OrderKind::bridge_out:
            return;  // The tokens are on their way; the arrival leg takes them out of flight.
        case OrderKind::post_margin:
            to.row(Chart::posted, shard, Chart::inflight_hedge, shard, leg.asset, leg.amount);
            return;
        case OrderKind::take_margin:
            to.row(Chart::nostro, shard, Chart::inflight_hedge, shard, leg.asset, leg.amount);
            return;
        case OrderKind::swap:
        case OrderKind::contract:
            UNREACHABLE("an instruction does not trade");
    }
    UNREACHABLE("an unlisted order kind");
}

void book(Booking& to, const instruction::LegFinal& leg) {
    to.row(Chart::gas, 0, Chart::nostro, leg.shard.v, leg.gas_asset, leg.gas);
    if (leg.kind == instruction::LegKind::arrival) {
        to.row(Chart::nostro, leg.shard.v, Chart::inflight_out, leg.from_shard.v, leg.asset,
               leg.amount);
    } else {
        book_final_order(to, leg);
    }
}

void book(Booking& to, const instruction::LegFailed& failed) {
    const auto shard = failed.shard.v;
    to.row(source_of(failed.order), shard, inflight_of(failed.order), shard, failed.asset,
           failed.amount);
    to.row(Chart::gas, 0, Chart::nostro, shard, failed.gas_asset, failed.gas);
}

void book(Booking&, const reconcile::Reconciled&) {}
void book(Booking&, const reconcile::BreakOpened&) {}
void book(Booking&, const reconcile::BreakChanged&) {}
void book(Booking&, const reconcile::BreakClosed&) {}
void book(Booking&, const reconcile::LaneFrozen&) {}
void book(Booking&, const reconcile::LaneThawed&) {}
void book(Booking&, const reconcile::LanePauseSet&) {}

void book(Booking& to, const reconcile::BreakResolved& resolved) {
    const auto shard = resolved.shard.v;
    to.row(Chart::nostro, shard, Chart::suspense, shard, resolved.asset, resolved.booked);
    to.row(Chart::capital, 0, Chart::suspense, shard, resolved.asset, resolved.borne);
}

void book(Booking&, const EpochStarted&) {}

// A nested variant is visited down to its alternative.
template <class... Events>
void book(Booking& to, const std::variant<Events...>& event) {
    std::visit([&](const auto& one) { book(to, one); }, event);
}

void book(Booking&, const withdrawal::Event&) {}
// What moved is booked by whoever's order it was, its gas too.
void book(Booking&, const signing::Event&) {}

}  // namespace

std::vector<Posting> postings_of(const Entry& entry) {
    Booking booking(entry.entity.kind == base::EntityKind::account ? entry.entity.id : 0);
    std::visit([&](const auto& event) { book(booking, event); }, entry.event);
    return std::move(booking).take();
}

std::optional<AssetId> imbalance_of(const std::vector<Posting>& postings) {
    std::map<AssetId, base::Wide> sums;
    for (const auto& posting : postings) sums[posting.asset] += posting.amount.v;
    for (const auto& [asset, sum] : sums) {
        if (sum != 0) return asset;
    }
    return std::nullopt;
}

const char* name_of(Chart account) {
    switch (account) {
        case Chart::nostro:
            return "NOSTRO";
        case Chart::posted:
            return "POSTED";
        case Chart::inflight_in:
            return "INFLIGHT_IN";
        case Chart::inflight_hedge:
            return "INFLIGHT_OUT:hedge";
        case Chart::inflight_out:
            return "INFLIGHT_OUT";
        case Chart::recv:
            return "RECV";
        case Chart::free:
            return "FREE";
        case Chart::unsettled:
            return "UNSETTLED";
        case Chart::seen:
            return "SEEN";
        case Chart::held:
            return "HELD";
        case Chart::fund:
            return "FUND";
        case Chart::capital:
            return "CAPITAL";
        case Chart::insurance:
            return "INSURANCE";
        case Chart::fee_income:
            return "FEE_INCOME";
        case Chart::hedge_pnl:
            return "HEDGE_PNL";
        case Chart::gas:
            return "GAS";
        case Chart::loss:
            return "LOSS";
        case Chart::conv:
            return "CONV";
        case Chart::vm:
            return "VM";
        case Chart::transit:
            return "TRANSIT";
        case Chart::suspense:
            return "SUSPENSE";
        case Chart::cpos:
            return "CPOS";
        case Chart::hbook:
            return "HBOOK";
        case Chart::vpos:
            return "VPOS";
        case Chart::venue:
            return "VENUE";
    }
    UNREACHABLE("an unlisted account of the chart");
}

int side_of(Chart account) {
    switch (account) {
        case Chart::nostro:
        case Chart::posted:
        case Chart::inflight_in:
        case Chart::inflight_hedge:
        case Chart::inflight_out:
        case Chart::recv:
        case Chart::gas:
            return 1;
        case Chart::free:
        case Chart::unsettled:
        case Chart::seen:
        case Chart::held:
        case Chart::fund:
        case Chart::capital:
        case Chart::insurance:
        case Chart::fee_income:
            return -1;
        case Chart::hedge_pnl:
        case Chart::loss:
        case Chart::conv:
        case Chart::vm:
        case Chart::transit:
        case Chart::suspense:
        case Chart::cpos:
        case Chart::hbook:
        case Chart::vpos:
        case Chart::venue:
            return 0;
    }
    UNREACHABLE("an unlisted account of the chart");
}

}  // namespace crossclear::ledger
