#include "actors/hedge_actor.hpp"

#include "actors/chrono.hpp"
#include "actors/distrust.hpp"
#include "actors/hedge_news.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::actors {

namespace hedge = ledger::hedge;

HedgeHost::HedgeHost(caf::actor_config& config, HomeParts parts, hedge::State state)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal) {}

HomeActor::behavior_type HedgeHost::make_behavior() {
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) { on_news(message.news); },
    };
}

void HedgeHost::on_news(const HomeNews& news) {
    const auto now = parts_.context->now();
    if (const auto* plan = std::get_if<hedge::PlanHedge>(&news)) {
        decide_and_commit(*plan);
    } else if (const auto* notice = std::get_if<ledger::OrderNotice>(&news)) {
        note(*notice);
    } else if (std::holds_alternative<Wake>(news)) {
        decide_and_commit(hedge::Advance{.now = now});
    } else if (const auto* off = std::get_if<hedge::CancelHedge>(&news)) {
        decide_and_commit(*off);
    } else if (std::holds_alternative<Resume>(news)) {
        if (crank_.state().phase != hedge::Phase::unplanned) publish(hedge_news(crank_.state()));
        carry_out(hedge::outstanding(crank_.state()));
    }
}

// A final word books what it says: the books say first what it can be.
void HedgeHost::note(const ledger::OrderNotice& notice) {
    const auto& terms = crank_.state().terms;
    const bool is_planned = crank_.state().phase != hedge::Phase::unplanned;
    if (notice.finality != ledger::Finality::final || !is_planned) {
        decide_and_commit(
            hedge::NoteOrder{.notice = notice, .at = parts_.context->now(), .belief = {}});
        return;
    }
    with_belief(this, parts_, terms.shard, hedge::received_asset_of(terms),
                [this, notice](ledger::Belief belief) {
                    const auto& listing = parts_.context->listing;
                    const auto& traded = crank_.state().terms;
                    belief.scales = {.base = listing.asset(traded.base).scale,
                                     .settlement = listing.asset(traded.settlement).scale};
                    decide_and_commit(hedge::NoteOrder{
                        .notice = notice, .at = parts_.context->now(), .belief = belief});
                });
}

// What became of its orders is unknown still. They wait in the lane until an operator has looked.
void HedgeHost::distrust_shard(hedge::Reject reject) {
    const auto& terms = crank_.state().terms;
    distrust(this, parts_, terms.shard, terms.base, hedge::name_of(reject));
    if (std::exchange(is_asking_again_, true)) return;
    run_delayed(as_chrono(asked_again_after), [this] {
        is_asking_again_ = false;
        crank_.when_durable(
            [this, owed = hedge::outstanding(crank_.state())](std::uint64_t) { carry_out(owed); });
    });
}

void HedgeHost::decide_and_commit(const hedge::Command& command) {
    const auto decision = hedge::decide(crank_.state(), command);
    if (!decision) {
        parts_.context->log(LogLevel::error, "A hedge task refused a command.",
                            {{"task", base::to_string(parts_.entity)},
                             {"reject", hedge::name_of(decision.error())}});
        if (hedge::accuses_shard(decision.error())) distrust_shard(decision.error());
        return;
    }
    if (decision->empty()) {
        // Nothing new: a repeat, or a wake that came early.
        const auto* advance = std::get_if<hedge::Advance>(&command);
        if (advance == nullptr) return;
        const auto at = hedge::wake_still_owed(crank_.state(), advance->now);
        if (at) carry_out({hedge::WakeAt{.at = *at}});
        return;
    }
    bool is_news = false;
    for (const auto& event : *decision) {
        measure(event);
        is_news = is_news || std::holds_alternative<hedge::HedgeCommitted>(event) ||
                  std::holds_alternative<hedge::HedgeFinished>(event);
    }
    auto effects = crank_.commit(this, *decision);
    // As of now: what follows is not durable yet, and may not be revealed by then.
    std::optional<HedgeNews> news;
    if (is_news) news = hedge_news(crank_.state());
    crank_.when_durable(
        [this, news = std::move(news), effects = std::move(effects)](std::uint64_t) {
            // Before anything is sent: a commitment that comes after its first order proves
            // nothing.
            if (news) publish(*news);
            carry_out(effects);
        });
}

void HedgeHost::publish(const HedgeNews& news) {
    send(parts_.home,
         ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()), HedgePublished{news}});
}

// For figures only: what was planned or sent before a restart is not measured.
void HedgeHost::measure(const hedge::Event& event) {
    const auto& context = *parts_.context;
    const auto shard = crank_.state().terms.shard;
    if (const auto* planned = std::get_if<hedge::HedgeCommitted>(&event)) {
        const auto surface = context.broker(parts_.broker()).surface.load();
        if (surface != nullptr) planned_at_ = surface->instrument_mark(planned->instrument);
    } else if (const auto* sent = std::get_if<hedge::SliceSent>(&event)) {
        timer_.start(sent->number, sent->at);
    } else if (const auto* included = std::get_if<hedge::SliceIncluded>(&event)) {
        timer_.observe(context, shard, included->number, "included", false);
    } else if (const auto* failed = std::get_if<hedge::SliceFailed>(&event)) {
        timer_.observe(context, shard, failed->number, "failed", true);
    } else if (const auto* filled = std::get_if<hedge::SliceFilled>(&event)) {
        timer_.observe(context, shard, filled->number, "final", true);
        if (!planned_at_ || planned_at_->v <= 0) return;
        // Positive is a cost: paid above the mark, or received below it.
        const double worse = static_cast<double>(filled->price.v - planned_at_->v) /
                             static_cast<double>(planned_at_->v) *
                             (filled->filled > base::Amount{0} ? 1 : -1);
        context.instruments->settlement.hedge_slippage_bps.observe(worse * 10'000);
    }
}

void HedgeHost::carry_out(const std::vector<hedge::Effect>& effects) {
    for (const auto& effect : effects) {
        if (const auto* order = std::get_if<hedge::SendOrder>(&effect)) {
            send(parts_.home, LaneOrder{order->order});
        } else if (const auto* wake = std::get_if<hedge::WakeAt>(&effect)) {
            const auto wait = std::max(base::Duration{}, wake->at - parts_.context->now());
            delayed_send(this, as_chrono(wait + base::milliseconds(1)),
                         ToHome{parts_.entity, Wake{}});
        } else if (const auto* finished = std::get_if<hedge::ReportFinished>(&effect)) {
            send(parts_.home,
                 ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                        HedgeEnded{.number = base::number_of(base::AccountId{parts_.entity.id}),
                                   .filled = finished->filled,
                                   .sequence = crank_.sequence()}});
        }
    }
}

}  // namespace crossclear::actors
