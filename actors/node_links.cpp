// How a node meets the others and what it passes on to them.
#include "actors/chrono.hpp"
#include "actors/node_actor.hpp"
#include "base/hash.hpp"
#include "store/directory/limits.hpp"

#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace crossclear::actors {
namespace {

constexpr std::chrono::seconds answer_within{2};
constexpr base::Duration connected_by_the_other_within = base::seconds(3);
// A node that comes is apart until it has been met.
constexpr base::Duration met_within = base::seconds(5);
// What a node says of its reach: every process it reaches by a part of its incarnation.
constexpr char reach_separator = '|';
constexpr const char* reaches_everyone = "|*";

struct Place {
    std::string host;
    std::uint16_t port{};
};

// The last colon parts them, so that an address of IP version 6 may stand in brackets.
std::optional<Place> place_of(const std::string& endpoint) {
    const auto colon = endpoint.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    Place place{.host = endpoint.substr(0, colon)};
    if (place.host.size() > 2 && place.host.front() == '[' && place.host.back() == ']') {
        place.host = place.host.substr(1, place.host.size() - 2);
    }
    const auto* end = endpoint.data() + endpoint.size();
    const auto read = std::from_chars(endpoint.data() + colon + 1, end, place.port);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return place;
}

// Everything two nodes must agree on to understand each other.
std::string shape_of(const Context& context) {
    return spelled<Request>() + spelled<Answer>() + spelled<Publication>() + spelled<HomeNews>() +
           spelled<ledger::account::Command>() + spelled<AccountOrder>() +
           spelled<AccountFollow>() + spelled<FollowBegun>() + spelled<PauseTold>() +
           spelled<HouseTold>() + spelled<PriceTold>() + packed(context.listing);
}

std::string mark_of(const store::Member& member) {
    return fmt::format("{}{:08x}", reach_separator, static_cast<std::uint32_t>(member.incarnation));
}

bool has_in_reach(const std::string& reach, const store::Member& member) {
    return reach == reaches_everyone || reach.find(mark_of(member)) != std::string::npos;
}

}  // namespace

// A connection that was lost a moment ago may be made again before anybody has to move.
std::string NodeHost::endpoint_and_reach() const {
    std::string text = self_.endpoint;
    for (const auto& [name, link] : links_) {
        const bool was_there =
            link.lost_at.us != 0 && !has_passed(among().lease, link.lost_at, context_->now());
        if (link.node || was_there) text += mark_of(link.member);
    }
    // So many that they cannot be told: rather all than some.
    const bool fits = text.size() <= store::limits::member_endpoint_bytes_max;
    return fits ? text : self_.endpoint + reaches_everyone;
}

// The directory only passes endpoints on: what stands behind them is parted off here.
void NodeHost::on_view(store::View view) {
    reach_.clear();
    for (auto& member : view.members) {
        const auto at = member.endpoint.find(reach_separator);
        if (at == std::string::npos) continue;
        reach_[member.name] = member.endpoint.substr(at);
        member.endpoint.resize(at);
    }
    look(view);
    say(why_apart());
}

// The members that reach each other, directly or through third ones: most of them, then those that
// own most, then those with the lowest name.
store::View NodeHost::company_in(const store::View& view) const {
    const auto reach_of = [&](const store::Member& member) {
        const auto found = reach_.find(member.name);
        return found == reach_.end() ? std::string{} : found->second;
    };
    const auto is_mutual = [&](const store::Member& one, const store::Member& other) {
        return has_in_reach(reach_of(one), other) && has_in_reach(reach_of(other), one);
    };
    std::vector<store::Member> left = view.members;
    std::vector<store::Member> best;
    std::size_t best_held = 0;
    while (!left.empty()) {
        std::vector<store::Member> company{left.front()};
        left.erase(left.begin());
        for (std::size_t i = 0; i < company.size(); ++i) {
            const auto apart = std::stable_partition(
                left.begin(), left.end(), [&, member = company[i]](const store::Member& other) {
                    return !is_mutual(member, other);
                });
            company.insert(company.end(), apart, left.end());
            left.erase(apart, left.end());
        }
        const auto held = static_cast<std::size_t>(
            std::count_if(view.holders.begin(), view.holders.end(), [&](const auto& holder) {
                return holder && std::any_of(company.begin(), company.end(),
                                             [&](const auto& one) { return one.name == *holder; });
            }));
        // They come in the order of their names, so that of equals the first one stays.
        if (company.size() < best.size()) continue;
        if (company.size() == best.size() && held <= best_held) continue;
        best = std::move(company);
        best_held = held;
    }
    std::sort(best.begin(), best.end(),
              [](const auto& one, const auto& other) { return one.name < other.name; });
    return {.members = std::move(best), .holders = view.holders};
}

