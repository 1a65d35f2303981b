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
/// A machine is an actor or it is not here: then the keeper of snapshots knows where it stands, and
/// says so before its host is made.
class PartitionHost : public PartitionActor::base {
public:
    PartitionHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
                  std::function<DoorActor(base::PartitionId)> doors, DoorActor door);

    PartitionActor::behavior_type make_behavior() override;

private:
    using AccountNews = std::variant<AccountAsk, AccountFollow, AccountOrder>;
    using News = std::variant<AccountAsk, AccountFollow, AccountOrder, ToHome>;

    struct Active {
        AccountActor actor;
        base::Timestamp used_at;
        bool is_leaving{};                ///< Asked to end.
        std::deque<AccountNews> waiting;  ///< What came since.
    };

    template <class Ask>
    [[nodiscard]] bool refuse(const Ask& ask);
    template <class Message, class Then>
    void when_running(Message& message, Then then);
    template <class One>
    void to_account(One& news);
    [[nodiscard]] std::optional<Refusal> refusal_of_ask() const;
    void start_account(base::AccountId account, ledger::account::State state);
    void route_order(AccountOrder& order);
    void tell_owed(const ledger::account::State& account);

    void to_home(ToHome& news);
    [[nodiscard]] bool has_host(const base::EntityId& entity) const;
    void refuse_hostless(const ToHome& news);
    HomeActor start_home(ledger::EntityState state);
    void start_lanes();

    /// Has the machine's host made; what came for it waits.
    std::deque<News>& wake(const base::EntityId& entity);
    void on_machine(MachineBack& back);
    void on_retire(const Retire& retire);
    void on_house_follow(HouseFollow& follow);
    void on_recovered(const Recovered& recovered);
    void go_on();
    void on_lost(const PartitionLost& lost);
    void on_leave();
    void let_go_when_durable(int looks_left);
    void on_passivated(Passivated& passivated);
    void on_not_passivated(const NotPassivated& kept);
    void on_tick();
    void drop_everything();
    void refuse_waiting();
    void on_ended(const ledger::EntityState& state);
    void let_follow();

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
    SnapshotActor snapshots_;
    std::map<base::EntityId, std::deque<News>>
        waking_;  ///< Until the keeper says where they stand.
    std::map<base::EntityId, HomeActor> home_;
    std::map<std::pair<base::BrokerId, base::ShardId>, LaneActor> lanes_;
    std::set<base::EntityId> to_wake_;     ///< Home machines with something to do, since the start.
    std::set<base::AccountId> to_tell_;    ///< Accounts that owe something, likewise.
    std::set<base::EntityId> to_publish_;  ///< The latest hedges that are over, likewise.
    std::deque<ToHome> follows_;           ///< Until those are published.
    /// What sessions and other partitions of this node sent while this one was still reading.
    std::deque<std::variant<AccountFollow, AccountOrder, ToHome, QuotaTold>> early_;
};

}  // namespace crossclear::actors
