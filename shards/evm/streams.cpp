#include "shards/evm/streams.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/verify_mode.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstddef>
#include <string>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Nobody takes longer to connect, or to shake hands, even where nobody waits for it any more.
constexpr auto connect_max = std::chrono::seconds(10);

void look_up_and_connect(tcp::resolver& resolver, PlainStream& stream, const Endpoint& endpoint,
                         std::function<void(error_code)> done) {
    resolver.async_resolve(
        endpoint.host, std::to_string(endpoint.port),
        [&stream, done = std::move(done)](error_code error,
                                          const tcp::resolver::results_type& found) mutable {
            if (error) return done(error);
            stream.expires_after(connect_max);
            stream.async_connect(
                found, [&stream, done = std::move(done)](error_code failed, const tcp::endpoint&) {
                    // Questions are small and must not wait for company.
                    error_code ignored;
                    stream.expires_never();
                    if (!failed) stream.socket().set_option(tcp::no_delay{true}, ignored);
                    done(failed);
                });
        });
}

}  // namespace

// The system forgets it again, and so it is said before each answer.
void acknowledge_quickly(PlainStream& stream) {
    const int on = 1;
    (void)::setsockopt(stream.socket().native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}
void acknowledge_quickly(SecureStream& stream) { acknowledge_quickly(stream.next_layer()); }

std::shared_ptr<asio::ssl::context> tls_context(const WireOptions& options) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    error_code ignored;
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                             asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                             asio::ssl::context::no_tlsv1_1,
                         ignored);
    context->set_default_verify_paths(ignored);
    // A file that cannot be read trusts nobody more: the handshake says so.
    if (!options.authority.empty()) context->load_verify_file(options.authority, ignored);
    // Nor does one that shows nothing convince anybody. Nobody is there to type a password.
    if (!options.certificate.empty()) {
        context->set_password_callback(
            [](std::size_t, asio::ssl::context::password_purpose) { return std::string{}; },
            ignored);
        context->use_certificate_chain_file(options.certificate, ignored);
        context->use_private_key_file(options.key, asio::ssl::context::pem, ignored);
    }
    context->set_verify_mode(asio::ssl::verify_peer, ignored);
    return context;
}

void connect(tcp::resolver& resolver, PlainStream& stream, const Endpoint& endpoint,
             std::function<void(error_code)> done) {
    look_up_and_connect(resolver, stream, endpoint, std::move(done));
}

void connect(tcp::resolver& resolver, SecureStream& stream, const Endpoint& endpoint,
             std::function<void(error_code)> done) {
    error_code error;
    stream.set_verify_callback(asio::ssl::host_name_verification(endpoint.host), error);
    // Hosts with several names answer with the certificate of the one that is asked for. An address
    // is no name (RFC 6066).
    std::string name = endpoint.host;
    error_code is_no_address;
    (void)asio::ip::make_address(name, is_no_address);
    if (is_no_address) {
        SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 name.data());
    }
    look_up_and_connect(resolver, stream.next_layer(), endpoint,
                        [&stream, done = std::move(done)](error_code failed) mutable {
                            if (failed) return done(failed);
                            stream.next_layer().expires_after(connect_max);
                            stream.async_handshake(
                                asio::ssl::stream_base::client,
                                [&stream, done = std::move(done)](error_code refused) {
                                    stream.next_layer().expires_never();
                                    done(refused);
                                });
                        });
}

RpcError unreachable(std::string_view while_doing, const error_code& error) {
    return {
        .fault = RpcFault::unreachable,
        .code = 0,
        .message = printable(fmt::format("{}: {}", while_doing, error.message()), rpc_message_max),
        .data = {}};
}

RpcError timed_out() {
    return {.fault = RpcFault::timed_out, .code = 0, .message = "no answer in time", .data = {}};
}

}  // namespace crossclear::shards::evm
