#include "actors/messages.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace crossclear::actors {
namespace {

template <class T>
T there_and_back(const T& value) {
    T read{};
    EXPECT_TRUE(unpack(packed(value), read));
    EXPECT_EQ(packed(read), packed(value));
    return read;
}

// One of each alternative, as it is made by default.
template <class Variant, std::size_t... I>
void cross_all(std::index_sequence<I...>) {
    const auto cross = [](const Variant& value) {
        EXPECT_EQ(there_and_back(value).index(), value.index());
    };
    (cross(Variant{std::in_place_index<I>}), ...);
}
template <class Variant>
void cross_all() {
    cross_all<Variant>(std::make_index_sequence<std::variant_size_v<Variant>>{});
}

TEST(Pack, EveryMessageBetweenNodesComesBackAsItWas) {
    cross_all<Request>();
    cross_all<Answer>();
    cross_all<HomeNews>();
    cross_all<ledger::account::Command>();
    cross_all<decltype(Publication::body)>();
}

TEST(Pack, ContentsComeBackToo) {
    const Refusal refusal{.code = -32602, .reason = "no", .hint = "yes", .retryable = true};
    const auto read = std::get<Refusal>(there_and_back(Answer{refusal}));
    EXPECT_EQ(read.code, refusal.code);
    EXPECT_EQ(read.hint, refusal.hint);
    EXPECT_TRUE(read.retryable);

    PartitionReport report;
    report.sequence = 7;
    report.assets[base::AssetId{3}].conv = base::Amount{-5};
    report.shards.push_back({.shard = base::ShardId{1},
                             .asset = {},
                             .nostro = base::Amount{9},
                             .inflight_out = {},
                             .suspense = {},
                             .position = {},
                             .posted = {}});
    const auto told = std::get<PartitionReport>(there_and_back(HomeNews{report}));
    EXPECT_EQ(told.assets.at(base::AssetId{3}).conv, base::Amount{-5});
    EXPECT_EQ(told.shards.at(0).nostro, base::Amount{9});

    auto news = std::make_shared<Publication>();
    news->sequence = 4;
    news->body = std::vector<MarkView>{{.asset = {}, .price = base::Price{2}, .at = {}}};
    const std::shared_ptr<const Publication> sent = std::move(news);
    EXPECT_EQ(there_and_back(sent)->sequence, 4U);
}

// Goal: bytes that somebody cut, or that go on, are refused and never read past.
TEST(Pack, OnlyWholeValuesAreTaken) {
    const Answer answer = Refusal{.code = 1, .reason = "a", .hint = "b", .retryable = false};
    const auto bytes = packed(answer);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Answer read;
        EXPECT_FALSE(unpack(std::string_view{bytes}.substr(0, size), read)) << size;
    }
    Answer read;
    EXPECT_FALSE(unpack(bytes + '\0', read));
    std::vector<std::string> list;
    EXPECT_FALSE(unpack(std::string("\xFF\xFF\xFF\xFF", 4), list)) << "a count beyond all bytes";
    std::optional<bool> flag;
    EXPECT_FALSE(unpack(std::string_view{"\1\2"}, flag)) << "neither true nor false";
}

TEST(Pack, TwoShapesAreToldApart) {
    struct One {
        std::uint32_t number;
        std::string text;
    };
    struct Other {
        std::uint64_t number;
        std::string text;
    };
    struct Longer {
        std::uint32_t number;
        std::string text;
        bool is_more;
    };
    EXPECT_EQ(spelled<One>(), "{n4s}");
    EXPECT_NE(spelled<One>(), spelled<Other>());
    EXPECT_NE(spelled<One>(), spelled<Longer>());
}

}  // namespace
}  // namespace crossclear::actors
