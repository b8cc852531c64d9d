// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_KEYLOG_H
#define AGW_KEYLOG_H
// The opt-in key log: one NSS line per (D)TLS session, for people who want to read their own
// captures. Whoever has the file can read the media, so it is readable by its owner alone
// (REQ-112). SSLKEYLOGFILE in the environment works too, without this module.

#include <gnutls/gnutls.h>

// Opens path for appending, mode 0600, and says so in the log. Returns a descriptor or a negative
// errno; a symbolic link is refused.
int keylog_open(const char *path);

// Somebody who hears each line, without a zero; tell NULL: nobody.
struct keylog_listener {
    void (*tell)(void *arg, const char *line, size_t len);
    void *arg;
};

// Puts the line of a session into the file (-1: none) and tells it. Safe from all workers at once:
// writing is a single write. A line that cannot be written is lost and logged.
void keylog_put(int fd, const struct keylog_listener *listener, gnutls_session_t session,
                const char *label, const gnutls_datum_t *secret);

#endif
