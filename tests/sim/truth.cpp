#include "tests/sim/truth.hpp"

#include "base/hash.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "store/quorum/majority.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace crossclear::sim {

namespace journal = ledger::journal;
using base::Amount;

namespace {

// Whole books are looked at every so many records; trial balances after each.
constexpr std::uint64_t books_every = 32;

std::uint64_t key_of(const journal::Digest& digest) {
    std::uint64_t key = 0;
    std::memcpy(&key, digest.data(), sizeof key);
    return key;
}

// Whether what lies between the known heads and `end` is as it was written.
bool is_chain(base::PartitionId partition, const std::vector<journal::Head>& heads,
              const std::vector<journal::Record>& records, std::uint64_t end) {
    auto last = heads.empty() ? journal::Head{} : heads.back();
    for (std::uint64_t seq = heads.size() + 1; seq <= end; ++seq) {
        if (!journal::is_linked(cluster, partition, last, records[seq - 1])) return false;
        last = records[seq - 1].head;
    }
    return true;
}

std::uint64_t digest_of(base::AssetId asset, std::initializer_list<Amount> amounts) {
    std::uint64_t digest = asset.v;
    for (const auto amount : amounts) {
        digest = base::hash_combine(digest, static_cast<std::uint64_t>(amount.v));
    }
    return digest;
}

// The same number for a state and for a view of it; assets without anything do not count.
template <class Lines, class Each>
std::uint64_t balances_digest(const Lines& lines, Each each) {
    std::uint64_t digest = 0;
    const std::uint64_t nothing = 0;
    for (const auto& line : lines) digest ^= each(line).value_or(nothing);
    return digest;
}

}  // namespace

Truth::Truth(Stage& stage, std::vector<std::shared_ptr<Disk>> disks)
    : stage_(stage), disks_(std::move(disks)), logs_(stage.plan.partitions), lane_(stage) {
    for (std::uint16_t i = 0; i < stage_.plan.partitions; ++i) {
        logs_[i].state.id = base::PartitionId{i};
        logs_[i].state.partitions = stage_.plan.partitions;
    }
    for (const auto& disk : disks_) {
        disk->on_written = [this](base::PartitionId, const journal::Record& record,
                                  std::size_t number) {
            written_on_[key_of(record.head.head)] |= 1U << number;
        };
    }
}

std::size_t Truth::holders_of(const journal::Record& record) const {
    const auto found = written_on_.find(key_of(record.head.head));
    return found == written_on_.end() ? 0 : static_cast<std::size_t>(std::popcount(found->second));
}

void Truth::claim(base::PartitionId partition, const journal::Record& record) {
    if (stage_.finding) return;
    const auto& head = record.head;
    stage_.note("committed", partition.v, head.seq);
    const auto holders = holders_of(record);
    if (holders < store::majority_of(disks_.size())) {
        stage_.blame(3, fmt::format("record {} of partition {} was taken for durable and is held "
                                    "by {} of {} acceptors",
                                    head.seq, partition.v, holders, disks_.size()));
        return;
    }
    auto& heads = logs_[partition.v].heads;
    if (head.seq <= heads.size()) {
        // A late word about what is known already.
        if (heads[head.seq - 1].head != head.head) {
            stage_.blame(
                4, fmt::format("partition {} has two committed records {}", partition.v, head.seq));
        }
        return;
    }
    for (const auto& earlier : missing_before(partition, record)) follow(partition, earlier);
    follow(partition, record);
}

// What an owner before left uncommitted and this one's record commits with it.
std::vector<journal::Record> Truth::missing_before(base::PartitionId partition,
                                                   const journal::Record& record) const {
    const auto known = logs_[partition.v].heads.size();
    std::vector<journal::Record> missing;
    if (record.head.seq == known + 1) return missing;
    for (const auto& disk : disks_) {
        const auto records = disk->journal().records_of(partition);
        // Of several holders, one may have rotted.
        const bool has_it = records.size() >= record.head.seq &&
                            records[record.head.seq - 1].head == record.head &&
                            is_chain(partition, logs_[partition.v].heads, records, record.head.seq);
        if (!has_it) continue;
        missing.assign(records.begin() + static_cast<std::ptrdiff_t>(known),
                       records.begin() + static_cast<std::ptrdiff_t>(record.head.seq) - 1);
        return missing;
    }
    return missing;
}

