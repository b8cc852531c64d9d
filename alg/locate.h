// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_LOCATE_H
#define ALG_LOCATE_H
// Where a SIP URI leads (RFC 3263 4): from a name by NAPTR, SRV and address records to IP addresses
// with port and transport, in the order in which they are to be tried. Answers are kept as long as
// their records say; failures are not kept, so that the next request tries again.

#include "alg/dns.h"

#include <stdbool.h>

struct locator;

enum locate_transport { LOCATE_ANY, LOCATE_UDP, LOCATE_TCP };

struct locate_question {
    char host[DNS_NAME_MAX]; // a name; "": there is nothing to ask
    uint16_t port;           // 0: none was given
    enum locate_transport transport;
};

// A request tries a handful of places before its sender has given up.
#define LOCATE_TARGETS_MAX 8
struct locate_target {
    struct addr addr;
    bool tcp;
};
struct locate_answer {
    unsigned count;
    struct locate_target target[LOCATE_TARGETS_MAX];
};

// Names known at one time; the one that expires first makes room.
#define LOCATE_CACHE_MAX 256
// Names being asked for at one time; a flood of foreign domains must not fill the memory.
#define LOCATE_LOOKUPS_MAX 128
// Bounds of what a record may say. The least is what one burst of requests needs.
#define LOCATE_TTL_MIN_S 1
#define LOCATE_TTL_MAX_S 3600

// dns is borrowed. random is asked once for each choice by weight. v4, v6: families that can be
// used. NULL: no memory.
struct locator_setup {
    struct dns *dns;
    bool v4, v6;
    uint64_t (*now_ms)(void);
    uint32_t (*random)(void);
};
struct locator *locator_open(const struct locator_setup *setup);
// Whoever still waits is not told. NULL is allowed. The dns closes before.
void locator_close(struct locator *locator);
unsigned locator_cached(const struct locator *locator);

// What is known now, ordered anew by weight (RFC 2782). False: it has to be asked.
bool locator_find(struct locator *locator, const struct locate_question *question,
                  struct locate_answer *answer);
// Asks; the same question is asked once for all who wait for it. done is called once, perhaps from
// within: FOUND, and then locator_find() knows it; NONE; or FAILED. wait is the caller's, and the
// locator's until then. 0, or without a call of done -EBUSY (too many are asked already) or
// -ENOMEM.
struct locate_wait {
    void (*done)(void *arg, enum dns_result result);
    void *arg;
    struct locate_wait *prev, *next;
    struct lookup *lookup; // NULL: not waiting (any more)
};
int locator_ask(struct locator *locator, const struct locate_question *question,
                struct locate_wait *wait);
// No longer interested. Nothing when it does not wait.
void locator_forget(struct locate_wait *wait);

#endif
