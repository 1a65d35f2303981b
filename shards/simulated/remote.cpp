#include "shards/simulated/remote.hpp"

#include "base/thread_name.hpp"
#include "shards/simulated/remote_state.hpp"

#include <boost/asio/post.hpp>

namespace crossclear::shards::simulated {

/// One shard as one broker sees it, from afar.
class RemoteWorld::Adapter final : public Shard {
public:
    Adapter(State& state, Seat seat)
        : state_(state), seat_(seat), mailbox_(std::make_shared<Mailbox>()) {
        state_.join(seat_, mailbox_);
    }
    ~Adapter() override { mailbox_->close(); }

    void submit(const ledger::ShardOrder& order, std::function<void(SubmitAnswer)> done) override {
        call<SubmitAnswer>(SubmitCall{seat_, order}, NoAnswer{}, std::move(done));
    }
    void ask(const base::OrderRef& ref, std::function<void(OrderAnswer)> done) override {
        call<OrderAnswer>(AskCall{seat_, ref}, NoAnswer{}, std::move(done));
    }
    void balances(std::function<void(BalancesAnswer)> done) override {
        call<BalancesAnswer>(BalancesCall{seat_}, NoAnswer{}, std::move(done));
    }
    void rescan(std::uint64_t from_block) override { state_.rescan(seat_, from_block); }
    void health(std::function<void(Health)> done) override {
        call<Health>(HealthCall{seat_}, Health{},
                     [&state = state_, shard = seat_.shard, done = std::move(done)](Health health) {
                         // Never observed where there was no answer: it says unreachable.
                         if (health.is_reachable) state.observe(shard, health);
                         done(health);
                     });
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        mailbox_->listen(std::move(listener));
    }

private:
    template <class Expected>
    void call(CallBody body, Expected otherwise, std::function<void(Expected)> done) {
        state_.call(std::move(body), [mailbox = mailbox_, otherwise = std::move(otherwise),
                                      done = std::move(done)](const ReplyBody* given) {
            const auto* expected = given == nullptr ? nullptr : std::get_if<Expected>(given);
            mailbox->run([&] { done(expected == nullptr ? otherwise : *expected); });
        });
    }

    State& state_;
    Seat seat_;
    std::shared_ptr<Mailbox> mailbox_;
};

RemoteWorld::RemoteWorld(RemoteOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
    boost::asio::post(state_->io, [raw = state_.get()] { raw->connect(); });
    state_->thread = std::thread{[raw = state_.get()] {
        base::name_this_thread("world-link");
        raw->io.run();
    }};
}

RemoteWorld::~RemoteWorld() {
    state_->io.stop();
    state_->thread.join();
}

LinkState RemoteWorld::wait(base::Duration patience) {
    std::unique_lock lock{state_->mutex};
    state_->changed.wait_for(lock, std::chrono::microseconds{patience.us},
                             [this] { return state_->state != LinkState::waiting; });
    return state_->state;
}

std::string RemoteWorld::reason() const {
    const std::lock_guard lock{state_->mutex};
    return state_->why;
}

std::unique_ptr<Shard> RemoteWorld::shard(base::ShardId shard, base::BrokerId broker) {
    return std::make_unique<Adapter>(*state_, Seat{.shard = shard, .broker = broker});
}

void RemoteWorld::set_price(base::AssetId asset, base::Price price) {
    CHECK(price.v >= 0, "the world's prices are not negative");
    state_->call(PriceCall{.asset = asset, .price = price}, [](const ReplyBody*) {});
}

void RemoteWorld::set_funding(base::AssetId asset, base::Price index) {
    state_->call(FundingCall{.asset = asset, .index = index}, [](const ReplyBody*) {});
}

base::Result<void, DepositFault> RemoteWorld::deposit(base::ShardId shard, base::AccountId account,
                                                      base::AssetId asset, base::Amount amount) {
    const auto given = state_->wait_for<SubmitAnswer>(
        DepositCall{.shard = shard, .account = account, .asset = asset, .amount = amount});
    if (!given) return base::Failure{DepositFault{NoAnswer{}}};
    if (const auto* refused = std::get_if<Refused>(&*given)) {
        return base::Failure{DepositFault{*refused}};
    }
    return {};
}

bool RemoteWorld::set_faults(base::ShardId shard, Faults faults) {
    const SetFaultsCall call{.shard = shard, .faults = std::move(faults)};
    return state_->wait_for<Done>(call).has_value();
}

std::optional<Faults> RemoteWorld::faults(base::ShardId shard) {
    return state_->wait_for<Faults>(FaultsCall{shard});
}

bool RemoteWorld::fail_protocol(base::ShardId shard, base::AssetId asset, base::Ppm share) {
    const FailProtocolCall call{.shard = shard, .asset = asset, .share = share};
    return state_->wait_for<Done>(call).has_value();
}

std::optional<Balances> RemoteWorld::balances(base::ShardId shard, base::BrokerId broker) {
    const auto given =
        state_->wait_for<BalancesAnswer>(FinalBalancesCall{Seat{.shard = shard, .broker = broker}});
    if (!given || std::holds_alternative<NoAnswer>(*given)) return std::nullopt;
    return std::get<Balances>(*given);
}

base::Result<std::optional<LogFault>, NoAnswer> RemoteWorld::fault() {
    auto given = state_->wait_for<FaultAnswer>(FaultCall{});
    if (!given) return base::Failure{NoAnswer{}};
    return std::move(given->fault);
}

}  // namespace crossclear::shards::simulated
