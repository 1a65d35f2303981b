// A partition's core: its books and its register of machines.
#include "ledger/journal/codec.hpp"
#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/codec_state.hpp"
#include "ledger/journal/state.pb.h"

#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace crossclear::ledger::journal {

namespace codec {

template <>
inline constexpr auto fields_of<ClaimQueue::Claim> = std::tuple{
    value(&ClaimQueue::Claim::account, &pb::PartitionState::Claim::account,
          &pb::PartitionState::Claim::set_account),
    value(&ClaimQueue::Claim::trade, &pb::PartitionState::Claim::trade,
          &pb::PartitionState::Claim::set_trade),
    value(&ClaimQueue::Claim::amount, &pb::PartitionState::Claim::amount,
          &pb::PartitionState::Claim::set_amount),
    value(&ClaimQueue::Claim::settle_by, &pb::PartitionState::Claim::settle_by,
          &pb::PartitionState::Claim::set_settle_by),
};

}  // namespace codec

namespace {

using codec::from_wire;
using codec::Reader;
namespace pb = codec::pb;
using Whole = pb::PartitionState;

template <class Part>
void put_line(const ShardLine& line, Part& to) {
    to.set_held(line.held.v);
    to.set_posted(line.posted.v);
    to.set_position(line.position.v);
}

template <class Part>
ShardLine take_line(const Part& from) {
    return {.held = base::Amount{from.held()},
            .posted = base::Amount{from.posted()},
            .position = base::Amount{from.position()}};
}

// The value is low and 2^64 times high, in 128 bits that wrap. What fits 64 bits has no high part.
struct Parts {
    std::int64_t low{};
    std::int64_t high{};
};

__extension__ using WideBits = unsigned __int128;

Parts parts_of(base::Wide value) {
    const auto low = static_cast<std::int64_t>(static_cast<std::uint64_t>(value));
    const WideBits rest = static_cast<WideBits>(value) - static_cast<WideBits>(base::Wide{low});
    return {.low = low, .high = static_cast<std::int64_t>(static_cast<std::uint64_t>(rest >> 64))};
}

base::Wide joined(const Parts& parts) {
    const auto high = WideBits{static_cast<std::uint64_t>(parts.high)} << 64;
    return static_cast<base::Wide>(high + static_cast<WideBits>(base::Wide{parts.low}));
}

void put_holding(const ShardHolding& holding, Whole::Holding& to) {
    const Parts held = parts_of(holding.held);
    const Parts posted = parts_of(holding.posted);
    const Parts position = parts_of(holding.position);
    to.set_held(held.low);
    to.set_held_high(held.high);
    to.set_posted(posted.low);
    to.set_posted_high(posted.high);
    to.set_position(position.low);
    to.set_position_high(position.high);
}

ShardHolding take_holding(const Whole::Holding& from) {
    return {.held = joined({from.held(), from.held_high()}),
            .posted = joined({from.posted(), from.posted_high()}),
            .position = joined({from.position(), from.position_high()})};
}

// What the owner has asked for so far is its own: whoever goes on asks anew.
void write_claims(const ClaimQueue& queue, Whole::Claims& to) {
    codec::write_map(queue.claims, *to.mutable_claims(),
                     [](std::uint64_t number, const ClaimQueue::Claim& claim, Whole::Claim& part) {
                         part.set_number(number);
                         codec::write_fields(codec::fields_of<ClaimQueue::Claim>, claim, part);
                     });
    to.set_numbered(queue.numbered);
}

bool read_claims(const Whole::Claims& from, ClaimQueue& queue, Reader& reader) {
    queue.numbered = from.numbered();
    const bool is_read = codec::read_map(
        from.claims(), queue.claims,
        [&](const Whole::Claim& part, std::uint64_t& number, ClaimQueue::Claim& claim) {
            number = part.number();
            return codec::read_fields(codec::fields_of<ClaimQueue::Claim>, part, claim, reader);
        });
    if (!is_read) return false;
    for (const auto& [number, claim] : queue.claims) {
        if (number == 0 || number > queue.numbered || claim.amount <= base::Amount{0}) {
            return reader.refuse(CodecError::Kind::out_of_range, "a claim that nobody could make");
        }
        queue.by_account.insert({claim.account, number});
        queue.by_deadline.insert({claim.settle_by, number});
    }
    return true;
}

void write_shard(const ShardBook& book, Whole::Shard& to) {
    codec::write_map(book.now, *to.mutable_now(),
                     [](base::AssetId asset, const ShardHolding& holding, Whole::Holding& part) {
                         part.set_asset(asset.v);
                         put_holding(holding, part);
                     });
    for (const auto& effect : book.recent) {
        auto& part = *to.add_recent();
        part.set_block(effect.block);
        part.set_asset(effect.asset.v);
        put_line(effect.change, part);
    }
    for (const std::uint64_t block : book.looks) to.add_looks(block);
}

bool read_shard(const Whole::Shard& from, ShardBook& book, Reader& reader) {
    for (const auto& part : from.recent()) {
        auto& effect = book.recent.emplace_back();
        effect.block = part.block();
        effect.change = take_line(part);
        if (!from_wire(part.asset(), effect.asset, reader)) return false;
    }
    book.looks.assign(from.looks().begin(), from.looks().end());
    return codec::read_map(
        from.now(), book.now,
        [&](const Whole::Holding& part, base::AssetId& asset, ShardHolding& holding) {
            holding = take_holding(part);
            return from_wire(part.asset(), asset, reader);
        });
}

void write_trial(const Book& from, Whole& to) {
    codec::write_map(from.trial, *to.mutable_trial(),
                     [](const TrialKey& key, base::Wide amount, Whole::Line& part) {
                         part.set_broker(key.broker.v);
                         part.set_account(codec::to_wire(key.account));
                         part.set_shard(key.shard.v);
                         part.set_asset(key.asset.v);
                         part.set_high(static_cast<std::int64_t>(amount >> 64));
                         part.set_low(static_cast<std::uint64_t>(amount));
                     });
    codec::write_map(from.quotas, *to.mutable_quotas(),
                     [](const BrokerAsset& of, const Quota& quota, Whole::Quota& part) {
                         part.set_broker(of.broker.v);
                         part.set_asset(of.asset.v);
                         part.set_granted(quota.granted.v);
                         part.set_deposited(quota.deposited.v);
                         part.set_returned(quota.returned.v);
                         part.set_transferred(quota.transferred.v);
                     });
}

bool read_trial(const Whole& from, Book& to, Reader& reader) {
    return codec::read_map(from.trial(), to.trial,
                           [&](const Whole::Line& part, TrialKey& key, base::Wide& amount) {
                               amount =
                                   static_cast<base::Wide>(part.high()) * (base::Wide{1} << 64) +
                                   static_cast<base::Wide>(part.low());
                               return from_wire(part.broker(), key.broker, reader) &&
                                      from_wire(part.account(), key.account, reader) &&
                                      from_wire(part.shard(), key.shard, reader) &&
                                      from_wire(part.asset(), key.asset, reader);
                           }) &&
           codec::read_map(from.quotas(), to.quotas,
                           [&](const Whole::Quota& part, BrokerAsset& of, Quota& quota) {
                               quota = {.granted = base::Amount{part.granted()},
                                        .deposited = base::Amount{part.deposited()},
                                        .returned = base::Amount{part.returned()},
                                        .transferred = base::Amount{part.transferred()}};
                               return from_wire(part.broker(), of.broker, reader) &&
                                      from_wire(part.asset(), of.asset, reader);
                           });
}

using Amounts = std::map<base::AccountId, std::map<base::AssetId, base::Amount>>;

template <class Parts>
void write_amounts(const Amounts& from, Parts& to) {
    codec::write_map(
        from, to, [](base::AccountId account, const auto& amounts, Whole::Contracts& part) {
            part.set_account(account.v);
            codec::write_map(amounts, *part.mutable_positions(),
                             [](base::AssetId asset, base::Amount quantity, auto& position) {
                                 position.set_asset(asset.v);
                                 position.set_quantity(quantity.v);
                             });
        });
}

template <class Parts>
bool read_amounts(const Parts& from, Amounts& to, Reader& reader) {
    return codec::read_map(
        from, to, [&](const Whole::Contracts& part, base::AccountId& account, auto& amounts) {
            account.v = part.account();
            return codec::read_map(
                part.positions(), amounts,
                [&](const auto& position, base::AssetId& asset, base::Amount& quantity) {
                    quantity.v = position.quantity();
                    return from_wire(position.asset(), asset, reader);
                });
        });
}

void write_book(const Book& from, Whole& to) {
    to.set_events(from.events);
    write_trial(from, to);
    codec::write_map(from.claims, *to.mutable_claims(),
                     [](const BrokerAsset& of, const ClaimQueue& queue, Whole::Claims& part) {
                         part.set_broker(of.broker.v);
                         part.set_asset(of.asset.v);
                         write_claims(queue, part);
                     });
    codec::write_map(from.shards, *to.mutable_shards(),
                     [](const BrokerShard& of, const ShardBook& book, Whole::Shard& part) {
                         part.set_broker(of.broker.v);
                         part.set_shard(of.shard.v);
                         write_shard(book, part);
                     });
    write_amounts(from.contracts, *to.mutable_contracts());
    write_amounts(from.debts, *to.mutable_debts());
    std::uint64_t previous = 0;
    for (const auto account : from.below_margin) {
        to.add_below_margin(account.v - std::exchange(previous, account.v));
    }
    codec::write_map(from.hedged, *to.mutable_hedged(),
                     [](const base::EntityId& task, base::Amount filled, Whole::Hedged& part) {
                         codec::write_entity(task, *part.mutable_task());
                         part.set_filled(filled.v);
                     });
}

bool read_book(const Whole& from, Book& to, Reader& reader) {
    to.events = from.events();
    base::AccountId account;
    for (const std::uint64_t distance : from.below_margin()) {
        account.v += distance;
        to.below_margin.insert(to.below_margin.end(), account);
    }
    return read_trial(from, to, reader) &&
           codec::read_map(from.claims(), to.claims,
                           [&](const Whole::Claims& part, BrokerAsset& of, ClaimQueue& queue) {
                               return from_wire(part.broker(), of.broker, reader) &&
                                      from_wire(part.asset(), of.asset, reader) &&
                                      read_claims(part, queue, reader);
                           }) &&
           codec::read_map(from.shards(), to.shards,
                           [&](const Whole::Shard& part, BrokerShard& of, ShardBook& book) {
                               return from_wire(part.broker(), of.broker, reader) &&
                                      from_wire(part.shard(), of.shard, reader) &&
                                      read_shard(part, book, reader);
                           }) &&
           read_amounts(from.contracts(), to.contracts, reader) &&
           read_amounts(from.debts(), to.debts, reader) &&
           codec::read_map(
               from.hedged(), to.hedged,
               [&](const Whole::Hedged& part, base::EntityId& task, base::Amount& filled) {
                   filled.v = part.filled();
                   return codec::read_entity(part.task(), task, reader);
               });
}

// Accounts are many, close to each other and seldom in a row: each is stored as its distance from
// the one before.
void write_known(const EntitySet& from, Whole& to) {
    std::uint64_t previous = 0;
    for (const auto& [first, count] : from.runs()) {
        if (first.kind != base::EntityKind::account) {
            auto& row = *to.add_machines();
            codec::write_entity(first, *row.mutable_first());
            row.set_more(count - 1);
            continue;
        }
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto account = EntitySet::in_row(first, i).id;
            to.add_accounts(account - std::exchange(previous, account));
        }
    }
}

