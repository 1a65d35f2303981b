#include "tests/sim/signing_door.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace crossclear::sim {

using ledger::Finality;
using shards::NoAnswer;
namespace evm = shards::evm;
namespace signing = ledger::signing;

namespace {

constexpr base::Duration node_patience = base::milliseconds(800);
// Bytes that a node kept to itself, and passes on after all.
constexpr base::Duration sent_late_max = base::seconds(40);
constexpr base::Duration poll_max = base::milliseconds(900);
constexpr std::uint64_t transfer_gas = 21'000;
constexpr std::uint32_t signer_away_ppm = 60'000;
constexpr std::uint32_t signer_refuses_ppm = 15'000;
constexpr std::uint32_t no_answer_ppm = 30'000;

}  // namespace

SigningDoor::SigningDoor(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life,
                         SignedChain& chain)
    : stage_(stage), truth_(truth), life_(std::move(life)), chain_(chain) {
    look_again_ = life_->hold_on<int>([this](int) { look(); });
    look_later();
}

// To the node and back, each way in its own time.
template <class Answer>
void SigningDoor::call(std::string_view what, std::function<Answer()> run, Answer lost,
                       std::function<void(Answer)> done) {
    if (life_->is_cut()) return;
    auto back = life_->hold<Answer>(std::move(done));
    const auto there = stage_.up_to(stage_.plan.call_max);
    if (stage_.goes_wrong(stage_.plan.lost_request_ppm + no_answer_ppm)) {
        stage_.agenda.after(node_patience, [back, lost] { back(lost); });
        return;
    }
    const auto home = stage_.up_to(stage_.plan.call_max);
    stage_.agenda.after(there, [world = &stage_, what, run = std::move(run), back, home] {
        world->note(what);
        world->agenda.after(home, [back, answer = run()] { back(answer); });
    });
}

void SigningDoor::submit(const ledger::ShardOrder& order,
                         std::function<void(shards::SubmitAnswer)>) {
    stage_.blame(20, "order " + base::to_string(order.ref) + " went past its signing lane");
}

void SigningDoor::ask(const base::OrderRef& ref,
                      std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)>) {
    stage_.blame(20, "order " + base::to_string(ref) + " was asked for past its signing lane");
}

void SigningDoor::balances(std::function<void(std::variant<shards::Balances, NoAnswer>)> done) {
    using Answer = std::variant<shards::Balances, NoAnswer>;
    // Only of what this node has read.
    const auto held = chain_.balances();
    const Answer answer = head_ && held.block == final_ ? Answer{held} : Answer{NoAnswer{}};
    call<Answer>("balances", [answer] { return answer; }, NoAnswer{}, std::move(done));
}

void SigningDoor::rescan(std::uint64_t from_block) {
    if (!head_) return;
    for (const auto& block : read_) {
        for (const auto& deposit : block.deposits) tell(deposit, block.told);
    }
    for (auto number = from_block; number <= final_; ++number) {
        for (const auto& deposit : chain_.block(number).deposits) tell(deposit, Finality::final);
    }
    if (from_block > final_ || stage_.is_planted(Plant::end_of_rescan_not_told)) return;
    tell(ledger::RescanNotice{.shard = chain_.shard(), .from_block = from_block, .block = final_});
}

void SigningDoor::health(std::function<void(shards::Health)> done) {
    shards::Health health{.is_reachable = head_.has_value(),
                          .is_paused = false,
                          .head_block = read_to_,
                          .final_block = final_,
                          .head_at = head_ ? chain_.head().at : base::Timestamp{}};
    call<shards::Health>("health", [health] { return health; }, shards::Health{}, std::move(done));
}

void SigningDoor::listen(std::function<void(ledger::ShardNotice)> listener) {
    listener_ = life_->hold_on<ledger::ShardNotice>(std::move(listener));
}

