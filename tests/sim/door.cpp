#include "tests/sim/door.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace crossclear::sim {

using namespace ledger::journal;
using store::Standing;

namespace {

// After so long without an answer the outcome is unknown.
constexpr base::Duration client_patience = base::milliseconds(400);
// What was lost on the way and is executed after all.
constexpr base::Duration late_max = base::seconds(3);
// Until a node notices that an acceptor went or came.
constexpr base::Duration notice_max = base::milliseconds(60);

std::uint64_t next_key() {
    static std::uint64_t key = 0;
    return ++key;
}

}  // namespace

Door::Door(Stage& stage, std::shared_ptr<Disk> disk, std::shared_ptr<Lifeline> life,
           std::shared_ptr<Errand> errand)
    : stage_(stage),
      disk_(std::move(disk)),
      life_(std::move(life)),
      errand_(std::move(errand)),
      key_(next_key()),
      seen_(now_standing()),
      seen_life_(disk_->life()),
      seen_wipes_(disk_->wipes()) {
    look_later_ = life_->hold_on<int>([this](int) { look(); });
    disk_->watch(key_, [&world = stage_, look = look_later_] {
        world.agenda.after(world.up_to(notice_max), [look] { look(0); });
    });
}

Door::~Door() { disk_->unwatch(key_); }

std::string Door::name() const { return "acceptor " + std::to_string(disk_->number()); }

Standing Door::now_standing() const {
    if (!disk_->is_up()) return {Standing::Kind::away, name() + " does not answer"};
    if (disk_->is_joining()) return {Standing::Kind::joining, name() + " lost its logs"};
    return {Standing::Kind::voting, {}};
}

void Door::look() {
    const auto now = now_standing();
    // A connection that broke was gone for a moment, however soon there is another one.
    const bool is_broken = disk_->life() != seen_life_ && seen_.kind != Standing::Kind::away;
    if (is_broken && now.kind != Standing::Kind::away) {
        seen_ = {Standing::Kind::away, name() + " was gone"};
        if (changed_) changed_();
    }
    seen_life_ = disk_->life();
    seen_wipes_ = disk_->wipes();
    if (now == seen_) return;
    seen_ = now;
    stage_.note("door", disk_->number(), static_cast<std::uint64_t>(now.kind));
    if (changed_) changed_();
}

// The call goes out, is executed or not, and its answer comes back or not.
template <class Outcome>
void Door::call(std::string_view what, std::function<Outcome(Disk&)> run, Outcome lost,
                std::function<void(Outcome)> done) {
    if (life_->is_cut()) return;
    auto back = life_->hold<Outcome>(std::move(done));
    auto& agenda = stage_.agenda;
    const bool is_lost = stage_.goes_wrong(stage_.plan.lost_request_ppm);
    const bool is_unheard = !is_lost && stage_.goes_wrong(stage_.plan.lost_answer_ppm);
    // A mark tells an acceptor whether it may still answer to the name it was called by.
    const auto wipes = seen_wipes_;
    const bool is_joining = seen_.kind == Standing::Kind::joining;
    const auto life = disk_->life();
    const auto execute = [world = &stage_, disk = disk_, run = std::move(run), wipes, is_joining,
                          what]() -> Outcome {
        world->note(what, disk->number());
        if (disk->wipes() != wipes || disk->is_joining() != is_joining) {
            return Declined{"its mark is another one"};
        }
        return run(*disk);
    };
    const auto arrival = std::max(last_arrival_, agenda.now() + stage_.up_to(stage_.plan.call_max));
    last_arrival_ = arrival;
    const auto give_up_at = arrival + client_patience;
    if (is_lost || !disk_->is_up()) {
        if (stage_.goes_wrong(stage_.plan.late_ppm)) {
            agenda.at(arrival + stage_.up_to(late_max), [execute, disk = disk_, world = &stage_] {
                if (!disk->is_up()) return;
                world->mark(Mark::executed_late);
                static_cast<void>(execute());
            });
        }
        agenda.at(give_up_at, [back, lost] { back(lost); });
        return;
    }
    agenda.at(arrival, [world = &stage_, disk = disk_, back, execute, lost, life, is_unheard,
                        give_up_at, returns = last_return_] {
        if (!disk->is_up() || disk->life() != life) {
            world->agenda.at(give_up_at, [back, lost] { back(lost); });
            return;
        }
        Outcome outcome = execute();
        if (is_unheard) {
            world->agenda.at(give_up_at, [back, lost] { back(lost); });
            return;
        }
        *returns = std::max(*returns, world->agenda.now() + world->up_to(world->plan.call_max));
        world->agenda.at(*returns, [back, outcome = std::move(outcome)] { back(outcome); });
    });
}

