#include "bench/lane_meter.hpp"

#include "base/thread_name.hpp"
#include "shards/evm/words.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <utility>

namespace crossclear::bench {

namespace evm = shards::evm;

MeteredShard::MeteredShard(std::unique_ptr<shards::Shard> behind)
    : behind_(std::move(behind)), desk_(behind_->desk()) {
    CHECK(desk_ != nullptr, "whose lane is timed has a desk");
}

std::map<MeteredShard::Hash, base::Timestamp> MeteredShard::sent() const {
    const std::scoped_lock lock(sent_->mutex);
    return sent_->at;
}

void MeteredShard::forget() {
    const std::scoped_lock lock(sent_->mutex);
    sent_->at.clear();
    sent_->is_over = true;
}

void MeteredShard::submit(const ledger::ShardOrder& order,
                          std::function<void(shards::SubmitAnswer)> done) {
    behind_->submit(order, std::move(done));
}
void MeteredShard::ask(
    const base::OrderRef& ref,
    std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) {
    behind_->ask(ref, std::move(done));
}
void MeteredShard::balances(
    std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) {
    behind_->balances(std::move(done));
}
void MeteredShard::rescan(std::uint64_t from_block) { behind_->rescan(from_block); }
void MeteredShard::health(std::function<void(shards::Health)> done) {
    behind_->health(std::move(done));
}
void MeteredShard::listen(std::function<void(ledger::ShardNotice)> listener) {
    behind_->listen(std::move(listener));
}

void MeteredShard::identify(
    std::function<void(base::Result<evm::ChainIdentity, shards::NoAnswer>)> done) {
    desk_->identify(std::move(done));
}
base::Result<evm::PreparedCall, ledger::ShardRefusal> MeteredShard::prepare(
    const ledger::ShardOrder& order) {
    return desk_->prepare(order);
}

void MeteredShard::sign(const ledger::signing::Sign& asked,
                        std::function<void(evm::SignResult)> done) {
    // Only the lane's own thread signs.
    next_nonce_ = std::max<std::uint64_t>(next_nonce_, asked.nonce + 1);
    desk_->sign(asked, std::move(done));
}

// The shard does on one thread, in turn, what it is asked for. What it is asked for after the
// second of these has begun is done after the bytes have left.
void MeteredShard::send(const ledger::signing::Broadcast& sent,
                        std::function<void(std::string)> on_refused) {
    desk_->send(sent, std::move(on_refused));
    behind_->health([this, times = sent_, hash = sent.hash](const shards::Health&) {
        behind_->health([times, hash](const shards::Health&) {
            const std::scoped_lock lock(times->mutex);
            if (!times->is_over) times->at.emplace(hash, base::wall_clock_now());
        });
    });
}

void MeteredShard::watch(const evm::Watched& transaction) { desk_->watch(transaction); }
void MeteredShard::forget_below(std::uint64_t nonce) { desk_->forget_below(nonce); }

void MeteredShard::follow(const std::vector<evm::Watched>& sent,
                          std::function<void(evm::HeadNews)> listener,
                          std::function<void(evm::ChainFault)> on_fault) {
    desk_->follow(
        sent,
        [this, listener = std::move(listener)](const evm::HeadNews& news) {
            listener(news);
            next_nonce_ = std::max<std::uint64_t>(next_nonce_, news.final_nonce);
            if (final_nonce_.exchange(news.final_nonce) == news.final_nonce) return;
            if (on_final) on_final();
        },
        std::move(on_fault));
}

void MeteredShard::recount(const Hash& hash, base::Amount gas,
                           std::function<void(base::Result<evm::Found, shards::NoAnswer>)> done) {
    desk_->recount(hash, gas, std::move(done));
}
std::optional<ledger::OrderNotice> MeteredShard::notice_of(const ledger::ShardOrder& order,
                                                           const evm::Ended& ended) const {
    return desk_->notice_of(order, ended);
}
void MeteredShard::look_up(const ledger::ShardOrder& order,
                           std::function<void(base::Result<evm::Record, shards::NoAnswer>)> done) {
    desk_->look_up(order, std::move(done));
}

BlockWatch::BlockWatch(const evm::ChainSite& site) {
    const auto endpoint = evm::parse_endpoint(site.websocket);
    CHECK(endpoint.has_value(), "a site that was deployed to has a WebSocket");
    evm::RpcOptions options;
    options.endpoints = {*endpoint};
    client_.emplace(io_, std::move(options));
    const bool is_followed =
        client_->follow_heads([this](const boost::json::object& head) { note(head); });
    CHECK(is_followed, "a WebSocket tells of heads");
    thread_ = std::thread([this] {
        base::name_this_thread("block-watch");
        const auto work = boost::asio::make_work_guard(io_);
        io_.run();
    });
}

BlockWatch::~BlockWatch() {
    io_.stop();
    thread_.join();
}

void BlockWatch::note(const boost::json::object& head) {
    const auto now = base::wall_clock_now();
    const auto text = [&](const char* name) -> std::string_view {
        const auto* field = head.if_contains(name);
        return field != nullptr && field->is_string() ? field->get_string() : std::string_view{};
    };
    const auto hash = evm::parse_fixed<evm::Hash>(text("hash"));
    const auto number = evm::parse_quantity64(text("number"));
    if (!hash || !number) return;
    const std::scoped_lock lock(mutex_);
    if (is_over_) return;
    seen_.by_hash.emplace(*hash, now);
    seen_.by_number.emplace(*number, now);
}

BlockWatch::Seen BlockWatch::seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

void BlockWatch::forget() {
    const std::scoped_lock lock(mutex_);
    seen_ = {};
    is_over_ = true;
}

}  // namespace crossclear::bench
