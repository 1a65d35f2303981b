// The broker's transparency channel: commitments of its hedge tasks, and their schedules
// afterwards.
#include "actors/netting_actor.hpp"
#include "base/limits.hpp"

namespace crossclear::actors {
namespace {

std::shared_ptr<Publication> transparency_of(base::BrokerId broker, std::uint64_t sequence,
                                             std::vector<HedgeNews> news) {
    auto publication = std::make_shared<Publication>();
    publication->channel.kind = Channel::Kind::transparency;
    publication->channel.broker = broker;
    publication->sequence = sequence;
    publication->body = std::move(news);
    return publication;
}

}  // namespace

// A task tells what it told before when it is asked to resume; that is no news.
void NettingHost::publish_hedge(const HedgeNews& news) {
    const auto known = hedge_news_.find(news.task);
    const bool is_known = known != hedge_news_.end();
    if (is_known && (known->second.revealed || !news.revealed)) return;
    hedge_news_.insert_or_assign(news.task, news);
    if (hedge_news_.size() > base::limits::hedges_published_max) {
        hedge_news_.erase(hedge_news_.begin());
    }
    auto publication = transparency_of(parts_.broker(), ++news_told_, {news});
    publication->previous = news_told_ - 1;
    for (const auto& [id, follower] : followers_) send(follower, Published{publication});
}

void NettingHost::on_follow(const HouseFollow& follow) {
    if (!follow.is_following) {
        followers_.erase(caf::actor_cast<caf::actor_addr>(follow.from));
        return;
    }
    followers_[caf::actor_cast<caf::actor_addr>(follow.from)] = follow.from;
    // One of this node takes its leave; another node may go without a word.
    if (follow.from.node() != system().node()) monitor(follow.from);
    std::vector<HedgeNews> latest;
    for (const auto& [task, news] : hedge_news_) latest.push_back(news);
    auto publication = transparency_of(parts_.broker(), news_told_, std::move(latest));
    publication->is_snapshot = true;
    send(follow.from, FollowBegun{follow.channel, 0});
    send(follow.from, Published{std::move(publication)});
}

}  // namespace crossclear::actors
