#include "store/redis/watch.hpp"

#include "store/redis/connection.hpp"
#include "store/redis/limits.hpp"
#include "store/redis/settings.hpp"

#include <hiredis/hiredis.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

namespace crossclear::store {
namespace {

std::uint64_t number_of(std::string_view info, std::string_view label) {
    const std::size_t at = info.find(label);
    std::uint64_t number = 0;
    if (at == std::string_view::npos) return number;
    const std::string_view text = info.substr(at + label.size());
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::optional<RedisVitals> vitals_of(Connection& connection) {
    RedisVitals vitals{.endpoint = connection.name(), .is_connected = true};
    const auto begun = std::chrono::steady_clock::now();
    if (!connection.command({"PING"})) return std::nullopt;
    vitals.answers_after = base::Duration{std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::steady_clock::now() - begun)
                                              .count()};
    const auto answer = connection.command({"INFO"});
    if (!answer) return std::nullopt;
    const std::string_view info((*answer)->str, (*answer)->len);
    vitals.memory_used_bytes = number_of(info, "\nused_memory:");
    vitals.memory_max_bytes = number_of(info, "\nmaxmemory:");
    vitals.aof_size_bytes = number_of(info, "\naof_current_size:");
    vitals.is_aof_written = info.find("\naof_last_write_status:ok") != std::string_view::npos;
    return vitals;
}

}  // namespace

Watch::Watch(Endpoint endpoint, base::Duration timeout, std::function<void()> on_fault,
             std::function<void(const RedisVitals&)> on_vitals)
    : endpoint_(std::move(endpoint)),
      timeout_(timeout),
      on_fault_(std::move(on_fault)),
      on_vitals_(std::move(on_vitals)),
      thread_([this] { run(); }) {}

Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    wakes_.notify_all();
    thread_.join();
}

void Watch::run() {
    // Signals belong to the program's own threads.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::optional<Connection> connection;
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
        lock.unlock();
        if (!connection) {
            if (auto opened = Connection::open(endpoint_, timeout_)) {
                connection.emplace(std::move(*opened));
            }
        }
        std::optional<RedisVitals> vitals;
        if (connection) {
            const auto settings = check_settings(*connection);
            vitals = vitals_of(*connection);
            const bool is_silent = !settings && settings.error().fault == StoreFault::unreachable;
            if (!settings && !is_silent) on_fault_();
        }
        if (!vitals) connection.reset();
        if (on_vitals_) {
            on_vitals_(vitals.value_or(RedisVitals{.endpoint = to_string(endpoint_)}));
        }
        lock.lock();
        wakes_.wait_for(lock, std::chrono::microseconds(limits::examine_interval.us),
                        [this] { return is_stopping_; });
    }
}

}  // namespace crossclear::store
