#pragma once

#include "app/audit_instances.hpp"
#include "app/config.hpp"
#include "base/result.hpp"
#include "store/archive/archived_journal.hpp"
#include "store/redis/embedded.hpp"
#include "store/redis/redis_journal.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// How the journal of a configuration is opened: by the service that writes it, and by whoever
/// only reads.

namespace crossclear::app {

/// The journal and the redis-servers that are ours. Those end after it.
struct OpenJournal {
    std::vector<std::unique_ptr<store::EmbeddedRedis>> redis;  ///< embedded only.
    std::unique_ptr<ledger::journal::Journal> journal;
    store::ArchivedJournal* archived{};  ///< The same, where there is an archive.
};

/// Starts the embedded redis-servers of a configuration, or adopts them.
[[nodiscard]] base::Result<std::vector<std::unique_ptr<store::EmbeddedRedis>>, store::StoreError>
start_embedded(const Config& config);

/// Where the instances listen, for somebody who does not run them.
[[nodiscard]] std::vector<store::Endpoint> endpoints_of(const Config& config);

/// For reading: beside the service that is running, or with servers of its own if none is. Never
/// makes a journal where there was none. **Errors:** one sentence with the remedy.
[[nodiscard]] base::Result<OpenJournal, std::string> open_to_read(const Config& config);

/// Each instance of a journal alone, for an audit of their logs against each other.
struct OpenInstances {
    std::vector<std::unique_ptr<store::QuorumJournal>> journals;
    std::vector<InstanceLog> logs;    ///< Empty where there is only one instance.
    std::vector<std::string> unread;  ///< Why the others are not among them.
    std::size_t count{1};
};

/// Opens the instances of a configuration that answer and may vote. Their servers must run.
[[nodiscard]] OpenInstances open_instances(const Config& config);

/// Where embedded instance `number`, counted from 0, keeps its files.
[[nodiscard]] std::filesystem::path redis_directory(const Config& config, std::uint16_t number = 0);

}  // namespace crossclear::app
