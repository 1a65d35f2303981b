#include "tests/sim/simulation.hpp"

#include "tests/support/actors/house.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace crossclear::sim {

using namespace tests::town;

namespace {

// After the last fault everything must have come to rest within this.
constexpr base::Duration drain_max = base::seconds(180);
// Where a block is final half a minute later, and a payment may be tried eight times.
constexpr base::Duration lane_drain_max = base::seconds(1'200);
constexpr base::Duration takeover_every = base::seconds(10);
constexpr std::uint64_t drain_steps_max = 1'000'000;
constexpr base::Duration look_every = base::milliseconds(250);

std::vector<std::shared_ptr<Disk>> make_disks(Stage& stage) {
    std::vector<std::shared_ptr<Disk>> disks;
    disks.reserve(stage.plan.acceptors);
    for (std::uint16_t i = 0; i < stage.plan.acceptors; ++i) {
        disks.push_back(std::make_shared<Disk>(stage, i));
    }
    return disks;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, WorldKind kind, Plant plant, bool is_loud)
    : stage_(seed, kind, plant),
      listing_(listing()),
      truth_(stage_, make_disks(stage_)),
      outside_{stage_, truth_.disks(), open_world(stage_, listing_), truth_, {}},
      clients_(outside_, listing_),
      prices_{base::Price{one_dollar}, base::Price{2'000 * one_dollar},
              base::Price{30'000 * one_dollar}, base::Price{30'000 * one_dollar}} {
    stage_.is_loud = is_loud;
    plan_life();
    if (stage_.plan.has_lane) plan_lane();
    start_node();
}

Simulation::~Simulation() {
    for (const auto& node : nodes_) clients_.leave(node->number());
    nodes_.clear();
}

Outcome Simulation::run(std::uint64_t steps) {
    while (steps_ < steps && !stage_.finding) step();
    if (!stage_.finding) drain();
    return {.hash = stage_.trace.hash(),
            .steps = steps_,
            .records = truth_.records(),
            .marks = stage_.trace.marks(),
            .finding = stage_.finding};
}

void Simulation::step() {
    ++steps_;
    if (std::exchange(is_death_due_, false) && stage_.is_faulty) kill();
    // While there are faults actors are slow now and then; afterwards time waits for them.
    const bool is_eager = !stage_.is_faulty || stage_.rng.chance_ppm(stage_.plan.eager_ppm);
    if (is_eager && run_actors()) return;
    auto next = stage_.agenda.next_at();
    Owner* timed = nullptr;
    for (const auto& node : nodes_) {
        const auto at = node->next_timer_at();
        if (!at || (next && *at > *next)) continue;
        next = at;
        timed = node.get();
    }
    if (timed != nullptr) {
        stage_.agenda.move_to(*next);
        stage_.note("timer", timed->number());
        timed->catch_up();
        return;
    }
    CHECK(next.has_value(), "the chains always have something to do");
    stage_.agenda.run_next();
}

// One message of one node, if there is any.
bool Simulation::run_actors() {
    std::size_t ready = 0;
    for (const auto& node : nodes_) ready += node->ready();
    if (ready == 0) return false;
    auto chosen = nodes_.size() == 1 ? 0 : stage_.rng.below(ready);
    for (const auto& node : nodes_) {
        if (chosen < node->ready()) {
            node->run_one();
            return true;
        }
        chosen -= node->ready();
    }
    return false;
}

void Simulation::plan_life() {
    make_blocks();
    move_prices();
    stage_.agenda.after(stage_.plan.act_every, [this] { act(); });
    stage_.agenda.after(stage_.plan.fault_every, [this] { do_harm(); });
    stage_.agenda.after(look_every, [this] { keep_alive(); });
}

void Simulation::make_blocks() {
    auto next = outside_.world->chain(synthetix).next_slot_at();
    for (const auto shard : {uniswap, perpetuals}) {
        next = std::min(next, outside_.world->chain(shard).next_slot_at());
    }
    stage_.agenda.at(next, [this] {
        stage_.note("block", outside_.world->chain(uniswap).head_height(),
                    outside_.world->chain(uniswap).head_hash());
        outside_.world->advance_to(stage_.agenda.now());
        make_blocks();
    });
}

// In thousandths of a percent: mostly up to one, now and then a crash or its end.
std::int64_t Simulation::some_change() {
    auto& rng = stage_.rng;
    if (rng.below(30) == 0) return rng.below(2) == 0 ? -40'000 : 60'000;
    return static_cast<std::int64_t>(rng.below(2'001)) - 1'000;
}

void Simulation::move_prices() {
    for (const auto asset : {eth, sbtc, btc_contract}) {
        auto& price = prices_[asset.v];
        if (stage_.is_faulty) price.v += price.v / 100'000 * some_change();
        outside_.world->set_price(asset, price);
    }
    if (outside_.signed_chain != nullptr) outside_.signed_chain->set_price(prices_[eth.v]);
    if (stage_.is_faulty) funding_.v += prices_[btc_contract.v].v / 100'000 * (some_change() / 200);
    outside_.world->set_funding(btc_contract, funding_);
    stage_.note("prices", static_cast<std::uint64_t>(prices_[eth.v].v));
    for (const auto& node : nodes_) publish_marks(*node);
    stage_.agenda.after(base::milliseconds(700), [this] { move_prices(); });
}

void Simulation::publish_marks(Owner& owner) const {
    actors::PublishMarks marks{.marks = {}, .at = owner.now()};
    for (const auto asset : {usdc, eth, sbtc, btc_contract}) {
        marks.marks.push_back({asset, prices_[asset.v]});
    }
    marks.funding.push_back({btc_contract, funding_});
    owner.node().publish_marks(marks);
}

void Simulation::act() {
    if (!stage_.is_faulty) return;
    stage_.agenda.after({1 + stage_.up_to(stage_.plan.act_every * 2).us}, [this] { act(); });
    if (nodes_.empty()) return;
    // Whoever still holds a connection to the node that was replaced asks there.
    const bool is_old = nodes_.size() > 1 && stage_.rng.below(4) == 0;
    clients_.act(*nodes_[is_old ? 0 : nodes_.size() - 1]);
}

// What an orchestrator does: a node that lost or stopped its partitions is started anew.
void Simulation::keep_alive() {
    stage_.agenda.after(look_every, [this] { keep_alive(); });
    if (nodes_.empty() || nodes_.back()->is_paused()) return;
    using Phase = actors::PartitionStatus::Phase;
    const auto& newest = *nodes_.back();
    const bool is_hurt = newest.count(Phase::lost) > 0 || newest.count(Phase::broken) > 0;
    if (!is_hurt) return;
    stage_.mark(Mark::partition_lost);
    if (newest.count(Phase::broken) > 0 && !stage_.plan.has_damage && !stage_.plan.has_wipes) {
        stage_.blame(17, "a partition stopped and nothing was damaged: " + newest.last_error());
    }
    if (newest.count(Phase::broken) > 0) replace_rotten();
    end_node(nodes_.size() - 1);
    start_node();
}

void Simulation::start_node() {
    is_start_due_ = false;
    nodes_.push_back(std::make_unique<Owner>(outside_, ++nodes_started_));
    clients_.join(*nodes_.back());
    publish_marks(*nodes_.back());
}

void Simulation::end_node(std::size_t which) {
    auto& node = *nodes_[which];
    if (node.is_appending()) stage_.mark(Mark::killed_with_append_in_flight);
    node.life().cut();
    clients_.leave(node.number());
    nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(which));
    for (const auto& left : nodes_) left->reconnect();
}

void Simulation::stop_faults() {
    stage_.is_faulty = false;
    stage_.note("faults stop");
    for (const auto& disk : outside_.disks) disk->come_up();
    for (const auto shard : {synthetix, uniswap, perpetuals}) {
        outside_.world->set_faults(shard, {});
    }
    while (nodes_.size() > 1) end_node(0);
    if (nodes_.empty()) start_node();
    nodes_.back()->mend_clock();
    if (nodes_.back()->is_paused()) nodes_.back()->wake();
}

void Simulation::drain() {
    stop_faults();
    const auto until = stage_.agenda.now() + (stage_.plan.has_lane ? lane_drain_max : drain_max);
    auto look_at = stage_.agenda.now();
    std::string difference = "nothing was compared";
    auto takeover_at = stage_.agenda.now() + takeover_every;
    const auto last_step = steps_ + drain_steps_max;
    while (!stage_.finding && stage_.agenda.now() < until && steps_ < last_step) {
        step();
        if (stage_.agenda.now() < look_at) continue;
        look_at = stage_.agenda.now() + look_every;
        help_along();
        if (!has_drained()) continue;
        truth_.check_signed_orders();
        if (stage_.finding) return;
        difference = truth_.difference([this](base::ShardId shard, base::BrokerId broker) {
            return outside_.balances(shard, broker);
        });
        if (!difference.empty()) continue;
        difference = truth_.lacking();
        if (!difference.empty()) {
            // What takeovers promised on a minority keeps that one out until later ones are above.
            if (stage_.agenda.now() < takeover_at) continue;
            takeover_at = stage_.agenda.now() + takeover_every;
            end_node(nodes_.size() - 1);
            start_node();
            continue;
        }
        truth_.check_at_rest();
        clients_.check_answers();
        return;
    }
    if (stage_.finding) return;
    const auto waits = what_waits();
    if (waits.empty()) return stage_.blame(2, difference);
    stage_.blame(17, "the world does not come to rest: " + waits);
}

// Clients ask again for what they were not told; operators replace what is broken.
void Simulation::help_along() {
    replace_rotten();
    clients_.ask_again(*nodes_.back());
}

bool Simulation::has_drained() { return what_waits().empty(); }

std::string Simulation::what_waits() {
    using Phase = actors::PartitionStatus::Phase;
    const auto running = nodes_.back()->count(Phase::running);
    if (running < stage_.plan.partitions) {
        return fmt::format("{} of {} partitions run; {}", running, stage_.plan.partitions,
                           nodes_.back()->last_error());
    }
    if (!clients_.are_content()) return "a client has no answer";
    if (!truth_.is_at_rest()) return truth_.restless();
    return {};
}

}  // namespace crossclear::sim
