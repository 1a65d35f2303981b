#include "shards/evm/chain_shard.hpp"

#include "base/thread_name.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/keccak.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/watcher.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
using ledger::signing::Halt;
using Clock = std::chrono::steady_clock;

// Without a round for so long the chain counts as unreachable.
constexpr auto reachable_for = std::chrono::seconds(10);
// How often the vault is asked whether it is paused, where heads come as quickly.
constexpr auto look_every = std::chrono::milliseconds(500);
// How soon a head that was told is looked for again, each time twice as late, and how often.
constexpr auto look_again_after = std::chrono::milliseconds(10);
constexpr int looks_after_hint_max = 6;
// A replay of inflows is asked for in spans that every node takes.
constexpr std::uint64_t rescan_span = 2'000;

std::string raw_text(const std::string& raw) {
    return to_hex(BytesView(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()));
}

// The nodes' words for "I have it": whoever sends the same bytes again hears them.
bool is_known_there(const RpcError& error) {
    for (const char* word : {"already known", "already imported", "known transaction",
                             "nonce too low", "already exists"}) {
        if (error.message.find(word) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

struct ChainShard::State {
    explicit State(ChainShardOptions given)
        : options(std::move(given)),
          client(io, options.rpc),
          signer(options.make_signer(io)),
          chain(client),
          reader(chain, terms_of(options, Address{signer->key()})),
          timer(io) {}

    static ReaderTerms terms_of(const ChainShardOptions& options, const Address& key) {
        auto terms = options.terms;
        terms.key = key;
        const auto wei = Uint256{options.gas_limit} * options.fees_max.fee_wei;
        // A part of a unit may make a whole one less.
        terms.gas_max = saturated(native_units(wei, terms.gas_scale) + 1);
        return terms;
    }

    template <class Work>
    void run(Work job) {
        asio::co_spawn(io, std::move(job), [](const std::exception_ptr& failure) {
            // Nothing here throws but what cannot be helped.
            if (failure) std::rethrow_exception(failure);
        });
    }

    [[nodiscard]] Awaited<void> live();
    void wake();
    void hear(const boost::json::object& head);
    [[nodiscard]] std::chrono::microseconds pause();
    void begin(const std::vector<Watched>& sent, std::function<void(HeadNews)> listens,
               std::function<void(ChainFault)> hears_faults);
    [[nodiscard]] Awaited<void> round();
    [[nodiscard]] Awaited<void> look_at_vault(const Watcher& looking);
    [[nodiscard]] Awaited<std::optional<ChainIdentity>> identify();
    [[nodiscard]] Awaited<void> rescan(std::uint64_t from);
    [[nodiscard]] ChainFault fault_of(const ChainIdentity& found, const Bytes& code) const;
    [[nodiscard]] ChainFault fault_of(const std::vector<Uint256>& units) const;
    void tell_once(const ChainFault& fault);
    [[nodiscard]] Awaited<std::optional<std::vector<Uint256>>> units_at(Hash block);
    void fault(Halt reason, std::string says);
    [[nodiscard]] bool is_reachable() const {
        return reached_at && Clock::now() - *reached_at < reachable_for;
    }

    ChainShardOptions options;
    asio::io_context io{1};
    RpcClient client;
    std::unique_ptr<Signer> signer;
    Chain chain;
    Reader reader;
    asio::steady_timer timer;
    std::shared_ptr<Watcher> watcher;  // Who is replaced while it looks is not heard any more.
    bool is_woken{};
    std::uint64_t hinted{};  // The highest block that was told unasked.
    int looks_after_hint{};
    std::function<void(HeadNews)> on_head;
    std::function<void(ChainFault)> on_fault;
    std::function<void(ledger::ShardNotice)> listener;
    std::string told_fault;  // What identify() found last; empty: nothing.
    bool is_paused{};
    Hash looked_at;  // The head at which the vault said so.
    std::optional<Clock::time_point> looked;
    std::optional<Clock::time_point> reached_at;
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    std::thread thread;
};

Awaited<void> ChainShard::State::live() {
    for (;;) {
        is_woken = false;
        if (watcher) co_await round();
        timer.expires_after(pause());
        boost::system::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

void ChainShard::State::wake() {
    is_woken = true;
    timer.cancel();
}

// A hint is worth a look at once.
void ChainShard::State::hear(const boost::json::object& head) {
    const auto* number = head.if_contains("number");
    const auto height = number != nullptr && number->is_string()
                            ? parse_quantity64(number->get_string())
                            : std::optional<std::uint64_t>{};
    if (height && *height > hinted) {
        hinted = *height;
        looks_after_hint = 0;
    }
    wake();
}

// Until the next look. A head that was told meanwhile is looked at right away, and one that most
// endpoints do not have yet is soon looked for again, a few times: whoever tells it may lie.
std::chrono::microseconds ChainShard::State::pause() {
    const std::chrono::microseconds poll(options.poll_every.us);
    if (is_woken) return {};
    const bool is_behind = watcher && watcher->head() && watcher->head()->number < hinted;
    if (!is_behind) return poll;
    if (looks_after_hint == looks_after_hint_max) {
        hinted = watcher->head()->number;
        return poll;
    }
    return std::min(poll, std::chrono::microseconds(look_again_after * (1 << looks_after_hint++)));
}

void ChainShard::State::begin(const std::vector<Watched>& sent,
                              std::function<void(HeadNews)> listens,
                              std::function<void(ChainFault)> hears_faults) {
    watcher = std::make_shared<Watcher>(
        chain, reader, options.finality,
        FeeRule{
            .max = options.fees_max, .tip_min = options.tip_min, .cancel_gas = options.cancel_gas});
    for (const auto& transaction : sent) watcher->watch(transaction);
    on_head = std::move(listens);
    on_fault = std::move(hears_faults);
    wake();
}

Awaited<void> ChainShard::State::round() {
    const auto looking = watcher;
    auto seen = co_await looking->look();
    if (watcher != looking) co_return;
    for (auto& notice : seen.inflows) {
        if (listener) listener(std::move(notice));
    }
    if (!seen.fault) reached_at = Clock::now();
    if (seen.fault == StepFault::final_block_replaced) {
        watcher.reset();
        co_return fault(Halt::final_block_replaced,
                        "a block that was final is not in the chain any more");
    }
    if (seen.news && on_head) on_head(*std::move(seen.news));
    co_await look_at_vault(*looking);
}

// Whether it is paused is shown and decides nothing: heads that come quickly do not wait for it.
Awaited<void> ChainShard::State::look_at_vault(const Watcher& looking) {
    const auto now = Clock::now();
    if (!looking.head() || looking.head()->hash == looked_at) co_return;
    if (looked && now - *looked < look_every) co_return;
    looked = now;
    const auto head = looking.head()->hash;
    auto question = AbiWriter{}.call(selector_of("paused()"));
    const auto paused = co_await chain.read(options.terms.vault.vault, std::move(question), head);
    if (!paused || paused->size() != 32) co_return;
    is_paused = from_bytes(*paused) != 0;
    looked_at = head;
}

void ChainShard::State::fault(Halt reason, std::string says) {
    const ChainFault told{.reason = reason, .says = std::move(says)};
    if (options.on_fault) options.on_fault(told);
    if (on_fault) on_fault(told);
}

// What the vault takes for one unit of each token.
Awaited<std::optional<std::vector<Uint256>>> ChainShard::State::units_at(Hash block) {
    std::vector<Uint256> units;
    for (const auto& token : options.terms.vault.tokens) {
        auto question = AbiWriter{}.add(token.contract).call(selector_of("unit(address)"));
        const auto unit =
            co_await chain.read(options.terms.vault.vault, std::move(question), block);
        if (!unit) co_return std::nullopt;
        units.push_back(unit->size() == 32 ? from_bytes(*unit) : Uint256{0});
    }
    co_return units;
}

// Nothing said: it is the one that is configured.
ChainFault ChainShard::State::fault_of(const ChainIdentity& found, const Bytes& code) const {
    ChainFault fault{.reason = Halt::other_chain, .says = {}};
    if (found.chain_id != options.chain_id) {
        fault.says = fmt::format("expected chain {}, found {}", options.chain_id, found.chain_id);
    } else if (Hash{found.genesis} != options.genesis) {
        fault.says = fmt::format("expected a first block {}, found {}", to_hex(options.genesis),
                                 to_hex(Hash{found.genesis}));
    } else if (code.empty()) {
        fault.reason = Halt::contract_changed;
        fault.says = fmt::format("there is no contract at the vault's address {}",
                                 to_hex(options.terms.vault.vault));
    } else if (options.vault_code && keccak256(code) != *options.vault_code) {
        fault.reason = Halt::contract_changed;
        fault.says = fmt::format("the vault's code is not the one expected: its hash is {}",
                                 to_hex(keccak256(code)));
    }
    return fault;
}

ChainFault ChainShard::State::fault_of(const std::vector<Uint256>& units) const {
    ChainFault fault{.reason = Halt::contract_changed, .says = {}};
    const auto& tokens = options.terms.vault.tokens;
    for (std::size_t i = 0; fault.says.empty() && i < units.size(); ++i) {
        const auto expected = unit_of(tokens[i], options.terms.listing);
        if (expected && units[i] == *expected) continue;
        fault.says = fmt::format(
            "expected {} raw units of {} in one of the ledger, found {}: `decimals` in the site "
            "file, or `scale` of the asset, is not the vault's",
            expected ? expected->str() : "some", to_hex(tokens[i].contract),
            units[i] == 0 ? "that the vault does not list it" : units[i].str());
    }
    return fault;
}

// It is asked again each second, and says the same.
void ChainShard::State::tell_once(const ChainFault& fault) {
    const bool is_news = fault.says != told_fault;
    told_fault = fault.says;
    if (is_news && !fault.says.empty() && options.on_fault) options.on_fault(fault);
}

Awaited<std::optional<ChainIdentity>> ChainShard::State::identify() {
    ChainIdentity found{.key = signer->key()};
    const auto id = co_await chain.chain_id();
    const auto genesis = co_await chain.agreed_block(0);
    Follower now(chain, options.finality);
    const auto step = co_await now.advance();
    if (!id || !genesis || !step) co_return std::nullopt;
    found.chain_id = *id;
    found.genesis = genesis->header.hash.bytes;
    const auto block = now.final_block().hash;
    const auto code = co_await chain.code(options.terms.vault.vault, block);
    const auto final_nonce = co_await chain.nonce(Address{found.key}, block);
    const auto pending = co_await chain.pending_nonce(Address{found.key});
    if (!code || !final_nonce || !pending) co_return std::nullopt;
    found.final_nonce = *final_nonce;
    found.pending_nonce = *pending;
    auto fault = fault_of(found, *code);
    // What is no vault has no units.
    if (fault.says.empty()) {
        const auto units = co_await units_at(block);
        if (!units) co_return std::nullopt;
        fault = fault_of(*units);
    }
    tell_once(fault);
    if (!fault.says.empty()) co_return std::nullopt;
    co_return found;
}

Awaited<void> ChainShard::State::rescan(std::uint64_t from) {
    if (!watcher || !watcher->final_block()) co_return;
    const auto last = watcher->final_block()->number;
    for (auto& notice : watcher->inflows()) {
        if (listener) listener(std::move(notice));
    }
    const auto& vault = reader.terms().vault;
    const auto filter = inflow_filter(vault);
    auto span = rescan_span;
    for (auto first = from; first <= last;) {
        const auto until = std::min(last, first + span - 1);
        const auto logs = co_await chain.logs_between(first, until, filter);
        if (!logs) {
            // There may be more in it than a node tells at once. Else whoever asked asks again.
            if (span == 1 || !is_reachable()) co_return;
            span /= 2;
            continue;
        }
        first = until + 1;
        for (auto& inflow : reader.inflows_in(*logs)) {
            if (listener) listener(with_finality(std::move(inflow), ledger::Finality::final));
        }
    }
    if (!listener || from > last) co_return;
    listener(ledger::RescanNotice{.shard = vault.shard, .from_block = from, .block = last});
}

ChainShard::ChainShard(ChainShardOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
    State& state = *state_;
    (void)state.client.follow_heads([&state](const auto& head) { state.hear(head); });
    state.run(state.live());
    state.thread = std::thread([&state] {
        base::name_this_thread("chain");
        state.io.run();
    });
}

ChainShard::~ChainShard() {
    state_->io.stop();
    state_->thread.join();
}

void ChainShard::submit(const ledger::ShardOrder&, std::function<void(SubmitAnswer)>) {}
void ChainShard::ask(const base::OrderRef&,
                     std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)>) {}

void ChainShard::balances(std::function<void(std::variant<Balances, NoAnswer>)> done) {
    asio::post(state_->io, [&state = *state_, done = std::move(done)]() mutable {
        if (!state.watcher || !state.watcher->final_block()) return done(NoAnswer{});
        state.run([](State& of, Header at, auto then) -> Awaited<void> {
            auto held = co_await of.reader.balances(at);
            if (held) {
                then(*std::move(held));
            } else {
                then(NoAnswer{});
            }
        }(state, *state.watcher->final_block(), std::move(done)));
    });
}

void ChainShard::rescan(std::uint64_t from_block) {
    asio::post(state_->io, [&state = *state_, from_block] { state.run(state.rescan(from_block)); });
}

void ChainShard::health(std::function<void(Health)> done) {
    asio::post(state_->io, [&state = *state_, done = std::move(done)] {
        Health health;
        health.is_paused = state.is_paused;
        health.is_reachable = state.is_reachable();
        if (state.watcher && state.watcher->head()) {
            const auto& head = *state.watcher->head();
            health.head_block = head.number;
            health.head_at = time_of(head);
            health.final_block = state.watcher->final_block()->number;
        }
        done(health);
    });
}

void ChainShard::listen(std::function<void(ledger::ShardNotice)> listener) {
    asio::post(state_->io, [&state = *state_, listener = std::move(listener)]() mutable {
        state.listener = std::move(listener);
    });
}

bool ChainShard::is_destination(std::string_view text) const {
    return parse_checksummed(text).has_value();
}

void ChainShard::identify(std::function<void(base::Result<ChainIdentity, NoAnswer>)> done) {
    asio::post(state_->io, [&state = *state_, done = std::move(done)]() mutable {
        state.run([](State& of, auto then) -> Awaited<void> {
            const auto found = co_await of.identify();
            if (found) {
                then(*found);
            } else {
                then(base::Failure{NoAnswer{}});
            }
        }(state, std::move(done)));
    });
}

base::Result<PreparedCall, ledger::ShardRefusal> ChainShard::prepare(
    const ledger::ShardOrder& order) {
    const auto& terms = state_->reader.terms();
    const auto call =
        call_of(terms.vault, terms.listing, intent_of(terms.cluster, order.ref), order);
    if (!call) return base::Failure{call.error()};
    return PreparedCall{.to = terms.vault.vault.bytes,
                        .data = std::string(call->begin(), call->end()),
                        .gas_limit = state_->options.gas_limit};
}

void ChainShard::sign(const ledger::signing::Sign& asked, std::function<void(SignResult)> done) {
    asio::post(state_->io, [&state = *state_, asked, done = std::move(done)]() mutable {
        state.signer->sign(asked, std::move(done));
    });
}

void ChainShard::send(const ledger::signing::Broadcast& sent,
                      std::function<void(std::string)> on_refused) {
    asio::post(state_->io, [&state = *state_, raw = raw_text(sent.raw),
                            on_refused = std::move(on_refused)]() mutable {
        state.run([](State& of, std::string text, auto then) -> Awaited<void> {
            const auto said = co_await of.chain.send(std::move(text));
            if (said || said.error().fault != RpcFault::refused) co_return;
            if (!is_known_there(said.error())) then(said.error().message);
        }(state, std::move(raw), std::move(on_refused)));
    });
}

void ChainShard::watch(const Watched& transaction) {
    asio::post(state_->io, [&state = *state_, transaction] {
        if (state.watcher) state.watcher->watch(transaction);
    });
}

void ChainShard::forget_below(std::uint64_t nonce) {
    asio::post(state_->io, [&state = *state_, nonce] {
        if (state.watcher) state.watcher->forget_below(nonce);
    });
}

void ChainShard::follow(const std::vector<Watched>& sent, std::function<void(HeadNews)> listener,
                        std::function<void(ChainFault)> on_fault) {
    asio::post(state_->io, [&state = *state_, sent, listener = std::move(listener),
                            on_fault = std::move(on_fault)]() mutable {
        state.begin(sent, std::move(listener), std::move(on_fault));
    });
}

void ChainShard::recount(const ledger::signing::Hash& hash, base::Amount gas,
                         std::function<void(base::Result<Found, NoAnswer>)> done) {
    asio::post(state_->io, [&state = *state_, hash, gas, done = std::move(done)]() mutable {
        state.run([](State& of, Hash transaction, base::Amount cost, auto then) -> Awaited<void> {
            auto found = co_await of.reader.recount(transaction, cost);
            if (found) {
                then(*std::move(found));
            } else {
                then(base::Failure{NoAnswer{}});
            }
        }(state, Hash{hash}, gas, std::move(done)));
    });
}

std::optional<ledger::OrderNotice> ChainShard::notice_of(const ledger::ShardOrder& order,
                                                         const Ended& ended) const {
    const auto& terms = state_->reader.terms();
    if (ended.intent != intent_of(terms.cluster, order.ref)) return std::nullopt;
    return evm::notice_of(terms.vault, terms.listing, order, ended);
}

void ChainShard::look_up(const ledger::ShardOrder& order,
                         std::function<void(base::Result<Record, NoAnswer>)> done) {
    asio::post(state_->io, [&state = *state_, order, done = std::move(done)]() mutable {
        if (!state.watcher || !state.watcher->final_block()) {
            return done(base::Failure{NoAnswer{}});
        }
        state.run(
            [](State& of, ledger::ShardOrder wanted, Header until, auto then) -> Awaited<void> {
                auto record = co_await of.reader.look_up(std::move(wanted), until);
                if (record) {
                    then(*std::move(record));
                } else {
                    then(base::Failure{NoAnswer{}});
                }
            }(state, order, *state.watcher->final_block(), std::move(done)));
    });
}

}  // namespace crossclear::shards::evm
