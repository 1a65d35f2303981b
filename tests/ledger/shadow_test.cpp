#include "ledger/shadow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace crossclear::ledger {
namespace {

using base::EntityId;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::AccountId payee = base::account_id(base::BrokerId{0}, 17);
constexpr EntityId holder_machine = base::entity_of(payee);

constexpr EntityId payment(std::uint32_t number) {
    return {.kind = base::EntityKind::withdrawal, .id = payee.v, .sub = number};
}

// A partition's log, as far as this test goes.
struct Log {
    Shadow shadow{base::PartitionId{0}, 1};

    std::uint64_t write(std::vector<Entry> entries) {
        journal::Head next = shadow.last();
        ++next.seq;
        shadow.fold(next, std::move(entries));
        return next.seq;
    }
    // The client was refused something.
    std::uint64_t touch_account() {
        account::CommandRefused refused;
        refused.cause = base::make_command_id(base::Timestamp{1'000}, shadow.last().seq, 1);
        return write({{holder_machine, account::Event{refused}}});
    }
    std::uint64_t begin(std::uint32_t number) {
        withdrawal::WithdrawalQueued queued;
        queued.account = payee;
        queued.number = number;
        return write({{payment(number), withdrawal::Event{queued}}});
    }
    std::uint64_t end(std::uint32_t number) {
        return write({{payment(number), withdrawal::Event{withdrawal::WithdrawalDropped{}}},
                      {payment(number), withdrawal::Event{withdrawal::EndAcknowledged{}}}});
    }
};

constexpr std::size_t plenty = 100;

// Goal: memory does not grow with what has ended.
TEST(Shadow, LetsGoOfWhatIsOverOnceItIsStored) {
    Log log;
    log.begin(1);
    log.begin(2);
    const auto at = log.end(1);
    log.shadow.note_stored(payment(1), at, plenty);
    log.shadow.note_stored(payment(2), at, plenty);
    EXPECT_EQ(log.shadow.find(payment(1)), nullptr);
    EXPECT_TRUE(log.shadow.is_over(payment(1)));
    EXPECT_NE(log.shadow.find(payment(2)), nullptr);
    EXPECT_THAT(log.shadow.changed(), IsEmpty());
}

// An instruction is over by what its withdrawal says.
TEST(Shadow, LetsGoOfWhatAnotherMachineEndsLater) {
    Log log;
    log.begin(1);
    instruction::InstructionCreated created;
    created.legs.emplace_back();
    const EntityId duty{.kind = base::EntityKind::instruction, .id = payee.v, .sub = 1};
    const auto at = log.write({{duty, instruction::Event{created}}});
    log.shadow.note_stored(duty, at, plenty);
    log.shadow.drop_ended();
    EXPECT_NE(log.shadow.find(duty), nullptr);
    log.end(1);
    log.shadow.drop_ended();
    EXPECT_EQ(log.shadow.find(duty), nullptr);
    EXPECT_NE(log.shadow.find(payment(1)), nullptr) << "its end is not stored";
}

// What it stored is older than what it knows: the end is not in it.
TEST(Shadow, KeepsWhatEndedAfterItWasStored) {
    Log log;
    const auto at = log.begin(1);
    log.end(1);
    log.shadow.note_stored(payment(1), at, plenty);
    EXPECT_NE(log.shadow.find(payment(1)), nullptr);
    EXPECT_THAT(log.shadow.changed(), ElementsAre(payment(1)));
}

// Goal: many that are over push out nobody who is wanted again.
TEST(Shadow, StoresWhatIsOverBeforeTheOthers) {
    Log log;
    log.touch_account();
    log.begin(1);
    log.begin(2);
    log.begin(3);
    log.end(3);
    const auto at = log.end(1);
    EXPECT_THAT(log.shadow.changed(),
                ElementsAre(payment(1), payment(3), holder_machine, payment(2)));
    for (const auto& entity : log.shadow.changed()) log.shadow.note_stored(entity, at, 2);
    EXPECT_NE(log.shadow.find(holder_machine), nullptr);
    EXPECT_NE(log.shadow.find(payment(2)), nullptr);
}

}  // namespace
}  // namespace crossclear::ledger
