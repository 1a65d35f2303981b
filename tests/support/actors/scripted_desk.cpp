#include "tests/support/actors/scripted_desk.hpp"

#include "shards/evm/keccak.hpp"
#include "shards/evm/key.hpp"
#include "tests/support/actors/passing_shard.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::tests {

namespace signing = ledger::signing;
namespace evm = shards::evm;
using shards::NoAnswer;

namespace {

constexpr signing::Fees fees{.tip_wei = 1, .fee_wei = 10};
constexpr signing::Fees fees_max{.tip_wei = 1'000, .fee_wei = 1'000};

signing::Hash hash_of(const std::string& text) { return evm::keccak256(text).bytes; }

evm::Key key_named(const std::string& name) { return *evm::Key::of(evm::keccak256(name)); }

const evm::Key& own_key() {
    static const auto key = key_named("the broker's");
    return key;
}

}  // namespace

/// What a node has of the chain; ends with the node.
class ScriptedChain::Desk final : public evm::Desk {
public:
    explicit Desk(ScriptedChain& chain) : chain_(chain) {}
    ~Desk() override {
        const std::scoped_lock lock(chain_.mutex_);
        chain_.listener_ = nullptr;
        chain_.on_fault_ = nullptr;
    }

    void identify(std::function<void(base::Result<evm::ChainIdentity, NoAnswer>)> done) override {
        {
            const std::scoped_lock lock(chain_.mutex_);
            if (!chain_.is_answering_) return done(base::Failure{NoAnswer{}});
            done(evm::ChainIdentity{.chain_id = chain_.chain_id_,
                                    .genesis = hash_of(chain_.genesis_),
                                    .key = own_key().address().bytes,
                                    .final_nonce = chain_.nonce_after(chain_.final_blocks_),
                                    .pending_nonce = chain_.nonce_after(chain_.blocks_.size())});
        }
        chain_.outside_.watch.note_line("Chain says which it is.", false);
    }
    base::Result<evm::PreparedCall, ledger::ShardRefusal> prepare(
        const ledger::ShardOrder& order) override {
        auto data = "call " + base::to_string(order.ref);
        {
            const std::scoped_lock lock(chain_.mutex_);
            chain_.orders_.insert_or_assign(data, order);
        }
        chain_.outside_.watch.note_line("Chain makes a call of an order.", false);
        return evm::PreparedCall{.to = {2}, .data = std::move(data), .gas_limit = 100'000};
    }
    void sign(const signing::Sign& asked, std::function<void(evm::SignResult)> done) override {
        done(answer_to(asked));
        chain_.outside_.watch.note_line("Chain asked to sign.", false);
    }
    void send(const signing::Broadcast& sent, std::function<void(std::string)>) override {
        expect_durable<signing::TransactionSigned>(
            [&](const auto& made) { return made.hash == sent.hash && made.raw == sent.raw; });
        {
            const std::scoped_lock lock(chain_.mutex_);
            chain_.sent_.push_back(sent);
            if (chain_.is_taking_) chain_.pool_.insert(sent.hash);
        }
        chain_.outside_.watch.note_line("Chain was sent a transaction.", false);
    }
    void watch(const evm::Watched& transaction) override {
        const std::scoped_lock lock(chain_.mutex_);
        chain_.watched_.insert(transaction.hash);
    }
    void forget_below(std::uint64_t) override {}
    void follow(const std::vector<evm::Watched>& sent, std::function<void(evm::HeadNews)> listener,
                std::function<void(evm::ChainFault)> on_fault) override {
        {
            const std::scoped_lock lock(chain_.mutex_);
            chain_.listener_ = std::move(listener);
            chain_.on_fault_ = std::move(on_fault);
            chain_.watched_.clear();
            for (const auto& one : sent) chain_.watched_.insert(one.hash);
            chain_.undone_.clear();
            chain_.blocks_told_ = 0;
            chain_.tell();
        }
        chain_.outside_.watch.note_line("Chain is followed.", false);
    }
    void recount(const signing::Hash& hash, base::Amount gas,
                 std::function<void(base::Result<evm::Found, NoAnswer>)> done) override {
        const std::scoped_lock lock(chain_.mutex_);
        ++chain_.recounted_;
        for (std::size_t i = 0; i < chain_.final_blocks_; ++i) {
            const auto& held = chain_.blocks_[i].transactions;
            if (std::find(held.begin(), held.end(), hash) == held.end()) continue;
            auto found = chain_.found_in(chain_.blocks_[i], hash);
            found.gas = gas;
            return done(std::move(found));
        }
        done(base::Failure{NoAnswer{}});
    }
    std::optional<ledger::OrderNotice> notice_of(const ledger::ShardOrder& order,
                                                 const evm::Ended&) const override {
        const std::scoped_lock lock(chain_.mutex_);
        if (!chain_.is_credible_) return std::nullopt;
        auto notice = chain_.effects_.at(order.ref);
        notice.finality = ledger::Finality::unseen;
        return notice;
    }
    void look_up(const ledger::ShardOrder&,
                 std::function<void(base::Result<evm::Record, NoAnswer>)> done) override {
        const std::scoped_lock lock(chain_.mutex_);
        // Nothing here ever has an effect under a nonce of another journal.
        done(evm::Record{.notice = std::nullopt, .as_of = chain_.block_time()});
    }

private:
    // Nothing leaves a node ahead of its journal.
    template <class Event, class Fits>
    void expect_durable(Fits fits) const {
        const auto events = chain_.outside_.watch.all<Event>();
        EXPECT_TRUE(std::any_of(events.begin(), events.end(), fits))
            << "something is signed or sent that is not in the journal";
    }
    evm::SignResult answer_to(const signing::Sign& asked) {
        const std::scoped_lock lock(chain_.mutex_);
        ++chain_.asked_to_sign_;
        switch (chain_.signer_) {
            case Signer::unreachable:
                return base::Failure{evm::NotSigned{.fault = evm::SignFault::unreachable}};
            case Signer::refuses_orders:
                if (!asked.data.empty())
                    return base::Failure{evm::NotSigned{.fault = evm::SignFault::refused,
                                                        .says = "no rule allows it"}};
                break;
            case Signer::alters:
            case Signer::signs:
                break;
        }
        auto made = chain_.signature_of(asked);
        if (made) chain_.signed_.insert_or_assign(made->hash, asked);
        return made;
    }

    ScriptedChain& chain_;
};

/// The simulated shard, but for its orders.
class ScriptedChain::SignedShard final : public PassingShard {
public:
    SignedShard(std::unique_ptr<shards::Shard> behind, ScriptedChain& chain)
        : PassingShard(std::move(behind)), chain_(chain), desk_(chain) {}

