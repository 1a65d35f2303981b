#include "shards/evm/deployment.hpp"

#include "shards/evm/endpoint.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using base::Failure;

constexpr std::size_t shown_max = 60;
constexpr std::array<std::pair<std::string_view, VenueKind>, 4> venue_kinds{
    {{"synthetic_exchange", VenueKind::synthetic_exchange},
     {"constant_product_pool", VenueKind::constant_product_pool},
     {"lending_pool", VenueKind::lending_pool},
     {"binary_market", VenueKind::binary_market}}};

// One value and where it stands. The first fault of a file is kept; behind it nothing is right.
class SiteField {
public:
    SiteField(const json::value* value, std::string path, std::string& fault)
        : value_(value), path_(std::move(path)), fault_(&fault) {}

    [[nodiscard]] SiteField at(std::string_view name) const {
        const auto* object = value_ == nullptr ? nullptr : value_->if_object();
        if (object == nullptr) fail("an object");
        return {object == nullptr ? nullptr : object->if_contains(name),
                path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name), *fault_};
    }
    [[nodiscard]] bool is_there() const { return value_ != nullptr; }

    [[nodiscard]] std::string text() const {
        const auto* text = value_ == nullptr ? nullptr : value_->if_string();
        if (text == nullptr || text->empty()) return wrong<std::string>("a text");
        return std::string(*text);
    }
    [[nodiscard]] std::uint64_t whole(std::uint64_t least, std::uint64_t most) const {
        boost::system::error_code failure;
        const auto number = value_ == nullptr ? 0 : value_->to_number<std::uint64_t>(failure);
        if (value_ != nullptr && !failure && number >= least && number <= most) return number;
        return wrong<std::uint64_t>(fmt::format("a whole number from {} to {}", least, most));
    }
    template <class Fixed>
    [[nodiscard]] Fixed fixed(std::string_view expected) const {
        const auto* text = value_ == nullptr ? nullptr : value_->if_string();
        const auto read = text == nullptr ? std::nullopt : parse_fixed<Fixed>(*text);
        return read ? *read : wrong<Fixed>(expected);
    }
    [[nodiscard]] Address address() const {
        return fixed<Address>("an address: 0x and 40 hexadecimal digits");
    }
    [[nodiscard]] Hash hash() const { return fixed<Hash>("a hash: 0x and 64 hexadecimal digits"); }
    [[nodiscard]] std::string url(bool is_websocket) const {
        auto found = text();
        const auto read = parse_endpoint(found);
        const bool is_one = read && read->is_websocket == is_websocket;
        if (!is_one) fail(is_websocket ? "the URL of a WebSocket" : "an URL of HTTP");
        return found;
    }
    // More digits than numbers of JSON keep.
    [[nodiscard]] Uint256 digits() const {
        const auto* text = value_ == nullptr ? nullptr : value_->if_string();
        const bool is_number =
            text != nullptr && !text->empty() && text->size() <= 77 &&
            std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!is_number) return wrong<Uint256>("a whole number as a text");
        Uint256 number = 0;
        for (const char digit : *text) number = number * 10 + static_cast<unsigned>(digit - '0');
        return number;
    }
    [[nodiscard]] VenueKind venue_kind() const {
        const auto found = text();
        for (const auto& [name, kind] : venue_kinds) {
            if (found == name) return kind;
        }
        return wrong<VenueKind>(
            "synthetic_exchange, constant_product_pool, lending_pool or binary_market");
    }

    // Each entry of an object, by its name.
    template <class Read>
    void each_named(const Read& read) const {
        const auto* object = value_ == nullptr ? nullptr : value_->if_object();
        if (object == nullptr) return fail("an object");
        for (const auto& [name, value] : *object) {
            read(std::string(name),
                 SiteField{&value, fmt::format("{}.{}", path_, std::string_view(name)), *fault_});
        }
    }
    // Each item of a list.
    template <class Read>
    void each(const Read& read) const {
        const auto* list = value_ == nullptr ? nullptr : value_->if_array();
        if (list == nullptr) return fail("a list");
        for (std::size_t i = 0; i < list->size(); ++i) {
            read(SiteField{&(*list)[i], fmt::format("{}[{}]", path_, i), *fault_});
        }
    }

    void fail(std::string_view expected) const {
        if (!fault_->empty()) return;
        std::string shown = value_ == nullptr ? "nothing" : json::serialize(*value_);
        if (shown.size() > shown_max) shown = shown.substr(0, shown_max) + "...";
        *fault_ = fmt::format("{}: expected {}, found {}", path_.empty() ? "the file" : path_,
                              expected, shown);
    }

private:
    template <class Value>
    [[nodiscard]] Value wrong(std::string_view expected) const {
        fail(expected);
        return Value{};
    }

    const json::value* value_;
    std::string path_;
    std::string* fault_;
};

