#include "shards/simulated/adapter.hpp"

#include <utility>

namespace crossclear::shards::simulated {

SimulatedShard::SimulatedShard(SimulatedWorld& world, base::ShardId shard, base::BrokerId broker)
    : world_(world), shard_(shard), broker_(broker), mailbox_(std::make_shared<Mailbox>()) {
    const bool is_posted = world_.post([&target = world, shard, broker, mailbox = mailbox_] {
        auto& mailboxes = target.site(shard).mailboxes[broker];
        std::erase_if(mailboxes, [](const auto& other) { return other.expired(); });
        mailboxes.push_back(mailbox);
    });
    CHECK(is_posted, "an adapter is made before the world is flooded with calls");
}

SimulatedShard::~SimulatedShard() {
    // Waits for a callback that is running; later ones find the mailbox closed.
    mailbox_->close();
}

template <class Answer>
void SimulatedShard::call(std::function<Answer(SimulatedWorld::Site&)> run, Answer otherwise,
                          std::function<void(Answer)> done) {
    const bool is_posted = world_.post([&world = world_, shard = shard_, mailbox = mailbox_,
                                        run = std::move(run), otherwise, done] {
        auto& site = world.site(shard);
        Answer answer = site.is_stopped ? otherwise : run(site);
        // The answer may rest on a record that is not durable yet, and must not outlive its loss.
        world.commit(site);
        if (site.is_stopped) answer = otherwise;
        mailbox->run([&] { done(std::move(answer)); });
    });
    if (!is_posted) done(std::move(otherwise));
}

void SimulatedShard::submit(const ledger::ShardOrder& order,
                            std::function<void(SubmitAnswer)> done) {
    call<SubmitAnswer>(
        [&world = world_, order, broker = broker_](SimulatedWorld::Site& site) -> SubmitAnswer {
            const bool is_ours = base::broker_of(order.ref.origin) == broker;
            if (!is_ours) return Refused{ledger::ShardRefusal::unsupported};
            return site.chain->submit(order, world.now());
        },
        NoAnswer{}, std::move(done));
}

void SimulatedShard::ask(const base::OrderRef& ref,
                         std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)> done) {
    call<std::variant<ledger::OrderNotice, NoAnswer>>(
        [ref](SimulatedWorld::Site& site) { return site.chain->ask(ref); }, NoAnswer{},
        std::move(done));
}

void SimulatedShard::balances(std::function<void(std::variant<Balances, NoAnswer>)> done) {
    call<std::variant<Balances, NoAnswer>>(
        [broker = broker_](SimulatedWorld::Site& site) { return site.chain->balances(broker); },
        NoAnswer{}, std::move(done));
}

void SimulatedShard::rescan(std::uint64_t from_block) {
    call<bool>(
        [broker = broker_, from_block](SimulatedWorld::Site& site) {
            site.chain->rescan(broker, from_block);
            return true;
        },
        false, [](bool) {});
}

void SimulatedShard::health(std::function<void(Health)> done) {
    call<Health>([](SimulatedWorld::Site& site) { return site.chain->health(); }, Health{},
                 std::move(done));
}

void SimulatedShard::listen(std::function<void(ledger::ShardNotice)> listener) {
    mailbox_->listen(std::move(listener));
}

}  // namespace crossclear::shards::simulated