    void submit(const ledger::ShardOrder&, std::function<void(shards::SubmitAnswer)>) override {
        ADD_FAILURE() << "an order that has to be signed came to the shard";
    }
    void ask(const base::OrderRef&,
             std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)>) override {
        ADD_FAILURE() << "the shard was asked for an order that has to be signed";
    }
    void balances(std::function<void(std::variant<shards::Balances, NoAnswer>)> done) override {
        PassingShard::balances([&chain = chain_, done = std::move(done)](auto answer) {
            {
                const std::scoped_lock lock(chain.mutex_);
                if (!chain.is_showing_balances_) answer = NoAnswer{};
            }
            done(std::move(answer));
            chain.outside_.watch.note_line("Chain was looked at.", false);
        });
    }
    void listen(std::function<void(ledger::ShardNotice)> listener) override {
        PassingShard::listen([listener = std::move(listener)](const ledger::ShardNotice& notice) {
            if (!std::holds_alternative<ledger::OrderNotice>(notice)) listener(notice);
        });
    }
    shards::evm::Desk* desk() override { return &desk_; }

private:
    ScriptedChain& chain_;
    ScriptedChain::Desk desk_;
};

ScriptedChain::ScriptedChain(Outside& outside, base::ShardId shard, base::BrokerId broker)
    : outside_(outside),
      shard_(shard),
      broker_(broker),
      vault_(outside.world->shard(shard, broker)) {
    vault_->listen([this](const ledger::ShardNotice& notice) {
        const auto* order = std::get_if<ledger::OrderNotice>(&notice);
        if (order == nullptr || order->finality != ledger::Finality::final) return;
        {
            const std::scoped_lock lock(mutex_);
            effects_.insert_or_assign(order->ref, *order);
        }
        outside_.watch.note_line("Chain has done an order.", false);
    });
}

