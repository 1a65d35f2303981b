// Between CAF and OpenSSL, by the linker's --wrap.
//
// The problem: OpenSSL keeps a queue of errors per thread, and SSL_get_error takes whatever stands
// in it for the outcome of the latest call. CAF 0.18.7 neither empties the queue before a call nor
// after a failed one. So a node whose certificate is refused leaves its error behind, the next read
// on a sound connection that only has nothing to read looks like a failure, and CAF closes it: a
// stranger that keeps trying cuts the others off from each other. The cure is what OpenSSL's manual
// asks for: the queue is emptied before each call.

#include <openssl/err.h>
#include <openssl/ssl.h>

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the linker's.
extern "C" {

int __real_SSL_read(SSL* session, void* to, int size);
int __real_SSL_write(SSL* session, const void* from, int size);
int __real_SSL_connect(SSL* session);
int __real_SSL_accept(SSL* session);

int __wrap_SSL_read(SSL* session, void* to, int size) {
    ERR_clear_error();
    return __real_SSL_read(session, to, size);
}

int __wrap_SSL_write(SSL* session, const void* from, int size) {
    ERR_clear_error();
    return __real_SSL_write(session, from, size);
}

int __wrap_SSL_connect(SSL* session) {
    ERR_clear_error();
    return __real_SSL_connect(session);
}

int __wrap_SSL_accept(SSL* session) {
    ERR_clear_error();
    return __real_SSL_accept(session);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
