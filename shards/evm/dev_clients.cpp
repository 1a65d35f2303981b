#include "shards/evm/dev_clients.hpp"

#include "shards/evm/abi.hpp"
#include "shards/evm/test_token.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using base::Failure;
using ledger::ShardRefusal;

DepositEnd refused(ShardRefusal why) {
    return Failure{simulated::DepositFault{Refused{.why = why}}};
}
DepositEnd no_answer() { return Failure{simulated::DepositFault{NoAnswer{}}}; }

// What a node says no to never happens; of anything else nobody knows.
DepositEnd end_of(const RpcError& error, ShardRefusal why) {
    return error.fault == RpcFault::refused ? refused(why) : no_answer();
}

}  // namespace

DevClients::DevClients(const ChainSite& site, base::Duration receipt_patience, DevLog log)
    : site_(site), receipt_patience_(receipt_patience), log_(std::move(log)) {}

DevClients::~DevClients() {
    for (auto& job : jobs_) job.wish.done(no_answer());
}

void DevClients::add(DepositWish wish) {
    if (site_.clients.empty()) return wish.done(refused(ShardRefusal::insufficient_balance));
    // An account stays with one client, whoever that is.
    const auto& client = site_.clients[wish.account % site_.clients.size()];
    jobs_.push_back(
        {.wish = std::move(wish), .client = client, .preparing = {}, .sent = {}, .sent_at = {}});
}

void DevClients::work(DevNode& node) {
    for (auto job = jobs_.begin(); job != jobs_.end();) {
        const auto end = work_on(node, *job);
        if (end) job->wish.done(*end);
        job = end ? jobs_.erase(job) : std::next(job);
    }
}

std::optional<DepositEnd> DevClients::work_on(DevNode& node, Job& job) {
    if (job.sent) return await_block(node, job);
    if (base::wall_clock_now() >= job.wish.until) return no_answer();
    if (job.preparing) {
        const auto fate = node.fate_of(*job.preparing);
        if (fate == Fate::waiting) return std::nullopt;
        job.preparing.reset();
        if (fate == Fate::reverted) return refused(ShardRefusal::insufficient_balance);
    }
    const auto& token = *site_.token(job.wish.symbol);
    const auto call = acquire(node, job.client, token, job.wish.amount);
    if (!call) return end_of(call.error(), ShardRefusal::insufficient_balance);
    if (!*call) return deposit(node, job);
    const auto sent = node.send(**call);
    if (!sent) return end_of(sent.error(), ShardRefusal::insufficient_balance);
    job.preparing = *sent;
    return std::nullopt;
}

std::optional<DepositEnd> DevClients::await_block(DevNode& node, const Job& job) const {
    const auto fate = node.fate_of(*job.sent);
    if (fate == Fate::reverted) return refused(ShardRefusal::reverted);
    const bool is_enough = base::wall_clock_now() - job.sent_at >= receipt_patience_;
    if (fate == Fate::succeeded || is_enough) return DepositEnd{};
    return std::nullopt;
}

std::optional<DepositEnd> DevClients::deposit(DevNode& node, Job& job) {
    const auto& wish = job.wish;
    const auto& token = *site_.token(wish.symbol);
    const std::tuple approved{job.client, wish.symbol, wish.vault};
    if (!approved_.contains(approved)) {
        // No block is waited for: of one sender, transactions keep their order.
        const auto sent = node.send(approval(job.client, token.contract, wish.vault));
        if (!sent) return end_of(sent.error(), ShardRefusal::reverted);
        approved_.insert(approved);
    }
    const DevCall call{.from = job.client,
                       .to = wish.vault,
                       .data = AbiWriter{}
                                   .add(Uint256{wish.account})
                                   .add(token.contract)
                                   .add(wish.amount)
                                   .call(selector_of("deposit(uint64,address,uint256)"))};
    if (const auto tried = node.try_out(call); !tried) {
        // What was allowed may be gone with a block that is no more.
        approved_.erase(approved);
        log_("A deposit is refused.",
             fmt::format("{}: {} {}", site_.shard, tried.error().message, tried.error().data));
        return end_of(tried.error(), ShardRefusal::reverted);
    }
    const auto sent = node.send(call);
    if (!sent) return end_of(sent.error(), ShardRefusal::reverted);
    job.sent = *sent;
    job.sent_at = base::wall_clock_now();
    return std::nullopt;
}

DevClients::NextCall DevClients::acquire(DevNode& node, const Address& client,
                                         const SiteToken& token, const Uint256& amount) const {
    const auto has = node.number(token.contract, balance_of(client), "pending");
    if (!has) return Failure{has.error()};
    if (*has >= amount) return std::optional<DevCall>{};
    // What venues issue is got from them; everything else is the admin's to make.
    const auto issuer =
        std::find_if(site_.venues.begin(), site_.venues.end(), [&](const SiteVenue& venue) {
            const bool is_issuing =
                venue.kind == VenueKind::lending_pool || venue.kind == VenueKind::binary_market;
            const auto& bases = venue.bases;
            return is_issuing && std::find(bases.begin(), bases.end(), token.symbol) != bases.end();
        });
    if (issuer != site_.venues.end()) return acquire_at(node, *issuer, client, token, amount);
    return std::optional{minting(site_.roles.admin, token.contract, client, amount)};
}

DevClients::NextCall DevClients::acquire_at(DevNode& node, const SiteVenue& venue,
                                            const Address& client, const SiteToken& token,
                                            const Uint256& amount) const {
    const auto& paid = *site_.token(venue.quote);
    const bool is_lent = venue.kind == VenueKind::lending_pool;
    Uint256 cost = amount;
    if (is_lent) {
        constexpr std::uint64_t ray_root = 1'000'000'000;
        const Uint256 ray = Uint256{ray_root} * ray_root * ray_root;
        const auto index =
            node.number(venue.contract, AbiWriter{}.call(selector_of("index()")), "pending");
        if (!index) return Failure{index.error()};
        // A hundredth more: the index grows.
        cost = amount * *index / ray * 101 / 100 + 1;
    }
    auto first = acquire(node, client, paid, cost);
    if (!first || *first) return first;
    const auto may = node.number(paid.contract, allowance_of(client, venue.contract), "pending");
    if (!may) return Failure{may.error()};
    if (*may < cost) return std::optional{approval(client, paid.contract, venue.contract)};
    if (is_lent) {
        return std::optional{
            trade_at_any_price(client, venue.contract, token.contract, true, amount)};
    }
    return std::optional{
        DevCall{.from = client,
                .to = venue.contract,
                .data = AbiWriter{}.add(amount).call(selector_of("split(uint256)"))}};
}

}  // namespace crossclear::shards::evm
