#include "tests/sim/stage.hpp"

#include <fmt/format.h>

namespace crossclear::sim {
namespace {

// A day in 2026: ids of commands carry the time, and it must not be long past.
constexpr base::Timestamp begin_at{1'770'000'000'000'000};

base::Duration between(base::Rng& rng, std::int64_t from_ms, std::int64_t to_ms) {
    return base::milliseconds(from_ms + static_cast<std::int64_t>(rng.below(
                                            static_cast<std::uint64_t>(to_ms - from_ms) + 1)));
}

// One broker, whose orders on one chain are signed. Time is longer: a block there is final half a
// minute later.
void add_lane(Plan& plan, base::Rng& rng) {
    plan.has_lane = true;
    plan.brokers = 1;
    plan.has_contracts = false;
    plan.partitions = static_cast<std::uint16_t>(1 + rng.below(3));
    plan.tick = between(rng, 200, 600);
    plan.act_every = between(rng, 100, 1'500);
    plan.fault_every = between(rng, 800, 4'000);
    plan.has_kills = true;
    plan.has_foreign_use = rng.below(6) == 0;
    plan.block_every = between(rng, 200, 900);
    plan.reorg_every = between(rng, 1'000, 9'000);
    plan.send_lost_ppm = 300'000;
}

}  // namespace

Plan Plan::drawn(base::Rng rng, WorldKind kind) {
    const auto often = [&rng](std::uint64_t of, std::uint64_t in) { return rng.below(in) < of; };
    Plan plan;
    plan.acceptors = often(2, 3) ? 3 : 1;
    plan.partitions = static_cast<std::uint16_t>(1 + rng.below(8));
    plan.brokers = static_cast<std::uint16_t>(1 + rng.below(2));
    plan.accounts = 1 + rng.below(4);
    plan.tick = between(rng, 100, 400);
    plan.call_max = between(rng, 1, 30);
    plan.act_every = between(rng, 5, 60);
    plan.fault_every = between(rng, 300, 2'000);
    const bool is_flaky = often(1, 2);
    plan.lost_request_ppm = is_flaky ? static_cast<std::uint32_t>(rng.below(20'000)) : 0;
    plan.lost_answer_ppm = is_flaky ? static_cast<std::uint32_t>(rng.below(20'000)) : 0;
    plan.late_ppm = often(1, 2) ? 500'000 : 0;
    plan.eager_ppm = static_cast<std::uint32_t>(880'000 + rng.below(120'000));
    plan.has_kills = often(2, 3);
    plan.has_rivals = often(1, 2);
    plan.has_outages = often(2, 3);
    plan.has_wipes = plan.acceptors > 1 && often(1, 2);
    plan.has_clock_jumps = often(1, 3);
    plan.has_shard_faults = often(2, 3);
    plan.has_damage = plan.acceptors > 1 && often(1, 8);
    plan.has_contracts = often(1, 2);
    if (kind == WorldKind::lane) add_lane(plan, rng);
    return plan;
}

std::string Plan::text() const {
    const auto lane = has_lane
                          ? fmt::format(" block={}ms reorg={}ms foreign={}", block_every.us / 1'000,
                                        reorg_every.us / 1'000, has_foreign_use)
                          : std::string{};
    return fmt::format(
        "acceptors={} partitions={} brokers={} accounts={} tick={}ms call<={}ms act={}ms "
        "fault={}ms lost={}/{}ppm late={} kills={} rivals={} outages={} wipes={} jumps={} "
        "shard_faults={} damage={} contracts={}{}",
        acceptors, partitions, brokers, accounts, tick.us / 1'000, call_max.us / 1'000,
        act_every.us / 1'000, fault_every.us / 1'000, lost_request_ppm, lost_answer_ppm, late_ppm,
        has_kills, has_rivals, has_outages, has_wipes, has_clock_jumps, has_shard_faults,
        has_damage, has_contracts, lane);
}

Stage::Stage(std::uint64_t seed, WorldKind kind, Plant planted)
    : rng(base::Rng(seed).fork(1)),
      plan(Plan::drawn(base::Rng(seed).fork(2), kind)),
      plant(planted),
      agenda(begin_at) {}

}  // namespace crossclear::sim
