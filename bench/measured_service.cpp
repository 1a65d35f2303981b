#include "bench/measured_service.hpp"

#include "app/audit.hpp"
#include "app/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace crossclear::bench {
namespace {

bool wait_until(const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace

app::Config measured_config(const app::DemoOptions& options) {
    auto config = app::demo_config(options);
    config.api.port = 0;
    config.api.ops_port = 0;
    // The limits on one key are for one client; here a key trades for hundreds.
    config.api.limits.credits_per_second = 1'000'000;
    config.api.limits.credits_burst = 1'000'000;
    return config;
}

std::optional<std::string> MeasuredService::start(app::StartOptions options) {
    std::filesystem::create_directories(config_.data_dir);
    options.may_create = true;
    auto service = app::Service::start(
        config_, app::make_log((config_.data_dir / "service.log").string(), actors::LogLevel::info),
        std::move(options));
    if (!service) return service.error();
    service_ = std::move(*service);
    const bool is_founded = wait_until([&] {
        bool is_so = service_->node().readiness().is_ready;
        for (const auto& broker : service_->node().context().brokers) {
            is_so = is_so && broker->figures.is_founded && broker->figures.moves_open == 0;
        }
        return is_so;
    });
    if (!is_founded) return "the brokers were not founded within 120 s";
    return std::nullopt;
}

std::optional<std::string> MeasuredService::pay_in(const std::vector<PayIn>& deposits) {
    bool are_taken = true;
    for (const auto& one : deposits) {
        const auto taken =
            service_->world().deposit(one.shard, one.account, usdc(), whole(usdc(), one.usdc));
        are_taken = taken.has_value() && are_taken;
    }
    if (!are_taken) return "a deposit was refused";
    const bool are_final = wait_until([&] {
        std::uint64_t count = 0;
        for (const auto& broker : service_->node().context().brokers) {
            count += broker->figures.deposits_final;
        }
        return count >= deposits.size();
    });
    if (!are_final) return "the deposits were not final within 120 s";
    return std::nullopt;
}

std::optional<std::string> MeasuredService::audit(std::uint64_t cleared,
                                                  boost::json::object& line) {
    service_->stop(base::seconds(5));
    const auto report = app::audit(service_->journal(), config_.cluster, config_.partitions, {});
    line["audit"] = report.verdict();
    if (!report.violations.empty()) return "the audit found: " + report.verdict();
    if (report.trades == cleared) return std::nullopt;
    return fmt::format("{} trades were cleared and {} are journaled", cleared, report.trades);
}

std::map<std::string, base::Price> MeasuredService::marks() const {
    std::map<std::string, base::Price> now;
    for (const auto& view : service_->node().marks()) {
        now[config_.listing.asset(view.asset).symbol] = view.price;
    }
    return now;
}

base::Amount MeasuredService::whole(base::AssetId asset, std::int64_t units) const {
    return base::Amount{units * base::power_of_ten(config_.listing.asset(asset).scale)};
}

std::int64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    file >> total >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace crossclear::bench
