#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/events.hpp"
#include "ledger/account/machine.hpp"
#include "ledger/account/state.hpp"

#include <cstdint>
#include <vector>

/// Accounts and commands for tests, in a small world of three tokens and a contract. Every command
/// is acceptable as built; a test changes what it is about.

namespace crossclear::tests {

/// The world of the builders. Amounts are minor units; every scale is 6.
namespace world {

inline constexpr base::AssetId usdc{0};  ///< What everything is paid in.
inline constexpr base::AssetId eth{1};
inline constexpr base::AssetId dai{2};
inline constexpr base::AssetId eth_perp{3};  ///< A contract.
inline constexpr base::ShardId shard{0};
inline constexpr int scale = 6;
inline constexpr base::Price mark{2'000'000'000};  ///< Two USDC per unit of anything.
inline constexpr base::Timestamp now{1'700'000'000'000'000};
inline constexpr base::Timestamp settle_by{now.us + 3'600'000'000};  ///< An hour later.

}  // namespace world

/// The n-th id of a client: made n milliseconds after an hour before `world::now`.
[[nodiscard]] base::CommandId an_id(std::uint64_t n);

/// An account and the balances it starts with, booked by events like any other.
class AnAccount {
public:
    AnAccount();

    /// Settled balance, from a deposit that is final.
    AnAccount& with_free(base::AssetId asset, std::int64_t amount);
    /// A deposit that was only seen.
    AnAccount& with_seen(base::AssetId asset, std::int64_t amount);
    /// A claim from a trade of its own.
    AnAccount& with_claim(base::AssetId asset, std::int64_t amount,
                          base::Timestamp settle_by = world::settle_by);
    /// A debt in USDC, from a fee.
    AnAccount& with_debt(std::int64_t amount);
    /// A contract position and the value it was last settled at.
    AnAccount& with_contract(std::int64_t quantity, std::int64_t settled_value);

    operator ledger::account::State() const { return state_; }

private:
    ledger::account::State state_;
    std::uint64_t events_{};
};

/// An account of broker 0.
[[nodiscard]] AnAccount an_account();

/// Buys or sells `quantity` of a token for `cash` at the mark, with a fee of 1.
[[nodiscard]] ledger::account::SubmitTrade a_trade(std::uint64_t id, base::AssetId token,
                                                   std::int64_t quantity, std::int64_t cash);

/// As `a_trade`, of the contract.
[[nodiscard]] ledger::account::SubmitTrade a_contract_trade(std::uint64_t id, std::int64_t quantity,
                                                            std::int64_t cash);

/// Asks for `amount` of an asset to be paid out.
[[nodiscard]] ledger::account::RequestWithdrawal a_withdrawal(std::uint64_t id, base::AssetId asset,
                                                              std::int64_t amount);

/// Asks for withdrawal `number` back.
[[nodiscard]] ledger::account::CancelWithdrawal a_cancel(std::uint64_t id, std::uint32_t number);

/// Another account of the same broker.
[[nodiscard]] base::AccountId another_account();

/// Asks to give `amount` of an asset to `another_account`.
[[nodiscard]] ledger::account::RequestTransfer a_transfer(std::uint64_t id, base::AssetId asset,
                                                          std::int64_t amount);

/// Hands over transfer `number` of `another_account`.
[[nodiscard]] ledger::account::ReceiveTransfer an_arrival(std::uint64_t number, base::AssetId asset,
                                                          std::int64_t amount);

/// Asks to buy `quantity` ETH for `cash` from `another_account`, as a venue has matched it.
[[nodiscard]] ledger::account::SubmitMatchedTrade a_match(std::uint64_t id, std::int64_t quantity,
                                                          std::int64_t cash);

/// Asks to close what the trade would, as the account's next trade.
[[nodiscard]] ledger::account::Liquidate a_liquidation(const ledger::account::State& state,
                                                       const ledger::account::SubmitTrade& trade);

/// Asks to take `amount` ETH for a debt in USDC, at `dollars` for one: minor units are alike.
[[nodiscard]] ledger::account::TakeCollateral a_taking(const ledger::account::State& state,
                                                       std::int64_t amount, std::int64_t dollars);

/// Asks the seller of match `number` of `another_account` to reserve its side of the same.
[[nodiscard]] ledger::account::ReserveMatch a_sale(std::uint64_t number, std::int64_t quantity,
                                                   std::int64_t cash);

/// Tells of deposit `number`.
[[nodiscard]] ledger::account::NoteDeposit a_deposit(std::uint64_t number, base::AssetId asset,
                                                     std::int64_t amount,
                                                     ledger::Finality finality);

/// Settles the contract at a mark.
[[nodiscard]] ledger::account::SettleVariation a_settlement_at(base::Price mark);
/// Settles the contract's funding up to an index.
[[nodiscard]] ledger::account::SettleFunding a_funding_up_to(std::int64_t index);
/// The end of all ETH-PERP, at that price.
[[nodiscard]] ledger::account::ExpireContract an_end_at(base::Price price);

/// Decides and applies. Returns the events; none where the command is refused.
std::vector<ledger::account::Event> run(ledger::account::State& state,
                                        const ledger::account::Command& command);

/// The reason in a decision, however it came; `none` where the command was accepted.
[[nodiscard]] ledger::account::Reject reason_of(const ledger::account::Decision& decision);

/// What is decided where there is nothing new.
inline const ledger::account::Decision no_news{std::vector<ledger::account::Event>{}};

[[nodiscard]] const ledger::account::Holding& usdc_of(const ledger::account::State& state);
[[nodiscard]] const ledger::account::Holding& eth_of(const ledger::account::State& state);

/// A command that may well succeed in `state`, drawn from `rng`; now and then a repeat or nonsense.
[[nodiscard]] ledger::account::Command random_account_command(base::Rng& rng,
                                                              const ledger::account::State& state);

}  // namespace crossclear::tests
