#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/time_average.hpp"

#include <map>
#include <optional>
#include <vector>

namespace crossclear::actors {

/// Turns published marks into numbered surfaces, one per broker's parameters, and swaps them in.
class OracleHost : public OracleActor::base {
public:
    OracleHost(caf::actor_config& config, Context* context);

    OracleActor::behavior_type make_behavior() override;

private:
    void on_publish(const OraclePublish& message);
    [[nodiscard]] std::optional<Refusal> refusal_of(const PublishMarks& marks) const;
    [[nodiscard]] bool is_better(base::AssetId asset, base::Timestamp at,
                                 base::Timestamp known) const;
    [[nodiscard]] bool is_asked_for(base::AssetId asset) const;
    /// All that is published, by asset.
    struct Known {
        std::vector<risk::Mark> marks;
        std::vector<risk::Mark> indices;
        std::vector<risk::Mark> funding;
    };
    [[nodiscard]] bool has_funding(base::AssetId asset) const;
    bool take(Known known);
    void tell_derived();
    [[nodiscard]] bool is_any_overdue() const;
    [[nodiscard]] std::vector<base::Amount> open_interest_of(const Broker& broker) const;
    [[nodiscard]] bool is_open_interest_another() const;
    void on_follow(const OracleFollow& message);
    void tell(base::AssetId asset);
    void on_tick();
    void note_averages();
    [[nodiscard]] bool is_averaging() const;
    [[nodiscard]] std::vector<risk::Average> averages() const;

    Context* context_;
    NodeActor node_;
    std::uint64_t number_{};
    Known known_;
    std::vector<std::vector<base::Amount>> open_interest_;  ///< By broker, in the surfaces.
    std::vector<base::AssetId> derived_;                    ///< Whose marks are made of others.
    std::map<Channel, std::map<caf::actor_id, SessionActor>> followers_;
    /// What an option's last price is made of.
    struct Averaging {
        TimeAverage coin;
        /// Of what it is hedged with, before its end: in place of an average that there is none of.
        std::optional<base::Price> hedge;
    };
    std::map<base::InstrumentId, Averaging> averages_;
    std::map<base::AssetId, std::uint64_t> told_;  ///< The surface of the latest news per asset.
    std::uint64_t shards_told_{};
};

}  // namespace crossclear::actors
