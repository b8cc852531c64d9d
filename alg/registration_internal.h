// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTRATION_INTERNAL_H
#define ALG_REGISTRATION_INTERNAL_H
// Shared by the life of a registration (registration.c), the ways to find one
// (registration_table.c) and the traces that are kept (registration_trace.c).

#include "alg/index.h"
#include "alg/multi.h"
#include "alg/registration.h"
#include "alg/wheel.h"
#include "common/fsm.h"

// One way to the UE with what was agreed on it.
struct reach {
    char token[REGISTRATION_TOKEN_LEN + 1]; // "": none
    struct flow flow;
    unsigned mediasec;
    bool sec_agree;
};

// A list of texts in one block.
struct texts {
    unsigned count;
    size_t bytes;
    const char *text[];
};

struct kept_trace {
    struct kept_trace *prev, *next;
    struct registration *owner; // holds a reference
    struct trace *trace;
};

struct registration {
    struct registrations *all;
    struct registration *prev, *next; // in all->list
    unsigned refs;                    // the table holds one
    int state;                        // enum registration_state
    char *impi, *aor, *contact, *instance;
    unsigned reg_id;
    bool emergency, outbound, flow_lost;
    struct reach current, pending, former;
    uint64_t expires_ms, pending_until_ms, former_until_ms; // 0: no such time
    struct wheel_entry wheel;
    struct texts *uris, *route;
    char *charging, *term_ioi;
    struct multi_link by_binding, by_contact, by_flow, by_host;
    struct multi_link *by_impu; // one per entry of uris
    unsigned impu_count;
    struct kept_trace *kept; // NULL: none
};

struct registrations {
    struct registrations_setup setup;
    struct registration *list;
    struct index *tokens;
    struct multi *bindings, *contacts, *flows, *hosts, *impus;
    struct wheel wheel;
    struct kept_trace *traces; // newest first
    unsigned trace_count, count;
};

// --- registration_parts.c ---------------------------------------------------------------------

// In no table yet, with one reference. NULL: no memory.
struct registration *parts_make(struct registrations *all, const struct registration_request *q);
void parts_free(struct registration *r);
// Takes over what a later REGISTER says otherwise; without memory the former text stays.
void parts_follow(struct registration *r, const struct registration_request *q);
// Takes over what a 200 says; the indexes are not touched but for identities, which are taken out.
// 0 or -ENOMEM.
int parts_grant(struct registration *r, const struct registration_grant *grant);
// One identity more, at the end of the list; the indexes as above. 0, -ENOSPC or -ENOMEM.
int parts_add_identity(struct registration *r, const char *uri);

// --- registration_table.c ---------------------------------------------------------------------

// Room for the key of any identity that is kept.
#define IMPU_KEY_MAX (REGISTRATION_TEXT_MAX + 4)

// Each puts r in one way of finding it, or takes it out again; out may be called twice. 0 or
// -ENOMEM.
int table_put_binding(struct registration *r);
int table_put_flow(struct registration *r);
int table_put_identities(struct registration *r);
void table_remove_flow(struct registration *r);
void table_remove_identities(struct registration *r);
int table_put_token(struct registration *r, const char *token);
void table_remove_token(struct registrations *all, const char *token);

// --- registration_trace.c ---------------------------------------------------------------------

// A new trace in the place of the former one; the oldest of all goes when there are too many.
void kept_trace_start(struct registration *r);
void kept_trace_drop_all(struct registrations *all);

#endif
