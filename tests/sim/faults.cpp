// What goes wrong in a simulated world.
#include "tests/sim/simulation.hpp"
#include "tests/support/actors/house.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::sim {

using namespace tests::town;

namespace {

std::uint32_t up_to_ppm(base::Rng& rng, std::uint64_t most) {
    return static_cast<std::uint32_t>(rng.below(most));
}

}  // namespace

void Simulation::do_harm() {
    if (!stage_.is_faulty) return;
    stage_.agenda.after({1 + stage_.up_to(stage_.plan.fault_every * 2).us}, [this] { do_harm(); });
    const auto& plan = stage_.plan;
    switch (stage_.rng.below(8)) {
        case 0:
            if (plan.has_kills) kill();
            break;
        case 1:
            if (plan.has_rivals) pause_and_replace();
            break;
        case 2:
        case 3:
            if (plan.has_outages) break_acceptor();
            break;
        case 4:
            if (plan.has_wipes) empty_acceptor();
            break;
        case 5:
            if (plan.has_damage) rot_acceptor();
            if (plan.has_clock_jumps) jump_clock();
            break;
        default:
            if (plan.has_shard_faults) spoil_shard();
            break;
    }
}

// The newest node dies without a word; another one starts after a while.
void Simulation::kill() {
    if (nodes_.empty() || is_start_due_) return;
    stage_.note("kill", nodes_.back()->number());
    truth_.lane().note_crash();
    end_node(nodes_.size() - 1);
    if (!nodes_.empty()) return;
    is_start_due_ = true;
    stage_.agenda.after(stage_.up_to(base::milliseconds(800)), [this] {
        if (is_start_due_) start_node();
    });
}

// The only node stands still; another one takes over; then the first wakes up and believes that it
// is still the owner.
void Simulation::pause_and_replace() {
    if (nodes_.size() != 1 || nodes_.back()->is_paused()) return;
    const auto number = nodes_.back()->number();
    const bool is_race = stage_.rng.below(3) == 0;
    stage_.note("pause", number, is_race ? 1 : 0);
    if (!is_race) nodes_.back()->pause();
    stage_.agenda.after(stage_.up_to(base::milliseconds(400)), [this, number] {
        const bool is_there = nodes_.size() == 1 && nodes_.back()->number() == number;
        if (!is_there || !stage_.is_faulty) return;
        stage_.mark(Mark::takeover_by_rival);
        start_node();
    });
    stage_.agenda.after(stage_.up_to(base::seconds(2)), [this, number] {
        for (const auto& node : nodes_) {
            if (node->number() != number || !node->is_paused()) continue;
            stage_.note("wake", number);
            if (nodes_.size() > 1) stage_.mark(Mark::woken_after_takeover);
            node->wake();
        }
    });
    stage_.agenda.after(base::seconds(2) + stage_.up_to(base::seconds(2)), [this] { end_rival(); });
}

void Simulation::end_rival() {
    if (nodes_.size() < 2) return;
    stage_.note("rival ends", nodes_.front()->number());
    end_node(0);
}

void Simulation::break_acceptor() {
    const auto disk = outside_.disks[stage_.rng.below(outside_.disks.size())];
    if (!disk->is_up()) return;
    stage_.note("acceptor down", disk->number());
    disk->go_down();
    // Sometimes for so long that everybody's patience ends.
    const auto most = base::seconds(stage_.rng.below(6) == 0 ? 12 : 1);
    stage_.agenda.after(stage_.up_to(most), [this, disk] {
        stage_.note("acceptor up", disk->number());
        disk->come_up();
    });
}

