#pragma once

#include "api/admission.hpp"
#include "api/auth.hpp"
#include "api/credits.hpp"
#include "api/methods.hpp"
#include "api/outbox.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::api {

/// How long a client may take.
struct Deadlines {
    base::Duration handshake = base::seconds(5);     ///< From the connection to the upgrade.
    base::Duration login = base::seconds(30);        ///< Without a login, at first or after one.
    base::Duration idle = base::seconds(60);         ///< Without a byte, pongs included.
    base::Duration message = base::seconds(10);      ///< From a message's first byte to its last.
    base::Duration close = base::seconds(5);         ///< For the closing handshake.
    base::Duration sweep = base::milliseconds(100);  ///< How often the others are looked at.
};

/// All of the server's configuration; the program sets it from `ApiConfig` (app/config.hpp).
struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any that is free.
    std::size_t io_threads = 1;
    std::vector<std::string> origins;  ///< Allowed `Origin` headers; `*` allows all.
    std::string version = "0.0.0";
    std::string startup_id;
    std::vector<BrokerInfo> brokers;
    AuthOptions auth;
    CreditRates rates;
    AdmissionLimits admission;
    OutboxLimits outbox;
    Deadlines deadlines;
    std::size_t in_flight_max = 1'024;  ///< Requests one session may have unanswered.
    base::Duration heartbeat_min = base::seconds(5);
    std::optional<int> send_buffer_bytes;  ///< Of the kernel; its own choice if absent.
};

}  // namespace crossclear::api
