#pragma once

#include "actors/gateway.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

/// A node without actors: answers at once, from another thread, or when told to.

namespace crossclear::api::test {

inline base::Listing small_listing() {
    using base::AssetKind;
    base::Listing listing;
    listing.assets = {
        {.symbol = "USDC",
         .scale = 6,
         .kind = AssetKind::stable,
         .underlying = "",
         .protocol = "circle"},
        {.symbol = "sBTC",
         .scale = 8,
         .kind = AssetKind::synthetic,
         .underlying = "BTC",
         .protocol = "synthetix"},
        {.symbol = "BTC-PERP",
         .scale = 4,
         .kind = AssetKind::contract,
         .underlying = "BTC",
         .protocol = "perpetuals"},
    };
    listing.instruments = {
        {.symbol = "sBTC", .kind = base::InstrumentKind::in_kind, .base = {1}, .settlement = {0}},
        {.symbol = "BTC-PERP",
         .kind = base::InstrumentKind::linear_perpetual,
         .base = {2},
         .settlement = {0}},
    };
    listing.shards = {{.symbol = "synthetix",
                       .assets = {{0}, {1}},
                       .instruments = {{0}},
                       .gas = {0},
                       .takes_margin = false}};
    return listing;
}

/// What an agreeable node says to a request.
inline actors::Answer agreeable(const actors::Request& request) {
    using namespace actors;
    struct Visitor {
        Answer operator()(const SubmitTrade& trade) const {
            return TradeCleared{.account = trade.account,
                                .number = 7,
                                .price = {60'000'500'000'000},
                                .fee = {1'250'000},
                                .sequence = 42,
                                .is_repeat = false};
        }
        Answer operator()(const PreviewTrade&) const {
            return TradePreview{.is_acceptable = true,
                                .reason = "",
                                .price = {1'000'000'000},
                                .fee = {1},
                                .before = margin(),
                                .after = margin()};
        }
        Answer operator()(const Withdraw&) const { return WithdrawalTaken{3, 43, false}; }
        Answer operator()(const CancelWithdrawal& cancel) const {
            return WithdrawalCancelled{cancel.number, 44, false};
        }
        Answer operator()(const GetAccount& get) const {
            return AccountView{.account = get.account,
                               .sequence = 42,
                               .balances = {{.asset = {1},
                                             .seen = {0},
                                             .free = {150'000'000},
                                             .unsettled = {1},
                                             .held = {0},
                                             .owed = {0}}},
                               .margin = margin(),
                               .standing = "good",
                               .trades = 7};
        }
        Answer operator()(const GetPositions&) const {
            return PositionsView{.sequence = 42,
                                 .positions = {{.asset = {2},
                                                .quantity = {-15'000},
                                                .mark = {60'000'000'000'000},
                                                .value_cents = -12'345}}};
        }
        Answer operator()(const GetMargin&) const { return margin(); }
        Answer operator()(const GetTrade& get) const {
            if (get.number > 7) return TradesView{.sequence = 42, .trades = {}};
            return TradesView{.sequence = 42, .trades = {trade(get.number)}};
        }
        Answer operator()(const GetTrades&) const {
            return TradesView{.sequence = 42, .trades = {trade(7), trade(6)}};
        }
        Answer operator()(const GetSettlements&) const {
            return TradesView{.sequence = 42, .trades = {trade(7)}};
        }
        Answer operator()(const GetWithdrawals&) const {
            return WithdrawalsView{.sequence = 42,
                                   .open = {{.number = 3,
                                             .asset = {1},
                                             .amount = {5},
                                             .shard = {0},
                                             .destination = "0xabc",
                                             .at = {9}}}};
        }
        Answer operator()(const Transfer&) const { return TransferTaken{4, 45, false}; }
        Answer operator()(const SubmitMatchedTrade& matched) const {
            return MatchedTradeCleared{.buyer = matched.account,
                                       .buyer_number = 4,
                                       .seller = matched.seller,
                                       .seller_number = 9,
                                       .price = matched.price,
                                       .sequence = 45,
                                       .is_repeat = false};
        }
        Answer operator()(const GetTransfers& get) const {
            const base::AccountId to{get.account.v + 1};
            return TransfersView{.sequence = 42,
                                 .transfers = {{.number = 5,
                                                .to = to,
                                                .asset = {1},
                                                .amount = {5},
                                                .state = "returned",
                                                .reason = "receiver_unknown",
                                                .at = {9},
                                                .ended_at = {10}},
                                               {.number = 4,
                                                .to = to,
                                                .asset = {1},
                                                .amount = {5},
                                                .state = "pending",
                                                .reason = "",
                                                .at = {8},
                                                .ended_at = {}}}};
        }
        Answer operator()(const PublishMarks&) const { return MarksTaken{5}; }
        Answer operator()(const OperatorRequest& request) const {
            return std::visit(*this, request);
        }
        Answer operator()(const GetBreaks&) const { return lanes(); }
        Answer operator()(const Reconcile&) const { return lanes(); }
        Answer operator()(const ResolveBreak& resolve) const {
            return BreakSettled{.of = resolve.of, .resolution = resolve.resolution};
        }
        Answer operator()(const PauseShard& pause) const {
            return ShardPauseSet{.shard = pause.shard, .is_paused = pause.is_paused};
        }
        Answer operator()(const ResumeLane& resume) const {
            return LaneResumed{
                .broker = resume.broker, .shard = resume.shard, .nonce = 8, .given_up = 2};
        }
        Answer operator()(const GetPartitions&) const {
            return PartitionsView{{{.partition = {1}, .phase = "running", .epoch = 2}}};
        }
        Answer operator()(const GetNodes&) const {
            return NodesView{{{.name = "a",
                               .cluster = "c",
                               .partitions_running = 8,
                               .partitions = 8,
                               .trouble = {},
                               .at = {9}}}};
        }

        Answer operator()(const GetHouses&) const {
            return HousesView{
                {{.broker = {0},
                  .at = {9},
                  .clients = 3,
                  .clients_waiting = 1,
                  .clients_below = 2,
                  .waterfall_cents = 1'000'000,
                  .solvency_ppm = 999'900,
                  .expected_loss_cents = 1,
                  .cover1_cents = 20'000,
                  .cover2_cents = 30'001,
                  .protocols = {{.name = "maker", .shortfall_cents = 5, .is_past_limit = false}},
                  .has_limits = true,
                  .protocol_max_cents = 250'000,
                  .worst_client = base::account_id(base::BrokerId{0}, 17),
                  .worst_client_cents = 7,
                  .client_max_cents = 100'000,
                  .is_reduce_only = false,
                  .unsettled_cents = 12,
                  .shards_full = {{0}},
                  .protocols_full = {"maker"}}}};
        }

        Answer operator()(const GetExpiries&) const {
            return ExpiriesView{{{.broker = {0},
                                  .instrument = {0},
                                  .state = "trading",
                                  .expires_at = {9},
                                  .price = {},
                                  .fixed_from = {},
                                  .since = {}},
                                 {.broker = {1},
                                  .instrument = {0},
                                  .state = "fixed",
                                  .expires_at = {9},
                                  .price = {1},
                                  .fixed_from = {10},
                                  .since = {11}}}};
        }
        Answer operator()(const ProposePrice&) const { return (*this)(GetExpiries{}); }
        Answer operator()(const DisputePrice&) const { return (*this)(GetExpiries{}); }

        static LanesView lanes() {
            const BreakLine line{.id = {{0}, {0}, {1}, 9},
                                 .state = "open",
                                 .kind = "unexplained_outflow",
                                 .difference = {-5},
                                 .since = {7},
                                 .sides = BreakLine::Sides{}};
            return {{{.broker = {0}, .shard = {0}, .block = 12, .breaks = {line}}}};
        }

        static MarginView margin() {
            return {.equity_cents = 1'000'050,
                    .initial_cents = 2'500,
                    .maintenance_cents = 1'250,
                    .clearing = {{"MR", 2'000}},
                    .protocol = {{"J", 500}},
                    .failures = {{.protocol = "synthetix \"v3\"",
                                  .loss_cents = 9'000,
                                  .shortfall_cents = 0}},
                    .surface = 9};
        }
        static TradeView trade(std::uint64_t number) {
            return {.number = number,
                    .id = {0x0198'0000'0000'7000, 0x8000'0000'0000'0001},
                    .instrument = {0},
                    .quantity = {-150'000'000},
                    .price = {60'000'000'000'000},
                    .cash = {90'000'000'000},
                    .fee = {1'250'000},
                    .state = "settled",
                    .claimed_asset = {0},
                    .claimed = {90'000'000'000},
                    .open = {0},
                    .at = {1'000},
                    .settled_at = {2'000}};
        }
    };
    return std::visit(Visitor{}, request);
}

class FakeGateway final : public actors::Gateway {
public:
    enum class Mode : std::uint8_t { at_once, from_a_thread, when_released };

    explicit FakeGateway(Mode mode = Mode::at_once) : mode_(mode) {
        if (mode_ == Mode::from_a_thread) thread_ = std::thread{[this] { work(); }};
    }
    FakeGateway(const FakeGateway&) = delete;
    FakeGateway& operator=(const FakeGateway&) = delete;
    ~FakeGateway() override {
        {
            const std::lock_guard lock{mutex_};
            is_stopping_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

    [[nodiscard]] const base::Listing& listing() const override { return listing_; }
    [[nodiscard]] std::unique_ptr<actors::Session> open_session(
        std::shared_ptr<actors::SessionSink> sink) override {
        return std::make_unique<FakeSession>(*this, std::move(sink));
    }
    [[nodiscard]] actors::Readiness readiness() const override {
        return {.is_started = true, .is_ready = true, .why_not = {}};
    }
    [[nodiscard]] std::vector<actors::ShardView> shards() const override {
        return {{.shard = {0},
                 .is_reachable = true,
                 .is_paused = false,
                 .circuit = "closed",
                 .head_block = 12,
                 .final_block = 10,
                 .head_at = {1'000}}};
    }
    [[nodiscard]] std::vector<actors::MarkView> marks() const override { return {}; }

    /// Sends to every session.
    void publish(actors::Publication publication) {
        const auto shared = std::make_shared<const actors::Publication>(std::move(publication));
        const std::lock_guard lock{mutex_};
        for (const auto& weak : sinks_) {
            if (const auto sink = weak.lock()) sink->publish(shared);
        }
    }
    void close_all(std::uint16_t code) {
        const std::lock_guard lock{mutex_};
        for (const auto& weak : sinks_) {
            if (const auto sink = weak.lock()) sink->close(code, "by the node");
        }
    }
    /// Answers what was asked so far, newest first, so that replies come out of order.
    std::size_t release() {
        std::deque<std::function<void()>> work;
        {
            const std::lock_guard lock{mutex_};
            work.swap(held_);
        }
        std::reverse(work.begin(), work.end());
        for (auto& item : work) item();
        return work.size();
    }
    std::size_t held() {
        const std::lock_guard lock{mutex_};
        return held_.size();
    }
    std::vector<actors::Request> asked() {
        const std::lock_guard lock{mutex_};
        return asked_;
    }
    std::vector<actors::Channel> left() {
        const std::lock_guard lock{mutex_};
        return left_;
    }

    std::function<actors::Answer(const actors::Request&)> answer = agreeable;
    bool keeps_requests = true;  ///< Off for measuring.

private:
    class FakeSession final : public actors::Session {
    public:
        FakeSession(FakeGateway& gateway, std::shared_ptr<actors::SessionSink> sink)
            : gateway_(gateway), sink_(std::move(sink)) {
            const std::lock_guard lock{gateway_.mutex_};
            gateway_.sinks_.push_back(sink_);
        }
        void identify(actors::Identity identity) override { identity_ = std::move(identity); }
        void ask(actors::Request request, std::function<void(actors::Answer)> done) override {
            if (gateway_.keeps_requests) {
                const std::lock_guard lock{gateway_.mutex_};
                gateway_.asked_.push_back(request);
            }
            if (gateway_.mode_ == Mode::at_once) {
                done(gateway_.answer(request));
                return;
            }
            const std::lock_guard lock{gateway_.mutex_};
            gateway_.held_.push_back(
                [this_gateway = &gateway_, request = std::move(request), done = std::move(done)] {
                    done(this_gateway->answer(request));
                });
            gateway_.changed_.notify_all();
        }
        void subscribe(const actors::Channel& channel, std::optional<std::uint64_t>,
                       std::function<void(std::optional<actors::Refusal>)> done) override {
            const bool is_ours =
                channel.account.v == 0 || identity_.accounts.contains(channel.account);
            if (!is_ours) {
                done(actors::Refusal{
                    .code = 13011, .reason = "wrong_scope", .hint = "viewer", .retryable = false});
                return;
            }
            done(std::nullopt);
        }
        void unsubscribe(const actors::Channel& channel) override {
            const std::lock_guard lock{gateway_.mutex_};
            gateway_.left_.push_back(channel);
        }

    private:
        FakeGateway& gateway_;
        std::shared_ptr<actors::SessionSink> sink_;
        actors::Identity identity_;
    };

    void work() {
        for (;;) {
            std::deque<std::function<void()>> work;
            {
                std::unique_lock lock{mutex_};
                changed_.wait(lock, [this] { return is_stopping_ || !held_.empty(); });
                if (is_stopping_) return;
                work.swap(held_);
            }
            for (auto& item : work) item();
        }
    }

    Mode mode_;
    base::Listing listing_ = small_listing();
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> held_;
    std::vector<std::weak_ptr<actors::SessionSink>> sinks_;
    std::vector<actors::Request> asked_;
    std::vector<actors::Channel> left_;
    bool is_stopping_{};
    std::thread thread_;
};

}  // namespace crossclear::api::test