void write_register(const Register& from, Whole& to) {
    write_known(from.known, to);
    for (const auto& entity : from.open) codec::write_entity(entity, *to.add_open());
    for (const auto& held : from.held) {
        auto& part = *to.add_held();
        part.set_account(held.account.v);
        part.set_number(held.number);
    }
    for (const auto& transfer : from.transfers) {
        auto& part = *to.add_transfers();
        part.set_account(transfer.account.v);
        part.set_number(transfer.number);
    }
    for (const auto& match : from.matches) {
        auto& part = *to.add_matches();
        part.set_account(match.account.v);
        part.set_number(match.number);
    }
}

template <class Parts>
bool read_entities(const Parts& from, std::set<base::EntityId>& to, Reader& reader) {
    for (const auto& part : from) {
        base::EntityId entity;
        if (!codec::read_entity(part, entity, reader)) return false;
        to.insert(to.end(), entity);
    }
    return true;
}

bool read_known(const Whole& from, EntitySet& to, Reader& reader) {
    std::uint64_t account = 0;
    for (const std::uint64_t distance : from.accounts()) {
        account += distance;
        to.insert(base::entity_of(base::AccountId{account}));
    }
    for (const auto& row : from.machines()) {
        base::EntityId first;
        if (!codec::read_entity(row.first(), first, reader)) return false;
        const bool is_row = first.kind != base::EntityKind::account &&
                            row.more() != std::numeric_limits<std::uint64_t>::max() &&
                            to.insert_run(first, row.more() + 1);
        if (!is_row) {
            return reader.refuse(CodecError::Kind::out_of_range, "a row of no machines");
        }
    }
    return true;
}

