#include "base/tls_files.hpp"

#include "tests/support/self_signed.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crossclear::base {
namespace {

using tests::SelfSigned;

// Goal: what would keep a node or a signer from answering is found before it is asked.
TEST(TlsFiles, ThoseThatCannotBeUsedAreNamed) {
    EXPECT_FALSE(fault_of(TlsFiles{}));
    EXPECT_FALSE(fault_of(TlsFiles{.authority = SelfSigned::file("server.pem")}));
    EXPECT_FALSE(fault_of(TlsFiles{.authority = SelfSigned::file("server.pem"),
                                   .certificate = SelfSigned::file("client.pem"),
                                   .key = SelfSigned::file("client.key")}));
    struct Row {
        std::string authority;
        std::string certificate;
        std::string key;
        std::string_view field;
        const char* found;
    };
    const Row rows[] = {
        {"none.pem", "client.pem", "client.key", "authority", "No such file"},
        {"server.key", "client.pem", "client.key", "authority", "no certificate in it"},
        {"server.pem", "none.pem", "client.key", "certificate", "No such file"},
        {"server.pem", "client.key", "client.key", "certificate", "none in it"},
        {"server.pem", "expired.pem", "client.key", "certificate", "expired on 2020-01-02"},
        {"server.pem", "client.pem", "none.key", "key", "No such file"},
        {"server.pem", "client.pem", "client.pem", "key", "none in it"},
        {"server.pem", "client.pem", "intruder.key", "key", "of another certificate"},
        {"server.pem", "client.pem", "rsa.key", "key", "of another certificate"},
    };
    for (const auto& row : rows) {
        TlsFiles files;
        files.authority = SelfSigned::file(row.authority);
        files.certificate = SelfSigned::file(row.certificate);
        files.key = SelfSigned::file(row.key);
        const auto fault = fault_of(files);
        ASSERT_TRUE(fault.has_value()) << row.found;
        EXPECT_EQ(fault->field, row.field);
        EXPECT_NE(fault->found.find(row.found), std::string::npos) << fault->found;
        const auto& named = row.field == "key"           ? files.key
                            : row.field == "certificate" ? files.certificate
                                                         : files.authority;
        EXPECT_EQ(fault->path, named);
    }
}

}  // namespace
}  // namespace crossclear::base
