#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <cstdint>

/// Every maximum in one place, and how they relate. Reaching one is a numbered refusal.

namespace crossclear::base::limits {

inline constexpr std::uint16_t partitions_max = 256;
inline constexpr std::uint16_t partitions_default = 8;
inline constexpr std::size_t assets_max = 256;
inline constexpr std::size_t instruments_max = 256;
inline constexpr std::size_t shards_max = 64;
inline constexpr std::size_t brokers_max = 1'024;

/// Bytes of one journal record, and entries in it.
inline constexpr std::size_t record_bytes_max = 256 * 1'024;
inline constexpr std::size_t record_entries_max = 1'024;
/// Records of a log that an actor reads and folds at once, while its worker does nothing else. With
/// more, and many partitions taken over together, nodes were not answered in time and took each
/// other for gone, let go of everything, and began again for ever.
inline constexpr std::size_t read_page_records_max = 32;
/// Bytes of one encoded event; a record holds at least a few of the largest.
inline constexpr std::size_t entry_bytes_max = 16 * 1'024;
/// Entries waiting in one partition for their record; beyond it new commands are refused.
inline constexpr std::size_t append_queue_max = 16'384;

/// Snapshots a partition writes at once, beside its appends.
inline constexpr std::size_t snapshots_in_flight_max = 32;
/// Snapshots a partition reads at once for machines that are wanted; the rest wait their turn.
inline constexpr std::size_t snapshot_reads_in_flight_max = 64;

/// Reads of one partition that wait for the journal's word; beyond it they are refused.
inline constexpr std::size_t reads_waiting_max = 4'096;

/// Commands one account holds back while their events are not durable, and reads likewise.
inline constexpr std::size_t account_held_max = 512;
/// Answers one account remembers; evicting the oldest raises the floor of acceptable ids.
inline constexpr std::size_t answered_max = 4'096;
/// Trades one account remembers after they are settled.
inline constexpr std::size_t trades_remembered_max = 1'024;
/// Claims one account may have open per asset.
inline constexpr std::size_t claims_max = 1'024;
/// Claims that one event covers: more of them take several, since each has to fit a journal entry.
/// A part takes at most 32 bytes encoded.
inline constexpr std::size_t cover_parts_max = 256;
/// Withdrawals one account may have open.
inline constexpr std::size_t withdrawals_open_max = 64;
/// Transfers one account may have on their way, and those that ended and are still shown.
inline constexpr std::size_t transfers_open_max = 64;
inline constexpr std::size_t transfers_remembered_max = 64;
/// Accounts from which one account may have received transfers; each is remembered for ever.
inline constexpr std::size_t senders_max = 4'096;
/// Matched trades in which one account buys that may be under way, and how long their sellers have
/// to answer.
inline constexpr std::size_t matches_open_max = 256;
inline constexpr Duration match_within = seconds(5);
/// Accounts to which one account may have sold in matched trades; each is remembered for ever.
inline constexpr std::size_t buyers_max = 4'096;
/// How far from the mark a venue's price may be, in millionths of the mark.
inline constexpr std::int64_t match_band_ppm = 50'000;
/// Commands that ask for one withdrawal back and are not decided yet.
inline constexpr std::size_t cancels_undecided_max = 8;
/// How far ahead of the clock an id may claim to have been made.
inline constexpr Duration id_ahead_max = seconds(300);

inline constexpr std::size_t hedge_tasks_open_max = 256;
inline constexpr std::size_t slices_max = 32;
inline constexpr std::size_t instruction_legs_max = 16;
inline constexpr std::size_t orders_in_flight_max = 256;
inline constexpr std::size_t orders_ended_max = 16'384;
inline constexpr std::uint32_t orders_per_second_max = 1'000'000;
/// Nonces of one key that are not finished: nodes keep about so many of one sender. Orders whose
/// end is remembered: more than a lane has in flight. Transactions that are tried under one nonce;
/// bytes of a call, and of a signed transaction.
inline constexpr std::size_t signing_slots_max = 64;
inline constexpr std::size_t signing_outcomes_max = 512;
inline constexpr std::size_t signing_transactions_max = 16;
inline constexpr std::size_t signing_call_bytes_max = 4'096;
inline constexpr std::size_t signing_raw_bytes_max = 8'192;
inline constexpr std::size_t breaks_open_max = 256;
/// Operators' commands that one reconciler remembers; evicting the oldest raises its floor.
inline constexpr std::size_t operator_commands_max = 256;
/// How long an average may take, and the last price of a contract be disputed.
inline constexpr Duration dispute_max = seconds(90 * 86'400);
/// Operators' commands about the last price of one contract, all remembered.
inline constexpr std::size_t price_commands_max = 64;
/// Hedge tasks of which a broker's transparency channel tells again.
inline constexpr std::size_t hedges_published_max = 256;
/// Settlements of one venue that wait for others; a rescan tells those beyond it again.
inline constexpr std::size_t variations_waiting_max = 512;

/// The wire.
inline constexpr std::size_t frame_bytes_max = 64 * 1'024;
inline constexpr std::size_t rpc_batch_max = 64;
inline constexpr std::size_t outbound_bytes_max = 1'024 * 1'024;
inline constexpr std::size_t outbound_messages_max = 4'096;
inline constexpr std::size_t subscriptions_max = 256;
// Logins of one address: all its connections may log in at once, and a guesser is slow.
inline constexpr std::int64_t logins_per_second = 64;
inline constexpr std::int64_t logins_burst = 512;
inline constexpr std::size_t channel_history_max = 256;

static_assert(entry_bytes_max * 4 <= record_bytes_max, "a record holds several large events");
static_assert(signing_outcomes_max > orders_in_flight_max, "who has not heard can ask");
static_assert(signing_call_bytes_max < signing_raw_bytes_max, "a call fits its transaction");
static_assert(signing_raw_bytes_max < entry_bytes_max, "a transaction fits an entry");
static_assert(variations_waiting_max <= record_entries_max, "they fit one record together");
static_assert(cover_parts_max * 32 < entry_bytes_max, "an event that covers claims fits an entry");
static_assert(record_entries_max <= append_queue_max, "a full record can gather while one flies");
static_assert(account_held_max <= append_queue_max, "one account cannot fill the queue alone");
static_assert(account_held_max <= reads_waiting_max, "one account cannot keep others from reading");
static_assert(frame_bytes_max <= outbound_bytes_max, "the answer to the largest frame fits");

}  // namespace crossclear::base::limits
