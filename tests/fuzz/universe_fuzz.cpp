#include "app/universe_file.hpp"
#include "app/yaml.hpp"
#include "base/check.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/surface.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Any bytes are refused with reasons, or are a universe that passes the kernel's door, comes back
// as it was written, and margins whatever is held of it: figures that are numbers, IM no less than
// MM.

namespace app = crossclear::app;
namespace kernel = crossclear::risk::kernel;

namespace {

void check_refusal(const app::ConfigError& error) {
    CHECK(!error.faults.empty(), "a refusal has a reason");
    CHECK(error.faults.size() <= app::yaml_faults_max + 1, "nobody is told of everything");
    for (const auto& fault : error.faults) CHECK(!fault.says.empty(), "a fault says what it is");
    CHECK(!to_string(error).empty(), "a refusal can be shown");
}

// The scenarios of the compact form are not written.
void check_written(kernel::Universe universe) {
    universe.core.clear();
    universe.simulated.clear();
    const auto text = app::dump_universe(universe);
    const auto again = app::parse_universe(text, "again");
    CHECK(again.has_value(), "what was written is read");
    CHECK(*again == universe, "and means the same");
}

void check_margins(kernel::Universe universe) {
    // As few as will do: this runs thousands of times a second.
    constexpr std::size_t instruments_max = 40;
    constexpr std::uint32_t simulated = 8;
    if (universe.instruments.size() > instruments_max) universe.instruments.resize(instruments_max);
    universe.simulation.count = std::min(universe.simulation.count, simulated);
    const auto count = universe.instruments.size();
    const auto surface = kernel::build_surface(1, std::move(universe));
    CHECK(surface.has_value(), "what passes the door has values");
    std::vector<kernel::Position> positions;
    for (std::size_t i = 0; i < count; ++i) {
        const double quantity = i % 3 == 0 ? -2.5 : 1e6;
        positions.push_back({kernel::InstrumentId{static_cast<std::uint16_t>(i)}, quantity});
    }
    const auto account = kernel::Account::of(*surface, positions);
    CHECK(account.has_value(), "what is listed can be held");
    const auto margin = account->margin();
    CHECK(margin.has_value(), "what can be held has a margin");
    constexpr double slack = 1e-9;
    CHECK(margin->maintenance >= 0, "nobody is owed maintenance");
    CHECK(margin->initial >= margin->maintenance * (1 - slack), "IM is no less than MM");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto universe = app::parse_universe(text, "fuzz");
    if (!universe) {
        check_refusal(universe.error());
        return 0;
    }
    // The compact form may name protocols of kinds that the other one gives none.
    const auto start = text.find_first_not_of(" \t\r\n");
    if (start != std::string::npos && text[start] != '{') check_written(*universe);
    check_margins(*universe);
    return 0;
}
