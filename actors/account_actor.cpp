#include "actors/account_actor.hpp"

#include "actors/account_effects.hpp"
#include "actors/account_terms.hpp"
#include "actors/account_views.hpp"
#include "actors/chrono.hpp"
#include "actors/refusals.hpp"
#include "actors/settlements.hpp"
#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/journal/codec.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace account = ledger::account;
using base::Amount;

// The first answer to a command, as a client sees it.
Answer trade_answer(const account::State& state, base::CommandId id, bool is_repeat) {
    const auto* first = account::answer_to(state, id);
    CHECK(first != nullptr, "a decided command has an answer");
    if (first->reject != account::Reject::none) return refusal_of(first->reject);
    return TradeCleared{.account = state.id,
                        .number = first->number,
                        .price = first->price,
                        .fee = first->fee,
                        .sequence = first->version,
                        .is_repeat = is_repeat};
}

Answer withdrawal_answer(const account::State& state, base::CommandId id, bool is_repeat) {
    const auto* first = account::answer_to(state, id);
    CHECK(first != nullptr, "a decided command has an answer");
    if (first->reject != account::Reject::none) return refusal_of(first->reject);
    return WithdrawalTaken{.number = static_cast<std::uint32_t>(first->number),
                           .sequence = first->version,
                           .is_repeat = is_repeat};
}

bool may_change_contracts(const account::Command& command) {
    return std::holds_alternative<account::SettleVariation>(command) ||
           std::holds_alternative<account::ReserveMatch>(command) ||
           std::holds_alternative<account::HearMatch>(command) ||
           std::holds_alternative<account::ConcludeMatch>(command);
}

}  // namespace

AccountHost::AccountHost(caf::actor_config& config, const Context* context, account::State state,
                         JournalActor journal, PartitionActor owner)
    : AccountActor::base(config),
      context_(context),
      crank_{base::entity_of(state.id), std::move(state), journal},  // Braces keep the order.
      owner_(std::move(owner)),
      journal_(std::move(journal)) {
    for (const auto kind : {Channel::Kind::trades, Channel::Kind::settlements,
                            Channel::Kind::balances, Channel::Kind::margin}) {
        feeds_[kind].last = crank_.state().version;
    }
}

AccountActor::behavior_type AccountHost::make_behavior() {
    if (!account::outstanding(crank_.state()).empty()) say_again_later();
    set_down_handler([this](const caf::down_msg& gone) {
        for (auto& [kind, feed] : feeds_) feed.followers.erase(gone.source);
    });
    return {
        [this](const AccountAsk& ask) { on_ask(ask); },
        [this](const AccountFollow& follow) { on_follow(follow); },
        [this](const AccountOrder& order) { on_order(order); },
        [this](Passivate) { on_passivate(); },
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ReadConfirmed& message) { on_read_confirmed(message); },
    };
}

void AccountHost::on_ask(const AccountAsk& ask) {
    if (std::max({crank_.held(), reads_.size(), undecided_.size()}) >=
        base::limits::account_held_max) {
        return answer(ask, Refusal{.code = 11070,
                                   .reason = "account_overloaded",
                                   .hint = "wait for earlier answers, then send the same id again",
                                   .retryable = true});
    }
    std::visit([&](const auto& request) { handle(ask, request); }, ask.request);
}

void AccountHost::answer(const AccountAsk& ask, Answer answer) {
    send(ask.from, AnswerReady{.ticket = ask.ticket, .answer = std::move(answer)});
}

void AccountHost::answer_when_durable(const AccountAsk& ask, Answer ready) {
    unanswered_.emplace_back(ask.from, ask.ticket);
    crank_.when_durable([this, ready = std::move(ready)](std::uint64_t) mutable {
        const auto [from, ticket] = std::move(unanswered_.front());
        unanswered_.pop_front();
        send(from, AnswerReady{.ticket = ticket, .answer = std::move(ready)});
    });
}

