#include "app/universe_file.hpp"
#include "app/yaml.hpp"
#include "base/check.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/limits.hpp"
#include "risk/kernel/sample.hpp"
#include "risk/kernel/surface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// Any bytes are refused with reasons, or are positions of one universe: they have a margin, mean
// the same when they are written again, and taken off the account they leave nothing.

namespace app = crossclear::app;
namespace kernel = crossclear::risk::kernel;

namespace {

const std::shared_ptr<const kernel::Surface>& the_surface() {
    static const auto surface = [] {
        auto built =
            kernel::build_surface(1, kernel::sample_universe({.instruments = 40, .simulated = 8}));
        CHECK(built.has_value(), "a sample is without fault");
        return *built;
    }();
    return surface;
}

void check_written(const std::vector<kernel::Position>& positions) {
    const auto& universe = the_surface()->universe();
    std::string text = "{";
    for (const auto& [instrument, quantity] : positions) {
        text += fmt::format("{}\"{}\": {}", text.size() > 1 ? ", " : "",
                            universe.instrument(instrument).name, quantity);
    }
    const auto again = app::parse_portfolio(text + "}", "again", universe);
    CHECK(again && *again == positions, "positions are written as they were read");
}

void check_account(const std::vector<kernel::Position>& positions) {
    auto account = kernel::Account::of(the_surface(), positions);
    CHECK(account.has_value(), "what was read can be held");
    const auto margin = account->margin();
    CHECK(margin.has_value(), "what can be held has a margin");
    CHECK(margin->maintenance >= 0, "nobody is owed maintenance");
    for (const auto& [instrument, quantity] : positions) {
        const kernel::Position leg{instrument, -quantity};
        const auto change = kernel::Change::of(*the_surface(), {&leg, 1});
        CHECK(change && account->apply(*change), "what is held can be closed");
    }
    CHECK(account->positions().empty(), "nothing is left");
    CHECK(account->margin()->initial == 0, "nothing needs nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto positions = app::parse_portfolio(text, "fuzz", the_surface()->universe());
    if (!positions) {
        CHECK(!positions.error().faults.empty(), "a refusal has a reason");
        CHECK(positions.error().faults.size() <= app::yaml_faults_max + 1,
              "nobody is told of everything");
        CHECK(!to_string(positions.error()).empty(), "a refusal can be shown");
        return 0;
    }
    for (const auto& position : *positions) {
        CHECK(std::abs(position.quantity) <= kernel::limits::quantity_max,
              "quantities have a limit");
    }
    check_written(*positions);
    check_account(*positions);
    return 0;
}
