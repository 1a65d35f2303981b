#include "app/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

// What a service tells of itself and of the instances that keep its journal, and how it keeps its
// archive.

namespace crossclear::app {

void Service::publish_readiness() {
    const bool is_ready = node_ != nullptr && node_->readiness().is_ready;
    instruments_->cluster.node_ready.set(is_ready ? 1 : 0);
}

void Service::publish_acceptors() {
    const auto is_running = [this](base::PartitionId id) {
        if (node_ == nullptr) return false;
        const auto& status = *node_->context().status[id.v];
        return status.phase.load(std::memory_order_relaxed) ==
               actors::PartitionStatus::Phase::running;
    };
    for (const auto& view : journal_->acceptors(is_running)) {
        const bool is_voting = view.standing.kind == store::Standing::Kind::voting;
        instruments_->cluster.redis_votes.with({view.name}).set(is_voting ? 1 : 0);
        instruments_->cluster.redis_partitions_behind.with({view.name})
            .set(static_cast<double>(view.partitions_behind));
        instruments_->cluster.redis_partitions_damaged.with({view.name})
            .set(static_cast<double>(view.damage.size()));
    }
}

// Which instance it is, while the others still tell what it holds altered.
void Service::report_damage() {
    for (const auto& view : journal_->acceptors()) {
        auto& told = damage_told_[view.name];
        for (const auto& damage : view.damage) {
            if (std::find(told.begin(), told.end(), damage) != told.end()) continue;
            log_(actors::LogLevel::error, "A Redis holds an altered record.",
                 {{"endpoint", view.name}, {"damage", damage}});
        }
        told = view.damage;
    }
}

std::optional<std::string> Service::open_archive(const Config& config) {
    if (config.journal.archive.empty()) return std::nullopt;
    std::error_code error;
    std::filesystem::create_directories(config.journal.archive, error);
    if (error) {
        return fmt::format("journal.archive: {} cannot be made: {}", config.journal.archive,
                           error.message());
    }
    archive_ = std::make_unique<store::Archive>(config.journal.archive, config.cluster);
    archiving_ = std::make_unique<store::ArchivingJournal>(
        *journal_, *archive_, [log = log_](base::PartitionId partition, const std::string& why) {
            log(actors::LogLevel::error, "The archive is in trouble.",
                {{"partition", std::to_string(partition.v)}, {"reason", why}});
        });
    return std::nullopt;
}

void Service::publish_archive() {
    if (archiving_ == nullptr) return;
    for (const auto& [partition, seq] : archiving_->archived()) {
        instruments_->cluster.archive_sequence.with({std::to_string(partition.v)})
            .set(static_cast<double>(seq));
    }
    for (const auto& [partition, why] : archiving_->troubles()) {
        instruments_->cluster.archive_trouble.with({std::to_string(partition.v)})
            .set(why.empty() ? 0 : 1);
    }
}

}  // namespace crossclear::app
