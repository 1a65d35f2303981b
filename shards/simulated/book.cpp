#include "shards/simulated/book.hpp"

#include <algorithm>
#include <variant>

namespace crossclear::shards::simulated {

base::Amount Book::balance(Place place, base::AssetId asset) const {
    const auto found = balances_.find({place, asset});
    return found == balances_.end() ? base::Amount{} : found->second;
}

Position Book::position(base::BrokerId broker, base::InstrumentId instrument) const {
    const auto found = positions_.find({broker, instrument});
    return found == positions_.end() ? Position{} : found->second;
}

std::uint64_t Book::variations(base::BrokerId broker) const {
    const auto found = variations_.find(broker);
    return found == variations_.end() ? 0 : found->second;
}

bool Book::fits(const std::vector<Move>& moves) const {
    // An entry has a handful of moves: a trial on the balances they touch is cheap.
    std::map<std::pair<Place, base::AssetId>, base::Amount> touched;
    const auto holds = [&](Place place, base::AssetId asset) -> base::Amount& {
        return touched.try_emplace({place, asset}, balance(place, asset)).first->second;
    };
    return std::all_of(moves.begin(), moves.end(), [&](const Move& move) {
        auto& from = holds(move.from, move.asset);
        const auto less = base::subtract(from, move.amount);
        if (!less) return false;
        from = *less;
        auto& to = holds(move.to, move.asset);
        const auto more = base::add(to, move.amount);
        if (!more) return false;
        to = *more;
        return true;
    });
}

void Book::apply(const Move& move) {
    auto& from = balances_[{move.from, move.asset}];
    from = base::must_subtract(from, move.amount);
    auto& to = balances_[{move.to, move.asset}];
    to = base::must_add(to, move.amount);
}

void Book::apply(const Entry& entry) {
    for (const Move& move : entry.moves) apply(move);
    if (entry.position) {
        positions_[{entry.position->broker, entry.position->instrument}] = entry.position->after;
    }
    if (const auto* settled = std::get_if<VariationSettled>(&entry.content)) {
        CHECK(settled->number == variations(settled->broker) + 1, "variations leave no gap");
        variations_[settled->broker] = settled->number;
    }
}

}  // namespace crossclear::shards::simulated
