#include "api/client.hpp"
#include "app/audit.hpp"
#include "app/service.hpp"
#include "base/decimal.hpp"
#include "base/listing.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/journal/codec.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// The real service through a real week: 2022-05-07 to 2022-05-13, hour by hour, with clients on
// real sockets trading all the while. LUNA loses 99.9999 %, its stablecoin three quarters.
//
// No account is liquidated: this version computes the maintenance margin and does not act on it.
// So what a client loses beyond its collateral has to stand as its debt, to the last unit.

namespace crossclear::tests {
namespace {

using base::Amount;
using base::Price;
using ledger::Chart;
namespace account = ledger::account;
namespace netting = ledger::netting;

constexpr auto patience = std::chrono::seconds(120);
constexpr std::int64_t order_cents = 300'00;
constexpr std::int64_t deposit_usdc = 15'000;
constexpr base::BrokerId alpha{0};
constexpr auto long_side = base::account_id(alpha, 1);

const std::filesystem::path source{CROSSCLEAR_SOURCE_DIR};
const std::filesystem::path prices = source / "../shared/data/market_hourly.csv";

// A directory of its own that goes with the test.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "luna-XXXXXX").string();
        CHECK(mkdtemp(name.data()) != nullptr, "a test has a place for its files");
        path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

void replace(std::string& text, const std::string& from, const std::string& to) {
    const auto place = text.find(from);
    CHECK(place != std::string::npos, "the configuration has a place for it");
    text.replace(place, from.size(), to);
}

app::Config config_in(const std::filesystem::path& directory) {
    std::ifstream in(source / "tests/integration/luna_week.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    std::string yaml = text.str();
    replace(yaml, "data_dir: DATA", "data_dir: " + directory.string());
    replace(yaml, "path: PRICES", "path: " + prices.string());
    auto config = app::parse_config(yaml, "luna_week.yaml");
    if (!config) ADD_FAILURE() << to_string(config.error());
    CHECK(config.has_value(), "the test's configuration is without fault");
    return std::move(*config);
}

// What clients were told, by what they asked for and when.
struct Told {
    std::uint64_t cleared{};
    std::map<std::string, std::uint64_t> refused;
    std::vector<std::string> untyped;  ///< Answers that are neither: there must be none.
};

// One connection for four clients. Every mark of LUNA makes each of them trade once or twice.
class Desk {
public:
    enum Who : std::uint8_t { buyer = 1, seller = 2, both = 3, saver = 4 };

    Desk(boost::asio::io_context& io, app::Service& service, const app::Config& config)
        : service_(service), config_(config), client_(api::Client::make(io)) {}

    void open(std::function<void()> ready) {
        client_->on_notification = [this](const boost::json::object& message) { on_mark(message); };
        client_->on_close = [this](std::uint16_t, const std::string&) { is_open_ = false; };
        api::ClientOptions where;
        where.port = service_.port();
        client_->connect(where, [this, ready](const std::string& why) {
            ASSERT_EQ(why, "");
            is_open_ = true;
            client_->authenticate("desk", "luna-week-desk-not-a-secret",
                                  [this, ready](const api::ClientReply& reply) {
                                      ASSERT_TRUE(reply.is_result());
                                      client_->call(
                                          "private/subscribe",
                                          R"({"channels":["marks.LUNA-PERP","marks.UST"]})",
                                          [ready](const api::ClientReply& joined) {
                                              ASSERT_TRUE(joined.is_result());
                                              ready();
                                          });
                                  });
        });
    }

    void trade(bool is_on) { is_trading_ = is_on; }
    void close() { client_->close(); }
    [[nodiscard]] bool is_idle() const { return in_flight_ == 0; }
    [[nodiscard]] bool is_open() const { return is_open_; }
    [[nodiscard]] const Told& told(bool is_late) const { return is_late ? late_ : early_; }
    [[nodiscard]] api::Client& client() { return *client_; }

    // Buys or sells for some dollars, `answered` gets the refusal or an empty text.
    void order(Who who, std::string_view symbol, bool is_buy, std::int64_t cents,
               std::function<void(std::string)> answered = {}) {
        const auto instrument = *config_.listing.find_instrument(symbol);
        const auto mark = marks_.find(std::string(symbol));
        if (mark == marks_.end() || mark->second.v <= 0) return;
        const auto& asset = config_.listing.asset(config_.listing.instrument(instrument).base);
        const auto units =
            base::multiply_divide(cents * 10'000'000, base::power_of_ten(asset.scale),
                                  mark->second.v, base::Rounding::down);
        ASSERT_TRUE(units.has_value()) << symbol;
        const Price limit{is_buy ? mark->second.v * 2
                                 : std::max<std::int64_t>(1, mark->second.v / 2)};
        const auto params =
            fmt::format(R"({{"account":"0-{}","instrument":"{}","side":"{}","quantity":"{}",)"
                        R"("limit_price":"{}","time_in_force":"ioc","client_id":"{}"}})",
                        static_cast<int>(who), symbol, is_buy ? "buy" : "sell",
                        base::format_decimal(*units, asset.scale),
                        base::format_decimal(limit.v, base::price_scale), ids_.next_text());
        ++in_flight_;
        client_->call("private/submit_trade", params,
                      [this, answered](const api::ClientReply& reply) {
                          --in_flight_;
                          const auto reason = note(reply);
                          if (answered) answered(reason);
                      });
    }

private:
    // The first two days fall by a quarter; what comes after is another market.
    [[nodiscard]] bool is_late() const {
        return service_.feed()->source_time() >= *app::parse_hour("2022-05-09T12:00Z");
    }

    std::string note(const api::ClientReply& reply) {
        auto& told = is_late() ? late_ : early_;
        if (reply.is_result()) {
            ++told.cleared;
            return "";
        }
        const auto* error = reply.value.if_object();
        const auto* data = error == nullptr ? nullptr : error->if_contains("data");
        const auto* reason = data == nullptr || !data->is_object()
                                 ? nullptr
                                 : data->as_object().if_contains("reason");
        const bool is_typed =
            reply.code >= 11'000 && reply.code < 14'000 && reason != nullptr && reason->is_string();
        if (!is_typed) {
            told.untyped.push_back(boost::json::serialize(reply.value));
            return "untyped";
        }
        std::string name(reason->as_string());
        ++told.refused[name];
        return name;
    }

    void on_mark(const boost::json::object& message) {
        const auto& marks =
            message.at("params").as_object().at("data").as_object().at("marks").as_array();
        for (const auto& mark : marks) {
            const std::string symbol(mark.as_object().at("asset").as_string());
            const auto price = base::parse_decimal(
                std::string_view(mark.as_object().at("price").as_string()), base::price_scale);
            ASSERT_TRUE(price.has_value());
            // Sizes and limits come from the last price above zero.
            if (*price > 0) marks_[symbol] = Price{*price};
            if (symbol == "LUNA-PERP" && is_trading_) trade_once();
        }
    }

    void trade_once() {
        ++rounds_;
        order(buyer, "LUNA-PERP", true, order_cents);
        order(buyer, "LUNA-PERP", true, order_cents);
        order(seller, "LUNA-PERP", false, order_cents);
        order(both, "LUNA-PERP", rounds_ % 2 == 0, order_cents);
        order(saver, "UST", rounds_ % 3 != 0, order_cents);
    }

    app::Service& service_;
    const app::Config& config_;
    std::shared_ptr<api::Client> client_;
    api::CommandIds ids_{20220507};
    std::map<std::string, Price> marks_;
    Told early_;
    Told late_;
    std::uint64_t rounds_{};
    std::uint64_t in_flight_{};
    bool is_trading_{};
    bool is_open_{};
};

// Runs the clients until it is so.
[[nodiscard]] bool run_until(boost::asio::io_context& io, const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io.run_for(std::chrono::milliseconds(20));
        if (io.stopped()) io.restart();
    }
    return true;
}

// What one account's events say it should stand at, without looking at its balances.
struct Expected {
    base::Wide usdc{};           ///< Paid in, earned and lost.
    base::Wide contract_cash{};  ///< Given for contracts, received negative.
    base::Wide variation{};
};

// The whole journal, record by record.
struct Week {
    std::map<base::PartitionId, ledger::Partition> partitions;
    std::map<base::AccountId, Expected> expected;
    std::map<std::uint64_t, Amount> owed;  ///< By the long side, at each of its versions.
    std::uint64_t venue_variations{};
    std::uint64_t liquidations{};
    std::uint64_t variations{};
    std::uint64_t margin_moves{};
    Price lowest{INT64_MAX};  ///< That a contract was traded at.
    base::Wide posted_min{};
};

void count(Week& week, const ledger::Entry& entry, base::AssetId usdc) {
    if (const auto* event = std::get_if<netting::Event>(&entry.event)) {
        if (const auto* variation = std::get_if<netting::VenueVariation>(event)) {
            ++week.venue_variations;
            if (variation->closed != Amount{0}) ++week.liquidations;
        } else if (const auto* move = std::get_if<netting::MoveOpened>(event)) {
            if (move->purpose != ledger::instruction::Purpose::move) ++week.margin_moves;
        }
    }
    const auto* event = std::get_if<account::Event>(&entry.event);
    if (event == nullptr) return;
    auto& expected = week.expected[base::AccountId{entry.entity.id}];
    if (const auto* trade = std::get_if<account::TradeNovated>(event)) {
        expected.usdc -= trade->fee.v;
        if (trade->is_contract) {
            expected.contract_cash -= trade->cash.v;
            week.lowest = std::min(week.lowest, trade->price);
        } else {
            expected.usdc += trade->cash.v;
        }
    } else if (const auto* settled = std::get_if<account::VariationSettled>(event)) {
        ++week.variations;
        expected.variation += settled->change.v;
        expected.usdc += settled->change.v;
    } else if (const auto* cash = std::get_if<account::ClaimsCashSettled>(event)) {
        expected.usdc += cash->cash.v;
    } else if (const auto* noted = std::get_if<account::DepositNoted>(event)) {
        const bool is_paid_in = noted->finality == ledger::Finality::final && noted->asset == usdc;
        if (is_paid_in) expected.usdc += noted->amount.v;
    }
}

Week read_back(app::Service& service, const app::Config& config) {
    Week week;
    const auto usdc = *config.listing.find_asset("USDC");
    const auto venue = *config.listing.find_shard("perpetuals");
    for (std::uint16_t i = 0; i < config.partitions; ++i) {
        const base::PartitionId id{i};
        auto& partition = week.partitions[id];
        partition.id = id;
        partition.partitions = config.partitions;
        std::uint64_t next = 1;
        while (true) {
            std::promise<ledger::journal::ReadOutcome> promise;
            service.journal().read(id, next, 512, [&](ledger::journal::ReadOutcome outcome) {
                promise.set_value(std::move(outcome));
            });
            const auto outcome = promise.get_future().get();
            const auto* read = std::get_if<ledger::journal::ReadRecords>(&outcome);
            CHECK(read != nullptr, "the journal can be read");
            if (read->records.empty()) break;
            for (const auto& record : read->records) {
                next = record.head.seq + 1;
                const auto entries = ledger::journal::decode_payload(record.payload);
                CHECK(entries.has_value(), "what was written can be read");
                for (const auto& entry : *entries) {
                    count(week, entry, usdc);
                    ledger::replay(partition, entry);
                    if (entry.entity != base::entity_of(long_side)) continue;
                    const auto& state = partition.accounts.at(long_side);
                    week.owed[state.version] = account::holding_of(state, usdc).recv;
                }
                week.posted_min =
                    std::min(week.posted_min,
                             ledger::balance_at(partition.book, alpha, Chart::posted, venue, usdc));
            }
        }
    }
    return week;
}

// Goal: nothing is invented and nothing forgiven. What an account holds and owes is what it paid in
// and what its trades and contracts did, and it never holds and owes at once.
void expect_debts_to_be_losses(const Week& week, const app::Config& config) {
    const auto usdc = *config.listing.find_asset("USDC");
    const auto contract = *config.listing.find_asset("LUNA-PERP");
    base::Wide owed = 0;
    for (const auto& [id, expected] : week.expected) {
        const auto& state =
            week.partitions.at(base::partition_of(id, config.partitions)).accounts.at(id);
        const auto& holding = account::holding_of(state, usdc);
        EXPECT_TRUE(holding.free.v + holding.unsettled.v + holding.held.v - holding.recv.v ==
                    expected.usdc)
            << base::to_string(id);
        EXPECT_TRUE(holding.recv.v == 0 || (holding.free.v == 0 && holding.unsettled.v == 0))
            << base::to_string(id) << " holds and owes at once";
        const auto position = state.contracts.find(contract);
        const std::int64_t value =
            position == state.contracts.end() ? 0 : position->second.settled_value.v;
        EXPECT_TRUE(expected.variation == value - expected.contract_cash) << base::to_string(id);
        owed += holding.recv.v;
    }
    EXPECT_TRUE(owed > 0) << "who bought LUNA on margin all week lost more than it had";
}

struct Asked {
    std::string stale;
    std::string zero;
    std::string owed;          ///< By the long side.
    std::uint64_t sequence{};  ///< The account's then; losses go on coming.
};

// After the last hour LUNA has no price any more; then it has one, and it is zero.
Asked ask_at_the_end(boost::asio::io_context& io, app::Service& service, Desk& desk) {
    Asked asked;
    const auto now = [] { return base::wall_clock_now(); };
    const auto surface = [&] { return service.node().context().brokers[0]->surface.load(); };
    const auto luna = *service.node().listing().find_instrument("LUNA-PERP");
    const auto luna_units = service.node().listing().instrument(luna).base;
    EXPECT_TRUE(run_until(io, [&] { return !surface()->is_instrument_fresh(luna, now()); }));
    bool is_answered = false;
    desk.order(Desk::seller, "LUNA-PERP", false, order_cents, [&](const std::string& reason) {
        asked.stale = reason;
        is_answered = true;
    });
    EXPECT_TRUE(run_until(io, [&] { return is_answered; }));

    // As an oracle would publish it, or a feed tell it.
    is_answered = false;
    service.node().publish_marks(
        {.marks = {{.asset = luna_units, .price = Price{0}}}, .at = base::wall_clock_now()});
    EXPECT_TRUE(run_until(io, [&] { return surface()->mark(luna_units).price == Price{0}; }));
    desk.order(Desk::seller, "LUNA-PERP", false, order_cents, [&](const std::string& reason) {
        asked.zero = reason;
        is_answered = true;
    });
    EXPECT_TRUE(run_until(io, [&] { return is_answered; }));

    is_answered = false;
    desk.client().call("private/get_account", R"({"account":"0-1"})",
                       [&](const api::ClientReply& reply) {
                           is_answered = true;
                           ASSERT_TRUE(reply.is_result());
                           const auto& account = reply.value.as_object();
                           asked.sequence = account.at("sequence").to_number<std::uint64_t>();
                           for (const auto& line : account.at("balances").as_array()) {
                               if (line.as_object().at("asset").as_string() != "USDC") continue;
                               asked.owed = line.as_object().at("owed").as_string();
                           }
                       });
    EXPECT_TRUE(run_until(io, [&] { return is_answered; }));
    return asked;
}

void pay_in(boost::asio::io_context& io, app::Service& service, const app::Config& config) {
    const auto usdc = *config.listing.find_asset("USDC");
    const auto terra = *config.listing.find_shard("terra");
    const auto& figures = service.node().context().brokers[0]->figures;
    ASSERT_TRUE(run_until(io, [&] { return figures.is_founded && figures.moves_open == 0; }));
    for (std::uint64_t number = 1; number <= 4; ++number) {
        const auto sent = service.world().deposit(terra, base::account_id(alpha, number), usdc,
                                                  Amount{deposit_usdc * 1'000'000});
        ASSERT_TRUE(sent.has_value());
    }
    ASSERT_TRUE(run_until(io, [&] { return figures.deposits_final == 4; }));
}

TEST(LunaWeek, EveryDebtIsALossAndNoMarginGoesNegative) {
    if (!std::filesystem::exists(prices)) GTEST_SKIP() << prices << " is not there";
    const Scratch scratch;
    const auto config = config_in(scratch.path());
    auto started = app::Service::start(
        config, [](actors::LogLevel, std::string_view, const actors::LogFields&) {});
    ASSERT_TRUE(started.has_value()) << started.error();
    auto& service = **started;
    boost::asio::io_context io;
    ASSERT_TRUE(run_until(io, [&] { return service.node().readiness().is_ready; }));
    Desk desk(io, service, config);
    bool is_open = false;
    desk.open([&] { is_open = true; });
    ASSERT_TRUE(run_until(io, [&] { return is_open; }));
    pay_in(io, service, config);

    desk.trade(true);
    ASSERT_TRUE(run_until(io, [&] { return service.feed()->is_exhausted(); }));
    desk.trade(false);
    ASSERT_TRUE(run_until(io, [&] { return desk.is_idle(); }));
    const auto asked = ask_at_the_end(io, service, desk);
    EXPECT_TRUE(desk.is_open()) << "no answer cost the connection";
    const auto& figures = service.node().context().brokers[0]->figures;
    EXPECT_TRUE(run_until(io, [&] { return figures.hedges_open == 0 && figures.moves_open == 0; }));
    EXPECT_EQ(figures.breaks_open, 0U);
    desk.close();
    EXPECT_TRUE(run_until(io, [&] { return !desk.is_open(); }));
    service.stop(base::seconds(5));

    for (const bool is_late : {false, true}) {
        EXPECT_EQ(desk.told(is_late).untyped, std::vector<std::string>{});
        EXPECT_GT(desk.told(is_late).cleared, 100U);
    }
    auto early = desk.told(false).refused;
    auto late = desk.told(true).refused;
    EXPECT_GT(late["margin_insufficient"], early["margin_insufficient"] + 50);
    EXPECT_EQ(asked.stale, "price_is_stale");
    EXPECT_EQ(asked.zero, "price_is_stale") << "nobody can sell for nothing";

    const auto report = app::audit(service.journal(), config.cluster, config.partitions,
                                   {.is_at_rest = true, .history = app::shard_history_of(config)});
    EXPECT_EQ(report.violations, std::vector<std::string>{});
    const auto week = read_back(service, config);
    EXPECT_TRUE(week.posted_min >= 0);
    EXPECT_GT(week.variations, 20U);
    EXPECT_GT(week.venue_variations, 10U);
    EXPECT_GT(week.margin_moves, 1U) << "more than what the house was founded with";
    EXPECT_LT(week.lowest, Price{1'000'000}) << "traded at less than a tenth of a cent";
    expect_debts_to_be_losses(week, config);
    EXPECT_EQ(asked.owed, base::format_decimal(week.owed.at(asked.sequence).v, 6));
    RecordProperty("liquidations", static_cast<int>(week.liquidations));
}

}  // namespace
}  // namespace crossclear::tests
