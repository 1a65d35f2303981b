#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

namespace crossclear::tests {

/// Runs `io` until something is so, for two minutes at most; whether it came to be.
[[nodiscard]] inline bool run_until(boost::asio::io_context& io,
                                    const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        if (io.stopped()) io.restart();
        io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace crossclear::tests
