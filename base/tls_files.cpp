#include "base/tls_files.hpp"

#include "base/check.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

namespace crossclear::base {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

TlsContext make_context() {
    TlsContext context(SSL_CTX_new(TLS_client_method()));
    CHECK(context != nullptr, "memory for a context can be allocated");
    return context;
}

TlsFileFault wrong_file(std::string_view field, const std::string& path, std::string expected,
                        std::string found) {
    if (::access(path.c_str(), R_OK) != 0) found = std::strerror(errno);
    return {
        .field = field, .path = path, .expected = std::move(expected), .found = std::move(found)};
}

std::string day_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// Why the certificate that was loaded is not valid today; nothing where it is.
std::optional<std::string> why_not_now(const TlsContext& context) {
    const X509* certificate = SSL_CTX_get0_certificate(context.get());
    CHECK(certificate != nullptr, "what was loaded is there");
    const auto* last = X509_get0_notAfter(certificate);
    const auto* first = X509_get0_notBefore(certificate);
    if (X509_cmp_current_time(last) < 0) return "one that has expired on " + day_of(last);
    if (X509_cmp_current_time(first) > 0) return "one that is not valid before " + day_of(first);
    return std::nullopt;
}

// Nobody is there to type a passphrase.
int refuse_passphrase(char*, int, int, void*) { return 0; }

bool takes_key(const TlsContext& context, const std::string& key) {
    SSL_CTX_set_default_passwd_cb(context.get(), &refuse_passphrase);
    return SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
}

std::optional<TlsFileFault> fault_of_ours(const std::string& certificate, const std::string& key) {
    const std::string valid = "a PEM file of our certificate, valid today";
    const auto context = make_context();
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
        return wrong_file("certificate", certificate, valid, "none in it");
    }
    if (auto why = why_not_now(context)) {
        return wrong_file("certificate", certificate, valid, *std::move(why));
    }
    // Of another type than the certificate's it is taken as well, and stands beside it.
    const bool is_its = takes_key(context, key) && SSL_CTX_check_private_key(context.get()) == 1;
    if (is_its) return std::nullopt;
    return wrong_file("key", key, "a PEM file of the certificate's key, without a passphrase",
                      takes_key(make_context(), key) ? "one of another certificate"
                                                     : "none in it that can be read");
}

std::optional<TlsFileFault> fault_of_authority(const std::string& path) {
    const auto context = make_context();
    if (SSL_CTX_load_verify_file(context.get(), path.c_str()) == 1) return std::nullopt;
    return wrong_file("authority", path, "a PEM file of those who may sign its certificate",
                      "no certificate in it");
}

}  // namespace

std::string to_string(const TlsFileFault& fault) {
    return fmt::format("expected {}, found {}: {}", fault.expected, fault.path, fault.found);
}

std::optional<TlsFileFault> fault_of(const TlsFiles& files) {
    CHECK(files.certificate.empty() == files.key.empty(), "both of them, or neither");
    auto fault = files.authority.empty() ? std::nullopt : fault_of_authority(files.authority);
    if (!fault && !files.certificate.empty()) fault = fault_of_ours(files.certificate, files.key);
    // What was found wrong is told, and is nobody else's error.
    ERR_clear_error();
    return fault;
}

}  // namespace crossclear::base
