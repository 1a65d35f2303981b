#include "ledger/belief.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/netting/reserved.hpp"

#include <algorithm>
#include <limits>
#include <map>

/// Margin at venues.
///
/// The problem: a venue takes its losses out of what is posted there and closes what that cannot
/// bear, so margin must arrive before it runs out, and what lies there covers nobody. The idea: a
/// share of the position's value, and what the venue has yet to take, is kept there, give or take a
/// slack, so that tokens do not go back and forth. The subtle thing: the receipts of margin and the
/// venue's settlements come on different roads. A loss may be told before the margin it was taken
/// from; it waits for that, or for the gains told after it, so that POSTED is never negative in any
/// record of the journal.

namespace crossclear::ledger::netting {
namespace {

using base::Amount;
using base::AssetId;
using base::Failure;
using base::Rounding;

Amount posted_at(const State& state, VenueAsset of) {
    const auto found = state.posted.find(of);
    return found == state.posted.end() ? Amount{} : found->second;
}

bool has_open_margin_move(const State& state, VenueAsset of) {
    return std::any_of(state.moves.begin(), state.moves.end(), [&](const auto& open) {
        const MoveOpened& move = open.second;
        return move.purpose != instruction::Purpose::move && move.from == of.venue &&
               move.asset == of.asset;
    });
}

// How long a venue that refused is left alone: twice as long each time, up to a minute, so that one
// that is down is not asked at every look and one that is up again is not kept waiting.
constexpr base::Duration wait_first = base::seconds(1);
constexpr base::Duration wait_max = base::seconds(60);

bool is_to_be_left_alone(const State& state, VenueAsset of, base::Timestamp now) {
    const auto found = state.refusals.find(of);
    if (found == state.refusals.end()) return false;
    base::Duration wait = wait_first;
    for (std::uint32_t i = 1; i < found->second.count && wait < wait_max; ++i) wait = wait * 2;
    return now - found->second.last < std::min(wait, wait_max);
}

// Of what a task had reserved, what it needs at most for what it has not filled.
Amount rest_of(const HedgeOpened& task, Amount filled) {
    const Amount whole = base::magnitude(task.quantity);
    const Amount done = std::min(base::magnitude(filled), whole);
    const auto taken = base::multiply_divide(task.reserved.v, done.v, whole.v, Rounding::down);
    return taken ? base::must_subtract(task.reserved, Amount{*taken}) : task.reserved;
}

// What may leave the backing: neither promised to clients, nor reserved, nor kept for gas.
base::Result<Amount, Reject> uncommitted_of(const State& state, const CoverLine& line) {
    const auto promises = promised(state, line);
    if (!promises) return Failure{promises.error()};
    const auto left = base::subtract(line.backing, *promises);
    const auto kept = left ? base::subtract(*left, line.reserve) : left;
    if (!kept) return Failure{Reject::figures_out_of_range};
    return *kept;
}

// A venue pays, or takes, and closes a position only with a loss, or at the contract's end.
bool is_credible(const RecordVariations::Line& line) {
    const auto& notice = line.notice;
    if (!ledger::is_credible(notice.change) || !ledger::is_credible(notice.closed)) return false;
    return notice.closed.v == 0 || notice.change.v <= 0 || line.has_expired;
}

struct Wanted {
    Amount low;
    Amount amount;
    Amount high;
};

base::Math<Wanted> wanted_of(const KeepMargins::Line& line) {
    const auto share = base::portion(line.value, line.policy.share, Rounding::up);
    if (!share) return Failure{share.error()};
    const auto amount = base::add(std::max(line.policy.floor, *share), line.due);
    if (!amount) return Failure{amount.error()};
    const auto slack = base::portion(*amount, line.policy.slack, Rounding::up);
    if (!slack) return Failure{slack.error()};
    const auto high = base::add(*amount, *slack);
    if (!high) return Failure{high.error()};
    return Wanted{base::must_subtract(*amount, *slack), *amount, *high};
}

}  // namespace

Decision decide(const State& state, const RecordVariations& command) {
    const auto last = state.variations.find(command.shard);
    const std::uint64_t known = last == state.variations.end() ? 0 : last->second;
    std::map<AssetId, Amount> posted;
    std::vector<Event> events;
    std::size_t bearable = 0;
    bool has_gap = false;
    bool is_incredible = false;
    for (const auto& line : command.lines) {
        const auto& notice = line.notice;
        const std::uint64_t next = known + events.size() + 1;
        if (notice.number < next) continue;
        has_gap = notice.number > next;
        if (has_gap) break;
        if (!is_credible(line)) {
            // What came before it stands.
            is_incredible = true;
            break;
        }
        const VenueAsset of{command.shard, line.settlement};
        auto& amount = posted.try_emplace(of.asset, posted_at(state, of)).first->second;
        const auto after = base::add(amount, notice.change);
        if (!after || (notice.change.v > 0 && *after > figure_max)) {
            is_incredible = true;
            break;
        }
        amount = *after;
        events.emplace_back(VenueVariation{.shard = command.shard,
                                           .number = notice.number,
                                           .contract = line.contract,
                                           .settlement = line.settlement,
                                           .change = notice.change,
                                           .block = notice.block,
                                           .at = command.at,
                                           .closed = notice.closed});
        const bool is_borne = std::all_of(posted.begin(), posted.end(), [](const auto& entry) {
            return entry.second >= Amount{0};
        });
        if (is_borne) bearable = events.size();
    }
    if (bearable == 0 && is_incredible) return Failure{Reject::figures_incredible};
    if (bearable == 0 && !events.empty()) return Failure{Reject::variation_ahead_of_margin};
    if (bearable == 0 && has_gap) return Failure{Reject::variation_out_of_order};
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(bearable), events.end());
    return events;
}

