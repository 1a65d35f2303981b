#pragma once

#include "app/book_file.hpp"
#include "app/price_paths.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/house_limits.hpp"
#include "risk/kernel/margin.hpp"
#include "risk/kernel/stress.hpp"
#include "risk/kernel/surface.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// What `crossclear risk house` prints.

namespace crossclear::app {

/// A house as it was looked at. Clients are in the order of the book.
struct HouseState {
    std::vector<risk::kernel::Margin> margins;
    risk::kernel::HouseReport report;
    risk::kernel::StressBook stress;
    risk::kernel::HouseFigures figures;
};

/// An order of one client, and what the house says to it.
struct HouseOrder {
    std::size_t client{};
    HouseState after;
    risk::kernel::HouseDecision decision;
};

/// All that a report is made of.
struct HouseView {
    const risk::kernel::Surface& surface;
    const Book& book;
    std::vector<FoundPath> paths;  ///< Those of the last lines of the stress book.
    HouseState state;
    std::optional<HouseOrder> order;
};

/// Tables for people, money rounded against the broker.
[[nodiscard]] std::string text_of(const HouseView& view);
/// One object with every figure unrounded. A loss that nobody knows is null.
[[nodiscard]] std::string json_of(const HouseView& view);

}  // namespace crossclear::app
