#include "actors/signing_actor.hpp"

#include "actors/chrono.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::actors {
namespace {

namespace signing = ledger::signing;
using shards::NoAnswer;

constexpr base::Duration tick_every = base::milliseconds(200);
// How soon a chain is asked again who it is.
constexpr base::Duration identify_every = base::seconds(1);
// How soon the same bytes are sent again that no block has: pools forget.
constexpr base::Duration send_every = base::seconds(3);
// How long a signer that did not answer is left alone.
constexpr base::Duration sign_again_after = base::seconds(1);

}  // namespace

SigningHost::SigningHost(caf::actor_config& config, HomeParts parts, signing::State state,
                         LaneActor lane, shards::evm::Desk* desk)
    : SigningActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal),
      lane_(std::move(lane)),
      desk_(desk),
      shard_{static_cast<std::uint16_t>(parts_.entity.sub)} {}

SigningActor::behavior_type SigningHost::make_behavior() {
    CHECK(desk_ != nullptr, "whose orders are signed has a desk");
    on_tick();
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) {
            if (const auto* asked = std::get_if<OperatorAsk>(&message.news)) on_operator(*asked);
        },
        [this](const SigningSubmit& message) { submit(message.order); },
        [this](const SigningAsk& message) { ask(message.ref); },
        [this](const SigningWord& word) { word.take(*this); },
    };
}

void SigningHost::on_exit() {
    operators_.give_up(this);
    auto& metrics = parts_.context->instruments->shards;
    const auto& broker = parts_.context->broker(parts_.broker()).profile.name;
    const auto& shard = parts_.context->listing.shard(shard_).symbol;
    for (auto* gauge :
         {&metrics.tx_nonce_gap, &metrics.signing_lane_halted, &metrics.signer_balance_native}) {
        gauge->forget({broker, shard});
    }
}

void SigningHost::on_tick() {
    run_delayed(as_chrono(tick_every), [this] { on_tick(); });
    if (is_following_) {
        send_again();
    } else {
        open();
    }
    publish_metrics();
}

void SigningHost::open() {
    const auto now = parts_.context->now();
    if (!has_passed(identify_every, identified_at_, now)) return;
    identified_at_ = now;
    desk_->identify(hears<base::Result<shards::evm::ChainIdentity, NoAnswer>>(
        [](SigningHost& host, const auto& found) { host.on_identity(found); }));
}

void SigningHost::on_identity(const base::Result<shards::evm::ChainIdentity, NoAnswer>& found) {
    if (is_following_ || !found) return;
    const auto decision = commit(signing::OpenLane{.chain_id = found->chain_id,
                                                   .genesis = found->genesis,
                                                   .key = found->key,
                                                   .final_nonce = found->final_nonce,
                                                   .pending_nonce = found->pending_nonce,
                                                   .at = parts_.context->now()});
    if (decision) return follow();
    if (decision.error() == signing::Reject::chain_is_another) {
        halt(signing::Halt::other_chain, 0, "chain " + std::to_string(found->chain_id));
    }
}

void SigningHost::follow() {
    is_following_ = true;
    std::vector<shards::evm::Watched> sent;
    for (const auto& [nonce, slot] : crank_.state().slots) {
        for (const auto& transaction : slot.transactions) {
            if (transaction.is_signed) sent.push_back({.nonce = nonce, .hash = transaction.hash});
        }
    }
    found_.clear();
    head_.reset();
    desk_->follow(sent, hears<shards::evm::HeadNews>([](SigningHost& host, const auto& news) {
                      host.on_head(news);
                  }),
                  hears<shards::evm::ChainFault>(
                      [](SigningHost& host, const auto& fault) { host.on_fault(fault); }));
    carry_out_owed();
}

void SigningHost::submit(const ledger::ShardOrder& order) {
    const auto body = signing::body_hash(order);
    const auto& state = crank_.state();
    const auto* outcome = signing::outcome_of(state, order.ref);
    const auto nonce = signing::nonce_of(state, order.ref);
    const bool is_other = (outcome != nullptr && outcome->body != body) ||
                          (nonce && state.slots.at(*nonce).body != body);
    if (is_other) {
        return log(LogLevel::error, "An order came back as another one.",
                   {{"order", base::to_string(order.ref)}});
    }
    orders_.insert_or_assign(order.ref, order);
    if (outcome != nullptr) {
        answer(order.ref, shards::Accepted{});
        conclude(order.ref);
    } else if (nonce) {
        answer(order.ref, shards::Accepted{});
        tell_of_slot(order, *nonce);
    } else if (head_) {
        take(order, body);
    }
    // Else it waits for the first head, or until the lane has lost its patience.
}

void SigningHost::take(const ledger::ShardOrder& order, std::uint64_t body) {
    if (head_->block_time > order.deadline) return bury(order);
    const auto call = desk_->prepare(order);
    if (!call) {
        // No nonce was ever given to it, and none will be.
        orders_.erase(order.ref);
        return answer(order.ref, shards::Refused{call.error()});
    }
    const auto decision = commit(signing::TakeIntent{.ref = order.ref,
                                                     .body = body,
                                                     .to = call->to,
                                                     .data = call->data,
                                                     .gas_limit = call->gas_limit,
                                                     .deadline = order.deadline,
                                                     .fees = head_->offer,
                                                     .at = parts_.context->now()});
    if (!decision) orders_.erase(order.ref);
    answer(order.ref,
           decision ? shards::SubmitAnswer{shards::Accepted{}} : shards::SubmitAnswer{NoAnswer{}});
}

