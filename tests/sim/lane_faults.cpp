// What goes on, and wrong, on a chain whose transactions are signed.
#include "tests/sim/simulation.hpp"
#include "tests/support/actors/house.hpp"

namespace crossclear::sim {

using namespace tests::town;

namespace {

constexpr base::Duration tend_every = base::seconds(1);
// How often a node dies at a step of a transaction, just before the next one.
constexpr std::uint32_t dies_ppm = 15'000;
constexpr int first_deposits = 12;
constexpr std::uint64_t deep = 17;

}  // namespace

void Simulation::plan_lane() {
    outside_.signed_chain = std::make_unique<SignedChain>(stage_, listing_, uniswap);
    outside_.signed_chain->set_price(prices_[eth.v]);
    truth_.lane().watch(outside_.signed_chain.get(), [this] { perhaps_die(); });
    for (int i = 0; i < first_deposits; ++i) clients_.deposit();
    make_signed_blocks();
    stage_.agenda.after(stage_.plan.reorg_every, [this] { harm_lane(); });
    stage_.agenda.after(tend_every, [this] { tend_lane(); });
}

void Simulation::make_signed_blocks() {
    stage_.agenda.after(stage_.plan.block_every, [this] {
        outside_.signed_chain->make_block();
        make_signed_blocks();
    });
}

void Simulation::harm_lane() {
    if (!stage_.is_faulty) return;
    stage_.agenda.after({1 + stage_.up_to(stage_.plan.reorg_every * 2).us},
                        [this] { harm_lane(); });
    const auto choice = stage_.rng.below(8);
    if (choice == 0) {
        stage_.note("pool forgotten");
        stage_.mark(Mark::pool_forgotten);
        outside_.signed_chain->forget_pool();
    } else if (choice == 1 && stage_.plan.has_foreign_use) {
        outside_.signed_chain->use_key_elsewhere();
    } else {
        reorganise_lane();
    }
}

// Mostly few blocks, now and then as many as there may be, and anything between.
void Simulation::reorganise_lane() {
    constexpr auto most = SignedChain::reorg_max;
    const auto choice = stage_.rng.below(8);
    const auto depth = choice == 0  ? most
                       : choice < 4 ? 1 + stage_.rng.below(4)
                                    : 1 + stage_.rng.below(most);
    stage_.mark(Mark::chain_reorganised);
    if (depth >= deep) stage_.mark(Mark::chain_reorganised_deep);
    if (depth == most) stage_.mark(Mark::chain_reorganised_to_the_limit);
    outside_.signed_chain->reorganise(depth);
}

// At a step of a transaction: before anything else, or while what it asked for is on its way.
void Simulation::perhaps_die() {
    if (!stage_.goes_wrong(dies_ppm)) return;
    if (stage_.rng.below(2) == 0) {
        is_death_due_ = true;
        return;
    }
    stage_.agenda.after(stage_.up_to(stage_.plan.call_max * 2), [this] {
        if (stage_.is_faulty) kill();
    });
}

// What operators do about a lane that stands still.
void Simulation::tend_lane() {
    stage_.agenda.after(tend_every, [this] { tend_lane(); });
    if (!truth_.lane().is_halted() || nodes_.empty() || nodes_.back()->is_paused()) return;
    clients_.resume_lane(*nodes_.back());
}

}  // namespace crossclear::sim
