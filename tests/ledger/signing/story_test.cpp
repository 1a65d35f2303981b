#include "base/rng.hpp"
#include "tests/ledger/signing/builders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <vector>

// One lane against a chain that loses, replaces and forgets, and a host that dies between any two
// steps. Nothing on this chain stops an effect from happening twice: the lane alone has to.

namespace crossclear::ledger::signing {
namespace {

using namespace builders;
using base::Timestamp;

constexpr std::uint64_t finality_depth = 65;  // Reorganisations reach one block less deep.
constexpr std::uint32_t orders = 120;

// A transaction as the chain knows it.
struct Sent {
    Hash hash{};
    Fees fees;
    std::optional<std::uint32_t> effect;  // Of which order; a cancel has none.
};

// Blocks, and a pool with one transaction per nonce.
class Chain {
public:
    struct Block {
        Hash hash{};
        std::map<std::uint64_t, Sent> sent{};  // By nonce.
    };

    explicit Chain(base::Rng& rng) : rng_(rng) {
        for (std::uint64_t i = 0; i <= finality_depth; ++i) blocks_.push_back({.hash = next()});
    }

    [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
    [[nodiscard]] std::uint64_t final_height() const { return blocks_.size() - finality_depth; }
    [[nodiscard]] std::uint64_t base_fee() const { return base_fee_; }
    [[nodiscard]] std::uint64_t nonce_at(std::uint64_t height) const {
        std::uint64_t nonce = first_nonce;
        for (std::uint64_t i = 0; i <= height; ++i) nonce += blocks_[i].sent.size();
        return nonce;
    }
    [[nodiscard]] std::uint64_t nonce() const { return nonce_at(blocks_.size() - 1); }

    // As nodes do: another one under the same nonce has to offer a tenth more.
    void take(std::uint64_t nonce, const Sent& sent) {
        if (nonce < this->nonce()) return;
        const auto there = pool_.find(nonce);
        if (there == pool_.end()) {
            pool_.emplace(nonce, sent);
        } else if (sent.fees.fee_wei >= there->second.fees.fee_wei * 11 / 10 &&
                   sent.fees.tip_wei >= there->second.fees.tip_wei * 11 / 10) {
            there->second = sent;
        }
    }

    void mine() {
        base_fee_ = std::clamp<std::uint64_t>(
            rng_.below(2) == 0 ? base_fee_ * 9 / 8 : base_fee_ * 7 / 8, 500, 15'000);
        Block block{.hash = next()};
        for (auto next_nonce = nonce(); pool_.contains(next_nonce); ++next_nonce) {
            const auto& sent = pool_.at(next_nonce);
            if (sent.fees.fee_wei < base_fee_ || rng_.below(4) == 0) break;
            block.sent.emplace(next_nonce, sent);
            pool_.erase(next_nonce);
        }
        blocks_.push_back(std::move(block));
    }

    // The newest blocks are gone; what they held comes back into the pool, or does not.
    void replace(std::uint64_t depth) {
        for (std::uint64_t i = 0; i < depth; ++i) {
            for (const auto& [nonce, sent] : blocks_.back().sent) {
                if (rng_.below(2) == 0) pool_.insert_or_assign(nonce, sent);
            }
            blocks_.pop_back();
        }
        for (std::uint64_t i = 0; i < depth; ++i) mine();
    }

    void forget_pool() { pool_.clear(); }

private:
    Hash next() { return hash_of(1'000'000 + ++made_); }

    base::Rng& rng_;
    std::vector<Block> blocks_;
    std::map<std::uint64_t, Sent> pool_;
    std::uint64_t made_{};
    std::uint64_t base_fee_{1'000};
};

// What a host is made to do wrong, to see that it is found out.
enum class Plant : std::uint8_t { none, believes_cancels };

class Story {
public:
    Story(std::uint64_t seed, Plant plant) : rng_(seed), chain_(rng_), plant_(plant) {
        state_.id = lane_id;
        commit(an_opening());
    }

    void live(std::uint64_t steps) {
        for (std::uint64_t i = 0; i < steps; ++i) step();
    }

    // Nothing goes wrong any more: everything ends.
    void drain() {
        is_calm_ = true;
        for (int i = 0; i < 2'000 && (taken_ < orders || !state_.slots.empty()); ++i) step();
        for (std::uint64_t i = 0; i <= finality_depth; ++i) chain_.mine();
    }

    // How often each order has had its effect in the chain as it is.
    [[nodiscard]] std::map<std::uint32_t, int> effects() const {
        std::map<std::uint32_t, int> count;
        for (const auto& block : chain_.blocks()) {
            for (const auto& [nonce, sent] : block.sent) {
                if (sent.effect) ++count[*sent.effect];
            }
        }
        return count;
    }

    [[nodiscard]] const State& state() const { return state_; }
    [[nodiscard]] const std::vector<Event>& journal() const { return journal_; }
    // Orders that ended with an effect, and those that ended without.
    [[nodiscard]] const std::set<std::uint32_t>& settled() const { return settled_; }
    [[nodiscard]] const std::set<std::uint32_t>& cancelled() const { return cancelled_; }
    int reorgs{};
    int crashes{};
    int drops{};

private:
    // Decides and appends. The program may die before the record is durable, and it is as if
    // nothing had been decided.
    bool commit(const Command& command) {
        const auto decision = decide(state_, command);
        if (!decision.has_value() || decision->empty()) return true;
        if (dies()) {
            restart();
            return false;
        }
        for (const auto& event : *decision) {
            note_end(event);
            apply(state_, event);
            journal_.push_back(event);
        }
        // It may die right behind it as well, before any effect.
        if (!dies()) return true;
        restart();
        return false;
    }

    void note_end(const Event& event) {
        const auto* finished = std::get_if<NonceFinished>(&event);
        if (finished == nullptr) return;
        const auto& slot = state_.slots.at(finished->nonce);
        const bool is_effect = slot.transactions[finished->number].purpose == Purpose::effect;
        (is_effect ? settled_ : cancelled_).insert(slot.ref.number);
    }

    [[nodiscard]] bool dies() { return !is_calm_ && rng_.below(60) == 0; }

    void restart() {
        ++crashes;
        state_ = a_lane();
        for (const auto& event : journal_) apply(state_, event);
    }

    void step() {
        now_ = now_ + base::seconds(2);
        if (taken_ < orders && rng_.below(3) == 0) take_order();
        for (const auto& effect : outstanding(state_)) {
            if (!std::visit([&](const auto& one) { return carry_out(one); }, effect)) return;
        }
        chain_.mine();
        if (!is_calm_) harm();
        look();
        const Review review{.enough = {.tip_wei = 10, .fee_wei = chain_.base_fee()},
                            .offer = {.tip_wei = 100, .fee_wei = chain_.base_fee() * 2},
                            .max = {.tip_wei = 100'000, .fee_wei = 1'000'000},
                            .patience = base::seconds(6),
                            .block_time = now_,
                            .cancel_gas = 21'000,
                            .at = now_};
        (void)commit(review);
        if (plant_ == Plant::believes_cancels) forget_what_is_cancelled();
    }

    void take_order() {
        auto intent = an_intent(taken_);
        intent.at = now_;
        // Some are late before any block may take them.
        intent.deadline = now_ + base::seconds(rng_.below(4) == 0 ? 4 : 4'000);
        intent.fees = {.tip_wei = 100, .fee_wei = chain_.base_fee() * 3 / 2};
        // A full lane refuses it; then it comes again.
        if (commit(intent) && nonce_of(state_, intent.ref)) ++taken_;
    }

    bool carry_out(const Sign& sign) {
        if (!is_calm_ && rng_.below(5) == 0) return true;  // No answer.
        if (!is_calm_ && sign.data != "" && rng_.below(60) == 0) {
            return commit(NoteSignerRefused{
                .nonce = sign.nonce, .number = sign.number, .cancel_gas = 21'000, .at = now_});
        }
        // Another signature each time.
        const auto hash = hash_of(2'000'000 + ++signed_);
        const bool is_cancel = sign.data.empty();
        known_[hash] = {.hash = hash,
                        .fees = sign.fees,
                        .effect = is_cancel
                                      ? std::nullopt
                                      : std::optional{state_.slots.at(sign.nonce).ref.number}};
        return commit(NoteSigned{
            .nonce = sign.nonce, .number = sign.number, .hash = hash, .raw = "raw", .at = now_});
    }

    bool carry_out(const Broadcast& broadcast) {
        if (!is_calm_ && rng_.below(10) < 3) {
            ++drops;
        } else {
            chain_.take(broadcast.nonce, known_.at(broadcast.hash));
        }
        return true;
    }

    void harm() {
        if (rng_.below(12) == 0) chain_.forget_pool();
        if (rng_.below(6) > 0) return;
        ++reorgs;
        chain_.replace(1 + rng_.below(finality_depth - 1));
    }

    // Tells the lane what is so, sometimes not all of it.
    void look() {
        const auto& blocks = chain_.blocks();
        std::set<Hash> there;
        for (const auto& block : blocks) there.insert(block.hash);
        std::vector<Command> news;
        for (const auto& [nonce, slot] : state_.slots) {
            if (slot.included && !there.contains(slot.included->block_hash)) {
                news.emplace_back(NoteUndone{
                    .nonce = nonce, .block_hash = slot.included->block_hash, .at = now_});
            }
        }
        for (std::uint64_t height = 0; height < blocks.size(); ++height) {
            for (const auto& [nonce, sent] : blocks[height].sent) {
                if (!state_.slots.contains(nonce)) continue;
                news.emplace_back(NoteIncluded{.hash = sent.hash,
                                               .block = height,
                                               .block_hash = blocks[height].hash,
                                               .at = now_});
            }
        }
        const auto final_height = chain_.final_height();
        news.emplace_back(NoteFinal{
            .block = final_height, .final_nonce = chain_.nonce_at(final_height), .at = now_});
        for (const auto& one : news) {
            if (!commit(one)) return;
        }
    }

    // Takes a cancel that was signed for the end of its order, and has the order's effect under
    // another nonce.
    void forget_what_is_cancelled() {
        for (const auto& [nonce, slot] : std::map(state_.slots)) {
            const auto* latest = latest_signed(slot);
            if (latest == nullptr || latest->purpose != Purpose::cancel ||
                slot.ref.number >= orders)
                continue;
            auto again = an_intent(slot.ref.number + orders);
            if (!again_.insert(slot.ref.number).second) continue;
            again.at = now_;
            again.fees = {.tip_wei = 100, .fee_wei = chain_.base_fee() * 2};
            again.deadline = now_ + base::seconds(4'000);
            if (!commit(again)) return;
        }
    }

    base::Rng rng_;
    Chain chain_;
    Plant plant_;
    State state_;
    std::vector<Event> journal_;
    std::map<Hash, Sent> known_;
    std::set<std::uint32_t> settled_;
    std::set<std::uint32_t> cancelled_;
    std::set<std::uint32_t> again_;
    std::uint32_t taken_{};
    std::uint64_t signed_{};
    Timestamp now_{1};
    bool is_calm_{};
};

// Orders whose effect has happened twice; of the plant's an order and its second reference are one.
int doubled(const Story& story) {
    std::map<std::uint32_t, int> by_order;
    for (const auto& [order, count] : story.effects()) by_order[order % orders] += count;
    return static_cast<int>(std::count_if(by_order.begin(), by_order.end(),
                                          [](const auto& one) { return one.second > 1; }));
}

TEST(SigningStory, NothingHappensTwiceAndNothingIsLost) {
    int reorgs = 0;
    int crashes = 0;
    int drops = 0;
    int cancelled = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        SCOPED_TRACE(seed);
        Story story(seed, Plant::none);
        story.live(400);
        story.drain();
        ASSERT_TRUE(story.state().slots.empty()) << "everything ends";
        ASSERT_EQ(story.state().halt, Halt::none);
        EXPECT_EQ(doubled(story), 0);
        EXPECT_EQ(story.settled().size() + story.cancelled().size(), orders);
        const auto effects = story.effects();
        for (const auto order : story.settled()) EXPECT_EQ(effects.at(order), 1) << order;
        for (const auto order : story.cancelled()) EXPECT_FALSE(effects.contains(order)) << order;
        reorgs += story.reorgs;
        crashes += story.crashes;
        drops += story.drops;
        cancelled += static_cast<int>(story.cancelled().size());
    }
    EXPECT_GE(reorgs, 500);
    EXPECT_GE(crashes, 500);
    EXPECT_GE(drops, 500);
    EXPECT_GT(cancelled, 0) << "some are cancelled, or the story is about less than it says";
}

// Goal: a checker that finds nothing is worth nothing.
TEST(SigningStory, ABelievedCancelIsFoundOut) {
    int found = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        Story story(seed, Plant::believes_cancels);
        story.live(400);
        story.drain();
        found += doubled(story);
    }
    EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace crossclear::ledger::signing