void SigningDoor::identify(std::function<void(base::Result<evm::ChainIdentity, NoAnswer>)> done) {
    using Answer = base::Result<evm::ChainIdentity, NoAnswer>;
    const auto run = [chain = &chain_]() -> Answer {
        return evm::ChainIdentity{.chain_id = 31'337,
                                  .genesis = chain->block(0).hash,
                                  .key = {7},
                                  .final_nonce = chain->final_block().next_nonce,
                                  .pending_nonce = chain->pending_nonce()};
    };
    call<Answer>("identify", run, base::Failure{NoAnswer{}}, std::move(done));
}

base::Result<evm::PreparedCall, ledger::ShardRefusal> SigningDoor::prepare(
    const ledger::ShardOrder& order) {
    truth_.check_order(order);
    const bool is_ours =
        order.kind == ledger::OrderKind::swap || order.kind == ledger::OrderKind::pay_out;
    if (!is_ours) return base::Failure{ledger::ShardRefusal::unsupported};
    return evm::PreparedCall{
        .to = chain_.terms().vault.bytes, .data = chain_.call_of(order), .gas_limit = 400'000};
}

void SigningDoor::sign(const signing::Sign& asked, std::function<void(evm::SignResult)> done) {
    using Answer = evm::SignResult;
    truth_.lane().step();
    const bool is_order = !asked.data.empty();
    const auto run = [this, asked, is_order]() -> Answer {
        if (stage_.goes_wrong(signer_away_ppm)) {
            stage_.mark(Mark::signer_away);
            return base::Failure{evm::NotSigned{.fault = evm::SignFault::unreachable}};
        }
        if (is_order && stage_.goes_wrong(signer_refuses_ppm)) {
            stage_.mark(Mark::signer_refused);
            return base::Failure{evm::NotSigned{.fault = evm::SignFault::refused}};
        }
        auto made = chain_.sign(asked);
        if (stage_.is_planted(Plant::sent_before_durable)) {
            send({.nonce = asked.nonce, .number = asked.number, .hash = made.hash, .raw = made.raw},
                 [](const std::string&) {});
        }
        return made;
    };
    // The door goes with its node; what is asked of the signer then has no answer.
    const auto held = std::make_shared<std::optional<Answer>>();
    const auto execute = life_->hold<int>([held, run](int) { *held = run(); });
    call<Answer>(
        "sign",
        [held, execute]() -> Answer {
            execute(0);
            return held->value_or(
                Answer{base::Failure{evm::NotSigned{.fault = evm::SignFault::unreachable}}});
        },
        base::Failure{evm::NotSigned{.fault = evm::SignFault::unreachable}}, std::move(done));
}

void SigningDoor::send(const signing::Broadcast& sent,
                       std::function<void(std::string)> on_refused) {
    auto bytes = sent.raw;
    // Planted: whoever sends them has them signed anew.
    if (stage_.is_planted(Plant::signed_again_to_send)) {
        if (const auto asked = truth_.lane().planned(sent.nonce, sent.number)) {
            bytes = chain_.sign(*asked).raw;
        }
    }
    truth_.lane().check_sent(sent, bytes);
    truth_.lane().step();
    if (stage_.is_faulty) stage_.mark(Mark::transaction_sent);
    if (stage_.goes_wrong(stage_.plan.send_lost_ppm)) {
        stage_.mark(Mark::send_dropped);
        if (!stage_.goes_wrong(stage_.plan.late_ppm)) return;
        stage_.mark(Mark::sent_late);
        stage_.agenda.after(stage_.up_to(sent_late_max),
                            [chain = &chain_, bytes] { static_cast<void>(chain->take(bytes)); });
        return;
    }
    auto back = life_->hold<std::string>(std::move(on_refused));
    stage_.agenda.after(stage_.up_to(stage_.plan.call_max),
                        [chain = &chain_, world = &stage_, bytes, back] {
                            world->note("sent");
                            auto says = chain->take(bytes);
                            // That it is known is no refusal, as the real desk has it.
                            if (!says.empty() && says != "already known") back(std::move(says));
                        });
}

void SigningDoor::watch(const evm::Watched& transaction) {
    watched_.insert_or_assign(transaction.hash, transaction.nonce);
}

void SigningDoor::forget_below(std::uint64_t nonce) {
    std::erase_if(watched_, [nonce](const auto& one) { return one.second < nonce; });
    found_.erase(found_.begin(), found_.lower_bound(nonce));
}

void SigningDoor::follow(const std::vector<evm::Watched>& sent,
                         std::function<void(evm::HeadNews)> listener,
                         std::function<void(evm::ChainFault)>) {
    // Whoever listened before hears nothing more.
    const auto mine = ++*followed_;
    on_head_ = life_->hold_on<evm::HeadNews>(
        [mine, latest = followed_, listener = std::move(listener)](evm::HeadNews news) {
            if (*latest == mine) listener(std::move(news));
        });
    watched_.clear();
    for (const auto& one : sent) watch(one);
    found_.clear();
    read_.clear();
    head_.reset();
    final_ = 0;
    read_to_ = chain_.final_block().number;
}

void SigningDoor::look_later() {
    stage_.agenda.after({1 + stage_.up_to(poll_max).us}, [look = look_again_] { look(0); });
}

// What the watcher of a real chain does in one round.
void SigningDoor::look() {
    look_later();
    if (!on_head_ || stage_.goes_wrong(no_answer_ppm)) return;
    const bool is_new = head_ != chain_.head().hash || final_ != chain_.final_block().number;
    if (!is_new) return;
    evm::HeadNews news;
    drop_replaced(news);
    read_new(news);
    final_ = chain_.final_block().number;
    head_ = chain_.head().hash;
    find_missed(news);
    tell_finality();
    fill_in(news);
    if (!news.found.empty() || !news.undone.empty()) truth_.lane().step();
    tell_in_order([listener = on_head_, news = std::move(news)] { listener(news); });
}

void SigningDoor::drop_replaced(evm::HeadNews& news) {
    while (!read_.empty() && !chain_.has(read_.back().number, read_.back().hash)) {
        const auto gone = std::move(read_.back());
        read_.pop_back();
        read_to_ = gone.number - 1;
        for (const auto& deposit : gone.deposits) tell(deposit, Finality::unseen);
        std::erase_if(found_, [&](const auto& one) { return one.second == gone.hash; });
        // Planted: what is gone is not told.
        if (stage_.is_planted(Plant::replaced_block_not_told)) continue;
        news.undone.push_back(gone.hash);
    }
}

void SigningDoor::read_new(evm::HeadNews& news) {
    while (read_to_ < chain_.head().number) {
        const auto& block = chain_.block(++read_to_);
        for (const auto& mined : block.mined) add_found(news, block, mined);
        read_.push_back({.number = block.number,
                         .hash = block.hash,
                         .told = Finality::included,
                         .deposits = block.deposits});
        for (const auto& deposit : block.deposits) tell(deposit, Finality::included);
    }
}

void SigningDoor::add_found(evm::HeadNews& news, const SignedChain::Block& block,
                            const SignedChain::Mined& mined) {
    const auto watched = watched_.find(mined.hash);
    if (watched == watched_.end()) return;
    found_.insert_or_assign(watched->second, block.hash);
    news.found.push_back(found_of(block, mined));
}

// Transactions in blocks that nobody here has read: those before a restart.
void SigningDoor::find_missed(evm::HeadNews& news) {
    for (const auto& [hash, nonce] : watched_) {
        if (nonce >= chain_.final_block().next_nonce || found_.contains(nonce)) continue;
        const auto* block = chain_.block_with(hash);
        if (block != nullptr) add_found(news, *block, *chain_.mined(hash));
    }
}

void SigningDoor::tell_finality() {
    for (auto& block : read_) {
        const auto now = block.number <= final_ ? Finality::final
                         : block.number + SignedChain::finality_depth / 2 <= read_to_
                             ? Finality::safe
                             : Finality::included;
        if (now <= block.told) continue;
        for (const auto& deposit : block.deposits) tell(deposit, now);
        block.told = now;
    }
    while (!read_.empty() && read_.front().number <= final_) read_.pop_front();
}

evm::Found SigningDoor::found_of(const SignedChain::Block& block,
                                 const SignedChain::Mined& mined) const {
    evm::Found found{.hash = mined.hash,
                     .block = block.number,
                     .block_hash = block.hash,
                     .ended = mined.ended,
                     .gas = mined.gas};
    // Planted: what was done is told as failed.
    if (stage_.is_planted(Plant::effect_told_as_failed) && mined.order) found.ended.reset();
    return found;
}

void SigningDoor::fill_in(evm::HeadNews& news) const {
    const auto& head = chain_.head();
    news.final_block = final_;
    news.final_nonce = chain_.final_block().next_nonce;
    if (stage_.is_planted(Plant::inclusion_taken_for_final)) {
        news.final_block = head.number;
        news.final_nonce = head.next_nonce;
    }
    // Planted: nothing is final that is not ours, or one more than there is.
    if (stage_.is_planted(Plant::foreign_use_not_told)) {
        news.final_nonce =
            std::min(news.final_nonce, chain_.foreign_final().value_or(news.final_nonce));
    }
    if (stage_.is_planted(Plant::foreign_use_made_up)) ++news.final_nonce;
    const auto fees = [](std::uint64_t tip, std::uint64_t base_fee) {
        const auto fee = std::min(base_fee + tip, SignedChain::fees_max.fee_wei);
        return signing::Fees{.tip_wei = std::min(tip, fee), .fee_wei = fee};
    };
    news.block_time = head.at;
    news.enough = fees(SignedChain::tip_min_wei, head.base_fee_wei / 8 * 9);
    news.offer = fees(SignedChain::tip_min_wei, head.base_fee_wei * 2);
    news.max = SignedChain::fees_max;
    news.cancel_gas = transfer_gas;
    news.key_balance = base::Amount{1'000'000};
}

void SigningDoor::tell(const ledger::DepositNotice& deposit, Finality finality) {
    auto notice = deposit;
    notice.finality = finality;
    tell(notice);
}

void SigningDoor::tell(const ledger::ShardNotice& notice) {
    if (!listener_) return;
    tell_in_order([listener = listener_, notice] { listener(notice); });
}

// One thread tells everything, in the order in which it was read.
void SigningDoor::tell_in_order(std::function<void()> what) {
    last_told_ = std::max(last_told_, stage_.agenda.now() + stage_.up_to(stage_.plan.call_max));
    stage_.agenda.at(last_told_, [world = &stage_, what = std::move(what)] {
        world->note("signed chain tells");
        what();
    });
}

void SigningDoor::recount(const signing::Hash& hash, base::Amount gas,
                          std::function<void(base::Result<evm::Found, NoAnswer>)> done) {
    using Answer = base::Result<evm::Found, NoAnswer>;
    Answer answer = base::Failure{NoAnswer{}};
    if (const auto* block = chain_.block_with(hash)) {
        auto found = found_of(*block, *chain_.mined(hash));
        found.gas = gas;
        answer = std::move(found);
        stage_.mark(Mark::effect_recounted);
    }
    call<Answer>(
        "recount", [answer] { return answer; }, base::Failure{NoAnswer{}}, std::move(done));
}

std::optional<ledger::OrderNotice> SigningDoor::notice_of(const ledger::ShardOrder& order,
                                                          const evm::Ended& ended) const {
    return evm::notice_of(chain_.terms(), chain_.listing(), order, ended);
}

// Nothing here has its effect under a nonce of another journal.
void SigningDoor::look_up(const ledger::ShardOrder&,
                          std::function<void(base::Result<evm::Record, NoAnswer>)> done) {
    using Answer = base::Result<evm::Record, NoAnswer>;
    const auto run = [chain = &chain_]() -> Answer {
        return evm::Record{.notice = std::nullopt, .as_of = chain->final_block().at};
    };
    call<Answer>("look up", run, base::Failure{NoAnswer{}}, std::move(done));
}

}  // namespace crossclear::sim
