#include "app/config.hpp"
#include "app/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

// Goal: what would keep TLS to Redis from working is refused before the start, by its line.

namespace crossclear::app {
namespace {

// A file of the test's own that holds a certificate, or whatever else is to be read.
class PemFile {
public:
    explicit PemFile(const std::string& text) {
        const int made = ::mkstemp(path_.data());
        EXPECT_GE(made, 0);
        ::close(made);
        std::ofstream(path_) << text;
    }
    ~PemFile() { std::filesystem::remove(path_); }
    PemFile(const PemFile&) = delete;
    PemFile& operator=(const PemFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = std::filesystem::temp_directory_path() / "crossclear-pem-XXXXXX";
};

// An authority of nobody's: only that it can be read matters here.
constexpr const char* authority_pem = R"(-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUBHof2I7XyyoHxuRv/kS7O8T4m0owCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyNjEwNDkxOVoYDzIxMjYxMTAyMTA0
OTE5WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASBbOS99NvmLzNA/raN94EmdgztvyceLtJv4K0qgQXTFafdkHVrz48YICa/If/J
wmaY7U8Asc+qFk4XAwDOswsbo1MwUTAdBgNVHQ4EFgQUnKMHPegjCXoGpLom7ecZ
lJOIY38wHwYDVR0jBBgwFoAUnKMHPegjCXoGpLom7ecZlJOIY38wDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA0ZMcHN7PqkwAn+cHfAeL6+s8uB12
4yojDvC226fnlUkCIQCX3RYPLQZ6xWCZ8GDRArVFY1t4p/n289Zsihgx5buA+w==
-----END CERTIFICATE-----
)";

int line_with(const std::string& text, const std::string& what) {
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return 1 + static_cast<int>(
                   std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

TEST(ConfigOfTls, ToRedisNamesItsFiles) {
    const PemFile authority(authority_pem);
    const auto with = [&](const std::string& endpoint, const std::string& tls) {
        auto text = dump_config(demo_config({}));
        const std::string mode = "  mode: embedded\n  instances: 1";
        const auto at = text.find(mode);
        EXPECT_NE(at, std::string::npos) << text;
        return text.replace(at, mode.size(),
                            "  mode: single\n  endpoint:\n    " + endpoint + "\n    tls:" + tls);
    };
    const std::string host = "host: redis\n    port: 6380";
    const std::string valid = "\n      authority: " + authority.path();
    const auto config = parse_config(with(host, valid + "\n      server_name: r.example"), "right");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    const auto endpoint = endpoints_of(*config).front();
    ASSERT_TRUE(endpoint.tls.has_value());
    EXPECT_EQ(endpoint.tls->authority, authority.path());
    EXPECT_EQ(store::to_string(endpoint), "rediss://redis:6380");
    const auto read = parse_config(dump_config(*config), "dump");
    ASSERT_TRUE(read.has_value()) << to_string(read.error());
    EXPECT_EQ(read->journal.endpoint.tls->server_name, "r.example");
    EXPECT_EQ(dump_config(*read), dump_config(*config));

    struct Wrong {
        std::string text;
        const char* path;
        const char* says;
        const char* line;
    };
    const Wrong table[] = {
        {with("unix: /run/redis.sock", valid), "journal.endpoint.tls",
         "expected host and port beside it", "tls:"},
        {with(host, ""), "journal.endpoint.tls", "expected a mapping, found nothing", "tls:"},
        {with(host, " true"), "journal.endpoint.tls", "expected a mapping, found 'true'", "tls:"},
        {with(host, "\n      certificate: /c"), "journal.endpoint.tls.authority",
         "missing; expected", "certificate: /c"},
        {with(host, "\n      authority: /nonexistent.pem"), "journal.endpoint.tls.authority",
         "found /nonexistent.pem: No such file or directory", "authority: /non"},
        {with(host, valid + "\n      certificate: /c"), "journal.endpoint.tls.certificate",
         "come together", "certificate: /c"},
        {with(host, valid + "\n      key: /k"), "journal.endpoint.tls.certificate", "come together",
         "tls:"},
        {with(host, valid + "\n      certificate: " + authority.path() + "\n      key: /k"),
         "journal.endpoint.tls.key", "found /k: No such file", "key: /k"},
        {with(host, valid + "\n      verify: false"), "journal.endpoint.tls.verify", "unknown key",
         "verify: false"},
    };
    for (const auto& wrong : table) {
        const auto refused = parse_config(wrong.text, "it.yaml");
        ASSERT_FALSE(refused.has_value()) << wrong.text;
        const auto& fault = refused.error().faults.front();
        EXPECT_EQ(fault.path, wrong.path);
        EXPECT_NE(fault.says.find(wrong.says), std::string::npos) << fault.says;
        EXPECT_EQ(fault.line, line_with(wrong.text, wrong.line)) << to_string(refused.error());
    }
}

}  // namespace
}  // namespace crossclear::app
