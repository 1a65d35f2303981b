#include "app/book_file.hpp"

#include "app/universe_file.hpp"
#include "base/rng.hpp"
#include "risk/kernel/surface.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

const std::filesystem::path examples = std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "deploy/risk";

const kernel::Universe& the_universe() {
    static const auto universe = *load_universe(examples / "demo.yaml");
    return universe;
}

std::string book_text() {
    std::ifstream in(examples / "book.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string book_faults(const std::string& text) {
    const auto book = parse_book(text, "x.yaml", the_universe());
    return book ? "" : to_string(book.error());
}

double units_held(const BookClient& client, std::string_view name) {
    double sum = 0;
    for (const auto& position : client.positions) {
        if (the_universe().instrument(position.instrument).name == name) sum += position.quantity;
    }
    return sum;
}

TEST(BookFile, OfTheExampleIsWhatItSays) {
    const auto book = load_book(examples / "book.yaml", the_universe());
    ASSERT_TRUE(book.has_value()) << to_string(book.error());
    EXPECT_EQ(book->waterfall.total(), 800'000);
    EXPECT_EQ(book->limits, (kernel::HouseLimits{.protocol_share = .25, .client_share = .1}));
    EXPECT_EQ(book->columns.at("DAI"), "USDC");
    ASSERT_EQ(book->clients.size(), 5U);
    // What equity does not pay for is owed.
    EXPECT_NEAR(units_held(book->clients[0], "USD"), 12'000 - 60'000, 1e-9);
    EXPECT_NEAR(units_held(book->clients[3], "USD"), 18'000, 1e-9);
    EXPECT_EQ(units_held(book->clients[4], "USD"), 0);
    const auto surface = *kernel::build_surface(1, the_universe());
    const auto pool = kernel::Account::of(surface, book->clients[1].positions);
    EXPECT_NEAR(pool->margin()->equity, 8'000, 1e-6);
}

TEST(BookFile, HasDefaults) {
    const auto book =
        parse_book("{waterfall: {capital: 1, insurance: 2}, clients: []}", "x", the_universe());
    ASSERT_TRUE(book.has_value()) << to_string(book.error());
    EXPECT_EQ(book->limits, kernel::HouseLimits{});
    EXPECT_EQ(book->oracle_frozen_hours, 24);
    EXPECT_EQ(book->waterfall.total(), 3);
    EXPECT_TRUE(book->clients.empty());
}

TEST(BookFile, IsReadStrictly) {
    const auto good = book_text();
    EXPECT_EQ(book_faults(good), "");
    struct Case {
        std::string from;
        std::string to;
        std::string says;
        int lines_above{};
    };
    const std::vector<Case> cases{
        {"capital: 600000", "capital: -1", "waterfall.capital: expected a number from 0"},
        {"capital: 600000", "capital: .nan", "expected a number"},
        {"capital: 600000", "capital: \"600000\"", "expected a number"},
        {"capital: 600000, ", "", "'capital' is missing"},
        {"capital: 600000", "capital: 600000, capital: 1", "given twice"},
        {"fund: 50000", "found: 50000", "unknown key; expected one of capital, fund, insurance"},
        {"protocol_share: 0.25", "protocol_share: 25", "from 0 to 1"},
        {"oracle_frozen_hours: 24", "oracle_frozen_hours: -1", "from 0 to 8760"},
        {"{DAI: USDC}", "{GOLD: USDC}", "stress.columns.GOLD: the universe has no such coin"},
        {"clients:", "client:", "'clients' is missing"},
        {"name: pool-crossed", "name: pool", "clients[2].name: 'pool' is given twice"},
        {"name: saver", "name: \"sa\\nver\"", "expected a line"},
        {"sBTC: 1,", "GOLD: 1,", "clients[0].portfolio.GOLD: the universe has no such instrument"},
        {"sBTC: 1,", "sBTC: 1e16,", "expected a number"},
        {"equity: 12000", "equity: lots", "expected a number"},
        {"{sBTC: 1, BTC-PERP: -1}", "{sBTC: 1, USD: 5}",
         "clients[0].equity: expected either an equity or 'USD' in the portfolio, found both", 1},
        {"{USDC: 50000, BTC: 0.5}", "[1]", "expected a mapping"},
    };
    for (const auto& one : cases) {
        auto text = good;
        const auto at = text.find(one.from);
        ASSERT_NE(at, std::string::npos) << one.from;
        const auto line =
            1 - one.lines_above + std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n');
        const auto found = book_faults(text.replace(at, one.from.size(), one.to));
        EXPECT_NE(found.find(one.says), std::string::npos) << one.to << ": " << found;
        // Of what is missing, the line of the mapping that lacks it.
        if (one.says.find("missing") == std::string::npos) {
            EXPECT_NE(found.find(fmt::format("x.yaml:{}: ", line)), std::string::npos) << found;
        }
    }
}

// Goal: a file that was harmed is refused with a reason, or is a book that can be margined.
TEST(BookFile, HarmedIsRefusedOrStillABook) {
    constexpr std::string_view letters = "0123456789.-+eE:,{}[]\"'#\n \tnaify&*!|";
    const std::uint64_t seed = 20'266;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    base::Rng rng(seed);
    auto few = the_universe();
    few.simulation.count = 2;
    const auto surface = *kernel::build_surface(1, few);
    int accepted = 0;
    for (int i = 0; i < 500; ++i) {
        auto text = book_text();
        for (auto slips = 1 + rng.below(3); slips > 0; --slips) {
            const auto at = rng.below(text.size());
            if (rng.below(3) == 0) {
                text.erase(at, 1 + rng.below(20));
            } else {
                text[at] = letters[rng.below(letters.size())];
            }
        }
        const auto book = parse_book(text, "harmed.yaml", the_universe());
        if (!book) {
            EXPECT_FALSE(book.error().faults.empty());
            continue;
        }
        ++accepted;
        for (const auto& client : book->clients) {
            const auto account = kernel::Account::of(surface, client.positions);
            ASSERT_TRUE(account.has_value()) << text;
            EXPECT_TRUE(account->margin().has_value()) << text;
        }
    }
    EXPECT_GT(accepted, 50);
    EXPECT_LT(accepted, 450);
}

}  // namespace
}  // namespace crossclear::app
