#include "store/directory/assignment.hpp"

#include "base/check.hpp"

#include <cstddef>
#include <map>
#include <utility>

/// The problem: every node has to come to the same plan by itself, and a plan that moves much costs
/// takeovers. The idea: a share is the quotient, and the remainder is handed out one each, first to
/// those who hold more than the quotient, for only they can keep one more partition by it. The one
/// subtle thing is that a plan is pursued by several nodes at once: what is free is dealt in
/// blocks, by partition and by name, so that taking any part of it leaves the rest dealt as before.

namespace crossclear::store {
namespace {

// What one member holds, and how much it should.
struct Hand {
    std::size_t held{};
    std::size_t share{};
    std::size_t given{};
};
using Hands = std::map<std::string, Hand>;  // By name, as every node sorts them.

void deal_shares(Hands& hands, std::size_t partitions) {
    const std::size_t quotient = partitions / hands.size();
    std::size_t remainder = partitions % hands.size();
    for (const bool wants_more : {true, false}) {
        for (auto& [name, hand] : hands) {
            if ((hand.held > quotient) != wants_more) continue;
            hand.share = quotient + (remainder > 0 ? 1 : 0);
            if (remainder > 0) --remainder;
        }
    }
    CHECK(remainder == 0, "what is left over is fewer than there are members");
}

}  // namespace

std::vector<std::string> assign(const View& view, std::uint16_t partitions) {
    std::vector<std::string> owners(partitions);
    Hands hands;
    for (const Member& member : view.members) hands.emplace(member.name, Hand{});
    if (hands.empty()) return owners;

    const auto holder_of = [&](std::size_t partition) {
        const bool is_held = partition < view.holders.size() && view.holders[partition];
        return is_held ? hands.find(*view.holders[partition]) : hands.end();
    };
    for (std::size_t p = 0; p < partitions; ++p) {
        if (const auto holder = holder_of(p); holder != hands.end()) ++holder->second.held;
    }
    deal_shares(hands, partitions);
    for (std::size_t p = 0; p < partitions; ++p) {
        const auto holder = holder_of(p);
        if (holder == hands.end() || holder->second.given == holder->second.share) continue;
        owners[p] = holder->first;
        ++holder->second.given;
    }
    auto next = hands.begin();
    for (std::string& owner : owners) {
        if (!owner.empty()) continue;
        while (next->second.given == next->second.share) ++next;
        owner = next->first;
        ++next->second.given;
    }
    return owners;
}

}  // namespace crossclear::store
