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
        parameters_ = *risk_parameters_of(config_, StressPaths::of_file);
        return parameters_.front()->stress();
    }

    std::filesystem::path path_;
    Config config_ = demo_config({});
    std::vector<std::shared_ptr<const risk::Parameters>> parameters_;
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
    const auto fault = [&] {
        EXPECT_TRUE(faults_of(config_).empty()) << "whoever does not stress needs no file";
        return risk_parameters_of(config_, StressPaths::of_file).error().front();
    };
    config_.stress->columns = {{.of = "sBTC", .column = "ABSENT"}};
    EXPECT_EQ(fault().path, "risk.stress.prices");
    EXPECT_NE(fault().says.find("there is no column ABSENT"), std::string::npos);
    config_.stress = StressConfig{.prices = "/nowhere.csv", .columns = {}};
    EXPECT_EQ(fault().path, "risk.stress.prices");
}

TEST_F(StressConfigTest, RefusesColumnsOfNothing) {
    const auto says = [&] { return faults_of(config_).at(0).says; };
    config_.stress->columns = {{.of = "sBCT", .column = "OTHER"}};
    EXPECT_NE(says().find("found 'sBCT'"), std::string::npos);
    config_.stress->columns = {{.of = "sBTC", .column = "OTHER"}, {.of = "sBTC", .column = "BTC"}};
    EXPECT_FALSE(faults_of(config_).empty());
    config_.stress = StressConfig{.prices = {}, .columns = {{.of = "sBTC", .column = "OTHER"}}};
    EXPECT_NE(says().find("columns of no file"), std::string::npos);
}

// Goal: nodes that read other files do not add up what they say of the stress book; the limits of
// the house, which have none of it, stay in force.
TEST_F(StressConfigTest, TellsOtherFilesApart) {
    const auto parameters = [&] {
        return risk_parameters_of(config_, StressPaths::of_file)->front();
    };
    const auto fingerprint = [&] { return parameters()->stress_fingerprint(); };
    const auto one = fingerprint();
    const auto of_house = parameters()->fingerprint();
    EXPECT_EQ(fingerprint(), one);
    std::ofstream(path_, std::ios::binary)
        << "hour_utc,BTC,OTHER\n2022-05-07T00:00Z,36000,1\n2022-05-07T01:00Z,27001,0.5\n";
    EXPECT_NE(fingerprint(), one);
    EXPECT_EQ(parameters()->fingerprint(), of_house);
}

}  // namespace
}  // namespace crossclear::app
