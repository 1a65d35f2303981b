#include "tests/sim/clients.hpp"

#include "ledger/account/reject.hpp"
#include "tests/support/actors/house.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace crossclear::sim {

using namespace tests::town;
using base::Amount;

namespace {

// Refusals that decided nothing: the same id may be sent again.
bool is_open(const actors::Answer& answer) {
    const auto* refusal = std::get_if<actors::Refusal>(&answer);
    return refusal != nullptr && refusal->retryable;
}

std::string text_of(const actors::Answer& answer) {
    if (const auto* refusal = std::get_if<actors::Refusal>(&answer)) {
        return fmt::format("{} {}", refusal->code, refusal->reason);
    }
    if (const auto* cleared = std::get_if<actors::TradeCleared>(&answer)) {
        return fmt::format("trade {} at {} fee {} version {}", cleared->number, cleared->price.v,
                           cleared->fee.v, cleared->sequence);
    }
    if (const auto* taken = std::get_if<actors::WithdrawalTaken>(&answer)) {
        return fmt::format("withdrawal {} version {}", taken->number, taken->sequence);
    }
    if (const auto* given = std::get_if<actors::TransferTaken>(&answer)) {
        return fmt::format("transfer {} version {}", given->number, given->sequence);
    }
    if (const auto* both = std::get_if<actors::MatchedTradeCleared>(&answer)) {
        return fmt::format("trades {} and {} at {} version {}", both->buyer_number,
                           both->seller_number, both->price.v, both->sequence);
    }
    return "something else";
}

}  // namespace

// What is published to a follower is held against the truth like any other look.
class Clients::Sink final : public actors::SessionSink {
public:
    explicit Sink(Truth& truth) : truth_(truth) {}
    void publish(const std::shared_ptr<const actors::Publication>& publication) override {
        const auto* view = std::get_if<actors::AccountView>(&publication->body);
        if (view != nullptr) truth_.check_view(*view);
    }
    void close(std::uint16_t, std::string) override {}

private:
    Truth& truth_;
};

Clients::Clients(Outside& outside, const base::Listing&)
    : outside_(outside), stage_(outside.stage) {
    for (std::uint16_t broker = 0; broker < stage_.plan.brokers; ++broker) {
        for (std::uint64_t number = 1; number <= stage_.plan.accounts; ++number) {
            accounts_.push_back(base::account_id(base::BrokerId{broker}, number));
        }
    }
}

void Clients::join(Owner& owner) {
    auto sink = std::make_shared<Sink>(outside_.truth);
    auto session = owner.node().open_session(sink);
    actors::Identity identity{.key = "sim", .accounts = {}, .service = 0xFFFF};
    for (const auto account : accounts_) identity.accounts[account] = 0xFFFF;
    session->identify(std::move(identity));
    if (stage_.rng.below(2) == 0) {
        session->subscribe(
            {.kind = actors::Channel::Kind::balances, .account = accounts_.front(), .asset = {}},
            std::nullopt, [](const std::optional<actors::Refusal>&) {});
    }
    sessions_[owner.number()] = {std::move(sink), std::move(session)};
}

void Clients::leave(std::uint64_t owner) { sessions_.erase(owner); }

actors::Session& Clients::session_on(Owner& owner) { return *sessions_.at(owner.number()).second; }

base::AccountId Clients::some_account() { return accounts_[stage_.rng.below(accounts_.size())]; }

base::CommandId Clients::fresh_id() {
    return base::make_command_id(stage_.agenda.now(), 0, ++ids_ << 16);
}

void Clients::act(Owner& owner) {
    if (stage_.is_planted(Plant::give_up_told_early)) tell_early(owner);
    const auto choice = stage_.rng.below(100);
    const auto account = some_account();
    // Payments are what a signing lane must neither lose nor do twice.
    if (stage_.plan.has_lane && stage_.rng.below(3) == 0) return withdraw(owner, account);
    if (choice < 38) {
        trade(owner, account);
    } else if (choice < 45) {
        give_up(owner, account);
    } else if (choice < 55) {
        deposit();
    } else if (choice < 62) {
        withdraw(owner, account);
    } else if (choice < 70) {
        transfer(owner, account);
    } else if (choice < 80) {
        repeat(owner);
    } else {
        query(owner, account);
    }
}

