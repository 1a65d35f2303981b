#pragma once

#include <cstdint>
#include <string>

/// Why a store cannot be used, in words an operator can act on.

namespace crossclear::store {

/// What kind of obstacle it is; programs branch on this, people read the sentence.
enum class StoreFault : std::uint8_t {
    options_invalid,            ///< The options contradict themselves or exceed a limit.
    endpoint_malformed,         ///< The text names neither a socket nor a host and port.
    tls_files_unusable,         ///< The authority's, our certificate's or our key's.
    tls_certificate_untrusted,  ///< No authority of ours has signed the server's.
    tls_certificate_expired,    ///< The server's is over, or not valid yet.
    tls_wrong_name,             ///< The server's is for somebody else.
    tls_client_refused,         ///< The server does not take ours, or wants one.
    tls_not_spoken,             ///< TLS is wanted, and the server speaks without.
    tls_demanded,               ///< TLS is not wanted, and the server speaks nothing else.
    tls_failed,                 ///< Both speak TLS and did not agree.
    socket_path_too_long,       ///< The kernel takes 107 bytes.
    unreachable,                ///< Nobody answers, or only after the time-out.
    not_authorised,             ///< Wrong or missing credentials, or a right that is missing.
    server_too_old,             ///< Redis before 6.2.
    not_a_primary,              ///< A replica: what it acknowledges can be lost.
    setting_differs,            ///< A required setting has another value.
    settings_unreadable,        ///< Its settings may not be asked for, and nobody vouches for them.
    wrong_cluster,              ///< The instance belongs to another cluster.
    wrong_partition_count,      ///< The cluster was created with another number of partitions.
    wrong_format,               ///< Written by an incompatible version.
    unmarked,                   ///< Empty or wiped while its cluster exists: it must not vote.
    not_empty,                  ///< Holds foreign data and no mark.
    directory_unusable,         ///< Cannot be created, opened or locked.
    directory_in_use,           ///< Another process of ours works in it.
    server_missing,             ///< No redis-server program.
    server_failed,              ///< redis-server did not start, or not in time.
};

/// One refusal: what was expected, what was found, and what to do about it.
struct StoreError {
    StoreFault fault{StoreFault::unreachable};
    std::string subject;  ///< The endpoint or directory it is about; never a password.
    std::string expected;
    std::string found;
    std::string remedy;  ///< An imperative sentence, with the exact command where there is one.

    friend bool operator==(const StoreError&, const StoreError&) = default;
};

/// One line: subject, expectation, finding, remedy.
[[nodiscard]] std::string to_string(const StoreError& error);

}  // namespace crossclear::store
