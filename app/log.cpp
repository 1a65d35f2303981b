#include "app/log.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace crossclear::app {
namespace {

spdlog::level::level_enum spdlog_level(actors::LogLevel level) {
    switch (level) {
        case actors::LogLevel::debug:
            return spdlog::level::debug;
        case actors::LogLevel::info:
            return spdlog::level::info;
        case actors::LogLevel::warning:
            return spdlog::level::warn;
        case actors::LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

actors::Log make_log(const std::string& path, actors::LogLevel level) {
    std::shared_ptr<spdlog::logger> logger;
    if (path.empty()) {
        logger = std::make_shared<spdlog::logger>(
            "crossclear", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    } else {
        logger = std::make_shared<spdlog::logger>(
            "crossclear", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
    }
    // The message already is a JSON fragment; the pattern closes it around time and level.
    logger->set_pattern(R"({"at":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})",
                        spdlog::pattern_time_type::utc);
    logger->set_level(spdlog_level(level));
    logger->flush_on(spdlog::level::info);
    return [logger](actors::LogLevel at, std::string_view sentence,
                    const actors::LogFields& fields) {
        const auto severity = spdlog_level(at);
        if (!logger->should_log(severity)) return;
        std::string line = R"("message":)" + boost::json::serialize(boost::json::value(sentence));
        for (const auto& [name, value] : fields) {
            line += ',' + boost::json::serialize(boost::json::value(name)) + ':' +
                    boost::json::serialize(boost::json::value(value));
        }
        logger->log(severity, line);
    };
}

}  // namespace crossclear::app
