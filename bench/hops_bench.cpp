#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <caf/all.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

// How many messages CAF carries over two hops: from a source over a relay to a sink, as a trade
// goes from its session over its account to the journal. The sink returns a credit for every burst,
// so that mailboxes stay short.

namespace crossclear::bench {

/// The sink has taken a burst.
struct Credit {};
using Source = caf::typed_actor<caf::result<void>(Credit)>;

/// About what a request weighs, with the way back that requests carry.
struct Parcel {
    std::uint64_t number{};
    std::array<std::uint64_t, 12> words{};
    Source from;
};
using Sink = caf::typed_actor<caf::result<void>(Parcel)>;

}  // namespace crossclear::bench

CAF_BEGIN_TYPE_ID_BLOCK(bench, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(bench, (crossclear::bench::Credit))
CAF_ADD_TYPE_ID(bench, (crossclear::bench::Parcel))
CAF_END_TYPE_ID_BLOCK(bench)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::bench::Credit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::bench::Parcel)

namespace crossclear::bench {
namespace {

constexpr std::uint64_t burst = 64;
// Bursts on their way from one source.
constexpr int bursts_open = 2;
// As many sources as the demo has connections.
constexpr int lanes = 8;

// A line of its own in the cache, so that sinks do not slow each other down.
struct alignas(64) Count {
    std::atomic<std::uint64_t> value{};
};

Sink::behavior_type sink(Sink::stateful_pointer<caf::unit_t> self, Count* count) {
    return {[self, count](const Parcel& parcel) {
        count->value.fetch_add(1, std::memory_order_relaxed);
        if (parcel.number % burst == 0) self->send(parcel.from, Credit{});
    }};
}

Sink::behavior_type relay(Sink::stateful_pointer<caf::unit_t> self, const Sink& next) {
    return {[self, next](Parcel& parcel) { self->send(next, std::move(parcel)); }};
}

Source::behavior_type source(Source::stateful_pointer<std::uint64_t> self, const Sink& next) {
    return {[self, next](Credit) {
        for (std::uint64_t i = 0; i < burst; ++i) {
            self->send(next, Parcel{++self->state, {}, caf::actor_cast<Source>(self)});
        }
    }};
}

double per_second(const std::string& policy, double seconds) {
    caf::actor_system_config config;
    config.set("caf.scheduler.policy", policy);
    config.set("caf.scheduler.max-threads", std::max(1U, std::thread::hardware_concurrency()));
    caf::actor_system system{config};
    std::vector<Count> counts(lanes);
    std::vector<caf::actor> all;
    for (auto& count : counts) {
        const auto last = system.spawn(sink, &count);
        const auto middle = system.spawn(relay, last);
        const auto first = system.spawn(source, middle);
        for (int i = 0; i < bursts_open; ++i) caf::anon_send(first, Credit{});
        all.push_back(caf::actor_cast<caf::actor>(first));
        all.push_back(caf::actor_cast<caf::actor>(middle));
        all.push_back(caf::actor_cast<caf::actor>(last));
    }
    const auto arrived = [&] {
        std::uint64_t sum = 0;
        for (const auto& count : counts) sum += count.value.load(std::memory_order_relaxed);
        return sum;
    };
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto begun = std::chrono::steady_clock::now();
    const auto before = arrived();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const auto after = arrived();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    for (const auto& actor : all) caf::anon_send_exit(actor, caf::exit_reason::kill);
    all.clear();
    system.await_all_actors_done();
    return static_cast<double>(after - before) / took.count();
}

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    CLI::App app{"Messages a second over two hops between CAF actors, by scheduler policy."};
    double seconds = 4;
    app.add_option("--seconds", seconds, "Length of each measurement");
    CLI11_PARSE(app, argc, argv);
    caf::init_global_meta_objects<caf::id_block::bench>();
    caf::core::init_global_meta_objects();
    boost::json::object line;
    for (const std::string policy : {"sharing", "stealing"}) {
        line[policy] =
            boost::json::object{{"per_second", crossclear::bench::per_second(policy, seconds)}};
    }
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
