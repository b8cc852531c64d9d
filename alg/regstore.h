// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGSTORE_H
#define ALG_REGSTORE_H
// Records of registrations in a file that survives a restart. What a record says is its owner's
// business. Writing never waits for the disk: a thread of its own commits what has gathered.

#include "common/config.h"

#include <stdint.h>

struct regstore;

// Opens or makes the file and starts the thread. A file that is damaged or none of ours is set
// aside under another name and reported, and a new one takes its place. Returns 0, or a negative
// errno with a sentence in error when there can be no file at that place; *out untouched.
int regstore_open(struct regstore **out, const char *file, char error[static CONFIG_ERROR_MAX]);
// Writes what is left. NULL is allowed.
void regstore_close(struct regstore *store);

// What was there when the file was opened and has not expired at this time (Unix time). record is
// borrowed. Before the first put.
void regstore_load(struct regstore *store, int64_t now,
                   void (*visit)(void *arg, const char *key, int64_t expires, const char *record),
                   void *arg);

// Both copy, and return at once; the last word about a key counts. Without memory, or when the disk
// is too slow for REGSTORE_WAITING_MAX of them, the record is not kept, which is counted.
#define REGSTORE_WAITING_MAX 200000
void regstore_put(struct regstore *store, const char *key, int64_t expires, const char *record);
void regstore_remove(struct regstore *store, const char *key);

#endif
