#include "ledger/journal/codec_state.hpp"

#include "ledger/journal/codec.hpp"
#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/state.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace crossclear::ledger::journal {

namespace codec {

template <>
inline constexpr auto fields_of<account::Claim> = std::tuple{
    value(&account::Claim::trade, &pb::AccountState::Claim::trade,
          &pb::AccountState::Claim::set_trade),
    value(&account::Claim::amount, &pb::AccountState::Claim::amount,
          &pb::AccountState::Claim::set_amount),
    value(&account::Claim::settle_by, &pb::AccountState::Claim::settle_by,
          &pb::AccountState::Claim::set_settle_by),
};

template <>
inline constexpr auto fields_of<account::Holding> = std::tuple{
    value(&account::Holding::seen, &pb::AccountState::Holding::seen,
          &pb::AccountState::Holding::set_seen),
    value(&account::Holding::free, &pb::AccountState::Holding::free,
          &pb::AccountState::Holding::set_free),
    value(&account::Holding::unsettled, &pb::AccountState::Holding::unsettled,
          &pb::AccountState::Holding::set_unsettled),
    value(&account::Holding::held, &pb::AccountState::Holding::held,
          &pb::AccountState::Holding::set_held),
    value(&account::Holding::recv, &pb::AccountState::Holding::recv,
          &pb::AccountState::Holding::set_recv),
    list(&account::Holding::claims, &pb::AccountState::Holding::claims,
         &pb::AccountState::Holding::mutable_claims),
};

template <>
inline constexpr auto fields_of<account::Contract> = std::tuple{
    value(&account::Contract::quantity, &pb::AccountState::Contract::quantity,
          &pb::AccountState::Contract::set_quantity),
    value(&account::Contract::settled_value, &pb::AccountState::Contract::settled_value,
          &pb::AccountState::Contract::set_settled_value),
    maybe(&account::Contract::funding, &pb::AccountState::Contract::has_funding,
          &pb::AccountState::Contract::funding, &pb::AccountState::Contract::set_funding),
};

template <>
inline constexpr auto fields_of<account::Trade> = std::tuple{
    nested(&account::Trade::cause, &pb::AccountState::Trade::cause,
           &pb::AccountState::Trade::mutable_cause),
    value(&account::Trade::instrument, &pb::AccountState::Trade::instrument,
          &pb::AccountState::Trade::set_instrument),
    value(&account::Trade::quantity, &pb::AccountState::Trade::quantity,
          &pb::AccountState::Trade::set_quantity),
    value(&account::Trade::price, &pb::AccountState::Trade::price,
          &pb::AccountState::Trade::set_price),
    value(&account::Trade::cash, &pb::AccountState::Trade::cash,
          &pb::AccountState::Trade::set_cash),
    value(&account::Trade::fee, &pb::AccountState::Trade::fee, &pb::AccountState::Trade::set_fee),
    value(&account::Trade::claimed, &pb::AccountState::Trade::claimed,
          &pb::AccountState::Trade::set_claimed),
    value(&account::Trade::claimed_asset, &pb::AccountState::Trade::claimed_asset,
          &pb::AccountState::Trade::set_claimed_asset),
    value(&account::Trade::open, &pb::AccountState::Trade::open,
          &pb::AccountState::Trade::set_open),
    value(&account::Trade::state, &pb::AccountState::Trade::state,
          &pb::AccountState::Trade::set_state),
    value(&account::Trade::at, &pb::AccountState::Trade::at, &pb::AccountState::Trade::set_at),
    value(&account::Trade::settled_at, &pb::AccountState::Trade::settled_at,
          &pb::AccountState::Trade::set_settled_at),
    value(&account::Trade::is_liquidation, &pb::AccountState::Trade::is_liquidation,
          &pb::AccountState::Trade::set_is_liquidation),
};

template <>
inline constexpr auto fields_of<account::Withdrawal> = std::tuple{
    value(&account::Withdrawal::asset, &pb::AccountState::Withdrawal::asset,
          &pb::AccountState::Withdrawal::set_asset),
    value(&account::Withdrawal::amount, &pb::AccountState::Withdrawal::amount,
          &pb::AccountState::Withdrawal::set_amount),
    value(&account::Withdrawal::shard, &pb::AccountState::Withdrawal::shard,
          &pb::AccountState::Withdrawal::set_shard),
    bytes(&account::Withdrawal::destination, &pb::AccountState::Withdrawal::destination,
          &pb::AccountState::Withdrawal::mutable_destination),
    value(&account::Withdrawal::at, &pb::AccountState::Withdrawal::at,
          &pb::AccountState::Withdrawal::set_at),
    list(&account::Withdrawal::cancels, &pb::AccountState::Withdrawal::cancels,
         &pb::AccountState::Withdrawal::mutable_cancels),
};

template <>
inline constexpr auto fields_of<account::Answer> = std::tuple{
    value(&account::Answer::body, &pb::AccountState::Answer::body,
          &pb::AccountState::Answer::set_body),
    value(&account::Answer::reject, &pb::AccountState::Answer::reject,
          &pb::AccountState::Answer::set_reject),
    value(&account::Answer::number, &pb::AccountState::Answer::number,
          &pb::AccountState::Answer::set_number),
    value(&account::Answer::price, &pb::AccountState::Answer::price,
          &pb::AccountState::Answer::set_price),
    value(&account::Answer::fee, &pb::AccountState::Answer::fee,
          &pb::AccountState::Answer::set_fee),
    value(&account::Answer::version, &pb::AccountState::Answer::version,
          &pb::AccountState::Answer::set_version),
    value(&account::Answer::is_of_seller, &pb::AccountState::Answer::is_of_seller,
          &pb::AccountState::Answer::set_is_of_seller),
    value(&account::Answer::sale, &pb::AccountState::Answer::sale,
          &pb::AccountState::Answer::set_sale),
};

template <>
inline constexpr auto fields_of<account::Deposit> = std::tuple{
    value(&account::Deposit::asset, &pb::AccountState::Deposit::asset,
          &pb::AccountState::Deposit::set_asset),
    value(&account::Deposit::amount, &pb::AccountState::Deposit::amount,
          &pb::AccountState::Deposit::set_amount),
    value(&account::Deposit::finality, &pb::AccountState::Deposit::finality,
          &pb::AccountState::Deposit::set_finality),
};

template <>
inline constexpr auto fields_of<account::Transfer> = std::tuple{
    value(&account::Transfer::to, &pb::AccountState::Transfer::to,
          &pb::AccountState::Transfer::set_to),
    value(&account::Transfer::asset, &pb::AccountState::Transfer::asset,
          &pb::AccountState::Transfer::set_asset),
    value(&account::Transfer::amount, &pb::AccountState::Transfer::amount,
          &pb::AccountState::Transfer::set_amount),
    value(&account::Transfer::state, &pb::AccountState::Transfer::state,
          &pb::AccountState::Transfer::set_state),
    value(&account::Transfer::reason, &pb::AccountState::Transfer::reason,
          &pb::AccountState::Transfer::set_reason),
    value(&account::Transfer::at, &pb::AccountState::Transfer::at,
          &pb::AccountState::Transfer::set_at),
    value(&account::Transfer::ended_at, &pb::AccountState::Transfer::ended_at,
          &pb::AccountState::Transfer::set_ended_at),
};

template <>
inline constexpr auto fields_of<account::Arrival> = std::tuple{
    value(&account::Arrival::number, &pb::AccountState::Arrival::number,
          &pb::AccountState::Arrival::set_number),
    value(&account::Arrival::reject, &pb::AccountState::Arrival::reject,
          &pb::AccountState::Arrival::set_reject),
};

template <>
inline constexpr auto fields_of<account::Match> = std::tuple{
    nested(&account::Match::cause, &pb::AccountState::Match::cause,
           &pb::AccountState::Match::mutable_cause),
    value(&account::Match::seller, &pb::AccountState::Match::seller,
          &pb::AccountState::Match::set_seller),
    nested(&account::Match::reserved, &pb::AccountState::Match::reserved,
           &pb::AccountState::Match::mutable_reserved),
    value(&account::Match::deadline, &pb::AccountState::Match::deadline,
          &pb::AccountState::Match::set_deadline),
    value(&account::Match::state, &pb::AccountState::Match::state,
          &pb::AccountState::Match::set_state),
    value(&account::Match::trade, &pb::AccountState::Match::trade,
          &pb::AccountState::Match::set_trade),
};

template <>
inline constexpr auto fields_of<account::Sale> = std::tuple{
    value(&account::Sale::number, &pb::AccountState::Sale::number,
          &pb::AccountState::Sale::set_number),
    nested(&account::Sale::cause, &pb::AccountState::Sale::cause,
           &pb::AccountState::Sale::mutable_cause),
    nested(&account::Sale::reserved, &pb::AccountState::Sale::reserved,
           &pb::AccountState::Sale::mutable_reserved),
};

template <>
inline constexpr auto fields_of<account::SaleEnd> = std::tuple{
    value(&account::SaleEnd::number, &pb::AccountState::SaleEnd::number,
          &pb::AccountState::SaleEnd::set_number),
    value(&account::SaleEnd::reject, &pb::AccountState::SaleEnd::reject,
          &pb::AccountState::SaleEnd::set_reject),
    value(&account::SaleEnd::trade, &pb::AccountState::SaleEnd::trade,
          &pb::AccountState::SaleEnd::set_trade),
};

}  // namespace codec

