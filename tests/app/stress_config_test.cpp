#include "app/config.hpp"
#include "app/price_paths.hpp"
#include "app/service.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace crossclear::app {
namespace {

// A file of its own, with prices of three hours of one of the weeks.
class StressConfigTest : public ::testing::Test {
protected:
    StressConfigTest() {
        path_ = std::filesystem::temp_directory_path() /
                (std::string("crossclear-stress-") +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv");
        std::ofstream(path_, std::ios::binary)
            << "hour_utc,BTC,OTHER\n2022-05-07T00:00Z,36000,1\n2022-05-07T01:00Z,27000,0.5\n";
        config_.stress = StressConfig{.prices = path_.string(), .columns = {}};
    }
    ~StressConfigTest() override { std::filesystem::remove(path_); }

    [[nodiscard]] const risk::kernel::StressTerms& terms() {
        context_ = context_of(config_);
        return context_->broker(base::BrokerId{0}).parameters->stress();
    }

    std::filesystem::path path_;
    Config config_ = demo_config({});
    std::unique_ptr<actors::Context> context_;
};

TEST_F(StressConfigTest, ReadsTheWeeksThatItsFileHas) {
    config_.stress->oracle_frozen = base::seconds(2 * 3'600);
    ASSERT_TRUE(faults_of(config_).empty());
    EXPECT_EQ(terms().oracle_frozen_hours, 2);
    ASSERT_EQ(terms().paths.size(), path_windows.size());
    const auto& path = terms().paths.front();
    EXPECT_EQ(path.name, "2022-05 LUNA, UST");
    ASSERT_EQ(path.moments.size(), 2U);
    EXPECT_EQ(path.underlyings.back().front(), .75);
    EXPECT_TRUE(terms().paths.back().moments.empty()) << "a week that the file does not cover";
}

TEST_F(StressConfigTest, NamesTheColumnThatStandsForAToken) {
    config_.stress->columns = {{.of = "sBTC", .column = "OTHER"}};
    ASSERT_TRUE(faults_of(config_).empty());
    const auto wrapper = *config_.universe.find_wrapper("sBTC");
    EXPECT_EQ(terms().paths.front().wrappers.back().at(wrapper.v), .5);
}

TEST_F(StressConfigTest, IsWrittenAndReadAgain) {
    config_.stress->columns = {{.of = "sBTC", .column = "OTHER"}};
    const auto again = parse_config(dump_config(config_), "again.yaml");
    ASSERT_TRUE(again.has_value()) << to_string(again.error());
    EXPECT_EQ(again->stress, config_.stress);
}

TEST_F(StressConfigTest, RefusesAFileThatCannotBeRead) {
    config_.stress->columns = {{.of = "sBTC", .column = "ABSENT"}};
    const auto absent = faults_of(config_);
    ASSERT_FALSE(absent.empty());
    EXPECT_EQ(absent.front().path, "risk.stress.prices");
    EXPECT_NE(absent.front().says.find("there is no column ABSENT"), std::string::npos);
    config_.stress = StressConfig{.prices = "/nowhere.csv", .columns = {}};
    EXPECT_EQ(faults_of(config_).front().path, "risk.stress.prices");
}

// Goal: nodes that read other files do not add up what they say of clients.
TEST_F(StressConfigTest, TellsOtherFilesApart) {
    const auto fingerprint = [&] {
        return context_of(config_)->broker(base::BrokerId{0}).parameters->fingerprint();
    };
    const auto one = fingerprint();
    EXPECT_EQ(fingerprint(), one);
    std::ofstream(path_, std::ios::binary)
        << "hour_utc,BTC,OTHER\n2022-05-07T00:00Z,36000,1\n2022-05-07T01:00Z,27001,0.5\n";
    EXPECT_NE(fingerprint(), one);
}

}  // namespace
}  // namespace crossclear::app
