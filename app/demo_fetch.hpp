#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How the demo asks its nodes how they are.

namespace crossclear::app {

/// One answer of an ops port.
struct Fetched {
    int status{};
    std::string body;
};

/// Asks a port of this machine, or gives up after `patience`. **Cost:** blocks for as long.
[[nodiscard]] std::optional<Fetched> fetch(std::uint16_t port, std::string_view path,
                                           base::Duration patience);

/// The sum of a series in a text of metrics, over the lines that hold `label`.
[[nodiscard]] double sum_of(std::string_view metrics, std::string_view series,
                            std::string_view label = {});

}  // namespace crossclear::app
