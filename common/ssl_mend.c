// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: SSL_shutdown() of one connection remembers it; the next connection to be shut down
// finds that nobody has freed it, and frees it. So one is kept at a time, and never one in use.
//
// Between the two the caller gives back what the connection stands on, as if it had been freed: its
// BIO, and (a slip of Sofia's) a reference to the context of all connections. So both are held here
// as long as the connection is.
//
// Failure paths: a caller that does free is not anticipated: its SSL_free() finds the connection
// remembered and takes it. A pong that cannot be sent at once is not sent.
#include "common/ssl_mend.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

// Sofia finds room for that much in a message of any size that may be configured.
#define READ_MAX 1024

static struct {
    int (*shutdown)(SSL *ssl);
    void (*free)(SSL *ssl);
    int (*read)(SSL *ssl, void *bytes, int size);
} library;

static SSL *ended; // shut down, and not freed so far

int ssl_mend_start(void)
{
    // ISO C knows no way from the one kind of pointer to the other
    *(void **)&library.shutdown = dlsym(RTLD_NEXT, "SSL_shutdown");
    *(void **)&library.free = dlsym(RTLD_NEXT, "SSL_free");
    *(void **)&library.read = dlsym(RTLD_NEXT, "SSL_read");
    return library.shutdown && library.free && library.read ? 0 : -ENOSYS;
}

// --- the end of a connection ------------------------------------------------------------------

static void release_ended(void)
{
    SSL *ssl = ended;
    ended = NULL;
    library.free(ssl);
}

EXPORTED int SSL_shutdown(SSL *ssl)
{
    if (!library.shutdown && ssl_mend_start() != 0)
        return -1;
    if (ended != ssl)
        release_ended();
    int result = library.shutdown(ssl);
    ERR_clear_error();
    if (ended != ssl && SSL_get_rbio(ssl) && BIO_up_ref(SSL_get_rbio(ssl))) {
        SSL_CTX_up_ref(SSL_get_SSL_CTX(ssl));
        ended = ssl;
    }
    return result;
}

EXPORTED void SSL_free(SSL *ssl)
{
    if (!library.free && ssl_mend_start() != 0)
        return;
    if (ssl && ended == ssl) {
        ended = NULL;
        BIO_free(SSL_get_rbio(ssl));
        SSL_CTX_free(SSL_get_SSL_CTX(ssl));
    }
    library.free(ssl);
}

// --- what comes on it -------------------------------------------------------------------------

// Between messages line ends mean nothing, so one too many does no harm (RFC 3261 7.5).
static void answer_ping(SSL *ssl, const void *bytes, int len)
{
    static const char ping[4] = "\r\n\r\n", pong[2] = "\r\n";
    if (len != sizeof(ping) || memcmp(bytes, ping, sizeof(ping)) != 0 || !SSL_is_server(ssl))
        return;
    (void)SSL_write(ssl, pong, sizeof(pong));
    ERR_clear_error();
}

EXPORTED int SSL_read(SSL *ssl, void *bytes, int size)
{
    if (!library.read && ssl_mend_start() != 0)
        return -1;
    int got = library.read(ssl, bytes, size < READ_MAX ? size : READ_MAX);
    answer_ping(ssl, bytes, got);
    return got;
}
