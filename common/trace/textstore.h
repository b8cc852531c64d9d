// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_TRACE_TEXTSTORE_H
#define COMMON_TRACE_TEXTSTORE_H
// Text that is written once, seldom read, and kept for the life of a session: what is settled is
// held packed (LZ4), a third to a quarter of its length.

#include <stddef.h>
#include <stdint.h>

struct textstore;

// NULL: no memory.
struct textstore *textstore_open(void);
void textstore_free(struct textstore *s); // NULL is allowed

// Room for len bytes at the end, to be filled in by the caller at once; *at is where they will be
// found in textstore_read(). NULL: no memory, or more than fits in one store; nothing was added.
char *textstore_add(struct textstore *s, size_t len, uint32_t *at);

// Packs what was added, and drops what was unpacked for reading: nothing more is expected for a
// while. Costs about a microsecond per KiB. Without memory the text stays as it is.
void textstore_settle(struct textstore *s);

// Memory it takes, in bytes.
size_t textstore_bytes(const struct textstore *s);

// All that was added, in one piece; borrowed until the next add or settle. NULL: no memory.
const char *textstore_read(struct textstore *s);

#endif
