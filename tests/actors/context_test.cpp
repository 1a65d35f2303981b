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

}  // namespace
}  // namespace crossclear::tests
