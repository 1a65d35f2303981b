// What an account shows: only what is durable, and only while its partition is known to be ours.
#include "actors/account_actor.hpp"
#include "actors/account_views.hpp"
#include "base/limits.hpp"

#include <algorithm>

namespace crossclear::actors {

void AccountHost::handle(const AccountAsk& ask, const GetAccount&) {
    answer_read(ask, account_view(*context_, crank_.state()));
}

void AccountHost::handle(const AccountAsk& ask, const GetPositions&) {
    answer_read(ask, positions_view(*context_, crank_.state()));
}

void AccountHost::handle(const AccountAsk& ask, const GetMargin&) {
    answer_read(ask, margin_view_of(*context_, crank_.state()));
}

void AccountHost::handle(const AccountAsk& ask, const GetTrade& request) {
    TradesView view{.sequence = crank_.state().version, .trades = {}};
    if (crank_.state().trades.contains(request.number)) {
        view.trades.push_back(trade_view(crank_.state(), request.number));
    }
    answer_read(ask, std::move(view));
}

void AccountHost::handle(const AccountAsk& ask, const GetTrades& request) {
    answer_read(
        ask, trades_view(crank_.state(), request.before, std::min(request.count, trades_page_max)));
}

void AccountHost::handle(const AccountAsk& ask, const GetSettlements& request) {
    answer_read(
        ask, trades_view(crank_.state(), request.before, std::min(request.count, trades_page_max)));
}

void AccountHost::handle(const AccountAsk& ask, const GetWithdrawals&) {
    answer_read(ask, withdrawals_view(crank_.state()));
}

void AccountHost::handle(const AccountAsk& ask, const GetTransfers&) {
    answer_read(ask, transfers_view(crank_.state()));
}

// The view is of this moment, so that a command behind the read in the same session is not in it.
// It is told once all that it saw is durable, and once the journal has confirmed the owner.
void AccountHost::answer_read(const AccountAsk& ask, Answer view) {
    const auto number = ++reads_asked_;
    reads_.emplace(number, Read{.from = ask.from,
                                .ticket = ask.ticket,
                                .view = std::move(view),
                                .is_durable = false,
                                .is_confirmed = false});
    crank_.when_durable([this, number](std::uint64_t) {
        const auto found = reads_.find(number);
        if (found == reads_.end()) return;  // Refused meanwhile.
        found->second.is_durable = true;
        answer_if_ready(number);
    });
    send(journal_, ConfirmRead{number, false, caf::actor_cast<AccountActor>(this)});
}

void AccountHost::on_read_confirmed(const ReadConfirmed& message) {
    if (const auto found = new_followers_.find(message.number); found != new_followers_.end()) {
        found->second.is_confirmed = true;
        return follow_if_ready(message.number);
    }
    const auto found = reads_.find(message.number);
    if (found == reads_.end()) return;
    auto& read = found->second;
    if (message.refusal) {
        send(read.from, AnswerReady{.ticket = read.ticket, .answer = *message.refusal});
        reads_.erase(found);
        return;
    }
    read.is_confirmed = true;
    answer_if_ready(message.number);
}

void AccountHost::answer_if_ready(std::uint64_t number) {
    const auto found = reads_.find(number);
    auto& read = found->second;
    if (!read.is_durable || !read.is_confirmed) return;
    send(read.from, AnswerReady{.ticket = read.ticket, .answer = std::move(read.view)});
    reads_.erase(found);
}

// What is shown first is of this moment, and is told as a read is. News that become durable before
// the owner is confirmed are held for the follower and told after it.
void AccountHost::on_follow(const AccountFollow& follow) {
    if (!follow.is_following) {
        std::erase_if(new_followers_, [&](const auto& waiting) {
            const auto& other = waiting.second.follow;
            return other.from == follow.from && other.channel == follow.channel;
        });
        feeds_[follow.channel.kind].followers.erase(caf::actor_cast<caf::actor_addr>(follow.from));
        return;
    }
    const auto number = ++reads_asked_;
    new_followers_.emplace(number, NewFollower{.follow = follow,
                                               .shown = shown_first(follow),
                                               .is_durable = false,
                                               .is_confirmed = false});
    crank_.when_durable([this, number](std::uint64_t) {
        const auto found = new_followers_.find(number);
        if (found == new_followers_.end()) return;  // It follows no more.
        found->second.is_durable = true;
        follow_if_ready(number);
    });
    send(journal_, ConfirmRead{number, true, caf::actor_cast<AccountActor>(this)});
}

void AccountHost::follow_if_ready(std::uint64_t number) {
    const auto found = new_followers_.find(number);
    const auto& [follow, shown, is_durable, is_confirmed] = found->second;
    if (!is_durable || !is_confirmed) return;
    feeds_[follow.channel.kind].followers[caf::actor_cast<caf::actor_addr>(follow.from)] =
        follow.from;
    // One of this node takes its leave; another node may go without a word.
    if (follow.from.node() != system().node()) monitor(follow.from);
    send(follow.from, FollowBegun{follow.channel, follow.number});
    for (const auto& publication : shown) send(follow.from, Published{publication});
    new_followers_.erase(found);
}

// Few: the record that made the news durable has mostly confirmed the owner as well.
void AccountHost::hold_for_followers(const std::shared_ptr<const Publication>& news) {
    for (auto& [number, waiting] : new_followers_) {
        const bool is_its_kind = waiting.follow.channel.kind == news->channel.kind;
        if (waiting.is_durable && is_its_kind) waiting.shown.push_back(news);
    }
}

}  // namespace crossclear::actors
