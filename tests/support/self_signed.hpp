#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace crossclear::tests {

/// One of 2020, for a day.
inline constexpr const char* expired_pem = R"(-----BEGIN CERTIFICATE-----
MIIBCTCBsAIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZub2JvZHkwHhcNMjAw
MTAxMDAwMDAwWhcNMjAwMTAyMDAwMDAwWjARMQ8wDQYDVQQDDAZub2JvZHkwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAQX1a5ayH8re4xlYuQz38o1tuDvCbtpy0qS
Al9vrAjvMKHiW8jLKvnOoyHq+nFHI6ERUO4cYKGTKhJ0fOgZ4dQHMAoGCCqGSM49
BAMCA0gAMEUCIFUJizY7A3pRBegiC3ZX6aGbK48XbBjqus+vabSeMyXRAiEA8hOv
UdpPwUb+duEnzj2kfCPRT/JMBrdv8b+IE59KAN8=
-----END CERTIFICATE-----
)";

/// Certificates that sign themselves, and their keys, made once with the openssl program:
/// `server`, `client` and `intruder` (.pem, .key), `expired.pem`, and `rsa.key` of another type.
class SelfSigned {
public:
    /// Where one of them is.
    static std::string file(const std::string& name) {
        static const SelfSigned made;
        return made.directory_ / name;
    }

    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

private:
    SelfSigned() {
        auto pattern = (std::filesystem::temp_directory_path() / "crossclear-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        directory_ = pattern;
        for (const std::string name : {"server", "client", "intruder"}) {
            const auto command = "cd '" + pattern +
                                 "' && openssl req -x509 -newkey ec -pkeyopt "
                                 "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
                                 "-addext subjectAltName=IP:127.0.0.1 -keyout " +
                                 name + ".key -out " + name + ".pem > log 2>&1";
            if (std::system(command.c_str()) != 0) ADD_FAILURE() << "failed: " << command;
        }
        const auto other_type =
            "cd '" + pattern + "' && openssl genrsa -out rsa.key 2048 > log 2>&1";
        if (std::system(other_type.c_str()) != 0) ADD_FAILURE() << "failed: " << other_type;
        std::ofstream(directory_ / "expired.pem") << expired_pem;
    }
    ~SelfSigned() { std::filesystem::remove_all(directory_); }

    std::filesystem::path directory_;
};

}  // namespace crossclear::tests
