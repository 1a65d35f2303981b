#include "tests/support/shards/lane_host.hpp"

#include "base/check.hpp"
#include "ledger/signing/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace crossclear::tests {
namespace {

using namespace shards::evm;

constexpr auto host_patience = std::chrono::seconds(60);
// No whole number of units of any asset.
constexpr ledger::signing::Fees host_fees{.tip_wei = 1'234'567'891, .fee_wei = 50'000'000'003};

// What a callback is called with. Without one in time the test is over.
template <class Answer, class Start>
Answer answer_of(const Start& start) {
    const auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    start([promise](Answer answer) { promise->set_value(std::move(answer)); });
    CHECK(future.wait_for(host_patience) == std::future_status::ready, "a shard answers");
    return future.get();
}

template <class Answer>
std::optional<Answer> if_any(base::Result<Answer, shards::NoAnswer> result) {
    return result ? std::optional{*std::move(result)} : std::nullopt;
}

}  // namespace

std::uint64_t Told::final_block() const { return news.empty() ? 0 : news.back().final_block; }
std::uint64_t Told::final_nonce() const { return news.empty() ? 0 : news.back().final_nonce; }

std::vector<ledger::Finality> Told::of_deposit(std::uint64_t id) const {
    std::vector<ledger::Finality> all;
    for (const auto& notice : notices) {
        const auto* deposit = std::get_if<ledger::DepositNotice>(&notice);
        if (deposit != nullptr && deposit->id == id) all.push_back(deposit->finality);
    }
    return all;
}

LaneHost::LaneHost(ChainShardOptions options)
    : fees_(host_fees), chain_id_(options.chain_id), key_(options.terms.key.bytes) {
    options.on_fault = [this](const ChainFault& fault) {
        const std::lock_guard lock(mutex_);
        told_.faults.push_back(fault);
        has_changed_.notify_all();
    };
    shard_ = std::make_unique<ChainShard>(std::move(options));
    shard_->listen([this](ledger::ShardNotice notice) {
        const std::lock_guard lock(mutex_);
        told_.notices.push_back(std::move(notice));
        has_changed_.notify_all();
    });
}

LaneHost::~LaneHost() = default;

void LaneHost::follow(const std::vector<SignedOrder>& sent) {
    std::vector<Watched> watched;
    {
        const std::lock_guard lock(mutex_);
        told_.found.clear();
        sent_.clear();
        for (const auto& one : sent) {
            watched.push_back(one.transaction);
            sent_.insert_or_assign(one.transaction.nonce, one);
            next_nonce_ = std::max(next_nonce_, one.transaction.nonce + 1);
        }
    }
    shard_->follow(
        watched, [this](const HeadNews& news) { take(news); },
        [this](const ChainFault& fault) {
            const std::lock_guard lock(mutex_);
            told_.faults.push_back(fault);
            has_changed_.notify_all();
        });
}

SignedOrder LaneHost::sign(const ledger::ShardOrder& order) {
    return sign_at(order, next_nonce_++, 0, fees_);
}

SignedOrder LaneHost::sign_replacement(const SignedOrder& of, ledger::signing::Fees fees) {
    return sign_at(of.order, of.transaction.nonce, of.bytes.number + 1, fees);
}

SignedOrder LaneHost::sign_at(const ledger::ShardOrder& order, std::uint64_t nonce,
                              std::uint32_t number, const ledger::signing::Fees& fees) {
    const auto call = shard_->prepare(order);
    CHECK(call.has_value(), "a test signs orders that can be signed");
    return sign(order, {.nonce = nonce,
                        .number = number,
                        .chain_id = chain_id_,
                        .to = call->to,
                        .data = call->data,
                        .gas_limit = call->gas_limit,
                        .fees = fees});
}

SignedOrder LaneHost::sign_cancel(const SignedOrder& of) {
    const auto before = told();
    CHECK(!before.news.empty(), "a test cancels what it has seen the chain of");
    return sign(of.order, {.nonce = of.transaction.nonce,
                           .number = of.bytes.number + 1,
                           .chain_id = chain_id_,
                           .to = key_,
                           .data = {},
                           .gas_limit = before.news.back().cancel_gas,
                           .fees = ledger::signing::replacement_of(fees_)});
}