// What came too late is never signed. It may have been, by a journal that this one is an older copy
// of: the vault knows.
void SigningHost::bury(const ledger::ShardOrder& order) {
    if (!asking_.insert(order.ref).second) return;
    desk_->look_up(
        order, hears<base::Result<shards::evm::Record, NoAnswer>>(
                   [order](SigningHost& host, const auto& record) {
                       host.asking_.erase(order.ref);
                       const bool is_known = record.has_value() && record->notice;
                       const bool is_over = record.has_value() && record->as_of > order.deadline;
                       if (is_known) {
                           host.orders_.erase(order.ref);
                           host.tell(*record->notice);
                       } else if (is_over) {
                           host.orders_.erase(order.ref);
                           host.answer(order.ref, shards::Refused{ledger::ShardRefusal::expired});
                       } else {
                           host.answer(order.ref, NoAnswer{});
                       }
                   }));
}

void SigningHost::ask(const base::OrderRef& ref) {
    const auto& state = crank_.state();
    const auto order = orders_.find(ref);
    if (signing::outcome_of(state, ref) != nullptr) return conclude(ref);
    const auto nonce = signing::nonce_of(state, ref);
    if (!nonce) return answer_ask(ref, ledger::OrderNotice{.ref = ref});
    if (!state.slots.at(*nonce).included) {
        return answer_ask(ref, ledger::OrderNotice{.ref = ref, .finality = ledger::Finality::seen});
    }
    if (order != orders_.end()) tell_of_slot(order->second, *nonce);
}

// What a block holds of it by now.
void SigningHost::tell_of_slot(const ledger::ShardOrder& order, std::uint64_t nonce) {
    const auto found = found_.find(nonce);
    if (found == found_.end() || !found->second.ended) return;
    auto notice = desk_->notice_of(order, *found->second.ended);
    if (!notice) return;
    notice->finality = ledger::Finality::included;
    notice->block = found->second.block;
    notice->gas = found->second.gas;
    tell(*std::move(notice));
}

void SigningHost::answer(const base::OrderRef& ref, shards::SubmitAnswer answer) {
    crank_.when_durable([this, ref, answer = std::move(answer)](std::uint64_t) {
        send(lane_, LaneSubmitted{ref, answer});
    });
}

void SigningHost::answer_ask(const base::OrderRef& ref,
                             std::variant<ledger::OrderNotice, NoAnswer> answer) {
    crank_.when_durable([this, ref, answer = std::move(answer)](std::uint64_t) {
        send(lane_, LaneAsked{ref, answer});
    });
}

void SigningHost::sign(const signing::Sign& asked) {
    if (!signing_.emplace(asked.nonce, asked.number).second) return;
    desk_->sign(asked, hears<shards::evm::SignResult>([asked](SigningHost& host, const auto& made) {
                    host.on_signed(asked, made);
                }));
}

void SigningHost::on_signed(const signing::Sign& asked, const shards::evm::SignResult& made) {
    using shards::evm::SignFault;
    signing_.erase({asked.nonce, asked.number});
    const auto now = parts_.context->now();
    if (made) {
        (void)commit(signing::NoteSigned{.nonce = asked.nonce,
                                         .number = asked.number,
                                         .hash = made->hash,
                                         .raw = made->raw,
                                         .at = now});
        return;
    }
    auto& instruments = parts_.context->instruments->shards;
    const auto& error = made.error();
    const char* fault = error.fault == SignFault::unreachable ? "unreachable"
                        : error.fault == SignFault::refused   ? "refused"
                                                              : "altered";
    instruments.signer_faults_total
        .with({parts_.context->broker(parts_.broker()).profile.name,
               parts_.context->listing.shard(shard_).symbol, fault})
        .increment();
    switch (error.fault) {
        case SignFault::unreachable:
            log(LogLevel::warning, "A signer does not answer.",
                {{"nonce", std::to_string(asked.nonce)}, {"why", error.says}});
            run_delayed(as_chrono(sign_again_after), [this] { carry_out_owed(); });
            return;
        case SignFault::refused:
            log(LogLevel::error, "A signer refuses a transaction.",
                {{"nonce", std::to_string(asked.nonce)}, {"why", error.says}});
            (void)commit(
                signing::NoteSignerRefused{.nonce = asked.nonce,
                                           .number = asked.number,
                                           .cancel_gas = head_ ? head_->cancel_gas : 21'000,
                                           .at = now});
            return;
        case SignFault::altered:
            return halt(signing::Halt::signer_altered, asked.nonce,
                        "what it signed is not what it was asked for");
    }
}

