#include "shards/evm/inflows.hpp"

#include "shards/evm/abi.hpp"
#include "shards/evm/keccak.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::shards::evm {
namespace {

Hash deposited_topic() { return topic_of("Deposited(uint256,uint64,address,address,uint256)"); }

Hash delivered_topic() { return topic_of("Delivered(bytes32,address,address,uint256)"); }

// The address in a topic; nothing where there is more than fits.
std::optional<Address> address_in(const Hash& topic) {
    AbiReader reader(topic.bytes);
    const auto address = reader.address();
    return reader.error() ? std::nullopt : std::optional{address};
}

struct Amounted {
    base::AssetId asset;
    base::Amount amount;
};

std::optional<Amounted> amount_of(const VaultTerms& terms, const base::Listing& listing,
                                  const Hash& token, const Uint256& raw) {
    const auto address = address_in(token);
    const auto known = std::find_if(terms.tokens.begin(), terms.tokens.end(),
                                    [&](const Token& one) { return one.contract == address; });
    if (!address || known == terms.tokens.end()) return std::nullopt;
    const auto unit = unit_of(*known, listing);
    if (!unit || raw == 0 || raw % *unit != 0) return std::nullopt;
    const Uint256 count = raw / *unit;
    if (count > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return Amounted{.asset = known->asset,
                    .amount = base::Amount{static_cast<std::int64_t>(count)}};
}

// What a deposit is called: 64 bits of the hash of its transaction and of all that it says.
std::uint64_t deposit_id(const Log& log) {
    Bytes said;
    append(said, log.transaction.bytes);
    for (const auto& topic : log.topics) append(said, topic.bytes);
    append(said, log.data);
    const auto hash = keccak256(said);
    return static_cast<std::uint64_t>(from_bytes(BytesView(hash.bytes).first(8)));
}

std::optional<ledger::ShardNotice> deposit_of(const VaultTerms& terms, const base::Listing& listing,
                                              base::BrokerId broker, const Log& log) {
    AbiReader reader(log.data);
    (void)reader.address();
    const auto raw = reader.number();
    const auto number = from_bytes(log.topics[2].bytes);
    if (reader.error() || number > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    const base::AccountId account{static_cast<std::uint64_t>(number)};
    const auto amount = amount_of(terms, listing, log.topics[3], raw);
    if (!amount || base::broker_of(account) != broker) return std::nullopt;
    return ledger::DepositNotice{.id = deposit_id(log),
                                 .shard = terms.shard,
                                 .account = account,
                                 .asset = amount->asset,
                                 .amount = amount->amount,
                                 .finality = ledger::Finality::unseen,
                                 .block = log.block_number};
}

std::optional<ledger::ShardNotice> arrival_of(const VaultTerms& terms, const base::Listing& listing,
                                              base::BrokerId broker, std::string_view cluster,
                                              const Log& log) {
    AbiReader reader(log.data);
    const auto raw = reader.number();
    const auto ref = ref_of(cluster, log.topics[1]);
    const bool is_ours = !reader.error() && ref && address_in(log.topics[3]) == terms.vault &&
                         base::broker_of(ref->origin) == broker;
    const auto amount =
        is_ours ? amount_of(terms, listing, log.topics[2], raw) : std::optional<Amounted>{};
    if (!amount) return std::nullopt;
    return ledger::ArrivalNotice{.ref = *ref,
                                 .shard = terms.shard,
                                 .asset = amount->asset,
                                 .amount = amount->amount,
                                 .finality = ledger::Finality::unseen,
                                 .block = log.block_number};
}

bool is_bridge(const VaultTerms& terms, const Address& address) {
    return std::any_of(terms.ways.begin(), terms.ways.end(),
                       [&](const auto& way) { return way.second.bridge == address; });
}

}  // namespace

LogFilter inflow_filter(const VaultTerms& terms) {
    LogFilter filter{.addresses = {terms.vault},
                     .topics = {{deposited_topic(), delivered_topic()}}};
    for (const auto& [shard, way] : terms.ways) {
        const bool is_new = std::find(filter.addresses.begin(), filter.addresses.end(),
                                      way.bridge) == filter.addresses.end();
        if (is_new) filter.addresses.push_back(way.bridge);
    }
    return filter;
}

std::optional<ledger::ShardNotice> inflow_of(const VaultTerms& terms, const base::Listing& listing,
                                             base::BrokerId broker, std::string_view cluster,
                                             const Log& log) {
    if (log.topics.size() != 4 || log.is_removed) return std::nullopt;
    if (log.address == terms.vault && log.topics.front() == deposited_topic()) {
        return deposit_of(terms, listing, broker, log);
    }
    if (is_bridge(terms, log.address) && log.topics.front() == delivered_topic()) {
        return arrival_of(terms, listing, broker, cluster, log);
    }
    return std::nullopt;
}

ledger::ShardNotice with_finality(ledger::ShardNotice inflow, ledger::Finality finality) {
    if (auto* deposit = std::get_if<ledger::DepositNotice>(&inflow)) deposit->finality = finality;
    if (auto* arrival = std::get_if<ledger::ArrivalNotice>(&inflow)) arrival->finality = finality;
    return inflow;
}

}  // namespace crossclear::shards::evm