void Clients::deposit() {
    const auto account = some_account();
    const bool is_eth = stage_.rng.below(4) == 0;
    const auto amount =
        is_eth ? Amount{static_cast<std::int64_t>(1 + stage_.rng.below(20)) * one_eth}
               : Amount{static_cast<std::int64_t>(1 + stage_.rng.below(80)) * 1'000 * one_usdc};
    stage_.note("deposit", account.v, static_cast<std::uint64_t>(amount.v));
    outside_.deposit(uniswap, account, is_eth ? eth : usdc, amount);
}

void Clients::trade(Owner& owner, base::AccountId account) {
    auto& rng = stage_.rng;
    const auto kinds = stage_.plan.has_contracts ? 3U : 2U;
    const auto kind = stage_.plan.has_lane ? 0 : rng.below(kinds);
    const auto instrument = kind == 0 ? eth_swap : kind == 1 ? sbtc_swap : btc_perp;
    // Now and then as much on margin as there may be.
    const bool is_bet = kind == 2 && rng.below(2) == 0;
    const std::int64_t unit = kind == 0   ? one_eth / 4
                              : kind == 1 ? one_sbtc / 50
                              : is_bet    ? one_contract / 2
                                          : one_contract / 20;
    const auto size = static_cast<std::int64_t>(1 + rng.below(20)) * unit;
    const bool is_sale = rng.below(3) == 0;
    const bool is_tight = rng.below(10) == 0;
    const base::Price any{is_sale == is_tight ? INT64_MAX : 1};
    const auto at = owner.now();
    const Key key{account, fresh_id()};
    wishes_[key] = Wish{.what = actors::SubmitTrade{.account = account,
                                                    .id = key.second,
                                                    .instrument = instrument,
                                                    .quantity = Amount{is_sale ? -size : size},
                                                    .limit = any,
                                                    .received_at = at},
                        .asked = 0,
                        .answer = {}};
    order_.push_back(key);
    ask(owner, key);
}

void Clients::withdraw(Owner& owner, base::AccountId account) {
    const bool is_eth = stage_.rng.below(4) == 0;
    const auto amount =
        is_eth ? Amount{static_cast<std::int64_t>(1 + stage_.rng.below(3)) * one_eth}
               : Amount{static_cast<std::int64_t>(1 + stage_.rng.below(9)) * 1'000 * one_usdc};
    const Key key{account, fresh_id()};
    wishes_[key] = Wish{.what = actors::Withdraw{.account = account,
                                                 .id = key.second,
                                                 .asset = is_eth ? eth : usdc,
                                                 .amount = amount,
                                                 .shard = uniswap,
                                                 .destination = "0xclient",
                                                 .received_at = owner.now()},
                        .asked = 0,
                        .answer = {}};
    order_.push_back(key);
    ask(owner, key);
}

// Now and then to an account that nobody has: it never had a deposit, and declines.
void Clients::transfer(Owner& owner, base::AccountId account) {
    auto& rng = stage_.rng;
    const bool is_eth = rng.below(4) == 0;
    const auto unit = is_eth ? one_eth / 10 : 1'000 * one_usdc;
    const auto nobody = base::account_id(base::broker_of(account), 1'000);
    const auto to = rng.below(5) == 0 ? nobody : some_account();
    const Key key{account, fresh_id()};
    wishes_[key] = Wish{
        .what =
            actors::Transfer{.account = account,
                             .id = key.second,
                             .to = to,
                             .asset = is_eth ? eth : usdc,
                             .amount = Amount{static_cast<std::int64_t>(1 + rng.below(9)) * unit},
                             .received_at = owner.now()},
        .asked = 0,
        .answer = {}};
    order_.push_back(key);
    ask(owner, key);
}

// A venue's trade near the mark, as this node knows it; now and then with nobody, who declines.
void Clients::give_up(Owner& owner, base::AccountId buyer) {
    auto& rng = stage_.rng;
    const bool is_contract = stage_.plan.has_contracts && rng.below(2) == 0;
    const auto instrument = is_contract ? btc_perp : eth_swap;
    const auto unit = is_contract ? one_contract / 20 : one_eth / 10;
    const auto nobody = base::account_id(base::broker_of(buyer), 1'000);
    const auto seller = rng.below(10) == 0 ? nobody : some_account();
    const auto surface = owner.node().context().broker(base::broker_of(buyer)).surface.load();
    const auto mark = surface == nullptr ? std::nullopt : surface->instrument_mark(instrument);
    const auto away = static_cast<std::int64_t>(rng.below(12)) - 6;
    const base::Price price{mark ? mark->v + mark->v / 100 * away : one_dollar};
    const Key key{buyer, fresh_id()};
    wishes_[key] =
        Wish{.what =
                 actors::SubmitMatchedTrade{
                     .account = buyer,
                     .seller = seller,
                     .id = key.second,
                     .instrument = instrument,
                     .quantity = Amount{static_cast<std::int64_t>(1 + rng.below(9)) * unit},
                     .price = price,
                     .received_at = owner.now()},
             .asked = 0,
             .answer = {}};
    order_.push_back(key);
    ask(owner, key);
}

// Planted: the venue has its answer as soon as the buyer's side is cleared.
void Clients::tell_early(const Owner& owner) {
    for (const auto& [key, wish] : wishes_) {
        const auto* matched = std::get_if<actors::SubmitMatchedTrade>(&wish.what);
        if (matched == nullptr || wish.answer) continue;
        if (outside_.truth.sides_cleared(key.first, key.second) != 1) continue;
        on_answer(key, owner.number(),
                  actors::MatchedTradeCleared{.buyer = key.first,
                                              .buyer_number = 1,
                                              .seller = matched->seller,
                                              .seller_number = 1,
                                              .price = matched->price,
                                              .sequence = 1,
                                              .is_repeat = false});
    }
}

void Clients::repeat(Owner& owner) {
    if (order_.empty()) return;
    const auto key = order_[stage_.rng.below(order_.size())];
    if (wishes_.at(key).answer && stage_.rng.below(3) == 0) return conflict(owner, key);
    ask(owner, key);
}

bool Clients::ask_again(Owner& owner) {
    for (const auto& key : order_) {
        if (wishes_.at(key).answer) continue;
        ask(owner, key);
        return true;
    }
    return false;
}

void Clients::ask(Owner& owner, const Key& key) {
    auto& wish = wishes_.at(key);
    ++wish.asked;
    stage_.note("ask", key.first.v, key.second.lo);
    const auto request =
        std::visit([](const auto& what) { return actors::Request{what}; }, wish.what);
    // The answer may be lost on its way to the client.
    const bool is_unheard = stage_.goes_wrong(stage_.plan.lost_answer_ppm * 4);
    session_on(owner).ask(request, [this, key, number = owner.number(), is_unheard,
                                    life = owner.life_handle()](actors::Answer answer) {
        if (!is_unheard && !life->is_cut()) on_answer(key, number, std::move(answer));
    });
}

void Clients::query(Owner& owner, base::AccountId account) {
    stage_.note("query", account.v);
    const auto life = owner.life_handle();
    if (stage_.rng.below(3) == 0) {
        session_on(owner).ask(
            actors::PreviewTrade{
                .account = account, .instrument = eth_swap, .quantity = Amount{one_eth}},
            [](const actors::Answer&) {});
        return;
    }
    session_on(owner).ask(actors::GetAccount{account}, [this, life](actors::Answer answer) {
        auto* view = std::get_if<actors::AccountView>(&answer);
        if (view == nullptr || life->is_cut()) return;
        if (stage_.is_planted(Plant::read_of_a_later_state)) ++view->sequence;
        outside_.truth.check_view(*view);
    });
}

void Clients::give_up_all(Owner& owner) {
    for (const auto account : accounts_) give_up(owner, account);
}

void Clients::resume_lane(Owner& owner) {
    stage_.note("resume lane");
    session_on(owner).ask(
        actors::OperatorRequest{actors::ResumeLane{.id = fresh_id(),
                                                   .broker = alpha,
                                                   .shard = uniswap,
                                                   .reason = "somebody else has the key",
                                                   .received_at = owner.now()}},
        [](const actors::Answer&) {});
}

void Clients::look(Owner& owner) {
    for (const auto account : accounts_) query(owner, account);
}

// The same id for something else: the first one has it.
void Clients::conflict(Owner& owner, const Key& key) {
    const auto* trade = std::get_if<actors::SubmitTrade>(&wishes_.at(key).what);
    if (trade == nullptr) return;
    auto other = *trade;
    other.quantity.v *= 2;
    stage_.note("conflict", key.first.v, key.second.lo);
    session_on(owner).ask(other, [this, key,
                                  life = owner.life_handle()](const actors::Answer& answer) {
        if (life->is_cut() || is_open(answer)) return;
        const auto* refusal = std::get_if<actors::Refusal>(&answer);
        if (refusal != nullptr && refusal->code == 11010) {
            stage_.mark(Mark::repeat_conflicts);
            return;
        }
        // What never depended on the moment is not remembered: it is refused anew.
        const auto* known = outside_.truth.answer_to(key.first, key.second);
        if (known == nullptr) return;
        stage_.blame(10, fmt::format("account {} was answered \"{}\" to another body under an id "
                                     "it had used",
                                     base::to_string(key.first), text_of(answer)));
    });
}

void Clients::spoil(const Key& key, actors::Answer& answer) const {
    const auto& wish = wishes_.at(key);
    auto* cleared = std::get_if<actors::TradeCleared>(&answer);
    if (stage_.is_planted(Plant::second_answer_differs) && cleared != nullptr && wish.answer) {
        ++cleared->price.v;
    }
    const auto* refusal = std::get_if<actors::Refusal>(&answer);
    const bool is_final = refusal != nullptr && !refusal->retryable;
    if (stage_.is_planted(Plant::refusal_not_final) && is_final && wish.answer) {
        answer = actors::TradeCleared{.account = key.first,
                                      .number = 1,
                                      .price = {},
                                      .fee = {},
                                      .sequence = 1,
                                      .is_repeat = false};
    }
}

void Clients::on_answer(const Key& key, std::uint64_t owner, actors::Answer answer) {
    stage_.note("answer", key.second.lo, answer.index());
    if (is_open(answer)) {
        const auto code = std::get<actors::Refusal>(answer).code;
        if (code == 11050 && owner > 0) stage_.mark(Mark::stale_node_refuses);
        return;
    }
    spoil(key, answer);
    auto& wish = wishes_.at(key);
    if (wish.answer) {
        stage_.mark(Mark::repeat_answered);
        return check_same(key, *wish.answer, answer);
    }
    wish.answer = answer;
    check_final(key, answer);
}

void Clients::check_final(const Key& key, const actors::Answer& answer) {
    if (const auto* cleared = std::get_if<actors::TradeCleared>(&answer)) {
        check_cleared(key, *cleared);
    } else if (const auto* taken = std::get_if<actors::WithdrawalTaken>(&answer)) {
        check_taken(key, *taken);
    } else if (const auto* given = std::get_if<actors::TransferTaken>(&answer)) {
        check_taken(key, *given);
    } else if (const auto* both = std::get_if<actors::MatchedTradeCleared>(&answer)) {
        check_cleared(key, *both);
    } else if (const auto* refusal = std::get_if<actors::Refusal>(&answer)) {
        check_refused(key, *refusal);
    } else {
        stage_.blame(10, "a command was answered with something else");
    }
}

void Clients::check_cleared(const Key& key, const actors::TradeCleared& cleared) {
    const auto* known = outside_.truth.answer_to(key.first, key.second);
    const bool is_there = known != nullptr && known->reject == ledger::account::Reject::none &&
                          known->number == cleared.number && known->price == cleared.price &&
                          known->fee == cleared.fee && known->version == cleared.sequence;
    if (is_there) return;
    stage_.blame(known == nullptr ? 8 : 3,
                 fmt::format("account {} was told \"{}\", which is not what is committed",
                             base::to_string(key.first), text_of(cleared)));
}

void Clients::check_cleared(const Key& key, const actors::MatchedTradeCleared& cleared) {
    if (outside_.truth.sides_cleared(key.first, key.second) < 2) {
        stage_.blame(15, fmt::format("account {} was told \"{}\", and it is not cleared on both "
                                     "sides",
                                     base::to_string(key.first), text_of(cleared)));
        return;
    }
    const auto* known = outside_.truth.answer_to(key.first, key.second);
    const bool is_there = known != nullptr && known->reject == ledger::account::Reject::none &&
                          known->number == cleared.buyer_number &&
                          known->sale == cleared.seller_number && known->price == cleared.price &&
                          known->version == cleared.sequence;
    if (is_there) return;
    stage_.blame(known == nullptr ? 8 : 3,
                 fmt::format("account {} was told \"{}\", which is not what is committed",
                             base::to_string(key.first), text_of(cleared)));
}

template <class Taken>
void Clients::check_taken(const Key& key, const Taken& taken) {
    const auto* known = outside_.truth.answer_to(key.first, key.second);
    const bool is_there = known != nullptr && known->reject == ledger::account::Reject::none &&
                          known->number == taken.number && known->version == taken.sequence;
    if (is_there) return;
    stage_.blame(known == nullptr ? 8 : 3,
                 fmt::format("account {} was told \"{}\", which is not what is committed",
                             base::to_string(key.first), text_of(taken)));
}

void Clients::check_refused(const Key& key, const actors::Refusal& refusal) {
    using ledger::account::Reject;
    const auto* known = outside_.truth.answer_to(key.first, key.second);
    // Refusals that do not depend on the moment are not written.
    const std::set<std::int32_t> unwritten{11010, 11011, 11012, 13011};
    const bool is_same = known != nullptr && known->reject != Reject::none &&
                         ledger::account::wire_code(known->reject) == refusal.code;
    if (is_same || (known == nullptr && unwritten.contains(refusal.code))) return;
    stage_.blame(known == nullptr ? 8 : 10,
                 fmt::format("account {} was refused with {} {}, which is not what is committed",
                             base::to_string(key.first), refusal.code, refusal.reason));
}

void Clients::check_same(const Key& key, const actors::Answer& first, const actors::Answer& now) {
    if (text_of(first) == text_of(now)) return;
    stage_.blame(10, fmt::format("account {} was told \"{}\" and then, under the same id, \"{}\"",
                                 base::to_string(key.first), text_of(first), text_of(now)));
}

bool Clients::are_content() const {
    return std::all_of(wishes_.begin(), wishes_.end(),
                       [](const auto& wish) { return wish.second.answer.has_value(); });
}

void Clients::check_answers() {
    for (const auto& [key, wish] : wishes_) {
        if (wish.answer) check_final(key, *wish.answer);
    }
}

}  // namespace crossclear::sim
