#include "actors/oracle_actor.hpp"

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

constexpr std::chrono::seconds tick{1};
constexpr base::Duration average_least = base::seconds(1);
constexpr base::Price one_dollar{1'000'000'000};
constexpr base::Price index_max{1'000'000'000'000'000};  // A million.

// A snapshot, unless whoever sends it says what it follows.
std::shared_ptr<Publication> marks_news(Channel channel, const risk::Mark& mark) {
    auto news = std::make_shared<Publication>();
    news->channel = channel;
    news->is_snapshot = true;
    news->body =
        std::vector<MarkView>{{.asset = channel.asset, .price = mark.price, .at = mark.at}};
    return news;
}

}  // namespace

OracleHost::OracleHost(caf::actor_config& config, Context* context)
    : OracleActor::base(config),
      context_(context),
      known_{.marks = std::vector<risk::Mark>(context->listing.assets.size()),
             .indices = std::vector<risk::Mark>(context->listing.assets.size()),
             .funding = std::vector<risk::Mark>(context->listing.assets.size())} {
    for (std::size_t i = 0; i < known_.marks.size(); ++i) {
        if (!base::is_derived(context->listing.assets[i].kind)) continue;
        derived_.push_back(base::AssetId{static_cast<std::uint16_t>(i)});
    }
    for (std::size_t i = 0; i < context->listing.instruments.size(); ++i) {
        const auto& listed = context->listing.instruments[i];
        if (!listed.option) continue;
        // Where an operator says what it is, it most likely is what its coin stood at.
        const auto over = std::max(listed.expiry->average_over, average_least);
        averages_.emplace(base::InstrumentId{static_cast<std::uint16_t>(i)},
                          Averaging{.coin = TimeAverage({.from = listed.expiry->at - over,
                                                         .until = listed.expiry->at}),
                                    .hedge = std::nullopt});
    }
}

OracleActor::behavior_type OracleHost::make_behavior() {
    delayed_send(this, tick, OracleTick{});
    return {
        [this](const OraclePublish& message) { on_publish(message); },
        [this](const OracleFollow& message) { on_follow(message); },
        [this](OracleTick) { on_tick(); },
        [this](const OracleMeet& message) { node_ = message.node; },
    };
}

std::optional<Refusal> OracleHost::refusal_of(const PublishMarks& marks) const {
    const auto bad = [](std::string hint) {
        return Refusal{.code = -32602,
                       .reason = "mark_out_of_range",
                       .hint = std::move(hint),
                       .retryable = false};
    };
    if (marks.at > context_->now() + base::limits::id_ahead_max) {
        return bad("the marks' time is more than five minutes ahead");
    }
    for (const auto& mark : marks.marks) {
        if (mark.asset.v >= known_.marks.size()) return bad("an asset of the listing");
        if (base::is_derived(context_->listing.asset(mark.asset).kind)) {
            return bad(
                "an asset with a price of its own: those of shares and options are made of "
                "others'");
        }
        const auto kind = context_->listing.asset(mark.asset).kind;
        const auto most = kind == base::AssetKind::outcome ? one_dollar : risk::price_max;
        if (mark.price < base::Price{0} || mark.price > most) {
            return bad("a price from 0 to " + std::to_string(most.v / one_dollar.v));
        }
    }
    for (const auto& index : marks.indices) {
        if (!is_asked_for(index.asset)) {
            return bad("an asset whose index is published, as risk.universe says");
        }
        if (index.index <= base::Price{0} || index.index > index_max) {
            return bad("an index above 0, up to " + std::to_string(index_max.v / one_dollar.v));
        }
    }
    for (const auto& funding : marks.funding) {
        if (!has_funding(funding.contract)) return bad("the contract of a perpetual");
        if (funding.index < base::Price{-index_max.v} || funding.index > index_max) {
            return bad("a funding index of no more than " +
                       std::to_string(index_max.v / one_dollar.v) + " either way");
        }
    }
    return std::nullopt;
}

// The newest mark is the best; of what has ended the one that it had then, if it was fresh.
bool OracleHost::is_better(base::AssetId asset, base::Timestamp at, base::Timestamp known) const {
    const auto end = context_->listing.end_of(asset);
    if (!end || (at < *end && known < *end)) return at >= known;
    const auto age_max = context_->brokers.front()->parameters->mark_age_max();
    const auto was_there = [&](base::Timestamp one) { return one < *end && one >= *end - age_max; };
    if (was_there(known)) return false;
    return was_there(at) || at >= known;
}

// What is not would be believed by nobody.
bool OracleHost::is_asked_for(base::AssetId asset) const {
    return asset.v < known_.indices.size() &&
           std::any_of(
               context_->brokers.begin(), context_->brokers.end(),
               [&](const auto& broker) { return broker->parameters->is_index_published(asset); });
}

// Nothing else ever pays any.
bool OracleHost::has_funding(base::AssetId asset) const {
    const auto instrument =
        asset.v < known_.marks.size() ? context_->listing.instrument_of(asset) : std::nullopt;
    return instrument &&
           context_->listing.instrument(*instrument).kind == base::InstrumentKind::linear_perpetual;
}

void OracleHost::on_publish(const OraclePublish& message) {
    const auto answer = [&](Answer ready) {
        if (message.from) send(message.from, AnswerReady{message.ticket, std::move(ready)});
    };
    auto published = message.marks;
    // The other node's universe may ask for more.
    if (message.is_relayed) {
        std::erase_if(published.indices,
                      [this](const auto& one) { return !is_asked_for(one.asset); });
    }
    if (auto refusal = refusal_of(published)) return answer(std::move(*refusal));
    auto all = known_;
    for (const auto& mark : published.marks) {
        auto& known = all.marks[mark.asset.v];
        // The newest by its own time wins, so that repeats and late messages do no harm.
        if (known.is_known && !is_better(mark.asset, published.at, known.at)) continue;
        known = risk::Mark{.price = mark.price, .at = published.at, .is_known = true};
    }
    const auto take_newest = [&](risk::Mark& known, base::Price index) {
        if (known.is_known && published.at < known.at) return;
        known = risk::Mark{.price = index, .at = published.at, .is_known = true};
    };
    for (const auto& [asset, index] : published.indices) {
        take_newest(all.indices[asset.v], index);
    }
    for (const auto& [contract, index] : published.funding) {
        take_newest(all.funding[contract.v], index);
    }
    if (!take(std::move(all))) {
        return answer(Refusal{.code = -32602,
                              .reason = "mark_out_of_range",
                              .hint = "prices at which all that is listed is worth a number",
                              .retryable = false});
    }
    for (const auto& mark : published.marks) tell(mark.asset);
    tell_derived();
    if (!message.is_relayed && node_) send(node_, MarksRelay{.marks = message.marks});
    answer(MarksTaken{.surface = number_});
}

// Builds every broker's surface of these marks and swaps them in. Where one cannot be built all
// stay as they were, and so do the marks.
bool OracleHost::take(Known known) {
    note_averages();
    const std::shared_ptr<const base::Listing> listing(&context_->listing,
                                                       [](const base::Listing*) {});
    std::vector<std::shared_ptr<const risk::Surface>> surfaces;
    std::vector<std::vector<base::Amount>> open_interest;
    for (const auto& broker : context_->brokers) {
        open_interest.push_back(open_interest_of(*broker));
        auto surface = risk::build_surface(number_ + 1, listing, broker->parameters,
                                           {.marks = known.marks,
                                            .now = context_->now(),
                                            .open_interest = open_interest.back(),
                                            .indices = known.indices,
                                            .funding = known.funding,
                                            .averages = averages()});
        if (!surface) {
            context_->log(LogLevel::error, "A market surface was refused.",
                          {{"broker", broker->profile.name},
                           {"error", std::to_string(static_cast<int>(surface.error()))}});
            return false;
        }
        surfaces.push_back(*std::move(surface));
    }
    ++number_;
    known_ = std::move(known);
    open_interest_ = std::move(open_interest);
    // For those who look at marks: what the first broker's surface has made of its others.
    for (const auto asset : derived_) known_.marks[asset.v] = surfaces.front()->mark(asset);
    for (std::size_t i = 0; i < surfaces.size(); ++i) {
        context_->brokers[i]->surface.store(std::move(surfaces[i]));
    }
    context_->last_marks.store(known_.marks);
    context_->last_indices.store(known_.indices);
    context_->last_funding.store(known_.funding);
    return true;
}

// As houses do: what the prices before were holds up to now.
void OracleHost::note_averages() {
    const auto surface = context_->brokers.front()->surface.load();
    if (surface == nullptr) return;
    const auto now = context_->now();
    for (auto& [instrument, average] : averages_) {
        average.coin.note(surface->coin_price(instrument, now), now);
        if (context_->listing.instrument(instrument).has_expired(now)) continue;
        if (const auto hedge = surface->instrument_notional(instrument)) average.hedge = hedge;
    }
}

// And once more when it is done, so that options stand at what they end at.
bool OracleHost::is_averaging() const {
    const auto now = context_->now();
    constexpr base::Duration and_after = base::seconds(3);
    return std::any_of(averages_.begin(), averages_.end(), [&](const auto& entry) {
        const auto& listed = context_->listing.instrument(entry.first);
        return listed.is_averaged(now) && now < listed.expiry->at + and_after;
    });
}

std::vector<risk::Average> OracleHost::averages() const {
    if (averages_.empty()) return {};
    std::vector<risk::Average> all(context_->listing.assets.size());
    const auto now = context_->now();
    for (const auto& [instrument, average] : averages_) {
        const auto& listed = context_->listing.instrument(instrument);
        auto& one = all[listed.base.v];
        if (const auto price = average.coin.value()) {
            one = {.price = *price, .share = average.coin.share(now)};
        } else if (listed.has_expired(now) && average.hedge) {
            one = {.price = *average.hedge, .share = 1};
        }
    }
    return all;
}

// As the broker's home said last; of another listing, or from nobody yet, it is as in the universe.
std::vector<base::Amount> OracleHost::open_interest_of(const Broker& broker) const {
    auto open = broker.house.load().open_interest;
    if (open.size() != known_.marks.size()) return {};
    for (auto& one : open) one = std::max(one, base::Amount{0});
    return open;
}

// What homes say comes between two marks.
bool OracleHost::is_open_interest_another() const {
    for (std::size_t i = 0; i < open_interest_.size(); ++i) {
        if (open_interest_of(*context_->brokers[i]) != open_interest_[i]) return true;
    }
    return false;
}

// A mark that grows old costs margin (OC), which a surface counts from when it was built.
bool OracleHost::is_any_overdue() const {
    const auto now = context_->now();
    return std::any_of(context_->brokers.begin(), context_->brokers.end(), [&](const auto& broker) {
        for (std::size_t i = 0; i < known_.marks.size(); ++i) {
            const auto heartbeat =
                broker->parameters->heartbeat(base::AssetId{static_cast<std::uint16_t>(i)});
            const auto end = context_->listing.end_of(base::AssetId{static_cast<std::uint16_t>(i)});
            const bool is_over = end && *end <= now;  // It grows no older.
            if (is_over || !known_.marks[i].is_known || !heartbeat) continue;
            if (now - known_.marks[i].at > *heartbeat) return true;
        }
        return false;
    });
}

void OracleHost::tell_derived() {
    for (const auto asset : derived_) {
        if (known_.marks[asset.v].is_known) tell(asset);
    }
}

void OracleHost::on_follow(const OracleFollow& message) {
    if (!message.is_following) {
        followers_[message.channel].erase(message.from.id());
        return;
    }
    followers_[message.channel][message.from.id()] = message.from;
    send(message.from, FollowBegun{message.channel, 0});
    if (message.channel.kind == Channel::Kind::shards) {
        auto news = std::make_shared<Publication>();
        news->channel = message.channel;
        news->sequence = shards_told_;
        news->is_snapshot = true;
        news->body = context_->shard_views.load();
        send(message.from, Published{std::move(news)});
        return;
    }
    const auto& mark = known_.marks[message.channel.asset.v];
    auto news = marks_news(message.channel, mark);
    news->sequence = told_[message.channel.asset];
    if (!mark.is_known) news->body = std::vector<MarkView>{};
    send(message.from, Published{std::move(news)});
}

void OracleHost::tell(base::AssetId asset) {
    const auto previous = std::exchange(told_[asset], number_);
    const Channel channel{.kind = Channel::Kind::marks, .account = {}, .asset = asset};
    const auto found = followers_.find(channel);
    if (found == followers_.end() || found->second.empty()) return;
    auto news = marks_news(channel, known_.marks[asset.v]);
    news->sequence = number_;
    news->previous = previous;
    news->is_snapshot = false;
    for (const auto& [id, follower] : found->second) send(follower, Published{news});
}

void OracleHost::on_tick() {
    delayed_send(this, tick, OracleTick{});
    note_averages();
    if (is_averaging() || is_any_overdue() || is_open_interest_another()) take(known_);
    const auto now = context_->now();
    for (std::size_t i = 0; i < known_.marks.size(); ++i) {
        const auto end = context_->listing.end_of(base::AssetId{static_cast<std::uint16_t>(i)});
        if (!known_.marks[i].is_known || (end && *end <= now)) continue;
        context_->instruments->clearing.price_age_seconds.with({context_->listing.assets[i].symbol})
            .set(static_cast<double>((now - known_.marks[i].at).us) * 1e-6);
    }
    const Channel channel{.kind = Channel::Kind::shards, .account = {}, .asset = {}};
    const auto found = followers_.find(channel);
    if (found == followers_.end() || found->second.empty()) return;
    auto news = std::make_shared<Publication>();
    news->channel = channel;
    news->previous = shards_told_;
    news->sequence = ++shards_told_;
    news->body = context_->shard_views.load();
    for (const auto& [id, follower] : found->second) send(follower, Published{news});
}

}  // namespace crossclear::actors
