#include "actors/node.hpp"

#include "actors/caf_metrics.hpp"
#include "actors/caf_stepper.hpp"
#include "actors/door_actor.hpp"
#include "actors/messages.hpp"
#include "actors/node_actor.hpp"
#include "actors/oracle_actor.hpp"
#include "actors/session_actor.hpp"

#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

namespace crossclear::actors {
namespace {

void init_types_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        caf::init_global_meta_objects<caf::id_block::crossclear>();
        caf::openssl::manager::init_global_meta_objects();
        caf::io::middleman::init_global_meta_objects();
        caf::init_global_meta_objects<caf::id_block::crossclear_snapshots>();
        caf::core::init_global_meta_objects();
    });
}

caf::actor_system_config& configure(caf::actor_system_config& config, const Context& context) {
    config.set("caf.scheduler.max-threads", context.options.threads);
    config.set("caf.scheduler.policy", context.options.scheduler);
    config.set("caf.logger.console.verbosity", "quiet");
    if (!context.among) return config;
    config.load<caf::io::middleman>();
    if (const auto& tls = context.among->tls) {
        config.load<caf::openssl::manager>();
        config.openssl_certificate = tls->certificate;
        config.openssl_key = tls->key;
        config.openssl_cafile = tls->authority;
    }
    return config;
}

// One client's end of a session actor. The actor ends with it.
class ActorSession : public Session {
public:
    ActorSession(SessionActor actor, const std::atomic<bool>* is_draining)
        : actor_(std::move(actor)), is_draining_(is_draining) {}
    ~ActorSession() override { caf::anon_send(actor_, SessionEnd{}); }

    void identify(Identity identity) override {
        caf::anon_send(actor_, SessionIdentify{std::move(identity)});
    }
    void ask(Request request, std::function<void(Answer)> done) override {
        if (is_draining_->load(std::memory_order_relaxed)) {
            return done(Refusal{11060, "draining", "connect again", true});
        }
        caf::anon_send(actor_, SessionAsk{std::move(request), std::move(done)});
    }
    void subscribe(const Channel& channel, std::optional<std::uint64_t> from,
                   std::function<void(std::optional<Refusal>)> done) override {
        caf::anon_send(actor_, SessionFollow{channel, from, std::move(done)});
    }
    void unsubscribe(const Channel& channel) override {
        caf::anon_send(actor_, SessionUnfollow{channel});
    }

private:
    SessionActor actor_;
    const std::atomic<bool>* is_draining_;
};

class CafNode : public Node {
public:
    explicit CafNode(std::unique_ptr<Context> context)
        : context_(std::move(context)),
          system_(configure(config_, *context_)),
          stepper_(make_stepper(system_)) {
        oracle_ = system_.spawn<OracleHost>(context_.get());
        // The table is complete before anybody opens a partition that looks into it.
        for (std::uint16_t i = 0; i < context_->partitions; ++i) {
            doors_.push_back(
                system_.spawn<DoorHost>(context_.get(), base::PartitionId{i},
                                        [this](base::PartitionId id) { return doors_[id.v]; }));
        }
        node_ = system_.spawn<NodeHost>(context_.get(), doors_, oracle_);
    }

    ~CafNode() override {
        is_draining_ = true;
        caf::anon_send_exit(node_, caf::exit_reason::kill);
        for (const auto& door : doors_) caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
        caf::anon_send_exit(oracle_, caf::exit_reason::user_shutdown);
        if (stepper_) stepper_->run_out();
        // Hosts look into the table of doors until they have ended.
        system_.await_all_actors_done();
        // Shards still speak to mailboxes that have closed, and those to their system: no callback
        // may run once it is gone.
        context_->shards.clear();
    }

    /// Lets it take part: alone, or among the nodes that can reach it from now on. The reason why
    /// that cannot be, if it cannot.
    std::optional<std::string> begin() {
        NodeBegin begin;
        if (const auto& among = context_->among) {
            const auto port = publish(*among);
            const auto at = among->address + ":" + std::to_string(port ? *port : among->port);
            if (!port)
                return "cannot listen for other nodes at " + at + ": " +
                       caf::to_string(port.error());
            begin.endpoint = among->advertised.empty() ? at : among->advertised;
        }
        caf::anon_send(node_, std::move(begin));
        return std::nullopt;
    }

    const base::Listing& listing() const override { return context_->listing; }
    const Context& context() const override { return *context_; }

