#include "app/config.hpp"
#include "base/tls_files.hpp"
#include "shards/evm/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace crossclear::app {
namespace {

void add_fault(std::vector<ConfigFault>& faults, std::string path, std::string says) {
    faults.push_back({0, std::move(path), std::move(says)});
}

// A start is refused with the line that names the file.
void add_file_fault(std::vector<ConfigFault>& faults, const std::string& path,
                    const base::TlsFiles& files) {
    const auto fault = base::fault_of(files);
    if (fault) add_fault(faults, fmt::format("{}.{}", path, fault->field), to_string(*fault));
}

void check_signer(std::vector<ConfigFault>& faults, const Config& config, std::size_t number) {
    const auto& signer = config.world.chains.signers[number];
    const auto path = fmt::format("world.signers[{}]", number);
    const auto is_named = [&](const BrokerProfile& broker) { return broker.name == signer.broker; };
    if (std::none_of(config.brokers.begin(), config.brokers.end(), is_named)) {
        add_fault(faults, path + ".broker", "no broker has this name");
    }
    if (signer.development_key.empty() == signer.url.empty()) {
        add_fault(faults, path, "expected either a url or a development_key");
    }
    if (!signer.url.empty() && !shards::evm::parse_endpoint(signer.url)) {
        add_fault(faults, path + ".url", "expected https://host:port");
    }
    if (signer.certificate.empty() != signer.key.empty()) {
        add_fault(faults, path, "expected both certificate and key, or neither");
    }
}

}  // namespace

std::vector<ConfigFault> faults_of_chains(const Config& config) {
    const auto& chains = config.world.chains;
    std::vector<ConfigFault> faults;
    if (chains.tip_max_gwei > chains.fee_max_gwei) {
        add_fault(faults, "world.tip_max_gwei", "exceeds fee_max_gwei, which it is a part of");
    }
    if (chains.tip_min_gwei > chains.tip_max_gwei) {
        add_fault(faults, "world.tip_min_gwei", "exceeds tip_max_gwei, the most that is offered");
    }
    std::set<std::string> signing;
    for (std::size_t i = 0; i < chains.signers.size(); ++i) {
        check_signer(faults, config, i);
        if (signing.insert(chains.signers[i].broker).second) continue;
        add_fault(faults, fmt::format("world.signers[{}]", i), "repeats an earlier entry");
    }
    for (const auto& broker : config.brokers) {
        if (signing.contains(broker.name)) continue;
        add_fault(faults, "world.signers", "nobody signs for " + broker.name);
    }
    std::set<base::ShardId> asked;
    for (std::size_t i = 0; i < chains.endpoints.size(); ++i) {
        const auto path = fmt::format("world.endpoints[{}]", i);
        const auto& urls = chains.endpoints[i].urls;
        if (!asked.insert(chains.endpoints[i].shard).second) {
            add_fault(faults, path, "repeats an earlier entry");
        }
        const auto is_none = [](const auto& url) { return !shards::evm::parse_endpoint(url); };
        if (urls.empty() || std::any_of(urls.begin(), urls.end(), is_none)) {
            add_fault(faults, path + ".urls", "expected http, https, ws or wss URLs, one at least");
        }
    }
    return faults;
}

std::vector<ConfigFault> faults_of_files(const Config& config) {
    std::vector<ConfigFault> faults;
    if (config.world.mode != WorldPlace::Mode::chains) return faults;
    const auto& chains = config.world.chains;
    for (std::size_t i = 0; i < chains.signers.size(); ++i) {
        const auto& signer = chains.signers[i];
        add_file_fault(
            faults, fmt::format("world.signers[{}]", i),
            {.authority = signer.authority, .certificate = signer.certificate, .key = signer.key});
    }
    for (std::size_t i = 0; i < chains.endpoints.size(); ++i) {
        add_file_fault(faults, fmt::format("world.endpoints[{}]", i),
                       {.authority = chains.endpoints[i].authority});
    }
    return faults;
}

}  // namespace crossclear::app
