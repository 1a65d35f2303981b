// The state of a broker's house.
#include "ledger/journal/codec_house.hpp"

#include "base/check.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/journal/codec_deposits.hpp"
#include "ledger/journal/codec_state.hpp"

#include <cstdint>
#include <tuple>

namespace crossclear::ledger::journal::codec {

template <>
inline constexpr auto fields_of<netting::Deposit> = std::tuple{
    value(&netting::Deposit::account, &pb::NettingState::Deposit::account,
          &pb::NettingState::Deposit::set_account),
    value(&netting::Deposit::asset, &pb::NettingState::Deposit::asset,
          &pb::NettingState::Deposit::set_asset),
    value(&netting::Deposit::amount, &pb::NettingState::Deposit::amount,
          &pb::NettingState::Deposit::set_amount),
    value(&netting::Deposit::recorded, &pb::NettingState::Deposit::recorded,
          &pb::NettingState::Deposit::set_recorded),
    value(&netting::Deposit::acknowledged, &pb::NettingState::Deposit::acknowledged,
          &pb::NettingState::Deposit::set_acknowledged),
    value(&netting::Deposit::is_acknowledged, &pb::NettingState::Deposit::is_acknowledged,
          &pb::NettingState::Deposit::set_is_acknowledged),
    value(&netting::Deposit::block, &pb::NettingState::Deposit::block,
          &pb::NettingState::Deposit::set_block),
};

template <>
inline constexpr auto fields_of<netting::Refusals> = std::tuple{
    value(&netting::Refusals::count, &pb::NettingState::Refusals::count,
          &pb::NettingState::Refusals::set_count),
    value(&netting::Refusals::last, &pb::NettingState::Refusals::last,
          &pb::NettingState::Refusals::set_last),
};

template <>
inline constexpr auto fields_of<netting::Departure> = std::tuple{
    value(&netting::Departure::asset, &pb::NettingState::Departure::asset,
          &pb::NettingState::Departure::set_asset),
    value(&netting::Departure::amount, &pb::NettingState::Departure::amount,
          &pb::NettingState::Departure::set_amount),
    value(&netting::Departure::shard, &pb::NettingState::Departure::shard,
          &pb::NettingState::Departure::set_shard),
};

template <>
inline constexpr auto fields_of<netting::Expiry> = std::tuple{
    value(&netting::Expiry::phase, &pb::NettingState::Expiry::phase,
          &pb::NettingState::Expiry::set_phase),
    value(&netting::Expiry::price, &pb::NettingState::Expiry::price,
          &pb::NettingState::Expiry::set_price),
    value(&netting::Expiry::fixed_from, &pb::NettingState::Expiry::fixed_from,
          &pb::NettingState::Expiry::set_fixed_from),
    value(&netting::Expiry::at, &pb::NettingState::Expiry::at, &pb::NettingState::Expiry::set_at),
};

namespace {

using Total = pb::NettingState::Total;

template <class Map, class Parts>
void write_totals(const Map& map, Parts& to) {
    write_map(map, to, [](const auto& key, base::Amount amount, Total& part) {
        const auto [of, asset] = key;
        part.set_of(of.v);
        part.set_asset(asset.v);
        part.set_amount(amount.v);
    });
}

template <class Parts, class Map>
bool read_totals(const Parts& from, Map& map, Reader& reader) {
    return read_map(from, map, [&](const Total& part, auto& key, base::Amount& amount) {
        auto& [of, asset] = key;
        amount.v = part.amount();
        return from_wire(part.of(), of, reader) && from_wire(part.asset(), asset, reader);
    });
}

void write_expiries(const netting::State& from, pb::NettingState& to) {
    write_map(
        from.expiries, *to.mutable_expiries(),
        [](base::AssetId contract, const netting::Expiry& expiry, pb::NettingState::Expiry& part) {
            part.set_contract(contract.v);
            write_fields(fields_of<netting::Expiry>, expiry, part);
            write_map(expiry.answered, *part.mutable_answered(),
                      [](const base::CommandId& cause, std::uint64_t body, auto& answer) {
                          write_fields(fields_of<base::CommandId>, cause, *answer.mutable_cause());
                          answer.set_body(body);
                      });
        });
}

bool read_expiries(const pb::NettingState& from, netting::State& to, Reader& reader) {
    return read_map(
        from.expiries(), to.expiries,
        [&](const auto& part, base::AssetId& contract, netting::Expiry& expiry) {
            return from_wire(part.contract(), contract, reader) &&
                   read_fields(fields_of<netting::Expiry>, part, expiry, reader) &&
                   read_map(part.answered(), expiry.answered,
                            [&](const auto& answer, base::CommandId& cause, std::uint64_t& body) {
                                body = answer.body();
                                return read_fields(fields_of<base::CommandId>, answer.cause(),
                                                   cause, reader);
                            });
        });
}

bool read_promises(const pb::NettingState& from, netting::State& to, Reader& reader) {
    return read_map(
               from.hedges(), to.hedges,
               [&](const pb::HedgeKept& part, std::uint64_t& number, netting::HedgeOpened& opened) {
                   number = part.number();
                   return kept_event<netting::Event>(part.opened(), opened,
                                                     &pb::Entry::mutable_hedge_opened,
                                                     &read_netting, reader);
               }) &&
           read_map(
               from.moves(), to.moves,
               [&](const pb::MoveKept& part, std::uint64_t& number, netting::MoveOpened& opened) {
                   number = part.number();
                   return kept_event<netting::Event>(part.opened(), opened,
                                                     &pb::Entry::mutable_move_opened, &read_netting,
                                                     reader);
               }) &&
           read_totals(from.granted(), to.granted, reader) &&
           read_totals(from.deposited(), to.deposited, reader);
}

}  // namespace

void write_house(const netting::State& from, pb::NettingState& to) {
    CHECK(is_shaped(from.id) && from.id.kind == base::EntityKind::netting,
          "only what can be read back is written");
    to.set_broker(static_cast<std::uint32_t>(from.id.id));
    to.set_partitions(from.partitions);
    to.set_is_founded(from.is_founded);
    to.set_numbers(from.numbers);
    write_map(from.hedges, *to.mutable_hedges(),
              [](std::uint64_t number, const netting::HedgeOpened& opened, pb::HedgeKept& part) {
                  part.set_number(number);
                  keep_event<netting::Event>(opened, *part.mutable_opened(),
                                             &pb::Entry::mutable_hedge_opened);
              });
    write_map(from.moves, *to.mutable_moves(),
              [](std::uint64_t number, const netting::MoveOpened& opened, pb::MoveKept& part) {
                  part.set_number(number);
                  keep_event<netting::Event>(opened, *part.mutable_opened(),
                                             &pb::Entry::mutable_move_opened);
              });
    write_totals(from.granted, *to.mutable_granted());
    write_totals(from.deposited, *to.mutable_deposited());
    write_map(from.deposits, *to.mutable_deposits(),
              [](const DepositKey& key, const netting::Deposit& deposit, auto& part) {
                  part.set_shard(key.shard.v);
                  part.set_id(key.id);
                  write_fields(fields_of<netting::Deposit>, deposit, part);
              });
    write_pages(from.deposits_done, *to.mutable_deposits_done());
    write_map(from.variations, *to.mutable_variations(),
              [](base::ShardId shard, std::uint64_t number, auto& part) {
                  part.set_shard(shard.v);
                  part.set_number(number);
              });
    write_totals(from.posted, *to.mutable_posted());
    for (const auto number : from.called_off) to.add_called_off(number);
    write_map(from.refusals, *to.mutable_refusals(),
              [](const netting::VenueAsset& key, const netting::Refusals& refused,
                 pb::NettingState::Refusals& part) {
                  part.set_venue(key.venue.v);
                  part.set_asset(key.asset.v);
                  write_fields(fields_of<netting::Refusals>, refused, part);
              });
    write_map(from.deposits_gone, *to.mutable_deposits_gone(),
              [](const DepositKey& key, std::uint64_t block, auto& part) {
                  part.set_shard(key.shard.v);
                  part.set_id(key.id);
                  part.set_block(block);
              });
    write_map(from.departures, *to.mutable_departures(),
              [](const netting::DepartureKey& key, const netting::Departure& departure,
                 pb::NettingState::Departure& part) {
                  part.set_account(key.account.v);
                  part.set_number(key.number);
                  write_fields(fields_of<netting::Departure>, departure, part);
              });
    write_map(from.outflows, *to.mutable_outflows(),
              [](const netting::OutflowKey& key, base::Amount amount, auto& part) {
                  part.set_asset(key.asset.v);
                  part.set_from(key.from.us);
                  part.set_amount(amount.v);
              });
    write_expiries(from, to);
}

bool read_house(const pb::NettingState& from, netting::State& to, Reader& reader) {
    base::BrokerId broker;
    if (!from_wire(from.broker(), broker, reader)) return false;
    to.id = base::entity_of(base::EntityKind::netting, broker);
    to.partitions = static_cast<std::uint16_t>(from.partitions());
    to.is_founded = from.is_founded();
    to.numbers = from.numbers();
    for (const std::uint64_t number : from.called_off()) {
        to.called_off.insert(to.called_off.end(), number);
    }
    return read_promises(from, to, reader) &&
           read_map(from.deposits(), to.deposits,
                    [&](const auto& part, DepositKey& key, netting::Deposit& deposit) {
                        key.id = part.id();
                        return from_wire(part.shard(), key.shard, reader) &&
                               read_fields(fields_of<netting::Deposit>, part, deposit, reader);
                    }) &&
           read_pages(from.deposits_done(), to.deposits_done, reader) &&
           read_map(from.variations(), to.variations,
                    [&](const auto& part, base::ShardId& shard, std::uint64_t& number) {
                        number = part.number();
                        return from_wire(part.shard(), shard, reader);
                    }) &&
           read_totals(from.posted(), to.posted, reader) &&
           read_map(from.refusals(), to.refusals,
                    [&](const auto& part, netting::VenueAsset& key, netting::Refusals& refused) {
                        return from_wire(part.venue(), key.venue, reader) &&
                               from_wire(part.asset(), key.asset, reader) &&
                               read_fields(fields_of<netting::Refusals>, part, refused, reader);
                    }) &&
           read_map(from.deposits_gone(), to.deposits_gone,
                    [&](const auto& part, DepositKey& key, std::uint64_t& block) {
                        key.id = part.id();
                        block = part.block();
                        return from_wire(part.shard(), key.shard, reader);
                    }) &&
           read_map(
               from.departures(), to.departures,
               [&](const auto& part, netting::DepartureKey& key, netting::Departure& departure) {
                   key.number = part.number();
                   return from_wire(part.account(), key.account, reader) &&
                          read_fields(fields_of<netting::Departure>, part, departure, reader);
               }) &&
           read_map(from.outflows(), to.outflows,
                    [&](const auto& part, netting::OutflowKey& key, base::Amount& amount) {
                        key.from.us = part.from();
                        amount.v = part.amount();
                        return from_wire(part.asset(), key.asset, reader);
                    }) &&
           read_expiries(from, to, reader);
}

}  // namespace crossclear::ledger::journal::codec