void AccountHost::on_exit() {
    new_followers_.clear();
    // A read has decided nothing: whoever owns the partition now can answer it.
    const auto partition = base::partition_of(crank_.state().id, context_->partitions);
    for (auto& [number, read] : std::exchange(reads_, {})) {
        send(read.from, AnswerReady{.ticket = read.ticket,
                                    .answer = refusal_of_dropped(*context_, partition)});
    }
    for (const auto& [ask, is_repeat] : std::exchange(undecided_, {})) {
        unanswered_.emplace_back(ask.from, ask.ticket);
    }
    for (auto& [from, ticket] : std::exchange(unanswered_, {})) {
        send(from, AnswerReady{.ticket = ticket, .answer = outcome_unknown()});
    }
}

void AccountHost::handle(const AccountAsk& ask, const SubmitTrade& request) {
    const bool is_known = account::answer_to(crank_.state(), request.id) != nullptr;
    account::SubmitTrade command{.id = request.id,
                                 .instrument = request.instrument,
                                 .quantity = request.quantity,
                                 .limit = request.limit,
                                 .received_at = request.received_at,
                                 .terms = {}};
    // A repeat is answered from memory; it must not depend on the market of today.
    if (!is_known) {
        settle_funding();
        command.terms = terms_of(*context_, crank_.state(), request.instrument, request.quantity,
                                 context_->now());
    }
    const auto decision = account::decide(crank_.state(), command);
    if (!decision) return answer_when_durable(ask, refusal_of(decision.error()));
    commit(*decision);
    settle_funding(request.instrument);  // What was opened begins at the index of now.
    answer_when_durable(ask, trade_answer(crank_.state(), request.id, decision->empty()));
}

void AccountHost::handle(const AccountAsk& ask, const PreviewTrade& request) {
    settle_funding();  // As a trade would.
    const auto surface = context_->broker(base::broker_of(request.account)).surface.load();
    const auto terms =
        terms_of(*context_, crank_.state(), request.instrument, request.quantity, context_->now());
    account::SubmitTrade command{.id = {},
                                 .instrument = request.instrument,
                                 .quantity = request.quantity,
                                 .limit = terms.fill,
                                 .received_at = context_->now(),
                                 .terms = terms};
    command.id = base::make_command_id(command.received_at, 0, 0);
    const auto decision = account::decide(crank_.state(), command);
    TradePreview preview{.is_acceptable = false,
                         .reason = {},
                         .price = terms.fill,
                         .fee = terms.fee,
                         .before = {},
                         .after = {}};
    if (!decision) {
        preview.reason = account::name_of(decision.error());
    } else if (const auto* refused = std::get_if<account::CommandRefused>(&decision->front())) {
        preview.reason = account::name_of(refused->reason);
    } else {
        preview.is_acceptable = true;
    }
    if (surface != nullptr) {
        const auto margins =
            margins_of(*context_, crank_.state(), terms, request.quantity, *surface);
        if (margins.before) preview.before = margin_view(*margins.before, surface->number());
        if (margins.after) preview.after = margin_view(*margins.after, surface->number());
    }
    answer_read(ask, std::move(preview));
}

void AccountHost::handle(const AccountAsk& ask, const Withdraw& request) {
    const auto& payable = context_->listing.shard(request.shard).assets;
    const bool is_payable =
        std::find(payable.begin(), payable.end(), request.asset) != payable.end();
    settle_funding();
    const auto remainder =
        remainder_without(*context_, crank_.state(), request.asset, request.amount);
    const account::RequestWithdrawal command{
        .id = request.id,
        .asset = request.asset,
        .amount = request.amount,
        .shard = request.shard,
        .destination = request.destination,
        .received_at = request.received_at,
        .is_destination_allowed =
            is_payable && context_->shards.at({base::broker_of(request.account), request.shard})
                              ->is_destination(request.destination),
        .is_shard_paused =
            context_->paused.is_paused(base::broker_of(request.account), request.shard),
        .is_price_fresh = remainder.is_price_fresh,
        .has_margin = remainder.has_margin};
    const auto decision = account::decide(crank_.state(), command);
    if (!decision) return answer_when_durable(ask, refusal_of(decision.error()));
    commit(*decision);
    answer_when_durable(ask, withdrawal_answer(crank_.state(), request.id, decision->empty()));
}