namespace {

using codec::Reader;
namespace pb = codec::pb;
using google::protobuf::RepeatedPtrField;
using Message = pb::AccountState;

// Keys of the maps. They stand inside the messages of the values.
void put_key(base::AssetId key, Message::Holding& to) { to.set_asset(key.v); }
void put_key(base::AssetId key, Message::Contract& to) { to.set_asset(key.v); }
void put_key(std::uint64_t key, Message::Trade& to) { to.set_number(key); }
void put_key(std::uint32_t key, Message::Withdrawal& to) { to.set_number(key); }
void put_key(const base::CommandId& key, Message::Answer& to) {
    codec::write_fields(codec::fields_of<base::CommandId>, key, *to.mutable_cause());
}
void put_key(std::uint64_t key, Message::Transfer& to) { to.set_number(key); }
void put_key(base::AccountId key, Message::Arrival& to) { to.set_from(key.v); }
void put_key(std::uint64_t key, Message::Match& to) { to.set_number(key); }
void put_key(base::AccountId key, Message::Sale& to) { to.set_buyer(key.v); }
void put_key(base::AccountId key, Message::SaleEnd& to) { to.set_buyer(key.v); }
void put_key(const DepositKey& key, Message::Deposit& to) {
    to.set_shard(key.shard.v);
    to.set_id(key.id);
}

bool take_key(const Message::Holding& from, base::AssetId& key, Reader& reader) {
    return codec::from_wire(from.asset(), key, reader);
}
bool take_key(const Message::Contract& from, base::AssetId& key, Reader& reader) {
    return codec::from_wire(from.asset(), key, reader);
}
bool take_key(const Message::Trade& from, std::uint64_t& key, Reader& reader) {
    return codec::from_wire(from.number(), key, reader);
}
bool take_key(const Message::Withdrawal& from, std::uint32_t& key, Reader& reader) {
    return codec::from_wire(from.number(), key, reader);
}
bool take_key(const Message::Answer& from, base::CommandId& key, Reader& reader) {
    return codec::read_fields(codec::fields_of<base::CommandId>, from.cause(), key, reader);
}
bool take_key(const Message::Transfer& from, std::uint64_t& key, Reader& reader) {
    return codec::from_wire(from.number(), key, reader);
}
bool take_key(const Message::Arrival& from, base::AccountId& key, Reader& reader) {
    return codec::from_wire(from.from(), key, reader);
}
bool take_key(const Message::Match& from, std::uint64_t& key, Reader& reader) {
    return codec::from_wire(from.number(), key, reader);
}
bool take_key(const Message::Sale& from, base::AccountId& key, Reader& reader) {
    return codec::from_wire(from.buyer(), key, reader);
}
bool take_key(const Message::SaleEnd& from, base::AccountId& key, Reader& reader) {
    return codec::from_wire(from.buyer(), key, reader);
}
bool take_key(const Message::Deposit& from, DepositKey& key, Reader& reader) {
    key.id = from.id();
    return codec::from_wire(from.shard(), key.shard, reader);
}

// Values of the maps, each by its table.
template <class Value, class Part>
void put_value(const Value& value, Part& to) {
    codec::write_fields(codec::fields_of<Value>, value, to);
}

template <class Part, class Value>
bool take_value(const Part& from, Value& value, Reader& reader) {
    return codec::read_fields(codec::fields_of<Value>, from, value, reader);
}

template <class Map, class Part>
void put_map(const Map& map, RepeatedPtrField<Part>& to) {
    to.Reserve(static_cast<int>(map.size()));
    for (const auto& [key, value] : map) {
        Part& part = *to.Add();
        put_key(key, part);
        put_value(value, part);
    }
}

// Keys that do not ascend, or come twice, are found when encodings are compared.
template <class Part, class Map>
bool take_map(const RepeatedPtrField<Part>& from, Map& map, Reader& reader) {
    for (const Part& part : from) {
        typename Map::key_type key{};
        if (!take_key(part, key, reader)) return false;
        const auto at = map.emplace_hint(map.end(), key, typename Map::mapped_type{});
        if (!take_value(part, at->second, reader)) return false;
    }
    return true;
}

void write_state(const account::State& from, Message& to) {
    to.set_id(from.id.v);
    to.set_version(from.version);
    to.set_trades_count(from.trades_count);
    to.set_withdrawals_count(from.withdrawals_count);
    put_map(from.holdings, *to.mutable_holdings());
    put_map(from.contracts, *to.mutable_contracts());
    put_map(from.trades, *to.mutable_trades());
    put_map(from.withdrawals, *to.mutable_withdrawals());
    put_map(from.deposits, *to.mutable_deposits());
    put_map(from.answered, *to.mutable_answered());
    to.set_transfers_count(from.transfers_count);
    put_map(from.transfers, *to.mutable_transfers());
    put_map(from.arrivals, *to.mutable_arrivals());
    to.set_matches_count(from.matches_count);
    put_map(from.matches, *to.mutable_matches());
    put_map(from.sales, *to.mutable_sales());
    put_map(from.sale_ends, *to.mutable_sale_ends());
    to.set_standing(codec::to_wire(from.standing));
    codec::write_fields(codec::fields_of<base::CommandId>, from.floor, *to.mutable_floor());
}

bool read_state(const Message& from, account::State& to, Reader& reader) {
    to.id.v = from.id();
    to.version = from.version();
    to.trades_count = from.trades_count();
    to.withdrawals_count = from.withdrawals_count();
    to.transfers_count = from.transfers_count();
    to.matches_count = from.matches_count();
    return take_map(from.holdings(), to.holdings, reader) &&
           take_map(from.contracts(), to.contracts, reader) &&
           take_map(from.trades(), to.trades, reader) &&
           take_map(from.withdrawals(), to.withdrawals, reader) &&
           take_map(from.deposits(), to.deposits, reader) &&
           take_map(from.answered(), to.answered, reader) &&
           take_map(from.transfers(), to.transfers, reader) &&
           take_map(from.arrivals(), to.arrivals, reader) &&
           take_map(from.matches(), to.matches, reader) &&
           take_map(from.sales(), to.sales, reader) &&
           take_map(from.sale_ends(), to.sale_ends, reader) &&
           codec::from_wire(from.standing(), to.standing, reader) &&
           codec::read_fields(codec::fields_of<base::CommandId>, from.floor(), to.floor, reader);
}

}  // namespace

std::string encode_state(const account::State& state) {
    return codec::encode_message<Message>(state, &write_state);
}

base::Result<account::State, CodecError> decode_state(std::string_view bytes) {
    return codec::decode_message<Message>(
        bytes, account::State{}, &read_state,
        [](const account::State& state) { return encode_state(state); });
}

}  // namespace crossclear::ledger::journal