void SigningHost::send_to_chain(const signing::Broadcast& sent) {
    const auto& slot = crank_.state().slots.at(sent.nonce);
    const bool is_cancel = slot.transactions.at(sent.number).purpose == signing::Purpose::cancel;
    parts_.context->instruments->shards.tx_broadcast_total
        .with({parts_.context->listing.shard(shard_).symbol, is_cancel ? "cancel" : "order"})
        .increment();
    desk_->watch({.nonce = sent.nonce, .hash = sent.hash});
    desk_->send(sent, hears<std::string>([nonce = sent.nonce](SigningHost& host, const auto& why) {
                    host.log(LogLevel::warning, "A node does not take a transaction.",
                             {{"nonce", std::to_string(nonce)}, {"why", why}});
                }));
}

// A node that has them already says so, and that is all.
void SigningHost::send_again() {
    const auto now = parts_.context->now();
    if (!has_passed(send_every, sent_at_, now)) return;
    sent_at_ = now;
    carry_out_owed();
}

// What is owed as of now. By the time that this is durable more may be owed that is not.
void SigningHost::carry_out_owed() {
    crank_.when_durable([this, effects = signing::outstanding(crank_.state())](std::uint64_t) {
        carry_out(effects);
    });
}

signing::Decision SigningHost::commit(const signing::Command& command) {
    auto decision = signing::decide(crank_.state(), command);
    if (!decision) {
        // One that is refused each second is told once.
        const bool is_news = last_reject_ != decision.error();
        last_reject_ = decision.error();
        if (is_news && !signing::is_transient(decision.error())) {
            log(LogLevel::error, "A signing lane refused a command.",
                {{"reject", signing::name_of(decision.error())}});
        }
        return decision;
    }
    if (decision->empty()) return decision;
    last_reject_.reset();
    auto effects = crank_.commit(this, *decision);
    // What is signed tells nobody anything, and is in the journal behind its intent before it is
    // sent: the signer works while the intent is written (0034).
    const auto to_send = std::stable_partition(effects.begin(), effects.end(), [](const auto& one) {
        return std::holds_alternative<signing::Sign>(one);
    });
    carry_out({effects.begin(), to_send});
    effects.erase(effects.begin(), to_send);
    crank_.when_durable([this, events = *decision, effects = std::move(effects)](std::uint64_t) {
        for (const auto& event : events) tell_of(event);
        carry_out(effects);
    });
    return decision;
}

// The log.
void SigningHost::tell_of(const signing::Event& event) const {
    if (const auto* opened = std::get_if<signing::LaneOpened>(&event)) {
        log(LogLevel::info, "A signing lane is open.",
            {{"chain", std::to_string(opened->chain_id)},
             {"nonce", std::to_string(opened->nonce)}});
    } else if (const auto* halted = std::get_if<signing::LaneHalted>(&event)) {
        log(LogLevel::error, "A signing lane stands still until an operator has looked.",
            {{"reason", signing::name_of(halted->reason)},
             {"nonce", std::to_string(halted->nonce)}});
    } else if (const auto* resumed = std::get_if<signing::LaneResumed>(&event)) {
        log(LogLevel::warning, "An operator lets a signing lane go on.",
            {{"nonce", std::to_string(resumed->nonce)}, {"reason", resumed->reason}});
    } else if (const auto* planned = std::get_if<signing::TransactionPlanned>(&event)) {
        if (planned->number == 0) return;
        log(LogLevel::info, "A transaction takes the place of another.",
            {{"nonce", std::to_string(planned->nonce)},
             {"number", std::to_string(planned->number)},
             {"is_cancel", planned->purpose == signing::Purpose::cancel ? "true" : "false"}});
    }
}

void SigningHost::carry_out(const std::vector<signing::Effect>& effects) {
    // It may have come to stand still since they were decided.
    if (!is_following_ || crank_.state().halt != signing::Halt::none) return;
    for (const auto& effect : effects) {
        // What it is about may have been finished since it was decided, or be in a block.
        const auto nonce = std::visit([](const auto& one) { return one.nonce; }, effect);
        const auto slot = crank_.state().slots.find(nonce);
        if (slot == crank_.state().slots.end()) continue;
        if (const auto* to_sign = std::get_if<signing::Sign>(&effect)) {
            const auto& transaction = slot->second.transactions.at(to_sign->number);
            if (!transaction.is_signed && !transaction.is_refused) sign(*to_sign);
        } else if (!slot->second.included) {
            send_to_chain(std::get<signing::Broadcast>(effect));
        }
    }
}

void SigningHost::halt(signing::Halt reason, std::uint64_t nonce, const std::string& why) {
    if (crank_.state().halt != signing::Halt::none) return;
    log(LogLevel::error, "A chain or a signer is not what it should be.",
        {{"nonce", std::to_string(nonce)}, {"why", why}});
    (void)commit(signing::HaltLane{.reason = reason, .nonce = nonce, .at = parts_.context->now()});
}

void SigningHost::log(LogLevel level, const char* says, LogFields more) const {
    more.emplace_back("shard", parts_.context->listing.shard(shard_).symbol);
    more.emplace_back("broker", parts_.context->broker(parts_.broker()).profile.name);
    parts_.context->log(level, says, more);
}

}  // namespace crossclear::actors
