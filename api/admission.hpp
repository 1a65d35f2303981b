#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

/// How many sockets there may be: in all, per address, per key, and without a login.

namespace crossclear::api {

/// How many places there are.
struct AdmissionLimits {
    std::size_t sockets_max = 65'536;
    std::size_t per_address_max = 16'384;
    std::size_t without_login_max = 16'384;
    std::size_t per_key_max = 16'384;
};

/// **Thread:** any. Outlives its tickets.
class Admission {
public:
    /// Why a socket is turned away.
    enum class Refused : std::uint8_t { nothing, total, address, without_login };

    /// One socket's place, given back when it goes.
    class Ticket {
    public:
        Ticket(Admission& admission, std::string address, Refused refused)
            : admission_(admission), address_(std::move(address)), refused_(refused) {}
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket();

        /// Why it is to be turned away, or `nothing`; and where it came from.
        [[nodiscard]] Refused refused() const noexcept { return refused_; }
        [[nodiscard]] const std::string& address() const noexcept { return address_; }
        /// Counts the socket to a key, in place of the one it had. Returns false, and changes
        /// nothing, where that key has all its places taken.
        [[nodiscard]] bool log_in(const std::string& key);
        /// Counts it among those without a login again.
        void log_out();

    private:
        Admission& admission_;
        std::string address_;
        Refused refused_;
        std::string key_;  ///< Empty: without a login.
    };

    explicit Admission(AdmissionLimits limits) : limits_(limits) {}

    /// Counts a socket in, even one that is to be turned away with an answer.
    [[nodiscard]] std::unique_ptr<Ticket> admit(const std::string& address);
    /// Whether so many are turned away at once that answering each would be the attack.
    [[nodiscard]] bool is_flooded();

private:
    AdmissionLimits limits_;
    std::mutex mutex_;
    std::size_t sockets_{};
    std::size_t without_login_{};
    std::map<std::string, std::size_t> by_address_;
    std::map<std::string, std::size_t> by_key_;

    void leave_key(const std::string& key);
};

}  // namespace crossclear::api
