#include "app/config.hpp"

#include "actors/gateway.hpp"
#include "app/journal.hpp"
#include "app/prices.hpp"
#include "app/service.hpp"
#include "tests/support/app/example_config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

using tests::example;
using tests::example_path;
using tests::example_with;

int line_of(const std::string& text, const std::string& what) {
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return 1 + static_cast<int>(
                   std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

TEST(Config, OfTheExampleIsThatOfTheDemo) {
    const auto config = load_config(example_path);
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    EXPECT_EQ(dump_config(*config), dump_config(demo_config({})));
    EXPECT_TRUE(check_config(example_path).is_ok);
    EXPECT_EQ(check_config(example_path).text, "ok\n");
}

TEST(Config, AnArchiveIsWrittenWhenTheLogIsTrimmed) {
    const auto archived = [](const std::string& is_trimmed) {
        return example_with("journal:", "is_trimmed: false",
                            "is_trimmed: " + is_trimmed + "\n  archive: /tmp/archive");
    };
    const auto right = parse_config(archived("true"), "right.yaml");
    ASSERT_TRUE(right.has_value()) << to_string(right.error());
    EXPECT_EQ(right->journal.archive, "/tmp/archive");
    const auto wrong = parse_config(archived("false"), "wrong.yaml");
    ASSERT_FALSE(wrong.has_value());
    EXPECT_NE(to_string(wrong.error()).find("journal.archive"), std::string::npos);
}

TEST(Config, SettingsAreTrustedInSingleModeOnly) {
    const auto config = parse_config(
        example_with("journal:", "mode: embedded",
                     "mode: single\n  endpoint: {host: redis, port: 1}\n  settings: trusted"),
        "single.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    EXPECT_TRUE(endpoints_of(*config).front().is_trusted);
    EXPECT_FALSE(parse_config(example_with("journal:", "mode: embedded",
                                           "mode: embedded\n  settings: trusted"),
                              "embedded.yaml")
                     .has_value());
}

TEST(Config, OfADemoIsWithoutFault) {
    for (const char* prices : {"", "market.csv"}) {
        const auto config = demo_config({.trades = 1,
                                         .accounts = 1,
                                         .prices = prices,
                                         .prices_from = {},
                                         .seed = 18'446'744'073'709'551'615ULL,
                                         .data_dir = "/tmp/it's here: #1",
                                         .duration = {}});
        EXPECT_EQ(faults_of(config), std::vector<ConfigFault>{});
        const auto text = dump_config(config);
        const auto read = parse_config(text, "dump");
        ASSERT_TRUE(read.has_value()) << to_string(read.error());
        EXPECT_EQ(dump_config(*read), text);
        EXPECT_EQ(read->data_dir, config.data_dir);
    }
}

TEST(Config, OfADemoKnowsHowManyKeptItsJournal) {
    const auto directory = std::filesystem::temp_directory_path() /
                           ("crossclear-config-" + std::to_string(::getpid()));
    const auto instances = [&] {
        return demo_config({.prices = {}, .prices_from = {}, .data_dir = directory, .duration = {}})
            .journal.instances;
    };
    EXPECT_EQ(instances(), 1);
    std::filesystem::create_directories(directory / "redis");
    EXPECT_EQ(instances(), 1);
    // Killed before the third had its directory.
    std::filesystem::create_directories(directory / "redis-2");
    EXPECT_EQ(instances(), 3);
    std::filesystem::create_directories(directory / "redis-3");
    EXPECT_EQ(instances(), 3);
    std::filesystem::remove_all(directory);
}

TEST(Config, KeepsEveryKindOfValue) {
    auto config = demo_config({});
    config.journal.mode = JournalConfig::Mode::single;
    config.journal.endpoint = {.socket_path = {},
                               .host = "redis",
                               .port = 6379,
                               .username = "true",
                               .password = "a: b # c \"d\" ~"};
    config.api.allowed_origins = {"https://example.org", "null"};
    config.actors.policy = ActorsConfig::Policy::sharing;
    config.keys.push_back({.id = "client",
                           .secret = "0123456789abcdef",
                           .accounts = {{base::account_id(base::BrokerId{1}, 7), 3},
                                        {base::account_id(base::BrokerId{0}, 17), 15}},
                           .service = 0});
    config.chains[0].faults.failed = {base::AssetId{4}};
    config.chains[0].block_time = base::Duration{1'234'567};
    const auto read = parse_config(dump_config(config), "dump");
    ASSERT_TRUE(read.has_value()) << to_string(read.error());
    EXPECT_EQ(dump_config(*read), dump_config(config));
    EXPECT_EQ(read->journal.endpoint.password, config.journal.endpoint.password);
    EXPECT_EQ(read->journal.endpoint.username, "true");
    EXPECT_EQ(read->keys[1].accounts, config.keys[1].accounts);
    EXPECT_EQ(read->chains[0].block_time, config.chains[0].block_time);
    EXPECT_EQ(read->chains[0].faults, config.chains[0].faults);
    EXPECT_EQ(read->universe, config.universe);
}

struct BadFile {
    const char* section;
    const char* from;
    const char* to;
    const char* path;
    const char* says;
};

// Each is refused with the line of what is wrong, its path and what was expected.
TEST(Config, RefusesWhatIsMalformedByLine) {
    const BadFile table[] = {
        {"brokers", "fee_ppm: 50", "fee_pm: 50", "brokers[0].fee_pm", "unknown key"},
        {"brokers", "fee_ppm: 50", "fee_pm: 50", "brokers[0].fee_ppm", "missing; expected"},
        {"cluster", "partitions: 8", "partitions: \"8\"", "partitions", "'8' in quotes"},
        {"cluster", "partitions: 8", "partitions: 0", "partitions", "from 1 to 256, found '0'"},
        {"cluster", "partitions: 8", "partitions: 257", "partitions", "from 1 to 256"},
        {"cluster", "partitions: 8", "partitions: 8.0", "partitions", "from 1 to 256"},
        {"cluster", "partitions: 8", "partitions: 0x8", "partitions", "from 1 to 256"},
        {"cluster", "partitions: 8", "partitions: -8", "partitions", "from 1 to 256"},
        {"cluster", "partitions: 8", "partitions: 99999999999999999999", "partitions", "256"},
        {"cluster", "partitions: 8", "partitions: [8]", "partitions", "found a list"},
        {"cluster", "partitions: 8", "partitions: {a: 8}", "partitions", "found a mapping"},
        {"cluster", "partitions: 8", "partitions:", "partitions", "found nothing"},
        {"cluster", "cluster: demo", "cluster: ~", "cluster", "found nothing"},
        {"cluster", "cluster: demo", "cluster: \"\"", "cluster", "a text of 1 to 64"},
        {"cluster", "data_dir: ", "partitions: 4\ndata_dir: ", "partitions", "given twice"},
        {"journal", "embedded", "sentinel", "journal.mode", "one of embedded, single, quorum"},
        {"api", "port: 7400", "port: 65536", "api.port", "from 0 to 65535"},
        {"api", "allowed_origins: []", "allowed_origins: all", "api.allowed_origins",
         "expected a list, found 'all'"},
        {"api", "idle_timeout: 2m", "idle_timeout: 120", "api.limits.idle_timeout", "a duration"},
        {"api", "idle_timeout: 2m", "idle_timeout: 2 m", "api.limits.idle_timeout", "a duration"},
        {"api", "idle_timeout: 2m", "idle_timeout: 0s", "api.limits.idle_timeout", "a duration"},
        {"api", "idle_timeout: 2m", "idle_timeout: 999999999999999d", "api.limits.idle_timeout",
         "a duration"},
        {"listing", "takes_margin: false", "takes_margin: no", "listing.shards[0].takes_margin",
         "true or false"},
        {"listing", "scale: 6", "scale: 10", "listing.assets[1].scale", "from 0 to 9"},
        {"listing", "base: sBTC", "base: BTC", "listing.instruments[0].base", "listed asset"},
        {"listing", "kind: linear_perpetual",
         "kind: dated_future\n      expiry: {at: 2026-02-30T08:00:00Z}",
         "listing.instruments[4].expiry.at", "such as 2026-12-25T08:00:00Z"},
        {"listing", "kind: linear_perpetual",
         "kind: dated_future\n      expiry: {at: 2026-12-25T08:00:00Z}",
         "risk.universe.instruments[6]", "a future if it is listed with an end"},
        {"listing", "kind: linear_perpetual",
         "kind: option\n      option: {type: straddle, strike: 60000}",
         "listing.instruments[4].option.type", "one of call, put"},
        {"listing", "kind: linear_perpetual",
         "kind: linear_perpetual\n      option: {type: put, strike: 60000}", "listing",
         "options have a type and a strike above 0, others none"},
        {"risk", "half_spread: 0.0001", "half_spread: .nan",
         "risk.universe.wrappers[0].half_spread", "a number"},
        {"risk", "half_spread: 0.0001", "half_spread: .inf",
         "risk.universe.wrappers[0].half_spread", "a number"},
        {"risk", "half_spread: 0.0001", "half_spread: 0.01%",
         "risk.universe.wrappers[0].half_spread", "a number"},
        {"risk", "half_spread: 0.0001", "half_spread: -0.0001",
         "risk.universe.wrappers[0].half_spread", "from 0 to 1, found -0.0001"},
        {"risk", "{name: USD, kind: cash}", "{name: USD, kind: spot, wrapper: USDC}",
         "risk.universe.instruments[0]", "expected kind cash"},
        {"risk", "wrapper: DAI, protocols: [maker]", "wrapper: DAI, protocols: [circle]",
         "risk.universe.instruments[2]", "expected maker among its protocols"},
        {"brokers", "amount: 20000000", "amount: 0.0000001", "brokers[0].capital[0].amount",
         "at most 6 decimals"},
        {"brokers", "amount: 20000000", "amount: -1", "brokers[0].capital[0].amount",
         "not negative"},
        {"brokers", "fee_floor_usd: 0.01", "fee_floor_usd: 0.001", "brokers[0].fee_floor_usd",
         "at most 2 decimals"},
        {"brokers", "source: capital", "source: loan", "brokers[0].capital[0].source", "one of"},
        {"brokers", "- name: alpha", "- alpha\n  - name: alpha", "brokers[0]",
         "expected a mapping, found 'alpha'"},
        {"keys", "accounts: {}", "accounts: {0-01: [viewer]}", "keys[0].accounts.0-01",
         "<broker>-<number>"},
        {"keys", "accounts: {}", "accounts: {0-1: [admin]}", "keys[0].accounts.0-1[0]",
         "one of viewer"},
        {"world", "mode: inside", "mode: outside", "world.mode", "one of inside, remote"},
        {"world", "mode: inside", "mode: remote", "world.endpoint", "missing; expected a path"},
        {"world", "mode: inside", "mode: inside\n  endpoint: /run/w", "world.endpoint",
         "unknown key"},
        {"world", "mode: inside", "mode: remote\n  endpoint: world", "world.endpoint",
         "or host:port, found 'world'"},
        {"world", "mode: inside", "mode: remote\n  endpoint: world:0", "world.endpoint",
         "or host:port"},
        {"world", "mode: inside", "{}", "world.mode", "missing; expected one of"},
        {"node", "mode: alone", "mode: many", "node.mode", "one of alone, cluster"},
        {"node", "mode: alone", "mode: cluster\n  name: a\n  address: 0.0.0.0", "node.port",
         "missing"},
        {"node", "mode: alone", "mode: alone\n  name: a", "node.name", "unknown key"},
        {"keys", "secret: demo", "secret: short #", "keys[0].secret", "16 to 256"},
    };
    for (const auto& bad : table) {
        const auto text = example_with(bad.section, bad.from, bad.to);
        const auto config = parse_config(text, "it.yaml");
        ASSERT_FALSE(config.has_value()) << bad.to;
        const auto& faults = config.error().faults;
        const auto found = std::find_if(faults.begin(), faults.end(),
                                        [&](const auto& fault) { return fault.path == bad.path; });
        ASSERT_NE(found, faults.end()) << bad.to << "\n" << to_string(config.error());
        EXPECT_NE(found->says.find(bad.says), std::string::npos) << found->says;
        EXPECT_GT(found->line, 0) << bad.to;
        EXPECT_NE(to_string(config.error()).find("it.yaml:"), std::string::npos);
    }
}

TEST(Config, KeepsTheWorldInsideUnlessItSaysOtherwise) {
    auto text = example_with("world", "world:\n  mode: inside\n", "");
    auto config = parse_config(text, "it.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    EXPECT_EQ(config->world.mode, WorldPlace::Mode::inside);
    for (const char* endpoint : {"/run/world.sock", "world:7500", "[::1]:7500"}) {
        text = example_with("world", "mode: inside",
                            std::string("mode: remote\n  endpoint: \"") + endpoint + '"');
        config = parse_config(text, "it.yaml");
        ASSERT_TRUE(config.has_value()) << to_string(config.error());
        EXPECT_EQ(config->world.mode, WorldPlace::Mode::remote);
        EXPECT_EQ(shards::simulated::to_string(config->world.endpoint), endpoint);
        const auto read = parse_config(dump_config(*config), "dump");
        ASSERT_TRUE(read.has_value()) << to_string(read.error());
        EXPECT_EQ(read->world.endpoint, config->world.endpoint);
    }
}

TEST(Config, KeepsTheNodeAloneUnlessItSaysOtherwise) {
    auto text = example_with("node", "node:\n  mode: alone\n", "");
    auto config = parse_config(text, "it.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    EXPECT_EQ(config->node.mode, NodeConfig::Mode::alone);

    text = example_with("node", "mode: alone",
                        "mode: cluster\n  name: a\n  address: 0.0.0.0\n  port: 7500\n  lease: 3s");
    config = parse_config(text, "it.yaml");
    ASSERT_FALSE(config.has_value()) << "a journal and a world of its own";
    const auto says = to_string(config.error());
    EXPECT_NE(says.find("journal.mode: nodes of a cluster share a Redis"), std::string::npos)
        << says;
    EXPECT_NE(says.find("world.mode: nodes of a cluster share one world"), std::string::npos)
        << says;
}

TEST(Config, NamesTheVeryLine) {
    const auto text = example_with("brokers", "price_bound_ppm: 20000", "price_bound_ppm: many");
    const auto config = parse_config(text, "it.yaml");
    ASSERT_FALSE(config.has_value());
    ASSERT_EQ(config.error().faults.size(), 1U);
    EXPECT_EQ(config.error().faults[0].line, line_of(text, "price_bound_ppm: many"));
}

TEST(Config, NamesAllThatIsWrongAtOnce) {
    auto text = example_with("cluster", "partitions: 8", "partitions: x");
    text.replace(text.find("policy: sharing"), 15, "policy: lazy");
    text += "colour: blue\n";
    const auto config = parse_config(text, "it.yaml");
    ASSERT_FALSE(config.has_value());
    ASSERT_EQ(config.error().faults.size(), 3U) << to_string(config.error());
    EXPECT_EQ(config.error().faults[0].path, "partitions");
    EXPECT_EQ(config.error().faults[1].path, "actors.policy");
    EXPECT_EQ(config.error().faults[2].path, "colour");
}

TEST(Config, RefusesWhatIsNoDocument) {
    for (const char* text : {"", "# nothing\n", "- a\n- b\n", "text", "a: [", "a: b: c", "\t- x",
                             "cluster: a\n---\ncluster: b\n", "a: *nowhere", "? {a: b}\n: c\n"}) {
        const auto config = parse_config(text, "it.yaml");
        ASSERT_FALSE(config.has_value()) << text;
        EXPECT_FALSE(config.error().faults.empty());
    }
    EXPECT_FALSE(
        parse_config(std::string(std::size_t{5} * 1'024 * 1'024, ' '), "it.yaml").has_value());
    EXPECT_FALSE(parse_config(std::string(100'000, '['), "it.yaml").has_value());
    const auto missing = check_config("/nowhere/config.yaml");
    EXPECT_FALSE(missing.is_ok);
    EXPECT_EQ(missing.text, "/nowhere/config.yaml: cannot be opened\n");
    EXPECT_FALSE(load_config("/tmp").has_value());
}

TEST(Config, NeverRepeatsASecret) {
    const auto text = example_with("keys", "secret: demo-operator-not-a-secret", "secret: hunter2");
    const auto config = parse_config(text, "it.yaml");
    ASSERT_FALSE(config.has_value());
    EXPECT_NE(to_string(config.error()).find("keys[0].secret"), std::string::npos);
    EXPECT_EQ(to_string(config.error()).find("hunter2"), std::string::npos);
}

struct Contradiction {
    std::function<void(Config&)> make;
    const char* path;
    const char* says;
};

void expect_refused(const Contradiction& row) {
    auto config = demo_config({});
    row.make(config);
    const auto faults = faults_of(config);
    const auto is_it = [&](const ConfigFault& fault) {
        return fault.path == row.path && fault.says.find(row.says) != std::string::npos;
    };
    EXPECT_TRUE(std::any_of(faults.begin(), faults.end(), is_it))
        << row.path << " " << row.says << "\n"
        << to_string({.file = "found", .faults = faults});
}

TEST(ConfigContradictions, OfTheWorldAreRefused) {
    const Contradiction table[] = {
        {[](Config& c) { c.journal.mode = JournalConfig::Mode::single; }, "journal.endpoint",
         "either unix, or host and port"},
        {[](Config& c) {
             c.journal = {.mode = JournalConfig::Mode::single,
                          .endpoint = {"/run/redis.sock", "redis", 6379, "", ""},
                          .endpoints = {}};
         },
         "journal.endpoint", "either unix"},
        {[](Config& c) { c.journal.instances = 2; }, "journal.instances", "an odd number"},
        {[](Config& c) { c.journal.mode = JournalConfig::Mode::quorum; }, "journal.endpoints",
         "an odd number"},
        {[](Config& c) {
             c.journal.mode = JournalConfig::Mode::quorum;
             c.journal.endpoints = {{"/a", "", 0, "", ""}, {"/b", "", 0, "", ""}, {}};
         },
         "journal.endpoints[2]", "either unix"},
        {[](Config& c) {
             c.journal.mode = JournalConfig::Mode::quorum;
             c.journal.endpoints = {
                 {"/a", "", 0, "", ""}, {"/b", "", 0, "", ""}, {"/a", "", 0, "", ""}};
         },
         "journal.endpoints[2]", "repeats"},
        {[](Config& c) { c.api.ops_port = c.api.port; }, "api.ops_port", "of their own"},
        {[](Config& c) { c.listing.assets[1].symbol = "USD"; }, "listing", "listed twice"},
        {[](Config& c) { c.listing.shards[0].assets.pop_back(); }, "listing.shards[0].assets",
         "lacks sETH"},
        {[](Config& c) { c.price_columns.pop_back(); }, "listing.assets", "a price column"},
        {[](Config& c) {
             c.marks.source = MarksConfig::Source::csv;
             c.price_columns[3].clear();
         },
         "listing.assets[3]", "missing price_column: ETH"},
        {[](Config& c) {
             c.marks.source = MarksConfig::Source::csv;
             c.marks.from = "May 2022";
         },
         "marks.from", "expected an hour"},
        {[](Config& c) { c.marks.walks.pop_back(); }, "marks.walks", "no walk moves ETH"},
        {[](Config& c) { c.universe.instruments.pop_back(); }, "risk.universe.instruments",
         "expected aDAI, which is listed"},
        {[](Config& c) { c.universe.underlyings[1].range = 1.5; },
         "risk.universe.underlyings[1].range", "from 1e-06 to 0.999999"},
        {[](Config& c) { c.chains.pop_back(); }, "simulated", "no chain for perpetuals"},
        {[](Config& c) { c.chains[1].shard = c.chains[0].shard; }, "simulated[1]", "repeats"},
        {[](Config& c) { c.chains[0].venues.pop_back(); }, "simulated[0].venues", "every"},
        {[](Config& c) { c.chains[0].venues[0].capacity_per_block = {}; }, "simulated[0].venues[0]",
         "must not be 0"},
    };
    for (const auto& row : table) expect_refused(row);
}

TEST(ConfigContradictions, OfBrokersAndKeysAreRefused) {
    const Contradiction table[] = {
        {[](Config& c) { c.brokers.clear(); }, "brokers", "at least one"},
        {[](Config& c) { c.brokers[1].name = "alpha"; }, "brokers[1]", "repeats"},
        {[](Config& c) { c.brokers[0].instruments.clear(); }, "brokers[0].instruments", "one"},
        {[](Config& c) { c.brokers[0].hedge.bands.pop_back(); }, "brokers[0].hedge.bands",
         "no band for DAI"},
        {[](Config& c) { c.brokers[0].hedge.spread_time = c.brokers[0].hedge.deadline; },
         "brokers[0].hedge.spread_time", "before the deadline"},
        {[](Config& c) { c.brokers[0].account_notional_max_cents = 1; },
         "brokers[0].trade_notional_max_usd", "exceeds"},
        {[](Config& c) { c.brokers[0].capital[0].asset = base::AssetId{2}; },
         "brokers[0].capital[0]", "synthetix does not hold"},
        {[](Config& c) { c.brokers[0].capital[0].amount = {}; }, "brokers[0].capital[0]", "zero"},
        {[](Config& c) { c.brokers[0].venue_margin[0].amount.v *= 10; },
         "brokers[0].venue_margin[0]", "more than"},
        {[](Config& c) { c.brokers[0].venue_margin[0].shard = base::ShardId{0}; },
         "brokers[0].venue_margin[0]", "takes no margin"},
        {[](Config& c) { c.keys.push_back(c.keys[0]); }, "keys[2]", "repeats"},
        {[](Config& c) { c.keys[0].accounts[base::account_id(base::BrokerId{2}, 1)] = 1; },
         "keys[0].accounts.2-1", "no broker"},
        {[](Config& c) { c.keys[0].accounts[base::account_id(base::BrokerId{0}, 1)] = 32; },
         "keys[0].accounts.0-1", "an account's scopes"},
        {[](Config& c) { c.keys[0].service = 2; }, "keys[0].scopes", "scopes of the service"},
        {[](Config& c) { c.demo_master_secret = "short"; }, "demo_master_secret", "16"},
    };
    for (const auto& row : table) expect_refused(row);
}

TEST(Config, PutsEachBrokersCapitalIntoTheGenesis) {
    const auto config = demo_config({});
    const auto chains = chains_of(config);
    ASSERT_EQ(chains.size(), 3U);
    const auto usdc = *config.listing.find_asset("USDC");
    const auto alpha =
        std::find_if(chains[2].genesis.begin(), chains[2].genesis.end(),
                     [&](const auto& line) { return line.broker.v == 0 && line.asset == usdc; });
    ASSERT_NE(alpha, chains[2].genesis.end());
    EXPECT_EQ(alpha->held, base::Amount{23'000'000'000'000});  // Capital, insurance and fund.
    EXPECT_EQ(chains[0].genesis.size(), 7U);
}

}  // namespace
}  // namespace crossclear::app