    std::unique_ptr<Session> open_session(std::shared_ptr<SessionSink> sink) override {
        auto actor = system_.spawn<SessionHost>(
            context_.get(), std::move(sink), [this](base::PartitionId id) { return doors_[id.v]; },
            oracle_);
        return std::make_unique<ActorSession>(std::move(actor), &is_draining_);
    }

    Readiness readiness() const override {
        Readiness readiness{.is_started = true, .is_ready = true, .why_not = {}};
        const auto blame = [&](std::string why) {
            readiness.is_ready = false;
            readiness.why_not.push_back(std::move(why));
        };
        for (std::size_t i = 0; i < context_->status.size(); ++i) {
            const auto name = "partition " + std::to_string(i);
            switch (context_->status[i]->phase.load(std::memory_order_relaxed)) {
                case PartitionStatus::Phase::recovering:
                    readiness.is_started = false;
                    blame(name + " is being read");
                    break;
                case PartitionStatus::Phase::lost:
                    blame(name + " was lost to another owner");
                    break;
                case PartitionStatus::Phase::unowned:
                    readiness.is_started = false;
                    blame(name + " has no owner that can be reached");
                    break;
                case PartitionStatus::Phase::elsewhere:
                    break;
                case PartitionStatus::Phase::broken:
                    blame(name + " failed a check and is stopped");
                    break;
                case PartitionStatus::Phase::running:
                    if (context_->status[i]->is_stuck.load(std::memory_order_relaxed)) {
                        blame(name + " cannot append");
                    }
                    break;
            }
        }
        if (const auto trouble = context_->journal->trouble(); !trouble.empty()) blame(trouble);
        if (const auto trouble = context_->node.load().trouble; !trouble.empty()) blame(trouble);
        if (is_draining_.load(std::memory_order_relaxed)) blame("draining");
        return readiness;
    }

    std::vector<ShardView> shards() const override { return context_->shard_views.load(); }

    std::vector<MarkView> marks() const override {
        std::vector<MarkView> views;
        const auto marks = context_->last_marks.load();
        for (std::size_t i = 0; i < marks.size(); ++i) {
            if (!marks[i].is_known) continue;
            views.push_back({.asset = base::AssetId{static_cast<std::uint16_t>(i)},
                             .price = marks[i].price,
                             .at = marks[i].at});
        }
        return views;
    }

    void publish_marks(const PublishMarks& marks) override {
        caf::anon_send(oracle_, OraclePublish{.ticket = 0, .marks = marks, .from = {}});
    }

    void drain() override { is_draining_ = true; }

    void leave() override {
        if (context_->among) caf::anon_send(node_, NodeLeave{});
    }

    std::size_t partitions_owned() const override {
        if (!context_->among) return 0;
        std::size_t sum = 0;
        for (const auto& status : context_->status) {
            const auto phase = status->phase.load(std::memory_order_relaxed);
            if (phase == PartitionStatus::Phase::running ||
                phase == PartitionStatus::Phase::recovering) {
                ++sum;
            }
        }
        return sum;
    }

    bool leads() const override {
        return !context_->among ||
               context_->status.front()->phase.load(std::memory_order_relaxed) ==
                   PartitionStatus::Phase::running;
    }

    std::size_t appends_waiting() const override {
        std::size_t sum = 0;
        for (const auto& status : context_->status) sum += status->queued.load();
        return sum;
    }

    Stepper* stepper() override { return stepper_.get(); }

    std::vector<metrics::Family> actor_families() override { return caf_families(system_); }

private:
    caf::expected<std::uint16_t> publish(const ClusterOptions& among) {
        const char* address = among.address.empty() ? nullptr : among.address.c_str();
        if (among.tls) return caf::openssl::publish(node_, among.port, address, true);
        return system_.middleman().publish(node_, among.port, address, true);
    }

    std::unique_ptr<Context> context_;
    caf::actor_system_config config_;
    caf::actor_system system_;
    std::unique_ptr<CafStepper> stepper_;
    std::atomic<bool> is_draining_{};
    std::vector<DoorActor> doors_;
    OracleActor oracle_;
    NodeActor node_;
};

}  // namespace

base::Result<std::unique_ptr<Node>, std::string> Node::start(std::unique_ptr<Context> context) {
    CHECK(context->among.has_value() == (context->directory != nullptr),
          "a node among others has a directory of them");
    init_types_once();
    while (context->status.size() < context->partitions) {
        context->status.push_back(std::make_unique<PartitionStatus>());
    }
    auto node = std::make_unique<CafNode>(std::move(context));
    if (auto fault = node->begin()) return base::Failure{std::move(*fault)};
    return std::unique_ptr<Node>{std::move(node)};
}

}  // namespace crossclear::actors
