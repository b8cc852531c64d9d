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

// Hands the line for session, without a zero, to somebody else.
void keylog_tell(void (*tell)(void *arg, const char *line, size_t len), void *arg,
                 gnutls_session_t session, const char *label, const gnutls_datum_t *secret);
// Writes the line for session. Safe from all workers at once: it is a single write. A line that
// cannot be written is lost and logged.
void keylog_write(int fd, gnutls_session_t session, const char *label,
                  const gnutls_datum_t *secret);

#endif
