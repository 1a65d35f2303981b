#include "app/demo_fetch.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

namespace crossclear::app {
namespace {

namespace asio = boost::asio;

std::optional<Fetched> parsed(const std::string& answer) {
    // HTTP/1.1 200 OK
    constexpr std::size_t status_at = 9;
    const auto body = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.") || body == std::string::npos) return std::nullopt;
    return Fetched{.status = std::atoi(answer.c_str() + status_at),
                   .body = answer.substr(body + 4)};
}

}  // namespace

std::optional<Fetched> fetch(std::uint16_t port, std::string_view path, base::Duration patience) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    const auto request = fmt::format(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", path, port);
    std::string answer;
    bool is_whole = false;
    const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(), port);
    socket.async_connect(to, [&](boost::system::error_code failure) {
        if (failure) return;
        asio::async_write(socket, asio::buffer(request),
                          [&](boost::system::error_code unsent, std::size_t) {
                              if (unsent) return;
                              asio::async_read(socket, asio::dynamic_buffer(answer),
                                               [&](boost::system::error_code ended, std::size_t) {
                                                   is_whole = ended == asio::error::eof;
                                               });
                          });
    });
    io.run_for(std::chrono::microseconds(patience.us));
    return is_whole ? parsed(answer) : std::nullopt;
}

double sum_of(std::string_view metrics, std::string_view series, std::string_view label) {
    double sum = 0;
    while (!metrics.empty()) {
        const auto end = metrics.find('\n');
        const auto line = metrics.substr(0, end);
        metrics.remove_prefix(end == std::string_view::npos ? metrics.size() : end + 1);
        if (!line.starts_with(series)) continue;
        const auto rest = line.substr(series.size());
        const bool is_it = rest.starts_with('{') || rest.starts_with(' ');
        if (!is_it || rest.find(label) == std::string_view::npos) continue;
        sum += std::strtod(std::string(rest.substr(rest.rfind(' ') + 1)).c_str(), nullptr);
    }
    return sum;
}

}  // namespace crossclear::app