Decision decide(const State& state, const KeepMargins& command) {
    std::vector<Event> events;
    std::map<AssetId, Amount> uncommitted;
    for (const auto& line : command.cover) {
        const auto left = uncommitted_of(state, line);
        if (!left) return Failure{left.error()};
        uncommitted[line.asset] = *left;
    }
    for (const auto& line : command.lines) {
        const VenueAsset of{line.policy.venue, line.policy.asset};
        if (has_open_margin_move(state, of)) continue;
        if (is_to_be_left_alone(state, of, command.now)) continue;
        const auto wanted = wanted_of(line);
        if (!wanted) return Failure{Reject::figures_out_of_range};
        const Amount posted = posted_at(state, of);
        const bool is_short = posted < wanted->low;
        if (!is_short && posted <= wanted->high) continue;
        Amount amount = base::must_subtract(posted, wanted->amount);
        if (is_short) {
            // What the venue does not get today it may get tomorrow; a part is better than none.
            const auto free = base::subtract(line.held, reserved_at(state, of.venue, of.asset));
            if (!free) continue;
            amount = std::min({*base::negate(amount), *free, uncommitted[of.asset]});
        }
        if (amount <= Amount{0}) continue;
        if (is_short) uncommitted[of.asset] = base::must_subtract(uncommitted[of.asset], amount);
        events.emplace_back(MoveOpened{.number = state.numbers + events.size() + 1,
                                       .purpose = is_short ? instruction::Purpose::post_margin
                                                           : instruction::Purpose::take_margin,
                                       .from = of.venue,
                                       .to = of.venue,
                                       .asset = of.asset,
                                       .amount = amount,
                                       .at = command.now});
    }
    return events;
}

Amount position_max_of(const Bearing& bearing) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    // Half the share bears twice the value. What does not fit is no limit.
    const auto borne =
        base::multiply_divide(bearing.posted.v, 2 * base::ppm_one, bearing.share.v, Rounding::down);
    const Amount bears{borne ? *borne : most};
    Amount own = bearing.own;
    if (bears >= bearing.value) {
        const auto more = base::add(own, base::must_subtract(bears, bearing.value));
        own = more ? *more : Amount{most};
    } else {
        const auto part = base::multiply_divide(own.v, bears.v, bearing.value.v, Rounding::down);
        own = Amount{part ? *part : 0};
    }
    const auto units =
        base::multiply_divide(own.v, bearing.units.v, bearing.unit.v, Rounding::down);
    return Amount{units ? *units : most};
}

Amount reserved_of(const State& state, AssetId asset) {
    Amount sum;
    for (const auto& [number, task] : state.hedges) {
        if (task.given_asset == asset) sum = base::must_add(sum, task.reserved);
    }
    for (const auto& [number, move] : state.moves) {
        const bool leaves_backing = move.purpose == instruction::Purpose::post_margin;
        if (leaves_backing && move.asset == asset) sum = base::must_add(sum, move.amount);
    }
    return sum;
}

Amount engaged_at(const State& state, base::ShardId shard, AssetId asset,
                  const std::map<std::uint64_t, Amount>& hedged) {
    Amount sum;
    for (const auto& [number, task] : state.hedges) {
        if (task.shard != shard || task.given_asset != asset) continue;
        const auto filled = hedged.find(number);
        const Amount rest = filled == hedged.end() ? task.reserved : rest_of(task, filled->second);
        sum = base::must_add(sum, rest);
    }
    for (const auto& [number, move] : state.moves) {
        if (move.purpose == instruction::Purpose::take_margin) continue;
        if (move.from == shard && move.asset == asset) sum = base::must_add(sum, move.amount);
    }
    return sum;
}

Amount reserved_at(const State& state, base::ShardId shard, AssetId asset) {
    return base::must_add(leaving(state, shard, asset), engaged_at(state, shard, asset));
}

}  // namespace crossclear::ledger::netting
