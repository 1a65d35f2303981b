#include "shards/evm/tls_files.hpp"

#include "base/check.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace crossclear::shards::evm {
namespace {

using TlsContext = boost::asio::ssl::context;
using boost::system::error_code;

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
std::optional<std::string> why_not_now(TlsContext& context) {
    const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
    CHECK(certificate != nullptr, "what was loaded is there");
    const auto* last = X509_get0_notAfter(certificate);
    const auto* first = X509_get0_notBefore(certificate);
    if (X509_cmp_current_time(last) < 0) return "one that has expired on " + day_of(last);
    if (X509_cmp_current_time(first) > 0) return "one that is not valid before " + day_of(first);
    return std::nullopt;
}

bool takes_key(TlsContext& context, const std::string& key) {
    error_code error;
    // Nobody is there to type a password.
    context.set_password_callback(
        [](std::size_t, TlsContext::password_purpose) { return std::string{}; }, error);
    context.use_private_key_file(key, TlsContext::pem, error);
    return !error;
}

std::optional<TlsFileFault> fault_of_ours(const std::string& certificate, const std::string& key) {
    const std::string valid = "a PEM file of our certificate, valid today";
    TlsContext context(TlsContext::tls_client);
    error_code error;
    context.use_certificate_chain_file(certificate, error);
    if (error) return wrong_file("certificate", certificate, valid, "none in it");
    if (auto why = why_not_now(context)) {
        return wrong_file("certificate", certificate, valid, *std::move(why));
    }
    // Of another type than the certificate's it is taken as well, and stands beside it.
    const bool is_its =
        takes_key(context, key) && SSL_CTX_check_private_key(context.native_handle()) == 1;
    if (is_its) return std::nullopt;
    TlsContext without_certificate(TlsContext::tls_client);
    return wrong_file("key", key, "a PEM file of the certificate's key, without a passphrase",
                      takes_key(without_certificate, key) ? "one of another certificate"
                                                          : "none in it that can be read");
}

std::optional<TlsFileFault> fault_of_authority(const std::string& path) {
    TlsContext context(TlsContext::tls_client);
    error_code error;
    context.load_verify_file(path, error);
    if (!error) return std::nullopt;
    return wrong_file("authority", path, "a PEM file of those who may sign its certificate",
                      "no certificate in it");
}

}  // namespace

std::optional<TlsFileFault> fault_of_files(const WireOptions& options) {
    CHECK(options.certificate.empty() == options.key.empty(), "both of them, or neither");
    auto fault = options.authority.empty() ? std::nullopt : fault_of_authority(options.authority);
    if (!fault && !options.certificate.empty()) {
        fault = fault_of_ours(options.certificate, options.key);
    }
    // What was found wrong is told, and is nobody else's error.
    ERR_clear_error();
    return fault;
}

}  // namespace crossclear::shards::evm
