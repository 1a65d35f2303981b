#include "actors/context.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace crossclear::tests {
namespace {

// A shard whose adapter answers until it is gone, as one does whose thread is in a callback.
class LastAnswer final : public shards::Shard {
public:
    explicit LastAnswer(std::function<void()> answer) : answer_(std::move(answer)) {}
    ~LastAnswer() override { answer_(); }

    void submit(const ledger::ShardOrder&, std::function<void(shards::SubmitAnswer)>) override {}
    void ask(const base::OrderRef&,
             std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)>) override {}
    void balances(std::function<void(std::variant<shards::Balances, shards::NoAnswer>)>) override {}
    void rescan(std::uint64_t) override {}
    void health(std::function<void(shards::Health)>) override {}
    void listen(std::function<void(ledger::ShardNotice)>) override {}

private:
    std::function<void()> answer_;
};

// Goal: what a callback of a shard looks at, the clock for one, is there as long as the shard is.
TEST(Context, ShardsEndBeforeWhatTheirCallbacksUse) {
    auto context = std::make_unique<actors::Context>();
    auto clock = std::make_shared<int>();
    const std::weak_ptr<int> life = clock;
    context->now = [clock = std::exchange(clock, nullptr)] { return base::Timestamp{*clock}; };
    bool had_clock = false;
    context->shards[{}] = std::make_unique<LastAnswer>([&] { had_clock = !life.expired(); });
    context.reset();
    EXPECT_TRUE(had_clock);
    EXPECT_TRUE(life.expired());
}

// Goal: no broker's healthy lane hides the trouble of another's, and no trouble hides another.
TEST(Context, AShardsViewTellsTheTroubleOfEveryLane) {
    const auto lane = [](std::uint64_t head, const char* circuit) {
        return actors::ShardView{.shard = base::ShardId{2},
                                 .is_reachable = true,
                                 .is_paused = false,
                                 .is_frozen = false,
                                 .circuit = circuit,
                                 .head_block = head,
                                 .final_block = head - 2,
                                 .head_at = base::Timestamp{static_cast<std::int64_t>(head)}};
    };
    auto paused = lane(9, "closed");
    paused.is_paused = true;
    auto frozen = lane(11, "half_open");
    frozen.is_frozen = true;
    auto lost = lane(10, "open");
    lost.is_reachable = false;
    auto other = lane(30, "closed");
    other.shard = base::ShardId{3};

    actors::ShardBoard board;
    board.store(base::BrokerId{1}, paused);
    board.store(base::BrokerId{2}, frozen);
    board.store(base::BrokerId{3}, lane(8, "closed"));
    board.store(base::BrokerId{1}, other);
    const auto before = board.load();
    ASSERT_EQ(before.size(), 2U);
    EXPECT_TRUE(before.front().is_paused);
    EXPECT_TRUE(before.front().is_frozen);
    EXPECT_TRUE(before.front().is_reachable);
    EXPECT_EQ(before.front().circuit, "half_open");
    EXPECT_EQ(before.front().head_block, 11U);
    EXPECT_EQ(before.front().final_block, 9U);
    EXPECT_EQ(before.back().circuit, "closed");

    board.store(base::BrokerId{3}, lost);
    const auto after = board.load();
    EXPECT_FALSE(after.front().is_reachable);
    EXPECT_EQ(after.front().circuit, "open");
    EXPECT_EQ(after.front().head_block, 11U);
}

// Goal: whoever hears late, or of a home that was replaced, does not put back what is known.
TEST(HouseBoard, KeepsTheLatestWord) {
    const auto word = [](std::uint64_t epoch, std::uint64_t number, bool is_reduce_only) {
        actors::HouseStanding standing;
        standing.epoch = epoch;
        standing.number = number;
        standing.is_reduce_only = is_reduce_only;
        standing.shards_full = epoch;
        standing.protocols_full = static_cast<std::uint32_t>(epoch);
        return standing;
    };
    actors::HouseBoard board;
    EXPECT_EQ(board.load(), actors::HouseStanding{});
    board.hear(word(2, 5, true));
    board.hear(word(2, 4, false));
    board.hear(word(1, 9, false));
    EXPECT_TRUE(board.is_reduce_only());
    EXPECT_EQ(board.load(), word(2, 5, true));
    board.hear(word(2, 6, false));
    EXPECT_FALSE(board.is_reduce_only());
    board.hear(word(3, 1, true));
    EXPECT_TRUE(board.is_reduce_only());
    EXPECT_EQ(board.shards_full(), 3U);
    EXPECT_EQ(board.protocols_full(), 3U);
}

}  // namespace
}  // namespace crossclear::tests
