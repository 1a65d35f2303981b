#include "api/client.hpp"
#include "app/audit.hpp"
#include "app/service.hpp"
#include "shards/simulated/world.hpp"
#include "tests/integration/example.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

// An operator at a real socket of the real service, while a protocol loses tokens: the break opens,
// the lane freezes, the operator says who bears it, and the lane goes on.

namespace crossclear::tests {
namespace {

namespace json = boost::json;

constexpr auto patience_max = std::chrono::seconds(60);

// The operator: calls and waits.
class Operator {
public:
    explicit Operator(app::Service& service) : client_(api::Client::make(io_)) {
        api::ClientOptions where;
        where.port = service.port();
        bool is_in = false;
        client_->connect(where, [&](const std::string& why) {
            ASSERT_EQ(why, "");
            client_->authenticate("operator", "demo-operator-not-a-secret",
                                  [&](const api::ClientReply& reply) {
                                      ASSERT_TRUE(reply.is_result());
                                      is_in = true;
                                  });
        });
        run_until([&] { return is_in; });
    }

    api::ClientReply call(const std::string& method, const std::string& params) {
        std::optional<api::ClientReply> answer;
        client_->call(method, params, [&](api::ClientReply reply) { answer = std::move(reply); });
        run_until([&] { return answer.has_value(); });
        return answer.value_or(api::ClientReply{.code = 1, .value = {}});
    }

    // Alpha's lane to a shard.
    json::object lane(const std::string& shard) {
        const auto reply = call("operator/get_breaks", "{}");
        EXPECT_TRUE(reply.is_result()) << json::serialize(reply.value);
        for (const auto& lane : reply.value.as_object().at("lanes").as_array()) {
            const auto& one = lane.as_object();
            if (one.at("broker").as_int64() == 0 && one.at("shard").as_string() == shard.c_str()) {
                return one;
            }
        }
        return {};
    }

private:
    template <class Holds>
    void run_until(Holds holds) {
        const auto until = std::chrono::steady_clock::now() + patience_max;
        while (!holds() && std::chrono::steady_clock::now() < until) {
            io_.restart();
            io_.run_for(std::chrono::milliseconds(20));
        }
        EXPECT_TRUE(holds());
    }

    boost::asio::io_context io_;
    std::shared_ptr<api::Client> client_;
};

template <class Holds>
bool ask_until(Holds holds) {
    const auto until = std::chrono::steady_clock::now() + patience_max;
    while (std::chrono::steady_clock::now() < until) {
        if (holds()) return true;
    }
    return false;
}

TEST(ResolveBreak, OverTheWireOpensAFrozenLaneAgain) {
    const Directory directory("break");
    const auto config = example_in(directory.path());
    auto started = app::Service::start(
        config, [](actors::LogLevel, std::string_view, const actors::LogFields&) {});
    ASSERT_TRUE(started.has_value()) << started.error();
    auto& service = **started;
    ASSERT_TRUE(ask_until([&] { return service.node().readiness().is_ready; }));
    Operator by(service);
    const std::string shard = "aave-uniswap";
    const std::string look = fmt::format(R"({{"shard":"{}"}})", shard);
    // Both sides agree once the house is founded.
    ASSERT_TRUE(ask_until([&] {
        (void)by.call("operator/reconcile", look);
        return by.lane(shard).at("block").as_int64() > 0;
    }));
    EXPECT_TRUE(by.lane(shard).at("breaks").as_array().empty());

    const auto id = *config.listing.find_shard(shard);
    const auto usdc = *config.listing.find_asset("USDC");
    auto* world = dynamic_cast<shards::simulated::SimulatedWorld*>(&service.world());
    ASSERT_NE(world, nullptr) << "the world is inside";
    world->fail_protocol(id, usdc, base::Ppm{50'000});
    // Each call is a look; five in a row make it a break.
    ASSERT_TRUE(ask_until([&] {
        (void)by.call("operator/reconcile", look);
        return by.lane(shard).at("is_frozen").as_bool();
    }));
    const auto open = by.lane(shard).at("breaks").as_array().at(0).as_object();
    EXPECT_EQ(open.at("kind").as_string(), "unexplained_outflow");
    const std::string of(open.at("break").as_string());
    EXPECT_TRUE(of.starts_with("0/aave-uniswap/USDC/")) << of;

    api::CommandIds ids{7};
    const auto resolve =
        fmt::format(R"({{"break":"{}","resolution":"borne","reason":"a test","client_id":"{}"}})",
                    of, ids.next_text());
    const auto settled = by.call("operator/resolve_break", resolve);
    ASSERT_TRUE(settled.is_result()) << json::serialize(settled.value);
    EXPECT_FALSE(settled.value.as_object().at("is_frozen").as_bool());
    EXPECT_TRUE(by.call("operator/resolve_break", resolve).is_result()) << "safe to repeat";
    for (int i = 0; i < 8; ++i) (void)by.call("operator/reconcile", look);
    const auto after = by.lane(shard);
    EXPECT_FALSE(after.at("is_frozen").as_bool());
    EXPECT_TRUE(after.at("breaks").as_array().empty()) << json::serialize(after);

    service.stop(base::seconds(5));
    const auto report = app::audit(service.journal(), config.cluster, config.partitions, {});
    EXPECT_EQ(report.violations, std::vector<std::string>{});
}

}  // namespace
}  // namespace crossclear::tests