std::string NodeHost::why_apart() {
    const auto company = view_ ? company_in(*view_).members : std::vector{self_};
    const bool is_in = std::any_of(company.begin(), company.end(),
                                   [&](const auto& one) { return one.name == self_.name; });
    if (is_in) {
        apart_since_.reset();
        return {};
    }
    if (!apart_since_) apart_since_ = context_->now();
    if (!has_passed(met_within, *apart_since_, context_->now())) return {};
    std::string why = "the other nodes are not reached or refuse this one, so it owns nothing";
    for (const auto& [name, reason] : told_)
        why.append("; ").append(name).append(": ").append(reason);
    return why;
}

void NodeHost::meet(const store::View& view) {
    const auto is_live = [&view](const store::Member& member) {
        return std::find(view.members.begin(), view.members.end(), member) != view.members.end();
    };
    std::erase_if(links_, [&](const auto& entry) { return !is_live(entry.second.member); });
    std::erase_if(told_, [&](const auto& entry) { return !links_.contains(entry.first); });
    for (const auto& member : view.members) {
        if (member.name == self_.name) continue;
        auto& link = links_
                         .try_emplace(member.name, Link{.member = member,
                                                        .since = context_->now(),
                                                        .lost_at = {},
                                                        .is_connecting = false,
                                                        .node = {},
                                                        .doors = {}})
                         .first->second;
        // One connection serves both. If the other one should make it and does not, so be it.
        const bool is_ours = self_.name < member.name ||
                             has_passed(connected_by_the_other_within, link.since, context_->now());
        if (!link.node && !link.is_connecting && is_ours) {
            link.is_connecting = true;
            connect(member);
        }
    }
}

void NodeHost::connect(const store::Member& member) {
    const auto place = place_of(member.endpoint);
    if (!place) return no_link(member, "its endpoint is not host:port");
    const auto via = among().tls ? system().openssl_manager().actor_handle()
                                 : system().middleman().actor_handle();
    request(via, answer_within, caf::connect_atom_v, place->host, place->port)
        .then(
            [this, member](const caf::node_id&, const caf::strong_actor_ptr& node,
                           const std::set<std::string>&) {
                if (!node) return no_link(member, "nothing is published there");
                greet(member, node);
            },
            [this, member](const caf::error& error) { no_link(member, caf::to_string(error)); });
}

void NodeHost::greet(const store::Member& member, const caf::strong_actor_ptr& to) {
    const auto node = caf::actor_cast<NodeActor>(to);
    request(node, answer_within,
            Greeting{.self = self_,
                     .cluster = context_->cluster,
                     .partitions = context_->partitions,
                     .shape = shape_of(*context_),
                     .node = caf::actor_cast<caf::strong_actor_ptr>(this),
                     .doors = own_doors()})
        .then([this, member, node](const Welcome& welcome) { on_welcome(member, node, welcome); },
              [this, member](const caf::error& error) { no_link(member, caf::to_string(error)); });
}

void NodeHost::on_welcome(const store::Member& member, const NodeActor& node,
                          const Welcome& welcome) {
    if (!welcome.why_not.empty()) return no_link(member, welcome.why_not);
    if (welcome.self != member || welcome.doors.size() != doors_.size()) {
        return no_link(member, "somebody else listens there");
    }
    link(member, node, welcome.doors);
}

