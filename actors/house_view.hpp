#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a broker itself can lose, for its operators. Part of gateway.hpp.

namespace crossclear::actors {

/// Every broker's house. Scope operate. Answer: HousesView.
struct GetHouses {};

/// A broker's house as it was last looked at. **Units:** USD cents; losses rounded up, what pays
/// for them down. See docs/margin.md.
struct HouseLine {
    /// What the failure of one protocol would cost the broker.
    struct Protocol {
        std::string name{};
        std::int64_t shortfall_cents{};  ///< ΣSF of all clients.
        bool is_past_limit{};
    };
    /// What clients would leave unpaid in the worst state of one stress.
    struct Stress {
        std::string name{};
        std::int64_t loss_cents{};
        std::int64_t largest_cents{};      ///< Of one client in one state,
        std::int64_t two_largest_cents{};  ///< and of two together.
        std::string worst{};               ///< The state; empty where nothing is lost.
        std::uint64_t states{};            ///< None: no prices of it are known.
        std::uint64_t clients_unknown{};   ///< What these lose in some state is not known.
    };
    base::BrokerId broker{};
    base::Timestamp at{};                ///< Zero: it was never looked at.
    std::uint64_t clients{};             ///< Accounts that could owe something and have figures.
    std::uint64_t clients_waiting{};     ///< Not looked at since a partition was taken over.
    std::uint64_t clients_below{};       ///< Whose equity does not cover maintenance.
    std::int64_t waterfall_cents{};      ///< Capital and insurance.
    std::int64_t solvency_ppm{};         ///< The chance that it pays for all losses of a year.
    std::int64_t expected_loss_cents{};  ///< Of market and protocols together.
    std::int64_t cover1_cents{};         ///< The largest shortfall of one client,
    std::int64_t cover2_cents{};         ///< and of two together.
    std::vector<Protocol> protocols{};   ///< Those whose failure would cost something.
    std::vector<Stress> stresses{};      ///< In the order of the stress book.
    bool has_limits{};                   ///< The maxima below limit trades.
    std::int64_t protocol_max_cents{};   ///< So much each protocol may cost.
    base::AccountId worst_client{};      ///< Who would leave most unpaid in a stress,
    std::int64_t worst_client_cents{};   ///< and how much; 0: nobody anything.
    std::int64_t client_max_cents{};     ///< So much the stress of one account may cost.
    bool is_reduce_only{};               ///< Cover-2 is beyond the waterfall.
    std::int64_t unsettled_cents{};      ///< Claims of all accounts.
    bool is_unsettled_full{};            ///< They are at their cap.
    /// What all accounts hold and owe, gross; nothing where no cap asks for it.
    std::optional<std::int64_t> exposure_cents{};
    bool is_exposure_full{};                    ///< It is at its cap.
    std::vector<base::ShardId> shards_full{};   ///< At a cap.
    std::vector<std::string> protocols_full{};  ///< At a cap.
};
/// All of them, by broker.
struct HousesView {
    std::vector<HouseLine> houses;
};

}  // namespace crossclear::actors
