#include "app/chains.hpp"

#include "shards/evm/chain_shard.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/key_signer.hpp"
#include "shards/evm/outsiders.hpp"
#include "shards/evm/remote_signer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace crossclear::app {
namespace {

namespace evm = shards::evm;
using base::Failure;

constexpr std::uint64_t gwei = 1'000'000'000;

// Makes who signs for a broker, once per chain.
using SignerMaker = std::function<std::unique_ptr<evm::Signer>(boost::asio::io_context&)>;

const SignerConfig* signer_of(const Config& config, const std::string& broker) {
    const auto& signers = config.world.chains.signers;
    const auto found =
        std::find_if(signers.begin(), signers.end(),
                     [&](const SignerConfig& signer) { return signer.broker == broker; });
    return found == signers.end() ? nullptr : &*found;
}

base::Result<SignerMaker, std::string> development_signer(const SignerConfig& signer,
                                                          const evm::SiteVault& vault) {
    const auto secret = evm::parse_fixed<evm::Hash>(signer.development_key);
    const auto key = secret ? evm::Key::of(*secret) : std::nullopt;
    if (!key) {
        return Failure{fmt::format("the development_key of {} is none: expected 0x and 64 digits",
                                   signer.broker)};
    }
    if (key->address() != vault.operator_key) {
        return Failure{fmt::format("the development_key of {} is that of {}; its vault takes {}",
                                   signer.broker, evm::to_checksummed(key->address()),
                                   evm::to_checksummed(vault.operator_key))};
    }
    return SignerMaker{[key = *key](boost::asio::io_context& io) {
        return std::make_unique<evm::KeySigner>(io, key);
    }};
}

// The name of the setting says what it is for, and there is no other way to such a key. A file that
// was made for a test and is used for more is found out by its log.
void warn_of_development_keys(const Config& config, const actors::Log& log) {
    for (const auto& signer : config.world.chains.signers) {
        if (signer.development_key.empty()) continue;
        log(actors::LogLevel::warning,
            "A broker's key is in this process: whoever reads its memory or configuration has it.",
            {{"broker", signer.broker}});
    }
}

base::Result<SignerMaker, std::string> remote_signer(const SignerConfig& signer,
                                                     const evm::SiteVault& vault) {
    const auto endpoint = evm::parse_endpoint(signer.url);
    if (!endpoint) {
        return Failure{fmt::format("the url of {}'s signer is none: expected https://host:port",
                                   signer.broker)};
    }
    evm::RpcOptions options;
    options.endpoints = {*endpoint};
    options.wire.authority = signer.authority;
    options.wire.certificate = signer.certificate;
    options.wire.key = signer.key;
    return SignerMaker{[options, key = vault.operator_key.bytes](boost::asio::io_context& io) {
        return std::make_unique<evm::RemoteSigner>(io, options, key);
    }};
}

base::Result<SignerMaker, std::string> make_signer(const Config& config, const std::string& broker,
                                                   const evm::SiteVault& vault) {
    const auto* signer = signer_of(config, broker);
    if (signer == nullptr) {
        return Failure{fmt::format("nobody signs for {}: see world.signers", broker)};
    }
    if (signer->development_key.empty() == signer->url.empty()) {
        return Failure{
            fmt::format("the signer of {} is either a url or a development_key", broker)};
    }
    return signer->url.empty() ? development_signer(*signer, vault) : remote_signer(*signer, vault);
}

// A chain that is away fails each of its venues ten times a second: what is said of it, say it now
// and then. **Thread:** any.
class ToldLately {
public:
    [[nodiscard]] bool is_news(std::string_view sentence) {
        const auto now = std::chrono::steady_clock::now();
        const std::scoped_lock lock(mutex_);
        const auto [found, is_first] = told_.try_emplace(std::string(sentence), now);
        if (!is_first && now - found->second < std::chrono::seconds(10)) return false;
        found->second = now;
        return true;
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::chrono::steady_clock::time_point> told_;
};

class ChainsWorld final : public shards::simulated::OutsideWorld {
public:
    ChainsWorld(const Config& config, std::vector<evm::ChainSite> sites, actors::Log log,
                metrics::Instruments& instruments)
        : config_(config),
          sites_(std::move(sites)),
          log_(std::move(log)),
          instruments_(instruments) {
        if (!config_.world.chains.has_outsiders) return;
        evm::OutsidersOptions options{.sites = sites_, .listing = config_.listing, .brokers = {}};
        // Whoever pays in many accounts does not wait for each one's block.
        options.receipt_patience = {};
        for (const auto& broker : config_.brokers) options.brokers.push_back(broker.name);
        options.log = [log = log_, told = std::make_shared<ToldLately>()](std::string_view sentence,
                                                                          std::string_view reason) {
            if (!told->is_news(sentence)) return;
            log(actors::LogLevel::warning, sentence, {{"reason", std::string(reason)}});
        };
        outsiders_ = std::make_unique<evm::Outsiders>(std::move(options));
    }

