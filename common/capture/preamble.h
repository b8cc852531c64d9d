// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_PREAMBLE_H
#define COMMON_CAPTURE_PREAMBLE_H
// What a reader needs of a session before it can read the rest of it: the keys, the handshakes that
// use them, and the SDP that tells what the media are. It is kept as blocks while the session lives
// and put again where the session goes on in another file.

#include "common/strbuf.h"

#include <stdint.h>

enum preamble_part { PREAMBLE_KEYS, PREAMBLE_HANDSHAKES, PREAMBLE_SDP, PREAMBLE_PARTS };

struct preambles;

struct preambles *preambles_open(void);      // NULL: no memory
void preambles_close(struct preambles *all); // NULL is allowed

// Keeps blocks of a session, which stand in this file already. What is kept longest goes when a
// part would be too long. Without memory they are left out.
void preamble_keep(struct preambles *all, const char *session, unsigned file,
                   enum preamble_part part, const struct strbuf *blocks);
// Appends all that is kept of a session, keys first, unless it stands in this file.
void preamble_put(struct preambles *all, const char *session, unsigned file, struct strbuf *out);
// The session has ended: what is on its way may still want it.
void preamble_end(struct preambles *all, const char *session, uint64_t now_us);
// Forgets what ended before this time.
void preambles_sweep(struct preambles *all, uint64_t before_us);

#endif
