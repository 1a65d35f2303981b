#include "api/methods.hpp"

#include <array>
#include <unordered_map>

namespace crossclear::api {
namespace {

constexpr bool is_public = false;
constexpr bool needs_login = true;

using enum MethodClass;

constexpr std::array methods{
    Method{"public/hello", general, is_public, hello, nullptr},
    Method{"public/ping", general, is_public, ping, nullptr},
    Method{"public/get_time", general, is_public, get_time, nullptr},
    Method{"public/set_heartbeat", general, is_public, set_heartbeat, nullptr},
    Method{"public/auth", login, is_public, auth, nullptr},
    Method{"public/get_instruments", query, is_public, get_instruments, nullptr},
    Method{"public/get_shards", query, is_public, get_shards, nullptr},
    Method{"public/get_brokers", query, is_public, get_brokers, nullptr},
    Method{"public/subscribe", query, is_public, subscribe_public, nullptr},
    Method{"public/unsubscribe", query, is_public, unsubscribe, nullptr},
    Method{"private/submit_trade", trade, needs_login, submit_trade, write_trade_cleared},
    Method{"private/preview_trade", query, needs_login, preview_trade, write_trade_preview},
    Method{"private/get_account", query, needs_login, get_account, write_account},
    Method{"private/get_positions", query, needs_login, get_positions, write_positions},
    Method{"private/get_margin", query, needs_login, get_margin, write_margin},
    Method{"private/get_trade", query, needs_login, get_trade, write_trade},
    Method{"private/get_trades", query, needs_login, get_trades, write_trades},
    Method{"private/get_settlement", query, needs_login, get_trade, write_settlement},
    Method{"private/get_settlements", query, needs_login, get_settlements, write_settlements},
    Method{"private/withdraw", trade, needs_login, withdraw, write_withdrawal_taken},
    Method{"private/cancel_withdrawal", trade, needs_login, cancel_withdrawal,
           write_withdrawal_cancelled},
    Method{"private/get_withdrawals", query, needs_login, get_withdrawals, write_withdrawals},
    Method{"private/transfer", trade, needs_login, transfer, write_transfer_taken},
    Method{"private/get_transfers", query, needs_login, get_transfers, write_transfers},
    Method{"private/subscribe", query, needs_login, subscribe, nullptr},
    Method{"private/unsubscribe", query, needs_login, unsubscribe, nullptr},
    Method{"private/logout", general, needs_login, logout, nullptr},
    Method{"venue/submit_matched_trade", trade, needs_login, submit_matched_trade,
           write_matched_trade_cleared},
    Method{"oracle/publish_marks", feed, needs_login, publish_marks, write_marks_taken},
    Method{"operator/get_breaks", query, needs_login, get_breaks, write_lanes},
    Method{"operator/reconcile", query, needs_login, reconcile, write_lanes},
    Method{"operator/resolve_break", trade, needs_login, resolve_break, write_break_settled},
    Method{"operator/pause_shard", trade, needs_login, pause_shard, write_shard_pause_set},
    Method{"operator/resume_shard", trade, needs_login, resume_shard, write_shard_pause_set},
    Method{"operator/resume_lane", trade, needs_login, resume_lane, write_lane_resumed},
    Method{"operator/get_partitions", query, needs_login, get_partitions, write_partitions},
    Method{"operator/get_nodes", query, needs_login, get_nodes, write_nodes},
    Method{"operator/get_houses", query, needs_login, get_houses, write_houses},
    Method{"operator/get_expiries", query, needs_login, get_expiries, write_expiries},
    Method{"operator/propose_price", trade, needs_login, propose_price, write_expiries},
    Method{"operator/dispute_price", trade, needs_login, dispute_price, write_expiries},
};

}  // namespace

std::span<const Method> method_table() noexcept { return methods; }

std::optional<std::size_t> find_method(std::string_view name) {
    static const auto by_name = [] {
        std::unordered_map<std::string_view, std::size_t> index;
        for (std::size_t i = 0; i < methods.size(); ++i) index.emplace(methods[i].name, i);
        return index;
    }();
    const auto found = by_name.find(name);
    if (found == by_name.end()) return std::nullopt;
    return found->second;
}

}  // namespace crossclear::api
