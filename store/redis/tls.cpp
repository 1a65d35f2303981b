#include "store/redis/tls.hpp"

#include "base/check.hpp"
#include "store/redis/limits.hpp"
#include "store/redis/tls_wire.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace crossclear::store {
namespace {

constexpr std::size_t shown_bytes_max = 400;
constexpr int reason_of_alert = 1'000;  // OpenSSL counts an alert's reason from here.

template <auto free>
struct FreeBy {
    template <class T>
    void operator()(T* owned) const noexcept {
        free(owned);
    }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeBy<&SSL_CTX_free>>;
using Memory = std::unique_ptr<BIO, FreeBy<&BIO_free_all>>;

// The names, the signer and the time of a certificate that nobody has verified.
std::string describe(X509* certificate) {
    if (certificate == nullptr) return "no certificate";
    const Memory out(BIO_new(BIO_s_mem()));
    CHECK(out != nullptr, "memory for a text can be allocated");
    const int names = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    if (names < 0) {
        BIO_puts(out.get(), "one without subjectAltName");
    } else {
        BIO_puts(out.get(), "one for ");
        X509V3_EXT_print(out.get(), X509_get_ext(certificate, names), 0, 0);
    }
    BIO_puts(out.get(), ", signed by ");
    X509_NAME_print_ex(out.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
    BIO_puts(out.get(), ", valid from ");
    ASN1_TIME_print(out.get(), X509_get0_notBefore(certificate));
    BIO_puts(out.get(), " to ");
    ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate));
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return printable(std::string_view(text, static_cast<std::size_t>(std::max(size, 0L))),
                     shown_bytes_max);
}

// Keeps what the refused certificate says of itself; the verdict stays OpenSSL's.
int note_refused(int is_right, X509_STORE_CTX* store) {
    if (is_right == 1) return is_right;
    const auto* session = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* wire = static_cast<TlsWire*>(SSL_get_app_data(session));
    wire->shown = describe(X509_STORE_CTX_get_current_cert(store));
    return is_right;
}

int note_asked(SSL* session, void*) {
    static_cast<TlsWire*>(SSL_get_app_data(session))->was_asked = true;
    return 1;
}

// A key with a passphrase would be asked for on the terminal.
int refuse_passphrase(char*, int, int, void*) { return 0; }

// What every session has in common, whoever is at the other end.
TlsContext bare_context() {
    TlsContext context(SSL_CTX_new(TLS_client_method()));
    CHECK(context != nullptr, "memory for a context can be allocated");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // Bytes that were offered once are offered again with more behind them, at another address.
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    return context;
}

// Null where a file cannot be used.
TlsContext make_context(const EndpointTls& tls) {
    TlsContext context = bare_context();
    SSL_CTX_set_default_passwd_cb(context.get(), &refuse_passphrase);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, &note_refused);
    if (SSL_CTX_load_verify_file(context.get(), tls.authority.c_str()) != 1) return nullptr;
    if (tls.certificate.empty()) return context;
    const bool has_ours =
        SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context.get()) == 1;
    return has_ours ? std::move(context) : nullptr;
}

StoreError unusable_files(const Endpoint& endpoint) {
    StoreError error{.fault = StoreFault::tls_files_unusable,
                     .subject = to_string(endpoint),
                     .expected = "files that stay while they are read",
                     .found = "others a moment later",
                     .remedy = "Nothing: the next connection reads them again."};
    if (const auto fault = base::fault_of(files_of(*endpoint.tls))) {
        error.expected = fault->expected;
        error.found = fmt::format("{}: {}", fault->path, fault->found);
        error.remedy = fmt::format("Correct tls.{} of that endpoint.", fault->field);
    }
    return error;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::string wanted_name(const Endpoint& endpoint) {
    return endpoint.tls->server_name.empty() ? endpoint.host : endpoint.tls->server_name;
}

// Only the certificate's subjectAltName counts, as everywhere else today.
void expect_name(SSL* session, const std::string& name) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(session);
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::string asked = name;  // Which certificate to show, where the server has several.
    const bool is_set = is_address(name)
                            ? X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1
                            : X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), 0) == 1 &&
                                  SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                           TLSEXT_NAMETYPE_host_name, asked.data()) == 1;
    CHECK(is_set, "a session knows whom it expects");
}

StoreFault fault_of_verdict(long verdict) {
    switch (verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return StoreFault::tls_certificate_expired;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return StoreFault::tls_wrong_name;
        default:
            return StoreFault::tls_certificate_untrusted;
    }
}

// Whether the server's alert is about us. One that asked and was shown no certificate may also say
// no more than that the handshake has failed.
bool is_about_us(int reason, const TlsWire& wire) {
    switch (reason - reason_of_alert) {
        case SSL3_AD_BAD_CERTIFICATE:
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
        case SSL3_AD_CERTIFICATE_REVOKED:
        case SSL3_AD_CERTIFICATE_EXPIRED:
        case SSL3_AD_CERTIFICATE_UNKNOWN:
        case TLS1_AD_UNKNOWN_CA:
        case TLS1_AD_ACCESS_DENIED:
        case TLS13_AD_CERTIFICATE_REQUIRED:
            return true;
        default:
            return reason == reason_of_alert + SSL3_AD_HANDSHAKE_FAILURE && wire.was_asked &&
                   !wire.has_certificate;
    }
}