void Truth::follow(base::PartitionId partition, const journal::Record& record) {
    if (stage_.finding) return;
    auto& log = logs_[partition.v];
    const auto last = log.heads.empty() ? journal::Head{} : log.heads.back();
    if (!journal::is_linked(cluster, partition, last, record)) {
        stage_.blame(6, fmt::format("record {} of partition {} does not follow record {}, which "
                                    "was committed: an owner does not hold what was acknowledged",
                                    record.head.seq, partition.v, last.seq));
        return;
    }
    log.heads.push_back(record.head);
    ++records_;
    const auto entries = journal::decode_payload(record.payload);
    if (!entries) {
        stage_.blame(3, fmt::format("record {} of partition {} cannot be read", record.head.seq,
                                    partition.v));
        return;
    }
    for (const auto& entry : *entries) take_in(partition, entry);
    if (const auto fault = ledger::fault_of(log.state.book)) {
        stage_.blame(1, fmt::format("partition {}: {}", partition.v, *fault));
    }
    if (++log.checked_at % books_every == 0) check_books(partition);
}

void Truth::take_in(base::PartitionId partition, const ledger::Entry& entry) {
    if (stage_.is_loud) {
        std::fprintf(stderr, "%17.6f  event %d %s %s\n",
                     static_cast<double>(stage_.agenda.now().us) * 1e-6, partition.v,
                     base::to_string(entry.entity).c_str(), ledger::name_of(entry.event));
    }
    if (const auto* event = std::get_if<ledger::account::Event>(&entry.event)) {
        check_transfer(base::AccountId{entry.entity.id}, *event);
        check_match(base::AccountId{entry.entity.id}, *event);
        if (stage_.finding) return;
    }
    ledger::replay(logs_[partition.v].state, entry);
    if (const auto* event = std::get_if<ledger::signing::Event>(&entry.event)) {
        lane_.take_in(logs_[partition.v].state.signers.at(entry.entity), *event);
    }
    note_ends(entry);
    note_marks(entry);
    if (entry.entity.kind == base::EntityKind::account) {
        remember_account(base::AccountId{entry.entity.id});
    }
}

void Truth::remember_account(base::AccountId account) {
    const auto& state = logs_[base::partition_of(account, stage_.plan.partitions).v].state;
    const auto& folded = state.accounts.at(account);
    auto& known = balances_[account];
    if (known.empty()) known.push_back(0);
    known.resize(folded.version + 1);
    known[folded.version] =
        balances_digest(folded.holdings, [](const auto& line) -> std::optional<std::uint64_t> {
            const auto& holding = line.second;
            if (holding == ledger::account::Holding{}) return std::nullopt;
            return digest_of(line.first, {holding.seen, holding.free, holding.unsettled,
                                          holding.held, holding.recv});
        });
}

// An order takes effect or does not, once; a saga is settled or compensated, once.
void Truth::note_ends(const ledger::Entry& entry) {
    namespace hedge = ledger::hedge;
    namespace instruction = ledger::instruction;
    const auto end_order = [&](std::uint32_t number, bool took_effect) {
        const base::OrderRef ref{entry.entity, number};
        if (!ended_orders_.emplace(ref, took_effect).second) {
            stage_.blame(14, "order " + base::to_string(ref) + " ended twice");
        }
    };
    const auto end_saga = [&](bool is_settled) {
        if (!ended_sagas_.emplace(entry.entity, is_settled).second) {
            stage_.blame(15, base::to_string(entry.entity) + " ended twice");
        }
    };
    if (const auto* event = std::get_if<hedge::Event>(&entry.event)) {
        if (const auto* sent = std::get_if<hedge::SliceSent>(event)) {
            sent_.insert({entry.entity, sent->number});
        } else if (const auto* filled = std::get_if<hedge::SliceFilled>(event)) {
            end_order(filled->number, true);
        } else if (const auto* failed = std::get_if<hedge::SliceFailed>(event)) {
            end_order(failed->number, false);
        } else if (std::holds_alternative<hedge::HedgeFinished>(*event)) {
            end_saga(true);
        }
    } else if (const auto* leg_event = std::get_if<instruction::Event>(&entry.event)) {
        if (const auto* sent = std::get_if<instruction::LegSent>(leg_event)) {
            sent_.insert({entry.entity, instruction::order_number(sent->leg, sent->attempt)});
        } else if (const auto* done = std::get_if<instruction::LegFinal>(leg_event)) {
            end_order(instruction::order_number(done->leg, done->attempt), true);
        } else if (const auto* failed = std::get_if<instruction::LegFailed>(leg_event)) {
            end_order(instruction::order_number(failed->leg, failed->attempt), false);
        } else if (const auto* ended = std::get_if<instruction::InstructionEnded>(leg_event)) {
            end_saga(ended->outcome == instruction::Outcome::settled);
        }
    } else if (const auto* payment = std::get_if<ledger::withdrawal::Event>(&entry.event)) {
        if (std::holds_alternative<ledger::withdrawal::WithdrawalCompleted>(*payment)) {
            end_saga(true);
        } else if (std::holds_alternative<ledger::withdrawal::WithdrawalDropped>(*payment)) {
            end_saga(false);
        }
    }
}