SiteToken read_token(std::string symbol, const SiteField& field) {
    return {.symbol = std::move(symbol),
            .asset = field.at("asset").text(),
            .contract = field.at("address").address(),
            .decimals = static_cast<int>(field.at("decimals").whole(0, decimals_max)),
            .scale = static_cast<int>(field.at("scale").whole(0, base::asset_scale_max))};
}

SiteVenue read_venue(std::string name, const SiteField& field, const ChainSite& site) {
    SiteVenue venue;
    venue.name = std::move(name);
    venue.kind = field.at("kind").venue_kind();
    venue.contract = field.at("address").address();
    const auto demand_token = [&](const SiteField& of) {
        auto symbol = of.text();
        if (site.token(symbol) == nullptr) of.fail("one of the chain's tokens");
        return symbol;
    };
    venue.quote = demand_token(field.at("quote"));
    const auto bases = field.at("bases");
    bases.each([&](const SiteField& base) { venue.bases.push_back(demand_token(base)); });
    if (venue.kind != VenueKind::binary_market) return venue;
    if (venue.bases.size() != 2) bases.fail("two outcomes");
    venue.half_spread = field.at("half_spread").digits();
    venue.capacity = field.at("capacity").digits();
    return venue;
}

SiteVault read_vault(std::string broker, const SiteField& field) {
    return {.broker = std::move(broker),
            .contract = field.at("address").address(),
            .operator_key = field.at("operator").address(),
            .gas_wanted = field.at("gas_wanted").whole(1, std::numeric_limits<std::int64_t>::max()),
            .code_hash = field.at("code_hash").hash()};
}

ChainSite read_chain(const SiteField& field) {
    ChainSite site;
    site.shard = field.at("shard").text();
    site.url = field.at("url").url(false);
    site.websocket = field.at("websocket").url(true);
    site.genesis = field.at("genesis").hash();
    const auto deployment = field.at("deployment");
    site.chain_id = deployment.at("chain_id").whole(1, std::numeric_limits<std::uint64_t>::max());
    site.deployed_at = deployment.at("block").whole(0, std::numeric_limits<std::int64_t>::max());
    deployment.at("tokens").each_named([&](std::string symbol, const SiteField& token) {
        site.tokens.push_back(read_token(std::move(symbol), token));
    });
    deployment.at("venues").each_named([&](std::string name, const SiteField& venue) {
        site.venues.push_back(read_venue(std::move(name), venue, site));
    });
    deployment.at("vaults").each_named([&](std::string broker, const SiteField& vault) {
        site.vaults.push_back(read_vault(std::move(broker), vault));
    });
    const auto bridge = deployment.at("bridge");
    if (bridge.is_there()) site.bridge = bridge.address();
    const auto roles = deployment.at("roles");
    site.roles = {.admin = roles.at("admin").address(),
                  .feeder = roles.at("feeder").address(),
                  .relayer = roles.at("relayer").address(),
                  .maker = roles.at("maker").address(),
                  .oracle = roles.at("oracle").address()};
    deployment.at("accounts").each([&](const SiteField& account) {
        site.clients.push_back(account.address());
    });
    return site;
}

template <class Item, class Claim>
const Item* first_of(const std::vector<Item>& items, const Claim& claim) {
    const auto found = std::find_if(items.begin(), items.end(), claim);
    return found == items.end() ? nullptr : &*found;
}

// The token that an asset is on a chain, or what is wrong with it.
base::Result<Token, std::string> site_token(const ChainSite& site, const base::Listing& listing,
                                            base::AssetId id) {
    const auto& asset = listing.asset(id);
    const auto* token = site.token_of(asset.symbol);
    if (token == nullptr) {
        return Failure{fmt::format("shard {} lists {}: its chain has no token of that asset",
                                   site.shard, asset.symbol)};
    }
    const auto count = std::count_if(site.tokens.begin(), site.tokens.end(),
                                     [&](const auto& one) { return one.asset == asset.symbol; });
    if (count > 1) {
        return Failure{fmt::format("the chain of {} has {} tokens that are {}", site.shard, count,
                                   asset.symbol)};
    }
    if (token->scale != asset.scale) {
        return Failure{fmt::format(
            "{} on {}: the listing counts {} decimal digits, the vaults were deployed with {}",
            asset.symbol, site.shard, asset.scale, token->scale)};
    }
    Token made{.asset = id, .contract = token->contract, .decimals = token->decimals};
    if (unit_of(made, listing)) return made;
    return Failure{fmt::format("{} on {}: odd decimals: the token has {}, the listing counts {}",
                               token->symbol, site.shard, token->decimals, asset.scale)};
}