// Only a minority may lose what it holds: of several one at a time, and none while another rots.
void Simulation::empty_acceptor() {
    const bool is_one_away = std::any_of(outside_.disks.begin(), outside_.disks.end(),
                                         [](const auto& disk) { return disk->is_joining(); });
    if (is_one_away || rotten_ != nullptr) return;
    const auto disk = outside_.disks[stage_.rng.below(outside_.disks.size())];
    stage_.note("acceptor emptied", disk->number());
    // It hurts most when somebody has to take over and another acceptor is not there to be asked.
    if (stage_.rng.below(2) == 0) {
        const auto other = outside_.disks[(disk->number() + 1) % outside_.disks.size()];
        other->go_down();
        stage_.agenda.after(stage_.up_to(base::seconds(1)), [other] { other->come_up(); });
        if (stage_.plan.has_kills) kill();
    }
    disk->wipe();
}

// A bit flips in what is stored. Whoever reads it must notice; then an operator empties the
// acceptor, and the others make it whole.
void Simulation::rot_acceptor() {
    const bool is_one_away = std::any_of(outside_.disks.begin(), outside_.disks.end(),
                                         [](const auto& disk) { return disk->is_joining(); });
    if (is_one_away || rotten_ != nullptr) return;
    const auto disk = outside_.disks[stage_.rng.below(outside_.disks.size())];
    const base::PartitionId partition{
        static_cast<std::uint16_t>(stage_.rng.below(stage_.plan.partitions))};
    if (!disk->rot(partition)) return;
    stage_.note("acceptor rots", disk->number(), partition.v);
    rotten_ = disk;
}

void Simulation::replace_rotten() {
    if (rotten_ == nullptr) return;
    const bool is_one_away = std::any_of(outside_.disks.begin(), outside_.disks.end(),
                                         [](const auto& disk) { return disk->is_joining(); });
    if (is_one_away) return;
    stage_.note("rotten acceptor emptied", rotten_->number());
    std::exchange(rotten_, nullptr)->wipe();
}

// It hurts most while accounts wait for each other.
void Simulation::jump_clock() {
    if (nodes_.empty()) return;
    const auto number = nodes_.back()->number();
    const bool is_amid = stage_.rng.below(2) == 0;
    if (is_amid) clients_.give_up_all(*nodes_.back());
    const auto wait = stage_.up_to(stage_.plan.call_max * (is_amid ? 8 : 0));
    const auto by = static_cast<std::int64_t>(stage_.rng.below(40'000'000)) - 20'000'000;
    stage_.agenda.after(wait, [this, number, by] {
        if (!stage_.is_faulty || nodes_.empty() || nodes_.back()->number() != number) return;
        stage_.note("clock jumps", number);
        stage_.mark(Mark::clock_jumped);
        nodes_.back()->skew_by({by});
    });
}

void Simulation::spoil_shard() {
    const base::ShardId shard{static_cast<std::uint16_t>(stage_.rng.below(3))};
    auto& rng = stage_.rng;
    shards::simulated::Faults faults;
    const bool is_calm = rng.below(4) == 0;
    if (!is_calm) {
        faults.submission_latency_max =
            base::milliseconds(static_cast<std::int64_t>(rng.below(600)));
        faults.lost_request_ppm = up_to_ppm(rng, 200'000);
        faults.lost_answer_ppm = up_to_ppm(rng, 200'000);
        faults.drop_ppm = up_to_ppm(rng, 200'000);
        faults.refuse_ppm = up_to_ppm(rng, 100'000);
        faults.revert_ppm = up_to_ppm(rng, 200'000);
        faults.reorg_ppm = up_to_ppm(rng, 300'000);
        faults.vanish_ppm = up_to_ppm(rng, 500'000);
        faults.duplicate_notice_ppm = up_to_ppm(rng, 300'000);
        faults.reorder_notice_ppm = up_to_ppm(rng, 300'000);
        faults.pause_ppm = up_to_ppm(rng, 20'000);
        faults.capacity = base::Ppm{static_cast<std::int64_t>(rng.below(1'000'000)) + 1};
        faults.is_paused = rng.below(10) == 0;
        faults.is_unreachable = rng.below(10) == 0;
    }
    stage_.note("shard faults", shard.v, is_calm ? 0 : 1);
    outside_.world->set_faults(shard, faults);
}

}  // namespace crossclear::sim
