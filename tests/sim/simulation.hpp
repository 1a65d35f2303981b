#pragma once

#include "tests/sim/clients.hpp"
#include "tests/sim/owner.hpp"
#include "tests/sim/plants.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// One seed: a world, what happens to it, and what was wrong.

namespace crossclear::sim {

/// What one seed came to.
struct Outcome {
    std::uint64_t hash{};
    std::uint64_t steps{};    ///< With those after the faults had stopped.
    std::uint64_t records{};  ///< Committed.
    Marks marks{};
    std::optional<Finding> finding;
};

/// Runs a world for a number of steps, then lets it come to rest. **Thread:** one.
class Simulation {
public:
    Simulation(std::uint64_t seed, WorldKind kind, Plant plant, bool is_loud = false);
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;
    ~Simulation();

    [[nodiscard]] Outcome run(std::uint64_t steps);
    /// What the seed decided, and the latest events, for people.
    [[nodiscard]] std::string plan() const { return stage_.plan.text(); }
    void print_all(std::FILE* out) { stage_.trace.print_all(out); }
    void print_latest(std::FILE* out) const { stage_.trace.print_latest(out); }

private:
    void step();
    bool run_actors();
    void plan_life();
    void act();
    std::int64_t some_change();
    void move_prices();
    void publish_marks(Owner& owner) const;
    void make_blocks();
    void keep_alive();

    void do_harm();
    void kill();
    void pause_and_replace();
    void end_rival();
    void break_acceptor();
    void empty_acceptor();
    void rot_acceptor();
    void replace_rotten();
    void jump_clock();
    void spoil_shard();
    // lane_faults.cpp: a world with a signing lane.
    void plan_lane();
    void make_signed_blocks();
    void harm_lane();
    void reorganise_lane();
    void perhaps_die();
    void tend_lane();

    void start_node();
    void end_node(std::size_t which);
    void stop_faults();
    void drain();
    [[nodiscard]] bool has_drained();
    void help_along();
    [[nodiscard]] std::string what_waits();

    Stage stage_;
    base::Listing listing_;
    Truth truth_;
    Outside outside_;
    Clients clients_;
    std::vector<std::unique_ptr<Owner>> nodes_;  ///< The newest last.
    std::uint64_t nodes_started_{};
    bool is_start_due_{};
    bool is_death_due_{};  ///< Before anything else.
    std::uint64_t steps_{};
    std::vector<base::Price> prices_;
    base::Price funding_;           ///< The index of the perpetual.
    std::shared_ptr<Disk> rotten_;  ///< Holds a record that is not what was written.
};

}  // namespace crossclear::sim