void AccountHost::handle(const AccountAsk&, const PublishMarks&) {
    UNREACHABLE("marks go to the oracle");
}

void AccountHost::handle(const AccountAsk&, const OperatorRequest&) {
    UNREACHABLE("operators speak to reconcilers");
}

void AccountHost::on_order(const AccountOrder& order) {
    if (std::holds_alternative<account::ReviewMargin>(order.command)) return review_margin(order);
    if (may_change_contracts(order.command)) settle_funding();
    const auto completed = completed_here(order.command);
    const auto decision = account::decide(crank_.state(), completed ? *completed : order.command);
    const auto reject = decision ? account::Reject::none : decision.error();
    if (decision) {
        commit(*decision);
        if (may_change_contracts(order.command)) settle_funding();
        answer_decided();
    } else if (reject != account::Reject::too_much_open) {  // Of too many others.
        log_refused(reject);
    }
    if (const auto* given = std::get_if<account::ReceiveTransfer>(&order.command)) {
        return answer_sender(*given, reject);
    }
    if (answer_buyer(order.command, reject)) return;
    // Acknowledged even where nothing was new: the asker may have lost an earlier word.
    if (std::holds_alternative<std::monostate>(order.acknowledge)) return;
    auto word = order.acknowledge;
    if (auto* news = std::get_if<ToHome>(&word); news != nullptr && !decision) {
        // Only who asked knows what a refusal leaves open, and only of deposits there is anything.
        auto* booked = std::get_if<DepositBooked>(&news->news);
        if (booked == nullptr) return;
        booked->reject = reject;
    }
    crank_.when_durable([this, word = std::move(word)](std::uint64_t) { acknowledge(word); });
}

// Of one instrument's contract, or of all. What changes what is held comes between two of these: it
// was held at the index of now until then, and is from then on.
void AccountHost::settle_funding(std::optional<base::InstrumentId> of) {
    if (crank_.state().contracts.empty()) return;
    const auto surface = context_->broker(base::broker_of(crank_.state().id)).surface.load();
    if (surface == nullptr) return;
    for (const auto& command : funding_of(*context_, crank_.state(), *surface, context_->now())) {
        if (of && context_->listing.instrument(*of).base != command.contract) continue;
        const auto decision = account::decide(crank_.state(), command);
        if (decision) {
            commit(*decision);
        } else {
            log_refused(decision.error());
        }
    }
}

void AccountHost::log_refused(account::Reject reject) const {
    context_->log(
        LogLevel::error, "An account refused an order from inside.",
        {{"account", base::to_string(crank_.state().id)}, {"reject", account::name_of(reject)}});
}

void AccountHost::acknowledge(const decltype(AccountOrder::acknowledge)& word) {
    if (const auto* news = std::get_if<ToHome>(&word)) {
        send(owner_, *news);
    } else if (const auto* cover = std::get_if<CoverDone>(&word)) {
        send(journal_, *cover);
    } else if (const auto* kept = std::get_if<MarginKept>(&word)) {
        send(journal_, *kept);
    }
}

void AccountHost::commit(const Events& events) {
    if (events.empty()) return;
    auto ends = ends_of(events);
    const auto effects = crank_.commit(this, events);
    for (const auto& event : events) {
        const auto* trade = std::get_if<account::TradeNovated>(&event);
        // Nothing to deliver: a contract, or a sale that only paid a debt.
        if (trade != nullptr && crank_.state().trades.at(trade->number).open == Amount{0}) {
            ends.push_back({.outcome = "settled", .novated_at = trade->at, .at = trade->at});
        }
    }
    // News are written now, while the state is the one these events left, and told once durable.
    auto news = news_of(events);
    crank_.when_durable(
        [this, events, effects, ends = std::move(ends), news = std::move(news)](std::uint64_t) {
            count(events, ends);
            for (const auto& publication : news) {
                for (const auto& [id, follower] : feeds_[publication->channel.kind].followers) {
                    send(follower, Published{publication});
                }
                hold_for_followers(publication);
            }
            carry_out(effects);
        });
}

