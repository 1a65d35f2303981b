// What an account shows: only what is durable, and only while its partition is known to be ours.
#include "actors/account_actor.hpp"
#include "base/limits.hpp"

namespace crossclear::actors {

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
    if (const auto follow = follows_.extract(message.number)) {
        return start_following(follow.mapped());
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

// A follower hears first that the owner is confirmed and is shown the account then: whatever it is
// shown was true at some moment after it asked, and no news can pass it by in between.
void AccountHost::on_follow(const AccountFollow& follow) {
    if (follow.is_following) {
        const auto number = ++reads_asked_;
        follows_.emplace(number, follow);
        send(journal_, ConfirmRead{number, true, caf::actor_cast<AccountActor>(this)});
        return;
    }
    std::erase_if(follows_, [&](const auto& waiting) {
        return waiting.second.from == follow.from && waiting.second.channel == follow.channel;
    });
    feeds_[follow.channel.kind].followers.erase(caf::actor_cast<caf::actor_addr>(follow.from));
}

}  // namespace crossclear::actors