HouseOptions ScriptedChain::in_place(HouseOptions options) {
    // A house opens the shards of one broker after the other, as they are numbered.
    const auto which = 3 * broker_.v + shard_.v;
    options.between = [this, which, opened = 0](std::unique_ptr<shards::Shard> behind) mutable {
        if (opened++ != which) return behind;
        behind = std::make_unique<SignedShard>(std::move(behind), *this);
        return behind;
    };
    return options;
}

void ScriptedChain::set_signer(Signer signer) {
    const std::scoped_lock lock(mutex_);
    signer_ = signer;
}

void ScriptedChain::set_altered(Altered altered) {
    const std::scoped_lock lock(mutex_);
    altered_ = altered;
}

void ScriptedChain::set_taking(bool is_taking) {
    const std::scoped_lock lock(mutex_);
    is_taking_ = is_taking;
}

void ScriptedChain::set_answering(bool is_answering) {
    const std::scoped_lock lock(mutex_);
    is_answering_ = is_answering;
}

void ScriptedChain::set_identity(std::uint64_t chain_id, const std::string& genesis) {
    const std::scoped_lock lock(mutex_);
    chain_id_ = chain_id;
    genesis_ = genesis;
}

void ScriptedChain::set_telling(bool is_telling) {
    const std::scoped_lock lock(mutex_);
    is_telling_ = is_telling;
    tell();
}

void ScriptedChain::set_credible(bool is_credible) {
    const std::scoped_lock lock(mutex_);
    is_credible_ = is_credible;
}

void ScriptedChain::set_reverting(bool is_reverting) {
    auto faults = outside_.world->faults(shard_);
    faults.revert_ppm = is_reverting ? 1'000'000 : 0;
    outside_.world->set_faults(shard_, faults);
}

void ScriptedChain::go_ahead(base::Duration by) {
    const std::scoped_lock lock(mutex_);
    ahead_ = by;
    tell();
}

void ScriptedChain::add_block() {
    std::vector<Hash> held;
    std::vector<ledger::ShardOrder> to_do;
    {
        const std::scoped_lock lock(mutex_);
        held = next_transactions();
        for (const auto& hash : held) {
            const auto* order = order_of(hash);
            if (order != nullptr && !effects_.contains(order->ref)) to_do.push_back(*order);
        }
        if (!to_do.empty()) is_showing_balances_ = false;
    }
    for (const auto& order : to_do) execute(order);
    const std::scoped_lock lock(mutex_);
    append({held.begin(), held.end()});
    tell();
}

void ScriptedChain::add_block_of_others() {
    const std::scoped_lock lock(mutex_);
    append({std::nullopt});
    tell();
}

void ScriptedChain::undo() {
    const std::scoped_lock lock(mutex_);
    while (blocks_.size() > final_blocks_) {
        if (blocks_.size() <= blocks_told_) undone_.push_back(blocks_.back().hash);
        blocks_.pop_back();
    }
    blocks_told_ = std::min(blocks_told_, blocks_.size());
    tell();
}

void ScriptedChain::finalise() {
    const std::scoped_lock lock(mutex_);
    final_blocks_ = blocks_.size();
    tell();
}

void ScriptedChain::replace_final_block() {
    {
        const std::scoped_lock lock(mutex_);
        CHECK(final_blocks_ > 0, "what is replaced was final");
        blocks_.at(final_blocks_ - 1).hash = next_block_hash();
    }
    fail(signing::Halt::final_block_replaced);
}

void ScriptedChain::fail(signing::Halt reason) {
    const std::scoped_lock lock(mutex_);
    CHECK(on_fault_ != nullptr, "who hears of a fault follows the chain");
    listener_ = nullptr;
    std::exchange(on_fault_, nullptr)({.reason = reason, .says = "by the test"});
}

void ScriptedChain::show_balances() {
    const std::scoped_lock lock(mutex_);
    is_showing_balances_ = true;
}

std::vector<signing::Broadcast> ScriptedChain::sent() const {
    const std::scoped_lock lock(mutex_);
    return sent_;
}

std::size_t ScriptedChain::transactions_sent() const {
    const std::scoped_lock lock(mutex_);
    std::set<Hash> hashes;
    for (const auto& one : sent_) hashes.insert(one.hash);
    return hashes.size();
}

std::size_t ScriptedChain::asked_to_sign() const {
    const std::scoped_lock lock(mutex_);
    return asked_to_sign_;
}

std::size_t ScriptedChain::recounted() const {
    const std::scoped_lock lock(mutex_);
    return recounted_;
}

