// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: "LABEL CLIENT_RANDOM SECRET" in hex, appended in one write.
// Failure paths: the file cannot be opened (negative errno) or written (a warning); what does not
// fit the format is not written.

#include "agw/keylog.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_BYTES 32
// A master secret has 48 bytes, a TLS 1.3 traffic secret at most the 64 of SHA-512.
#define SECRET_MAX 64
// "SERVER_HANDSHAKE_TRAFFIC_SECRET" is the longest label there is.
#define LABEL_MAX 32
// Label, two blanks, two values in hex, newline, and the zero of snprintf.
#define LINE_MAX_BYTES (LABEL_MAX + 2 * RANDOM_BYTES + 2 * SECRET_MAX + 4)

int keylog_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0600) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    log_warn("key log", "%s is being written: whoever reads it can read all media", path);
    return fd;
}

static size_t add_hex(char *text, size_t at, const gnutls_datum_t *bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < bytes->size; i++) {
        text[at++] = digits[bytes->data[i] >> 4];
        text[at++] = digits[bytes->data[i] & 15];
    }
    return at;
}

// Returns the length of the line; 0: it does not fit the format.
static size_t put_line(gnutls_session_t session, const char *label, const gnutls_datum_t *secret,
                       char line[static LINE_MAX_BYTES])
{
    gnutls_datum_t client = {0}, server = {0};
    gnutls_session_get_random(session, &client, &server);
    if (client.size != RANDOM_BYTES || secret->size > SECRET_MAX || strlen(label) > LABEL_MAX)
        return 0;
    size_t at = (size_t)snprintf(line, LINE_MAX_BYTES, "%s ", label);
    at = add_hex(line, at, &client);
    line[at++] = ' ';
    at = add_hex(line, at, secret);
    line[at++] = '\n';
    return at;
}

void keylog_put(int fd, const struct keylog_listener *listener, gnutls_session_t session,
                const char *label, const gnutls_datum_t *secret)
{
    char line[LINE_MAX_BYTES];
    size_t len = put_line(session, label, secret, line);
    if (len > 0 && fd >= 0 && write(fd, line, len) != (ssize_t)len)
        log_warn("key log", "a line could not be written");
    if (len > 0 && listener->tell)
        listener->tell(listener->arg, line, len);
    gnutls_memset(line, 0, sizeof(line));
}