void NodeHost::link(const store::Member& member, const NodeActor& node,
                    const std::vector<caf::strong_actor_ptr>& doors) {
    links_.insert_or_assign(member.name, Link{.member = member,
                                              .since = context_->now(),
                                              .lost_at = {},
                                              .is_connecting = false,
                                              .node = node,
                                              .doors = doors});
    monitor(node);
    told_.erase(member.name);
    context_->log(LogLevel::info, "Another node can be reached.",
                  {{"name", member.name}, {"endpoint", member.endpoint}});
    tell_marks(node);
    if (!view_) return;
    look(*view_);
    beat();  // The others hear that this one reaches it.
}

void NodeHost::no_link(const store::Member& member, const std::string& why) {
    const auto found = links_.find(member.name);
    if (found != links_.end()) {
        found->second.is_connecting = false;
        found->second.since = context_->now();
    }
    if (std::exchange(told_[member.name], why) == why) return;
    context_->log(LogLevel::warning, "Another node cannot be reached.",
                  {{"name", member.name}, {"endpoint", member.endpoint}, {"reason", why}});
}

Welcome NodeHost::on_greeting(const Greeting& greeting) {
    Welcome welcome{.self = self_, .why_not = {}, .doors = {}};
    if (greeting.cluster != context_->cluster) {
        welcome.why_not = "it belongs to the cluster " + context_->cluster;
    } else if (greeting.partitions != context_->partitions) {
        welcome.why_not = "it counts " + std::to_string(context_->partitions) + " partitions";
    } else if (greeting.shape != shape_of(*context_)) {
        welcome.why_not = "it has another listing, or is another release";
    } else {
        welcome.doors = own_doors();
        link(greeting.self, caf::actor_cast<NodeActor>(greeting.node), greeting.doors);
    }
    return welcome;
}

std::vector<caf::strong_actor_ptr> NodeHost::own_doors() const {
    std::vector<caf::strong_actor_ptr> doors;
    doors.reserve(doors_.size());
    for (const auto& door : doors_) doors.push_back(caf::actor_cast<caf::strong_actor_ptr>(door));
    return doors;
}

void NodeHost::on_relay(const MarksRelay& relay) {
    if (relay.is_routed) {
        send(oracle_,
             OraclePublish{.ticket = 0, .marks = relay.marks, .from = {}, .is_relayed = true});
        return;
    }
    for (const auto& [name, link] : links_) {
        if (link.node) send(link.node, MarksRelay{.marks = relay.marks, .is_routed = true});
    }
}

// Each mark has a time of its own, and the newest wins: what the other knows already stays.
void NodeHost::tell_marks(const NodeActor& node) {
    const auto marks = context_->last_marks.load();
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        if (!marks[i].is_known || base::is_derived(context_->listing.asset(asset).kind)) continue;
        send(node, MarksRelay{.marks = {.marks = {{.asset = asset, .price = marks[i].price}},
                                        .at = marks[i].at},
                              .is_routed = true});
    }
    const auto indices = context_->last_indices.load();
    for (std::size_t i = 0; i < indices.size(); ++i) {
        if (!indices[i].is_known) continue;
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        send(node, MarksRelay{.marks = {.marks = {},
                                        .at = indices[i].at,
                                        .indices = {{.asset = asset, .index = indices[i].price}}},
                              .is_routed = true});
    }
    const auto funding = context_->last_funding.load();
    for (std::size_t i = 0; i < funding.size(); ++i) {
        if (!funding[i].is_known) continue;
        const base::AssetId contract{static_cast<std::uint16_t>(i)};
        send(node,
             MarksRelay{.marks = {.marks = {},
                                  .at = funding[i].at,
                                  .funding = {{.contract = contract, .index = funding[i].price}}},
                        .is_routed = true});
    }
}

}  // namespace crossclear::actors