void AccountHost::carry_out(const std::vector<account::Effect>& effects) {
    for (const auto& effect : effects) {
        if (auto order = order_from(effect, context_->now())) {
            send(owner_, *std::move(order));
        } else {
            send(owner_, to_withdrawal(effect, context_->now()));
        }
    }
    if (!effects.empty()) say_again_later();
}

// Another partition may be lost with what it was told. Withdrawals, transfers and matched trades
// have numbers, so that telling of one again starts no other.
void AccountHost::say_again_later() {
    if (std::exchange(is_to_say_again_, true)) return;
    run_delayed(as_chrono(context_->options.say_again_every), [this] {
        is_to_say_again_ = false;
        expire_matches();
        crank_.when_durable([this, owed = account::outstanding(crank_.state())](std::uint64_t) {
            carry_out(owed);
        });
    });
}

// Which trades the events bring to their end, as the state stands before them: a claim ends by
// cover, in cash, or because the client itself spends it again.
std::vector<AccountHost::TradeEnd> AccountHost::ends_of(const Events& events) const {
    const auto& state = crank_.state();
    std::vector<TradeEnd> ends;
    const auto add = [&](std::uint64_t number, std::string_view outcome, base::Timestamp at) {
        // 0 is variation, which is nobody's trade.
        if (number == 0) return;
        ends.push_back({.outcome = outcome, .novated_at = state.trades.at(number).at, .at = at});
    };
    const auto add_spent = [&](const ledger::BalanceChange& change, base::Timestamp at) {
        if (change.unsettled >= Amount{0}) return;
        const auto& claims = account::holding_of(state, change.asset).claims;
        for (const auto& part : account::oldest_parts(claims, *base::negate(change.unsettled))) {
            if (part.is_last) add(part.trade, "settled", at);
        }
    };
    for (const auto& event : events) {
        if (const auto* trade = std::get_if<account::TradeNovated>(&event)) {
            for (const auto& change : trade->changes) add_spent(change, trade->at);
        } else if (const auto* variation = std::get_if<account::VariationSettled>(&event)) {
            add_spent(variation->balance, variation->at);
        } else if (const auto* funding = std::get_if<account::FundingSettled>(&event)) {
            add_spent(funding->balance, funding->at);
        } else if (const auto* expired = std::get_if<account::ContractExpired>(&event)) {
            add_spent(expired->balance, expired->at);
        } else if (const auto* taken = std::get_if<account::CollateralTaken>(&event)) {
            for (const auto& change : taken->changes) add_spent(change, taken->at);
        } else if (const auto* covered = std::get_if<account::ClaimsCovered>(&event)) {
            for (const auto& part : covered->parts) {
                if (part.is_last) add(part.trade, "settled", covered->at);
            }
        } else if (const auto* cash = std::get_if<account::ClaimsCashSettled>(&event)) {
            for (const auto number : cash->trades) add(number, "cash_settled", cash->at);
            for (const auto& change : cash->changes) {
                if (change.asset != cash->asset) add_spent(change, cash->at);
            }
        }
    }
    return ends;
}

decltype(Publication::body) AccountHost::snapshot_of(Channel::Kind kind) const {
    switch (kind) {
        case Channel::Kind::trades:
        case Channel::Kind::settlements:
            return trades_view(crank_.state(), 0, trades_page_max);
        case Channel::Kind::balances:
            return account_view(*context_, crank_.state());
        case Channel::Kind::margin:
            return margin_view_of(*context_, crank_.state());
        case Channel::Kind::marks:
        case Channel::Kind::shards:
        case Channel::Kind::transparency:
            break;
    }
    UNREACHABLE("not a channel of an account");
}

