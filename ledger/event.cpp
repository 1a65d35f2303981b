#include "ledger/event.hpp"

#include <array>

namespace crossclear::ledger {
namespace {

// In the order of each machine's variant; the sizes are checked below.
constexpr std::array account_names = {
    "account.TradeNovated",       "account.CommandRefused",    "account.WithdrawalHeld",
    "account.WithdrawalReturned", "account.WithdrawalPaid",    "account.DepositNoted",
    "account.ClaimsCovered",      "account.ClaimsCashSettled", "account.VariationSettled",
    "account.CancelRequested",    "account.CancelRefused",     "account.TransferSent",
    "account.TransferReceived",   "account.TransferDeclined",  "account.TransferDelivered",
    "account.TransferReturned",   "account.MatchReserved",     "account.MatchAborted",
    "account.MatchEnded",         "account.MatchAccepted",     "account.MatchDeclined",
    "account.MatchReleased",      "account.StandingChanged",   "account.LossAllocated",
    "account.ContractExpired",    "account.FundingSettled",    "account.CollateralTaken",
};
static_assert(account_names.size() == std::variant_size_v<account::Event>);
constexpr std::array cover_names = {
    "cover.QuotaArrived",
    "cover.QuotaReturned",
};
static_assert(cover_names.size() == std::variant_size_v<cover::Event>);
constexpr std::array netting_names = {
    "netting.CapitalPaidIn",     "netting.DepositRecorded", "netting.DepositAcknowledged",
    "netting.QuotaGranted",      "netting.HedgeOpened",     "netting.HedgeClosed",
    "netting.MoveOpened",        "netting.MoveClosed",      "netting.VenueVariation",
    "netting.ResultBooked",      "netting.DepositReplaced", "netting.HedgeCalledOff",
    "netting.DepartureApproved", "netting.DepartureClosed", "netting.LossBorne",
    "netting.PriceProposed",     "netting.PriceDisputed",   "netting.PriceFixed",
};
static_assert(netting_names.size() == std::variant_size_v<netting::Event>);
constexpr std::array hedge_names = {
    "hedge.HedgeCommitted", "hedge.SliceSent",   "hedge.SliceIncluded", "hedge.SliceReorged",
    "hedge.SliceFilled",    "hedge.SliceFailed", "hedge.HedgeFinished", "hedge.HedgeCancelled",
};
static_assert(hedge_names.size() == std::variant_size_v<hedge::Event>);
constexpr std::array instruction_names = {
    "instruction.InstructionCreated", "instruction.LegSent",  "instruction.LegIncluded",
    "instruction.LegReorged",         "instruction.LegFinal", "instruction.LegFailed",
    "instruction.InstructionEnded",
};
static_assert(instruction_names.size() == std::variant_size_v<instruction::Event>);
constexpr std::array withdrawal_names = {
    "withdrawal.WithdrawalQueued",    "withdrawal.WithdrawalApproved",
    "withdrawal.WithdrawalCompleted", "withdrawal.WithdrawalDropped",
    "withdrawal.EndAcknowledged",
};
static_assert(withdrawal_names.size() == std::variant_size_v<withdrawal::Event>);
constexpr std::array reconcile_names = {
    "reconcile.Reconciled",    "reconcile.BreakOpened",  "reconcile.BreakChanged",
    "reconcile.BreakClosed",   "reconcile.LaneFrozen",   "reconcile.LaneThawed",
    "reconcile.BreakResolved", "reconcile.LanePauseSet",
};
static_assert(reconcile_names.size() == std::variant_size_v<reconcile::Event>);
constexpr std::array signing_names = {
    "signing.LaneOpened",        "signing.IntentTaken",        "signing.TransactionPlanned",
    "signing.TransactionSigned", "signing.TransactionRefused", "signing.TransactionIncluded",
    "signing.InclusionUndone",   "signing.NonceFinished",      "signing.LaneHalted",
    "signing.NonceForfeited",    "signing.LaneResumed",
};
static_assert(signing_names.size() == std::variant_size_v<signing::Event>);

const char* name_in(const account::Event& event) { return account_names[event.index()]; }
const char* name_in(const cover::Event& event) { return cover_names[event.index()]; }
const char* name_in(const netting::Event& event) { return netting_names[event.index()]; }
const char* name_in(const hedge::Event& event) { return hedge_names[event.index()]; }
const char* name_in(const instruction::Event& event) { return instruction_names[event.index()]; }
const char* name_in(const withdrawal::Event& event) { return withdrawal_names[event.index()]; }
const char* name_in(const reconcile::Event& event) { return reconcile_names[event.index()]; }
const char* name_in(const signing::Event& event) { return signing_names[event.index()]; }
const char* name_in(const EpochStarted&) { return "partition.EpochStarted"; }

}  // namespace

const char* name_of(const Event& event) {
    return std::visit([](const auto& one) { return name_in(one); }, event);
}

}  // namespace crossclear::ledger
