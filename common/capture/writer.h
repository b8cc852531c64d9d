// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_WRITER_H
#define COMMON_CAPTURE_WRITER_H
// Makes files of records: finds the session of each, gives packets the headers a socket does not
// show, and streams their sequence numbers. One thread.

#include "common/capture/ring.h"
#include "common/config.h"

struct writer;

// 0 or a negative errno with a sentence in error. cfg is borrowed.
int writer_open(struct writer **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX]);
void writer_close(struct writer *writer); // NULL is allowed

// Names and secrets first, then the packets that need them. 0 or the negative errno of what the
// system refused: nothing more can be written.
int writer_take(struct writer *writer, const struct record *record);
// After each batch: hands over what was written and forgets sessions that have ended.
int writer_flush(struct writer *writer, uint64_t now_us);

#endif