void Truth::note_marks(const ledger::Entry& entry) {
    namespace account = ledger::account;
    namespace hedge = ledger::hedge;
    namespace instruction = ledger::instruction;
    if (const auto* event = std::get_if<account::Event>(&entry.event)) {
        if (std::holds_alternative<account::CommandRefused>(*event)) {
            stage_.mark(Mark::trade_refused);
        } else if (std::holds_alternative<account::ClaimsCashSettled>(*event)) {
            stage_.mark(Mark::claim_cash_settled);
        } else if (std::holds_alternative<account::WithdrawalPaid>(*event)) {
            stage_.mark(Mark::withdrawal_paid);
        } else if (std::holds_alternative<account::VariationSettled>(*event)) {
            stage_.mark(Mark::variation_settled);
        } else if (std::holds_alternative<account::FundingSettled>(*event)) {
            stage_.mark(Mark::funding_settled);
        } else if (const auto* trade = std::get_if<account::TradeNovated>(event)) {
            if (trade->is_liquidation) stage_.mark(Mark::liquidated);
        } else if (std::holds_alternative<account::LossAllocated>(*event)) {
            stage_.mark(Mark::loss_allocated);
        } else if (const auto* noted = std::get_if<account::DepositNoted>(event)) {
            if (noted->finality == ledger::Finality::unseen) {
                stage_.mark(Mark::deposit_reorganised);
            }
        }
    } else if (const auto* slice = std::get_if<hedge::Event>(&entry.event)) {
        if (std::holds_alternative<hedge::SliceReorged>(*slice)) {
            stage_.mark(Mark::slice_reorganised);
        } else if (std::holds_alternative<hedge::SliceFailed>(*slice)) {
            stage_.mark(Mark::slice_failed);
        }
    } else if (const auto* leg = std::get_if<instruction::Event>(&entry.event)) {
        if (std::holds_alternative<instruction::LegReorged>(*leg)) {
            stage_.mark(Mark::leg_reorganised);
        } else if (std::holds_alternative<instruction::LegFailed>(*leg)) {
            stage_.mark(Mark::leg_failed);
        }
    }
}

void Truth::check_order(const ledger::ShardOrder& order) {
    if (stage_.finding || sent_.contains(order.ref)) return;
    stage_.blame(
        8, "order " + base::to_string(order.ref) + " left for its shard before that was durable");
}

void Truth::check_snapshot(base::PartitionId partition, const journal::Fence& fence,
                           const journal::EntitySnapshot& snapshot) {
    // One that was replaced and does not know it is turned away by the fence.
    if (stage_.finding || fence.epoch != logs_[partition.v].state.epoch) return;
    stage_.mark(Mark::snapshot_stored);
    // Others, and those of an earlier record, show in what a restart makes of them.
    const bool is_account = snapshot.entity.kind == base::EntityKind::account;
    if (!is_account || snapshot.at.seq != logs_[partition.v].heads.size()) return;
    const base::AccountId account{snapshot.entity.id};
    const auto& accounts = logs_[partition.v].state.accounts;
    const auto found = accounts.find(account);
    ledger::account::State fresh;
    fresh.id = account;
    const auto& folded = found == accounts.end() ? fresh : found->second;
    if (journal::encode_state(folded) != snapshot.state) {
        stage_.blame(11, fmt::format("the snapshot of account {} at record {} is not what its "
                                     "events say",
                                     base::to_string(account), snapshot.at.seq));
    }
}

void Truth::check_view(const actors::AccountView& view) {
    if (stage_.finding) return;
    const auto found = balances_.find(view.account);
    const std::size_t known = found == balances_.end() ? 1 : found->second.size();
    if (view.sequence >= known) {
        stage_.blame(16, fmt::format("account {} was shown at version {} and is committed up to {}",
                                     base::to_string(view.account), view.sequence, known - 1));
        return;
    }
    const auto shown =
        balances_digest(view.balances, [](const auto& line) -> std::optional<std::uint64_t> {
            const Amount none{};
            const bool is_empty = line.seen == none && line.free == none &&
                                  line.unsettled == none && line.held == none && line.owed == none;
            if (is_empty) return std::nullopt;
            return digest_of(line.asset,
                             {line.seen, line.free, line.unsettled, line.held, line.owed});
        });
    const auto expected = view.sequence == 0 ? 0 : found->second[view.sequence];
    if (shown != expected) {
        stage_.blame(16, fmt::format("account {} was shown other balances at version {} than are "
                                     "committed",
                                     base::to_string(view.account), view.sequence));
    }
}

const ledger::account::Answer* Truth::answer_to(base::AccountId account, base::CommandId id) const {
    const auto& accounts = logs_[base::partition_of(account, stage_.plan.partitions).v].state;
    const auto found = accounts.accounts.find(account);
    if (found == accounts.accounts.end()) return nullptr;
    const auto answer = found->second.answered.find(id);
    return answer == found->second.answered.end() ? nullptr : &answer->second;
}

}  // namespace crossclear::sim