    /// What stands in the way, if anything does.
    [[nodiscard]] std::optional<std::string> fault() const {
        for (std::uint16_t shard = 0; shard < config_.listing.shards.size(); ++shard) {
            for (std::uint16_t broker = 0; broker < config_.brokers.size(); ++broker) {
                const auto options = options_of(base::ShardId{shard}, base::BrokerId{broker});
                if (!options) return options.error();
            }
        }
        return std::nullopt;
    }

    std::unique_ptr<shards::Shard> shard(base::ShardId shard, base::BrokerId broker) override {
        auto options = options_of(shard, broker);
        CHECK(options.has_value(), "a world of chains without fault has all shards");
        return std::make_unique<evm::ChainShard>(std::move(*options));
    }
    void set_price(base::AssetId asset, base::Price price) override {
        if (outsiders_) outsiders_->set_price(asset, price);
    }
    void set_funding(base::AssetId asset, base::Price index) override {
        if (outsiders_) outsiders_->set_funding(asset, index);
    }
    base::Result<void, shards::simulated::DepositFault> deposit(base::ShardId shard,
                                                                base::AccountId account,
                                                                base::AssetId asset,
                                                                base::Amount amount) override {
        // Nobody here has a client's key.
        if (!outsiders_) {
            return Failure{shards::simulated::DepositFault{
                shards::Refused{ledger::ShardRefusal::unsupported}}};
        }
        return outsiders_->deposit(shard, account, asset, amount);
    }

private:
    [[nodiscard]] base::Result<evm::ChainShardOptions, std::string> options_of(
        base::ShardId shard, base::BrokerId broker) const;
    [[nodiscard]] base::Result<evm::RpcOptions, std::string> rpc_of(
        base::ShardId shard, const evm::ChainSite& site) const;

