#include "shards/simulated/wire.hpp"

#include "base/check.hpp"
#include "base/hash.hpp"
#include "shards/simulated/codec.hpp"
#include "shards/simulated/fields.hpp"

#include <utility>

// Static, for argument-dependent lookup, as in codec.cpp.
namespace crossclear::ledger {

static void describe(auto& archive, DepositNotice& x) {
    archive(x.id, x.shard, x.account, x.asset, x.amount, x.finality, x.block);
}
static void describe(auto& archive, ArrivalNotice& x) {
    archive(x.ref, x.shard, x.asset, x.amount, x.finality, x.block);
}
static void describe(auto& archive, VariationNotice& x) {
    archive(x.shard, x.number, x.instrument, x.change, x.closed, x.block);
}
static void describe(auto& archive, RescanNotice& x) { archive(x.shard, x.from_block, x.block); }

}  // namespace crossclear::ledger

namespace crossclear::shards {

static void describe(auto& archive, Accepted&) { archive(); }
static void describe(auto& archive, Refused& x) { archive(x.why); }
static void describe(auto& archive, NoAnswer&) { archive(); }
static void describe(auto& archive, Balances::Line& x) {
    archive(x.asset, x.held, x.posted, x.position);
}
static void describe(auto& archive, Balances& x) { archive(x.block, x.at, x.gas_max, x.lines); }
static void describe(auto& archive, Health& x) {
    archive(x.is_reachable, x.is_paused, x.head_block, x.final_block, x.head_at);
}

}  // namespace crossclear::shards

namespace crossclear::shards::simulated {

template <>
inline constexpr EnumRange enum_range<Unwelcome>{1, 5};
template <>
inline constexpr EnumRange enum_range<LogError>{0, 6};

static void describe(auto& archive, Faults& x) {
    archive(x.submission_latency_max, x.lost_request_ppm, x.lost_answer_ppm, x.drop_ppm,
            x.refuse_ppm, x.revert_ppm, x.reorg_ppm, x.vanish_ppm, x.duplicate_notice_ppm,
            x.reorder_notice_ppm, x.pause_ppm, x.pause_blocks, x.capacity, x.is_paused,
            x.is_unreachable, x.failed);
}
static void describe(auto& archive, LogFault& x) { archive(x.error, x.detail); }
static void describe(auto& archive, WorldIdentity& x) {
    archive(x.name, x.listing_hash, x.chains_hash);
}
static void describe(auto& archive, Hello& x) { archive(x.version, x.identity); }
static void describe(auto& archive, Seat& x) { archive(x.shard, x.broker); }
static void describe(auto& archive, ListenCall& x) { archive(x.seat); }
static void describe(auto& archive, SubmitCall& x) { archive(x.seat, x.order); }
static void describe(auto& archive, AskCall& x) { archive(x.seat, x.ref); }
static void describe(auto& archive, BalancesCall& x) { archive(x.seat); }
static void describe(auto& archive, RescanCall& x) { archive(x.seat, x.from_block); }
static void describe(auto& archive, HealthCall& x) { archive(x.seat); }
static void describe(auto& archive, PriceCall& x) { archive(x.asset, x.price); }
static void describe(auto& archive, FundingCall& x) { archive(x.asset, x.index); }
static void describe(auto& archive, DepositCall& x) {
    archive(x.shard, x.account, x.asset, x.amount);
}
static void describe(auto& archive, SetFaultsCall& x) { archive(x.shard, x.faults); }
static void describe(auto& archive, FaultsCall& x) { archive(x.shard); }
static void describe(auto& archive, FailProtocolCall& x) { archive(x.shard, x.asset, x.share); }
static void describe(auto& archive, FinalBalancesCall& x) { archive(x.seat); }
static void describe(auto& archive, FaultCall&) { archive(); }
static void describe(auto& archive, Call& x) { archive(x.number, x.body); }
static void describe(auto& archive, Done&) { archive(); }
static void describe(auto& archive, FaultAnswer& x) { archive(x.fault); }
static void describe(auto& archive, Reply& x) { archive(x.number, x.body); }
static void describe(auto& archive, Notice& x) { archive(x.seat, x.notice); }
static void describe(auto& archive, Welcome&) { archive(); }
static void describe(auto& archive, TurnedAway& x) { archive(x.why); }

namespace {

template <class Message>
std::string frame_around(Message& message) {
    Writer body;
    body(message);
    const std::string payload = body.take();
    CHECK(payload.size() <= frame_bytes_max, "our own messages fit into a frame");
    Writer header;
    auto length = static_cast<std::uint32_t>(payload.size());
    header(length);
    return header.take() + payload;
}

template <class Message>
std::optional<Message> read_whole(std::string_view payload) {
    Reader reader{payload};
    Message message;
    reader(message);
    if (!reader.is_done()) return std::nullopt;
    return message;
}

std::uint64_t digest_of(std::string_view bytes) { return base::mix64(base::fnv1a(bytes)); }

std::string bytes_of(const base::Listing& listing) {
    Writer writer;
    auto copy = listing;
    for (auto& asset : copy.assets) {
        writer(asset.symbol, asset.scale, asset.kind, asset.underlying, asset.protocol);
    }
    for (auto& instrument : copy.instruments) {
        writer(instrument.symbol, instrument.kind, instrument.base, instrument.settlement);
        if (instrument.expiry) writer(instrument.expiry->at);
    }
    for (auto& shard : copy.shards) {
        writer(shard.symbol, shard.assets, shard.instruments, shard.gas, shard.takes_margin);
    }
    return writer.take();
}

}  // namespace

WorldIdentity identity_of(const std::string& name, const base::Listing& listing,
                          const std::vector<ChainParameters>& chains) {
    std::string all;
    for (const auto& chain : chains) all += identity_of(chain, listing);
    return {
        .name = name, .listing_hash = digest_of(bytes_of(listing)), .chains_hash = digest_of(all)};
}

std::string to_string(Unwelcome why) {
    switch (why) {
        case Unwelcome::other_version:
            return "the world runs another release";
        case Unwelcome::other_world:
            return "the world belongs to a cluster of another name";
        case Unwelcome::other_listing:
            return "the world has another listing";
        case Unwelcome::other_chains:
            return "the world's chains have other parameters or another genesis";
        case Unwelcome::too_many_nodes:
            return "the world has as many nodes as it takes";
    }
    UNREACHABLE("an unlisted reason");
}

std::optional<Unwelcome> unwelcome(const Hello& hello, const WorldIdentity& ours) {
    if (hello.version != wire_version) return Unwelcome::other_version;
    if (hello.identity.name != ours.name) return Unwelcome::other_world;
    if (hello.identity.listing_hash != ours.listing_hash) return Unwelcome::other_listing;
    if (hello.identity.chains_hash != ours.chains_hash) return Unwelcome::other_chains;
    return std::nullopt;
}

std::string framed(FromNode message) { return frame_around(message); }
std::string framed(FromWorld message) { return frame_around(message); }

std::optional<FromNode> read_from_node(std::string_view payload) {
    return read_whole<FromNode>(payload);
}

std::optional<FromWorld> read_from_world(std::string_view payload) {
    return read_whole<FromWorld>(payload);
}

std::optional<std::size_t> frame_length(std::string_view header) {
    Reader reader{header.substr(0, frame_header_size)};
    std::uint32_t length = 0;
    reader(length);
    CHECK(reader.is_done(), "a header is read once it is whole");
    if (length > frame_bytes_max) return std::nullopt;
    return length;
}

}  // namespace crossclear::shards::simulated
