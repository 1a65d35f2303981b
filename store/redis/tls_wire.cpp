#include "store/redis/tls_wire.hpp"

#include "base/check.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

namespace crossclear::store {
namespace {

// Every record of TLS begins with its kind; a server's first is one of these.
constexpr unsigned char record_alert = 0x15;
constexpr unsigned char record_handshake = 0x16;

void note_heard(TlsWire& wire, std::string_view bytes) {
    const auto first = static_cast<unsigned char>(bytes.front());
    const bool is_tls = first == record_handshake || first == record_alert;
    if (!wire.has_heard && !is_tls) wire.plain = printable(bytes, quote_bytes);
    wire.has_heard = true;
}

bool is_to_be_tried_again(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

int send_bytes(BIO* bio, const char* from, int size) {
    auto* wire = static_cast<TlsWire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    ssize_t taken = 0;
    do {
        taken = ::send(wire->descriptor, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    if (taken >= 0) return static_cast<int>(taken);
    if (is_to_be_tried_again(errno)) {
        BIO_set_retry_write(bio);
    } else {
        wire->error = errno;
    }
    return -1;
}

int receive_bytes(BIO* bio, char* to, int size) {
    auto* wire = static_cast<TlsWire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    ssize_t given = 0;
    do {
        given = ::recv(wire->descriptor, to, static_cast<std::size_t>(size), 0);
    } while (given < 0 && errno == EINTR);
    if (given > 0) {
        note_heard(*wire, std::string_view(to, static_cast<std::size_t>(given)));
        return static_cast<int>(given);
    }
    if (given == 0) {
        wire->is_closed = true;
        return 0;
    }
    if (is_to_be_tried_again(errno)) {
        BIO_set_retry_read(bio);
    } else {
        wire->error = errno;
    }
    return -1;
}

long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command != BIO_CTRL_EOF) return 0;
    return static_cast<TlsWire*>(BIO_get_data(bio))->is_closed ? 1 : 0;
}

}  // namespace

bio_st* make_bio(TlsWire& wire) {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
        CHECK(made != nullptr, "memory for a method can be allocated");
        BIO_meth_set_write(made, &send_bytes);
        BIO_meth_set_read(made, &receive_bytes);
        BIO_meth_set_ctrl(made, &control);
        return made;
    }();
    BIO* bio = BIO_new(method);
    CHECK(bio != nullptr, "memory for a socket can be allocated");
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    return bio;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string shown(text.substr(0, bytes_max));
    std::replace_if(
        shown.begin(), shown.end(),
        [](char c) { return std::isprint(static_cast<unsigned char>(c)) == 0; }, ' ');
    while (shown.ends_with(' ')) shown.pop_back();
    return shown;
}

}  // namespace crossclear::store