bool read_register(const Whole& from, Register& to, Reader& reader) {
    for (const auto& part : from.held()) {
        to.held.insert(to.held.end(), {base::AccountId{part.account()}, part.number()});
    }
    for (const auto& part : from.transfers()) {
        to.transfers.insert(to.transfers.end(), {base::AccountId{part.account()}, part.number()});
    }
    for (const auto& part : from.matches()) {
        to.matches.insert(to.matches.end(), {base::AccountId{part.account()}, part.number()});
    }
    return read_known(from, to.known, reader) && read_entities(from.open(), to.open, reader);
}

void write_core(const Core& from, Whole& to) {
    to.set_id(from.id.v);
    to.set_epoch(from.epoch);
    write_book(from.book, to);
    write_register(from.machines, to);
}

bool read_core(const Whole& from, Core& to, Reader& reader) {
    to.epoch = from.epoch();
    return from_wire(from.id(), to.id, reader) && read_book(from, to.book, reader) &&
           read_register(from, to.machines, reader);
}

}  // namespace

std::string encode_core(const Core& core) {
    return codec::encode_message<Whole>(core, &write_core);
}

base::Result<Core, CodecError> decode_core(std::string_view bytes) {
    return codec::decode_message<Whole>(bytes, Core{}, &read_core,
                                        [](const Core& core) { return encode_core(core); });
}

}  // namespace crossclear::ledger::journal
