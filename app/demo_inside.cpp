#include "app/demo_site.hpp"
#include "app/journal.hpp"
#include "app/log.hpp"
#include "app/service.hpp"

#include <fmt/format.h>

#include <filesystem>

// The whole service in the demo's own process: what it says of itself is read from its memory.

namespace crossclear::app {
namespace {

class InsideSite final : public DemoSite {
public:
    InsideSite(const DemoRun& run, const Config& config)
        : log_path_(demo_log_path(run, config)), config_(config) {}

    std::optional<std::string> start(const std::function<bool()>&) override {
        // A directory without a journal is new. Simulated chains say the same by their files.
        const bool may_create = config_.world.mode == WorldPlace::Mode::chains &&
                                !std::filesystem::exists(redis_directory(config_, 0));
        auto service = Service::start(config_, make_log(log_path_, actors::LogLevel::info),
                                      {.may_create = may_create});
        if (!service) return service.error();
        service_ = std::move(*service);
        port_ = service_->port();
        return std::nullopt;
    }

    std::vector<std::string> directions() const override {
        return {fmt::format(
            "Clients: ws://{}:{}/ws/v1   Operations: http://{}:{}/metrics, /readyz?verbose",
            config_.api.address, service_->port(), config_.api.ops_address, service_->ops_port())};
    }

    std::vector<std::uint16_t> ports() const override { return {port_}; }
    void tend() override {}

    std::vector<std::string> why_not() override {
        auto why = service_->node().readiness().why_not;
        const auto now = figures();
        if (!now.is_founded || now.moves_open > 0) why.emplace_back("a broker is being founded");
        return why;
    }

    Figures figures() override {
        Figures sum;
        for (const auto& broker : service_->node().context().brokers) {
            sum.hedges_open += broker->figures.hedges_open;
            sum.moves_open += broker->figures.moves_open;
            sum.breaks_open += broker->figures.breaks_open;
            sum.unsettled_assets += broker->figures.unsettled_assets;
            sum.held_assets += broker->figures.held_assets;
            sum.deposits_final += broker->figures.deposits_final;
            sum.is_founded = sum.is_founded && broker->figures.is_founded;
            sum.is_flat = sum.is_flat && broker->figures.is_flat;
        }
        return sum;
    }

    std::string standing() override { return {}; }

    Strength strength() override {
        const std::size_t redis = config_.journal.instances;
        return {.nodes = 1, .nodes_up = 1, .redis = redis, .redis_up = redis};
    }

    bool deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                 base::Amount amount) override {
        return service_->world().deposit(shard, account, asset, amount).has_value();
    }

    // What it counted outlives its actors, but not the figures that they write.
    void stop() override {
        for (const auto& broker : service_->node().context().brokers) {
            totals_.hedged_usd += static_cast<double>(broker->figures.hedged_cents) / 100;
        }
        service_->stop(base::seconds(5));
    }

    RunTotals totals() override {
        auto totals = totals_;
        auto& instruments = service_->instruments();
        for (const char* outcome : {"settled", "cash_settled"}) {
            totals.settlements[outcome] = static_cast<std::uint64_t>(
                instruments.settlement.settlements_total.with({outcome}).value());
        }
        for (const auto& broker : config_.brokers) {
            totals.gross_usd +=
                instruments.clearing.trade_notional_usd_total.with({broker.name}).value();
        }
        return totals;
    }

    ledger::journal::Journal& journal() override { return service_->journal(); }

private:
    std::string log_path_;
    Config config_;
    std::unique_ptr<Service> service_;
    std::uint16_t port_{};
    RunTotals totals_;
};

}  // namespace

std::unique_ptr<DemoSite> make_inside_site(const DemoRun& run, const Config& config) {
    return std::make_unique<InsideSite>(run, config);
}

}  // namespace crossclear::app