    Config config_;
    std::vector<evm::ChainSite> sites_;
    actors::Log log_;
    metrics::Instruments& instruments_;
    std::unique_ptr<evm::Outsiders> outsiders_;
};

base::Result<evm::RpcOptions, std::string> ChainsWorld::rpc_of(base::ShardId shard,
                                                               const evm::ChainSite& site) const {
    evm::RpcOptions options;
    // Both are one node's, which has one voice.
    std::vector<std::string> urls{site.websocket};
    for (const auto& endpoints : config_.world.chains.endpoints) {
        if (endpoints.shard != shard) continue;
        urls = endpoints.urls;
        options.wire.authority = endpoints.authority;
    }
    for (const auto& url : urls) {
        const auto endpoint = evm::parse_endpoint(url);
        if (!endpoint) {
            return Failure{fmt::format(
                "an endpoint of {} is no URL: expected http, https, ws or wss", site.shard)};
        }
        options.endpoints.push_back(*endpoint);
    }
    if (options.endpoints.empty()) return Failure{fmt::format("{} has no endpoint", site.shard)};
    options.on_try = [&metrics = instruments_.shards, name = site.shard](const evm::RpcTry& one) {
        metrics.shard_requests_total
            .with({name, std::string(one.method),
                   one.error == nullptr ? "answered" : name_of(one.error->fault)})
            .increment();
        metrics.shard_request_duration_seconds.with({name}).observe(
            static_cast<double>(one.took.us) * 1e-6);
    };
    options.on_dissent = [&metrics = instruments_.shards, name = site.shard](
                             std::size_t endpoint, std::string_view method) {
        metrics.shard_endpoint_dissents_total
            .with({name, std::to_string(endpoint + 1), std::string(method)})
            .increment();
    };
    return options;
}

base::Result<evm::ChainShardOptions, std::string> ChainsWorld::options_of(
    base::ShardId shard, base::BrokerId broker) const {
    const auto& chains = config_.world.chains;
    const auto& listed = config_.listing.shard(shard);
    const auto& name = config_.brokers.at(broker.v).name;
    auto terms = evm::terms_of(sites_, config_.listing, shard, name);
    if (!terms) return Failure{terms.error()};
    // Both are there, or there were no terms.
    const auto& site = *evm::site_of(sites_, listed.symbol);
    const auto& vault = *site.vault(name);
    auto signer = make_signer(config_, name, vault);
    if (!signer) return Failure{signer.error()};
    auto rpc = rpc_of(shard, site);
    if (!rpc) return Failure{rpc.error()};
    evm::FinalityRule finality;
    if (chains.finality_blocks > 0) finality.depth = chains.finality_blocks;
    return evm::ChainShardOptions{
        .terms = {.listing = config_.listing,
                  .cluster = config_.cluster,
                  .broker = broker,
                  .vault = std::move(*terms),
                  .key = vault.operator_key,
                  .gas_scale = config_.listing.asset(listed.gas).scale},
        .chain_id = site.chain_id,
        .genesis = site.genesis,
        .vault_code = vault.code_hash,
        .gas_limit = vault.gas_wanted,
        .fees_max = {.tip_wei = std::uint64_t{chains.tip_max_gwei} * gwei,
                     .fee_wei = std::uint64_t{chains.fee_max_gwei} * gwei},
        .tip_min = std::uint64_t{chains.tip_min_gwei} * gwei,
        .finality = finality,
        .poll_every = chains.poll,
        .rpc = std::move(*rpc),
        .make_signer = std::move(*signer),
        .on_fault = [log = log_, shard_name = listed.symbol, name,
                     &faults = instruments_.shards.shard_identity_faults_total](
                        const evm::ChainFault& fault) {
            faults.with({name, shard_name, ledger::signing::name_of(fault.reason)}).increment();
            log(actors::LogLevel::error, "A chain is not the one that is configured.",
                {{"shard", shard_name}, {"broker", name}, {"why", fault.says}});
        }};
}

}  // namespace

base::Result<std::unique_ptr<shards::simulated::OutsideWorld>, std::string> reach_chains(
    const Config& config, const actors::Log& log, metrics::Instruments& instruments) {
    auto sites = evm::read_sites(config.world.chains.site);
    if (!sites) return Failure{sites.error()};
    auto world = std::make_unique<ChainsWorld>(config, std::move(*sites), log, instruments);
    if (auto fault = world->fault()) return Failure{*std::move(fault)};
    warn_of_development_keys(config, log);
    return std::unique_ptr<shards::simulated::OutsideWorld>{std::move(world)};
}

std::string payee_of(const Config& config) {
    if (config.world.mode != WorldPlace::Mode::chains) return {};
    const auto sites = evm::read_sites(config.world.chains.site);
    if (!sites || sites->empty() || sites->front().clients.empty()) return {};
    return evm::to_checksummed(sites->front().clients.front());
}

}  // namespace crossclear::app