std::vector<std::shared_ptr<const Publication>> AccountHost::shown_first(
    const AccountFollow& follow) {
    auto& feed = feeds_[follow.channel.kind];
    feed.is_recorded = true;
    std::vector<std::shared_ptr<const Publication>> first;
    // A number that the channel has not come to is of no past that there was.
    const bool is_resumable =
        follow.from_sequence && *follow.from_sequence <= feed.last &&
        (*follow.from_sequence == feed.last ||
         (!feed.history.empty() && *follow.from_sequence >= feed.history.front()->previous));
    if (is_resumable) {
        for (const auto& past : feed.history) {
            if (past->sequence > *follow.from_sequence) first.push_back(past);
        }
    } else {
        auto snapshot = std::make_shared<Publication>();
        snapshot->channel = follow.channel;
        snapshot->sequence = feed.last;
        snapshot->is_snapshot = true;
        snapshot->body = snapshot_of(follow.channel.kind);
        first.push_back(std::move(snapshot));
    }
    return first;
}

std::shared_ptr<const Publication> AccountHost::record(Channel::Kind kind,
                                                       decltype(Publication::body) body) {
    auto& feed = feeds_[kind];
    auto news = std::make_shared<Publication>();
    news->channel = Channel{.kind = kind, .account = crank_.state().id, .asset = {}};
    news->sequence = crank_.state().version;
    news->previous = feed.last;
    news->body = std::move(body);
    feed.last = news->sequence;
    feed.history.push_back(news);
    if (feed.history.size() > base::limits::channel_history_max) feed.history.pop_front();
    return news;
}

std::vector<std::shared_ptr<const Publication>> AccountHost::news_of(const Events& events) {
    const auto& state = crank_.state();
    TradesView trades{.sequence = state.version, .trades = {}};
    TradesView settled{.sequence = state.version, .trades = {}};
    const auto add = [&](TradesView& view, std::uint64_t number) {
        if (state.trades.contains(number)) view.trades.push_back(trade_view(state, number));
    };
    for (const auto& event : events) {
        if (const auto* trade = std::get_if<account::TradeNovated>(&event)) {
            add(trades, trade->number);
            add(settled, trade->number);
        } else if (const auto* covered = std::get_if<account::ClaimsCovered>(&event)) {
            for (const auto& part : covered->parts) add(settled, part.trade);
        } else if (const auto* cash = std::get_if<account::ClaimsCashSettled>(&event)) {
            for (const auto number : cash->trades) add(settled, number);
        }
    }
    std::vector<std::shared_ptr<const Publication>> news;
    // An account nobody ever followed writes nothing, but its channels keep their place.
    const auto write = [&](Channel::Kind kind, auto make_body) {
        if (feeds_[kind].is_recorded) {
            news.push_back(record(kind, make_body()));
        } else {
            feeds_[kind].last = state.version;
        }
    };
    if (!trades.trades.empty()) write(Channel::Kind::trades, [&] { return trades; });
    if (!settled.trades.empty()) write(Channel::Kind::settlements, [&] { return settled; });
    write(Channel::Kind::balances, [&] { return account_view(*context_, state); });
    write(Channel::Kind::margin, [&] { return margin_view_of(*context_, state); });
    return news;
}

void AccountHost::on_passivate() {
    const bool is_followed = std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) {
        return !feed.second.followers.empty();
    });
    // One that is owed something asks for it again, and so stays awake.
    const bool is_owed = !account::outstanding(crank_.state()).empty();
    const bool is_read = !reads_.empty() || !new_followers_.empty();
    if (is_followed || is_owed || is_read || !undecided_.empty() || !crank_.is_durable()) {
        send(owner_, NotPassivated{crank_.state().id});
        return;
    }
    send(owner_, Passivated{crank_.state().id});
    quit();
}

}  // namespace crossclear::actors
