// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: SSL_shutdown() of one connection remembers it; the next connection to be shut down
// finds that nobody has freed it, and frees it. So one is kept at a time, and never one in use.
//
// Between the two the caller gives back what the connection stands on, as if it had been freed: its
// BIO, and (a slip of Sofia's) a reference to the context of all connections. So both are held here
// as long as the connection is.
//
// Failure paths: a caller that does free is not anticipated: its SSL_free() finds the connection
// remembered and takes it. Errors of a broken handshake are cleared away: whoever looks at the next
// connection would take them for its own (SSL_get_error(3)).
#include "common/ssl_release.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))

static struct {
    int (*shutdown)(SSL *ssl);
    void (*free)(SSL *ssl);
} library;

static SSL *ended; // shut down, and not freed so far

int ssl_release_start(void)
{
    // ISO C knows no way from the one kind of pointer to the other
    *(void **)&library.shutdown = dlsym(RTLD_NEXT, "SSL_shutdown");
    *(void **)&library.free = dlsym(RTLD_NEXT, "SSL_free");
    return library.shutdown && library.free ? 0 : -ENOSYS;
}

static void release_ended(void)
{
    SSL *ssl = ended;
    ended = NULL;
    library.free(ssl);
}

EXPORTED int SSL_shutdown(SSL *ssl)
{
    if (!library.shutdown && ssl_release_start() != 0)
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
    if (!library.free && ssl_release_start() != 0)
        return;
    if (ssl && ended == ssl) {
        ended = NULL;
        BIO_free(SSL_get_rbio(ssl));
        SSL_CTX_free(SSL_get_SSL_CTX(ssl));
    }
    library.free(ssl);
}