std::string first_reason() {
    const char* text = ERR_reason_error_string(ERR_peek_error());
    return text == nullptr ? "nothing" : text;
}

// A session that is at an end, by what the wire and OpenSSL say.
Broken why_broken(const TlsWire& wire, int status) {
    const bool has_spoken = status == SSL_ERROR_SSL && !wire.is_closed && wire.error == 0;
    if (wire.error != 0) {
        return {.reason = fmt::format("the connection broke: {}", std::strerror(wire.error))};
    }
    if (!has_spoken) return {.reason = "Redis closed the connection"};
    const bool is_ours = is_about_us(ERR_GET_REASON(ERR_peek_error()), wire);
    return {.fault = is_ours ? StoreFault::tls_client_refused : StoreFault::tls_failed,
            .reason = fmt::format("the connection broke: {}", first_reason())};
}

Deadline second_look() {
    return std::chrono::steady_clock::now() +
           std::chrono::microseconds(limits::second_look_timeout.us);
}

// What a Redis without TLS says to a question without it. To a greeting in TLS it says nothing: it
// takes that for the beginning of a command.
std::optional<std::string> plain_answer(const Endpoint& endpoint) {
    const Deadline deadline = second_look();
    const auto socket = connect_socket(endpoint, deadline);
    if (!socket) return std::nullopt;
    constexpr std::string_view question = "PING\r\n";
    if (::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) < 0 ||
        !wait_for(socket->get(), POLLIN, deadline)) {
        return std::nullopt;
    }
    std::array<char, quote_bytes> answer{};
    const ssize_t size = ::recv(socket->get(), answer.data(), answer.size(), 0);
    if (size <= 0 || (answer[0] != '+' && answer[0] != '-')) return std::nullopt;
    return printable(std::string_view(answer.data(), static_cast<std::size_t>(size)), quote_bytes);
}

StoreError not_spoken(const Endpoint& endpoint, const std::string& answer) {
    return tls_error(endpoint, StoreFault::tls_not_spoken,
                     fmt::format("an answer without it: {}", answer));
}

}  // namespace

void TlsSession::FreeSession::operator()(ssl_st* session) const noexcept { SSL_free(session); }

TlsSession::TlsSession(std::unique_ptr<TlsWire> wire, ssl_ctx_st* context)
    : wire_(std::move(wire)), session_(SSL_new(context)) {
    CHECK(session_ != nullptr, "memory for a session can be allocated");
    BIO* bio = make_bio(*wire_);
    SSL_set_bio(session_.get(), bio, bio);
    SSL_set_app_data(session_.get(), wire_.get());
    SSL_set_cert_cb(session_.get(), &note_asked, nullptr);
    SSL_set_connect_state(session_.get());
}

TlsSession::TlsSession(TlsSession&&) noexcept = default;

TlsSession::~TlsSession() {
    if (session_ == nullptr) return;
    if (!broken_ && SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
    ERR_clear_error();
}

base::Result<TlsSession, StoreError> TlsSession::over(int descriptor, const Endpoint& endpoint) {
    CHECK(endpoint.tls.has_value(), "only an endpoint with TLS is spoken to in it");
    ERR_clear_error();
    const auto context = make_context(*endpoint.tls);
    ERR_clear_error();
    if (!context) return base::Failure{unusable_files(endpoint)};
    auto wire = std::make_unique<TlsWire>();
    wire->descriptor = descriptor;
    wire->has_certificate = !endpoint.tls->certificate.empty();
    TlsSession session(std::move(wire), context.get());
    expect_name(session.session_.get(), wanted_name(endpoint));
    return session;
}

base::Result<void, StoreError> TlsSession::shake_hands(const Endpoint& endpoint,
                                                       Deadline deadline) {
    while (true) {
        ERR_clear_error();
        const int done = SSL_do_handshake(session_.get());
        if (done == 1) return {};
        const int status = SSL_get_error(session_.get(), done);
        const bool is_reading = status == SSL_ERROR_WANT_READ;
        if (!is_reading && status != SSL_ERROR_WANT_WRITE) {
            const StoreError error = refusal(endpoint, status);
            broken_ = Broken{.fault = error.fault, .reason = error.found};
            ERR_clear_error();
            return base::Failure{error};
        }
        if (!wait_for(wire_->descriptor, is_reading ? POLLIN : POLLOUT, deadline)) {
            const auto plain = wire_->has_heard ? std::nullopt : plain_answer(endpoint);
            if (plain) return base::Failure{not_spoken(endpoint, *plain)};
            return base::Failure{
                unreachable_error(to_string(endpoint), "no answer to a TLS greeting in time")};
        }
    }
}

StoreError TlsSession::refusal(const Endpoint& endpoint, int status) const {
    if (!wire_->plain.empty()) {
        return not_spoken(endpoint, wire_->plain);
    }
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict != X509_V_OK) {
        return tls_error(
            endpoint, fault_of_verdict(verdict),
            fmt::format("{}: {}", X509_verify_cert_error_string(verdict), wire_->shown));
    }
    Broken broken = why_broken(*wire_, status);
    if (broken.fault == StoreFault::unreachable) {
        return unreachable_error(to_string(endpoint), broken.reason + " during the TLS handshake");
    }
    return tls_error(endpoint, broken.fault, std::move(broken.reason));
}

