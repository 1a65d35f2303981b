#include "api/client.hpp"
#include "app/audit.hpp"
#include "app/service.hpp"
#include "base/decimal.hpp"
#include "base/listing.hpp"
#include "tests/support/app/collapse_books.hpp"
#include "tests/support/run_until.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// The real service through real weeks, hour by hour, with clients on real sockets that trade on
// margin all the while: 2022-05-07 to 2022-05-13, when LUNA lost 99.9999 % and its stablecoin three
// quarters, and 2022-11-07 to 2022-11-10, when FTT lost nine tenths.
//
// Bots bet on the coin with all that margin lets them, either way, and add to it whenever they can.
// A pair of them, one either way, comes fresh each hour of the worst ones. They are called and
// liquidated; where an hour moves the price beyond what was asked of them, they cannot pay: what is
// lost beyond the collateral has to end where the waterfall says, to the last unit. No price is
// made up.

namespace crossclear::tests {
namespace {

using base::Amount;
using base::Price;
namespace account = ledger::account;

constexpr base::Duration an_hour = base::seconds(3600);
constexpr std::int64_t order_cents = 300'00;
constexpr std::int64_t bets_cents[] = {20'000'00, 5'000'00, 1'000'00};
constexpr std::int64_t deposit_usdc = 15'000;
constexpr base::BrokerId alpha{0};

// A coin that falls, and a stablecoin beside it.
struct Story {
    std::string coin;
    std::string stable;
    const char* from{};
    const char* turn{};  ///< What comes after is another market.
    const char* until{};
    const char* bets_from{};  ///< Each hour from then on, two more bet.
    /// Of the coin, as `crossclear risk calibrate` finds them in what was past by `from`.
    const char* range{};
    const char* volatility_day{};

