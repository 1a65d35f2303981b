#pragma once

#include "actors/context.hpp"
#include "actors/liquidation.hpp"
#include "actors/machine_host.hpp"
#include "actors/messages.hpp"
#include "ledger/account/events.hpp"
#include "ledger/account/machine.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::actors {

/// Hosts one account machine. An `if` about money in this file is in the wrong file. Replaced,
/// never repaired: any doubt about what is durable ends it, and its successor replays.
class AccountHost : public AccountActor::base {
public:
    AccountHost(caf::actor_config& config, const Context* context, ledger::account::State state,
                JournalActor journal, PartitionActor owner);

    AccountActor::behavior_type make_behavior() override;
    /// Tells whoever still waits that nobody here can say any more.
    void on_exit() override;

private:
    using Events = std::vector<ledger::account::Event>;

    /// A trade whose claim ends with an event, whatever ends it.
    struct TradeEnd {
        std::string_view outcome;
        base::Timestamp novated_at;
        base::Timestamp at;
    };

    /// Who follows a channel, and what was told lately.
    struct Feed {
        std::uint64_t last{};  ///< Sequence of the latest news.
        bool is_recorded{};    ///< Somebody has followed: history is kept from then on.
        std::deque<std::shared_ptr<const Publication>> history;
        std::map<caf::actor_addr, SessionActor> followers;
    };

    /// An answer that waits until what it shows is durable and the owner is confirmed.
    struct Read {
        SessionActor from;
        std::uint64_t ticket{};
        Answer view;
        bool is_durable{};
        bool is_confirmed{};
    };

    /// Who will follow a channel once the same holds for what it is shown first.
    struct NewFollower {
        AccountFollow follow;
        std::vector<std::shared_ptr<const Publication>> shown;
        bool is_durable{};
        bool is_confirmed{};
    };

    void on_ask(const AccountAsk& ask);
    void answer(const AccountAsk& ask, Answer answer);
    void answer_when_durable(const AccountAsk& ask, Answer answer);
    void answer_read(const AccountAsk& ask, Answer view);
    void answer_if_ready(std::uint64_t number);
    void on_read_confirmed(const ReadConfirmed& message);

    void handle(const AccountAsk& ask, const SubmitTrade& request);
    void handle(const AccountAsk& ask, const PreviewTrade& request);
    void handle(const AccountAsk& ask, const Withdraw& request);
    void handle(const AccountAsk& ask, const GetAccount& request);
    void handle(const AccountAsk& ask, const GetPositions& request);
    void handle(const AccountAsk& ask, const GetMargin& request);
    void handle(const AccountAsk& ask, const GetTrade& request);
    void handle(const AccountAsk& ask, const GetTrades& request);
    void handle(const AccountAsk& ask, const GetSettlements& request);
    void handle(const AccountAsk& ask, const GetWithdrawals& request);
    void handle(const AccountAsk& ask, const PublishMarks& request);
    void handle(const AccountAsk& ask, const CancelWithdrawal& request);
    void handle(const AccountAsk& ask, const OperatorRequest& request);
    void handle(const AccountAsk& ask, const Transfer& request);
    void handle(const AccountAsk& ask, const GetTransfers& request);
    void handle(const AccountAsk& ask, const SubmitMatchedTrade& request);
    void answer_decided();

    void on_order(const AccountOrder& order);
    void answer_sender(const ledger::account::ReceiveTransfer& transfer,
                       ledger::account::Reject reject);
    [[nodiscard]] std::optional<ledger::account::Command> completed_here(
        const ledger::account::Command& command) const;
    [[nodiscard]] bool answer_buyer(const ledger::account::Command& command,
                                    ledger::account::Reject reject);
    void expire_matches();
    void settle_funding(std::optional<base::InstrumentId> of = std::nullopt);
    void log_refused(ledger::account::Reject reject) const;
    void review_margin(const AccountOrder& order);
    [[nodiscard]] MarginLook liquidate(base::Timestamp now);
    template <class Command>
    bool commit_for(const Command& command);
    void acknowledge(const decltype(AccountOrder::acknowledge)& word);
    void commit(const Events& events);
    void carry_out(const std::vector<ledger::account::Effect>& effects);
    void say_again_later();
    [[nodiscard]] std::vector<TradeEnd> ends_of(const Events& events) const;
    void count(const Events& events, const std::vector<TradeEnd>& ends);
    void count(const ledger::account::StandingChanged& changed) const;
    void count(const ledger::account::CollateralTaken& taken) const;
    void count(const ledger::account::LossAllocated& allocated) const;

    void on_follow(const AccountFollow& follow);
    [[nodiscard]] std::vector<std::shared_ptr<const Publication>> shown_first(
        const AccountFollow& follow);
    void follow_if_ready(std::uint64_t number);
    void hold_for_followers(const std::shared_ptr<const Publication>& news);
    [[nodiscard]] std::vector<std::shared_ptr<const Publication>> news_of(const Events& events);
    [[nodiscard]] std::shared_ptr<const Publication> record(Channel::Kind kind,
                                                            decltype(Publication::body) body);
    [[nodiscard]] decltype(Publication::body) snapshot_of(Channel::Kind kind) const;
    void on_passivate();

    const Context* context_;
    Crank<ledger::account::State> crank_;
    PartitionActor owner_;
    JournalActor journal_;
    bool is_to_say_again_{};
    std::optional<FirstLook> lost_since_;  ///< Beyond help, while it is liquidated.
    std::map<Channel::Kind, Feed> feeds_;
    std::uint64_t reads_asked_{};  ///< Counts reads and followers.
    std::map<std::uint64_t, Read> reads_;
    std::map<std::uint64_t, NewFollower> new_followers_;
    std::deque<std::pair<SessionActor, std::uint64_t>> unanswered_;  ///< Oldest first.
    /// Who waits for what another machine decides, and whether it is a repeat.
    std::vector<std::pair<AccountAsk, bool>> undecided_;
};

}  // namespace crossclear::actors