base::Result<std::size_t, Broken> TlsSession::read(std::span<char> to) {
    // A write that broke does not keep what the other side said before from being read.
    wire_->error = 0;
    read_waits_for_write_ = false;
    has_more_ = false;
    std::size_t filled = 0;
    while (!broken_ && filled < to.size()) {
        ERR_clear_error();
        std::size_t given = 0;
        const std::span<char> rest = to.subspan(filled);
        const int done = SSL_read_ex(session_.get(), rest.data(), rest.size(), &given);
        filled += given;
        if (done == 1) continue;
        const int status = SSL_get_error(session_.get(), done);
        read_waits_for_write_ = status == SSL_ERROR_WANT_WRITE;
        if (status == SSL_ERROR_WANT_READ || read_waits_for_write_) return filled;
        broken_ = why_broken(*wire_, status);
        ERR_clear_error();
    }
    if (broken_ && filled == 0) return base::Failure{*broken_};
    // Either the room or the session has ended before what has arrived: there is more to be told.
    has_more_ = true;
    return filled;
}

base::Result<std::size_t, Broken> TlsSession::write(std::string_view bytes) {
    if (broken_) return base::Failure{*broken_};
    write_waits_for_read_ = false;
    ERR_clear_error();
    std::size_t taken = 0;
    const int done = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &taken);
    if (done == 1) return taken;
    const int status = SSL_get_error(session_.get(), done);
    write_waits_for_read_ = status == SSL_ERROR_WANT_READ;
    if (status == SSL_ERROR_WANT_WRITE || write_waits_for_read_) return std::size_t{0};
    const Broken broken = why_broken(*wire_, status);
    ERR_clear_error();
    return base::Failure{broken};
}

bool speaks_tls(const Endpoint& endpoint) {
    const Deadline deadline = second_look();
    const auto socket = connect_socket(endpoint, deadline);
    if (!socket) return false;
    auto wire = std::make_unique<TlsWire>();
    wire->descriptor = socket->get();
    const TlsSession session(std::move(wire), bare_context().get());
    const TlsWire& heard = *session.wire_;
    do {
        ERR_clear_error();
        SSL_do_handshake(session.session_.get());
    } while (!heard.has_heard && !heard.is_closed && heard.error == 0 &&
             wait_for(heard.descriptor, POLLIN, deadline));
    ERR_clear_error();
    return heard.has_heard && heard.plain.empty();
}

StoreError tls_error(const Endpoint& endpoint, StoreFault fault, std::string found) {
    StoreError error{.fault = fault,
                     .subject = to_string(endpoint),
                     .expected = "TLS",
                     .found = std::move(found),
                     .remedy =
                         "Allow TLS 1.2 or 1.3 and their usual ciphers on the server "
                         "(tls-protocols, tls-ciphers, tls-ciphersuites)."};
    if (fault == StoreFault::tls_certificate_untrusted) {
        error.expected = fmt::format("a certificate that {} vouches for", endpoint.tls->authority);
        error.remedy =
            "Name the authority that signed the server's certificate in tls.authority, or correct "
            "the server's tls-cert-file.";
    } else if (fault == StoreFault::tls_certificate_expired) {
        error.expected = "a certificate that is valid today";
        error.remedy =
            "Renew the server's certificate and load it (CONFIG SET tls-cert-file ...), or correct "
            "the clock.";
    } else if (fault == StoreFault::tls_wrong_name) {
        error.expected = fmt::format("a certificate for {}", wanted_name(endpoint));
        error.remedy =
            "Give the server a certificate with that subjectAltName, correct the endpoint, or say "
            "in tls.server_name which name it has.";
    } else if (fault == StoreFault::tls_not_spoken) {
        error.remedy = "Point the endpoint at the server's tls-port, or leave out tls.";
    } else if (fault == StoreFault::tls_demanded) {
        error.expected = "a Redis without TLS";
        error.remedy = "Give the endpoint its tls, or point it at the server's plain port.";
    } else if (fault == StoreFault::tls_client_refused) {
        error.expected = "a server that takes our certificate";
        error.remedy =
            "Set tls.certificate and tls.key to what the server's tls-ca-cert-file has signed.";
    }
    return error;
}

}  // namespace crossclear::store
