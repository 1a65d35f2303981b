#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>

namespace crossclear::actors {

/// One partition, for as long as this node owns it: knows which hosts live, makes them on demand,
/// lets idle accounts go, and drops everything when the journal is lost to another owner, is not
/// whole, or is handed over. It never comes back; its door makes another one.
///
/// An account is in one of three places: active (an actor), resting (folded state from recovery
/// that no snapshot holds yet) or asleep (a snapshot in the store). One that is in none is new.
class PartitionHost : public PartitionActor::base {
public:
    PartitionHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
                  std::function<DoorActor(base::PartitionId)> doors, DoorActor door);

    PartitionActor::behavior_type make_behavior() override;

private:
    using AccountNews = std::variant<AccountAsk, AccountFollow, AccountOrder>;

    struct Active {
        AccountActor actor;
        base::Timestamp used_at;
        bool is_leaving{};                ///< Asked to hand over its state.
        std::deque<AccountNews> waiting;  ///< What came since.
    };

    template <class News>
    void to_account(News& news);
    [[nodiscard]] std::optional<Refusal> refusal_of_ask() const;
    Active* activate(base::AccountId account);
    void start_account(base::AccountId account, ledger::account::State state);
    void wake_account(base::AccountId account);

    void to_home(ToHome& news);
    HomeActor home_host(const base::EntityId& entity);
    HomeActor start_home(const base::EntityId& entity);
    void start_lanes();

    void on_recovered(const Recovered& recovered);
    void on_lost(const PartitionLost& lost);
    void on_leave();
    void let_go_when_durable(int looks_left);
    void on_passivated(Passivated& passivated);
    void on_not_passivated(const NotPassivated& kept);
    void on_snapshot_kept(SnapshotKept& kept);
    void on_snapshot_back(const SnapshotBack& back);
    void on_tick();
    void rest_some();
    void drop_everything();
    void refuse_waiting();
    void publish_in_flight() const;
    void note_ended_hedges();
    void republish_hedges();

    [[nodiscard]] PartitionStatus& status() const { return *context_->status[partition_.v]; }

    const Context* context_;
    base::PartitionId partition_;
    std::function<DoorActor(base::PartitionId)> doors_;
    DoorActor door_;
    JournalActor journal_;
    bool is_running_{};
    bool is_leaving_{};
    std::optional<PartitionEnded> end_;  ///< Told to the door once the journal's host is gone.
    std::unordered_map<base::AccountId, Active> active_;
    std::unordered_map<base::AccountId, ledger::account::State> resting_;
    std::unordered_map<base::AccountId, std::uint64_t> asleep_;  ///< To the record it is true at.
    std::unordered_map<base::AccountId, std::deque<AccountNews>> waking_;
    ledger::Partition recovered_;  ///< Home machines' states until first use.
    std::map<base::EntityId, HomeActor> home_;
    std::map<std::pair<base::BrokerId, base::ShardId>, LaneActor> lanes_;
    std::set<base::EntityId> retired_;
    std::set<base::EntityId> to_wake_;
    std::map<base::EntityId, HedgeNews> told_hedges_;  ///< Ended before the start.
    /// What sessions and other partitions of this node sent while this one was still reading.
    std::deque<std::variant<AccountFollow, AccountOrder, ToHome, QuotaTold>> early_;
};

}  // namespace crossclear::actors