    [[nodiscard]] std::string contract() const { return coin + "-PERP"; }
};

const Story luna_week{.coin = "LUNA",
                      .stable = "UST",
                      .from = "2022-05-07T00:00Z",
                      .turn = "2022-05-09T12:00Z",
                      .until = "2022-05-13T03:00Z",
                      .bets_from = "2022-05-11T06:00Z",
                      .range = "0.45",
                      .volatility_day = "0.0836"};
const Story ftt_week{.coin = "FTT",
                     .stable = "DAI",
                     .from = "2022-11-06T00:00Z",
                     .turn = "2022-11-08T12:00Z",
                     .until = "2022-11-10T12:00Z",
                     .bets_from = "2022-11-08T14:00Z",
                     .range = "0.2838",
                     .volatility_day = "0.0511"};

const std::filesystem::path source{CROSSCLEAR_SOURCE_DIR};
const std::filesystem::path prices = source / "../shared/data/market_hourly.csv";

// A directory of its own that goes with the test.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "week-XXXXXX").string();
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
    CHECK(text.find(from) != std::string::npos, "the configuration has a place for it");
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

app::Config config_in(const std::filesystem::path& directory, const Story& story) {
    std::ifstream in(source / "tests/integration/collapse.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    std::string yaml = text.str();
    replace(yaml, "data_dir: DATA", "data_dir: " + directory.string());
    replace(yaml, "path: PRICES", "path: " + prices.string());
    replace(yaml, "FROM", story.from);
    replace(yaml, "UNTIL", story.until);
    replace(yaml, "RANGE", story.range);
    replace(yaml, "VOLATILITY", story.volatility_day);
    // What has no column is a dollar.
    const bool has_column = story.stable == "UST";
    replace(yaml, ", price_column: STABLE", has_column ? ", price_column: STABLE" : "");
    // USDC did not trade in November; another dollar's price stands for it.
    if (!has_column) replace(yaml, "price_column: USDC", "price_column: BUSD");
    replace(yaml, "STABLE", story.stable);
    replace(yaml, "COIN", story.coin);
    auto config = app::parse_config(yaml, "collapse.yaml");
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

// One connection for all clients. Every mark of the coin makes each of them trade once or more.
class Desk {
public:
    enum Who : std::uint8_t { buyer = 1, seller = 2, both = 3, saver = 4, levered = 5 };
    static constexpr int clients = 20;  ///< From `levered` on, who bets all it can: odd, on a fall.

    Desk(boost::asio::io_context& io, app::Service& service, const app::Config& config,
         const Story& story)
        : service_(service), config_(config), story_(story), client_(api::Client::make(io)) {}

    void open(const std::function<void()>& ready) {
        client_->on_notification = [this](const boost::json::object& message) { on_mark(message); };
        client_->on_close = [this](std::uint16_t, const std::string&) { is_open_ = false; };
        api::ClientOptions where;
        where.port = service_.port();
        client_->connect(where, [this, ready](const std::string& why) {
            ASSERT_EQ(why, "");
            is_open_ = true;
            client_->authenticate(
                "desk", "collapse-desk-not-a-secret", [this, ready](const api::ClientReply& reply) {
                    ASSERT_TRUE(reply.is_result());
                    client_->call("private/subscribe",
                                  fmt::format(R"({{"channels":["marks.{}","marks.{}"]}})",
                                              story_.contract(), story_.stable),
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
               const std::function<void(std::string)>& answered = {}) {
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
    [[nodiscard]] bool is_late() const {
        return service_.feed()->source_time() >= *app::parse_hour(story_.turn);
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
            if (symbol == story_.contract() && is_trading_) trade_once();
        }
    }

    void trade_once() {
        ++rounds_;
        const auto contract = story_.contract();
        order(buyer, contract, true, order_cents);
        order(buyer, contract, true, order_cents);
        order(seller, contract, false, order_cents);
        order(both, contract, rounds_ % 2 == 0, order_cents);
        order(saver, story_.stable, rounds_ % 3 != 0, order_cents);
        const auto since = service_.feed()->source_time() - *app::parse_hour(story_.bets_from);
        const auto pairs = since < base::Duration{} ? 0 : 1 + since.us / an_hour.us;
        const auto last = std::min<std::int64_t>(clients, levered - 1 + 2 * pairs);
        for (int who = levered; who <= last; ++who) {
            for (const std::int64_t cents : bets_cents) {
                order(static_cast<Who>(who), contract, who % 2 == 0, cents);
            }
        }
    }

    app::Service& service_;
    const app::Config& config_;
    const Story& story_;
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

std::string standing_of(boost::asio::io_context& io, Desk& desk, Desk::Who who) {
    std::string standing;
    desk.client().call("private/get_account",
                       fmt::format(R"({{"account":"0-{}"}})", static_cast<int>(who)),
                       [&](const api::ClientReply& reply) {
                           ASSERT_TRUE(reply.is_result());
                           standing = reply.value.as_object().at("standing").as_string();
                       });
    EXPECT_TRUE(run_until(io, [&] { return !standing.empty(); }));
    return standing;
}

// The last prices hold until nobody is being liquidated any more.
void let_all_settle(boost::asio::io_context& io, app::Service& service, Desk& desk) {
    const auto& listing = service.node().listing();
    const auto is_settled = [&] {
        const auto last = service.node().context().last_marks.load();
        actors::PublishMarks marks{.marks = {}, .at = base::wall_clock_now()};
        for (std::size_t i = 0; i < last.size(); ++i) {
            const bool is_own = !base::is_derived(listing.assets[i].kind);
            if (!last[i].is_known || !is_own) continue;
            marks.marks.push_back({base::AssetId{static_cast<std::uint16_t>(i)}, last[i].price});
        }
        service.node().publish_marks(marks);
        for (int who = 1; who <= Desk::clients; ++who) {
            if (standing_of(io, desk, static_cast<Desk::Who>(who)) == "liquidating") return false;
        }
        return true;
    };
    EXPECT_TRUE(run_until(io, is_settled));
}

struct Asked {
    std::string stale;
    std::string zero;
};

// After the last hour the coin has no price any more; then it has one, and it is zero.
Asked ask_at_the_end(boost::asio::io_context& io, app::Service& service, Desk& desk,
                     const Story& story) {
    Asked asked;
    const auto now = [] { return base::wall_clock_now(); };
    const auto surface = [&] { return service.node().context().brokers[0]->surface.load(); };
    const auto contract = *service.node().listing().find_instrument(story.contract());
    const auto units = service.node().listing().instrument(contract).base;
    const auto sell = [&] {
        std::optional<std::string> reason;
        desk.order(Desk::seller, story.contract(), false, order_cents,
                   [&](const std::string& why) { reason = why; });
        EXPECT_TRUE(run_until(io, [&] { return reason.has_value(); }));
        return reason.value_or("no answer");
    };
    EXPECT_TRUE(run_until(io, [&] { return !surface()->is_instrument_fresh(contract, now()); }));
    asked.stale = sell();
    // As an oracle would publish it, or a feed tell it.
    service.node().publish_marks(
        {.marks = {{.asset = units, .price = Price{0}}}, .at = base::wall_clock_now()});
    EXPECT_TRUE(run_until(io, [&] { return surface()->mark(units).price == Price{0}; }));
    asked.zero = sell();
    return asked;
}

void pay_in(boost::asio::io_context& io, app::Service& service, const app::Config& config) {
    const auto usdc = *config.listing.find_asset("USDC");
    const auto tokens = *config.listing.find_shard("tokens");
    const auto& figures = service.node().context().brokers[0]->figures;
    ASSERT_TRUE(run_until(io, [&] { return figures.is_founded && figures.moves_open == 0; }));
    for (std::uint64_t number = 1; number <= Desk::clients; ++number) {
        const auto sent = service.world().deposit(tokens, base::account_id(alpha, number), usdc,
                                                  Amount{deposit_usdc * 1'000'000});
        ASSERT_TRUE(sent.has_value());
    }
    ASSERT_TRUE(run_until(io, [&] { return figures.deposits_final == Desk::clients; }));
}

class Collapse : public ::testing::TestWithParam<Story> {};

TEST_P(Collapse, LossesEndWhereTheWaterfallSays) {
    if (!std::filesystem::exists(prices)) GTEST_SKIP() << prices << " is not there";
    const Scratch scratch;
    const auto& story = GetParam();
    const auto config = config_in(scratch.path(), story);
    auto started = app::Service::start(
        config, [](actors::LogLevel, std::string_view, const actors::LogFields&) {});
    ASSERT_TRUE(started.has_value()) << started.error();
    auto& service = **started;
    boost::asio::io_context io;
    ASSERT_TRUE(run_until(io, [&] { return service.node().readiness().is_ready; }));
    Desk desk(io, service, config, story);
    bool is_open = false;
    desk.open([&] { is_open = true; });
    ASSERT_TRUE(run_until(io, [&] { return is_open; }));
    pay_in(io, service, config);

    desk.trade(true);
    ASSERT_TRUE(run_until(io, [&] { return service.feed()->is_exhausted(); }));
    desk.trade(false);
    ASSERT_TRUE(run_until(io, [&] { return desk.is_idle(); }));
    let_all_settle(io, service, desk);
    // FTT went on; of LUNA there is no price after the last hour.
    const bool has_end = story.coin == "LUNA";
    if (has_end) {
        const auto asked = ask_at_the_end(io, service, desk, story);
        EXPECT_EQ(asked.stale, "price_is_stale");
        EXPECT_EQ(asked.zero, "price_is_stale") << "nobody can sell for nothing";
    }
    EXPECT_TRUE(desk.is_open()) << "no answer cost the connection";
    const auto& figures = service.node().context().brokers[0]->figures;
    EXPECT_TRUE(run_until(io, [&] { return figures.hedges_open == 0 && figures.moves_open == 0; }));
    // The home pays what a client could not once it has heard of it.
    EXPECT_TRUE(run_until(io, [&] {
        const auto so_far = read_back(service.journal(), config, alpha);
        return so_far.lost > 0 && so_far.borne == so_far.lost;
    }));
    EXPECT_EQ(figures.breaks_open, 0U);
    desk.close();
    EXPECT_TRUE(run_until(io, [&] { return !desk.is_open(); }));
    service.stop(base::seconds(5));

    for (const bool is_late : {false, true}) {
        EXPECT_EQ(desk.told(is_late).untyped, std::vector<std::string>{});
        EXPECT_GT(desk.told(is_late).cleared, 100U);
    }
    auto late = desk.told(true).refused;
    EXPECT_GT(late["margin_insufficient"] + late["account_is_close_only"], 50U);

    const auto report = app::audit(service.journal(), config.cluster, config.partitions,
                                   {.is_at_rest = true, .history = app::shard_history_of(config)});
    EXPECT_EQ(report.violations, std::vector<std::string>{});
    auto week = read_back(service.journal(), config, alpha);
    EXPECT_TRUE(week.posted_min >= 0);
    EXPECT_GT(week.variations, 20U);
    EXPECT_GT(week.venue_variations, 10U);
    EXPECT_GT(week.margin_moves, 1U) << "more than what the house was founded with";
    EXPECT_GT(week.liquidations, 20U);
    EXPECT_GT(week.standings[account::Standing::called], 10U);
    EXPECT_GT(week.standings[account::Standing::defaulted], 1U);
    if (has_end) {
        EXPECT_LT(week.lowest, Price{1'000'000}) << "traded at less than a tenth of a cent";
    }
    expect_losses_to_end_with_the_broker(week, config, alpha, story.contract());
    RecordProperty("liquidations", static_cast<int>(week.liquidations));
    RecordProperty("lost_usdc", static_cast<int>(week.lost / 1'000'000));
}

INSTANTIATE_TEST_SUITE_P(Real, Collapse, ::testing::Values(luna_week, ftt_week),
                         [](const auto& week) { return week.param.coin; });

}  // namespace
}  // namespace crossclear::tests