std::map<base::ShardId, VaultTerms::Way> ways_from(const std::vector<ChainSite>& sites,
                                                   const base::Listing& listing,
                                                   const ChainSite& here, std::string_view broker) {
    std::map<base::ShardId, VaultTerms::Way> ways;
    if (!here.bridge) return ways;
    for (const auto& there : sites) {
        const auto shard = listing.find_shard(there.shard);
        const auto* vault = there.vault(broker);
        const bool is_way = there.shard != here.shard && shard && vault != nullptr && there.bridge;
        if (!is_way) continue;
        ways[*shard] = {
            .bridge = *here.bridge, .chain_id = there.chain_id, .vault = vault->contract};
    }
    return ways;
}

// What is wrong with the chains together, if anything is.
std::string clash_of(const std::vector<ChainSite>& sites) {
    for (auto one = sites.begin(); one != sites.end(); ++one) {
        for (auto other = sites.begin(); other != one; ++other) {
            if (one->shard == other->shard) {
                return fmt::format("chains: expected shards that differ, found {} twice",
                                   one->shard);
            }
            if (one->chain_id == other->chain_id) {
                return fmt::format("chains: expected chain ids that differ, found {} twice",
                                   one->chain_id);
            }
        }
    }
    return {};
}

}  // namespace

const SiteToken* ChainSite::token(std::string_view symbol) const {
    return first_of(tokens, [&](const SiteToken& one) { return one.symbol == symbol; });
}

const SiteToken* ChainSite::token_of(std::string_view asset) const {
    return first_of(tokens, [&](const SiteToken& one) { return one.asset == asset; });
}

const SiteToken* ChainSite::token_at(const Address& contract) const {
    return first_of(tokens, [&](const SiteToken& one) { return one.contract == contract; });
}

const SiteVault* ChainSite::vault(std::string_view broker) const {
    return first_of(vaults, [&](const SiteVault& one) { return one.broker == broker; });
}

const SiteVenue* ChainSite::venue(std::string_view base, std::string_view quote) const {
    const auto is_asset = [this](const std::string& symbol, std::string_view asset) {
        const auto* found = token(symbol);
        return found != nullptr && found->asset == asset;
    };
    return first_of(venues, [&](const SiteVenue& one) {
        return is_asset(one.quote, quote) &&
               std::any_of(one.bases.begin(), one.bases.end(),
                           [&](const std::string& symbol) { return is_asset(symbol, base); });
    });
}

base::Result<std::vector<ChainSite>, std::string> parse_sites(std::string_view text) {
    boost::system::error_code failure;
    const auto said = json::parse(text, failure);
    if (failure) return Failure{fmt::format("expected JSON: {}", failure.message())};
    std::string fault;
    std::vector<ChainSite> sites;
    SiteField{&said, "", fault}.at("chains").each(
        [&](const SiteField& chain) { sites.push_back(read_chain(chain)); });
    if (fault.empty()) fault = clash_of(sites);
    if (!fault.empty()) return Failure{std::move(fault)};
    return sites;
}

base::Result<std::vector<ChainSite>, std::string> read_sites(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.is_open() || stream.bad()) {
        return Failure{fmt::format("{}: cannot be read", file)};
    }
    auto sites = parse_sites(text);
    if (sites) return sites;
    return Failure{fmt::format("{}: {}", file, sites.error())};
}

const ChainSite* site_of(const std::vector<ChainSite>& sites, std::string_view shard) {
    return first_of(sites, [&](const ChainSite& one) { return one.shard == shard; });
}

base::Result<VaultTerms, std::string> terms_of(const std::vector<ChainSite>& sites,
                                               const base::Listing& listing, base::ShardId shard,
                                               std::string_view broker) {
    const auto& listed = listing.shard(shard);
    const auto* site = site_of(sites, listed.symbol);
    if (site == nullptr) return Failure{fmt::format("shard {} has no chain", listed.symbol)};
    const auto* vault = site->vault(broker);
    if (vault == nullptr) {
        return Failure{fmt::format("broker {} has no vault on {}", broker, site->shard)};
    }
    VaultTerms terms{.shard = shard,
                     .vault = vault->contract,
                     .tokens = {},
                     .venues = {},
                     .ways = ways_from(sites, listing, *site, broker)};
    for (const auto asset : listed.assets) {
        auto token = site_token(*site, listing, asset);
        if (!token) return Failure{token.error()};
        terms.tokens.push_back(*token);
    }
    for (const auto id : listed.instruments) {
        const auto& instrument = listing.instrument(id);
        const auto& base_symbol = listing.asset(instrument.base).symbol;
        const auto& quote_symbol = listing.asset(instrument.settlement).symbol;
        const auto* venue = site->venue(base_symbol, quote_symbol);
        if (venue != nullptr) {
            terms.venues.emplace(id, venue->contract);
        } else if (!base::is_contract(instrument.kind)) {
            return Failure{fmt::format("shard {} lists {}: no venue of its chain trades {} for {}",
                                       site->shard, instrument.symbol, base_symbol, quote_symbol)};
        }
    }
    return terms;
}

}  // namespace crossclear::shards::evm