SignedOrder LaneHost::sign(const ledger::ShardOrder& order, const ledger::signing::Sign& asked) {
    using Answer = SignResult;
    const auto answer = answer_of<Answer>([&](auto done) { shard_->sign(asked, std::move(done)); });
    CHECK(answer.has_value(), "a key in this process signs");
    return {.order = order,
            .transaction = {.nonce = asked.nonce, .hash = answer->hash},
            .bytes = {.nonce = asked.nonce,
                      .number = asked.number,
                      .hash = answer->hash,
                      .raw = answer->raw}};
}

void LaneHost::send(const SignedOrder& sent) {
    {
        const std::lock_guard lock(mutex_);
        sent_.insert_or_assign(sent.transaction.nonce, sent);
    }
    shard_->watch(sent.transaction);
    shard_->send(sent.bytes, [this](std::string why) {
        const std::lock_guard lock(mutex_);
        told_.refusals.push_back(std::move(why));
        has_changed_.notify_all();
    });
}

void LaneHost::send_again_until_found() {
    const std::lock_guard lock(mutex_);
    is_sending_again_ = true;
}

void LaneHost::take(const HeadNews& news) {
    const std::lock_guard lock(mutex_);
    const auto break_if = [&](bool is_broken, std::string_view what, std::uint64_t number) {
        if (is_broken) told_.broken.push_back(fmt::format("{} ({})", what, number));
    };
    const auto final_before = told_.final_block();
    for (const auto& hash : news.undone) {
        for (auto one = told_.found.begin(); one != told_.found.end();) {
            const bool is_undone = one->second.block_hash == hash;
            break_if(is_undone && one->second.block <= final_before, "undone though it was final",
                     one->first);
            one = is_undone ? told_.found.erase(one) : std::next(one);
        }
    }
    for (const auto& one : news.found) {
        const auto whose = std::find_if(sent_.begin(), sent_.end(), [&](const auto& sent) {
            return sent.second.transaction.hash == one.hash;
        });
        break_if(whose == sent_.end(), "found what was never sent, in block", one.block);
        if (whose == sent_.end()) continue;
        const bool is_new = told_.found.emplace(whose->first, one).second;
        break_if(!is_new, "found twice", whose->first);
    }
    break_if(news.final_block < final_before, "final before, and not any more", final_before);
    break_if(news.cancel_gas < 21'000, "a cancel that no node would take", news.cancel_gas);
    for (const auto& [nonce, sent] : sent_) {
        const auto found = told_.found.find(nonce);
        const bool is_there = found != told_.found.end() && found->second.block <= news.final_block;
        break_if(nonce < news.final_nonce && !is_there, "final and not found", nonce);
        break_if(nonce >= news.final_nonce && is_there, "found in a final block, not final", nonce);
        if (!is_sending_again_ || found != told_.found.end()) continue;
        shard_->send(sent.bytes, [](const std::string&) {});
    }
    told_.news.push_back(news);
    has_changed_.notify_all();
}

bool LaneHost::comes_to(const std::function<bool(const Told&)>& is_so) {
    std::unique_lock lock(mutex_);
    return has_changed_.wait_for(lock, host_patience, [&] { return is_so(told_); });
}

Told LaneHost::told() const {
    const std::lock_guard lock(mutex_);
    return told_;
}

std::optional<ChainIdentity> LaneHost::identify() {
    using Answer = base::Result<ChainIdentity, shards::NoAnswer>;
    auto found = if_any(answer_of<Answer>([&](auto done) { shard_->identify(std::move(done)); }));
    if (found) next_nonce_ = std::max(next_nonce_, found->pending_nonce);
    return found;
}

std::optional<shards::Balances> LaneHost::balances() {
    using Answer = std::variant<shards::Balances, shards::NoAnswer>;
    auto answer = answer_of<Answer>([&](auto done) { shard_->balances(std::move(done)); });
    auto* held = std::get_if<shards::Balances>(&answer);
    return held == nullptr ? std::nullopt : std::optional{std::move(*held)};
}

shards::Health LaneHost::health() {
    return answer_of<shards::Health>([&](auto done) { shard_->health(std::move(done)); });
}

std::optional<Found> LaneHost::recount(const SignedOrder& sent, base::Amount gas) {
    using Answer = base::Result<Found, shards::NoAnswer>;
    return if_any(answer_of<Answer>(
        [&](auto done) { shard_->recount(sent.transaction.hash, gas, std::move(done)); }));
}

std::optional<Record> LaneHost::look_up(const ledger::ShardOrder& order) {
    using Answer = base::Result<Record, shards::NoAnswer>;
    return if_any(answer_of<Answer>([&](auto done) { shard_->look_up(order, std::move(done)); }));
}

}  // namespace crossclear::tests
