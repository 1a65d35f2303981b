#include "app/order_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

}  // namespace

// `BTC-PERP=-0.5`; names may hold an equals sign, quantities cannot.
base::Result<kernel::Change, std::string> read_order(const std::vector<std::string>& legs,
                                                     const kernel::Surface& surface) {
    std::vector<kernel::Position> positions;
    for (const auto& text : legs) {
        const auto cut = text.rfind('=');
        const auto name = text.substr(0, cut);
        const auto number = cut == std::string::npos ? std::string{} : text.substr(cut + 1);
        double quantity{};
        const auto* end = number.data() + number.size();
        const auto [at, wrong] = std::from_chars(number.data(), end, quantity);
        if (number.empty() || wrong != std::errc{} || at != end) {
            return base::Failure{fmt::format(
                "--order: expected INSTRUMENT=QUANTITY, like BTC-PERP=-0.5; found '{}'\n", text)};
        }
        const auto instrument = surface.universe().find_instrument(name);
        if (!instrument) {
            return base::Failure{
                fmt::format("--order: the universe has no instrument '{}'\n", name)};
        }
        positions.push_back({*instrument, quantity});
    }
    const auto change = kernel::Change::of(surface, positions);
    if (!change)
        return base::Failure{fmt::format("--order: {}\n", kernel::name_of(change.error()))};
    return *change;
}

}  // namespace crossclear::app
