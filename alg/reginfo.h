// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGINFO_H
#define ALG_REGINFO_H
// The body of a NOTIFY of the reg event package: application/reginfo+xml (RFC 3680 5).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A user has a handful of identities with a handful of contacts each.
#define REGINFO_ENTRIES_MAX 64
#define REGINFO_URI_MAX 256

enum reginfo_event {
    REGINFO_OTHER, // registered, created, refreshed, ...
    REGINFO_SHORTENED,
    REGINFO_DEACTIVATED,
    REGINFO_REJECTED,
    REGINFO_UNREGISTERED,
    REGINFO_EXPIRED,
    REGINFO_PROBATION,
};

// One contact of one identity, or an identity without any.
struct reginfo_entry {
    char aor[REGINFO_URI_MAX];
    char uri[REGINFO_URI_MAX]; // "": the identity has no contact in this document
    bool registration_terminated, contact_terminated;
    enum reginfo_event event;
    uint32_t expires_s; // 0: not said
};

struct reginfo {
    uint32_t version;
    bool full; // else partial
    unsigned count;
    struct reginfo_entry entry[REGINFO_ENTRIES_MAX];
};

// 0; -EINVAL: no such document (a document type declaration is not taken either); -E2BIG: more
// than the bounds allow. Then *out says nothing.
int reginfo_parse(struct reginfo *out, const char *text, size_t len);

#endif
