#pragma once

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "tests/sim/agenda.hpp"
#include "tests/sim/plants.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// What all parts of one simulation share, and what its seed decides once.

namespace crossclear::sim {

/// The name that goes into every digest.
inline constexpr const char* cluster = "sim";

/// What kind of world it is.
enum class WorldKind : std::uint8_t {
    town,  ///< Simulated chains take orders as they are.
    lane,  ///< On one chain orders have to be signed; it reorganises deeply.
};

/// What the seed decides before anything happens. Rates are chances in a million, a call.
struct Plan {
    std::uint16_t acceptors{1};
    std::uint16_t partitions{1};
    std::uint16_t brokers{1};
    std::uint64_t accounts{2};  ///< A broker.
    base::Duration tick{};      ///< Of journals, lanes and reconcilers, as a measure.
    base::Duration call_max{};  ///< Of a call to an acceptor or a shard, each way.
    base::Duration act_every{};
    base::Duration fault_every{};
    std::uint32_t lost_request_ppm{};
    std::uint32_t lost_answer_ppm{};
    std::uint32_t late_ppm{};   ///< Of what was lost: executed all the same, much later.
    std::uint32_t eager_ppm{};  ///< How often actors go first while others wait.
    bool has_kills{};
    bool has_rivals{};
    bool has_outages{};
    bool has_wipes{};
    bool has_clock_jumps{};
    bool has_shard_faults{};
    bool has_damage{};
    bool has_contracts{};
    // Of a world with a signing lane.
    bool has_lane{};
    bool has_foreign_use{};  ///< Somebody else uses the key now and then.
    base::Duration block_every{};
    base::Duration reorg_every{};
    std::uint32_t send_lost_ppm{};

    [[nodiscard]] static Plan drawn(base::Rng rng, WorldKind kind);
    [[nodiscard]] std::string text() const;
};

/// The first thing that is wrong ends a simulation.
struct Finding {
    int invariant{};  ///< Its number in docs/durability.md.
    std::string what;
};

/// The shared parts. **Thread:** one.
struct Stage {
    Stage(std::uint64_t seed, WorldKind kind, Plant planted);

    base::Rng rng;  ///< Decides all that happens next.
    Plan plan;
    Plant plant;
    Agenda agenda;
    Trace trace;
    std::optional<Finding> finding;
    bool is_faulty{true};  ///< Until the faults stop.
    bool is_loud{};        ///< What nodes log is printed.

    void blame(int invariant, std::string what) {
        if (!finding) finding = Finding{invariant, std::move(what)};
    }
    void note(std::string_view what, std::uint64_t first = 0, std::uint64_t second = 0) {
        trace.note(agenda.now(), what, first, second);
    }
    void mark(Mark mark) { trace.mark(mark); }
    [[nodiscard]] bool is_planted(Plant one) const { return plant == one; }
    /// Whether something with this chance goes wrong; never once the faults have stopped.
    [[nodiscard]] bool goes_wrong(std::uint32_t ppm) {
        return is_faulty && ppm > 0 && rng.chance_ppm(ppm);
    }
    [[nodiscard]] base::Duration up_to(base::Duration most) {
        return {static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(most.us) + 1))};
    }
};

}  // namespace crossclear::sim
