#include "store/redis/redis_acceptor.hpp"

#include "store/redis/calls.hpp"

#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

RedisAcceptor::RedisAcceptor(const Instance::Options& options, std::string cluster, std::string id,
                             std::uint16_t partition_count)
    : name_(to_string(options.endpoint)),
      cluster_(std::move(cluster)),
      id_(std::move(id)),
      partition_count_(partition_count),
      instance_(options),
      watch_(
          options.endpoint, options.connect_timeout, [this] { instance_.distrust(); },
          options.listener.examined) {}

// A joining instance is spoken to by the id that only it carries: no vote can come of it by
// mistake, whatever it becomes while the call is on its way.
std::string RedisAcceptor::id() const {
    return standing().kind == Standing::Kind::joining ? joining_id(id_) : id_;
}

template <class Parse, class Done>
void RedisAcceptor::ask(Call call, Parse parse, Done done) {
    instance_.submit(std::make_shared<const Call>(std::move(call)),
                     [parse = std::move(parse), done = std::move(done)](const CallResult& result) {
                         done(parse(result));
                     });
}

void RedisAcceptor::promised(base::PartitionId partition,
                             std::function<void(PromisedOutcome)> done) {
    ask(promised_call(id(), partition), &parse_promised, std::move(done));
}

void RedisAcceptor::prepare(base::PartitionId partition, const Fence& fence,
                            std::function<void(PrepareOutcome)> done) {
    ask(prepare_call(id(), partition, fence), &parse_prepare, std::move(done));
}

void RedisAcceptor::append(Append append, std::function<void(AppendOutcome)> done) {
    ask(append_call(id(), std::move(append)), &parse_append, std::move(done));
}

void RedisAcceptor::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                         std::function<void(ReadOutcome)> done) {
    ask(read_call(id(), partition, from, count), &parse_read, std::move(done));
}

void RedisAcceptor::confirm(base::PartitionId partition, const Fence& fence,
                            std::function<void(ConfirmOutcome)> done) {
    ask(confirm_call(id(), partition, fence), &parse_confirm, std::move(done));
}

void RedisAcceptor::store_snapshot(base::PartitionId partition, const Fence& fence,
                                   EntitySnapshot snapshot,
                                   std::function<void(StoreSnapshotOutcome)> done) {
    ask(snapshot_call(id(), cluster_, partition, fence, snapshot), &parse_snapshot,
        std::move(done));
}

void RedisAcceptor::read_snapshot(base::PartitionId partition, base::EntityId entity,
                                  std::function<void(ReadSnapshotOutcome)> done) {
    ask(
        snapshot_read_call(id(), partition, entity),
        [this, partition, entity](const CallResult& result) {
            return parse_snapshot_read(result, cluster_, partition, entity);
        },
        std::move(done));
}

void RedisAcceptor::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                         std::function<void(TrimOutcome)> done) {
    ask(trim_call(id(), partition, fence, base), &parse_trim, std::move(done));
}

void RedisAcceptor::list_snapshots(base::PartitionId partition, std::string from,
                                   std::function<void(ListOutcome)> done) {
    ask(
        snapshot_list_call(id(), partition, from),
        [this, partition](const CallResult& result) {
            return parse_snapshot_list(result, cluster_, partition);
        },
        std::move(done));
}

void RedisAcceptor::begin_at(base::PartitionId partition, const Fence& fence, const Record& base,
                             std::function<void(AppendOutcome)> done) {
    ask(begin_at_call(id(), partition, fence, base), &parse_append, std::move(done));
}

void RedisAcceptor::admit(base::PartitionId partition, std::function<void(bool)> done) {
    ask(admit_call(joining_id(id_), id_, partition, partition_count_), &parse_admit,
        [this, done = std::move(done)](Admitted admitted) {
            // Noted first: as soon as it votes, what was noted of a joining one is forgotten.
            done(admitted != Admitted::no);
            if (admitted == Admitted::votes) instance_.count_as_voting();
        });
}

}  // namespace crossclear::store