void Door::promised(base::PartitionId partition, std::function<void(PromisedOutcome)> done) {
    call<PromisedOutcome>(
        "promised", [partition](Disk& disk) { return disk.promised(partition); },
        Unknown{"no answer"}, std::move(done));
}

void Door::prepare(base::PartitionId partition, const Fence& fence,
                   std::function<void(PrepareOutcome)> done) {
    const bool is_copying = !errand_->is_owner;
    call<PrepareOutcome>(
        "prepare",
        [partition, fence, is_copying, world = &stage_](Disk& disk) {
            auto outcome = disk.prepare(partition, fence);
            if (is_copying && std::holds_alternative<Fenced>(outcome)) {
                world->mark(Mark::fenced_while_syncing);
            }
            return outcome;
        },
        Unknown{"no answer"}, std::move(done));
}

void Door::append(Append append, std::function<void(AppendOutcome)> done) {
    const bool is_copying = !errand_->is_owner;
    call<AppendOutcome>(
        "append",
        [append = std::move(append), is_copying, world = &stage_](Disk& disk) {
            auto outcome = disk.append(append);
            if (is_copying && std::holds_alternative<Fenced>(outcome)) {
                world->mark(Mark::fenced_while_syncing);
            }
            return outcome;
        },
        Unknown{"no answer"}, std::move(done));
}

void Door::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                std::function<void(ReadOutcome)> done) {
    call<ReadOutcome>(
        "read", [partition, from, count](Disk& disk) { return disk.read(partition, from, count); },
        Unknown{"no answer"}, std::move(done));
}

void Door::confirm(base::PartitionId partition, const Fence& fence,
                   std::function<void(ConfirmOutcome)> done) {
    call<ConfirmOutcome>(
        "confirm", [partition, fence](Disk& disk) { return disk.confirm(partition, fence); },
        Unknown{"no answer"}, std::move(done));
}

void Door::store_snapshot(base::PartitionId partition, const Fence& fence, EntitySnapshot snapshot,
                          std::function<void(StoreSnapshotOutcome)> done) {
    call<StoreSnapshotOutcome>(
        "store_snapshot",
        [partition, fence, snapshot = std::move(snapshot)](Disk& disk) {
            return disk.store_snapshot(partition, fence, snapshot);
        },
        Unknown{"no answer"}, std::move(done));
}

void Door::read_snapshot(base::PartitionId partition, base::EntityId entity,
                         std::function<void(ReadSnapshotOutcome)> done) {
    call<ReadSnapshotOutcome>(
        "read_snapshot",
        [partition, entity](Disk& disk) { return disk.read_snapshot(partition, entity); },
        Unknown{"no answer"}, std::move(done));
}

void Door::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                std::function<void(TrimOutcome)> done) {
    call<TrimOutcome>(
        "trim", [partition, fence, base](Disk& disk) { return disk.trim(partition, fence, base); },
        Unknown{"no answer"}, std::move(done));
}

void Door::list_snapshots(base::PartitionId partition, std::string from,
                          std::function<void(store::ListOutcome)> done) {
    call<store::ListOutcome>(
        "list_snapshots",
        [partition, from = std::move(from)](Disk& disk) {
            return disk.list_snapshots(partition, from);
        },
        Unknown{"no answer"}, std::move(done));
}

void Door::begin_at(base::PartitionId partition, const Fence& fence, const Record& base,
                    std::function<void(AppendOutcome)> done) {
    call<AppendOutcome>(
        "begin_at",
        [partition, fence, base](Disk& disk) { return disk.begin_at(partition, fence, base); },
        Unknown{"no answer"}, std::move(done));
}

void Door::admit(base::PartitionId partition, std::function<void(bool)> done) {
    // A mark that is another one: the acceptor was emptied meanwhile, or votes already.
    using Answer = std::variant<bool, Declined>;
    call<Answer>(
        "admit", [partition](Disk& disk) -> Answer { return disk.admit(partition); }, Answer{false},
        [done = std::move(done)](const Answer& answer) {
            const auto* is_noted = std::get_if<bool>(&answer);
            done(is_noted != nullptr && *is_noted);
        });
}

}  // namespace crossclear::sim