// How many of the key's transactions the first blocks hold.
std::uint64_t ScriptedChain::nonce_after(std::size_t blocks) const {
    std::uint64_t nonce = 0;
    for (std::size_t i = 0; i < blocks; ++i) nonce += blocks_[i].transactions.size();
    return nonce;
}

// The latest one of each nonce that is next, as pools have them.
std::vector<signing::Hash> ScriptedChain::next_transactions() const {
    std::map<std::uint64_t, std::pair<std::uint32_t, Hash>> latest;
    for (const auto& hash : pool_) {
        const auto& asked = signed_.at(hash);
        auto& held = latest[asked.nonce];
        if (held.first <= asked.number) held = {asked.number, hash};
    }
    std::vector<Hash> next;
    auto nonce = nonce_after(blocks_.size());
    for (auto at = latest.find(nonce); at != latest.end(); at = latest.find(++nonce)) {
        next.push_back(at->second.second);
    }
    return next;
}

void ScriptedChain::execute(const ledger::ShardOrder& order) {
    vault_->submit(order, [](const shards::SubmitAnswer& answer) {
        EXPECT_TRUE(std::holds_alternative<shards::Accepted>(answer));
    });
    EXPECT_TRUE(outside_.watch.await([&] {
        const std::scoped_lock lock(mutex_);
        return effects_.contains(order.ref);
    })) << "an order never became final on the simulated shard";
}

void ScriptedChain::append(std::vector<std::optional<Hash>> transactions) {
    const auto last = blocks_.empty() ? 0 : blocks_.back().number;
    blocks_.push_back(Block{
        .number = last + 1, .hash = next_block_hash(), .transactions = std::move(transactions)});
}

signing::Hash ScriptedChain::next_block_hash() {
    return hash_of("block " + std::to_string(++blocks_made_));
}

// What it gives is read and compared as that of any signer is.
evm::SignResult ScriptedChain::signature_of(const signing::Sign& asked) const {
    auto transaction = evm::transaction_of(asked);
    auto key = own_key();
    if (signer_ == Signer::alters) {
        switch (altered_) {
            case Altered::recipient:
                transaction.to.bytes.front() ^= 1U;
                break;
            case Altered::value:
                transaction.value = 1;
                break;
            case Altered::fee:
                transaction.fee_max += 1;
                break;
            case Altered::key:
                key = key_named("somebody's");
                break;
        }
    }
    return evm::compare_signed(asked, own_key().address().bytes,
                               evm::raw_bytes(key.sign(transaction)));
}

evm::Found ScriptedChain::found_in(const Block& block, const Hash& hash) const {
    evm::Found found{.hash = hash,
                     .block = block.number,
                     .block_hash = block.hash,
                     .ended = std::nullopt,
                     .gas = {}};
    // A cancel moves nothing, and on the simulated shard it costs nothing either.
    if (const auto* order = order_of(hash)) {
        const auto& effect = effects_.at(order->ref);
        // The vault tells nothing in a transaction that failed.
        if (effect.refusal != ledger::ShardRefusal::reverted) found.ended = evm::Ended{};
        found.gas = effect.gas;
    }
    return found;
}

// Null where the transaction is a cancel.
const ledger::ShardOrder* ScriptedChain::order_of(const Hash& hash) const {
    const auto found = orders_.find(signed_.at(hash).data);
    return found == orders_.end() ? nullptr : &found->second;
}

base::Timestamp ScriptedChain::block_time() const { return base::wall_clock_now() + ahead_; }

void ScriptedChain::tell() {
    if (!listener_ || !is_telling_) return;
    evm::HeadNews news{
        .undone = std::exchange(undone_, {}),
        .found = {},
        .final_block = final_blocks_ == 0 ? 0 : blocks_[final_blocks_ - 1].number,
        .final_nonce = nonce_after(final_blocks_),
        .block_time = block_time(),
        .enough = fees,
        .offer = fees,
        .max = fees_max,
        .cancel_gas = 21'000,
        .key_balance = base::Amount{1'000'000},
    };
    for (; blocks_told_ < blocks_.size(); ++blocks_told_) {
        const auto& block = blocks_[blocks_told_];
        for (const auto& hash : block.transactions) {
            if (hash && watched_.contains(*hash)) news.found.push_back(found_in(block, *hash));
        }
    }
    listener_(std::move(news));
}

}  // namespace crossclear::tests
